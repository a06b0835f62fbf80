#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Is what the clients saw what one store, that never died, could have shown?

    check.py LOGDIR     exit status 0: yes

Each check is a function from a History to complaints. The one on registers
decides exactly: with every value written once, a history is linearizable if
and only if the zones of values (Gibbons and Korach, Testing Shared Memories,
1997) do not conflict. Tests change logs and see that each complains.
"""

import bisect
import collections
import sys

from history import CHANGES, LISTS, READS, History

ACCOUNTS, AMOUNT = 8, 1000
# A client sees its connection closed at the latest so long after recovery.
NOTICE = 5 * 10**9


def protocol(h):
    """One reply to each request, in order, and nothing else."""
    for c in h.clients:
        yield from c.wrong


def errors(h):
    """Nothing is refused but a commit that lost a race."""
    for op in h.ops():
        if op.result in (None, "ok") or (op.op == "END" and
                                         op.result == "EAGAIN"):
            continue
        yield "refused: %s" % op


# ------------------------------------------------------------- registers --

class Value:
    """One value's life: its write and its reads."""

    def __init__(self, op, s, f, sure):
        self.op, self.s, self.f, self.sure = op, s, f, sure
        self.first, self.last, self.read = f, s, False

    def seen(self, s, f):
        self.read = True
        self.first, self.last = min(self.first, f), max(self.last, s)


def is_register(op):
    return op.op == "SETPERMS" or (op.op == "WRITE" and
                                   not op.path.startswith("/kill/names/"))


def registers_written(h):
    """Path to value to Value, and complaints."""
    values, wrong = collections.defaultdict(dict), []
    for op, s, f, sure in h.effects():
        if not is_register(op):
            continue
        # A node's list and its text are two registers.
        room = values[op.path, op.op == "SETPERMS"]
        if op.value in room and op.value != "-":
            wrong.append("test broken: %s written twice" % op)
        room[op.value] = Value(op, s, f, sure)
    return values, wrong


def registers_read(h):
    """(op, s, f): when what was read was the present value."""
    for c in h.clients:
        for op in c.ops:
            if op.op in READS and op.ok and not op.tx:
                yield op, op.s, op.f
        for tx in c.txs.values():
            own, changed = set(), any(op.op in CHANGES for op in tx.ops)
            for op in tx.ops:
                if op.op == "WRITE":
                    own.add(op.path)
                if op.op not in READS or not op.ok or op.path in own:
                    continue
                yield op, tx.start.s, op.f
                if tx.committed and changed:
                    # What it read was still so when it changed something.
                    yield op, tx.end.s, tx.end.f


def zones_conflict(path, values):
    lives = [v for v in values.values() if v.sure or v.read]
    forward = sorted((v for v in lives if v.first < v.last),
                     key=lambda v: v.first)
    for a, b in zip(forward, forward[1:]):
        if b.first < a.last:
            yield "%s: the values of these are there in turns: %s; %s" % (
                path, a.op, b.op)
            return
    starts = [v.first for v in forward]
    for v in lives:
        at = bisect.bisect_left(starts, v.last) - 1
        if v.first >= v.last and at >= 0 and forward[at].last > v.first:
            yield "%s: lost: %s; later the value was that of %s" % (
                path, v.op, forward[at].op)


def registers(h):
    """Every acknowledged write is there until the next; none comes twice."""
    values, wrong = registers_written(h)
    yield from wrong
    for op, s, f in registers_read(h):
        room = values[op.path, op.op.endswith("PERMS")]
        v = room.get(op.payload or "-")
        if v is None:
            yield "a value that was never written: %s" % op
        elif f < v.s:
            yield "read before it was written: %s" % op
        else:
            v.seen(s, f)
    final = h.final()
    for (path, perms), room in sorted(values.items()):
        yield from zones_conflict(path, room)
        if not perms and path.count("/") == 3 and path not in final and \
                not path.startswith("/kill/perm/"):
            yield "not there at the end: %s" % path


# ----------------------------------------------------------- transactions --

def amount(text):
    return int(text.split(":")[0])


