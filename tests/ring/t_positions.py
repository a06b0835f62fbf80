# SPDX-License-Identifier: GPL-2.0-or-later
"""A reset with any number of bytes of a message on their way."""
from suite import test
from world import (RSP_CONS, RSP_PROD, Client, message)

CLEAR = "indices 0/0/0/0 error 0 connection 0"


def bad_after(w, guest, size, bad, path=b"cut\0", want="!ENOENT"):
    """Reset; what came of it is wrong?  Then note the position."""
    client = w.reset(guest)
    seen = [w.fields(guest), client.say("READ", path), client.served()]
    if seen != [CLEAR, want, "served"]:
        bad.append("%d: %s" % (size, seen))


def verdict(bad):
    return ["every position"] if not bad else bad[:3]


@test(4, 5, 6, want=["every position"])
def request_cut_at_every_byte(w):
    """The daemon has read the part before the reset is asked."""
    guest, client = w.guest()
    w.offered(guest)
    data, bad = message("WRITE", b"cut\0value", 0, 3), []
    for size in range(1, len(data)):
        client.send(data[:size])
        w.sync()
        bad_after(w, guest, size, bad)
        client = Client(guest, w)
    return verdict(bad)


@test(4, 5, 6, want=["every position"])
def request_cut_unread_at_every_byte(w):
    """Part and reset are seen by the daemon at once; the whole request too:
    it was sent before the reset and not started."""
    guest, client = w.guest()
    w.offered(guest)
    data, bad = message("WRITE", b"cut\0value", 0, 3), []
    for size in range(1, len(data) + 1):
        with w.stopped():
            client.ring_put(data[:size])
            w.ask(guest)
        w.wait_zero(guest)
        bad_after(w, guest, size, bad)
        client = Client(guest, w)
    return verdict(bad)


@test(4, 5, 6, want=["every position"])
def large_request_cut(w):
    """A request that needs the ring twice and more."""
    guest, client = w.guest()
    w.offered(guest)
    data, bad = message("WRITE", b"cut\0" + b"v" * 2500, 0, 3), []
    sizes = list(range(17, len(data), 97)) + [1023, 1024, 1025, 2047, 2048,
                                              2049, len(data) - 1]
    for size in sizes:
        client.send(data[:size])
        w.sync()
        bad_after(w, guest, size, bad)
        client = Client(guest, w)
    return verdict(bad)


def take(guest, count):
    """The guest takes so many bytes of what is there."""
    there = guest.word(RSP_PROD) - guest.word(RSP_CONS)
    guest.word(RSP_CONS, guest.word(RSP_CONS) + min(count, there))
    guest.notify()
    return min(count, there)


@test(4, 5, 6, want=["every position"])
def reply_cut_at_every_byte(w):
    guest, client = w.guest()
    w.offered(guest)
    client.say("WRITE", b"val\0" + b"x" * 20)
    bad = []
    for size in range(0, 37):
        client = Client(guest, w)
        before = guest.word(RSP_PROD)
        client.send(message("READ", b"val\0", 0, 4))
        w.wait_until(lambda: guest.word(RSP_PROD) - before >= 36, "a reply")
        take(guest, size)
        bad_after(w, guest, size, bad, b"val\0", "x" * 20)
    return verdict(bad)


@test(4, 5, 6, want=["every position"])
def large_reply_cut(w):
    """Some of it in the ring, the rest with the daemon."""
    guest, client = w.guest()
    w.offered(guest)
    client.say("WRITE", b"val\0" + b"y" * 1900)
    bad = []
    for size in list(range(1, 1916, 111)) + [1023, 1024, 1025, 1915]:
        client = Client(guest, w)
        client.send(message("READ", b"val\0", 0, 4))
        left = size
        while left:
            w.wait_until(lambda: guest.word(RSP_PROD) !=
                         guest.word(RSP_CONS), "more of the reply")
            left -= take(guest, left)
        bad_after(w, guest, size, bad, b"val\0", "y" * 1900)
    return verdict(bad)


@test(4, 5, 6, want=["every position"])
def event_cut_at_every_byte(w):
    guest, client = w.guest()
    w.offered(guest)
    client.say("WRITE", b"val\0here")
    home, bad = b"/local/domain/%d" % guest.domid, []
    for size in range(0, 16 + len(b"val\0t\0")):
        client.say("WATCH", b"val\0t\0")
        client.event(w.deadline)
        before = guest.word(RSP_PROD)
        w.xs.write(home + b"/val", b"here")
        w.wait_until(lambda: guest.word(RSP_PROD) - before >= 22, "an event")
        take(guest, size)
        bad_after(w, guest, size, bad, b"val\0", "here")
        client = Client(guest, w)
    return verdict(bad)


@test(4, want=["every position", "prefix"])
def done_wholly_or_not_at_all(w):
    """Thirty writes in a row and a reset among them: some first part was
    executed, wholly, and nothing of the rest, also not later."""
    guest, client = w.guest()
    w.offered(guest)
    home, bad, holes = b"/local/domain/%d" % guest.domid, [], []
    for turn in range(40):
        data = b"".join(message("WRITE", b"r%d/n%02d\0full" % (turn, n), 0, n)
                        for n in range(24))
        client.ring_put(data[:(turn + 1) * 25])
        client = w.reset(guest)
        if w.fields(guest) != CLEAR or client.served() != "served":
            bad.append("%d: %s" % (turn, w.fields(guest)))
        there = []
        for n in range(24):
            try:
                value = w.xs.read(home + b"/r%d/n%02d" % (turn, n))
            except Exception:
                value = None
            there.append(value)
        count = len([v for v in there if v is not None])
        if there != [b"full"] * count + [None] * (24 - count):
            holes.append(turn)
    return verdict(bad) + ["prefix" if not holes else "holes %s" % holes]
