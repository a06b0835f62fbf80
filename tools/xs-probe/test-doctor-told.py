#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""xs-probe doctor on what no machine of a test does at will, or only after
hours: the daemon is played by the test, which says what it tells.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path[:0] = [os.path.dirname(os.path.realpath(__file__))]
sys.dont_write_bytecode = True
from played import SURVIVOR, Daemon, bad  # noqa: E402

PROBE = os.path.join(os.getcwd(), "tools/xs-probe/xs-probe")


class Told(unittest.TestCase):
    def finds(self, ids, code, words=None, **given):
        directory = tempfile.mkdtemp(prefix="doctor-")
        nodes = {"/local/domain": {"names": [b"0"]},
                 "/local/domain/0": {"names": [b"domid"]},
                 "/local/domain/0/domid": {"value": b"0"}}
        daemon = Daemon(directory, nodes=nodes, **given)
        try:
            p = subprocess.run(
                [PROBE, "--socket", daemon.path, "doctor", "--json", "--wait",
                 "0"], capture_output=True, text=True, timeout=60)
        finally:
            daemon.close()
            shutil.rmtree(directory)
        got = json.loads(p.stdout)
        self.assertEqual([f["id"] for f in got["findings"]], ids, p)
        self.assertEqual(p.returncode, code)
        if words:
            self.assertIn(words, " ".join(got["not_checked"]))
        return got

    def test_all_well(self):
        topics = bad(quotas={"0": b"0\n"}, domains={"0": b"0\n"})
        self.finds([], 0, topics=topics)

    def test_not_privileged(self):
        """It says so, and is not taken for a broken daemon."""
        self.finds([], 0, stranger="EACCES", words="not privileged")
        self.finds([], 0, stranger="EACCES", words="we may not read",
                   hidden=["/local/domain"])

    def test_refuses(self):
        """It is up and answers, but not as a daemon with a store does."""
        got = self.finds(["daemon-refuses"], 1,
                         topics=bad(status={"0": b"no page\n"}))
        self.assertTrue(got["findings"][0]["about"].endswith("/socket"))
        self.assertEqual(got["findings"][0]["weight"], "fatal")

    def test_survivor(self):
        topics = bad(quotas={"0": b"0\n"}, domains={"0": b"0\n"},
                     host={"0": SURVIVOR},
                     check={"0": b"0\nfinding=a%20b\nfindings=1\n"})
        self.finds(["state-inconsistent", "input-poisoned",
                    "clients-doubtful"], 1, topics=topics)

    def test_conflicts(self):
        """Many, of late, and dense; the parties are named in any case."""
        def told(*rows):
            return bad(quotas={"0": b"0\n"}, domains={"0": b"0\n"},
                       clients={"0": b"0\nconn=65536 pid=12 uid=0 unread=0 "
                                b"unread_us=0\n"},
                       conflicts={"0": b"0\n" + b"".join(
                           b"loser=5 loser_conn=%d winner=7 winner_conn=%d "
                           b"count=%d first_us=%d last_us=%d path=/a/b\n" % r
                           for r in rows)})

        minute = 60 * 1000000
        self.finds([], 0, topics=told(
            (5, 7, 9, minute, 5), (5, 7, 10, 2 * minute, minute + 1),
            (5, 7, 10, 110 * minute, 5)))
        for row, about, what in (
                ((5, 7, 10, 100 * minute, 5), "domain 5",
                 "10 of its transactions failed for what domain 7 wrote, the "
                 "last 5 us ago, at /a/b"),
                ((5, 65536, 11, minute, minute), "domain 5",
                 "11 of its transactions failed for what process 12 (client "
                 "65536 of the socket) wrote, the last 1m 0s ago, at /a/b"),
                ((65539, -1, 12, minute, 5),
                 "client 65539 of the socket, which has left",
                 "12 of its transactions (and of others of the socket) failed "
                 "for what somebody not known any more wrote, the last 5 us "
                 "ago, at /a/b")):
            got = self.finds(["transactions-conflict"], 1, topics=told(row))
            self.assertEqual((got["findings"][0]["about"],
                              got["findings"][0]["what"]), (about, what))
        older = told()
        del older["conflicts"]
        self.finds([], 0, topics=older, words="whose transactions conflict")

    def test_topics_of_a_newer_daemon(self):
        topics = bad(
            domains={"0": b"0\n"},
            refusals={"0": b"0\ndomid=5 quota=nodes limit=9 count=3 "
                      b"first_us=9 last_us=5 path=/a\n"
                      b"domid=6 quota=nodes limit=9 count=3 "
                      b"first_us=9 last_us=3600000001 path=/a\n"},
            transactions={"0": b"0\nconn=5 domid=5 id=7 age_us=31000000 "
                          b"paths=2 writes=1 failed=1\n"
                          b"conn=65536 domid=0 id=7 age_us=29000000 "
                          b"paths=2 writes=1 failed=0\n"},
            clients={"0": b"0\nconn=65536 pid=12 uid=0 unread=9000 "
                     b"unread_us=3000000\n"
                     b"conn=65537 pid=13 uid=0 unread=9 unread_us=1\n"})
        self.finds(["client-not-reading", "transaction-stuck",
                    "quota-refused"], 1, topics=topics)


if __name__ == "__main__":
    unittest.main()
