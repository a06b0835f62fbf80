# SPDX-License-Identifier: GPL-2.0-or-later
"""The logs of the kill test's clients, read and put in order.

The format is in client.h. A request becomes an Op with the interval in which
it took effect, if it did: from before it was sent to after its reply came.
An outcome that nobody knows (the connection went first) ends at INF, or at
the end of the ring's reset, after which it cannot take effect any more.
"""

import collections
import glob
import os

INF = 1 << 63
READS = {"READ", "LREAD", "GETPERMS", "LGETPERMS"}
LISTS = {"DIR", "LDIR"}
CHANGES = {"WRITE", "MKDIR", "RM", "SETPERMS"}


class Op:
    __slots__ = ("client", "n", "op", "tx", "path", "value", "s", "f",
                 "result", "payload")

    def __init__(self, client, n, op, tx, path, value, s):
        self.client, self.n, self.op, self.tx = client, n, op, tx
        self.path, self.value, self.s = path, value, s
        self.f, self.result, self.payload = INF, None, None

    @property
    def ok(self):
        return self.result == "ok"

    def __str__(self):
        return "client %d request %d (%s %s %s: %s %s)" % (
            self.client, self.n, self.op, self.path, self.value,
            self.result or "no reply", self.payload or "")


class Tx:
    """A transaction: its requests, and what END came to."""

    def __init__(self, start):
        self.start, self.ops, self.end = start, [], None

    @property
    def committed(self):
        """True, False, or None: unknown."""
        if self.end is None or self.end.value == "F":
            return False
        return None if self.end.result is None else self.end.ok


class Watch:
    """A watch that was there at the end; last: path to time of its last
    event since."""

    def __init__(self, path, since):
        self.path, self.since, self.last = path, since, {}


class Client:
    def __init__(self, index):
        self.index, self.kind = index, None
        self.ops, self.txs, self.watches = [], {}, {}
        self.wrong = []         # what must not happen at all
        self.events = 0
        self.renewed = 0
        self.lost = []          # (time, had a reply on this connection)
        self.ended = False
        self._pending = collections.deque()
        self._replied = False
        self._asked = None

    def read(self, path):
        with open(path, errors="replace") as f:
            for line in f:
                words = line.rstrip("\n").split(" ")
                take = self.TAKE.get(words[0])
                if take is None or not line.endswith("\n"):
                    self.wrong.append("a log line that is none: %r" % line)
                else:
                    take(self, *words[1:])
        if not self.ended:
            self.wrong.append("client %d did not end as it should" %
                              self.index)
        for op in self._pending:
            self.wrong.append("never answered: %s" % op)
        return self

    def _kind(self, kind, domid):
        self.kind = kind

    def _sent(self, t, n, name, tx, path, value):
        op = Op(self.index, int(n), name, int(tx), path, value, int(t))
        self.ops.append(op)
        self._pending.append(op)
        if name == "UNWATCH":
            self.watches.pop(path, None)
        if not op.tx:
            return
        tx = self.txs.get(op.tx)
        if tx is None:
            self.wrong.append("in no transaction: %s" % op)
        elif name == "END":
            tx.end = op
        else:
            tx.ops.append(op)

    def _reply(self, t, n, result, payload=""):
        if not self._pending or self._pending[0].n != int(n):
            self.wrong.append("client %d: a reply to %s while %s was due" % (
                self.index, n, self._pending[0].n if self._pending
                else "none"))
            return
        op = self._pending.popleft()
        op.f, op.result = int(t), result
        op.payload = "" if payload == "-" else payload
        self._replied = True
        if op.op == "START" and op.ok:
            self.txs[op.n] = Tx(op)
        elif op.op == "WATCH" and op.ok:
            self.watches.setdefault(op.path, Watch(op.path, op.f))

    def _event(self, t, path, token):
        self.events += 1
        w = self.watches.get(token)
        if w is None:
            # Its reply may still be to come only if it was not asked for.
            self.wrong.append("client %d: an event of no watch: %s %s" % (
                self.index, path, token))
        elif path != token and not path.startswith(token + "/"):
            self.wrong.append("client %d: an event of another path: %s %s" %
                              (self.index, path, token))
        else:
            w.last[path] = int(t)

    def _drop(self, until=INF):
        """The connection is gone: what was due is unknown."""
        for op in self._pending:
            op.f = until
        self._pending.clear()
        self.watches = {}
        self._replied = False

    def _connected(self, t):
        self._replied = False

    def _hung_up(self, t):
        self.renewed += 1
        self._drop()

    def _lost(self, t):
        self.lost.append((int(t), self._replied))
        self._drop()

    def _reset_asked(self, t):
        self._asked = int(t)

    def _reset_done(self, t):
        self.renewed += 1
        self._drop(int(t))

    def _failed(self, *text):
        self.wrong.append("client %d: %s" % (self.index, " ".join(text[1:])))
        self.ended = True
        self._drop()

    def _ended(self, t):
        self.ended = True

    TAKE = {"H": _kind, "S": _sent, "R": _reply, "E": _event,
            "C": _connected, "V": _hung_up, "D": _lost, "Z": _reset_asked,
            "z": _reset_done, "X": _failed, "Q": _ended}


class History:
    """All clients; the last one prepared the store and read it at the end."""

    def __init__(self, directory):
        paths = glob.glob(os.path.join(directory, "client.*"))
        indices = sorted(int(p.rsplit(".", 1)[1]) for p in paths)
        self.clients = [Client(i).read(os.path.join(
            directory, "client.%d" % i)) for i in indices]
        self.last = self.clients[-1]
        self.deaths, self.mode = [], "none"
        self._killer(os.path.join(directory, "killer"))
        self._wait = None

    def _killer(self, path):
        """M MODE; K T: killed; R T: ready again."""
        with open(path) as f:
            for line in f:
                word, value = line.split()
                if word == "M":
                    self.mode = value
                elif word == "K":
                    self.deaths.append([int(value), INF])
                else:
                    for death in self.deaths:
                        death[1] = min(death[1], int(value))

    def ops(self):
        for c in self.clients:
            yield from c.ops

    def txs(self):
        for c in self.clients:
            yield from c.txs.values()

    def effects(self):
        """(op, s, f, sure) for each change: when it took effect, if it did;
        what did not is left out."""
        for c in self.clients:
            for op in c.ops:
                if op.op in CHANGES and not op.tx and op.result in (None,
                                                                    "ok"):
                    yield op, op.s, op.f, op.ok
            for tx in c.txs.values():
                if tx.committed is False:
                    continue
                for op in tx.ops:
                    if op.op in CHANGES and op.ok:
                        yield op, tx.end.s, tx.end.f, tx.committed

    def final(self):
        """Path to what was read at the very end."""
        found = {}
        for op in self.last.ops:
            if op.ok and (op.op in READS or op.op in LISTS):
                found[op.path] = op
        return found
