# SPDX-License-Identifier: GPL-2.0-or-later
"""The ring page: indices, features, close and reconnect, error."""
import time

import wire
from engine import ANY, BIND, CALL, MATCH, scenario, attack
from wire import (REQ_CONS, REQ_PROD, RSP_CONS, RSP_PROD, FEATURES,
                  CONNECTION, ERR, EVTCHN)

INDICES = (REQ_CONS, REQ_PROD, RSP_CONS, RSP_PROD)


def settle(run):
    """Two answers from the daemon: it has gone round since."""
    for _ in range(2):
        run.must("d", "GET_DOMAIN_PATH", b"1\0")


def served(run, name="c"):
    """Nothing, when a request is answered as it should be."""
    text = run.answer(name, "GET_DOMAIN_PATH", b"1\0")
    return "" if text == "/local/domain/1|" else text


def reset(run, name="c"):
    """Rule 3: write 1, notify, look at nothing else until it reads 0."""
    conn = run.conn(name)
    conn.set(CONNECTION, 1)
    conn.notify()
    wait_connected(run, conn)
    conn.attach()


def wait_connected(run, conn):
    end = wire.end_of(1.5 if run.world.peer else None)
    while conn.get(CONNECTION) != 0:
        left = end - time.monotonic()
        if left <= 0:
            raise wire.Silence("#connection stays %d" % conn.get(CONNECTION))
        conn.port.wait(min(left, 0.2))


def step_reset(run):
    reset(run)
    return [indices(run)]


def indices(run):
    conn = run.conn("c")
    return "indices %s error %d connection %d" % (
        [conn.get(field) for field in INDICES], conn.get(ERR),
        conn.get(CONNECTION))


CLEAR = "indices [0, 0, 0, 0] error 0 connection 0"


def home_again(run):
    """RELEASE took the guest's home; make it anew."""
    home = b"/local/domain/%d\0" % run.domid("c")
    run.must("d", "MKDIR", home)
    return run.answer("d", "SET_PERMS", home + b"n%d\0" % run.domid("c"))


def feature_bits(run):
    conn = run.conn("c")
    return "%d" % conn.get(FEATURES)


def features_scribbled(run):
    """A guest writes what it likes there: nothing comes of it."""
    conn = run.conn("c")
    conn.set(FEATURES, 0xffffffff)
    text = served(run)
    reset(run)
    return text + served(run)


def start_at(begin):
    def move(run):
        """Introduced with all four at `begin`, as if the ring were old."""
        domid = run.domid("c")
        run.must("d", "RELEASE", b"%d\0" % domid)
        conn = run.conn("c")
        for field in INDICES:
            conn.set(field, begin)
        run.world.reopen_port(domid)
        run.introduce("c")
        conn.attach()
        home_again(run)
        bad = 0
        for number in range(40):
            value = b"%02d" % number * 30
            run.must("c", "WRITE", b"idx\0" + value)
            bad += run.must("c", "READ", b"idx\0") != value
        return "bad: %d" % bad
    return CALL(move, "bad: 0", "indices from %#x" % begin)


for begin in (1, 1023, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffff0):
    scenario("ring.start-%x" % begin, "ring-indices ring-8",
             start_at(begin), on="ring")

scenario("ring.features", "ring-1",
         CALL(feature_bits, "15"),
         ("c", "GET_DOMAIN_PATH", "1|", "/local/domain/1|"),
         CALL(feature_bits, "15"),
         CALL(step_reset, CLEAR),
         CALL(feature_bits, "15"), on="ring")
scenario("ring.features-scribbled", "ring-1",
         CALL(features_scribbled, "", "scribble"), on="ring")


