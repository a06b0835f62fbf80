# SPDX-License-Identifier: GPL-2.0-or-later
"""
What brought peers down.  Every scenario ends with the bystander, another
guest, doing a write, its watch event, a read and a transaction; on our daemon
also with the store's and the charges' books being verified.
"""
import random
import struct

import wire
from engine import ANY, BIND, CALL, MATCH, attack, show
from s_permissions import die, born_again
from s_ring import reset, settle
from wire import REQ_CONS, REQ_PROD, RSP_CONS, RSP_PROD, ERR, CONNECTION


def sane(outcome):
    """Served, or stopped with an error: anything but a dead daemon."""
    return outcome if outcome.startswith("#daemon") else "held"


def try_ask(run, name, op, payload, deadline=1.0):
    try:
        return run.text(run.collect(name, run.send(name, op, payload),
                                    deadline)[1])
    except (wire.Closed, wire.Silence) as end:
        return run.outcome(end)


def request_index(distance):
    def shape(run):
        conn = run.conn("c")
        conn.bytes[0:1024] = b"\0" * 1024
        conn.set(REQ_PROD, conn.get(REQ_CONS) + distance)
        conn.notify()
        settle(run)
        settle(run)
        return "error %d" % conn.get(ERR)
    return CALL(shape, "error %d" % (2 if distance > 1024 else 0),
                "request producer - consumer = %#x" % distance)


def reply_index(distance):
    def shape(run):
        conn = run.conn("c")
        conn.set(RSP_CONS, conn.get(RSP_PROD) - distance)
        conn.put(wire.pack("READ", b"/tool\0", 0, 1))
        conn.notify()
        settle(run)
        settle(run)
        return "error %d" % conn.get(ERR)
    return CALL(shape, "error %d" % (2 if distance > 1024 else 0),
                "reply producer - consumer = %#x" % distance)


for far in (0, 1, 1023, 1024, 1025, 0x80000000, 0xffffffff):
    attack("attack.request-index-%x" % far, "attack-indices",
           request_index(far))
    attack("attack.reply-index-%x" % far, "attack-indices", reply_index(far))


def both_indices(run):
    conn, dice = run.conn("c"), random.Random(1)
    shapes = (0, 1, 2, 511, 1022, 1023, 1024, 1025, 2048, 1 << 31,
              (1 << 31) - 1, 0xffffffff, 0xfffffc00)
    for _ in range(300):
        for field in (REQ_PROD, REQ_CONS, RSP_PROD, RSP_CONS):
            conn.set(field, dice.choice(shapes))
        conn.notify()
        if not dice.randrange(4):
            run.must("d", "GET_DOMAIN_PATH", b"1\0")
    settle(run)
    return "held"


attack("attack.all-indices", "attack-indices", CALL(both_indices, "held"))


def moving(run):
    """A storm of index and content changes while the daemon reads."""
    conn, dice = run.conn("c"), random.Random(2)
    message = wire.pack("WRITE", b"m\0" + b"v" * 64, 0, 1)
    conn.bytes[0:1024] = (message * 16)[:1024]
    for turn in range(150):
        base = conn.get(REQ_CONS)
        conn.set(REQ_PROD, base + 1024)
        conn.notify()
        for _ in range(60):
            conn.set(REQ_PROD, base + dice.choice(
                (0, 1, 16, 82, 1023, 1024)))
            conn.bytes[dice.randrange(1024)] = dice.randrange(256)
            conn.set(RSP_CONS, conn.get(RSP_PROD) - dice.randrange(3))
        if conn.get(ERR):
            conn.set(ERR, 0)
            reset_or_not(run, conn)
    settle(run)
    return "held"


def reset_or_not(run, conn):
    conn.set(CONNECTION, 1)
    conn.notify()
    settle(run)


attack("attack.indices-moving", "attack-indices-moving",
       CALL(moving, "held"))

