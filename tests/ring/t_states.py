# SPDX-License-Identifier: GPL-2.0-or-later
"""Resets in every state of ring and connection, and what they leave."""
import time

from suite import test
from world import (CONNECTION, ERROR, FEATURES, INDICES, REQ_CONS, REQ_PROD,
                   RSP_CONS, RSP_PROD, Client, Stop, message)

CLEAR = "indices 0/0/0/0 error 0 connection 0"


def after(w, guest):
    client = w.reset(guest)
    return [w.fields(guest), client.served()]


def fill_replies(w, guest, client):
    """Until the daemon takes no more requests and gives no more replies."""
    data = message("READ", b"val\0", 0, 1)
    client.say("WRITE", b"val\0" + b"z" * 700)
    while client.ring_put(data) == len(data):
        seen = guest.word(REQ_CONS), guest.word(RSP_PROD)
        w.sync()
        if guest.word(REQ_PROD) - guest.word(REQ_CONS) > 900 and \
                seen == (guest.word(REQ_CONS), guest.word(RSP_PROD)):
            break


@test(4, 5, 6, want=["replies 1024", CLEAR, "served"])
def reply_ring_full(w):
    guest, client = w.guest()
    w.offered(guest)
    fill_replies(w, guest, client)
    full = guest.word(RSP_PROD) - guest.word(RSP_CONS)
    return ["replies %d" % full] + after(w, guest)


@test(4, 5, 6, want=["full", CLEAR, "served", "!ENOENT"])
def both_rings_full(w):
    guest, client = w.guest()
    w.offered(guest)
    fill_replies(w, guest, client)
    late = message("WRITE", b"late\0v", 0, 99)
    while client.ring_put(late):
        pass
    full = guest.word(REQ_PROD) - guest.word(REQ_CONS) == 1024
    facts = ["full" if full else "not full"] + after(w, guest)
    w.sync()
    return facts + [Client(guest, w).say("READ", b"late\0")]


@test(4, 5, 6, want=["events wait", CLEAR, "served", "no old event"])
def events_that_found_no_room(w):
    """Dropped with the ring full of others."""
    guest, client = w.guest()
    w.offered(guest)
    home = b"/local/domain/%d" % guest.domid
    client.say("WATCH", b"x\0t\0")
    client.event(w.deadline)
    for n in range(70):
        w.xs.write(home + b"/x/%d" % n, b"")
    w.sync()
    full = guest.word(RSP_PROD) - guest.word(RSP_CONS) > 900
    facts = ["events wait" if full else "few"] + after(w, guest)
    w.xs.write(home + b"/x/more", b"")
    w.sync()
    quiet = guest.word(RSP_PROD) == guest.word(RSP_CONS)
    return facts + ["no old event" if quiet else "old event"]


@test(5, 6, 9, want=["error 2", CLEAR, "served"])
def after_error_2_of_requests(w):
    guest, client = w.guest()
    w.offered(guest)
    guest.word(REQ_PROD, guest.word(REQ_CONS) + 1025)
    guest.notify()
    return ["error %d" % w.wait_error(guest)] + after(w, guest)


@test(5, 6, 9, want=["error 2", CLEAR, "served"])
def after_error_2_of_replies(w):
    guest, client = w.guest()
    w.offered(guest)
    guest.word(RSP_CONS, guest.word(RSP_PROD) + 1)
    guest.notify()
    return ["error %d" % w.wait_error(guest)] + after(w, guest)


@test(5, 6, 9, want=["error 3", CLEAR, "served"])
def after_error_3(w):
    guest, client = w.guest()
    w.offered(guest)
    client.ring_put(b"\xff" * 64)
    return ["error %d" % w.wait_error(guest)] + after(w, guest)


@test(4, 6, want=[CLEAR, "served", "!ENOENT", "!ENOENT", "started"])
def in_a_transaction(w):
    guest, client = w.guest()
    tx = int(client.say("TRANSACTION_START", b"\0"))
    client.say("WRITE", b"in\0v", tx)
    facts = after(w, guest)
    client = Client(guest, w)
    facts += [client.say("TRANSACTION_END", b"T\0", tx),
              client.say("READ", b"in\0")]
    return facts + ["started" if client.say("TRANSACTION_START", b"\0")
                    .isdigit() else "refused"]


@test(4, want=["OK", "OK", "OK", "!ENOENT", "n/-", "kept", "!ENOSPC"])
def kept_and_dropped(w):
    """Target, ownership, nodes and their count stay; watches do not."""
    other, _ = w.guest()
    guest, client = w.guest()
    w.offered(guest)
    w.xs.write(b"/local/domain/%d/theirs" % other.domid, b"kept")
    w.xs.set_perms(b"/local/domain/%d/theirs" % other.domid,
                   b"n%d" % other.domid)
    w.xs.request("SET_TARGET", b"%d\0%d\0" % (guest.domid, other.domid))
    facts = [client.say("WRITE", b"mine\0v"),
             client.say("WATCH", b"mine\0t\0")]
    made = 0
    while made < 20000 and client.say("MKDIR", b"n/%d\0" % made) == "OK":
        made += 1
    client = w.reset(guest)
    facts += [client.say("WRITE", b"mine\0w"),
              client.say("UNWATCH", b"mine\0t\0")]
    perms = client.say("GET_PERMS", b"mine\0")
    facts.append(perms.replace("%d" % guest.domid, "/") + "-")
    facts.append(client.say("READ", b"/local/domain/%d/theirs\0" %
                            other.domid))
    return facts + [client.say("MKDIR", b"one-more\0")]


