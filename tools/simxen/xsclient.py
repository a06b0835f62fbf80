# SPDX-License-Identifier: GPL-2.0-or-later
"""Xenstore clients for tests: over the socket and over a ring.

Raw on purpose: bytes in and out, any request id, any transaction, any length,
so that a test can be as wrong as a hostile guest. simxen.py exports all of
this too.
"""

import errno
import select
import socket
import struct
import time

# xsd_sockmsg types of the public xs_wire.h.
XS_OPS = {name: op for op, name in enumerate((
    "CONTROL", "DIRECTORY", "READ", "GET_PERMS", "WATCH", "UNWATCH",
    "TRANSACTION_START", "TRANSACTION_END", "INTRODUCE", "RELEASE",
    "GET_DOMAIN_PATH", "WRITE", "MKDIR", "RM", "SET_PERMS", "WATCH_EVENT",
    "ERROR", "IS_DOMAIN_INTRODUCED", "RESUME", "SET_TARGET"))}
XS_OPS.update(RESET_WATCHES=21, DIRECTORY_PART=22, GET_FEATURE=23,
              SET_FEATURE=24, GET_QUOTA=25, SET_QUOTA=26)
globals().update({"XS_" + name: op for name, op in XS_OPS.items()})
XS_WATCH_EVENT = XS_OPS["WATCH_EVENT"]
XS_ERROR = XS_OPS["ERROR"]

HEADER = struct.Struct("<IIII")
PAYLOAD_MAX = 4096
RING = 1024

# The ring page (spec: xs_wire.h).
REQ, RSP = 0, 1024
REQ_CONS, REQ_PROD, RSP_CONS, RSP_PROD = 2048, 2052, 2056, 2060
FEATURES, CONNECTION, ERROR, EVTCHN = 2064, 2068, 2072, 2076


class XSError(Exception):
    """An error reply; name is what came on the wire."""

    def __init__(self, name):
        super().__init__(name)
        self.name = name


def op_number(op):
    return XS_OPS[op] if isinstance(op, str) else op


def message(op, payload=b"", tx=0, req_id=0):
    """The bytes of one message."""
    return HEADER.pack(op_number(op), req_id, tx, len(payload)) + payload


class _Client:
    """What both clients share. A subclass has send(bytes), and recv(timeout)
    that returns some bytes, b"" when none came in time. Watch events that
    arrive while a reply is awaited are kept in self.events as payloads."""

    def __init__(self):
        self._in = b""
        self.events = []
        self._next_id = 1

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def receive(self, timeout=10):
        """The next message: (type, req_id, tx, payload)."""
        end = time.monotonic() + timeout
        while True:
            if len(self._in) >= HEADER.size:
                op, req_id, tx, n = HEADER.unpack_from(self._in)
                if n > PAYLOAD_MAX:
                    raise ValueError("a payload of %d bytes" % n)
                if len(self._in) >= HEADER.size + n:
                    payload = self._in[HEADER.size:HEADER.size + n]
                    self._in = self._in[HEADER.size + n:]
                    return op, req_id, tx, payload
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError("no message within %g s" % timeout)
            self._in += self.recv(left)

    def reply(self, req_id, timeout=10):
        """The reply to req_id: (type, payload), events put aside."""
        end = time.monotonic() + timeout
        while True:
            op, got, tx, payload = self.receive(
                max(0.0, end - time.monotonic()))
            if op == XS_WATCH_EVENT:
                self.events.append(payload)
            elif got != req_id:
                raise ValueError("reply to %d while waiting for %d" %
                                 (got, req_id))
            else:
                return op, payload

    def request(self, op, payload=b"", tx=0, req_id=None, timeout=10):
        """Send, wait, and return the reply's payload; XSError on error."""
        if req_id is None:
            req_id = self._next_id
            self._next_id = self._next_id % 0x7fffffff + 1
        self.send(message(op, payload, tx, req_id))
        kind, data = self.reply(req_id, timeout)
        if kind == XS_ERROR:
            raise XSError(data.rstrip(b"\0").decode("latin-1"))
        if kind != op_number(op):
            raise ValueError("reply of type %d to %s" % (kind, op))
        return data

    def event(self, timeout=10):
        """The next watch event: (path, token)."""
        if not self.events:
            op, _, _, payload = self.receive(timeout)
            if op != XS_WATCH_EVENT:
                raise ValueError("message of type %d, not an event" % op)
            self.events.append(payload)
        path, token = self.events.pop(0).split(b"\0")[:2]
        return path, token

    # What most tests need of the protocol.

    def read(self, path, tx=0):
        return self.request("READ", path + b"\0", tx)

    def write(self, path, value, tx=0):
        self.request("WRITE", path + b"\0" + value, tx)

    def mkdir(self, path, tx=0):
        self.request("MKDIR", path + b"\0", tx)

    def rm(self, path, tx=0):
        self.request("RM", path + b"\0", tx)

    def directory(self, path, tx=0):
        data = self.request("DIRECTORY", path + b"\0", tx)
        return data.split(b"\0")[:-1] if data else []

    def get_perms(self, path, tx=0):
        return self.request("GET_PERMS", path + b"\0", tx).split(b"\0")[:-1]

    def set_perms(self, path, *perms, tx=0):
        self.request("SET_PERMS", b"\0".join((path,) + perms) + b"\0", tx)

    def watch(self, path, token):
        self.request("WATCH", path + b"\0" + token + b"\0")

    def unwatch(self, path, token):
        self.request("UNWATCH", path + b"\0" + token + b"\0")

    def transaction(self):
        return int(self.request("TRANSACTION_START", b"\0").rstrip(b"\0"))

    def end(self, tx, commit=True):
        self.request("TRANSACTION_END", b"T\0" if commit else b"F\0", tx)

    def introduce(self, guest, port=None, gfn=None):
        self.request("INTRODUCE", b"%d\0%d\0%d\0" % (
            guest.domid, guest.gfn if gfn is None else gfn,
            guest.port if port is None else port))

    def release(self, domid):
        self.request("RELEASE", b"%d\0" % domid)


