#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""xs-probe top: its screens compared whole in a terminal (tmux) beside a
daemon that is played, so that all numbers are known; then beside one that
runs, with something wrong in it; and without a screen."""
import json
import os
import shutil
import subprocess
import tempfile
import time
import unittest

from broken import PROBE, Test
from played import GOOD, Daemon, load

HOST = (b"0\npid=77 rundir=/run/x sockets=2 passes=%d journal=123456 "
        b"checkpoints=3 checkpoint_age_us=65000000 restarts=2 loop=12:%d "
        b"loop_sum_us=%d loop_max_us=2500 latency=16:%d latency_sum_us=%d "
        b"latency_max_us=900\n")
STATUS = (b"0\ndaemon=proxenos version=0.1.0 machine=1 uptime_us=3725000000 "
          b"nodes=1234 domains=3 sockets=2 watches=6 transactions=1 "
          b"requests=%d events=%d conflicts=0 refused=5 lost=1\n")


class Counting:
    """Pages whose counters have gone up each time they are asked for."""

    def __init__(self, make):
        self.make, self.asked = make, 0

    def get(self, cursor, other=None):
        if cursor != "0":
            return other
        self.asked += 1
        return self.make(self.asked)


def host(n):
    return HOST % (30 * n, 30 * n, 300 * n, 40 * n, 800 * n)


def status(n):
    return STATUS % (40 * n, 20 * n)


def loads(n):
    return b"0\n" + load(0, requests=5 * n, latency="16:%d" % (5 * n),
                         nodes_max=0, memory_max=0) + \
        load(5, requests=30 * n, errors=2 * n, events=10 * n, merged=n,
             events_waiting=7, transactions=1, transactions_max=10,
             bytes_in=20 * n, bytes_out=50 * n, nodes=1000,
             nodes_max=1000, memory=500000, memory_max=1000000,
             outstanding_max=20, watches_max=128, req_fill=16, rsp_fill=1024,
             unread=2000, unread_us=2500000, latency="20:%d,36:%d" %
             (29 * n, n), latency_max_us=2000) + \
        load(7, error=2, requests=100, latency="10:100") + \
        load(0, b"sockets", requests=4 * n, clients=2,
             latency="12:%d" % (4 * n))


PLAYED = dict(topics=dict(
    GOOD, load=Counting(loads), host=Counting(host), status=Counting(status)),
    nodes={"/local/domain/5/name": {"value": b"web-server"}})

HEAD = """\
proxenos 0.1.0, pid 77, up 1h 2m; domains 3, clients 2, nodes 1234, watches 6
requests 40/s, events 20/s, conflicts 0/s; latency median 36, 99% 40 us
loop 30/s, median 18, 99% 20 us, longest 2.5m
journal 123k, checkpoint 1m 5s ago, restarts 2; in all refused 5, events lost 1
"""
TABLE = HEAD + """\
 DOMID NAME       *REQ/s  EV/s  WAIT  TX  CNF/s  MEM  NODE      RING   P50   P99
     5 web-server     30    10     7   1      0  50%  100%   16/1024    72  1.2m
     0                 5     0     0   0      0    -     -       0/0    36    40
  sock (socket)        4     0     0   0      0    -     -         -    18    20
     7                 0     0     0   0      0    -    1%   error 2     -     -
"""
FOOT = "?: help  q: leave  by requests  every 1.0 s  4 rows"
DETAIL = """\
Domain 5, web-server
  ring: 16 bytes of requests, 1024 of replies, error 0
  it has not taken 2000 bytes with 7 events; it took none for 2.5 s
  nodes                    1000 of 1000
  memory                 500000 of 1000000
  watches                     0 of 128
  transactions                1 of 10
  outstanding                 0 of 20