def features_before_bytes(run):
    """Bit 0 is there before the first request is consumed."""
    domid = run.domid("c")
    run.must("d", "RELEASE", b"%d\0" % domid)
    conn = run.conn("c")
    for field in INDICES + (FEATURES, CONNECTION, ERR):
        conn.set(field, 0)
    conn.attach()
    conn.put(wire.pack("READ", b"/tool\0", 0, 77))
    run.world.reopen_port(domid)
    run.introduce("c")
    seen = conn.get(FEATURES) & 1
    message = conn.recv()
    return "bit %d, reply %d" % (seen, message.req_id)


scenario("ring.features-first", "ring-1",
         CALL(features_before_bytes, "bit 1, reply 77"), on="ring")
scenario("ring.old-guest", "ring-1",
         ("c", "WRITE", "old|1", "OK|"), ("c", "READ", "old|", "1"),
         CALL(lambda run: "%d" % run.conn("c").get(CONNECTION), "0",
              "connection"), on="ring")


def any_value(value):
    def ask(run):
        conn = run.conn("c")
        conn.set(CONNECTION, value)
        conn.notify()
        wait_connected(run, conn)
        conn.attach()
        return served(run)
    return CALL(ask, "", "connection = %#x" % value)


scenario("ring.any-value-is-one", "ring-2", any_value(1), any_value(2),
         any_value(0xffffffff), any_value(0x100), on="ring")


def not_offered(run):
    domid = run.domid("c")
    run.must("d", "RELEASE", b"%d\0" % domid)
    run.must("d", "SET_FEATURE", b"%d\0" b"2\0" % domid)
    conn = run.conn("c")
    for field in INDICES + (FEATURES, CONNECTION, ERR):
        conn.set(field, 0)
    run.world.reopen_port(domid)
    run.introduce("c")
    conn.attach()
    before = served(run)
    conn.set(CONNECTION, 1)
    conn.notify()
    after = served(run)
    return "features %d %s%s connection %d" % (
        conn.get(FEATURES), before, after, conn.get(CONNECTION))


scenario("ring.not-offered", "ring-2",
         CALL(not_offered, "features 2  connection 1"), on="ring")


def late_events(run):
    """Events from before may come while the guest waits; none after."""
    run.must("c", "WATCH", run.expand("%B|w|"))
    run.ask("c", "GET_DOMAIN_PATH", b"1\0")
    with run.world.stopped():
        conn = run.conn("c")
        conn.set(CONNECTION, 1)
        conn.notify()
    for number in range(5):
        run.must("d", "WRITE", run.expand("%B/e|"))
    wait_connected(run, conn)
    conn.attach()
    run.must("d", "WRITE", run.expand("%B/e|"))
    events, reply = run.ask("c", "GET_DOMAIN_PATH", b"1\0")
    return "%d events, %s" % (len(events), run.text(reply))


scenario("ring.late-events", "ring-3 ring-4 ring-5",
         CALL(late_events, "0 events, /local/domain/1|"), on="ring")


def kept(run):
    """What a reset drops and what it keeps."""
    run.must("c", "WRITE", b"kept\0" b"v")
    run.must("c", "WATCH", b"kept\0w\0")
    tx = int(run.must("c", "TRANSACTION_START", b"\0")[:-1])
    run.must("c", "WRITE", b"lost\0" b"v", tx)
    reset(run)
    return [run.answer("c", "READ", b"kept\0"),
            run.answer("c", "GET_PERMS", b"kept\0") ==
            "n%d|" % run.domid("c") and "owned",
            run.answer("c", "TRANSACTION_END", b"T\0", tx),
            run.answer("c", "READ", b"lost\0"),
            run.answer("c", "UNWATCH", b"kept\0w\0"),
            "%d" % run.conn("c").get(FEATURES)]


scenario("ring.dropped-and-kept", "ring-4",
         CALL(kept, ["v", "owned", "!ENOENT", "!ENOENT", "!ENOENT", "15"]),
         on="ring")


def target_kept(run):
    run.must("g", "WRITE", b"mine\0" b"v")
    run.must("d", "SET_TARGET", run.expand("%C|%G|"))
    reset(run)
    return run.answer("c", "READ", run.expand("/local/domain/%G/mine|"))


