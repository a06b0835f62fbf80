#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""xs-probe tree, diff and watch on simxen, with proxenos and with the stock
daemons: what they show is what is there, at one moment, however much it is.
"""
import glob
import json
import os
import signal
import subprocess
import sys
import threading
import time
import unittest

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [os.path.join(HERE, "../simxen")]
sys.dont_write_bytecode = True
from simxen import Machine, SocketClient, XSError  # noqa: E402

BUILD = os.getcwd()
DAEMON = os.path.join(BUILD, "xenstored/xenstored")
PROBE = os.path.join(BUILD, "tools/xs-probe/xs-probe")
STOCK = (glob.glob("/usr/lib/xen-*/bin/xenstored") or [None])[-1]
OCAML = glob.glob("/usr/lib/xen-*/bin/oxenstored") and "ocaml"
# The preload is before the sanitizer's library, on purpose.
os.environ["ASAN_OPTIONS"] = "verify_asan_link_order=0:" + \
    os.environ.get("ASAN_OPTIONS", "")
os.environ["LC_ALL"] = "C"
os.environ["TZ"] = "UTC"

DRAWN = """\
/t = ""
|- a = "1"
|  |- b = "two\\n"
|  `- c = "\\377"
|- a0 = "x"
`- z = ""

6 nodes, 7 bytes
"""


class Store(unittest.TestCase):
    peer = DAEMON

    def setUp(self):
        self.assertTrue(self.peer, "no such daemon here")
        self.m = Machine()
        self.addCleanup(self.m.close)
        args = [] if self.peer == "ocaml" else ["-N"]
        self.d = self.m.daemon(self.peer, *args)
        self.xs = SocketClient(self.m)
        self.addCleanup(lambda: self.xs.close())
        for path, value in ((b"/t", b""), (b"/t/z", b""), (b"/t/a0", b"x"),
                            (b"/t/a", b"1"), (b"/t/a/b", b"two\n"),
                            (b"/t/a/c", b"\xff")):
            self.xs.write(path, value)
        # Access is for domains that are there: 1 and 2.
        for _ in range(2):
            self.m_introduce()
        self.xs.set_perms(b"/t/a", b"n1", b"r2")

    def m_introduce(self):
        self.xs.introduce(self.m.add_domain())

    def probe(self, *args, status=0, words=""):
        p = self.m.run(PROBE, *args)
        self.assertEqual(p.returncode, status, p.stdout + p.stderr)
        if words:
            self.assertIn(words, p.stderr)
        else:
            self.assertEqual(p.stderr, "")
        return p.stdout

    def json(self, *args, **kw):
        return json.loads(self.probe(*args, "--json", **kw))

    def file(self, name):
        return os.path.join(self.m.dir, name)

    def all_alike(self):
        """What every daemon must give."""
        self.assertEqual(self.probe("tree", "/t"), DRAWN)
        got = self.json("tree", "/t/a")
        self.assertEqual(got["path"], "/t/a")
        self.assertEqual([n["path"] for n in got["nodes"]],
                         ["/t/a", "/t/a/b", "/t/a/c"])
        self.assertEqual(got["nodes"][0]["permissions"], ["n1", "r2"])
        self.assertEqual(got["nodes"][2]["value"], {"hex": "ff"})
        self.assertEqual((got["count"], got["bytes"]), (3, 6))
        self.probe("tree", "/none", status=1, words="no such node")

    def consistent(self):
        """Two nodes that are always written together are never apart."""
        stop, begun = threading.Event(), threading.Event()
        wrong = []

        def write():
            with SocketClient(self.m) as xs:
                number = 0
                while not stop.is_set():
                    number += 1
                    tx = xs.transaction()
                    for path in b"/t/a/b", b"/t/z":
                        xs.write(path, b"%d" % number, tx)
                    try:
                        xs.request("TRANSACTION_END", b"T\0", tx)
                        begun.set()
                    except XSError:
                        pass
                    # As toolstacks write: in bursts.
                    if number % 5 == 0:
                        stop.wait(0.05)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            seen = set()
            self.assertTrue(begun.wait(20))
            end = time.monotonic() + 20
            while len(seen) < 8 and time.monotonic() < end:
                got = {n["path"]: n["value"]
                       for n in self.json("tree", "/t")["nodes"]}
                if got["/t/a/b"] != got["/t/z"]:
                    wrong.append(got)
                seen.add(got["/t/z"])
        finally:
            stop.set()
            writer.join()
        self.assertEqual(wrong, [])
        self.assertEqual(len(seen), 8, "too little was written meanwhile")


class Tree(Store):
    def test_all(self):
        self.all_alike()

    def test_consistent(self):
        self.consistent()

    def test_options(self):
        self.assertEqual(self.probe("tree", "-n", "--depth", "1", "/t"), """\
