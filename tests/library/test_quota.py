#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Channels inside a guest's quotas, 1000 nodes and 128 watches, and at their
edge: 42 ends fit with all their watches; of 30 more than there is room for,
some are refused, say so, disturb nobody, and come up when there is room; those
without watches work by looking.

  test_quota.py [--daemon ours|stock|ocaml|all]
"""
import argparse
import os
import queue
import signal
import subprocess
import sys
import threading
import time

TOP = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../..")
sys.path.insert(0, os.path.join(TOP, "tools/simxen"))
sys.dont_write_bytecode = True
from simxen import Machine, SocketClient  # noqa: E402

BUILD = os.getcwd()
DAEMON = os.path.join(BUILD, "xenstored/xenstored")
CROWD = os.path.join(BUILD, "tests/library/crowd")
PEERS = {"stock": "/usr/lib/xen-4.17/bin/xenstored",
         "ocaml": "/usr/lib/xen-4.17/bin/oxenstored"}
LEASE = 1500
PATIENCE = 40
os.environ["ASAN_OPTIONS"] = "verify_asan_link_order=0:" + \
    os.environ.get("ASAN_OPTIONS", "")


class Crowd:
    def __init__(self, machine, *args):
        self.process = subprocess.Popen(
            [CROWD, *map(str, args)], env=machine.environ(), text=True,
            stdout=subprocess.PIPE)
        self.lines = queue.Queue()
        self.last = ""
        self.thread = threading.Thread(target=self._read)
        self.thread.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)

    def until(self, what, condition):
        """The first report of which condition(up=, refused=, ...) holds."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                self.last = self.lines.get(
                    timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                raise SystemExit("FAILED: waited in vain for %s: %s" %
                                 (what, self.last))
            words = self.last.split()
            now = dict(zip(words[::2], map(int, words[1::2])))
            if condition(**now):
                print("ok %s: %s" % (what, self.last.strip()))
                return now

    def end(self):
        self.process.kill()
        self.process.wait()
        self.thread.join()
        self.process.stdout.close()


def refill(machine, domid, nodes):
    """Other nodes of the guest's."""
    path = b"/local/domain/%d/data/other" % domid
    with SocketClient(machine) as xs:
        xs.mkdir(path)
        xs.set_perms(path, b"n%d" % domid)
        for n in range(nodes):
            xs.mkdir(path + b"/%d" % n)
    return path


def pair(machine, first, count, nodes):
    """A new guest with that many other nodes, its crowd, and dom0's, which
    has no quota and an end for each that may come."""
    guest = machine.add_domain()
    domid = guest.domid
    with SocketClient(machine) as xs:
        xs.introduce(guest)
        xs.mkdir(b"/local/domain/%d/data" % domid)
        xs.set_perms(b"/local/domain/%d/data" % domid, b"n%d" % domid)
    guest.detach()
    path = refill(machine, domid, nodes)
    back = Crowd(machine, "echo", machine.socket_path, 0, domid, count,
                 count, LEASE)
    front = Crowd(machine, "ask", "ring", domid, 0, first, count, LEASE)
    return front, back, path


def fits(machine):
    front, back, _ = pair(machine, 42, 42, 0)
    try:
        front.until("42 ends fit, with their watches",
                    lambda up, refused, unwatched, least, fewest:
                    (up, refused, unwatched) == (42, 0, 0) and
                    fewest >= 50)
    finally:
        front.end()
        back.end()


def at_the_edge(machine):
    # 30 ends take 300 nodes, and so there are less than 60 left.
    front, back, path = pair(machine, 30, 60, 660)
    try:
        front.until("30 ends in a guest with 660 other nodes",
                    lambda up, refused, unwatched, least, fewest:
                    (up, refused, unwatched) == (30, 0, 0) and least >= 20)
        front.process.send_signal(signal.SIGUSR2)
        edge = front.until("the edge: some are refused, and say so",
                           lambda up, refused, unwatched, least, fewest:
                           up >= 30 and refused >= 1 and unwatched >= 1)
        front.until("which disturbs no other",
                    lambda up, refused, unwatched, least, fewest:
                    refused >= 1 and up >= edge["up"] and
                    least >= edge["least"] + 5)
        with SocketClient(machine) as xs:
            xs.rm(path)
        front.until("with room all come up, some without watches",
                    lambda up, refused, unwatched, least, fewest:
                    (up, refused) == (60, 0) and unwatched >= 10 and
                    fewest >= 5)
        front.process.send_signal(signal.SIGUSR1)
        front.until("20 leave, and the others get their watches",
                    lambda up, refused, unwatched, least, fewest:
                    (up, refused, unwatched) == (40, 0, 0))
    finally:
        front.end()
        back.end()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--daemon", default="ours",
                        choices=["ours", "stock", "ocaml", "all"])
    names = [parser.parse_args().daemon]
    if names == ["all"]:
        names = ["ours"] + [n for n in PEERS if os.path.exists(PEERS[n])]
    for name in names:
        print(name)
        with Machine(create=True) as machine:
            daemon = machine.supervise(DAEMON, restart_delay=0) \
                if name == "ours" else machine.daemon(name)
            with daemon:
                fits(machine)
                at_the_edge(machine)


if __name__ == "__main__":
    main()
