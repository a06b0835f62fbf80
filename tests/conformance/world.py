# SPDX-License-Identifier: GPL-2.0-or-later
"""
The machine under a daemon: simxen, one daemon of a given kind on it, and
domains made and removed for each scenario.  Domain ids have four digits, so
that lengths in scenarios do not depend on which come next.
"""
import contextlib
import errno
import os
import signal
import sys
import time

import wire

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../tools/simxen"))
import simxen  # noqa: E402

FIRST_DOMID = 1001
LAST_DOMID = 9999
DEADLINE = 15.0
PEER_DEADLINE = 2.0

STOCK = "/usr/lib/xen-4.17/bin/xenstored"
OCAML = "/usr/lib/xen-4.17/bin/oxenstored"


def our_daemon():
    """XENSTORED: the program or a build directory; else the usual places."""
    named = os.environ.get("XENSTORED")
    top = os.path.realpath(os.path.join(HERE, "../.."))
    for path in ([named] if named else []) + [
            "build/xenstored", os.path.join(top, "build/xenstored")]:
        for full in (path, os.path.join(path, "xenstored")):
            if os.path.isfile(full) and os.access(full, os.X_OK):
                return os.path.realpath(full)
    return None


class Port:
    """What wire.RingConn wants of a guest."""

    def __init__(self, guest):
        self.guest = guest
        self.page = guest.page

    def notify(self):
        try:
            self.guest.notify()
        except OSError as problem:
            if problem.errno != errno.ESRCH:
                raise

    def wait(self, seconds):
        return self.guest.wait(seconds)

    def close(self):
        self.guest.detach()


class World:
    def __init__(self, kind):
        self.kind = kind
        self.peer = kind in ("stock", "ocaml")
        self.checks = not self.peer
        self.machine = None
        self.daemon = None
        self.args = None
        self.domid = FIRST_DOMID
        self.guests = {}
        self.waiting = None
        self.starts = 0

    # -- the daemon ------------------------------------------------------
    def start(self, args=()):
        self.stop()
        self.machine = simxen.Machine()
        self.args = tuple(args)
        self.starts += 1
        self.daemon = self.machine.daemon(self.kind, *args)

    def stop(self):
        self.guests = {}
        if self.machine:
            if self.daemon and self.peer:
                # A peer's death is not what is tested here: be quick.
                self.daemon.kill()
            self.machine.close()
        self.machine = self.daemon = None

    def need(self, args=(), fresh=False):
        """A running daemon with these arguments, the old one if it will do."""
        if (fresh or self.machine is None or self.args != tuple(args)
                or not self.daemon_alive()):
            self.start(args)

    @property
    def pid(self):
        return self.daemon.pid

    @property
    def socket(self):
        return self.machine.socket_path

    def daemon_alive(self):
        return (self.daemon is not None
                and self.daemon.process.poll() is None)

    def output_tail(self, lines=12):
        return "\n".join(self.daemon.output().splitlines()[-lines:])

    def log_size(self):
        return len(self.daemon.output())

    def log_since(self, mark):
        return self.daemon.output()[mark:]

    @contextlib.contextmanager
    def stopped(self):
        """The daemon does not run meanwhile: what happens is one step."""
        os.kill(self.pid, signal.SIGSTOP)
        while self.state() != "T":
            self.tick()
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def state(self):
        with open("/proc/%d/stat" % self.pid) as stat:
            return stat.read().rsplit(")", 1)[1].split()[0]

    def tick(self):
        """One turn of a polling loop; raises when the time is over."""
        if self.waiting is None:
            self.waiting = time.monotonic()
        limit = PEER_DEADLINE if self.peer else DEADLINE
        if time.monotonic() - self.waiting > limit:
            raise wire.Silence("#never")
        os.sched_yield()

    # -- domains ---------------------------------------------------------
    def next_domid(self):
        domid = self.domid
        self.domid = FIRST_DOMID if domid == LAST_DOMID else domid + 1
        return domid

    def add_domain(self, domid):
        self.machine.create_domain(domid)

    def guest(self, domid):
        return Port(self.machine.guest(domid))

    def remove_domain(self, domid):
        try:
            self.machine.kill(domid)
        except OSError as problem:
            if problem.errno != errno.ESRCH:
                raise

    def remote_port(self, domid):
        return self.machine.info(domid).port

    def frame(self, domid):
        """The ring's guest frame; only oxenstored maps by it."""
        return self.machine.info(domid).gfn

    def reopen_port(self, domid):
        self.machine.new_port(domid)

    def shutdown(self, domid):
        self.machine.shutdown(domid)
        return "ok"

    def resume(self, domid):
        self.machine.shutdown(domid, simxen.RESUME)
        return "ok"

    def fail_mapping(self, domid, error):
        self.machine.fault(simxen.FAULT_GRANT, error, domid)
