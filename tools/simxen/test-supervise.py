#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`simxen supervise` keeps systemd's rules; asked with a toy daemon."""

import json
import os
import signal
import socket
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, HERE)
from simxen import Machine  # noqa: E402

TOY = os.path.join(HERE, "toy-daemon.py")


def check(value, want):
    if value != want:
        raise AssertionError("%r, not %r" % (value, want))


def until(what, timeout=10):
    """Wait for what() to be true; it follows from what was done."""
    end = time.monotonic() + timeout
    while not what():
        if time.monotonic() > end:
            raise TimeoutError("it did not happen")
        time.sleep(0.002)


class Session:
    """A toy under supervision, and the line to it."""

    def __init__(self, m, env=None, **options):
        self.dir = tempfile.TemporaryDirectory(prefix="simxen-toy-")
        self.path = os.path.join(self.dir.name, "toy")
        self.sup = m.supervise(
            TOY, env=m.environ(TOY_SOCKET=self.path, **(env or {})),
            restart_delay=options.pop("restart_delay", 0), **options)

    def __enter__(self):
        self.meet()
        return self

    def __exit__(self, *exc):
        self.hang_up()
        self.sup.stop()
        self.dir.cleanup()

    def hang_up(self):
        self.stream.close()
        self.sock.close()

    def meet(self):
        """Talk to the toy that runs now."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(self.path)
        self.stream = self.sock.makefile("rb")
        self.first = json.loads(self.stream.readline())

    def tell(self, **order):
        self.sock.sendall(json.dumps(order).encode() + b"\n")

    def do(self, **order):
        self.tell(**order)
        return json.loads(self.stream.readline())

    def again(self, sig=signal.SIGKILL):
        self.hang_up()
        killed = self.sup.kill(sig)
        check(self.sup.wait_ready(), killed + 1)
        self.meet()


def restarts(m):
    with Session(m) as s:
        check(s.sup.restarts, 0)
        check(s.sup.pid, s.first["pid"])
        check(s.sup.status()["status"], 'the "toy"')
        for n in range(1, 4):
            old = s.first["pid"]
            s.again()
            check(s.sup.restarts, n)
            check(s.sup.pid, s.first["pid"])
            check(s.first["pid"] != old, True)
            check(s.first["got"], [])
            check(s.first["env"]["LISTEN_FDS"], None)
        s.again(signal.SIGTERM)
        check(s.sup.status()["deaths"], 4)


def kept(m):
    """By name, in order, several to a message, and once only."""
    with Session(m) as s:
        names = s.do(say="FDSTORE=1\nFDNAME=a", make=["one", "two"])
        s.do(say="FDSTORE=1\nFDNAME=b", make=["three"])
        s.do(say="FDSTORE=1", make=["four"])
        s.do(say="FDSTORE=1\nFDNAME=again", keep=names[:1])
        s.again()
        check(s.first["got"], ["one", "two", "three", "four"])
        check(s.first["env"]["LISTEN_FDNAMES"], "a:a:b:stored")
        s.do(say="FDSTOREREMOVE=1\nFDNAME=a")
        s.do(say="FDSTOREREMOVE=1\nFDNAME=no")
        s.again()
        check(s.first["got"], ["three", "four"])
        check(s.first["env"]["LISTEN_FDNAMES"], "b:stored")
        s.do(say="FDSTORE=1\nFDNAME=bad name", make=["five"])
        s.do(say="FDSTORE=1\nFDNAME=bad:name", make=["six"])
        s.again()
        check(s.sup.fds(), ["b", "stored"])


def last_words(m):
    """What was said before death counts, each time."""
    with Session(m) as s:
        for n in range(20):
            s.do(say="FDSTORE=1\nFDNAME=n%d" % n, make=["file"])
            s.again()
            check(len(s.first["got"]), n + 1)


def hang_up(m):
    with Session(m) as s:
        s.do(say="FDSTORE=1\nFDNAME=watched", make=["pair"])
        s.do(say="FDSTORE=1\nFDNAME=not\nFDPOLL=0", make=["pair"])
        s.do(say="FDSTORE=1\nFDNAME=pipe", make=["pipe"])
        until(lambda: s.sup.fds() == ["watched", "not", "pipe"])
        for name in ("pair0", "pair1", "pipe2"):
            s.do(hang_up=name)
        until(lambda: s.sup.fds() == ["not"])
        s.again()
        check(s.first["env"]["LISTEN_FDNAMES"], "not")


def limit(m):
    with Session(m, fdstore_max=2) as s:
        s.do(say="FDSTORE=1\nFDNAME=x", make=["one", "two", "three"])
        s.again()
        check(s.first["got"], ["one", "two"])
    with Session(m, fdstore_max=0) as s:
        s.do(say="FDSTORE=1\nFDNAME=x", make=["one"])
        s.again()
        check(s.first["got"], [])


def many(m):
    """More than a message may carry, each still itself."""
    with Session(m) as s:
        for n in range(4):
            s.do(say="FDSTORE=1\nFDNAME=m%d" % n,
                 make=["%d.%d" % (n, i) for i in range(100)])
        s.again()
        check(s.first["got"], ["%d.%d" % (n, i) for n in range(4)
                               for i in range(100)])


def strangers(m):
    """Only the daemon's own messages count."""
    with Session(m) as s:
        before = s.sup.status()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.connect(os.path.join(m.dir, "notify"))
            sock.send(b"STATUS=stranger\nMAINPID=1")
        until(lambda: "ignored" in s.sup.output())
        check(s.sup.status(), before)


