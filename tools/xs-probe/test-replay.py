#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""xs-probe replay on what a killed daemon left behind on a simxen machine,
whole and broken on purpose, and xs-probe update on daemons that run there.
"""
import glob
import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../..")
sys.path.insert(0, os.path.join(TOP, "tools/simxen"))
sys.dont_write_bytecode = True
from simxen import Machine, RingClient, SocketClient, XSError  # noqa: E402

BUILD = os.getcwd()
DAEMON = os.path.join(BUILD, "xenstored/xenstored")
PROBE = os.path.join(BUILD, "tools/xs-probe/xs-probe")
os.environ["XS_PROBE_REPLAY"] = os.path.join(BUILD,
                                             "xenstored/proxenos-replay")
# The preload is before the sanitizer's library, on purpose.
os.environ["ASAN_OPTIONS"] = "verify_asan_link_order=0:" + \
    os.environ.get("ASAN_OPTIONS", "")
STOCK = (glob.glob("/usr/lib/xen-*/bin/xenstored") or [None])[-1]
# Offsets in a segment's header, and a record's mark (journal_format.h).
MACHINE, PUBLISHED, EXECUTED, RECEIVING, BROKEN, DEATHS = \
    12, 32, 40, 48, 56, 60
HEADER, MARK = 4096, 16
IN_BYTES = 3


def digest(directory):
    out = {}
    for name in sorted(os.listdir(directory)):
        path = os.path.join(directory, name)
        if os.path.isfile(path):
            with open(path, "rb") as f:
                out[name] = hashlib.sha256(f.read()).hexdigest()
    return out


class Killed(unittest.TestCase):
    """One machine, one death; every test works on a copy of what it left."""

    @classmethod
    def setUpClass(cls):
        cls.top = tempfile.mkdtemp(prefix="replay-")
        cls.left = os.path.join(cls.top, "left")
        try:
            cls.live_and_die()
        except BaseException:
            shutil.rmtree(cls.top)
            raise

    @classmethod
    def live_and_die(cls):
        with Machine() as m:
            d = m.daemon(DAEMON, "-N")
            run = os.path.dirname(m.socket_path)
            with SocketClient(m) as xs:
                g = m.add_domain()
                xs.introduce(g)
                home = b"/local/domain/%d" % g.domid
                xs.write(home, b"")
                xs.set_perms(home, b"n%d" % g.domid)
                ring = RingClient(g)
                ring.watch(b"data", b"token")
                ring.write(b"data", b"a\xff\0")
                cls.domid = g.domid
                tx = xs.transaction()
                xs.write(b"/lost", b"1", tx)
                xs.write(b"/kept", b'say "x"')
                try:
                    ring.write(b"/kept", b"2")
                except XSError:
                    pass
                xs.write(b"/last", b"1")
                live = m.run(PROBE, "replay", run)
                cls.live = (live.returncode, live.stderr)
                d.kill()
                shutil.copytree(run, cls.left, ignore=lambda _, names: [
                    n for n in names if n == "socket"])
            d = m.daemon(DAEMON, "-N")
            cls.after = json.loads(m.run(PROBE, "ls", "--json").stdout)
            cls.status = json.loads(m.run(PROBE, "status", "--json").stdout)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.top)

    def setUp(self):
        self.dir = os.path.join(self.top, self.id().rsplit(".")[-1])
        shutil.copytree(self.left, self.dir)

    def segment(self):
        name, = glob.glob(self.dir + "/journal.[0-9]*")
        return name

    def patch(self, offset, data):
        with open(self.segment(), "r+b") as f:
            f.seek(offset)
            f.write(data)

    def records(self):
        """Offset and type of each in the segment."""
        out = []
        with open(self.segment(), "rb") as f:
            data = f.read()
        end, = struct.unpack_from("<Q", data, PUBLISHED)
        at = HEADER
        while at < end:
            length, _, kind, _ = struct.unpack_from("<IIII", data, at)
            out.append((at, kind))
            at += MARK + (length + 7 & ~7)
        return out

    def replay(self, *args, status=0, words=None, path=None, env=None):
        before = digest(self.dir)
        p = subprocess.run([PROBE, "replay", *args, path or self.dir],
                           capture_output=True, text=True, timeout=60,
                           env=env)
        self.assertEqual(p.returncode, status, p.stdout + p.stderr)
        self.assertEqual(digest(self.dir), before, "files were changed")
        if words is None:
            self.assertEqual(p.stderr, "")
        else:
            self.assertIn(words, p.stderr)
        return p.stdout

    def replay_json(self, *args, **kw):
        return json.loads(self.replay("--json", *args, **kw))

    def test_lines(self):
        out = self.replay()
        lines = out.splitlines()
        guest = "d%d" % self.domid
        for words in (
                [guest, "bytes", "WRITE tx=0 data \"a\\377\\000\" = \"OK\"",
                 "; event %s data token" % guest],
                [guest, "WRITE tx=0 /kept \"2\" = EACCES"],
                ["WRITE tx=0 /kept \"say \\042x\\042\" = \"OK\""],
                ["WRITE tx=1 /lost"],
                ["INTRODUCE tx=0 %d" % self.domid],
                ["ask map %s" % guest],
                [guest, "ring req_cons="],
                [" 1 open transactions"], ["0 findings"]):
            self.assertTrue([x for x in lines if all(w in x for w in words)],
                            "no line with %r:\n%s" % (words, out))
        self.assertEqual([int(x[1:8]) for x in lines[:lines.index("")]],
                         list(range(1, len(self.records()) + 1)))
        self.assertNotIn("DEATH", out)

    def test_the_store_is_what_recovery_makes(self):
        got = self.replay_json("--store")["store"]
        key = {n["path"]: n for n in got}
        self.assertEqual(len(key), len(got))
        self.assertEqual(key, {n["path"]: n for n in self.after})
        text = self.replay("--store")
        self.assertIn('(n0) /kept = "say \\042x\\042"\n', text)
        self.assertIn("(n%d) /local/domain/%d/data = \"a\\377\\000\"\n" %
                      (self.domid, self.domid), text)

    def test_the_daemon_tells_of_it(self):
        host = self.status["host"]
        self.assertEqual(host["restarts"], 1)
        self.assertEqual(host["recovered"],
                         len([k for _, k in self.records() if k < 64]))
        self.assertEqual((host["poisoned"], host["doubtful"]), (0, 0))
        self.assertEqual(host["checkpoints"], 1)
        self.assertGreater(host["journal"], 0)

    def test_until(self):
        whole = self.replay_json("--store")
        n = [r["n"] for r in whole["records"]
             for q in r.get("requests", []) if q["path"] == "/kept"][0]
        for until, there in ((n - 1, False), (n, True)):
            j = self.replay_json("--store", "--until", str(until))
            self.assertEqual(j["summary"]["records"], until)
            self.assertEqual(j["records"], whole["records"][:until])
            self.assertEqual("/kept" in [x["path"] for x in j["store"]],
                             there)

    def test_one_segment(self):
        self.assertEqual(self.replay(path=self.segment()), self.replay())
        other = os.path.join(self.dir, "journal.1")
        shutil.copy(self.segment(), other)
        self.replay(path=other, status=1, words="older than the checkpoint")
        self.replay(path=self.dir + "/store.tdb", status=1,
                    words="not a segment")
        shutil.copy(other, self.dir + "/journal.x")
        self.replay(path=self.dir + "/journal.x", status=1,
                    words="not a segment")

    def suspect(self, deaths=0):
        """The last request was under execution at death."""
        at, _ = [r for r in self.records() if r[1] == IN_BYTES][-1]
        nxt = [o for o, _ in self.records() if o > at]
        if nxt:
            self.patch(PUBLISHED, struct.pack("<Q", nxt[0]))
        self.patch(EXECUTED, struct.pack("<Q", at))
        self.patch(DEATHS, struct.pack("<I", deaths))

    def test_under_execution(self):
        self.suspect()
        lines = self.replay().splitlines()
        marked = [x for x in lines if x.startswith("!")]
        self.assertEqual(len(marked), 1)
        self.assertIn("WRITE tx=0 /last", marked[0])
        self.assertIn("UNDER EXECUTION AT DEATH, executed again it does no "
                      "harm", marked[0])
        self.assertTrue([x for x in lines if "does no harm" in x and
                         "0 deaths at it before" in x])

    def test_what_kills(self):
        # Only the process that tries the record sets an alarm.
        code = self.top + "/killer.c"
        with open(code, "w") as f:
            f.write("#include <signal.h>\n"
                    "unsigned int alarm(unsigned int s)\n"
                    "{ return (unsigned int)raise(SIGKILL) + s; }\n")
        subprocess.run([os.environ.get("CC", "cc").split()[0], "-shared",
                        "-fPIC", "-o", self.top + "/killer.so", code],
                       check=True)
        self.suspect(1)
        env = dict(os.environ, LD_PRELOAD=self.top + "/killer.so")
        j = self.replay_json("--store", status=1, env=env)
        last = j["records"][-1]
        self.assertEqual(last["under_execution"],
                         "executed again it ends the machine: Killed")
        self.assertEqual(j["summary"]["deaths_before"], 1)
        self.assertNotIn("/last", [x["path"] for x in j["store"]])
        # Its connection was closed, with its transaction.
        self.assertEqual(j["summary"]["transactions"], 0)
        self.assertEqual(j["summary"]["findings"], [])

    def test_in_doubt(self):
        self.patch(RECEIVING, struct.pack("<I", 65536 + 7))
        self.assertIn("in doubt: s7, the daemon was receiving from it",
                      self.replay())

    def test_a_broken_journal(self):
        self.patch(BROKEN, struct.pack("<I", 1))
        self.assertIn("could not be written", self.replay(status=1))

    def test_a_damaged_record(self):
        at, _ = self.records()[9]
        self.patch(at + 4, b"\x55\x55\x55\x55")
        out = self.replay(status=1, words="damaged behind record 9")
        self.assertIn("9 records from", out)

    def test_a_damaged_header(self):
        self.patch(0, b"x")
        self.replay(status=1, words="not a segment of a journal")

    def test_another_version(self):
        self.patch(MACHINE, struct.pack("<I", 4711))
        self.replay(status=1, words="another version")

    def test_a_short_segment(self):
        os.truncate(self.segment(), 100)
        self.replay(status=1, words="not a segment of a journal")

    def test_no_checkpoint(self):
        os.unlink(self.dir + "/store.tdb")
        self.replay(status=1, words="no checkpoint")

    def test_no_journal_is_a_clean_end(self):
        os.unlink(self.segment())
        self.assertIn("0 records", self.replay())

    def test_a_segment_that_is_missing(self):
        os.unlink(self.segment())
        name = os.path.join(self.dir, "journal.900")
        with open(name, "wb"):
            pass
        self.replay(path=name, status=1, words="No such file")

    def test_a_damaged_checkpoint(self):
        for text in (b"", b"not a database at all", os.urandom(100000)):
            with open(self.dir + "/store.tdb", "wb") as f:
                f.write(text)
            self.replay(status=1, words="not a checkpoint")

    def test_a_daemon_that_lives(self):
        self.assertEqual(self.live[0], 0, self.live[1])
        self.assertIn("a daemon serves", self.live[1])

    def test_helper_is_missing(self):
        env = dict(os.environ, XS_PROBE_REPLAY="/nonexistent")
        self.replay(status=3, words="cannot run /nonexistent", env=env)


class Probe(unittest.TestCase):
    def test_what_is_sent_is_what_is_written_down(self):
        with open(os.path.join(TOP, "docs/protocol/control.md")) as f:
            rows = [line.split("|") for line in f if line.startswith("| `")]
        topics = {row[1].strip(" `"): set(re.findall(r"([a-z_]+)=", row[3]))
                  for row in rows if row[2].strip() in ("machine", "host")}
        self.assertEqual(len(topics), 6)
        with Machine() as m:
            m.daemon(DAEMON, "-N", "-W", "1")
            with SocketClient(m) as xs:
                g = m.add_domain()
                xs.introduce(g)
                ring = RingClient(g)
                ring.watch(b"a", b"1")
                with self.assertRaises(XSError):
                    ring.watch(b"a", b"2")
                target = dict(self.records(xs, "domains")[-1])["target"]
                self.assertEqual(target, "-1")
                for topic, keys in topics.items():
                    for record in self.records(xs, topic):
                        sent = set(k for k, _ in record)
                        # This one has a record of another kind before.
                        self.assertEqual(sent, keys - {"finding"} if topic ==
                                         "check" else keys, topic)

    def records(self, xs, topic):
        text = xs.request("CONTROL", b"probe\0" b"1\0" + topic.encode() +
                          b"\0" b"0\0").decode()
        lines = text.splitlines()[1:]
        self.assertTrue(lines, topic)
        return [[pair.split("=") for pair in line.split()] for line in lines]


class Update(unittest.TestCase):
    def begin(self, peer):
        self.m = Machine()
        self.addCleanup(self.m.close)
        self.d = self.m.daemon(peer, "-N")
        self.xs = SocketClient(self.m)
        self.addCleanup(self.xs.close)
        self.xs.write(b"/a", b"1")

    def update(self, *args, status=0, words=""):
        p = self.m.run(PROBE, "update", *args, timeout=120)
        self.assertEqual(p.returncode, status, p.stdout + p.stderr)
        self.assertIn(words, p.stderr)
        return p.stdout

    def serves(self, binary):
        self.assertEqual(os.path.realpath("/proc/%d/exe" % self.d.pid),
                         os.path.realpath(binary))
        self.assertEqual(self.xs.read(b"/a"), b"1")

    def test_ours(self):
        self.begin(DAEMON)
        tx = self.xs.transaction()
        self.xs.write(b"/tx", b"1", tx)
        self.assertEqual(self.update(DAEMON),
                         "done: %s serves now\n" % DAEMON)
        self.serves(DAEMON)
        self.xs.end(tx)
        self.assertEqual(self.xs.read(b"/tx"), b"1")

    def test_refused(self):
        self.begin(DAEMON)
        self.update("/nonexistent", status=1, words="sees no such file")
        self.update("/etc/passwd", status=1, words="no execute permission")
        self.update("/bin/true", status=1, words="goes on, unchanged")
        self.serves(DAEMON)

    @unittest.skipUnless(STOCK, "no stock daemon here")
    def test_there_and_back(self):
        self.begin("stock")
        self.update("/nonexistent", status=1, words="sees no such file")
        self.update(DAEMON)
        self.serves(DAEMON)
        tx = self.xs.transaction()
        self.xs.write(b"/tx", b"1", tx)
        self.update("--wait", "0", STOCK, status=1, words="Domain 0: 0 s")
        self.serves(DAEMON)
        self.update("--wait", "0", "--force", STOCK)
        self.serves(STOCK)
        with self.assertRaisesRegex(XSError, "ENOENT"):
            self.xs.end(tx)


if __name__ == "__main__":
    unittest.main()
