#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every row of 'Failures' in docs/protocol/channel.md and docs/guarantees.md,
with real processes, on our daemon or on the two it replaces.  A row is a
method, run with A and B in dom0 and a guest, the other way round, and in two
guests, wherever that row can happen there.

  test_failures.py [--daemon ours|stock|ocaml|all]... [--jobs N] [--long]
                   [NAME...]

--long: a stalled daemon is stalled for 60 s.  --jobs: so many tests at a time
(4): they mostly wait, each on a machine of its own.
"""

import concurrent.futures
import os
import random
import shutil
import signal
import sys
import time
import unittest

from ends import LEASE, PATIENCE, Copy, Pair, Proxy, XSError

PEERS = "/usr/lib/xen-4.17/bin/"
STALL = 4 * LEASE / 1000
PLACES = {"dom0_guest": ("dom0", "guest"), "guest_dom0": ("guest", "dom0"),
          "guest_guest": ("guest", "guest")}


def only(**where):
    """The row needs these: places, or a daemon; why is in the row's text."""
    def mark(test):
        test.only = where
        return test
    return mark


B_IN_GUEST = ("dom0_guest", "guest_guest")


class Failures(Pair):
    def test_b_process_crashes(self):
        """A's pages are held until B's successor binds to another epoch."""
        a, b = self.both()
        b.kill()
        a.expect("down suspect")
        a.absent("released", LEASE / 1000)
        again = self.b()
        again.tell("rate 2000")
        a.expect("released")
        again.expect("up")
        a.expect("up")
        self.flows(a, again)
        self.same(a, b, 0, 0)

    def test_b_process_crashes_and_is_restarted_at_once(self):
        a, b = self.both()
        b.kill()
        again = self.b()
        again.tell("rate 2000")
        a.expect("down lost")
        a.expect("released")
        again.expect("up")
        a.expect("up")
        self.flows(a, again)
        self.same(a, b, 0, 0)

    @only(places=B_IN_GUEST)
    def test_b_process_crashes_then_its_domain_dies(self):
        a, b = self.both()
        b.kill()
        a.expect("down suspect")
        a.absent("released", LEASE / 1000)
        self.destroy(self.b_domid)
        self.freed(a)
        self.same(a, b)

    def gone(self, a):
        """Dom0 may ask whether a domain exists.  A guest may not: for it B
        is lost, and what it shared with B stays as it is, as nothing that
        it may read proves that B does not use it."""
        a.expect("down lost" if self.a_domid else "down gone")
        self.freed(a)

    def freed(self, a):
        if self.a_domid:
            a.absent("released", LEASE / 1000)
        else:
            a.expect("released")

    def test_b_hangs_later_wakes(self):
        a, b = self.both()
        b.stop()
        a.expect("down suspect")
        a.absent("released", LEASE / 1000)
        b.wake()
        b.expect("down suspect")
        a.expect("released")
        for end in (a, b):
            end.expect("up")
        self.flows(a, b)
        self.same(a, b, 0, 0)

    @only(places=B_IN_GUEST)
    def test_b_domain_destroyed(self):
        """Dom0 is not destroyed, so B is a guest."""
        a, b = self.both()
        b.stop()
        self.machine.kill(self.b_domid)
        self.gone(a)
        b.kill()
        self.same(a, b)

    @only(places=B_IN_GUEST)
    def test_false_suspicion(self):
        """B lives, but its writes of st are refused for longer than its
        lease.  What is dom0's nobody can refuse, so B is a guest."""
        a, b = self.both(rate=0)
        xs = self.client()
        for end in (a, b):
            end.tell("keep")
        xs.set_perms(self.b_node(b"st"), b"n0", b"r%d" % self.a_domid,
                     b"r%d" % self.b_domid)
        a.expect("down suspect")
        b.expect("down suspect")
        a.tell("let-go")
        xs.set_perms(self.b_node(b"st"), b"n%d" % self.b_domid,
                     b"r%d" % self.a_domid)
        # B still uses what A shared.
        a.absent("released", LEASE / 1000)
        b.tell("let-go")
        for end in (a, b):
            end.tell("rate 2000")
            end.expect("released")
            end.expect("up")
        self.flows(a, b)
        self.assertEqual(len(a.cycles), len(b.cycles))

    def test_late_write_of_dead_b(self):
        a, b = self.both()
        xs = self.client()
        names = [b"st"] + [b"m%d" % i for i in range(8)]
        late = []
        for name in names:
            try:
                late.append((self.b_node(name), xs.read(self.b_node(name))))
            except XSError:
                pass
        b.kill()
        again = self.b()
        again.tell("rate 2000")
        a.expect("down")
        a.expect("up")
        again.expect("up")
        ours = xs.read(self.b_node(b"st")).split()[1]
        for turn in range(20):
            for path, value in late:
                xs.write(path, value)
            self.until(lambda: xs.read(self.b_node(b"st")).split()[1] == ours)
            self.flows(a)
        # Until A has seen one, it has ignored nothing.
        while a.status()["stale"] == "0":
            xs.write(*late[0])
        self.flows(a, again)
        self.assertEqual((len(a.cycles), len(again.cycles)), (2, 1))

    def until(self, what):
        end = time.monotonic() + PATIENCE
        while not what():
            self.assertLess(time.monotonic(), end)

    def test_two_processes_open_one_end(self):
        """With a lock the second is refused."""
        lock = os.path.join(self.machine.dir, "lock")
        a, b = self.a(), self.b(lock)
        a.tell("rate 2000")
        b.expect("first")
        second = self.b(lock)
        second.expect("refused Device or resource busy")
        self.flows(b)
        self.assertEqual(len(b.cycles), 1)

    def test_two_processes_open_one_end_without_a_lock(self):
        """On a ring two processes cannot be anyway: the second resets it.
        So the end is one of dom0."""
        a, b = self.both()
        if self.b_domid:
            a, b = b, a
        second = self.b() if not self.b_domid else self.a()
        second.tell("rate 2000")
        b.expect("down superseded")
        b.expect("ended superseded")
        a.expect("down")
        a.expect("released")
        a.expect("up")
        second.expect("up")
        self.flows(a, second)
        self.same(a, b, 0, 0)

    test_two_processes_open_one_end_without_a_lock.only = {
        "places": ("dom0_guest", "guest_dom0")}

    @only(places=("dom0_guest", "guest_dom0"))
    def test_watches_lost_at_random(self):
        """Every other event to the end on the socket."""
        proxy = Proxy(self.machine, random.Random(7))
        self.addCleanup(proxy.close)
        a = self.a(where=None if self.a_domid else proxy.path)
        b = self.b(where=None if self.b_domid else proxy.path)
        for end in (a, b):
            end.expect("up")
        for turn in range(1, 11):
            for end in (a, b):
                end.tell("send 20 900")
            for end in (a, b):
                end.until_got(20 * turn)
        self.assertGreater(proxy.lost, 10)
        self.assertEqual((len(a.cycles), len(b.cycles)), (1, 1))
        self.assertIsNone(a.cycles[0].reason or b.cycles[0].reason)

    def test_daemon_stalled_60_s(self):
        """For longer than the lease: no judgement.  60 s with --long."""
        a, b = self.both()
        daemon = self.running.pid
        os.kill(daemon, signal.SIGSTOP)
        try:
            a.absent("down", STALL)
            b.absent("down", 0.01)
        finally:
            os.kill(daemon, signal.SIGCONT)
        self.flows(a, b)
        for end in (a, b):
            end.absent("down", LEASE / 1000)
        self.assertEqual((len(a.cycles), len(b.cycles)), (1, 1))

    @only(daemons=("ours",))
    def test_daemon_killed_restarted(self):
        """The others forget their store and their domains."""
        a, b = self.both()
        for _ in range(5):
            self.running.kill()
            self.flows(a, b)
        self.assertEqual((len(a.cycles), len(b.cycles)), (1, 1))
        self.assertIsNone(a.cycles[0].reason or b.cycles[0].reason)

    @only(places=B_IN_GUEST)
    def test_quota(self):
        """B's domain owns as many nodes as it may, but for what one slot
        needs.  Dom0 has no quota."""
        xs = self.client()
        fill = b"/local/domain/%d/data/fill" % self.b_domid
        xs.mkdir(fill)
        # Of 1,000: its home's two, and the directory's three, st, m0.
        for i in range(992):
            xs.write(b"%s/%d" % (fill, i), b"")
            xs.set_perms(b"%s/%d" % (fill, i), b"n%d" % self.b_domid)
        a, b = self.a(), self.b()
        for end in (a, b):
            end.expect("up")
        b.tell("send 40 1500")
        # oxenstored says EQUOTA, which is no errno's name: EINVAL here.
        b.until(lambda s: s["error"] in ("-28", "-22"))
        for end in (a, b):
            end.absent("down", 2 * LEASE / 1000)
        self.assertLess(a.cycles[0].got, 40)
        xs.rm(fill)
        a.until_got(40)
        self.assertEqual((len(a.cycles), len(b.cycles)), (1, 1))

    @only(places=B_IN_GUEST)
    def test_rate_limit(self):
        """The C daemon slows down a guest that writes much; ours is told to
        take two requests of it at a time.  It costs time only."""
        a, b = self.both(rate=0)
        b.tell("send 3000 64")
        a.until_got(3000, timeout=4 * PATIENCE)
        self.assertEqual((len(a.cycles), len(b.cycles)), (1, 1))
        self.assertIsNone(a.cycles[0].reason or b.cycles[0].reason)

    test_rate_limit.only = {"places": B_IN_GUEST,
                            "args": ("-Q", "outstanding=2")}

    @only(places=B_IN_GUEST)
    def test_eacces(self):
        """Dom0 takes B's slots away from it for a while."""
        a, b = self.both()
        b.tell("rate 0")
        b.tell("send 20 1500")
        self.flows(a)
        b.until(lambda s: s["next"] == s["acked"])
        xs = self.client()
        slots = [self.b_node(b"m%d" % i) for i in range(8)]
        for path in slots:
            xs.set_perms(path, b"n0", b"r%d" % self.a_domid)
        before = a.cycles[0].got
        b.tell("send 20 1500")
        b.until(lambda s: s["error"] == "-13")
        for end in (a, b):
            end.absent("down", 2 * LEASE / 1000)
        self.assertEqual(a.cycles[0].got, before)
        for path in slots:
            xs.set_perms(path, b"n%d" % self.b_domid, b"r%d" % self.a_domid)
        a.until_got(before + 20)
        self.assertEqual((len(a.cycles), len(b.cycles)), (1, 1))

    def garbage(self, end, path):
        """Until `end` has read some: how often that was."""
        xs = self.client()
        while end.status()["garbage"] == "0":
            xs.write(path, b"v=1 e=nonsense")

    def test_garbage_in_st(self):
        """Once: it is counted, and B writes its own again."""
        a, b = self.both()
        self.garbage(a, self.b_node(b"st"))
        self.flows(a, b)
        for end in (a, b):
            end.absent("down", LEASE / 1000)
        self.assertEqual((len(a.cycles), len(b.cycles)), (1, 1))

    def test_garbage_in_st_persistent(self):
        a, b = self.both()
        b.stop()
        self.client().write(self.b_node(b"st"), b"v=1 e=nonsense")
        a.expect("down protocol")
        b.wake()
        b.expect("down")
        for end in (a, b):
            end.expect("released")
            end.expect("up")
        self.flows(a, b)
        self.same(a, b, 0, 0)

    def test_garbage_in_slot(self):
        """Once in each: it is counted, and B sends them again."""
        a, b = self.both(rate=500)
        while a.status()["garbage"] == "0":
            for i in range(8):
                self.client().write(self.b_node(b"m%d" % i), b"\0nonsense")
            self.flows(a, b)
        for end in (a, b):
            end.absent("down", LEASE / 1000)
        self.assertEqual((len(a.cycles), len(b.cycles)), (1, 1))

    def test_garbage_in_slot_persistent(self):
        a, b = self.both()
        xs = self.client()
        b.stop()
        for _ in range(4):
            for i in range(8):
                xs.write(self.b_node(b"m%d" % i), b"\0nonsense")
        a.expect("down protocol")
        b.wake()
        b.expect("down")
        for end in (a, b):
            end.expect("up")
        self.flows(a, b)
        self.same(a, b, 0, 0)

    @only(places=B_IN_GUEST)
    def test_migration(self):
        """B's domain gets another domid and another ring."""
        a, b = self.both()
        old, self.b_domid = self.b_domid, self.domain()
        b.tell("move %d" % self.b_domid)
        b.expect("down migrated")
        b.expect("released")
        self.destroy(old)
        self.gone(a)
        a.kill()
        there = self.a()
        there.tell("rate 2000")
        for end in (there, b):
            end.expect("up")
        self.flows(there, b)
        self.same(a, b, 0, 0)

    @only(places=("dom0_guest",))
    def test_snapshot_restored_twice(self):
        """Two copies of B's process, each in a domain of its own.  A has
        three ends then, and a ring takes one process; so A is in dom0."""
        a, b = self.both()
        copies, there, epochs = [], [], set()
        homes = [self.domain(), self.domain()]
        for domid in homes:
            copies.append(Copy(b, domid, self.machine.dir))
            self.ends.append(copies[-1])
            there.append(self.a(peer=domid))
            there[-1].tell("rate 2000")
        b.kill()
        self.destroy(self.b_domid)
        self.gone(a)
        xs = self.client()
        for domid, one, other in zip(homes, copies, there):
            one.expect("down migrated")
            one.expect("released")
            one.expect("up")
            other.expect("up")
            self.flows(one, other)
            st = xs.read(self.node(domid, self.a_domid, b"st"))
            epochs.add(st.split()[1])
        self.assertEqual(len(epochs), 2)

    def test_both_close_at_once(self):
        """Both are told while the daemon is stalled: neither can have seen
        the other leave."""
        a, b = self.both()
        daemon = self.running.pid
        os.kill(daemon, signal.SIGSTOP)
        try:
            for end in (a, b):
                end.tell("close")
                end.expect("down closed")
        finally:
            os.kill(daemon, signal.SIGCONT)
        for end in (a, b):
            end.expect("released")
            end.expect("ended closed")
        self.same(a, b)


