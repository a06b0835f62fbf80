# SPDX-License-Identifier: GPL-2.0-or-later
"""Messages: framing, order, checks that come before the handler."""
import struct

import wire
from engine import ANY, BIND, CALL, MATCH, scenario, show


def little_endian(run):
    """The request built byte by byte, the reply taken apart likewise."""
    conn = run.conn("c")
    path = run.expand("%B")
    conn.send(b"\x0c\0\0\0" + b"\xef\xbe\xad\xde" + b"\0\0\0\0" +
              bytes([len(path) + 3, 0, 0, 0]) + path + b"/k\0")
    message = conn.recv()
    return "%d %x %d %s" % (message.type, message.req_id, message.tx_id,
                            show(message.payload))


scenario("messages.header", "msg-header", CALL(little_endian,
         "12 deadbeef 0 OK|"))


def split_everywhere(run):
    """A request that comes in two parts, split at every byte."""
    conn, bad = run.conn("c"), []
    path = run.expand("%B/split\0value")
    for at in range(1, wire.HEADER.size + len(path)):
        data = wire.pack("WRITE", path, 0, at)
        conn.send(data[:at])
        # Another connection's answer shows that the daemon has run since.
        run.must("d", "GET_DOMAIN_PATH", b"1\0")
        conn.send(data[at:])
        message = conn.recv()
        if message.req_id != at or message.payload != b"OK\0":
            bad.append(at)
    return "bad splits: %s" % bad


scenario("messages.split", "msg-header msg-one-reply",
         CALL(split_everywhere, "bad splits: []"))


