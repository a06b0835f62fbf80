# SPDX-License-Identifier: GPL-2.0-or-later
"""Watches: what matches, who may see it, when, and how often."""
import wire
from engine import ANY, BIND, CALL, MATCH, scenario


def W(path, token="w", extra=""):
    """A watch and its first event."""
    return (("c", "WATCH", path + "|" + token + "|" + extra, "OK|"),
            ("c", "?", "", ["^" + path + "|" + token + "|"]))


scenario("watches.match", "watch-match",
         *W("%B/a"),
         ("d", "WRITE", "%B/a|1", "OK|"), ("c", "?", "", ["^%B/a|w|"]),
         ("d", "WRITE", "%B/a/b/c|1", "OK|"),
         ("c", "?", "", ["^%B/a/b/c|w|"]),
         ("d", "WRITE", "%B/ab|1", "OK|"), ("c", "?", "", []),
         ("d", "WRITE", "%B/b|1", "OK|"), ("c", "?", "", []),
         ("d", "SET_PERMS", "%B/a|n%C|", "OK|"),
         ("c", "?", "", ["^%B/a|w|"]),
         ("d", "READ", "%B/a|", "1"), ("c", "?", "", []))
scenario("watches.root", "watch-match",
         *W("/"),
         ("d", "WRITE", "%B/a|1", "OK|"), ("c", "?", "", ["^%B/a|w|"]),
         ("d", "RELEASE", "%G|", "OK|"), ("c", "?", "", ["^/local/domain/%G|w|"]),
         on="socket", guests="g")
scenario("watches.special-whole", "watch-special",
         *W("@releaseDomain"), *W("@releaseDomai", "short"),
         *W("@introduceDomain", "i"),
         *W("@releaseDomain/%G", "id"), *W("@releaseDomain/%H", "other"),
         ("d", "RELEASE", "%G|", "OK|"),
         ("c", "?", "", ["^@releaseDomain|w|", "^@releaseDomain/%G|id|"]),
         on="socket", guests="gh")
scenario("watches.special-depth", "watch-special op-watch-depth",
         ("c", "WATCH", "@releaseDomain|w|1|", "OK|"),
         ("c", "?", "", ["^@releaseDomain|w|"]),
         ("d", "RELEASE", "%G|", "OK|"),
         ("c", "?", "", ["^@releaseDomain/%G|w|"]), on="socket", guests="g")
scenario("watches.special-permission", "watch-special watch-perm perm-initial",
         *W("@releaseDomain", "r"), *W("@introduceDomain", "i"),
         ("d", "RELEASE", "%G|", "OK|"),
         ("c", "?", "", ["^@releaseDomain|r|"]), on="ring", guests="g")

scenario("watches.permission-node", "watch-perm attack-watch-leak",
         ("d", "WRITE", "/t/s|v", "OK|"),
         ("d", "SET_PERMS", "/t/s|n0|r%C|", "OK|"),
         ("d", "WRITE", "/t/p|v", "OK|"),
         ("d", "SET_PERMS", "/t/p|n0|", "OK|"),
         *W("/t"),
         ("d", "WRITE", "/t/s|1", "OK|"), ("c", "?", "", ["^/t/s|w|"]),
         ("d", "WRITE", "/t/p|1", "OK|"), ("c", "?", "", []),
         ("d", "WRITE", "/t/p/x|1", "OK|"), ("c", "?", "", []),
         ("d", "RM", "/t/p|", "OK|"), ("c", "?", "", []), on="ring")
scenario("watches.permission-parent", "watch-perm",
         ("d", "WRITE", "/t/par|v", "OK|"),
         ("d", "SET_PERMS", "/t/par|n0|r%C|", "OK|"),
         ("d", "WRITE", "/t/par/kid|v", "OK|"),
         ("d", "SET_PERMS", "/t/par/kid|n0|", "OK|"),
         *W("/t/par"),
         ("d", "WRITE", "/t/par/kid|2", "OK|"),
         ("c", "?", "", ["^/t/par/kid|w|"]), on="ring")
