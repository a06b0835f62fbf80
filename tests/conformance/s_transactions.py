# SPDX-License-Identifier: GPL-2.0-or-later
"""Transactions: isolation, what conflicts and what does not."""
import wire
from engine import ANY, BIND, CALL, MATCH, scenario

START = ("c", "TRANSACTION_START", "|", BIND("t"))
COMMIT = ("c", "TRANSACTION_END@t", "T|", "OK|")
CONFLICT = ("c", "TRANSACTION_END@t", "T|", "!EAGAIN")

scenario("transactions.isolation", "tx-snapshot",
         ("d", "WRITE", "%B/a|1", "OK|"), START,
         ("c", "READ@t", "%B/a|", "1"),
         ("d", "WRITE", "%B/b|2", "OK|"),
         ("c", "READ@t", "%B/b|", "!ENOENT"),
         ("c", "WRITE@t", "%B/c|3", "OK|"),
         ("c", "READ@t", "%B/c|", "3"),
         ("d", "READ", "%B/c|", "!ENOENT"),
         ("c", "TRANSACTION_END@t", "F|", "OK|"),
         ("d", "READ", "%B/c|", "!ENOENT"))
scenario("transactions.snapshot-is-of-start", "tx-snapshot",
         ("d", "WRITE", "%B/a|1", "OK|"), START,
         ("d", "WRITE", "%B/a|2", "OK|"),
         ("c", "READ@t", "%B/a|", "1"),
         ("c", "TRANSACTION_END@t", "F|", "OK|"))
scenario("transactions.commit", "tx-snapshot",
         START, ("c", "WRITE@t", "%B/x/y|1", "OK|"),
         ("c", "RM@t", "%B/z|", "OK|"), COMMIT,
         ("d", "READ", "%B/x/y|", "1"))

READS = {"value": ("READ", "%B/a|"), "perms": ("GET_PERMS", "%B/a|"),
         "list": ("DIRECTORY", "%B|"), "absence": ("READ", "%B/none|"),
         "list-part": ("DIRECTORY_PART", "%B|0|")}
CHANGES = {"value": ("WRITE", "%B/a|9"),
           "perms": ("SET_PERMS", "%B/a|n%C|r1|"),
           "list": ("WRITE", "%B/extra|9"),
           "absence": ("WRITE", "%B/none|9"),
           "list-part": ("RM", "%B/a|")}
for label, (op, text) in READS.items():
    scenario("transactions.read-%s-changed" % label, "tx-validate",
             ("c", "WRITE", "%B/a|1", "OK|"), START,
             ("c", op + "@t", text, ANY),
             ("c", "WRITE@t", "%B/w|1", "OK|"),
             ("d", CHANGES[label][0], CHANGES[label][1], "OK|"),
             CONFLICT,
             ("c", "READ", "%B/w|", "!ENOENT"))
    scenario("transactions.read-%s-unchanged" % label, "tx-validate",
             ("c", "WRITE", "%B/a|1", "OK|"),
             ("c", "WRITE", "%B/other|1", "OK|"),
             ("c", "WRITE", "%B/far|1", "OK|"), START,
             ("c", op + "@t", text, ANY),
             ("c", "WRITE@t", "%B/other/w|1", "OK|"),
             ("d", "WRITE", "%B/far/w|1", "OK|"), COMMIT,
             ("c", "READ", "%B/other/w|", "1"))
scenario("transactions.read-only", "tx-read-only",
         ("d", "WRITE", "%B/a|1", "OK|"), START,
         ("c", "READ@t", "%B/a|", "1"),
         ("d", "WRITE", "%B/a|2", "OK|"), COMMIT)
scenario("transactions.blind-writes", "tx-no-conflict",
         ("d", "WRITE", "%B/a|1", "OK|"), START,
         ("c", "WRITE@t", "%B/a|2", "OK|"),
         ("d", "WRITE", "%B/a|3", "OK|"), COMMIT,
         ("d", "READ", "%B/a|", "2"))
scenario("transactions.two-children", "tx-no-conflict",
         ("d", "WRITE", "%B/p|", "OK|"), START,
         ("c", "WRITE@t", "%B/p/one|1", "OK|"),
         ("d", "WRITE", "%B/p/two|1", "OK|"), COMMIT,
         ("d", "DIRECTORY", "%B/p|", "two|one|"))
scenario("transactions.two-children-two-transactions", "tx-no-conflict",
         ("d", "WRITE", "%B/p|", "OK|"), START,
         ("d", "TRANSACTION_START", "|", BIND("u")),
         ("c", "WRITE@t", "%B/p/one|1", "OK|"),
         ("d", "WRITE@u", "%B/p/two|1", "OK|"), COMMIT,
         ("d", "TRANSACTION_END@u", "T|", "OK|"),
         ("d", "DIRECTORY", "%B/p|", "one|two|"))
scenario("transactions.own-write-is-no-conflict", "tx-validate",
         ("c", "WRITE", "%B/a|1", "OK|"), START,
         ("c", "WRITE@t", "%B/a|2", "OK|"),
         ("c", "READ@t", "%B/a|", "2"), COMMIT,
         ("c", "READ", "%B/a|", "2"))
scenario("transactions.permission-at-commit", "tx-validate perm-first-match",
         ("d", "WRITE", "%B/a|1", "OK|"),
         ("d", "SET_PERMS", "%B/a|n0|b%C|", "OK|"), START,
         ("c", "WRITE@t", "%B/a|2", "OK|"),
         ("d", "SET_PERMS", "%B/a|n0|r%C|", "OK|"), CONFLICT,
         ("d", "READ", "%B/a|", "1"), on="ring")
scenario("transactions.quota", "tx-quota quota-node-size",
         START,
         ("c", "WRITE@t", "%B/ok|1", "OK|"),
         ("c", "WRITE@t", "%B/big|" + "x" * 3000, "!ENOSPC"),
         ("c", "TRANSACTION_END@t", "T|", "!ENOSPC"),
         ("c", "READ", "%B/ok|", "!ENOENT"), on="ring")


def starve(writer):
    def compete(run):
        """Read, let the writer write, write, commit; until it commits."""
        path = run.expand("%B/hot|")
        run.must("c", "WRITE", path + b"0")
        run.must("d", "SET_PERMS", run.expand("%B/hot|n%C|b%G|"))
        pending = None
        for tries in range(1, 65):
            tx = int(run.must("c", "TRANSACTION_START", b"\0")[:-1])
            run.must("c", "READ", path, tx)
            if pending is None:
                pending = run.send(writer, "WRITE", path + b"%d" % tries)
            # Its reply, if it is served now; else it waits its turn.
            for _ in range(3):
                run.must("d", "GET_DOMAIN_PATH", b"1\0")
            try:
                run.collect(writer, pending, 0.01)
                pending = None
            except wire.Silence:
                pass
            run.must("c", "WRITE", run.expand("%B/res|") + b"1", tx)
            if run.answer("c", "TRANSACTION_END", b"T\0", tx) == "OK|":
                if pending is not None:
                    run.collect(writer, pending)
                return "committed"
        return "starved"
    return CALL(compete, "committed", "compete with " + writer)


scenario("transactions.starved-by-guest", "tx-no-starvation attack-starve",
         starve("g"), guests="g")
scenario("transactions.starved-by-socket", "tx-no-starvation attack-starve",
         starve("s"), guests="g")