def transactions(h):
    """Each sees its own writes, and others' wholly or not at all."""
    total = ACCOUNTS * AMOUNT
    for tx in h.txs():
        own, sums = {}, {}
        for op in tx.ops:
            if op.op == "WRITE":
                own[op.path] = op.value
            elif op.op == "READ" and op.ok:
                if own.get(op.path, op.payload) != op.payload:
                    yield "not its own write, %s: %s" % (own[op.path], op)
                if op.path.startswith("/kill/acc/"):
                    sums[op.path] = amount(op.payload)
        if len(sums) == ACCOUNTS and not own and sum(sums.values()) != total:
            yield "a sum of %d in the transaction of %s" % (
                sum(sums.values()), tx.start)
    final = [amount(op.payload) for path, op in h.final().items()
             if path.startswith("/kill/acc/")]
    if len(final) != ACCOUNTS or sum(final) != total:
        yield "the accounts at the end: %s" % final


def counters(h):
    """Each commit raised its counter by one, and each was counted once."""
    seen = collections.defaultdict(set)
    for op in h.ops():
        if op.op in READS and op.ok and op.path.startswith("/kill/cnt/"):
            seen[op.path].add(op.payload)
    made = collections.defaultdict(dict)
    for op, s, f, sure in h.effects():
        if not op.path.startswith("/kill/cnt/") or op.op != "WRITE" or \
                not (sure or op.value in seen[op.path]):
            continue
        other = made[op.path].setdefault(amount(op.value), op)
        if other is not op:
            yield "counted twice: %s; %s" % (other, op)
    for path, op in h.final().items():
        if path.startswith("/kill/cnt/"):
            final = amount(op.payload)
            for n in range(final + 1):
                if n not in made[path]:
                    yield "%s: nobody made it %d" % (path, n)
            for n in made.pop(path, ()):
                if n > final:
                    yield "lost, at the end it is %d: %s" % (
                        final, path)
    for path in made:
        yield "not there at the end: %s" % path


# ------------------------------------------------------------------ names --

class Name:
    """A child of /kill/names/N: made once, removed at most once. Times of
    the making and of the removal; sure: it was acknowledged."""

    def __init__(self):
        self.made = self.removed = None


def name_of(path):
    """(directory, name) of /kill/names/I/NAME and what is below."""
    parts = path.split("/")
    return "/".join(parts[:4]), parts[4]


def names_read(h):
    rooms = collections.defaultdict(lambda: collections.defaultdict(Name))
    for op, s, f, sure in h.effects():
        if op.path.startswith("/kill/names/") and op.path.count("/") >= 4:
            room, name = name_of(op.path)
            n = rooms[room][name]
            if op.op == "RM":
                n.removed = (s, f, sure)
            else:
                n.made = (s, f, sure)
    return rooms


def listing_complaints(op, names, must):
    found = set(op.payload.split(",")) if op.payload else set()
    for name in found:
        n = names.get(name)
        if n is None or n.made is None or n.made[0] > op.f:
            yield "%s was never made by then: %s" % (name, op)
        elif n.removed and n.removed[2] and n.removed[1] < op.s:
            yield "%s had been removed: %s" % (name, op)
    for name in must - found:
        n = names[name]
        if not n.removed or n.removed[0] > op.f:
            yield "%s is lost: %s" % (name, op)


def names(h):
    """What was made is listed until it is removed, and never after."""
    rooms = names_read(h)
    steps = collections.defaultdict(list)
    for room, members in rooms.items():
        for name, n in members.items():
            if n.made and n.made[2]:
                steps[room].append((n.made[1], 0, name))
            if n.removed:
                steps[room].append((n.removed[0], 1, name))
    for op in h.ops():
        if op.op in LISTS and op.ok:
            steps[op.path].append((op.s, 2, op))
    for room, upcoming in steps.items():
        must = set()
        for t, what, x in sorted(upcoming, key=lambda step: step[:2]):
            if what == 0:
                must.add(x)
            elif what == 1:
                must.discard(x)
            else:
                yield from listing_complaints(x, rooms[room], must)


# ---------------------------------------------------------------- watches --

def last_changes(h):
    """Path, and for what is below a directory of names also the name, to
    the start of the last acknowledged change."""
    last = collections.defaultdict(dict)
    for op, s, f, sure in h.effects():
        if not sure:
            continue
        path = op.path
        room = path
        if path.startswith("/kill/names/") and path.count("/") >= 4:
            room, name = name_of(path)
            path = room + "/" + name
        last[room][path] = max(s, last[room].get(path, 0))
    return last