/t
|- a
|- a0
`- z

6 nodes, 7 bytes
""")
        out = self.probe("tree", "-opz", "/t/a").splitlines()
        self.assertEqual(out[0], '/t/a = "1"  owner 1  (n1,r2)  1 B, below: '
                         '2 nodes, 5 B')
        self.assertRegex(out[2], r'^`- c = "\\377"  owner \d+  '
                         r'\([nrwb0-9,]+\)  1 B$')

    def test_lines_of_the_locale(self):
        p = self.m.run(PROBE, "tree", "/t",
                       env=dict(self.m.environ(), LC_ALL="C.UTF-8"))
        self.assertIn("\u251c\u2500 a = ", p.stdout)
        self.assertIn("\u2502  \u2514\u2500 c = ", p.stdout)

    def test_root(self):
        out = self.probe("tree", "/")
        self.assertTrue(out.startswith('/ = ""\n'))
        self.assertIn('\n|- t = ""\n|  |- a = "1"\n|  |  |- b = ', out)

    def test_large(self):
        """More names than a message, and more nodes than one could hold."""
        for i in range(3000):
            self.xs.write(b"/t/large/node-%05d" % i, b"%d" % i)
        deep = b"/t" + b"/d" * 300
        self.xs.write(deep, b"bottom")
        got = self.json("tree", "/t")
        self.assertEqual(got["count"], 6 + 1 + 3000 + 300)
        values = {n["path"]: n["value"] for n in got["nodes"]}
        self.assertEqual(values["/t/large/node-02999"], "2999")
        self.assertEqual(values[deep.decode()], "bottom")
        self.assertIn("`- node-02999 = ", self.probe("tree", "/t/large"))

    def test_save(self):
        name = self.file("snapshot")
        self.assertEqual(self.probe("tree", "--save", name, "/t"),
                         "%s: 6 nodes of /t\n" % name)
        with open(name) as f:
            saved = json.load(f)
        live = self.json("tree", "/t")
        del saved["time"], live["time"]
        self.assertEqual(saved, live)
        self.assertFalse(os.path.exists(name + ".new"))
        self.probe("tree", "--save", self.file("no/such"), "/t", status=1,
                   words="No such file")


