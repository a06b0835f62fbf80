#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A daemon for test-supervise.py that does as it is told.

It listens on $TOY_SOCKET, says what it was started with, and then sends what
it is told to send to its service manager: lines of JSON, each answered by
one. {"say": TEXT, "make": [KIND...], "keep": [NAME...]} sends TEXT with
descriptors made for it (pipe, pair, file) or of earlier ones by name; the
peers of pairs are kept open until {"hang_up": NAME}.
"""

import array
import json
import os
import socket
import sys
import tempfile
import time

ENV = ("LISTEN_FDS", "LISTEN_FDNAMES", "WATCHDOG_USEC", "TOY_ONCE")


def received():
    """What lies behind each descriptor that was handed over."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return []
    return [os.pread(fd, 64, 0).decode() if os.path.isfile(
        "/proc/self/fd/%d" % fd) else os.readlink("/proc/self/fd/%d" % fd)
        for fd in range(3, 3 + int(os.environ.get("LISTEN_FDS", 0)))]


class Toy:
    def __init__(self):
        self.mine, self.peers = {}, {}
        self.first = {"pid": os.getpid(), "got": received(),
                      "env": {n: os.environ.get(n) for n in ENV}}
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.connect(os.environ["NOTIFY_SOCKET"])

    def make(self, kind, name):
        if kind == "pair":
            ours, peer = socket.socketpair()
            self.peers[name] = peer
            return ours.detach()
        if kind == "pipe":
            r, w = os.pipe()
            self.peers[name] = os.fdopen(w)
            return r
        with tempfile.TemporaryFile() as f:
            f.write(kind.encode())
            f.flush()
            return os.dup(f.fileno())

    def say(self, say, make=(), keep=()):
        fds = [self.mine[n] for n in keep]
        for kind in make:
            name = "%s%d" % (kind, len(self.mine))
            self.mine[name] = self.make(kind, name)
            fds.append(self.mine[name])
        self.notify.sendmsg([say.encode()], [(
            socket.SOL_SOCKET, socket.SCM_RIGHTS,
            array.array("i", fds))] if fds else [])
        return list(self.mine)

    def do(self, order):
        if "hang_up" in order:
            self.peers.pop(order["hang_up"]).close()
            os.close(self.mine.pop(order["hang_up"]))
            return "ok"
        if "exit" in order:
            self.say(order["exit"])
            os._exit(3)
        return self.say(**order)


def main():
    path = os.environ["TOY_SOCKET"]
    toy = Toy()
    if os.path.exists(path):
        os.unlink(path)
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen()
    if os.environ.get("TOY_SLOW"):
        time.sleep(float(os.environ["TOY_SLOW"]))
    toy.say("STATUS=the \"toy\"\nREADY=1")
    while True:
        with server.accept()[0] as s, s.makefile("rb") as f:
            s.sendall(json.dumps(toy.first).encode() + b"\n")
            for line in f:
                s.sendall(json.dumps(toy.do(json.loads(line))).encode() +
                          b"\n")


if __name__ == "__main__":
    sys.exit(main())
