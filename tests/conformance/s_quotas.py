# SPDX-License-Identifier: GPL-2.0-or-later
"""Quotas: what is allowed up to and including the count, what is refused."""
import wire
from engine import ANY, BIND, CALL, MATCH, scenario


def make_until(op, payload, tx=None):
    """Repeat a request until it is refused: how many were granted."""
    def make(run):
        granted = 0
        while granted < 5000:
            text = run.answer("c", op, run.expand(payload) % granted
                              if b"%d" in run.expand(payload) else
                              run.expand(payload),
                              run.tx[tx] if tx else 0)
            if text.startswith("!"):
                return "%d then %s" % (granted, text)
            granted += 1
        return "never refused"
    return make


def nodes(run):
    """Until refused; a hundred in a directory, each counts with it."""
    granted, directory, inside = 1, 0, 0
    while granted < 5000:
        path = b"n%d" % directory + (b"/%d" % (inside - 1) if inside else b"")
        text = run.answer("c", "WRITE", path + b"\0")
        if text != "OK|":
            return "%d with the home, %s" % (granted, text)
        granted += 1
        inside += 1
        if inside > 100:
            directory, inside = directory + 1, 0
    return "never refused"


scenario("quotas.nodes", "quota-nodes quota-enospc",
         # The guest's own directory, made by the toolstack, counts.
         CALL(nodes, "1000 with the home, !ENOSPC"),
         ("c", "WRITE", "n0/0|again", "OK|"),
         ("c", "MKDIR", "another|", "!ENOSPC"),
         ("c", "RM", "n0/0|", "OK|"),
         ("c", "WRITE", "n0/new|", "OK|"),
         ("c", "WRITE", "n0/newer|", "!ENOSPC"), on="ring")
scenario("quotas.many-children", "quota-nodes quota-node-size",
         CALL(make_until("WRITE", "n/%d|"), "998 then !ENOSPC", "nodes"),
         on="ring")
scenario("quotas.watches", "quota-watches quota-enospc",
         CALL(make_until("WATCH", "%B|t%d|"), "128 then !ENOSPC", "watches"),
         ("c", "UNWATCH", "%B|t0|", "OK|"),
         ("c", "WATCH", "%B|new|", "OK|"),
         ("c", "WATCH", "%B|newer|", ["^%B|new|", "!ENOSPC"]), on="ring")
scenario("quotas.transactions", "quota-transactions quota-enospc",
         CALL(make_until("TRANSACTION_START", "|"), "10 then !ENOSPC",
              "transactions"),
         ("c", "TRANSACTION_END@#1", "F|", "OK|"),
         ("c", "TRANSACTION_START", "|", BIND("n")),
         ("c", "TRANSACTION_START", "|", "!ENOSPC"), on="ring")


def transaction_nodes(run):
    run.tx["t"] = int(run.must("c", "TRANSACTION_START", b"\0")[:-1])
    count = 0
    while count < 1500:
        text = run.answer("c", "READ", b"none%d\0" % count, run.tx["t"])
        if text != "!ENOENT":
            return "%s; %s" % ("about 1024" if 1000 <= count <= 1024
                               else count, text)
        count += 1
    return "never refused"


scenario("quotas.transaction-nodes", "quota-transaction-nodes quota-enospc",
         CALL(transaction_nodes, "about 1024; !ENOSPC"),
         ("c", "TRANSACTION_END@t", "T|", "!ENOSPC"),
         ("c", "GET_DOMAIN_PATH", "1|", "/local/domain/1|"), on="ring")
scenario("quotas.node-permissions", "quota-node-permissions quota-enospc",
         ("c", "WRITE", "p|", "OK|"),
         ("c", "SET_PERMS", "p|n%C|r1|r2|r3|r4|", "OK|"),
         ("c", "SET_PERMS", "p|n%C|r1|r2|r3|r4|r5|", "!ENOSPC"),
         ("c", "GET_PERMS", "p|", "n%C|r1|r2|r3|r4|"),
         ("d", "SET_PERMS", "%B/p|n%C|r1|r2|r3|r4|r5|r6|", "OK|"), on="ring")


def node_size(run):
    """The largest value a guest may store in a node with a short name."""
    low, high = 0, 4000
    while low < high:
        middle = (low + high + 1) // 2
        text = run.answer("c", "WRITE", b"s\0" + b"v" * middle)
        if text == "OK|":
            low = middle
        elif text == "!ENOSPC":
            high = middle - 1
        else:
            return text
    return "near 2048" if 2000 <= low <= 2048 else "%d" % low


scenario("quotas.node-size", "quota-node-size quota-enospc",
         CALL(node_size, "near 2048"),
         ("c", "WRITE", "s|" + "v" * 2000, "OK|"),
         ("c", "WRITE", "s|" + "v" * 2049, "!ENOSPC"),
         ("d", "WRITE", "%B/s|" + "v" * 3500, "OK|"), on="ring")


