# SPDX-License-Identifier: GPL-2.0-or-later
"""Operations: what each does beyond the public text."""
from engine import ANY, BIND, CALL, MATCH, scenario
import wire

scenario("read.binary", "op-read op-write",
         ("c", "WRITE", "%B/v|a\x00b\xff\x00", "OK|"),
         ("c", "READ", "%B/v|", "a\x00b\xff\x00"),
         ("c", "WRITE", "%B/v|", "OK|"),
         ("c", "READ", "%B/v|", ""),
         ("c", "WRITE", "%B/v", "!EINVAL"),
         ("c", "READ", "%B/none|", "!ENOENT"))
scenario("write.parents-silent", "op-write",
         ("c", "WATCH", "%B|w|", "OK|"), ("c", "?", "", ["^%B|w|"]),
         ("c", "WRITE", "%B/a/b/c|v", ["^%B/a/b/c|w|", "OK|"]),
         ("c", "READ", "%B/a|", ""), ("c", "READ", "%B/a/b|", ""),
         ("c", "DIRECTORY", "%B/a|", "b|"))
scenario("write.permission", "op-write-perm perm-no-leak",
         ("d", "WRITE", "%B/ro|v", "OK|"),
         ("d", "SET_PERMS", "%B/ro|n0|r%C|", "OK|"),
         ("d", "WRITE", "%B/wo|v", "OK|"),
         ("d", "SET_PERMS", "%B/wo|n0|w%C|", "OK|"),
         ("c", "WRITE", "%B/ro|x", "!EACCES"),
         ("c", "WRITE", "%B/ro/a/b|x", "!EACCES"),
         ("c", "WRITE", "%B/wo|x", "OK|"),
         ("c", "WRITE", "%B/wo/a/b|x", "OK|"),
         ("c", "READ", "%B/wo|", "!EACCES"),
         ("c", "WRITE", "/tool/a|x", "!EACCES"),
         ("d", "READ", "%B/wo|", "x"), on="ring")
scenario("write.root", "op-write",
         ("c", "WRITE", "/|v", "OK|"), ("c", "READ", "/|", "v"),
         ("c", "WRITE", "/|", "OK|"), on="socket")

scenario("mkdir", "op-mkdir",
         ("c", "WATCH", "%B|w|", "OK|"), ("c", "?", "", ["^%B|w|"]),
         ("c", "WRITE", "%B/a|v", ["^%B/a|w|", "OK|"]),
         ("c", "MKDIR", "%B/a|", ["OK|"]),
         ("c", "READ", "%B/a|", "v"),
         ("c", "MKDIR", "%B/b/c|", ["^%B/b/c|w|", "OK|"]),
         ("c", "READ", "%B/b/c|", ""),
         ("c", "MKDIR", "/|", ["OK|"]), on="socket")
scenario("mkdir.permission", "op-mkdir",
         ("d", "WRITE", "%B/ro|v", "OK|"),
         ("d", "SET_PERMS", "%B/ro|n0|r%C|", "OK|"),
         ("c", "MKDIR", "%B/ro|", "!EACCES"),
         ("c", "MKDIR", "%B/ro/x|", "!EACCES"), on="ring")

scenario("rm", "op-rm op-rm-missing",
         ("c", "WRITE", "%B/a/b/c|v", "OK|"),
         ("c", "RM", "%B/a/b|", "OK|"),
         ("c", "READ", "%B/a/b/c|", "!ENOENT"),
         ("c", "DIRECTORY", "%B/a|", ""),
         ("c", "RM", "%B/a/b|", "OK|"),
         ("c", "RM", "%B/a/b/c|", "!ENOENT"),
         ("c", "RM", "%B/none|", "OK|"),
         ("c", "RM", "%B/none/x|", "!ENOENT"))
scenario("rm.root-guest", "op-rm-root op-rm", ("c", "RM", "/|", "!EINVAL"),
         on="ring")
scenario("rm.root", "op-rm-root", ("c", "RM", "/|", "!EINVAL"),
         ("c", "READ", "/tool|", ""), on="socket")
scenario("rm.permission", "op-rm",
         ("c", "WRITE", "%B/own/x|v", "OK|"),
         ("d", "WRITE", "%B/own/x/d0|v", "OK|"),
         ("d", "SET_PERMS", "%B/own/x/d0|n0|", "OK|"),
         ("d", "WRITE", "%B/ro|v", "OK|"),
         ("d", "SET_PERMS", "%B/ro|n0|r%C|", "OK|"),
         ("c", "RM", "%B/ro|", "!EACCES"),
         ("c", "RM", "%B/own/x/d0|", "!EACCES"),
         ("c", "RM", "%B/own|", "OK|"),
         ("d", "READ", "%B/own/x/d0|", "!ENOENT"), on="ring")

