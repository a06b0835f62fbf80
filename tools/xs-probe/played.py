# SPDX-License-Identifier: GPL-2.0-or-later
"""A daemon played by a test: proxenos, a stranger, or a broken one, with as
much behind it as the test says; and a world in which all is well.
"""
import os
import socket
import struct
import threading

CONTROL, DIRECTORY, READ, GET_PERMS = 0, 1, 2, 3
WATCH, UNWATCH, EVENT = 4, 5, 15
ERROR, PART = 16, 22


class Daemon:
    """Answers one request after the other; `topics` are pages of CONTROL."""

    def __init__(self, directory, topics=None, nodes=None, stranger=None,
                 silent=False, update=None, hidden=()):
        self.topics = topics or {}
        # Answers to live-update commands, each given once.
        self.update = {k: list(v) for k, v in (update or {}).items()}
        self.nodes = {} if nodes is None else nodes
        self.stranger = stranger
        self.silent = silent
        self.hidden = hidden    # paths that may not be read
        self.kinds = set()      # types of the requests that came
        self.path = os.path.join(directory, "socket")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        os.chmod(self.path, 0o600)
        self.listener.listen(5)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def close(self):
        # The thread first: the number of a closed descriptor is that of the
        # next daemon's, whose clients it would serve.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join(20)
        assert not self.thread.is_alive()
        self.listener.close()
        os.unlink(self.path)

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            try:
                self.talk(connection.makefile("rwb"))
            except (OSError, ValueError):
                pass
            connection.close()

    def talk(self, stream):
        while True:
            head = stream.read(16)
            if len(head) < 16:
                return
            kind, number, tx, size = struct.unpack("<IIII", head)
            payload = stream.read(size)
            self.kinds.add(kind)
            if self.silent:
                continue
            answer = self.answer(kind, payload)
            if isinstance(answer, str):
                kind, answer = ERROR, answer.encode() + b"\0"
            stream.write(struct.pack("<IIII", kind, number, tx, len(answer)))
            stream.write(answer)
            if kind == WATCH:       # each begins with an event
                stream.write(struct.pack("<IIII", EVENT, 0, 0, size))
                stream.write(payload)
            stream.flush()

    def answer(self, kind, payload):
        words = payload.split(b"\0")
        path = words[0].decode()
        if kind == CONTROL:
            if words[0] == b"live-update":
                said = self.update.get(b" ".join(words[1:-1]))
                return said.pop(0) if said else "EINVAL"
            if self.stranger is not None:
                return self.stranger
            if words[:2] == [b"probe-do", b"1"]:
                return b"OK\0" if self.topics else "EINVAL"
            if words[:2] != [b"probe", b"1"]:
                return "EINVAL"
            pages = self.topics.get(words[2].decode())
            if pages is None:
                return "ENOENT"
            return pages.get(words[3].decode(), "EINVAL")
        if kind == 17:
            return b"T\0" if path == "0" else b"F\0"
        if kind == 10:
            return b"/local/domain/0\0"
        if kind in (WATCH, UNWATCH):
            return b"OK\0"
        if kind in (6, 7):          # a transaction: all is still here
            return b"7\0" if kind == 6 else b"OK\0"
        if path in self.hidden:
            return "EACCES"
        if path not in self.nodes:
            return "ENOENT"
        node = self.nodes[path]
        if kind == READ:
            return node.get("value", b"")
        if kind == GET_PERMS:
            return node.get("perms", b"n0\0r5\0")
        names = b"".join(n + b"\0" for n in node.get("names", []))
        if kind == DIRECTORY:
            return names if len(names) <= 4096 else "E2BIG"
        if kind == PART:
            rest = names[int(words[1]):]
            head = b"9\0"
            if len(rest) + 1 + len(head) <= 4096:
                return head + rest + b"\0"
            whole = rest[:4096 - len(head)]
            return head + whole[:whole.rindex(b"\0") + 1]
        return "ENOSYS"


STATUS = (b"0\ndaemon=proxenos version=0.1.0 machine=1 uptime_us=3725000000 "
          b"nodes=10 domains=2 sockets=1 watches=3 transactions=0 "
          b"requests=99 events=4 merged=1 lost=0 conflicts=0 refused=2 "
          b"from-tomorrow=1\n")
HOST = b"0\npid=77 rundir=/run/x%20y sockets=1 passes=5\n"
SURVIVOR = (b"0\npid=77 rundir=/run/x journal=4711 checkpoints=12 "
            b"checkpoint_age_us=61000000 recovered=8 doubtful=3 poisoned=1 "
            b"restarts=5\n")


