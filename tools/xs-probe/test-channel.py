#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""xs-probe channel, on a simxen machine: what it says of channels written by
hand, word for word, and of real ones; ping and echo against the example
programs in a guest.  Also on the stock daemon, where it is installed.
"""
import json
import os
import signal
import subprocess
import sys
import time
import unittest

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "../simxen"))
sys.dont_write_bytecode = True
from simxen import Machine, SocketClient  # noqa: E402

BUILD = os.getcwd()
PROBE = os.path.join(BUILD, "tools/xs-probe/xs-probe")
DAEMON = os.path.join(BUILD, "xenstored/xenstored")
EXAMPLES = os.path.join(BUILD, "tools/examples/channel-")
STOCK = "/usr/lib/xen-4.17/bin/xenstored"
LEASE = 1000
PATIENCE = 20
os.environ["ASAN_OPTIONS"] = "verify_asan_link_order=0:" + \
    os.environ.get("ASAN_OPTIONS", "")

A = b"100.1-" + b"aa" * 16
B = b"200.3-" + b"bb" * 16
OLD = b"200.2-" + b"bc" * 16

LIST = """\
DOMID  PEER  NAME  STATE    EPOCH           BOUND           SENT  GOT  \
UNACKED  WINDOW  BEAT  AGE  LEASE  REASON  REMARK
    0     1  a     up       100.1-aaaaaaaa  200.3-bbbbbbbb    12    4  \
      2       8     7    -  15000  -       -
    1     0  a     up       200.3-bbbbbbbb  100.1-aaaaaaaa     4   10  \
      0       8     9    -  15000  lost    -
    0     1  b     hello    100.1-aaaaaaaa  -                  0    0  \
      -       8     7    -  15000  -       no peer
    0     1  c     up       100.1-aaaaaaaa  200.2-bcbcbcbc     0    0  \
      -       8     7    -  15000  -       peer began anew
    1     0  c     hello    200.3-bbbbbbbb  -                  0    0  \
      -       8     9    -  15000  lost    -
    1     0  d     garbage  -               -                  -    -  \
      -       -     -    -      -  -       no status line
    1     0  e     quiet    200.3-bbbbbbbb  -                  0    0  \
      -       8     9    -  15000  closed  closed
"""

SHOW = """\
Channel a, domains 0 and 1

WHAT        THIS END        ITS PEER
domain      0               1
state       up              up
epoch       100.1-aaaaaaaa  200.3-bbbbbbbb
bound to    200.3-bbbbbbbb  100.1-aaaaaaaa
sent        12              4
got         4               10
unacked     2 of 8          0 of 8
heartbeats  7, - ago        9, - ago
lease       15000 ms        15000 ms
last left   -               lost
store       %s  %s
remark      -               -