for size in (0x40000000, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff,
             0x00010000, 4097):
    def long_message(run, size=size):
        conn = run.conn("c")
        conn.put(wire.HEADER.pack(11, 1, 0, size) + b"x" * 900)
        conn.notify()
        return run.text(conn.recv())
    attack("attack.length-%x" % size, "attack-length msg-over-4096",
           CALL(long_message, "#error 3", "length"))

    def long_socket(run, size=size):
        conn = run.conn("s")
        conn.send(wire.HEADER.pack(11, 1, 0, size) + b"x" * 900)
        return run.text(conn.recv())
    attack("attack.length-%x-socket" % size, "attack-length msg-over-4096",
           CALL(long_socket, "#closed", "length"))


def kill(*letters):
    def death(run):
        for letter in letters:
            run.world.remove_domain(run.domid(letter))
        gone(run, letters)
        return "gone"
    return CALL(death, "gone", "death of " + ", ".join(letters))


def kill_at_once(run):
    with run.world.stopped():
        for letter in "gh":
            run.world.remove_domain(run.domid(letter))
    gone(run, "gh")
    return "gone"


def gone(run, letters):
    for letter in letters:
        while run.answer("d", "IS_DOMAIN_INTRODUCED",
                         b"%d\0" % run.domid(letter)) == "T|":
            run.world.tick()


STUBDOM = (
    ("g", "WRITE", "mine|v", "OK|"), ("h", "WRITE", "its|v", "OK|"),
    ("d", "SET_TARGET", "%H|%G|", "OK|"),
    ("h", "WRITE", "/local/domain/%G/made|v", "OK|"),
    ("h", "WATCH", "/local/domain/%G|w|", "OK|"),
    ("h", "?", "", ["^/local/domain/%G|w|"]))
AFTER = (("d", "READ", "/local/domain/%G/mine|", "!ENOENT"),
         ("d", "READ", "/local/domain/%H/its|", "!ENOENT"))
attack("attack.target-dies-first", "attack-stubdom", *STUBDOM, kill("g"),
       ("h", "READ", "its|", ["^/local/domain/%G|w|", "v"]),
       ("h", "READ", "/local/domain/%G/mine|", MATCH("!E(NOENT|ACCES)")),
       kill("h"), *AFTER, guests="gh")
attack("attack.stubdom-dies-first", "attack-stubdom", *STUBDOM, kill("h"),
       ("g", "READ", "mine|", "v"), kill("g"), *AFTER, guests="gh")
attack("attack.target-and-stubdom-at-once", "attack-stubdom", *STUBDOM,
       CALL(kill_at_once, "gone"), *AFTER, guests="gh")
attack("attack.target-reused", "attack-stubdom attack-reuse", *STUBDOM,
       kill("g"), born_again("g"), ("g", "WRITE", "mine|v", "OK|"),
       ("h", "READ", "/local/domain/%G/mine|",
        ["^/local/domain/%G|w|", "!EACCES"]), guests="gh")
attack("attack.target-of-itself", "attack-stubdom",
       ("d", "SET_TARGET", "%G|%G|", ANY),
       ("d", "SET_TARGET", "%H|%G|", ANY), ("d", "SET_TARGET", "%G|%H|", ANY),
       ("g", "READ", "/local/domain/%H|", ANY),
       ("h", "READ", "/local/domain/%G|", ANY), kill("g"), kill("h"),
       guests="gh")


def count_nodes(run, path):
    upcoming, count = [path], 0
    while upcoming:
        here = upcoming.pop()
        reply = run.ask("d", "DIRECTORY", here + b"\0")[1]
        if reply.type == wire.ERROR:
            continue
        count += 1
        for name in reply.payload.split(b"\0")[:-1]:
            upcoming.append(here + b"/" + name)
    return count


def evade(op, transaction):
    def create(run):
        """Deep paths: each makes 200 nodes at a time."""
        text, tx = "", 0
        if transaction:
            tx = int(run.must("c", "TRANSACTION_START", b"\0")[:-1])
        for number in range(20):
            path = b"e%d" % number + b"/x" * 199 + b"\0"
            text = run.answer("c", op, path, tx)
            if text != "OK|":
                break
        if transaction:
            text += " " + run.answer("c", "TRANSACTION_END", b"T\0", tx)
        home = b"/local/domain/%d" % run.domid("c")
        return [text, "within: %s" % (count_nodes(run, home) <= 1000)]
    want = ("!ENOSPC !ENOSPC" if transaction else "!ENOSPC")
    return CALL(create, [want, "within: True"], "deep %s" % op)