def domain(number, nodes, refused=0):
    return (b"domid=%d introduced=1 shutdown=0 features=15 target=0 nodes=%d "
            b"nodes_max=1000 memory=5 memory_max=100 watches=1 "
            b"watches_max=128 transactions=0 transactions_max=10 "
            b"outstanding=0 outstanding_max=20 requests=7 events=1 merged=0 "
            b"lost=0 refused=%d waiting=0\n" % (number, nodes, refused))


def ring(number, **changes):
    fields = dict(domid=number, port=number + 10, req_prod=40, req_cons=40,
                  rsp_prod=20, rsp_cons=4, features=15, connection=0,
                  error=0, evtchn_port=0, notifies_in=3, notifies_out=4,
                  resets=1)
    fields.update(changes)
    return " ".join("%s=%d" % f for f in fields.items()).encode() + b"\n"


def load(number, kind=b"ring", **changes):
    """A record of the topic `load`: all it has, mostly 0."""
    keys = ("introduced shutdown dying features target nodes nodes_max memory "
            "memory_max watches watches_max transactions transactions_max "
            "outstanding outstanding_max refused requests errors events "
            "merged lost conflicts events_waiting unread unread_us waiting "
            "bytes_in bytes_out req_fill rsp_fill connection error "
            "notifies_in notifies_out resets")
    fields = dict.fromkeys(keys.split(), 0)
    fields.update(introduced=1, features=15, target=-1, requests=100,
                  bytes_in=2000, bytes_out=3000, nodes=10, nodes_max=1000,
                  latency="10:90,20:10", latency_sum_us=5000,
                  latency_max_us=130)
    fields.update(changes)
    return b"domid=%d kind=%s %s\n" % (number, kind, " ".join(
        "%s=%s" % f for f in fields.items()).encode())


LIMITS = (b"0\nquota=nodes limit=1000 initial=1000 counted=1 "
          b"meaning=nodes%20owned\n")
GOOD = {
    "status": {"0": STATUS},
    "host": {"0": HOST},
    "domains": {"0": b"6\n" + domain(0, 10) + domain(5, 950),
                "6": b"0\n" + domain(7, 3, 2)},
    "rings": {"0": b"6\n" + ring(0) + ring(5), "5": b"6\n" + ring(5),
              "6": b"0\n" + ring(7), "7": b"0\n" + ring(7), "8": b"0\n"},
    "check": {"0": b"0\nfindings=0\n"},
    "load": {"0": b"4096\n" + load(0) + load(5), "4096": b"0\n" + load(7) +
             load(0, b"sockets", clients=2)},
    "limits": {"0": LIMITS},
    "refusals": {"0": b"0\n"},
    "clients": {"0": b"0\n"},
    "quotas": {"0": b"0\n"},
    "conflicts": {"0": b"0\nloser=5 loser_conn=5 winner=7 winner_conn=7 "
                  b"count=3 first_us=9000000 last_us=1000000 path=/a/b\n"},
    "ops": {"0": b"0\nop=READ requests=90 errors=2\n"
                 b"op=WRITE requests=10 errors=0\n"},
    "trace": {"0": b"2\nbuffered=1 dropped=0\nseq=1 "
                   b"time_us=1760000000000000 conn=5 domid=5 op=READ req=1 "
                   b"tx=0 latency_us=7 result=OK request_len=5 reply_len=1 "
                   b"path=/a/b request=/a/b%00 reply=x\n"},
    "who=/a/b": {"0": b"0\nkind=node exists=1 owner=5\nkind=writer domid=7 "
                      b"conn=7 op=WRITE removed=0 age_us=5000\n"},
    "who=/nope": {"0": b"0\nkind=node exists=0\n"},
}
BIG = [b"node-%d" % i for i in range(1000)]
NODES = {
    "/": {"names": [b"a", b"gone", b"big"]},
    "/a": {"value": b"x\"\n\xff", "names": [b"b"]},
    "/a/b": {"value": b""},
    "/big": {"names": BIG},
    "/local/domain": {"names": [b"7", b"0", b"junk"]},
    "/local/domain/0/name": {"value": b"Domain-0"},
}
NODES.update({"/big/" + n.decode(): {"value": b"v"} for n in BIG})


def bad(**topics):
    out = dict(GOOD)
    out.update(topics)
    return out