Its status: %s
"""


def st(epoch, bound=b"-", says=b"up", beat=7, reason=b"-", generation=b"0",
       sent=0, got=0, lease=15000):
    return b"v=1 e=%s p=%s s=%s g=%s t=%d a=%d w=8 h=%d l=%d f=0 r=%s" % (
        epoch, bound, says, generation, sent, got, beat, lease, reason)


def slot(epoch, number, got):
    return b"v=1 e=%s n=%d a=%d k=m x=0/1 z=2\nhi" % (epoch, number, got)


class Channels(unittest.TestCase):
    maxDiff = None
    daemon = "ours"

    def setUp(self):
        self.running = []
        self.machine = Machine(create=True)
        self.addCleanup(self.machine.close)
        self.server = self.machine.supervise(DAEMON, restart_delay=0) \
            if self.daemon == "ours" else self.machine.daemon(self.daemon)
        self.server.__enter__()
        self.addCleanup(lambda: self.server.__exit__(None, None, None))
        self.guest = self.machine.add_domain()
        self.domid = self.guest.domid
        home = b"/local/domain/%d" % self.domid
        with SocketClient(self.machine) as xs:
            xs.introduce(self.guest)
            xs.mkdir(home + b"/data")
            xs.set_perms(home + b"/data", b"n%d" % self.domid)
        self.guest.detach()
        self.addCleanup(self.end_all)

    def end_all(self):
        for process in self.running:
            if process.poll() is None:
                process.kill()
            process.wait()
            process.stdout.close()

    def start(self, *command):
        process = subprocess.Popen(
            [str(word) for word in command], env=self.machine.environ(),
            text=True, stdout=subprocess.PIPE)
        self.running.append(process)
        return process

    def example(self, which, where, own, peer, name, *args):
        return self.start(EXAMPLES + which, where, own, peer, name, *args)

    def probe(self, *words, status=0):
        r = subprocess.run(
            [PROBE, "channel", *map(str, words)], timeout=PATIENCE,
            env=dict(self.machine.environ(), TZ="UTC"), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(r.returncode, status, r.stdout + r.stderr)
        return r.stderr if status == 3 else r.stdout

    def until(self, condition):
        end = time.monotonic() + PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)

    def ends(self, *words):
        return json.loads(self.probe("list", "--json", *words))["ends"]

    def nodes(self):
        with SocketClient(self.machine) as xs:
            return [d for d in (0, self.domid)
                    for _ in self.names(xs, d)]

    def names(self, xs, domid):
        path = b"/local/domain/%d/data/channel/%d" % (
            domid, self.domid - domid)
        try:
            return [n for n in xs.directory(path) if n]
        except Exception as e:
            if "ENOENT" not in str(e):
                raise
            return []

    def write(self, domid, name, text, slots=()):
        path = b"/local/domain/%d/data/channel/%d/%s/" % (
            domid, self.domid - domid, name)
        with SocketClient(self.machine) as xs:
            xs.write(path + b"st", text)
            for number, body in enumerate(slots):
                xs.write(path + b"m%d" % number, body)

    def generation(self):
        with SocketClient(self.machine) as xs:
            try:
                return xs.read(b"/tool/xenstored/generation")
            except Exception as e:
                if "ENOENT" not in str(e):
                    raise
                return b"0"

    def by_hand(self):
        g = self.generation()
        mine = st(A, B, generation=g, sent=10, got=3)
        self.write(0, b"a", mine, [slot(A, 8, 2), slot(A, 11, 4),
                                   slot(OLD, 99, 99)])
        self.write(1, b"a", st(B, A, beat=9, reason=b"lost", generation=g,
                               sent=4, got=10))
        self.write(0, b"b", st(A, says=b"hello", generation=g))
        self.write(0, b"c", st(A, OLD, generation=g))
        self.write(1, b"c", st(B, says=b"hello", beat=9, reason=b"lost",
                               generation=g))
        self.write(1, b"d", b"nonsense")
        self.write(1, b"e", st(B, says=b"quiet", beat=9, reason=b"closed",
                               generation=g))
        return g.decode(), mine.decode()

    def test_none(self):
        self.assertEqual(self.probe("list"), "There are no channels.\n")
        self.assertEqual(self.ends(), [])
        self.probe("show", "/local/domain/0/data/channel/1/x", status=1)

    def test_list(self):
        self.by_hand()
        # Garbage is why it is 1.
        self.assertEqual(self.probe("list", status=1), LIST)

    def test_show(self):
        g, text = self.by_hand()
        path = "/local/domain/0/data/channel/%d/a" % self.domid
        wide = SHOW % (g, g, text)
        if g == "0":
            wide = wide.replace("store       0  0",
                                "store       0               0")
        got = self.probe("show", path)
        # The columns are as wide as the store's generation.
        self.assertEqual([line.split() for line in got.splitlines()],
                         [line.split() for line in wide.splitlines()])
        self.assertEqual(self.probe("show", path + "/st"), got)
        two = json.loads(self.probe("show", "--json", path))["ends"]
        self.assertEqual([e["unacked"] for e in two], [2, 0])
        self.assertTrue(two[0]["mutual"])
        self.assertEqual(two[0]["bound"], B.decode())

    def test_silent(self):
        self.write(0, b"x", st(A, says=b"hello", lease=100,
                               generation=self.generation()))
        self.assertIn("no peer", self.probe("list"))
        out = self.probe("list", "--wait", 150, status=1)
        self.assertIn("silent for its lease", out)
        self.assertIn(">0.", out)

    def test_real(self):
        back = self.example("backend", self.machine.socket_path, 0,
                            self.domid, "real", LEASE)
        front = self.example("frontend", "ring", self.domid, 0, "real",
                             10 ** 9, LEASE)
        self.until(lambda: [e["state"] for e in self.ends()] == ["up", "up"])
        for end in self.ends("--wait", LEASE):
            self.assertTrue(end["mutual"])
            self.assertEqual(end["remark"], "")
            self.assertGreater(end["next"], 0)
            self.assertLess(end["age_us"], LEASE * 1000)
        back.kill()
        front.kill()
        back.wait()
        front.wait()
        out = self.probe("list", "--wait", LEASE * 3 // 2, status=1)
        self.assertEqual(out.count("silent for its lease"), 2)

    def test_watch(self):
        watch = self.start(PROBE, "channel", "watch", "--json", "-i", 20)
        back = self.example("backend", self.machine.socket_path, 0,
                            self.domid, "w", LEASE)
        self.assertEqual(json.loads(watch.stdout.readline())["state"],
                         "hello")
        front = self.example("frontend", "ring", self.domid, 0, "w", 10 ** 9,
                             LEASE)
        up = set()
        while len(up) < 2:
            line = json.loads(watch.stdout.readline())
            if line["state"] == "up":
                up.add(line["domid"])
        self.assertEqual(front.stdout.readline(), "up\n")
        back.send_signal(signal.SIGTERM)
        while json.loads(watch.stdout.readline())["state"] != "quiet":
            pass
        watch.send_signal(signal.SIGINT)
        self.assertEqual(watch.wait(timeout=PATIENCE), 0)
        once = self.probe("watch", "--count", 1)
        self.assertRegex(once, r"\d\d:\d\d:\d\d\.\d{3}  0->1 w: ")
        self.assertEqual(self.probe("watch", "-q", "-c", 1), "")

    def ping(self, *words, status=0):
        return json.loads(self.probe("ping", self.domid, "p", "--json",
                                     *words, status=status))

    def test_ping(self):
        self.example("backend", "ring", self.domid, 0, "p", LEASE)
        j = self.ping("-c", 50, "-i", 0)
        self.assertEqual((j["sent"], j["answered"], j["lost"], j["ups"]),
                         (50, 50, 0, 1))
        self.assertTrue(0 < j["min_us"] <= j["median_us"] <= j["p99_us"] <=
                        j["max_us"] < 10 ** 7)
        out = self.probe("ping", self.domid, "p", "-c", 3, "-i", 1)
        lines = out.splitlines()
        for n in range(3):
            self.assertRegex(lines[n], r"^64 bytes from domain %d: seq=%d "
                             r"time=\d+\.\d{3} ms$" % (self.domid, n))
        self.assertEqual(lines[3:5], [
            "--- domain %d, channel p ---" % self.domid,
            "3 sent, 3 answered, 0 lost"])
        self.assertRegex(lines[5], r"^round trip min/median/p99/max "
                         r"(\d+\.\d{3}/){3}\d+\.\d{3} ms$")
        self.assertEqual(len(lines), 6)
        self.assertNotIn(0, self.nodes())   # it took them along

    def test_ping_alone(self):
        j = self.ping("--timeout", 300, status=1)
        self.assertEqual((j["sent"], j["ups"], j["min_us"]), (0, 0, None))
        self.assertEqual(self.nodes(), [])

    def test_ping_over_a_death(self):
        self.example("backend", "ring", self.domid, 0, "p", LEASE)
        ping = self.start(PROBE, "channel", "ping", self.domid, "p", "-c",
                          40, "-i", 10)
        for _ in range(5):
            ping.stdout.readline()
        self.server.kill()
        out = ping.stdout.read()
        self.assertEqual(ping.wait(timeout=PATIENCE), 0)
        self.assertIn("40 sent, 40 answered, 0 lost", out)

    def test_echo(self):
        echo = self.start(PROBE, "channel", "echo", self.domid, "e")
        front = self.example("frontend", "ring", self.domid, 0, "e", 2000,
                             LEASE)
        self.assertEqual(front.wait(timeout=PATIENCE), 0)
        self.assertEqual(echo.stdout.readline(), "up, 0 answered so far\n")
        self.assertRegex(echo.stdout.readline(),
                         r"^down: closed, \d+ answered so far\n")
        echo.send_signal(signal.SIGTERM)
        self.assertEqual(echo.wait(timeout=PATIENCE), 0)
        self.assertRegex(echo.stdout.read(), "^ended: closed, ")
        self.assertNotIn(0, self.nodes())

    def test_usage(self):
        for words in (["x"], ["show"], ["ping"], ["ping", "x"],
                      ["list", "y"], ["list", "-c", "1"], ["ping", "0"],
                      ["ping", "5", "A"], ["echo", "5", "-l", "5"],
                      ["watch", "--count", "x"],
                      ["ping", "5", "--count", "0"], ["ping", "5", "-c0"]):
            self.assertEqual(self.probe(*words, status=2), "")


def main():
    suite = unittest.TestSuite()
    loader = unittest.TestLoader()
    for daemon in ["ours"] + ["stock"] * os.path.exists(STOCK):
        kind = type("Channels_" + daemon, (Channels,), {"daemon": daemon})
        for test in loader.loadTestsFromTestCase(kind):
            # The other one forgets its store.
            if daemon == "ours" or not test.id().endswith("over_a_death"):
                suite.addTest(test)
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    sys.exit(0 if result.wasSuccessful() and result.testsRun else 1)


if __name__ == "__main__":
    main()