scenario("ring.target-kept", "ring-4", CALL(target_kept, "v"), on="ring",
         guests="g")


def quota_kept(run):
    """Nodes made before the reset count after it."""
    for number in range(987):
        run.must("c", "WRITE", b"q%d/%d\0" % (number // 97, number))
    reset(run)
    return [run.answer("c", "WRITE", b"q0/a\0"),
            run.answer("c", "WRITE", b"q0/b\0")]


scenario("ring.quota-kept", "ring-4", CALL(quota_kept, ["OK|", "!ENOSPC"]), on="ring")


def at_request_byte(run):
    """A reset at every byte position of a request."""
    conn = run.conn("c")
    data = wire.pack("WRITE", b"cut\0value", 0, 3)
    bad = []
    for size in range(1, len(data)):
        conn.put(data[:size])
        conn.notify()
        if size % 2:
            settle(run)
        reset(run)
        events, reply = run.ask("c", "READ", b"cut\0")
        if events or run.text(reply) != "!ENOENT":
            bad.append(size)
    return "bad: %s" % bad


scenario("ring.reset-in-request", "ring-5 ring-6",
         CALL(at_request_byte, "bad: []"), on="ring")


def at_reply_byte(run):
    """A reset when any number of bytes of a reply were taken."""
    conn, bad = run.conn("c"), []
    run.must("c", "WRITE", b"val\0" + b"x" * 20)
    for size in range(0, 37, 3):
        conn.put(wire.pack("READ", b"val\0", 0, 4))
        conn.notify()
        while conn.get(RSP_PROD) == conn.get(RSP_CONS):
            conn.port.wait(0.2)
        conn.set(RSP_CONS, conn.get(RSP_CONS) + min(
            size, conn.get(RSP_PROD) - conn.get(RSP_CONS)))
        reset(run)
        events, reply = run.ask("c", "GET_DOMAIN_PATH", b"1\0")
        if events or run.text(reply) != "/local/domain/1|":
            bad.append(size)
    return "bad: %s" % bad


scenario("ring.reset-in-reply", "ring-5 ring-6",
         CALL(at_reply_byte, "bad: []"), on="ring")


def ring_full(run):
    """Both directions full: replies nobody takes, requests behind them."""
    conn = run.conn("c")
    run.must("c", "WRITE", b"val\0" + b"x" * 900)
    data = b"".join(wire.pack("READ", b"val\0", 0, n) for n in range(60))
    while data:
        done = conn.put(data)
        data = data[done:]
        conn.notify()
        settle(run)
        if not done:
            break
    with_write = wire.pack("WRITE", b"after\0" b"v", 0, 99)
    conn.put(with_write)
    reset(run)
    events, reply = run.ask("c", "GET_DOMAIN_PATH", b"1\0")
    return "%d old, %s" % (len(events), run.text(reply))


scenario("ring.reset-full", "ring-4 ring-5 ring-6",
         CALL(ring_full, "0 old, /local/domain/1|"), on="ring")


def no_late_execution(run):
    """Requests in the ring when the reset is asked are not executed."""
    conn = run.conn("c")
    with run.world.stopped():
        conn.put(wire.pack("WRITE", b"late\0" b"v", 0, 8))
        conn.set(CONNECTION, 1)
        conn.notify()
    wait_connected(run, conn)
    conn.attach()
    return [indices(run), run.answer("c", "READ", b"late\0")]


scenario("ring.nothing-old-is-executed", "ring-5",
         CALL(no_late_execution, [CLEAR, "!ENOENT"]), on="ring")


def after_error(code):
    def break_and_reset(run):
        conn = run.conn("c")
        if code == 3:
            conn.put(wire.HEADER.pack(2, 1, 0, 5000))
        else:
            conn.set(REQ_PROD, conn.get(REQ_CONS) + 5000)
        conn.notify()
        try:
            conn.recv()
        except wire.Closed as end:
            if str(end) != "#error %d" % code:
                return str(end)
        reset(run)
        return [indices(run), served(run)]
    return CALL(break_and_reset, [CLEAR, ""], "error %d and reset" % code)


for code in (2, 3):
    scenario("ring.reset-after-error-%d" % code, "ring-6 ring-5",
             after_error(code), after_error(5 - code), on="ring")


def at_introduce(run):
    """The field is 1 already when the domain is introduced."""
    domid = run.domid("c")
    run.must("d", "RELEASE", b"%d\0" % domid)
    conn = run.conn("c")
    for number, field in enumerate(INDICES):
        conn.set(field, 0x1234 * (number + 1))
    conn.set(CONNECTION, 1)
    run.world.reopen_port(domid)
    run.introduce("c")
    wait_connected(run, conn)
    conn.attach()
    return [indices(run), served(run)]


scenario("ring.reset-at-introduce", "ring-6",
         CALL(at_introduce, [CLEAR, ""]), on="ring")


def in_transaction(run):
    tx = int(run.must("c", "TRANSACTION_START", b"\0")[:-1])
    run.must("c", "WRITE", b"in\0" b"v", tx)
    reset(run)
    return [run.answer("c", "WRITE", b"in\0" b"v", tx),
            run.answer("c", "TRANSACTION_START", b"\0")]


scenario("ring.reset-in-transaction", "ring-6 ring-4",
         CALL(in_transaction, ["!ENOENT", MATCH(r"[0-9]+\|")]), on="ring")


def asked_twice(run):
    conn = run.conn("c")
    with run.world.stopped():
        for _ in range(20):
            conn.set(CONNECTION, 1)
            conn.notify()
    wait_connected(run, conn)
    conn.attach()
    return [indices(run), served(run)]


scenario("ring.asked-twice", "ring-7", CALL(asked_twice, [CLEAR, ""]),
         on="ring")


def reset_loop(run):
    """Resets with watches and transactions each time: memory constant."""
    pid = run.world.pid

    def round_trip(count):
        for _ in range(count):
            for number in range(5):
                run.must("c", "WATCH", b"x%d\0w\0" % number)
            run.must("c", "TRANSACTION_START", b"\0")
            reset(run)
    round_trip(60)
    before = wire.memory_kb(pid)
    round_trip(240)
    grown = wire.memory_kb(pid) - before
    return "grown little: %s" % (grown < 512)


attack("ring.reset-loop", "ring-7 attack-reset-loop",
       CALL(reset_loop, "grown little: True"))


def moved_without_handshake(run):
    """hvmloader without bit 0: zeroes all four, with the ring empty."""
    conn = run.conn("c")
    served(run)
    with run.world.stopped():
        # Linux after kexec: takes what is there unread.
        conn.set(RSP_CONS, conn.get(RSP_PROD))
    conn.attach()
    text = served(run)
    conn.put(wire.pack("READ", b"/tool\0", 0, 5))
    conn.notify()
    settle(run)
    settle(run)
    conn.set(RSP_CONS, conn.get(RSP_PROD))
    conn.attach()
    return text + served(run)


scenario("ring.consumer-moved", "ring-8",
         CALL(moved_without_handshake, ""), on="ring")


def index_error(run):
    conn = run.conn("c")
    conn.set(REQ_PROD, conn.get(REQ_CONS) + 1025)
    conn.notify()
    return run.text(conn.recv())


def reintroduced(run):
    domid = run.domid("c")
    run.must("d", "RELEASE", b"%d\0" % domid)
    conn = run.conn("c")
    for field in INDICES:
        conn.set(field, 0)
    run.world.reopen_port(domid)
    run.introduce("c")
    conn.attach()
    return indices(run)


scenario("ring.error-cleared", "ring-9",
         CALL(index_error, "#error 2"), CALL(reintroduced, CLEAR),
         CALL(served, ""), on="ring")