class SocketClient(_Client):
    """Over the unix socket at a path, or of a Machine."""

    def __init__(self, where, timeout=10):
        super().__init__()
        path = getattr(where, "socket_path", where)
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(timeout)
        try:
            self.sock.connect(path)
        except BaseException:
            self.sock.close()
            raise

    def close(self):
        self.sock.close()

    def fileno(self):
        return self.sock.fileno()

    def send(self, data):
        self.sock.sendall(data)

    def recv(self, timeout):
        ready, _, _ = select.select([self.sock], [], [], timeout)
        if not ready:
            return b""
        data = self.sock.recv(65536)
        if not data:
            raise ConnectionResetError(errno.ECONNRESET,
                                       "the daemon closed the connection")
        return data


class RingClient(_Client):
    """Over a Guest's ring. ring_put and ring_get are the raw halves, for
    tests that misbehave on purpose."""

    def __init__(self, guest):
        super().__init__()
        self.guest = guest

    def close(self):
        pass

    def fileno(self):
        return self.guest.fileno()

    def ring_put(self, data, notify=True):
        """Copy what fits of data; the number of bytes taken."""
        g = self.guest
        cons, prod = g.word(REQ_CONS), g.word(REQ_PROD)
        n = min(len(data), RING - ((prod - cons) & 0xffffffff))
        if n <= 0:
            return 0
        at = prod % RING
        first = min(n, RING - at)
        g.page[REQ + at:REQ + at + first] = data[:first]
        g.page[REQ:REQ + n - first] = data[first:n]
        g.word(REQ_PROD, prod + n)
        if notify:
            g.notify()
        return n

    def ring_get(self, notify=True):
        """What has come; b"" when nothing has."""
        g = self.guest
        cons, prod = g.word(RSP_CONS), g.word(RSP_PROD)
        n = (prod - cons) & 0xffffffff
        if n > RING:
            raise ValueError("reply indices %#x %#x" % (cons, prod))
        if not n:
            return b""
        at = cons % RING
        data = bytes(g.page[RSP + at:RSP + min(at + n, RING)])
        data += bytes(g.page[RSP:RSP + n - len(data)])
        g.word(RSP_CONS, prod)
        if notify:
            g.notify()
        return data

    def send(self, data, timeout=10):
        end = time.monotonic() + timeout
        while True:
            data = data[self.ring_put(data):]
            if not data:
                return
            if not self.guest.wait(max(0.0, end - time.monotonic())) and \
                    time.monotonic() > end:
                raise TimeoutError("the request ring stays full")

    def recv(self, timeout):
        data = self.ring_get()
        if not data and self.guest.wait(timeout):
            data = self.ring_get()
        return data