def wanted(test, place, daemon):
    where = getattr(test, "only", {})
    return place in where.get("places", PLACES) and \
        daemon in where.get("daemons", (daemon,))


def tests(daemons, words):
    for daemon in daemons:
        for place, (a, b) in PLACES.items():
            kind = type("%s_%s" % (daemon, place), (Failures,), {
                "daemon": daemon, "a_home": a, "b_home": b})
            for name in sorted(vars(Failures)):
                method = getattr(kind, name)
                if not name.startswith("test_") or \
                        not wanted(method, place, daemon):
                    continue
                test = kind(name)
                test.args = getattr(method, "only", {}).get("args", ())
                if not words or any(word in test.id() for word in words):
                    yield test


def installed():
    names = (("stock", "xenstored"), ("ocaml", "oxenstored"))
    return ["ours"] + [name for name, program in names
                       if os.path.exists(PEERS + program) or
                       shutil.which(program)]


def run(test):
    """Its name, and what went wrong or None."""
    result = unittest.TestResult()
    begin = time.monotonic()
    test.run(result)
    bad = result.failures + result.errors
    return test.id().partition(".")[2], time.monotonic() - begin, \
        bad[0][1] if bad else None


def main():
    global STALL
    daemons, words, args, jobs = [], [], sys.argv[1:], 4
    while args:
        word = args.pop(0)
        if word == "--daemon":
            daemons.append(args.pop(0))
        elif word == "--jobs":
            jobs = int(args.pop(0))
        elif word == "--long":
            STALL = 60
        else:
            words.append(word)
    if "all" in daemons:
        daemons = installed()
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for name, seconds, bad in pool.map(run, tests(daemons or ["ours"],
                                                      words)):
            print("%s: %s, %.1f s" % ("FAIL" if bad else "PASS", name,
                                      seconds))
            if bad:
                print(bad)
            sys.stdout.flush()
            passed += not bad
            failed += bool(bad)
    print("%d passed, %d failed" % (passed, failed))
    sys.exit(0 if passed and not failed else 1)


if __name__ == "__main__":
    main()
