#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""xs-probe metrics, read by a strict reader of the format, and the units that
run it."""
import json
import os
import re
import shutil
import stat
import subprocess
import unittest

import exposition
from broken import TOP, Test, records


class Reader(unittest.TestCase):
    """It has to find what is wrong, or it proves nothing."""

    GOOD = ('# HELP a_total Words.\n# TYPE a_total counter\n'
            'a_total{x="1",y="q\\"\\\\\\n"} 5\na_total 6\n'
            '# HELP h H.\n# TYPE h histogram\nh_bucket{le="0.1"} 1\n'
            'h_bucket{le="+Inf"} 3\nh_sum 1.5\nh_count 3\n')

    def test_good(self):
        found = exposition.parse(self.GOOD)
        self.assertEqual(sorted(found), ["a_total", "h"])

    def test_wrong(self):
        for old, new in (
                ("# HELP a_total Words.\n", ""), (" counter", " sheep"),
                ("a_total 6", "b_total 6"), ("a_total 6", "a_total six"),
                ("a_total 6", "a_total -6"), ('x="1"', "x=1"),
                ('y="q\\"', 'y="q"'), ('x="1",y', 'x="1",x'),
                ("a_total 6\n", "a_total 6\na_total 6\n"),
                ("h_count 3", "h_count 4"), ("h_sum 1.5\n", ""),
                ('le="0.1"} 1', 'le="0.1"} 4'), ("count 3\n", "count 3"),
                ('h_bucket{le="+Inf"} 3\n', "")):
            self.assertIn(old, self.GOOD)
            with self.assertRaises(exposition.Wrong, msg=(old, new)):
                exposition.parse(self.GOOD.replace(old, new, 1))


class Metrics(Test):
    def read(self):
        return exposition.parse(self.ask("metrics"))

    def test_values(self):
        b = self.begin()
        b.spoil()
        found = self.read()

        def value(name, **labels):
            return found["proxenos_" + name].samples[
                "proxenos_" + name, tuple(sorted(labels.items()))]

        self.assertEqual(value("up"), 1)
        self.assertEqual(value("info", version="0.1.0", machine="1"), 1)
        self.assertEqual(value("conflicts_total"), 3)
        self.assertEqual(value("domain_conflicts_total", domain="1"), 3)
        self.assertEqual(value("domain_nodes", domain="3"), 1000)
        self.assertEqual(value("domain_nodes_limit", domain="3"), 1000)
        self.assertEqual(value("quota_refused_total", domain="3",
                               quota="nodes"), 5)
        self.assertEqual(value("domain_ring_reply_bytes", domain="4"), 1024)
        self.assertGreater(value("domain_events_waiting", domain="4"), 100)
        self.assertEqual(value("quota_limit", quota="watches"), 128)
        self.assertGreater(value("op_requests_total", op="WRITE"), 1000)
        self.assertEqual(value("op_errors_total", op="TRANSACTION_END"), 3)
        for name, key in ("requests_total", "requests"), \
                ("received_bytes_total", "bytes_in"), \
                ("errors_total", "errors"):
            row = [r for r in records(b.xs, "load") if r["domid"] == "3"][0]
            self.assertEqual(value("domain_" + name, domain="3"),
                             int(row[key]))
        self.assertEqual(value("domain_requests_total", domain="3"),
                         found["proxenos_domain_latency_seconds"].samples[
                             "proxenos_domain_latency_seconds_count",
                             (("domain", "3"),)])
        self.assertLess(value("domain_unread_seconds", domain="4"), 600)
        self.assertNotIn(("proxenos_domain_nodes",
                          (("domain", "sockets"),)),
                         found["proxenos_domain_nodes"].samples)

    def test_counters_only_grow(self):
        b = self.begin()
        before = self.read()
        b.spoil()
        after = self.read()
        for name, family in before.items():
            for key, v in family.samples.items():
                if family.kind != "gauge":
                    self.assertGreaterEqual(after[name].samples[key], v, key)

    def test_file(self):
        b = self.begin()
        name = os.path.join(b.machine.dir, "proxenos.prom")
        self.assertEqual(self.ask("metrics", "--output", name), "")
        with open(name) as f:
            exposition.parse(f.read())
        self.assertEqual(stat.S_IMODE(os.stat(name).st_mode), 0o644)
        b.daemon.stop()
        self.ask("metrics", "--output", name, status=3, err="cannot reach")
        with open(name) as f:
            found = exposition.parse(f.read())
        self.assertEqual(list(found), ["proxenos_up"])
        self.assertEqual(found["proxenos_up"].samples,
                         {("proxenos_up", ()): 0})
        self.assertEqual([n for n in os.listdir(b.machine.dir)
                          if n.startswith("proxenos.prom.")], [])
        self.ask("metrics", status=3, err="cannot reach")

    def families(self, text):
        """Of --json, as those that the strict reader finds in the text."""
        whole = json.loads(text)
        self.assertEqual(list(whole), ["metrics"])
        found = {}
        for family in whole["metrics"]:
            self.assertEqual(set(family), {"name", "type", "help", "samples"})
            self.assertTrue(family["help"])
            samples = {}
            for sample in family["samples"]:
                key = (sample["name"],
                       tuple(sorted(sample["labels"].items())))
                self.assertNotIn(key, samples)
                samples[key] = sample["value"]
            self.assertNotIn(family["name"], found)
            found[family["name"]] = family["type"], samples
        return found

    def test_json(self):
        """It has what the text has: families, samples, values."""
        b = self.begin()
        b.spoil()
        text, found = self.read(), self.families(self.ask("metrics", "--json"))
        self.assertEqual({name: f.kind for name, f in text.items()},
                         {name: f[0] for name, f in found.items()})
        still = 0
        for name, family in text.items():
            samples = found[name][1]
            self.assertEqual(set(family.samples), set(samples))
            for key, value in family.samples.items():
                self.assertIsInstance(samples[key], (int, float))
                still += samples[key] == value
                # What asking itself counts has grown between the two.
                if family.kind != "gauge":
                    self.assertGreaterEqual(samples[key], value, key)
                if name.startswith("proxenos_domain_n"):
                    self.assertEqual(samples[key], value, key)
        self.assertGreater(still, 200)

    def test_json_file(self):
        b = self.begin()
        name = os.path.join(b.machine.dir, "proxenos.json")
        self.assertEqual(self.ask("metrics", "--json", "-o", name), "")
        with open(name) as f:
            self.assertIn("proxenos_nodes", self.families(f.read()))
        b.daemon.stop()
        self.ask("metrics", "--json", "-o", name, status=3, err="cannot reach")
        with open(name) as f:
            self.assertEqual(self.families(f.read()), {
                "proxenos_up": ("gauge", {("proxenos_up", ()): 0})})

    def test_a_file_that_cannot_be(self):
        self.begin()
        self.ask("metrics", "--output", "/nonexistent/x", status=1,
                 err="No such file")

    def test_strangers(self):
        for daemon in "stock", "ocaml":
            b = self.begin(daemon=daemon, domains=1, args=())
            name = os.path.join(b.machine.dir, "x.prom")
            self.ask("metrics", "-o", name, status=3, err="cannot tell")
            with open(name) as f:
                self.assertIn("proxenos_up 0\n", f.read())
            b.daemon.stop()


class Units(unittest.TestCase):
    def test_command(self):
        """What the service runs is what xs-probe takes."""
        with open("systemd/proxenos-metrics.service") as f:
            text = f.read()
        command = re.search(r"^ExecStart=(.*)$", text, re.M).group(1).split()
        self.assertTrue(command[0].endswith("/bin/xs-probe"), command)
        self.assertEqual(command[1:3], ["metrics", "--output"])
        directory = os.path.dirname(command[3])
        self.assertIn("ReadWritePaths=%s\n" % directory, text)
        self.assertIn("ConditionPathIsDirectory=%s\n" % directory, text)
        self.assertNotIn("@", text)

    @unittest.skipUnless(shutil.which("systemd-analyze"), "no systemd here")
    def test_systemd_takes_them(self):
        p = subprocess.run(
            ["systemd-analyze", "verify", "--man=no",
             "systemd/proxenos-metrics.service",
             os.path.join(TOP, "systemd/proxenos-metrics.timer")],
            capture_output=True, text=True, timeout=60)
        wrong = [line for line in p.stderr.splitlines()
                 if "proxenos-metrics" in line and
                 "is not executable" not in line]
        self.assertEqual(wrong, [])


if __name__ == "__main__":
    unittest.main()