def pipelined(run):
    """Fifteen requests at once: good and bad ones, answers in order."""
    conn = run.conn("c")
    path = run.expand("%B/pipe")
    requests = []
    for number in range(5):
        requests += [("WRITE", path + b"\0%d" % number),
                     ("READ", path + b"\0"), ("99", b""),
                     ("READ", path + b"/none\0"), ("READ", b"//\0")]
    for first in range(0, len(requests), 15):
        part = requests[first:first + 15]
        conn.send(b"".join(wire.pack(op, payload, 0, first + n)
                           for n, (op, payload) in enumerate(part)))
        for n in range(len(part)):
            message = conn.recv()
            if message.req_id != first + n:
                return "reply to %d instead of %d" % (message.req_id,
                                                      first + n)
            want = ["OK|", "%d" % ((first + n) // 5), "!ENOSYS", "!ENOENT",
                    "!EINVAL"][(first + n) % 5]
            if run.text(message) != want:
                return "%s instead of %s" % (run.text(message), want)
    return "in order"


scenario("messages.order", "msg-one-reply", CALL(pipelined, "in order"))


def too_long(length):
    def send(run):
        run.conn("c").send(wire.HEADER.pack(2, 7, 0, length))
        message = run.conn("c").recv()
        return run.text(message)
    return CALL(send, "%s", "length %#x" % length)


def closed_socket(length):
    step = too_long(length)
    step.expected = "#closed"
    return step


def ring_error(length):
    step = too_long(length)
    step.expected = "#error 3"
    return step


for size in (4097, 0x40000000):
    scenario("messages.over-4096-%x-socket" % size, "msg-over-4096",
             closed_socket(size), on="socket")


def not_served(run):
    """More requests, complete ones, after the error: nothing comes."""
    conn = run.conn("c")
    conn.put(wire.pack("WRITE", run.expand("%B/late\0x")))
    conn.notify()
    run.must("d", "GET_DOMAIN_PATH", b"1\0")
    run.must("d", "GET_DOMAIN_PATH", b"1\0")
    return run.answer("d", "READ", run.expand("%B/late\0"))


def release_introduce(run):
    domid = run.domid("c")
    run.must("d", "RELEASE", b"%d\0" % domid)
    conn = run.conn("c")
    for field in (wire.REQ_CONS, wire.REQ_PROD, wire.RSP_CONS,
                  wire.RSP_PROD):
        conn.set(field, 0)
    run.world.reopen_port(domid)
    run.introduce("c")
    conn.attach()
    return "%d" % conn.get(wire.ERR)


scenario("messages.over-4096-ring", "msg-over-4096 ring-9",
         ring_error(4097),
         CALL(not_served, "!ENOENT"),
         CALL(release_introduce, "0"),
         ("c", "GET_DOMAIN_PATH", "1|", "/local/domain/1|"),
         on="ring")


def exactly_4096(run):
    conn = run.conn("c")
    conn.send(wire.pack("READ", b"x" * 4096, 0, 9))
    message = conn.recv()
    return "%d %s" % (message.req_id, run.text(message))


scenario("messages.exactly-4096", "msg-over-4096",
         CALL(exactly_4096, "9 !EINVAL"),
         ("c", "GET_DOMAIN_PATH", "1|", "/local/domain/1|"))


def big_directory(run):
    for number in range(300):
        run.must("d", "WRITE", run.expand("%%B/big/node-%010d|" % number))
    return run.answer("c", "DIRECTORY", run.expand("%B/big|"))


def allow_many(run):
    """250 nodes of dom0 under the subject's, so no quota is met."""
    base = run.expand("%B/big|")
    run.must("d", "MKDIR", base)
    run.must("d", "SET_PERMS", base + b"n0\0r%d\0" % run.domid("c"))
    return "ok"


scenario("messages.big-reply-directory", "msg-big-reply attack-big-reply",
         CALL(allow_many, "ok"), CALL(big_directory, "!E2BIG"),
         ("c", "READ", "%B/big|", ""))


def big_perms(run):
    """As long a list as one request can carry comes back whole."""
    path = run.expand("%B/p|")
    run.must("d", "WRITE", path)
    entries = b"n0\0" + b"r1\0" * ((4096 - len(path) - 3) // 3)
    out = run.answer("d", "SET_PERMS", path + entries)
    back = run.must("d", "GET_PERMS", path)
    return "%s %s" % (out, back == entries)


scenario("messages.biggest-perms", "msg-big-reply",
         CALL(big_perms, "OK| True"), on="socket")

scenario("messages.events-first-write", "msg-events-first",
         ("c", "WATCH", "%B|w|", "OK|"), ("c", "?", "", ["^%B|w|"]),
         ("c", "WRITE", "%B/a|1", ["^%B/a|w|", "OK|"]))
scenario("messages.events-first-mkdir", "msg-events-first",
         ("c", "WATCH", "%B|w|", "OK|"), ("c", "?", "", ["^%B|w|"]),
         ("c", "MKDIR", "%B/a|", ["^%B/a|w|", "OK|"]))
scenario("messages.events-first-rm", "msg-events-first",
         ("c", "WRITE", "%B/a|1", "OK|"),
         ("c", "WATCH", "%B|w|", "OK|"), ("c", "?", "", ["^%B|w|"]),
         ("c", "RM", "%B/a|", ["^%B/a|w|", "OK|"]))
scenario("messages.events-first-set-perms", "msg-events-first",
         ("c", "WRITE", "%B/a|1", "OK|"),
         ("c", "WATCH", "%B|w|", "OK|"), ("c", "?", "", ["^%B|w|"]),
         ("c", "SET_PERMS", "%B/a|n%C|r1|", ["^%B/a|w|", "OK|"]))
scenario("messages.events-first-commit", "msg-events-first",
         ("c", "WATCH", "%B|w|", "OK|"), ("c", "?", "", ["^%B|w|"]),
         ("c", "TRANSACTION_START", "|", BIND("t")),
         ("c", "WRITE@t", "%B/a|1", "OK|"),
         ("c", "TRANSACTION_END@t", "T|", ["^%B/a|w|", "OK|"]))
scenario("messages.events-first-release", "msg-events-first op-release",
         ("s", "WATCH", "@releaseDomain|w|", "OK|"),
         ("s", "?", "", ["^@releaseDomain|w|"]),
         ("s", "RELEASE", "%G|", ["^@releaseDomain|w|", "OK|"]),
         on="socket", guests="g")


def introduce_payload(run):
    domid = run.domid("g")
    run.must("d", "RELEASE", b"%d\0" % domid)
    run.collect("s", run.send("s", "GET_DOMAIN_PATH", b"1\0"))
    run.world.reopen_port(domid)
    events, reply = run.ask("s", "INTRODUCE", b"%d\0%d\0%d\0" % (
        domid, run.world.frame(domid), run.world.remote_port(domid)))
    return [run.text(m) for m in events] + [run.text(reply)]


scenario("messages.events-first-introduce", "msg-events-first op-introduce",
         ("s", "WATCH", "@introduceDomain|w|", "OK|"),
         ("s", "?", "", ["^@introduceDomain|w|"]),
         CALL(introduce_payload, ["^@introduceDomain|w|", "OK|"]),
         on="socket", guests="g")

scenario("messages.watch-ok-first", "msg-watch-ok-first op-watch",
         ("c", "WATCH", "%B/none|tok|", ["OK|"]),
         ("c", "?", "", ["^%B/none|tok|"]))

for number in (15, 16, 20, 27, 28, 255, 65535, 0x7fffffff, 0xffffffff):
    scenario("messages.unknown-op-%d" % number, "msg-unknown-op",
             ("c", str(number), "%B|", "!ENOSYS"),
             ("c", "%d@#77" % number, "%B|", "!ENOSYS"))

PRIVILEGED = {
    "INTRODUCE": "%G|1|1|", "RELEASE": "%G|", "SET_TARGET": "%G|%C|",
    "RESUME": "%G|", "CONTROL": "check|", "GET_FEATURE": "|",
    "SET_FEATURE": "%G|1|", "GET_QUOTA": "|", "SET_QUOTA": "nodes|1|",
    "IS_DOMAIN_INTRODUCED": "%G|",
}
for name, text in PRIVILEGED.items():
    scenario("messages.privileged-%s" % name.lower(),
             "msg-privilege msg-privileged msg-error-names",
             ("c", name, text, "!EACCES"),
             ("c", name + "@#77", text, "!EACCES"), on="ring", guests="g")
    scenario("messages.privileged-%s-empty" % name.lower(), "msg-privilege",
             ("c", name, "", "!EACCES"), on="ring")

TX_UNKNOWN = {
    "DIRECTORY": "%B|", "READ": "%B|", "GET_PERMS": "%B|",
    "TRANSACTION_START": "|", "TRANSACTION_END": "T|",
    "GET_DOMAIN_PATH": "1|", "WRITE": "%B/x|1", "MKDIR": "%B/x|",
    "RM": "%B/x|", "SET_PERMS": "%B|n%C|", "RESET_WATCHES": "|",
    "DIRECTORY_PART": "%B|0|",
}
for name, text in TX_UNKNOWN.items():
    scenario("messages.unknown-tx-%s" % name.lower(), "msg-unknown-tx",
             ("c", name + "@#77", text, "!ENOENT"))
    scenario("messages.unknown-tx-%s-empty" % name.lower(), "msg-unknown-tx",
             ("c", name + "@#77", "", "!ENOENT"))
for name in ("IS_DOMAIN_INTRODUCED", "RELEASE", "INTRODUCE", "RESUME",
             "SET_TARGET", "CONTROL", "GET_FEATURE", "GET_QUOTA"):
    scenario("messages.unknown-tx-%s" % name.lower(), "msg-unknown-tx",
             ("c", name + "@#77", "no|", "!ENOENT"), on="socket")

scenario("messages.watch-ignores-tx", "msg-watch-no-tx",
         ("c", "WATCH@#77", "%B|tok|", "OK|"),
         ("c", "?", "", ["^%B|tok|"]),
         ("c", "WRITE", "%B/x|1", ["^%B/x|tok|", "OK|"]),
         ("c", "UNWATCH@#78", "%B|tok|", "OK|"),
         ("c", "WRITE", "%B/x|2", ["OK|"]))

scenario("messages.socket-is-privileged", "msg-privileged perm-privileged",
         ("g", "WRITE", "/local/domain/%G/secret|x", "OK|"),
         ("g", "SET_PERMS", "/local/domain/%G/secret|n%G|", "OK|"),
         ("c", "READ", "/local/domain/%G/secret|", "x"),
         ("c", "IS_DOMAIN_INTRODUCED", "%G|", "T|"), on="socket")


def priv_ring(run):
    return run.answer("c", "IS_DOMAIN_INTRODUCED",
                      b"%d\0" % run.domid("c"))


scenario("messages.priv-domid", "msg-privileged",
         CALL(priv_ring, "T|"),
         ("c", "WRITE", "/tool/x|1", "OK|"),
         ("c", "RM", "/tool/x|", "OK|"),
         ("g", "WRITE", "/tool/x|1", "!EACCES"),
         on="ring", guests="g", args=("--priv-domid", "%C"))