class Diff(Store):
    def save(self, name, path="/t"):
        name = self.file(name)
        self.probe("tree", "--save", name, path)
        return name

    def lines(self, *args, status=1):
        out = self.probe("diff", *args, status=status).splitlines()
        self.assertTrue(out[0].startswith("--- ") and
                        out[1].startswith("+++ "), out)
        return out[2:]

    def test_same(self):
        a = self.save("a")
        self.assertEqual(self.lines(a, status=0), ["0 differences"])
        self.assertEqual(self.lines(a, a, status=0), ["0 differences"])
        self.assertEqual(self.probe("diff", "-q", a), "")

    def test_changes(self):
        a = self.save("a")
        self.xs.write(b"/t/a/b", b"2\"\0")
        self.xs.write(b"/t/a/new/x", b"y")      # inherits what /t/a has now
        self.xs.request("RM", b"/t/a0\0")
        self.xs.set_perms(b"/t/a", b"n1", b"w2")
        self.xs.set_perms(b"/t/z", b"n2")
        want = [
            '~ /t/a permissions n1,r2 -> n1,w2',
            '~ /t/a/b value "two\\n" -> "2\\"\\000"',
            '+ /t/a/new = "" (n1,r2)',
            '+ /t/a/new/x = "y" (n1,r2)',
            '- /t/a0 = "x" (n0)',
            '~ /t/z owner 0 -> 2',
            "6 differences"]
        self.assertEqual(self.lines(a), want)
        b = self.save("b")
        self.d.kill()
        self.assertEqual(self.lines(a, b), want)
        self.assertEqual(self.probe("diff", "-q", a, b, status=1), "")
        self.assertEqual(
            self.lines("--values", b, a),
            ['~ /t/a/b value "2\\"\\000" -> "two\\n"',
             '- /t/a/new = "" (n1,r2)', '- /t/a/new/x = "y" (n1,r2)',
             '+ /t/a0 = "x" (n0)', "4 differences"])
        got = self.json("diff", a, b, status=1)
        self.assertEqual(got["count"], 6)
        self.assertEqual(
            [(d["path"], d["change"]) for d in got["differences"]],
            [("/t/a", "permissions"), ("/t/a/b", "value"),
             ("/t/a/new", "added"), ("/t/a/new/x", "added"),
             ("/t/a0", "removed"), ("/t/z", "owner")])
        self.assertEqual(got["differences"][1]["b"], "2\"\0")
        self.assertIsNone(got["differences"][4]["b"])
        self.assertEqual(got["differences"][4]["a"]["value"], "x")
        self.assertEqual((got["a"]["path"], got["b"]["count"]), ("/t", 7))

    def test_two_places(self):
        for path in b"/u", b"/u/a", b"/u/a/b":
            self.xs.write(path, b"")
        self.xs.set_perms(b"/u/a", b"n1", b"r2")
        a, b = self.save("a"), self.save("b", "/u")
        self.assertEqual(self.lines("--values", a, b), [
            '~ /a value "1" -> ""', '~ /a/b value "two\\n" -> ""',
            '- /a/c = "\\377" (n0)', '- /a0 = "x" (n0)',
            '- /z = "" (n0)', "5 differences"])

    def test_gone(self):
        a = self.save("a")
        self.xs.request("RM", b"/t\0")
        self.assertEqual(self.lines(a)[-1], "6 differences")

    def test_trouble(self):
        """As diff(1): what cannot be compared is 2, not 1."""
        a = self.save("a")
        self.probe("diff", "/nonexistent", a, status=2, words="No such file")
        with open(a) as f:
            text = f.read()
        for damaged in ("", "{}", "[1]", text[:-40], text.replace(
                '"count": 6', '"count": 7'), text.replace("/t/a0", "/t/zz"),
                text.replace('"hex":"ff"', '"hex":"fx"')):
            with open(self.file("bad"), "w") as f:
                f.write(damaged)
            self.probe("diff", a, self.file("bad"), status=2,
                       words="no snapshot")
        self.d.kill()
        self.probe("diff", a, status=3, words="cannot reach")