scenario("watches.permission-before", "watch-perm",
         ("d", "WRITE", "/t/q|v", "OK|"),
         ("d", "SET_PERMS", "/t/q|n0|r%C|", "OK|"),
         *W("/t/q"),
         ("d", "SET_PERMS", "/t/q|n0|", "OK|"),
         ("c", "?", "", ["^/t/q|w|"]),
         ("d", "WRITE", "/t/q|2", "OK|"), ("c", "?", "", []),
         ("d", "SET_PERMS", "/t/q|n0|r%C|", "OK|"),
         ("c", "?", "", ["^/t/q|w|"]),
         ("d", "RM", "/t/q|", "OK|"), ("c", "?", "", ["^/t/q|w|"]),
         on="ring")
scenario("watches.unreadable-children", "watch-perm attack-watch-leak",
         ("d", "WRITE", "/t/open|v", "OK|"),
         ("d", "SET_PERMS", "/t/open|n0|r%C|", "OK|"),
         ("d", "WRITE", "/t/open/shut|v", "OK|"),
         ("d", "SET_PERMS", "/t/open/shut|n0|", "OK|"),
         ("d", "WRITE", "/t/open/shut/secret|v", "OK|"),
         *W("/t/open"), *W("/t/open/shut/secret", "s"),
         ("d", "WRITE", "/t/open/shut/secret|1", "OK|"),
         ("c", "?", "", []),
         ("d", "RM", "/t/open/shut/secret|", "OK|"), ("c", "?", "", []),
         on="ring")

scenario("watches.rm", "watch-rm",
         ("d", "WRITE", "%B/a/b/c|v", "OK|"),
         ("d", "WRITE", "%B/a/d|v", "OK|"),
         *W("%B", "top"), *W("%B/a", "a"), *W("%B/a/b", "b"),
         *W("%B/a/b/c", "c"), *W("%B/a/b/none", "n"), *W("%B/a/d", "d"),
         ("d", "RM", "%B/a|", "OK|"),
         CALL(lambda run: sorted(events_of(run)),
              ["^%B/a/b/c|c|", "^%B/a/b|b|", "^%B/a/d|d|", "^%B/a|a|",
               "^%B/a|top|"], "events"))


def events_of(run):
    return [run.text(m) for m in run.ask("c", "GET_DOMAIN_PATH", b"1\0")[0]]


scenario("watches.transaction", "watch-tx",
         *W("%B"),
         ("d", "TRANSACTION_START", "|", BIND("t")),
         ("d", "WRITE@t", "%B/b|1", "OK|"),
         ("d", "WRITE@t", "%B/a|1", "OK|"),
         ("d", "WRITE@t", "%B/b|2", "OK|"),
         ("d", "MKDIR@t", "%B/c|", "OK|"),
         ("d", "SET_PERMS@t", "%B/c|n%C|", "OK|"),
         ("c", "?", "", []),
         ("d", "TRANSACTION_END@t", "T|", "OK|"),
         ("c", "?", "", ["^%B/b|w|", "^%B/a|w|", "^%B/c|w|"]))
scenario("watches.transaction-abort", "watch-tx",
         *W("%B"),
         ("d", "TRANSACTION_START", "|", BIND("t")),
         ("d", "WRITE@t", "%B/b|1", "OK|"),
         ("d", "TRANSACTION_END@t", "F|", "OK|"),
         ("c", "?", "", []))
scenario("watches.transaction-rm", "watch-tx watch-rm",
         ("d", "WRITE", "%B/a/b|1", "OK|"),
         *W("%B", "top"), *W("%B/a/b", "b"),
         ("d", "TRANSACTION_START", "|", BIND("t")),
         ("d", "RM@t", "%B/a|", "OK|"),
         ("c", "?", "", []),
         ("d", "TRANSACTION_END@t", "T|", "OK|"),
         CALL(lambda run: sorted(events_of(run)),
              ["^%B/a/b|b|", "^%B/a|top|"], "events"))