scenario("directory.order", "op-directory",
         ("c", "WRITE", "%B/o/zz|1", "OK|"),
         ("c", "WRITE", "%B/o/aa|1", "OK|"),
         ("c", "WRITE", "%B/o/mm|1", "OK|"),
         ("c", "DIRECTORY", "%B/o|", "zz|aa|mm|"),
         ("c", "RM", "%B/o/aa|", "OK|"),
         ("c", "WRITE", "%B/o/zz|2", "OK|"),
         ("c", "WRITE", "%B/o/aa|1", "OK|"),
         ("c", "DIRECTORY", "%B/o|", "zz|mm|aa|"),
         ("c", "DIRECTORY", "%B/o/zz|", ""),
         ("c", "DIRECTORY", "%B/none|", "!ENOENT"))


def parts(run):
    """Read a long list in parts and compare it with what was made."""
    made = ["child-%04d" % number for number in range(700)]
    for name in made:
        run.must("d", "WRITE", run.expand("%B/long/" + name + "|"))
    path, offset, got, stamp = run.expand("%B/long|"), 0, b"", None
    for _ in range(20):
        reply = run.must("c", "DIRECTORY_PART", path + b"%d\0" % offset)
        count, names = reply.split(b"\0", 1)
        if stamp not in (None, count):
            return "gencnt changed"
        stamp = count
        if names.endswith(b"\0\0") or names == b"\0":
            got += names[:-1]
            break
        if not names.endswith(b"\0"):
            return "a name was cut"
        if len(reply) > 4096:
            return "a part too long"
        got += names
        offset += len(names)
    want = b"".join(name.encode() + b"\0" for name in made)
    end = run.answer("c", "DIRECTORY_PART", path + b"%d\0" % len(want))
    past = run.answer("c", "DIRECTORY_PART", path + b"%d\0" % (len(want) + 5))
    count = stamp.decode()
    return "%s %s %s" % (got == want, end == count + "||",
                         past == count + "||")


def directory_owned(run):
    run.must("d", "WRITE", run.expand("%B/long|"))
    if run.kind == "ring":
        run.must("d", "SET_PERMS", run.expand("%B/long|n0|r%C|"))
    return "ok"


scenario("directory-part", "op-directory-part",
         CALL(directory_owned, "ok"), CALL(parts, "True True True"))
scenario("directory-part.small", "op-directory-part",
         ("c", "WRITE", "%B/l/aa|", "OK|"), ("c", "WRITE", "%B/l/bb|", "OK|"),
         ("c", "DIRECTORY_PART", "%B/l|0|", MATCH(r"[0-9]+\|aa\|bb\|\|")),
         ("c", "DIRECTORY_PART", "%B/l|3|", MATCH(r"[0-9]+\|bb\|\|")),
         ("c", "DIRECTORY_PART", "%B/l|6|", MATCH(r"[0-9]+\|\|")),
         ("c", "DIRECTORY_PART", "%B/l|99|", MATCH(r"[0-9]+\|\|")),
         ("c", "DIRECTORY_PART", "%B/l/aa|0|", MATCH(r"[0-9]+\|\|")),
         ("c", "DIRECTORY_PART", "%B/none|0|", "!ENOENT"),
         ("c", "DIRECTORY_PART", "%B/l|x|", "!EINVAL"),
         ("c", "DIRECTORY_PART", "%B/l|-1|", "!EINVAL"))


def gencnt(run):
    """The count differs after every change, also after making anew."""
    seen = set()
    path = run.expand("%B/g|")
    for number in range(20):
        run.must("c", "WRITE", run.expand("%B/g/x|"))
        seen.add(run.must("c", "DIRECTORY_PART", path + b"0\0")
                 .split(b"\0")[0])
        run.must("c", "RM", path)
    return "%d" % len(seen)


scenario("directory-part.gencnt", "op-gencnt", CALL(gencnt, "20"))

scenario("perms.get-needs-read", "op-get-perms",
         ("d", "WRITE", "%B/p|v", "OK|"),
         ("d", "SET_PERMS", "%B/p|n0|w%C|", "OK|"),
         ("c", "GET_PERMS", "%B/p|", "!EACCES"),
         ("d", "SET_PERMS", "%B/p|n0|r%C|", "OK|"),
         ("c", "GET_PERMS", "%B/p|", "n0|r%C|"),
         ("c", "GET_PERMS", "%B/none|", "!ENOENT"), on="ring")
