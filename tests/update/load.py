# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients that keep a daemon busy and their own record of what it owes them.

Each is a thread of its own. Whatever it finds wrong goes to `wrong`; nothing
that was acknowledged may be missing, nothing may be answered twice or out of
order (the clients of xsclient.py refuse a reply they do not wait for).
"""

import os
import random
import sys
import threading
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../tools/simxen"))
sys.dont_write_bytecode = True

from simxen import RingClient, SocketClient, XSError  # noqa: E402

DEADLINE = 30


class Pieces:
    """Sends in pieces, so that an update finds requests half written."""

    random = None

    def send(self, data, **more):
        if self.random and self.random.random() < 0.3:
            cut = self.random.randrange(1, len(data))
            super().send(data[:cut], **more)
            time.sleep(self.random.random() * 0.004)
            data = data[cut:]
        super().send(data, **more)


class Socket(Pieces, SocketClient):
    pass


class Ring(Pieces, RingClient):
    pass


class Worker(threading.Thread):
    """Writes a counter, reads it back, watches its neighbour's, and, over a
    socket, moves two nodes together in transactions."""

    def __init__(self, load, index, client, base):
        super().__init__(daemon=True)
        self.load, self.index, self.client = load, index, client
        self.base = base
        self.random = client.random = random.Random(load.seed * 100 + index)
        self.count = self.done = self.retried = self.lost = 0
        self.seen = set()

    def path(self, name):
        return self.base + name

    def run(self):
        try:
            while not self.load.stop.is_set():
                self.turn()
            self.finish()
        except Exception as e:
            self.load.found("client %d: %s: %s" % (
                self.index, type(e).__name__, e))

    def turn(self):
        what = self.random.random()
        if what < 0.4:
            self.write()
        elif what < 0.6:
            self.check()
        elif what < 0.7:
            self.client.directory(self.base.rstrip(b"/"))
        elif what < 0.9:
            self.transaction()
        else:
            time.sleep(self.random.random() * 0.003)
        self.events()
        self.done += 1

    def request(self, op, payload, tx=0):
        return self.client.request(op, payload, tx, timeout=DEADLINE)

    def write(self):
        self.request("WRITE", self.path(b"n") + b"\0%d" % (self.count + 1))
        self.count += 1

    def check(self):
        got = self.request("READ", self.path(b"n") + b"\0")
        if got != b"%d" % self.count:
            self.load.found("client %d: wrote %d, reads %r" % (
                self.index, self.count, got))

    def pair(self, tx):
        a = self.request("READ", self.path(b"a") + b"\0", tx)
        b = self.request("READ", self.path(b"b") + b"\0", tx)
        if a != b:
            self.load.found("client %d: half a transaction: %r %r" % (
                self.index, a, b))
        return int(a)

    def transaction(self):
        """Whatever becomes of it, it is whole or nothing."""
        tx = int(self.request("TRANSACTION_START", b"\0").rstrip(b"\0"))
        try:
            value = b"\0%d" % (self.pair(tx) + 1)
            for name in (b"a", b"b"):
                self.request("WRITE", self.path(name) + value, tx)
            self.request("TRANSACTION_END", b"T\0", tx)
        except XSError as e:
            if e.name == "EAGAIN":
                self.retried += 1
            elif e.name == "ENOENT" and self.load.may_lose:
                self.lost += 1
            else:
                raise

    def events(self):
        self.seen.update(e.split(b"\0")[0] for e in self.client.events)
        self.client.events.clear()

    def finish(self):
        """When all have stopped: the last change is heard of by him who
        watches it."""
        self.load.quiet.wait(DEADLINE)
        self.events()
        self.seen.clear()
        self.load.heard.wait(DEADLINE)
        self.write()
        self.check()
        watched = self.load.base(self.index + 1) + b"n"
        end = time.monotonic() + DEADLINE
        while watched not in self.seen:
            if time.monotonic() > end:
                self.load.found("client %d: never heard of %r" % (
                    self.index, watched))
                return
            self.request("READ", self.path(b"n") + b"\0")
            self.events()


class Load:
    """`with Load(machine, rings, sockets, seed, may_lose):` runs it; at the
    end everything is checked, and `wrong` says what was found."""

    def __init__(self, machine, rings, sockets, seed, may_lose):
        self.machine, self.seed, self.may_lose = machine, seed, may_lose
        self.rings, self.sockets = rings, sockets
        self.stop = threading.Event()
        self.quiet = threading.Barrier(rings + sockets)
        self.heard = threading.Barrier(rings + sockets)
        self.wrong, self.workers, self.idle = [], [], []
        self.lock = threading.Lock()
        self.admin = SocketClient(machine)
        self.guests = [machine.add_domain() for _ in range(rings)]

    def found(self, text):
        with self.lock:
            self.wrong.append(text)

    def base(self, index):
        index %= self.rings + self.sockets
        if index < self.rings:
            return b"/local/domain/%d/" % self.guests[index].domid
        return b"/load/%d/" % index

    def prepare(self, index):
        """The nodes of one client, which it and the others may use."""
        base = self.base(index).rstrip(b"/")
        for name in (b"", b"/n", b"/a", b"/b"):
            self.admin.write(base + name, b"0" if name else b"")
            owner = b"b0"
            if index < self.rings:
                owner = b"b%d" % self.guests[index].domid
            self.admin.set_perms(base + name, owner)

    def client(self, index):
        if index >= self.rings:
            return Socket(self.machine)
        self.admin.introduce(self.guests[index])
        return Ring(self.guests[index])

    def __enter__(self):
        for i in range(self.rings + self.sockets):
            self.prepare(i)
        for i in range(self.rings + self.sockets):
            worker = Worker(self, i, self.client(i), self.base(i))
            worker.client.request("WATCH", self.base(i + 1) + b"n\0w%d\0" % i)
            self.workers.append(worker)
        self.sleepers()
        for worker in self.workers:
            worker.start()
        return self

    def sleepers(self):
        """Two who watch everything and do not read until the end, and one
        whose request stays half written until then."""
        ring = Ring(self.machine.add_domain())
        self.admin.introduce(ring.guest)
        self.admin.mkdir(b"/local/domain/%d" % ring.guest.domid)
        for client in (ring, Socket(self.machine)):
            client.request("WATCH", b"/load\0sleeper\0")
            self.idle.append(client)
        self.half = Socket(self.machine)
        self.rest = b"\x0b\0\0\0\x07\0\0\0\0\0\0\0\x0a\0\0\0/half\0half"
        self.half.send(self.rest[:21])
        self.rest = self.rest[21:]

    def wake(self):
        self.half.send(self.rest)
        if self.half.reply(7, DEADLINE) != (11, b"OK\0"):
            self.found("the half-written request was answered wrongly")
        for client in self.idle:
            self.wake_one(client)

    def wake_one(self, client):
        """Its events are whole, and the change of now is among them."""
        self.admin.write(b"/load/last", b"")
        end = time.monotonic() + DEADLINE
        while True:
            path, token = client.event(max(0.1, end - time.monotonic()))
            if token != b"sleeper" or not path.startswith(b"/load"):
                self.found("an event of nobody: %r %r" % (path, token))
            if path in (b"/load/last", b"/load"):
                return

    def __exit__(self, kind, *exc):
        self.stop.set()
        for worker in self.workers:
            worker.join(4 * DEADLINE)
            if worker.is_alive():
                self.found("client %d hangs" % worker.index)
        if kind is None and not self.wrong:
            try:
                self.wake()
            except Exception as e:
                self.found("a sleeper: %s: %s" % (type(e).__name__, e))
        for client in [w.client for w in self.workers] + self.idle + \
                [self.half, self.admin]:
            client.close()

    def total(self, what):
        return sum(getattr(w, what) for w in self.workers)