In all, and now
"""


def first_row(screen):
    """Of the table; empty while there is none."""
    return "".join(screen.splitlines()[5:6])


class Terminal:
    """A terminal of its own in tmux, in which a program runs."""

    def __init__(self, width, height, command, env, directory):
        self.tmux = ["tmux", "-S", os.path.join(directory, "tmux"), "-f",
                     "/dev/null"]
        self.status = os.path.join(directory, "status")
        self.run("new-session", "-d", "-x", str(width), "-y", str(height),
                 "%s; echo $? > %s.new; mv %s.new %s; printf left; "
                 "exec cat" % (command, self.status, self.status,
                               self.status), env=env)

    def run(self, *args, env=None):
        return subprocess.run(self.tmux + list(args), text=True, check=True,
                              capture_output=True, env=env).stdout

    def keys(self, *keys):
        self.run("send-keys", *keys)

    def screen(self):
        """Without blanks at line ends and lines at the end."""
        lines = [line.rstrip() for line in
                 self.run("capture-pane", "-p").splitlines()]
        while lines and not lines[-1]:
            lines.pop()
        return "\n".join(lines)

    def close(self):
        subprocess.run(self.tmux + ["kill-server"], capture_output=True)


class Screen(Test):
    def start(self, *args, width=80, height=24, given=PLAYED):
        directory = tempfile.mkdtemp(prefix="xs-probe-top-")
        self.addCleanup(shutil.rmtree, directory)
        self.daemon = Daemon(directory, **given)
        self.addCleanup(self.end_daemon)
        return self.terminal(width, height, directory, dict(
            os.environ, XENSTORED_PATH=self.daemon.path), *args)

    def end_daemon(self):
        if self.daemon:
            self.daemon.close()

    def terminal(self, width, height, directory, env, *args):
        env = dict(env, NO_COLOR="1", LC_ALL="C", TERM="screen")
        t = Terminal(width, height, " ".join([PROBE, "top"] + list(args)),
                     env, directory)
        self.addCleanup(t.close)
        return t

    def wait(self, t, good, timeout=30):
        """Until the screen is good; it, or a failure that shows the last."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            screen = t.screen()
            if good(screen):
                return screen
            time.sleep(0.02)
        self.fail("not on the screen in time:\n" + screen)

    def shows(self, t, text, foot=None):
        """The whole screen is that text, with that last line at its foot."""
        def same(screen):
            rest, _, last = screen.rpartition("\n")
            return screen == text if foot is None else (
                rest.rstrip("\n") == text.rstrip("\n") and last == foot)
        try:
            self.wait(t, same)
        except AssertionError:
            self.assertEqual(t.screen(), text + (foot or ""))
            raise

    def left(self, t, status=0):
        self.wait(t, lambda s: s.endswith("left"))
        with open(t.status) as f:
            self.assertEqual(int(f.read()), status)

    def test_table(self):
        t = self.start()
        self.shows(t, TABLE, FOOT)
        t.keys("q")
        self.left(t)
        # The terminal is as it was before.
        self.assertNotIn("proxenos", t.screen())

    def test_wide_and_narrow(self):
        t = self.start(width=130)
        self.wait(t, lambda s: """
 DOMID NAME       *REQ/s  ERR/s  IN/s  OUT/s  EV/s  MRG/s  WAIT  TX  CNF/s  \
OUTST  MEM  NODE      RING   P50   P99
     5 web-server     30      2    20     50    10      1     7   1      0  \
    0  50%  100%   16/1024    72  1.2m
""" in s)
        t.run("resize-window", "-x", "40", "-y", "8")
        self.wait(t, lambda s: """
 DOMID NAME       *REQ/s  MEM   P99
     5 web-server     30  50%  1.2m
     0                 5    -    40
?: help""" in s)
        t.run("resize-window", "-x", "80", "-y", "24")
        self.shows(t, TABLE, FOOT)
        t.run("resize-window", "-x", "10", "-y", "2")
        self.wait(t, lambda s: len(s.splitlines()) <= 2)
        t.keys("q")
        self.left(t)

    def test_keys(self):
        t = self.start()
        self.shows(t, TABLE, FOOT)
        t.keys("Enter")
        self.wait(t, lambda s: s.startswith(DETAIL) and
                  "\n  requests  " in s and "    30/s\n" in s)
        t.keys("Down", "Down", "End")
        self.wait(t, lambda s: "Replies in all" in s and "####" in s)
        t.keys("Escape")
        self.shows(t, TABLE, FOOT)
        t.keys("?")
        self.wait(t, lambda s: s.startswith("Keys\n  q          leave\n"))
        t.keys("?")
        self.shows(t, TABLE, FOOT)
        t.keys("r")
        self.wait(t, lambda s: "^REQ/s" in s and
                  first_row(s).startswith("     7 "))
        t.keys("r", ">")
        self.wait(t, lambda s: "by errors" in s)
        t.keys("<", "<", "<")
        self.wait(t, lambda s: "by domid" in s)
        lines = t.screen().splitlines()
        self.assertEqual([line.split()[0] for line in lines[5:9]],
                         ["0", "5", "7", "sock"])
        t.keys("+")
        self.wait(t, lambda s: "every 0.5 s" in s)
        t.keys("Space")
        self.wait(t, lambda s: "standing still" in s)
        asked = PLAYED["topics"]["load"].asked
        t.keys("Down", "Up", "j", "k")
        self.wait(t, lambda s: "standing still" in s)
        self.assertLessEqual(PLAYED["topics"]["load"].asked, asked + 1)
        t.keys("C-c")
        self.left(t)

    def test_filter(self):
        t = self.start()
        self.shows(t, TABLE, FOOT)
        t.keys("/", "WEB")
        self.wait(t, lambda s: "filter: WEB_" in s)
        t.keys("x")
        self.wait(t, lambda s: "web-server" not in s)
        t.keys("BSpace", "Enter")
        self.wait(t, lambda s: s.endswith("with WEB  1 rows") and
                  "web-server" in s)
        t.keys("/", "7", "Enter")
        self.wait(t, lambda s: s.endswith("with 7  1 rows") and
                  "error 2" in s)
        t.keys("/", "Escape")
        self.shows(t, TABLE, FOOT)
        t.keys("q")
        self.left(t)

    def test_the_chosen_row_is_followed(self):
        t = self.start("--sort", "domid")
        self.wait(t, lambda s: "by domid" in s)
        t.keys("Down", "Enter")
        self.wait(t, lambda s: s.startswith("Domain 5"))
        t.keys("Escape", ">", ">", "Enter")
        self.wait(t, lambda s: s.startswith("Domain 5"))
        t.keys("q")
        self.left(t)

    def test_the_daemon_goes(self):
        t = self.start()
        self.shows(t, TABLE, FOOT)
        self.daemon.topics = {"status": PLAYED["topics"]["status"]}
        self.wait(t, lambda s: "no such" in s)
        self.left(t, 1)

    def test_a_machine_that_is_broken(self):
        b = self.begin()
        b.spoil()
        b.xs.write(b"/local/domain/3/name", b"greedy")
        t = self.terminal(100, 30, b.machine.dir, b.machine.environ(),
                          "--sort", "nodes", "-i", "0.2")
        self.wait(t, lambda s: "3 greedy" in first_row(s) and
                  "100%" in first_row(s))
        self.wait(t, lambda s: [line for line in s.splitlines()
                                if line.startswith("     4 ") and
                                "0/1024" in line and " 180 " in line])
        t.keys("/", "sock", "Enter")
        self.wait(t, lambda s: "(socket)" in s)
        t.keys("Enter", "End")
        self.wait(t, lambda s: "pid %d (" % os.getpid() in s)
        b.daemon.kill()
        self.wait(t, lambda s: "the daemon hung up" in s)
        self.left(t, 3)