@test(2, want=["served", "served", "served"])
def any_value_counts_as_one(w):
    guest, _ = w.guest()
    facts = []
    for value in (2, 0x100, 0xffffffff):
        w.ask(guest, value)
        w.wait_zero(guest)
        facts.append(Client(guest, w).served())
    return facts


@test(2, want=["features 2", "served", "connection 1"])
def not_touched_without_bit_0(w):
    guest = w.domain()
    w.home(guest)
    w.offer(guest, 2)
    w.xs.introduce(guest)
    client = Client(guest, w)
    facts = ["features %d" % guest.word(FEATURES)]
    guest.word(CONNECTION, 1)
    guest.notify()
    return facts + [client.served(),
                    "connection %d" % guest.word(CONNECTION)]


@test(1, 9, want=["features 1", "error 0", CLEAR, "served"])
def error_field_without_bit_1(w):
    """Not offered, not touched; the reset mends all the same."""
    guest = w.domain()
    w.home(guest)
    w.offer(guest, 1)
    w.xs.introduce(guest)
    facts = ["features %d" % guest.word(FEATURES)]
    guest.word(REQ_PROD, 5000)
    guest.notify()
    w.sync()
    facts.append("error %d" % guest.word(ERROR))
    return facts + after(w, guest)


@test(1, want=["first 15", "later 15"])
def bits_are_never_cleared(w):
    guest, client = w.guest()
    facts, seen = ["first %d" % guest.word(FEATURES)], set()
    for n in range(30):
        client.served()
        seen.add(guest.word(FEATURES))
        if guest.word(FEATURES) & 1:
            client = w.reset(guest)
        seen.add(guest.word(FEATURES))
    return facts + ["later %s" % "/".join(str(n) for n in sorted(seen))]


@test(1, 4, want=["served", CLEAR, "served", "features 15"])
def unknown_bits_and_scribbled_bits(w):
    """The guest's page, its own affair: who comes next finds the truth."""
    guest, client = w.guest()
    w.offered(guest)
    guest.word(FEATURES, 0xffffffff)
    return [client.served()] + after(w, guest) + [
        "features %d" % guest.word(FEATURES)]


@test(3, 5, want=["never early", "notified"])
def order_seen_by_the_guest(w):
    """Whenever `connection` reads 0, all else of rule 5 has been done; and
    the notification comes, be it before or after we look."""
    guest, client = w.guest()
    w.offered(guest)
    early, lost = [], 0
    for n in range(300):
        client.say("READ", b"/tool\0")
        client.ring_put(message("READ", b"/tool\0", 0, n))
        w.events_taken(guest)
        w.ask(guest)
        end = time.monotonic() + w.deadline
        while guest.word(CONNECTION):
            if time.monotonic() > end:
                raise Stop("connection stays 1")
        page = [guest.word(f) for f in INDICES + (ERROR,)]
        if any(page):
            early.append(page)
        lost += not guest.wait(w.deadline)
        client = Client(guest, w)
    return ["never early" if not early else "early %s" % early[0],
            "notified" if not lost else "%d not notified" % lost]


@test(3, 4, 5, want=["events then", CLEAR, "served", "none now"])
def events_while_it_waits(w):
    """Events of before may wake it; none is left after."""
    guest, client = w.guest()
    w.offered(guest)
    home = b"/local/domain/%d" % guest.domid
    client.say("WATCH", b"x\0t\0")
    client.event(w.deadline)
    for n in range(5):
        w.xs.write(home + b"/x/%d" % n, b"")
    woken = guest.wait(w.deadline)
    w.ask(guest)
    for n in range(5):
        w.xs.write(home + b"/x/%d" % n, b"")
    w.wait_zero(guest)
    facts = ["events then" if woken else "none", w.fields(guest)]
    client = Client(guest, w)
    w.xs.write(home + b"/x/9", b"")
    return facts + [client.served(), "none now" if not client.events
                    else "%d" % len(client.events)]


@test(7, want=[CLEAR, "served", "resets at once"])
def asked_again_while_under_way(w):
    guest, client = w.guest()
    with w.stopped():
        for _ in range(50):
            w.ask(guest)
    w.wait_zero(guest)
    facts = [w.fields(guest), Client(guest, w).served()]
    for _ in range(20):
        guest.notify()
    w.sync()
    return facts + ["resets at once" if w.fields(guest).endswith(
        "connection 0") and Client(guest, w).served() == "served" else "?"]


@test(7, want=["800 resets", "served", "other served"])
def more_often_than_allowed(w):
    """Above its ration the guest waits; nothing is lost, and the others do
    not notice."""
    guest, _ = w.guest()
    w.offered(guest)
    _, other = w.guest()
    bad = 0
    for n in range(800):
        w.ask(guest)
        w.wait_zero(guest)
        if n % 40 == 0:
            bad += other.served() != "served"
    return ["800 resets", Client(guest, w).served(),
            "other served" if not bad else "other not served"]


@test(8, want=["served", "served"])
def indices_anywhere(w):
    """A ring that was used for years: indices about to wrap."""
    facts = []
    for at in (0xfffffff0, 0x7ffffff8):
        guest = w.domain()
        w.home(guest)
        for field in INDICES:
            guest.word(field, at)
        w.xs.introduce(guest)
        client = Client(guest, w)
        text = "served"
        for n in range(60):
            if client.served() != "served":
                text = "not served"
                break
        facts.append(text)
    return facts
