# SPDX-License-Identifier: GPL-2.0-or-later
"""
Messages and connections, for tests only.

Two transports with one interface: send(), recv(), close().  They are written
here from the public header and not on the project's own library, so that a
mistake in that library cannot hide one in the daemon.
"""
import collections
import os
import select
import socket
import struct
import time

OPS = {name: number for number, name in enumerate((
    "CONTROL", "DIRECTORY", "READ", "GET_PERMS", "WATCH", "UNWATCH",
    "TRANSACTION_START", "TRANSACTION_END", "INTRODUCE", "RELEASE",
    "GET_DOMAIN_PATH", "WRITE", "MKDIR", "RM", "SET_PERMS", "WATCH_EVENT",
    "ERROR", "IS_DOMAIN_INTRODUCED", "RESUME", "SET_TARGET", "RESTRICT",
    "RESET_WATCHES", "DIRECTORY_PART", "GET_FEATURE", "SET_FEATURE",
    "GET_QUOTA", "SET_QUOTA"))}
NAMES = {number: name for name, number in OPS.items()}
WATCH_EVENT = OPS["WATCH_EVENT"]
ERROR = OPS["ERROR"]

PAYLOAD_MAX = 4096
HEADER = struct.Struct("<IIII")
# How long to wait for what must come; the runner shortens it for a peer
# that is known to say nothing.
deadline_default = 10.0

Message = collections.namedtuple("Message", "type req_id tx_id payload")


class Closed(Exception):
    """The daemon ended this connection; says how."""


class Silence(Exception):
    """A deadline passed without the message that was due."""


def end_of(deadline):
    return time.monotonic() + (deadline_default if deadline is None
                               else deadline)


def op_number(op):
    return OPS[op] if isinstance(op, str) and op in OPS else int(op)


def pack(op, payload=b"", tx=0, req=0, length=None):
    size = len(payload) if length is None else length
    return HEADER.pack(op_number(op), req, tx, size) + payload


class Parser:
    """Cuts a byte stream into messages."""

    def __init__(self):
        self.buffer = bytearray()

    def feed(self, data):
        self.buffer += data

    def next(self):
        if len(self.buffer) < HEADER.size:
            return None
        kind, req, tx, size = HEADER.unpack_from(self.buffer)
        if size > PAYLOAD_MAX:
            raise Closed("#bad reply length %d" % size)
        end = HEADER.size + size
        if len(self.buffer) < end:
            return None
        payload = bytes(self.buffer[HEADER.size:end])
        del self.buffer[:end]
        return Message(kind, req, tx, payload)


class SocketConn:
    """A client on the daemon's unix socket."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(path)
        self.sock.setblocking(False)
        self.parser = Parser()

    def send(self, data, deadline=None):
        end = end_of(deadline)
        view = memoryview(data)
        while view:
            left = end - time.monotonic()
            if left <= 0 or not select.select([], [self.sock], [], left)[1]:
                raise Silence("#send blocked")
            try:
                view = view[self.sock.send(view):]
            except BlockingIOError:
                continue
            except OSError:
                raise Closed("#closed") from None

    def recv(self, deadline=None):
        end = end_of(deadline)
        while True:
            message = self.parser.next()
            if message:
                return message
            left = max(0.0, end - time.monotonic())
            if not select.select([self.sock], [], [], left)[0]:
                raise Silence("#silence")
            try:
                data = self.sock.recv(65536)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if not data:
                raise Closed("#closed")
            self.parser.feed(data)

    def close(self):
        self.sock.close()


RING_SIZE = 1024
(REQ_CONS, REQ_PROD, RSP_CONS, RSP_PROD, FEATURES, CONNECTION, ERR,
 EVTCHN) = range(512, 520)


class RingConn:
    """
    A guest's end of a ring.  `port` is what the machine gives: page, a
    writable memoryview of 4096 bytes; notify(); wait(seconds) -> bool.
    """

    def __init__(self, port, domid):
        self.port = port
        self.domid = domid
        self.bytes = port.page
        self.words = port.page.cast("I")
        self.parser = Parser()
        self.attach()

    def attach(self):
        """Start from whatever the indices are now."""
        self.parser = Parser()

    def get(self, field):
        return self.words[field]

    def set(self, field, value):
        self.words[field] = value & 0xffffffff

    def notify(self):
        self.port.notify()

    def put(self, data):
        """Copy what fits into the request ring; returns how much."""
        prod, cons = self.get(REQ_PROD), self.get(REQ_CONS)
        room = RING_SIZE - ((prod - cons) & 0xffffffff)
        if room < 0 or room > RING_SIZE:
            room = 0
        part = data[:room]
        at = prod % RING_SIZE
        first = min(len(part), RING_SIZE - at)
        self.bytes[at:at + first] = part[:first]
        self.bytes[0:len(part) - first] = part[first:]
        self.set(REQ_PROD, prod + len(part))
        return len(part)

    def take(self):
        """Take what is in the reply ring; returns the bytes."""
        cons, prod = self.get(RSP_CONS), self.get(RSP_PROD)
        have = (prod - cons) & 0xffffffff
        if have > RING_SIZE:
            raise Closed("#daemon broke its reply index")
        if not have:
            return b""
        at = cons % RING_SIZE
        first = min(have, RING_SIZE - at)
        data = bytes(self.bytes[RING_SIZE + at:RING_SIZE + at + first])
        data += bytes(self.bytes[RING_SIZE:RING_SIZE + have - first])
        self.set(RSP_CONS, prod)
        return data

    def check(self):
        if self.get(ERR):
            raise Closed("#error %d" % self.get(ERR))

    def send(self, data, deadline=None):
        end = end_of(deadline)
        data = bytes(data)
        while data:
            done = self.put(data)
            data = data[done:]
            if done:
                self.notify()
            if not data:
                return
            self.check()
            # A full request ring may wait for replies to be taken.
            taken = self.take()
            if taken:
                self.parser.feed(taken)
                self.notify()
                continue
            self.sleep(end)

    def sleep(self, end):
        left = end - time.monotonic()
        if left <= 0:
            raise Silence("#silence")
        self.port.wait(min(left, 1.0))

    def recv(self, deadline=None):
        end = end_of(deadline)
        while True:
            message = self.parser.next()
            if message:
                return message
            data = self.take()
            if data:
                self.parser.feed(data)
                self.notify()
                continue
            self.check()
            self.sleep(end)

    def close(self):
        self.words.release()
        self.port.close()


def memory_kb(pid):
    """Resident set of a process in KiB."""
    with open("/proc/%d/status" % pid) as status:
        for line in status:
            if line.startswith("RssAnon:"):
                return int(line.split()[1])
    return 0


def alive(pid):
    try:
        with open("/proc/%d/stat" % pid) as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False
