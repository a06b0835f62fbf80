# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine on simxen that was broken on purpose, and xs-probe looking at it:
what the tests of top, trace, quota, conflicts, who and metrics share.

The domains of Broken: 1 lost a transaction to 2 and to dom0, 2 is well, 3 has
as many nodes as it may and was refused more, 4 does not read its events.
"""
import json
import os
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.realpath(__file__))
TOP = os.path.join(HERE, "../..")
sys.path.insert(0, os.path.join(TOP, "tools/simxen"))
sys.dont_write_bytecode = True
from simxen import Machine, RingClient, SocketClient, XSError  # noqa: E402

PROBE = os.path.abspath("tools/xs-probe/xs-probe")
DAEMON = os.path.abspath("xenstored/xenstored")
# The preload is before the sanitizer's library, on purpose.
os.environ["ASAN_OPTIONS"] = "verify_asan_link_order=0:" + \
    os.environ.get("ASAN_OPTIONS", "")


def control(xs, *words):
    return xs.request("CONTROL", b"".join(w + b"\0" for w in words))


def page(xs, topic, cursor="0"):
    """One page: the next cursor and the records as lists of pairs."""
    lines = control(xs, b"probe", b"1", topic.encode(),
                    str(cursor).encode()).decode().splitlines()
    return int(lines[0]), [[tuple(pair.split("=", 1)) for pair in
                            line.split(" ")] for line in lines[1:]]


def records(xs, topic):
    """All records of a topic, as dictionaries."""
    cursor, found = 0, []
    while True:
        cursor, more = page(xs, topic, cursor)
        found += [dict(record) for record in more]
        if not cursor:
            return found


class Broken:
    """With `daemon` "stock" or "ocaml" those, with nothing wrong in them."""

    def __init__(self, daemon=DAEMON, domains=4, args=("-N",)):
        self.machine = Machine()
        try:
            self.daemon = self.machine.daemon(daemon, *args)
            self.xs = SocketClient(self.machine)
            self.guests = {}
            for domid in range(1, domains + 1):
                guest = self.machine.add_domain(domid)
                home = b"/local/domain/%d" % domid
                self.xs.mkdir(home)
                self.xs.set_perms(home, b"n%d" % domid)
                self.xs.introduce(guest)
                self.guests[domid] = RingClient(guest)
        except BaseException:
            self.machine.close()
            raise

    def close(self):
        self.xs.close()
        self.machine.close()

    def lose(self, domid, winner=None):
        """A transaction of that domain fails for what the winner writes:
        another guest, or dom0."""
        guest = self.guests[domid]
        path = b"/local/domain/%d/shared" % domid
        guest.write(b"shared", b"0")
        if winner:
            guest.set_perms(b"shared", b"n%d" % domid, b"b%d" % winner)
        tx = guest.transaction()
        guest.read(b"shared", tx)
        guest.write(b"mine", b"1", tx)
        (self.guests[winner] if winner else self.xs).write(path, b"2")
        try:
            guest.end(tx)
        except XSError as e:
            assert e.name == "EAGAIN", e.name
            return
        raise AssertionError("the transaction did not fail")

    def exhaust(self, domid, more=5):
        """As many nodes as it may have; then some that it may not."""
        guest, refused = self.guests[domid], 0
        for i in range(1100):
            try:
                guest.write(b"n%d" % i, b"")
            except XSError as e:
                assert e.name in ("ENOSPC", "EQUOTA"), e.name
                refused += 1
                if refused == more:
                    return
        raise AssertionError("nothing was refused")

    def deafen(self, domid, events=200):
        """It watches a path and takes none of the events that come."""
        guest = self.guests[domid]
        path = b"/local/domain/%d/bell" % domid
        guest.watch(path, b"token-of-%d" % domid)
        for i in range(events):
            self.xs.write(path + b"/%d" % i, b"x")

    def spoil(self):
        self.lose(1, 2)
        self.lose(1, 2)
        self.lose(1)
        self.exhaust(3)
        self.deafen(4)

    def probe(self, *args, env=None, timeout=60):
        return subprocess.run([PROBE, *args], text=True, timeout=timeout,
                              capture_output=True,
                              env=self.machine.environ(**(env or {})))


class Test(unittest.TestCase):
    def begin(self, **given):
        self.b = Broken(**given)
        self.addCleanup(self.b.close)
        return self.b

    def ask(self, *args, status=0, err=""):
        """stdout of xs-probe; its exit status and stderr are checked."""
        p = self.b.probe(*args)
        self.assertEqual(p.returncode, status, (args, p.stdout, p.stderr))
        self.assertIn(err, p.stderr)
        if not err:
            self.assertEqual(p.stderr, "")
        return p.stdout

    def json(self, *args, status=0):
        return json.loads(self.ask(*args, "--json", status=status))