def undelivered(run):
    """Changes while the reader takes nothing: one event for many."""
    paths = [run.expand("%B/m1|"), run.expand("%B/m2|")]
    conn = run.conn("c")
    if run.kind == "ring":
        # Fill the reply ring so that nothing more can be delivered.
        run.must("d", "WRITE", run.expand("%B/big|") + b"x" * 1500)
        conn.send(wire.pack("READ", run.expand("%B/big|"), 0, 5))
        while conn.get(wire.RSP_PROD) - conn.get(wire.RSP_CONS) < 1024:
            run.must("d", "GET_DOMAIN_PATH", b"1\0")
    for number in range(50):
        for path in paths:
            run.must("d", "WRITE", path + b"%d" % number)
    events = run.ask("c", "GET_DOMAIN_PATH", b"1\0")[0]
    events = [run.text(m) for m in events if m.type == wire.WATCH_EVENT]
    return "%d paths, merged: %s" % (len(set(events)),
                                     len(set(events)) == len(events))


scenario("watches.merge", "watch-merge",
         *W("%B/m1"), *W("%B/m2"),
         CALL(undelivered, "2 paths, merged: True"), on="ring")


def special_not_merged(run):
    conn = run.conn("c")
    run.must("d", "SET_PERMS", run.expand("@introduceDomain|n0|r%C|"))
    run.must("d", "WRITE", run.expand("%B/big|") + b"x" * 1500)
    conn.send(wire.pack("READ", run.expand("%B/big|"), 0, 5))
    while conn.get(wire.RSP_PROD) - conn.get(wire.RSP_CONS) < 1024:
        run.must("d", "GET_DOMAIN_PATH", b"1\0")
    for _ in range(3):
        run.must("d", "RELEASE", run.expand("%G|"))
        run.world.reopen_port(run.domid("g"))
        run.introduce("g")
    events = run.ask("c", "GET_DOMAIN_PATH", b"1\0")[0]
    run.must("d", "SET_PERMS", b"@introduceDomain\0n0\0")
    return ["%d" % sum(m.type == wire.WATCH_EVENT for m in events)]


scenario("watches.special-not-merged", "watch-merge",
         *W("@introduceDomain"), CALL(special_not_merged, "3"), on="ring",
         guests="g")

for total, seen in ((4094, True), (4095, False)):
    # path and token with their two NULs must fit in 4096 bytes
    token = "k" * 2200
    scenario("watches.long-%d" % total, "watch-long attack-long-event",
             ("c", "WATCH", "%B|" + token + "|", "OK|"),
             ("c", "?", "", ["^%B|" + token + "|"]),
             ("d", "WRITE", "%B/" + "n" * (total - 2200 - 3) + "|", "OK|"),
             ("c", "?", "", ["^%B/" + "n" * (total - 2200 - 3) + "|" +
                             token + "|"] if seen else []),
             ("d", "WRITE", "%B/short|", "OK|"),
             ("c", "?", "", ["^%B/short|" + token + "|"]), on="socket")


def never_reads(run):
    """Very many different events for a ring that takes nothing."""
    conn = run.conn("c")
    run.must("d", "WRITE", run.expand("%B/big|") + b"x" * 1500)
    conn.send(wire.pack("READ", run.expand("%B/big|"), 0, 5))
    while conn.get(wire.RSP_PROD) - conn.get(wire.RSP_CONS) < 1024:
        run.must("d", "GET_DOMAIN_PATH", b"1\0")
    run.must("d", "MKDIR", run.expand("%B/many|"))
    run.must("d", "SET_PERMS", run.expand("%B/many|n0|r%C|"))
    pid = run.world.pid
    before = wire.memory_kb(pid)
    # Long names: what is owed passes the memory quota of 2.5 MB.
    for number in range(2500):
        path = run.expand("%B/many|")[:-1] + b"/%04d" % number + b"y" * 1500
        run.must("d", "WRITE", path + b"\0")
        run.must("d", "RM", path + b"\0")
    grown = wire.memory_kb(pid) - before
    events = run.ask("c", "GET_DOMAIN_PATH", b"1\0")[0]
    paths = {m.payload.split(b"\0")[0] for m in events
             if m.type == wire.WATCH_EVENT}
    base = run.expand("%B/many")
    overflow = base in paths or len(paths) >= 2500
    return "told: %s; memory bounded: %s" % (overflow, grown < 12000)


scenario("watches.slow-reader", "watch-slow attack-memory-events",
         ("c", "WATCH", "%B/many|w|", "OK|"),
         ("c", "?", "", ["^%B/many|w|"]),
         CALL(never_reads, "told: True; memory bounded: True"), on="ring")