def outstanding(run):
    """
    200 requests sent without taking a reply; what is left unanswered is
    bounded, and all are answered once replies are taken.
    """
    conn = run.conn("c")
    run.must("c", "WRITE", b"v\0" + b"x" * 1000)
    data = b"".join(wire.pack("READ", b"v\0", 0, n) for n in range(200))
    conn.send(data)
    order = []
    while len(order) < 200:
        order.append(conn.recv().req_id)
    return "in order: %s" % (order == list(range(200)))


scenario("quotas.outstanding", "quota-outstanding msg-one-reply",
         CALL(outstanding, "in order: True"), on="ring")


def memory(run):
    """Big values until the memory quota says no; then what goes on."""
    count, text = 0, ""
    while count < 3000:
        text = run.answer("c", "WRITE", b"m/%d\0" % count + b"v" * 1990)
        if text != "OK|":
            break
        count += 1
    total = count * 1990
    run.data["count"] = count
    fits = total <= 2621440
    return "%s; within: %s" % (text, fits)


def raise_nodes(run):
    return run.answer("d", "CONTROL", b"quota\0set\0nodes\0" b"100000\0")


def restore_nodes(run):
    return run.answer("d", "CONTROL", b"quota\0set\0nodes\0" b"1000\0")


scenario("quotas.memory", "quota-memory quota-enospc attack-overwrite",
         CALL(raise_nodes, "OK|"),
         CALL(memory, "!ENOSPC; within: True"),
         ("c", "WRITE", "m/0|" + "v" * 1990, "OK|"),
         ("c", "GET_DOMAIN_PATH", "1|", "/local/domain/1|"),
         ("c", "RM", "m|", "OK|"),
         ("c", "WRITE", "m|", "OK|"),
         CALL(restore_nodes, "OK|"), on="ring", fresh=True)


def overwrite(run):
    """Fill with small values, then make each larger in place."""
    count = 0
    while count < 900:
        if run.answer("c", "WRITE", b"o/%d\0" % count + b"s") != "OK|":
            break
        count += 1
    refused = 0
    for number in range(count):
        text = run.answer("c", "WRITE", b"o/%d\0" % number + b"L" * 1990)
        if text == "!ENOSPC":
            refused += 1
            kept = run.answer("c", "READ", b"o/%d\0" % number)
            if kept != "s":
                return "refused, yet changed"
        elif text != "OK|":
            return text
    return "refused some: %s" % (refused > 0)


def small_memory(run):
    return run.answer("d", "CONTROL", b"quota\0set\0memory\0" b"1000000\0")


def usual_memory(run):
    return run.answer("d", "CONTROL", b"quota\0set\0memory\0" b"2621440\0")


scenario("quotas.overwrite-larger", "attack-overwrite quota-memory",
         CALL(small_memory, "OK|"),
         CALL(overwrite, "refused some: True"),
         ("c", "GET_DOMAIN_PATH", "1|", "/local/domain/1|"),
         CALL(usual_memory, "OK|"), on="ring", fresh=True)
scenario("quotas.none", "quota-none",
         ("d", "CONTROL", "quota|set|permissions|0|", "OK|"),
         ("c", "WRITE", "p|", "OK|"),
         ("c", "SET_PERMS", "p|n%C|r1|r2|r3|r4|r5|r6|r7|", "OK|"),
         ("d", "CONTROL", "quota|set|permissions|5|", "OK|"),
         ("c", "SET_PERMS", "p|n%C|r1|r2|r3|r4|r5|r6|r7|", "!ENOSPC"),
         on="ring", fresh=True)


def log_lines(run):
    """A hundred refusals leave a line, and few."""
    mark = run.world.log_size()
    for _ in range(100):
        run.answer("c", "SET_PERMS", b"lp\0" + run.expand(
            "n%C|r1|r2|r3|r4|r5|"))
    lines = [line for line in run.world.log_since(mark).splitlines()
             if str(run.domid("c")) in line and "permissions" in line]
    return "%s" % ("a few" if 1 <= len(lines) <= 10 else len(lines))


scenario("quotas.log-line", "quota-enospc",
         ("c", "WRITE", "lp|", "OK|"), CALL(log_lines, "a few"), on="ring",
         fresh=True)


def slow_reader(run):
    """g watches and takes nothing; c writes at full speed, z as well."""
    conn = run.conn("g")
    run.must("g", "WATCH", run.expand("%B|w|"))
    run.must("c", "MKDIR", run.expand("%B/w|"))
    run.must("d", "SET_PERMS", run.expand("%B/w|n%C|r%G|"))
    for number in range(600):
        text = run.answer("c", "WRITE", run.expand("%B/w/") +
                          b"%d/" % (number // 8) + b"%d-" % number +
                          b"p" * 200 + b"\0")
        if text != "OK|":
            return text
    return "600 writes"


scenario("quotas.slow-reader", "quota-slow-reader",
         CALL(slow_reader, "600 writes"),
         CALL(lambda run: run.answer("g", "GET_DOMAIN_PATH", b"1\0"),
              "/local/domain/1|", "the slow one"), on="ring", guests="g")
