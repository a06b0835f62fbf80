# SPDX-License-Identifier: GPL-2.0-or-later
"""Hosts on simxen that are the same each time: what docs/xs-probe.md shows,
and what golden/ holds, was printed on these.
"""
import os
import sys
import threading
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [os.path.join(HERE, "../simxen")]
from simxen import (Machine, RingClient, SocketClient,  # noqa: E402
                    XSError, REQ_PROD)

BUILD = os.getcwd()
# For simxen.py, from whatever folder a stage is worked in.
os.environ.setdefault("SIMXEN_BUILD", BUILD)
DAEMON = os.path.join(BUILD, "xenstored/xenstored")
PROBE = os.path.join(BUILD, "tools/xs-probe/xs-probe")
EPOCH = b"%d.0-" + b"0" * 32


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("waited in vain")
        time.sleep(0.02)


class Host:
    """dom0, and two guests, web and db, each with a disk and a network
    card, that talk to each other over a control channel."""

    peer = DAEMON

    def __init__(self):
        self.m = Machine()
        try:
            self.begin()
        except BaseException:
            os.chdir(BUILD)
            self.m.close()
            raise

    def begin(self):
        self.d = self.m.daemon(self.peer, "-N")
        self.xs = SocketClient(self.m)
        self.xs.write(b"/local/domain/0/domid", b"0")
        self.xs.write(b"/local/domain/0/name", b"Domain-0")
        self.web = self.guest(b"web")
        self.db = self.guest(b"db")
        for number in 1, 2:
            self.device(number, b"vbd", 51712, 4, 4)
            self.device(number, b"vif", 0, 4, 4)
        self.channel(1, 2, b"up")
        self.channel(2, 1, b"up")
        self.xs.close()
        os.chdir(self.m.dir)
        self.spoil()

    def spoil(self):
        pass

    def close(self):
        self.xs.close()
        os.chdir(BUILD)
        self.m.close()

    def guest(self, name):
        guest = self.m.add_domain()
        self.xs.introduce(guest)
        home = b"/local/domain/%d" % guest.domid
        self.xs.write(home, b"")
        self.xs.set_perms(home, b"n0", b"r%d" % guest.domid)
        self.xs.write(home + b"/name", name)
        self.xs.write(home + b"/memory/target", b"1048576")
        self.xs.write(home + b"/data", b"")
        self.xs.set_perms(home + b"/data", b"n%d" % guest.domid)
        ring = RingClient(guest)
        ring.watch(b"control/shutdown", b"shutdown")
        ring.event()
        ring.write(b"data/uptime", b"17")
        setattr(self, name.decode() + "_ring", ring)
        return guest

    def device(self, domid, kind, number, front, back):
        f = b"/local/domain/%d/device/%s/%d" % (domid, kind, number)
        b = b"/local/domain/0/backend/%s/%d/%d" % (kind, domid, number)
        for path, value in ((f + b"/backend", b), (b + b"/frontend", f),
                            (f + b"/backend-id", b"0"),
                            (b + b"/frontend-id", b"%d" % domid),
                            (f + b"/state", b"%d" % front),
                            (b + b"/state", b"%d" % back)):
            self.xs.write(path, value)

    def channel(self, domid, peer, says, reason=b"-"):
        try:
            generation = self.xs.read(b"/tool/xenstored/generation")
        except XSError:
            generation = b"0"
        self.xs.write(
            b"/local/domain/%d/data/channel/%d/log/st" % (domid, peer),
            b"v=1 e=%s p=%s s=%s g=%s t=0 a=0 w=8 h=1 l=15000 f=0 r=%s" % (
                EPOCH % domid, EPOCH % peer, says, generation, reason))


class Broken(Host):
    """The same on a bad day."""

    def spoil(self):
        with SocketClient(self.m) as self.xs:
            # db's network: the backend began to close.
            self.device(2, b"vif", 0, 4, 5)
            # web's log channel: the other end left.
            self.channel(2, 1, b"quiet", b"suspect")
            # The toolstack writes what db's program just looked at.
            tx = self.db_ring.transaction()
            self.db_ring.read(b"data/uptime", tx)
            self.xs.write(b"/local/domain/2/data/uptime", b"18")
            self.db_ring.write(b"data/uptime", b"19", tx)
            try:
                self.db_ring.request("TRANSACTION_END", b"T\0", tx)
            except XSError:
                pass        # EAGAIN, as it should be
            # web writes an index that cannot be.
            self.web.word(REQ_PROD, self.web.word(REQ_PROD) + 5000)
            self.web.notify()
            self.xs.request("SET_QUOTA", b"2\0nodes\0" b"15\0")
            for i in range(8):
                self.db_ring.write(b"data/item-%d" % i, b"")
            until(lambda: '"error": 2' in self.m.run(
                PROBE, "ring", "--json", "1").stdout)


class Busy(Broken):
    """The same while db asks and asks."""

    def spoil(self):
        super().spoil()
        self.over = threading.Event()
        self.worker = threading.Thread(target=self.work)
        self.worker.start()

    def work(self):
        with SocketClient(self.m) as xs:
            while not self.over.wait(0.05):
                for _ in range(40):
                    self.db_ring.write(b"data/uptime", b"20")
                    self.db_ring.read(b"data/uptime")
                    xs.read(b"/local/domain/1/name")

    def close(self):
        self.over.set()
        self.worker.join()
        super().close()


class Stock(Host):
    """The same under the stock C daemon."""

    peer = "stock"


SCENES = {"host": Host, "broken": Broken, "busy": Busy, "stock": Stock}