scenario("perms.set-needs-owner", "op-set-perms",
         ("d", "WRITE", "%B/p|v", "OK|"),
         ("d", "SET_PERMS", "%B/p|n0|b%C|", "OK|"),
         ("c", "SET_PERMS", "%B/p|n0|b%C|r1|", "!EACCES"),
         ("c", "WRITE", "%B/q|v", "OK|"),
         ("c", "SET_PERMS", "%B/q|n%C|r1|", "OK|"),
         ("c", "GET_PERMS", "%B/q|", "n%C|r1|"),
         ("c", "SET_PERMS", "%B/none|n%C|", "!ENOENT"), on="ring")
scenario("perms.owner", "op-set-perms-owner",
         ("c", "WRITE", "%B/p|v", "OK|"),
         ("c", "SET_PERMS", "%B/p|n0|", "!EPERM"),
         ("c", "SET_PERMS", "%B/p|n%G|", "!EPERM"),
         ("d", "SET_PERMS", "%B/p|n31999|", "!ENOENT"),
         ("d", "SET_PERMS", "%B/p|n%G|r%C|", "OK|"),
         ("c", "GET_PERMS", "%B/p|", "n%G|r%C|"),
         ("g", "READ", "%B/p|", "v"), on="ring", guests="g")
scenario("perms.absent-domain", "op-set-perms-absent",
         ("c", "WRITE", "%B/p|v", "OK|"),
         ("c", "SET_PERMS", "%B/p|n%C|r31998|", "OK|"),
         ("c", "GET_PERMS", "%B/p|", "n%C|r31998|"), on="ring")
scenario("perms.letters", "op-set-perms-letters",
         ("c", "WRITE", "%B/p|v", "OK|"),
         ("c", "SET_PERMS", "%B/p|b%C|r1|w2|n3|", "OK|"),
         ("c", "GET_PERMS", "%B/p|", "b%C|r1|w2|n3|"),
         *[("c", "SET_PERMS", "%B/p|n%C|" + bad + "|", "!EINVAL")
           for bad in ("x1", "R1", "1", "", "rx", "r1x", "r-1", "r65536",
                       "rw1", "r 1")])

scenario("watch.first-event", "op-watch",
         ("c", "WATCH", "%B/not/there|t1|", "OK|"),
         ("c", "?", "", ["^%B/not/there|t1|"]),
         ("c", "WATCH", "/tool/x|t2|", "OK|"),
         ("c", "?", "", ["^/tool/x|t2|"]),
         ("c", "WATCH", "/|t3|", "OK|"),
         ("c", "?", "", ["^/|t3|"]),
         ("c", "WATCH", "@introduceDomain|t4|", "OK|"),
         ("c", "?", "", ["^@introduceDomain|t4|"]))
scenario("watch.no-permission-needed", "op-watch",
         ("d", "WRITE", "%B/secret|v", "OK|"),
         ("d", "SET_PERMS", "%B/secret|n0|", "OK|"),
         ("c", "WATCH", "%B/secret|t|", "OK|"),
         ("c", "?", "", ["^%B/secret|t|"]), on="ring")
scenario("watch.twice", "op-watch-twice",
         ("c", "WATCH", "%B|t|", "OK|"), ("c", "?", "", ["^%B|t|"]),
         ("c", "WATCH", "%B|t|", ["!EEXIST"]),
         ("c", "WATCH", "%B|u|", "OK|"), ("c", "?", "", ["^%B|u|"]),
         ("c", "WATCH", "%B/x|t|", "OK|"), ("c", "?", "", ["^%B/x|t|"]),
         ("c", "WRITE", "%B/y|1", ["^%B/y|t|", "^%B/y|u|", "OK|"]))
scenario("watch.empty-token", "op-watch",
         ("c", "WATCH", "%B||", "OK|"), ("c", "?", "", ["^%B||"]),
         ("c", "UNWATCH", "%B||", "OK|"))
scenario("watch.depth", "op-watch-depth watch-match",
         ("c", "WATCH", "%B/d|t0|0|", "OK|"), ("c", "?", "", ["^%B/d|t0|"]),
         ("c", "WATCH", "%B/d|t1|1|", "OK|"), ("c", "?", "", ["^%B/d|t1|"]),
         ("c", "WRITE", "%B/d|v", ["^%B/d|t0|", "^%B/d|t1|", "OK|"]),
         ("c", "WRITE", "%B/d/a|v", ["^%B/d/a|t1|", "OK|"]),
         ("c", "WRITE", "%B/d/a/b|v", ["OK|"]),
         ("c", "WATCH", "%B/d|t2|x|", "!EINVAL"),
         ("c", "WATCH", "%B/d|t3|-1|", "!EINVAL"),
         ("c", "WATCH", "%B/d|t4||", "!EINVAL"))