for op in ("WRITE", "MKDIR"):
    attack("attack.quota-deep-%s" % op.lower(), "attack-quota-deep",
           evade(op, False))
    attack("attack.quota-deep-%s-transaction" % op.lower(),
           "attack-quota-deep tx-quota", evade(op, True))


def many_transactions(run):
    """Each alone is within the quota; all together are not."""
    txs = [int(run.must("c", "TRANSACTION_START", b"\0")[:-1])
           for _ in range(10)]
    for number, tx in enumerate(txs):
        for node in range(150):
            run.answer("c", "WRITE", b"t%d/%d\0" % (number, node), tx)
    for tx in txs:
        run.answer("c", "TRANSACTION_END", b"T\0", tx)
    home = b"/local/domain/%d" % run.domid("c")
    return "within: %s" % (count_nodes(run, home) <= 1000)


attack("attack.quota-many-transactions", "attack-quota-deep tx-quota",
       CALL(many_transactions, "within: True"))


def half_create(transaction):
    def create(run):
        """995 nodes, then a path of ten: none of the ten may stay."""
        for number in range(980):
            run.must("c", "WRITE", b"f%d/%d\0" % (number // 100, number))
        home = b"/local/domain/%d" % run.domid("c")
        before = count_nodes(run, home)
        tx = 0
        if transaction:
            tx = int(run.must("c", "TRANSACTION_START", b"\0")[:-1])
        path = b"deep" + b"/x" * 20 + b"\0"
        out = [run.answer("c", "WRITE", path, tx),
               run.answer("c", "MKDIR", path, tx),
               run.answer("c", "READ", b"deep\0", tx)]
        if transaction:
            out.append(run.answer("c", "TRANSACTION_END", b"T\0", tx))
        out.append("%+d" % (count_nodes(run, home) - before))
        out.append(run.answer("c", "WRITE", b"last\0"))
        return out
    want = ["!ENOSPC", "!ENOSPC", "!ENOENT"]
    return CALL(create, want + (["!ENOSPC"] if transaction else []) +
                ["+0", "OK|"], "half create")


attack("attack.half-create", "attack-half-create", half_create(False))
attack("attack.half-create-transaction", "attack-half-create tx-quota",
       half_create(True))


def deep(levels):
    def climb(run):
        return climb_to(run, b"/t" + b"/x" * levels)
    return CALL(climb, ["OK|", "v", "OK|", "OK|", "OK|", "OK|", "!ENOENT"],
                "%d levels" % levels)


def climb_to(run, path):
    """Written, read, watched, removed in a transaction."""
    out = [run.answer("d", "WRITE", path + b"\0" b"v"),
           run.answer("d", "READ", path + b"\0"),
           run.answer("d", "WATCH", path + b"\0w\0"),
           run.answer("d", "SET_PERMS", path + b"\0n0\0")]
    tx = int(run.must("d", "TRANSACTION_START", b"\0")[:-1])
    out.append(run.answer("d", "RM", b"/t/x\0", tx))
    out.append(run.answer("d", "TRANSACTION_END", b"T\0", tx))
    out.append(run.answer("d", "READ", b"/t/x\0"))
    return out


for height in (1020, 1024, 1535):
    attack("attack.deep-%d" % height, "attack-deep",
           ("d", "MKDIR", "/t|", "OK|"), deep(height))


def deep_owned(run):
    """1000 levels of a guest that then dies."""
    run.answer("c", "WRITE", b"d" + b"/x" * 990 + b"\0")
    run.world.remove_domain(run.domid("c"))
    gone(run, "c")
    return run.answer("d", "READ", run.expand("%B|"))


attack("attack.deep-owner-dies", "attack-deep attack-orphans",
       CALL(deep_owned, "!ENOENT"))

attack("attack.orphans", "attack-orphans perm-death",
       ("c", "WRITE", "pub|v", "OK|"),
       ("c", "SET_PERMS", "pub|b%C|", "OK|"),
       ("g", "WRITE", "/local/domain/%C/pub/a/b|v", "OK|"),
       ("g", "GET_PERMS", "/local/domain/%C/pub/a|", MATCH("b%G\\|.*|n%G.*")),
       ("d", "WRITE", "/local/domain/%C/pub/a/b/zero|v", "OK|"),
       ("d", "SET_PERMS", "/local/domain/%C/pub/a/b/zero|n0|", "OK|"),
       kill("g"),
       ("c", "DIRECTORY", "pub|", ""),
       ("c", "READ", "pub|", "v"), guests="g")
attack("attack.orphans-host-dies", "attack-orphans perm-death",
       ("c", "WRITE", "pub|v", "OK|"),
       ("c", "SET_PERMS", "pub|b%C|", "OK|"),
       ("g", "WRITE", "/local/domain/%C/pub/a/b|v", "OK|"),
       kill("c"),
       ("d", "READ", "/local/domain/%C|", "!ENOENT"),
       ("g", "WRITE", "still|v", "OK|"), guests="g")


def orphan_charges(run):
    """The owner of the tree removes them: the maker's account is free."""
    run.must("c", "WRITE", b"pub\0")
    run.must("c", "SET_PERMS", b"pub\0" + run.expand("b%C|"))
    for _ in range(3):
        for number in range(600):
            text = run.answer("g", "WRITE", run.expand(
                "/local/domain/%C/pub/x") + b"%d/%d\0" % (number // 99,
                                                         number))
            if text != "OK|":
                return text
        run.must("c", "RM", b"pub\0")
        run.must("c", "WRITE", b"pub\0")
        run.must("c", "SET_PERMS", b"pub\0" + run.expand("b%C|"))
    return "charges returned"


attack("attack.orphan-charges", "attack-orphans",
       CALL(orphan_charges, "charges returned"), guests="g")


def broken_then_dies(code):
    def die_broken(run):
        conn = run.conn("c")
        run.must("c", "WATCH", b"x\0w\0")
        run.must("c", "TRANSACTION_START", b"\0")
        if code == 3:
            conn.put(wire.HEADER.pack(2, 1, 0, 5000))
        else:
            conn.set(REQ_PROD, conn.get(REQ_CONS) + 4000)
        conn.notify()
        settle(run)
        run.world.remove_domain(run.domid("c"))
        gone(run, "c")
        return run.answer("d", "READ", run.expand("%B|"))
    return CALL(die_broken, "!ENOENT", "broken (%d) then dies" % code)


for code in (2, 3):
    attack("attack.broken-dies-%d" % code, "attack-broken-ring-dies",
           broken_then_dies(code), born_again("c"),
           ("c", "WRITE", "x|v", "OK|"))


def unread_replies(run):
    """Requests without end, replies never taken."""
    conn, pid = run.conn("c"), run.world.pid
    run.must("c", "WRITE", b"v\0" + b"x" * 1900)
    before = wire.memory_kb(pid)
    asked, idle = wire.pack("READ", b"v\0", 0, 1), 0
    data = asked * 4000
    while data and idle < 20:
        done = conn.put(data)
        data, idle = data[done:], 0 if done else idle + 1
        conn.notify()
        run.must("d", "GET_DOMAIN_PATH", b"1\0")
    grown = wire.memory_kb(pid) - before
    return "bounded: %s" % (grown < 16000)


attack("attack.unread-replies", "attack-memory-replies",
       CALL(unread_replies, "bounded: True"))


def big_in_transactions(run):
    """Big nodes in ten transactions: 10 * 900 * 2000 bytes are asked.  What
    is allowed is held four times for as long as it is written down."""
    pid = run.world.pid
    before = wire.memory_kb(pid)
    txs = [int(run.must("c", "TRANSACTION_START", b"\0")[:-1])
           for _ in range(10)]
    for tx in txs:
        for node in range(900):
            run.answer("c", "WRITE", b"b/%d\0" % node + b"x" * 1950, tx)
    grown = wire.memory_kb(pid) - before
    for tx in txs:
        run.answer("c", "TRANSACTION_END", b"F\0", tx)
    return "bounded: %s" % (grown < 16000)


attack("attack.big-transactions", "attack-memory-tx",
       CALL(big_in_transactions, "bounded: True"))


def reset_watches_loop(run):
    pid = run.world.pid

    def turn(count):
        for _ in range(count):
            for number in range(12):
                run.must("c", "WATCH", b"w%d\0t\0" % number)
            run.must("c", "TRANSACTION_START", b"\0")
            run.must("c", "RESET_WATCHES", b"\0")
    turn(50)
    before = wire.memory_kb(pid)
    turn(200)
    return "grown little: %s" % (wire.memory_kb(pid) - before < 512)


attack("attack.reset-watches-loop", "attack-reset-loop op-reset-watches",
       CALL(reset_watches_loop, "grown little: True"))

ORDERS = {"wr": "WR", "rw": "RW", "wrw": "WRW", "rwr": "RWR", "mr": "MR",
          "mwr": "MWR", "wrm": "WRM", "rm-rm": "RR", "parent": "wR",
          "parent-again": "wRw"}
STEPS = {"W": ("WRITE", "n|2"), "R": ("RM", "n|"), "M": ("MKDIR", "n|"),
         "w": ("WRITE", "n/x|2")}


def orders(inside, outside, exists):
    def perform(run):
        if exists:
            run.must("c", "WRITE", b"n\0" b"1")
        tx = int(run.must("c", "TRANSACTION_START", b"\0")[:-1])
        for index, letter in enumerate(inside):
            op, text = STEPS[letter]
            run.answer("c", op, run.expand(text), tx)
            if index < len(outside):
                op, text = STEPS[outside[index]]
                run.answer("d", op, run.expand("%B/" + text))
        text = run.answer("c", "TRANSACTION_END", b"T\0", tx)
        if text not in ("OK|", "!EAGAIN"):
            return text
        run.answer("c", "RM", b"n\0")
        return "ended"
    return CALL(perform, "ended", "%s inside, %s outside" % (
        inside, outside or "nothing"))


for label, inside in ORDERS.items():
    attack("attack.transaction-order-%s" % label, "attack-tx-orders",
           *[orders(inside, outside, exists)
             for outside in ("", "W", "R", "WR", "RW", "w", "wR")
             for exists in (False, True)])

EVERY = {"CONTROL": "check|", "DIRECTORY": "x|", "READ": "x|",
         "GET_PERMS": "x|", "WATCH": "x|t|", "UNWATCH": "x|t|",
         "TRANSACTION_START": "|", "TRANSACTION_END": "F|",
         "INTRODUCE": "%C|1|1|", "RELEASE": "31990|",
         "GET_DOMAIN_PATH": "1|", "WRITE": "x|v", "MKDIR": "x|", "RM": "x|",
         "SET_PERMS": "x|n%C|", "WATCH_EVENT": "x|t|", "ERROR": "EINVAL|",
         "IS_DOMAIN_INTRODUCED": "1|", "RESUME": "31990|",
         "SET_TARGET": "31990|31991|", "RESTRICT": "1|",
         "RESET_WATCHES": "|", "DIRECTORY_PART": "x|0|",
         "GET_FEATURE": "|", "SET_FEATURE": "31990|1|", "GET_QUOTA": "|",
         "SET_QUOTA": "31990|nodes|1|", "27": "x|", "65535": "x|"}


def every_op(run):
    """Every op with tx 0, own, foreign, dead; with and without payload."""
    foreign = int(run.must("g", "TRANSACTION_START", b"\0")[:-1])
    foreign = int(run.must("g", "TRANSACTION_START", b"\0")[:-1])
    asked = 0
    for name in ("c", "s"):
        for op, text in EVERY.items():
            for kind in ("zero", "own", "foreign", "dead"):
                for payload in (run.expand(text), b"", b"\0", b"x",
                                b"\0\0\0\0"):
                    tx = 0
                    if kind == "foreign":
                        tx = foreign
                    elif kind != "zero":
                        reply = run.ask(name, "TRANSACTION_START", b"\0")[1]
                        tx = int(reply.payload[:-1])
                        if kind == "dead":
                            run.must(name, "TRANSACTION_END", b"F\0", tx)
                    try:
                        run.ask(name, op, payload, tx)
                    except (wire.Closed, wire.Silence) as end:
                        return "%s after %s %s %s %s" % (
                            run.outcome(end), name, op, kind,
                            show(payload))
                    asked += 1
                    run.answer(name, "TRANSACTION_END", b"F\0", tx)
                    if op == "TRANSACTION_START" or kind == "own":
                        run.answer(name, "RESET_WATCHES", b"\0")
    return "%d answered" % asked


attack("attack.every-op-every-tx", "attack-tx-ids msg-one-reply",
       CALL(every_op, "%d answered" % (2 * len(EVERY) * 4 * 5)), guests="g")


def release_in_pass(run):
    """A socket releases a guest whose requests lie in the same pass."""
    conn = run.conn("g")
    run.must("g", "WATCH", run.expand("/local/domain/%G|w|"))
    with run.world.stopped():
        for number in range(15):
            conn.put(wire.pack("WRITE", b"r%d\0v" % number, 0, number))
        conn.notify()
        req = run.send("d", "RELEASE", run.expand("%G|"))
    text = run.text(run.collect("d", req)[1])
    return [text, run.answer("d", "IS_DOMAIN_INTRODUCED",
                             run.expand("%G|"))]


def release_watched(run):
    """The release's own events go to the one released and to others."""
    run.must("g", "WATCH", b"@releaseDomain\0r\0")
    run.must("h", "WATCH", b"@releaseDomain\0r\0")
    run.must("h", "WATCH", run.expand("/local/domain/%G|w|"))
    return [run.answer("d", "RELEASE", run.expand("%G|")),
            run.answer("d", "RELEASE", run.expand("%H|"))]


attack("attack.release-in-pass", "attack-release",
       CALL(release_in_pass, ["OK|", "F|"]), guests="g")
attack("attack.release-watching", "attack-release",
       CALL(release_watched, ["OK|", "OK|"]), guests="gh")


def release_self(run):
    """A privileged guest releases itself, and another, and is released."""
    conn = run.conn("c")
    run.must("c", "WATCH", b"@releaseDomain\0r\0")
    text = run.answer("c", "RELEASE", run.expand("%G|"))
    with run.world.stopped():
        conn.put(wire.pack("RELEASE", run.expand("%C|"), 0, 5))
        conn.put(wire.pack("READ", b"/tool\0", 0, 6))
        conn.notify()
    while run.answer("d", "IS_DOMAIN_INTRODUCED",
                     run.expand("%C|")) == "T|":
        run.world.tick()
    return text


attack("attack.release-self", "attack-release msg-privileged",
       CALL(release_self, "OK|"), guests="g", args=("--priv-domid", "%C"))


def release_in_transaction(run):
    tx = int(run.must("g", "TRANSACTION_START", b"\0")[:-1])
    run.must("g", "WRITE", b"x\0v", tx)
    mine = int(run.must("d", "TRANSACTION_START", b"\0")[:-1])
    run.must("d", "WRITE", run.expand("/local/domain/%G/y|v"), mine)
    text = run.answer("d", "RELEASE", run.expand("%G|"), mine)
    end = run.answer("d", "TRANSACTION_END", b"T\0", mine)
    return [text, end if end in ("OK|", "!EAGAIN") or
            end.startswith("#") else "ended: " + end]


attack("attack.release-in-transaction", "attack-release",
       CALL(release_in_transaction, [MATCH("OK\\|"),
                                     MATCH("OK\\||!EAGAIN|ended:.*")]),
       guests="g")