def watchdog(m):
    with Session(m, watchdog=1000000) as s:
        check(s.first["env"]["WATCHDOG_USEC"], "1000000")
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            s.do(say="WATCHDOG=1")
            time.sleep(0.02)
        check(s.sup.restarts, 0)
        s.sup.wait_ready(2)
        check(s.sup.status()["exit_status"] & 127, signal.SIGABRT)
    with Session(m, watchdog=3600000000) as s:
        s.tell(say="WATCHDOG=trigger")
        s.sup.wait_ready(2)
        s.hang_up()
        s.meet()
        s.tell(say="WATCHDOG_USEC=1000")
        s.sup.wait_ready(3)


def ready(m):
    """Ready is what the daemon says, not that it runs."""
    with Session(m, env={"TOY_SLOW": "0.3"}) as s:
        start = time.monotonic()
        s.again()
        check(time.monotonic() - start > 0.25, True)
        s.sup.kill()
        until(lambda: s.sup.status()["starts"] == 3)
        check(s.sup.status()["ready"], 2)
        until(lambda: s.sup.pid)
        s.sup.kill()            # before it was ready
        check(s.sup.wait_ready(), 4)
        s.hang_up()
        s.meet()


def orders(m):
    with Session(m) as s:
        s.sup.next_env("TOY_ONCE", "yes")
        s.again()
        check(s.first["env"]["TOY_ONCE"], "yes")
        s.again()
        check(s.first["env"]["TOY_ONCE"], None)
        s.sup.hold()
        s.sup.kill()
        s.sup.wait_dead()
        try:
            s.sup.kill()
        except RuntimeError as e:
            check("no daemon runs" in str(e), True)
        else:
            raise AssertionError("killed none")
        starts = s.sup.status()["starts"]
        s.sup.release()
        check(s.sup.wait_ready(), starts + 1)
        s.hang_up()
        s.meet()


def ends(m):
    """Restarts have a limit; stopping is orderly and leaves nothing."""
    with Session(m, max_restarts=2) as s:
        s.again()
        s.again()
        pid = s.sup.pid
        s.sup.kill()
        try:
            s.sup.wait_ready()
        except RuntimeError as e:
            check("over" in str(e) or "gone" in str(e), True)
        else:
            raise AssertionError("restarted")
        check(s.sup.process.wait(10), 1)
        check(os.path.exists("/proc/%d" % pid), False)
    with Session(m) as s:
        pid = s.sup.pid
        check(s.sup.stop(), 0)
        check(os.path.exists("/proc/%d" % pid), False)
        check(os.path.exists(os.path.join(m.dir, "supervise")), False)
    with Session(m) as s:
        pid = s.sup.pid
        s.sup.process.kill()
        s.sup.process.wait()
        until(lambda: not os.path.exists("/proc/%d" % pid))
    with Session(m, restart_delay=400) as s:
        start = time.monotonic()
        s.again()
        check(time.monotonic() - start >= 0.4, True)


def main():
    for test in (restarts, kept, last_words, hang_up, limit, many, strangers,
                 watchdog, ready, orders, ends):
        print("test: %s" % test.__name__, flush=True)
        with Machine() as m:
            test(m)
    return 0


if __name__ == "__main__":
    sys.exit(main())