scenario("watch.depth-not-offered", "op-watch-depth op-feature",
         ("d", "RELEASE", "%C|", "OK|"),
         ("d", "SET_FEATURE", "%C|3|", "OK|"),
         CALL(lambda run: reintroduce(run), "features 3", "introduce"),
         ("c", "WATCH", "/tool|t|0|", "!EINVAL"), on="ring")
scenario("unwatch", "op-unwatch",
         ("c", "WATCH", "%B|t|", "OK|"), ("c", "?", "", ["^%B|t|"]),
         ("c", "UNWATCH", "%B|u|", "!ENOENT"),
         ("c", "UNWATCH", "%B/x|t|", "!ENOENT"),
         ("c", "UNWATCH", "%B|t|x|", "!EINVAL"),
         ("c", "UNWATCH", "%B|t|", "OK|"),
         ("c", "UNWATCH", "%B|t|", "!ENOENT"),
         ("c", "WRITE", "%B/x|1", ["OK|"]))


def unwatch_pending(run):
    """Events undelivered when UNWATCH is asked: none after its OK."""
    run.must("c", "WATCH", run.expand("%B|t|"))
    run.ask("c", "GET_DOMAIN_PATH", b"1\0")
    for number in range(30):
        run.must("d", "WRITE", run.expand("%%B/n%d|" % number)
                 .replace(b"%B", run.base().encode()))
    run.must("c", "UNWATCH", run.expand("%B|t|"))
    events, _ = run.ask("c", "GET_DOMAIN_PATH", b"1\0")
    return "%d after" % len(events)


scenario("unwatch.pending", "op-unwatch", CALL(unwatch_pending, "0 after"))

scenario("reset-watches", "op-reset-watches",
         ("c", "WATCH", "%B|t|", "OK|"), ("c", "?", "", ["^%B|t|"]),
         ("c", "TRANSACTION_START", "|", BIND("t")),
         ("c", "WRITE@t", "%B/x|1", "OK|"),
         ("d", "WRITE", "%B/q|1", "OK|"),
         ("c", "RESET_WATCHES", "|", ["^%B/q|t|", "OK|"]),
         ("c", "WRITE", "%B/y|1", ["OK|"]),
         ("c", "TRANSACTION_END@t", "T|", "!ENOENT"),
         ("c", "READ", "%B/x|", "!ENOENT"),
         ("c", "WATCH", "%B|t|", "OK|"), ("c", "?", "", ["^%B|t|"]))

scenario("transaction.ids", "op-tx-start",
         ("c", "TRANSACTION_START", "|", "1|"),
         ("c", "TRANSACTION_START", "|", "2|"),
         ("s", "TRANSACTION_START", "|", "1|"),
         ("c", "TRANSACTION_START@#1", "|", "!EBUSY"),
         ("s", "TRANSACTION_END@#2", "T|", "!ENOENT"),
         ("c", "TRANSACTION_END@#2", "T|", "OK|"),
         ("c", "TRANSACTION_END@#2", "T|", "!ENOENT"),
         ("c", "TRANSACTION_END@#0", "T|", "!ENOENT"))
scenario("transaction.end-argument", "op-tx-end",
         ("c", "TRANSACTION_START", "|", BIND("t")),
         ("c", "WRITE@t", "%B/x|1", "OK|"),
         ("c", "TRANSACTION_END@t", "X|", "!EINVAL"),
         ("c", "TRANSACTION_END@t", "|", "!EINVAL"),
         ("c", "TRANSACTION_END@t", "TT|", "!EINVAL"),
         ("c", "TRANSACTION_END@t", "t|", "!EINVAL"),
         ("c", "READ@t", "%B/x|", "1"),
         ("c", "TRANSACTION_END@t", "T|", "OK|"),
         ("c", "READ", "%B/x|", "1"))
scenario("transaction.abort", "op-tx-end",
         ("c", "TRANSACTION_START", "|", BIND("t")),
         ("c", "READ@t", "%B/x|", "!ENOENT"),
         ("c", "WRITE@t", "%B/x|1", "OK|"),
         ("d", "WRITE", "%B/x|2", "OK|"),
         ("c", "TRANSACTION_END@t", "F|", "OK|"),
         ("c", "READ", "%B/x|", "2"), on="socket")


def reintroduce(run):
    """A fresh page for c; answers the features offered on it."""
    conn = run.conn("c")
    for field in range(wire.REQ_CONS, wire.EVTCHN + 1):
        conn.set(field, 0)
    run.world.reopen_port(run.domid("c"))
    run.introduce("c")
    conn.attach()
    return "features %d" % conn.get(wire.FEATURES)
