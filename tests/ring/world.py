# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine, a daemon on it, and what the tests of the ring do with them.

A test is a function of a World that returns facts: a list of short strings.
They are compared with what the rules demand, or, for a peer that differs,
with what differences.py declares.  What goes wrong on the way becomes the
last fact, so that a peer's way of failing can be declared too.
"""
import contextlib
import errno
import os
import shutil
import signal
import sys
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../tools/simxen"))

import simxen  # noqa: E402
HEADER_SIZE = simxen.HEADER.size
from simxen import (CONNECTION, ERROR, EVTCHN, FEATURES, REQ, REQ_CONS,  # noqa
                    REQ_PROD, RSP, RSP_CONS, RSP_PROD, RingClient,
                    SocketClient, XSError, message)

INDICES = (REQ_CONS, REQ_PROD, RSP_CONS, RSP_PROD)
FIELDS = INDICES + (FEATURES, CONNECTION, ERROR, EVTCHN)
RECONNECT, WITH_ERROR = 1, 2


class Stop(Exception):
    """The test cannot go on; its text is the last fact."""


def build():
    for top in (os.environ.get("SIMXEN_BUILD"), os.getcwd(),
                os.path.join(HERE, "../../build")):
        if top and os.path.exists(os.path.join(top, "tools/simxen/simxen")):
            return os.path.realpath(top)
    return None


def our_daemon():
    top = build()
    path = top and os.path.join(top, "xenstored/xenstored")
    return path if path and os.path.exists(path) else None


class World:
    """One machine and one daemon, shared by tests; guests are a test's own.
    A daemon that died, or that a test broke, is replaced."""

    def __init__(self, daemon, deadline):
        self.path = daemon
        self.deadline = deadline
        self.machine = self.daemon = self.xs = None
        self._guests = []
        self.starts = 0

    # ------------------------------------------------------- life

    def begin(self):
        """Before a test: a daemon that answers."""
        if self.daemon and self.daemon.process.poll() is None:
            try:
                self.sync()
                return
            except (OSError, ValueError):
                pass
        self.end()
        self.machine = simxen.Machine()
        self.start()

    def start(self):
        self.daemon = self.machine.daemon(self.path)
        self.starts += 1
        self.xs = SocketClient(self.machine)

    def end(self):
        self.clear()
        if self.xs:
            self.xs.close()
        if self.machine:
            self.machine.close()
        self.machine = self.daemon = self.xs = None

    def clear(self):
        """After a test: its guests are gone, also from the daemon."""
        for guest in self._guests:
            if guest.alive:
                self.machine.kill(guest.domid)
            guest.detach()
        self._guests = []

    def restart(self, cold=False):
        """kill -9, and another one on the same machine.  cold: as after the
        host's boot, with nothing of the last one to go on from."""
        self.daemon.kill()
        self.xs.close()
        if cold:
            run = os.path.join(self.machine.dir, "run")
            shutil.rmtree(run)
            os.mkdir(run)
        self.start()

    @contextlib.contextmanager
    def stopped(self):
        """The daemon sees what is done inside all at once."""
        os.kill(self.daemon.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.daemon.pid, signal.SIGCONT)

    def sync(self):
        """The daemon has gone round since: two answers of it."""
        for _ in range(2):
            self.xs.request("GET_DOMAIN_PATH", b"0\0", timeout=self.deadline)

    # ------------------------------------------------------- guests

    def domain(self):
        """A domain that has not been introduced."""
        guest = self.machine.add_domain()
        self._guests.append(guest)
        return guest

    def home(self, guest):
        path = b"/local/domain/%d" % guest.domid
        self.xs.mkdir(path)
        self.xs.set_perms(path, b"n%d" % guest.domid)

    def guest(self):
        """A domain with a home, introduced; and its client."""
        guest = self.domain()
        self.home(guest)
        self.xs.introduce(guest)
        return guest, Client(guest, self)

    def again(self, guest):
        """RELEASE and INTRODUCE, with a port of which the other end is free
        and the home that RELEASE removed."""
        self.xs.release(guest.domid)
        self.machine.new_port(guest.domid)
        self.xs.introduce(guest)
        self.home(guest)
        return Client(guest, self)

    def offer(self, guest, bits):
        """SET_FEATURE, which comes before INTRODUCE."""
        try:
            self.xs.request("SET_FEATURE", b"%d\0%d\0" % (guest.domid, bits))
        except XSError as e:
            raise Stop("SET_FEATURE: " + e.name)
        except (ConnectionError, BrokenPipeError):
            raise Stop("SET_FEATURE: closed")

    # ------------------------------------------------------- the page

    def fields(self, guest):
        """What rule 5 speaks of, in one line."""
        return "indices %s error %d connection %d" % (
            "/".join("%d" % guest.word(f) for f in INDICES),
            guest.word(ERROR), guest.word(CONNECTION))

    def offered(self, guest):
        if not guest.word(FEATURES) & RECONNECT:
            raise Stop("bit 0 not offered")

    def ask(self, guest, value=1):
        """Rule 3's first half: write, notify."""
        self.offered(guest)
        guest.word(CONNECTION, value)
        guest.notify()

    def wait_zero(self, guest):
        """Rule 3's second half: nothing but `connection`, in a loop."""
        end = time.monotonic() + self.deadline
        while guest.word(CONNECTION):
            left = end - time.monotonic()
            if left <= 0:
                raise Stop("connection stays %d" % guest.word(CONNECTION))
            guest.wait(min(left, 0.25))

    def reset(self, guest):
        """The whole of rule 3, and a client that knows nothing of before."""
        self.ask(guest)
        self.wait_zero(guest)
        return Client(guest, self)

    def wait_error(self, guest, old=0):
        """Until `error` is set, to another value than `old`; its value."""
        end = time.monotonic() + self.deadline
        while guest.word(ERROR) in (0, old):
            left = end - time.monotonic()
            if left <= 0:
                return 0
            guest.wait(min(left, 0.25))
        return guest.word(ERROR)

    def wait_until(self, true, what):
        end = time.monotonic() + self.deadline
        while not true():
            if time.monotonic() > end:
                raise Stop("never: " + what)
            self.sync()

    def events_taken(self, guest):
        while guest.wait(0):
            pass


class Client(RingClient):
    """A ring client of which every failure is a fact, not an exception."""

    def __init__(self, guest, world):
        super().__init__(guest)
        self.world = world

    def say(self, op, payload=b"", tx=0):
        """The answer as text; "silence" when there is none."""
        try:
            data = self.request(op, payload, tx,
                                timeout=self.world.deadline)
        except XSError as e:
            return "!" + e.name
        except (TimeoutError, ValueError) as e:
            error = self.guest.word(ERROR)
            if error:
                return "error %d" % error
            return "silence" if isinstance(e, TimeoutError) else "garbage"
        except OSError as e:
            return errno.errorcode.get(e.errno, "failed")
        return data.rstrip(b"\0").decode("latin-1")

    def send(self, data, timeout=None):
        super().send(data, timeout or self.world.deadline)

    def served(self):
        """Three requests answered as they should be, and no event."""
        for n in range(3):
            text = self.say("GET_DOMAIN_PATH", b"%d\0" % n)
            if text != "/local/domain/%d" % n:
                return text
        return "event" if self.events else "served"