class Batch(Test):
    def test_batch(self):
        b = self.begin()
        b.spoil()
        out = self.ask("top", "--batch", "-n", "2", "-i", "0.05", "--sort",
                       "domid", "--filter", "3")
        readings = out.strip("\n").split("\n\n")
        self.assertEqual(len(readings), 2, out)
        for reading in readings:
            lines = reading.splitlines()
            self.assertEqual(len(lines), 6)
            self.assertEqual(lines[4].split()[:3], ["*DOMID", "NAME",
                                                    "REQ/s"])
            self.assertRegex(lines[5], r"^ +3 .* 100% +0/0 ")

    def test_by_name(self):
        """As a dictionary has them; those that are alike as they come."""
        b = self.begin(domains=3)
        for domid, name in (1, b"web"), (2, b"Db"), (3, b"app"):
            b.xs.write(b"/local/domain/%d/name" % domid, name)
        b.xs.write(b"/local/domain/0/name", b"Domain-0")
        names = ["(socket)", "app", "Db", "Domain-0", "web"]
        for more in [], ["-R"]:
            reading = self.json("top", "-n", "1", "-i", "0.05", "--sort",
                                "name", *more)
            self.assertEqual([r["name"] for r in reading["rows"]],
                             names[::-1] if more else names)
            out = self.ask("top", "--batch", "-n", "1", "-i", "0.05",
                           "--sort", "name", *more)
            self.assertEqual([line.split()[1] for line in
                              out.rstrip().splitlines()[5:]],
                             names[::-1] if more else names)

    def test_json(self):
        b = self.begin()
        b.spoil()
        p = subprocess.Popen([PROBE, "top", "--json", "-n", "3", "-i", "0.3",
                              "--sort", "domid"], text=True,
                             stdout=subprocess.PIPE,
                             env=b.machine.environ())
        before = b.xs.request  # dom0 is not idle
        while p.poll() is None:
            b.guests[2].write(b"busy", b"x")
            before("READ", b"/\0")
        lines = [json.loads(line) for line in p.stdout]
        p.stdout.close()
        self.assertEqual(len(lines), 3)
        for reading in lines:
            rows = {(r["kind"], r["domid"]): r for r in reading["rows"]}
            self.assertEqual(list(rows), [
                ("ring", 0), ("ring", 1), ("ring", 2), ("ring", 3),
                ("ring", 4), ("sockets", 0)])
            two = rows["ring", 2]
            self.assertGreater(two["requests_s"], 100)
            self.assertGreater(two["bytes_in_s"], two["requests_s"] * 16)
            self.assertGreater(two["p50_us"], 0)
            self.assertGreaterEqual(two["p99_us"], two["p50_us"])
            self.assertLess(two["p99_us"], 1e6)
            self.assertEqual(rows["ring", 3]["nodes"], 1000)
            self.assertGreater(reading["daemon"]["passes_s"], 100)
            self.assertAlmostEqual(reading["seconds"], 0.3, delta=0.3)

    def test_usage(self):
        self.begin()
        for wrong in ["-i", "x"], ["-i", "0"], ["-i", "1.2345"], \
                ["--sort", "sheep"], ["--filter", "x" * 24], ["x"]:
            self.ask("top", "--batch", *wrong, status=2, err="sage"
                     if wrong == ["x"] else "Try")
        self.ask("top", status=2, err="no terminal")

    def test_strangers(self):
        for daemon in "stock", "ocaml":
            b = self.begin(daemon=daemon, domains=1, args=())
            self.ask("top", "--batch", "-n", "1", status=3,
                     err="it cannot tell what each domain does")
            b.daemon.stop()


if __name__ == "__main__":
    unittest.main()