def watch_last(w):
    """When the last event for a path, or for what is below a name, came."""
    last = collections.defaultdict(int)
    for path, t in w.last.items():
        if path.startswith("/kill/names/") and path.count("/") >= 4:
            room, name = name_of(path)
            path = room + "/" + name
        last[path] = max(t, last[path])
    return last


def watches(h):
    """After the last change an event came. One for the watch's own path
    stands for all, as it does when events were too many."""
    changes = last_changes(h)
    for c in h.clients:
        for w in c.watches.values():
            last = watch_last(w)
            for path, s in changes[w.path].items():
                if s > w.since and max(last[path], last[w.path]) < s:
                    yield "client %d has no event for the last change " \
                        "(at %d) of %s" % (c.index, s, path)


def same(a, b):
    if a.op in LISTS:
        return set(a.payload.split(",")) == set(b.payload.split(","))
    return a.payload == b.payload


def levels(h):
    """Who looks after each event knows the end."""
    final = h.final()
    for c in h.clients:
        looked = {op.path: op for op in c.ops
                  if op.op in ("LREAD", "LDIR", "LGETPERMS") and op.ok}
        for w in c.watches.values():
            op, end = looked.get(w.path), final.get(w.path)
            if end is None:
                continue
            if op is None:
                yield "client %d never had an event of %s" % (c.index,
                                                              w.path)
            elif not same(op, end):
                yield "looked last, by an event, and missed the end, " \
                    "%s: %s" % (end.payload, op)


# ------------------------------------------------------------ connections --

def closings(h):
    """Sockets are closed only where the contract has it (recovery.md)."""
    known = 0
    for c in h.clients:
        for t, replied in c.lost:
            if h.mode in ("none", "update"):
                yield "client %d was hung up on, at %d" % (c.index, t)
            elif not any(k <= t <= ready + NOTICE for k, ready in h.deaths):
                yield "client %d was hung up on, at %d, when nobody had " \
                    "died" % (c.index, t)
            known += replied
    if h.mode == "fdstore" and known > len(h.deaths):
        yield "%d sockets in use were closed by %d deaths" % (
            known, len(h.deaths))


def activity(h):
    """What is proved of nothing is no proof."""
    count = statistics(h)
    for what in ("replies", "events", "commits", "conflicts or aborts",
                 "sums", "made", "removed", "listed"):
        if not count[what]:
            yield "no %s at all" % what


def statistics(h):
    n = collections.Counter()
    for c in h.clients:
        n["events"] += c.events
        n["renewed"] += c.renewed
        n["hung up on"] += len(c.lost)
        for op in c.ops:
            n["replies"] += op.result is not None
            n["unknown"] += op.result is None
            n["listed"] += op.op in LISTS and op.ok
            n["writes"] += op.op in CHANGES and op.ok
        for tx in c.txs.values():
            n["commits"] += tx.committed is True
            n["conflicts or aborts"] += tx.committed is False
            n["unknown commits"] += tx.committed is None
            n["sums"] += tx.committed is True and sum(
                op.path.startswith("/kill/acc/")
                for op in tx.ops) == ACCOUNTS
    for op, s, f, sure in h.effects():
        if op.path.startswith("/kill/names/") and sure and \
                op.path.count("/") >= 4:
            n["removed" if op.op == "RM" else "made"] += 1
    n["deaths"] = len(h.deaths)
    return n


CHECKS = (protocol, errors, registers, transactions, counters, names,
          watches, levels, closings, activity)


def run(directory, out=sys.stdout, most=5):
    """Print what each check says; (passed, failed)."""
    h = History(directory)
    failed = 0
    for check in CHECKS:
        wrong = list(check(h))
        failed += bool(wrong)
        print("%s %s" % ("FAIL" if wrong else "ok  ", check.__name__),
              file=out)
        for text in wrong[:most]:
            print("     " + text, file=out)
        if len(wrong) > most:
            print("     and %d more" % (len(wrong) - most), file=out)
    print("     " + ", ".join("%s %d" % x for x in sorted(
        statistics(h).items())), file=out)
    return len(CHECKS) - failed, failed


if __name__ == "__main__":
    sys.exit(1 if run(sys.argv[1])[1] else 0)