class Watch(Store):
    def start(self, *args):
        p = subprocess.Popen([PROBE, "watch"] + list(args), text=True,
                             env=self.m.environ(), stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
        self.addCleanup(self.end, p)
        return p

    def end(self, p):
        if p.poll() is None:
            p.send_signal(signal.SIGTERM)
        p.communicate(timeout=20)

    def line(self, p):
        """The next line, in time."""
        timer = threading.Timer(20, p.kill)
        timer.start()
        try:
            line = p.stdout.readline()
        finally:
            timer.cancel()
        self.assertTrue(line, "nothing came")
        return line.rstrip("\n")

    def path(self, p):
        time_of_day, _, rest = self.line(p).partition("  ")
        self.assertRegex(time_of_day, r"^\d\d:\d\d:\d\d\.\d{6}$")
        return rest

    def test_events(self):
        p = self.start("-i", "-n", "5", "/t/a", "@introduceDomain")
        self.assertEqual({self.path(p), self.path(p)},
                         {"/t/a", "@introduceDomain"})
        self.xs.write(b"/t/a/b", b"")
        self.assertEqual(self.path(p), "/t/a/b")
        self.xs.write(b"/t/z", b"")
        self.m_introduce()
        self.assertEqual(self.path(p), "@introduceDomain")
        self.xs.request("RM", b"/t/a\0")
        self.assertEqual(self.path(p), "/t/a")
        self.assertEqual(p.wait(20), 0)

    def test_values(self):
        p = self.start("-i", "-v", "--count", "4", "/t/a/b")
        self.assertEqual(self.path(p), '/t/a/b = "two\\n"')
        self.xs.write(b"/t/a/b", b"\"\0\x1b")
        self.assertEqual(self.path(p), '/t/a/b = "\\"\\000\\033"')
        self.xs.request("RM", b"/t/a/b\0")
        self.assertEqual(self.path(p), "/t/a/b (no such node)")
        self.xs.write(b"/t/a/b/c", b"3")
        self.path(p)
        self.assertEqual(p.wait(20), 0)

    def test_many_values(self):
        """More events than requests may be under way, none lost."""
        p = self.start("-i", "-v", "--json", "/t")
        self.line(p)
        for i in range(500):
            self.xs.write(b"/t/%d" % i, b"%d" % i)
        got = [json.loads(self.line(p)) for _ in range(500)]
        self.assertEqual([g["path"] for g in got],
                         ["/t/%d" % i for i in range(500)])
        self.assertEqual([g["value"] for g in got],
                         ["%d" % i for i in range(500)])

    def test_json(self):
        p = self.start("--json", "-i", "-n", "2", "/t/a")
        before = time.time()
        self.assertEqual(json.loads(self.line(p))["path"], "/t/a")
        self.xs.write(b"/t/a/c", b"")
        got = json.loads(self.line(p))
        self.assertEqual(got["path"], "/t/a/c")
        self.assertNotIn("value", got)
        self.assertLess(abs(got["time_us"] / 1e6 - before), 60)

    def test_time_is_up(self):
        self.probe("watch", "--for", "0", "/t")
        self.probe("watch", "--for", "1", "--count", "1", "/t", status=1,
                   words="0 of 1 events")

    def test_restart(self):
        p = self.start("-i", "/t/a")
        self.path(p)
        self.d.kill()
        self.d = self.m.daemon(self.peer, "-N")
        self.assertIn("-- connected again", self.path(p))
        self.assertEqual(self.path(p), "/t/a")
        with SocketClient(self.m) as xs:
            xs.write(b"/t/a/b", b"")
        self.assertEqual(self.path(p), "/t/a/b")

    def test_store_lost(self):
        p = self.start("-i", "--json", "/t/a")
        self.line(p)
        self.d.kill()
        run = os.path.dirname(self.m.socket_path)
        for name in os.listdir(run):
            os.unlink(os.path.join(run, name))
        self.d = self.m.daemon(self.peer, "-N")
        got = json.loads(self.line(p))
        self.assertEqual((got["connection"], got["lost"]), ("again", True))

    def test_refused(self):
        self.probe("watch", "-n", "1", "@no such", status=1, words="no watch")
        self.probe("watch", "-n", "0", "/t", status=2, words="--count 0")


class WatchStock(Store):
    """What holds for every daemon."""

    peer = STOCK
    start, end, line, path = Watch.start, Watch.end, Watch.line, Watch.path

    def test_restart(self):
        p = self.start("-i", "-v", "/t/a")
        self.assertEqual(self.path(p), '/t/a = "1"')
        self.d.kill()
        self.d = self.m.daemon(self.peer, "-N")
        self.assertIn("-- connected again;", self.path(p))
        self.assertEqual(self.path(p), "/t/a (no such node)")
        with SocketClient(self.m) as xs:
            xs.write(b"/t/a/b", b"")
        self.assertEqual(self.path(p), '/t/a/b = ""')


class OnStock(Store):
    peer = STOCK

    def test_all(self):
        self.all_alike()

    def test_consistent(self):
        self.consistent()

    def test_large(self):
        for i in range(1000):
            self.xs.write(b"/t/large/node-%05d" % i, b"%d" % i)
        self.assertEqual(self.json("tree", "/t")["count"], 1007)

    def test_too_busy(self):
        """A store that never stands still is not shown half old."""
        for i in range(300):
            self.xs.write(b"/t/n%d" % i, b"")
        writers = [subprocess.Popen(
            [sys.executable, "-c", WRITER % (HERE, self.m.dir)],
            stdout=subprocess.PIPE) for _ in range(2)]
        try:
            for w in writers:
                w.stdout.readline()
            self.probe("tree", "/t", status=1, words="others write faster")
        finally:
            for w in writers:
                w.kill()
                w.communicate()


WRITER = """
import sys
sys.path.insert(0, %r + "/../simxen")
from simxen import Machine, SocketClient
xs = SocketClient(Machine(%r))
xs.write(b"/t/n0", b"x")
print("goes on", flush=True)
while True:
    xs.write(b"/t/n0", b"x")
"""


class OnOcaml(Store):
    peer = OCAML

    def test_all(self):
        self.all_alike()

    def test_consistent(self):
        self.consistent()


if __name__ == "__main__":
    unittest.main()
