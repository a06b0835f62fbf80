# SPDX-License-Identifier: GPL-2.0-or-later
"""Resets and errors across INTRODUCE, RELEASE and the daemon's death.

A daemon that starts finds by itself the rings of domains whose page names
the event channel (dom0less), and dom0's own.
"""
import random
import time

from suite import test
from world import (CONNECTION, ERROR, EVTCHN, FEATURES, FIELDS, INDICES,
                   REQ_CONS, REQ_PROD, Client, Stop, XSError, message)

CLEAR = "indices 0/0/0/0 error 0 connection 0"


def garbage(guest, seed):
    """All of the page but the port and the field that asks."""
    rnd = random.Random(seed)
    guest.page[0:2048] = bytes(rnd.randrange(256) for _ in range(2048))
    for field in FIELDS:
        if field not in (CONNECTION, EVTCHN):
            guest.word(field, rnd.randrange(1 << 32))


@test(5, 6, want=[CLEAR, "served"] * 3)
def asked_at_introduce(w):
    """By the builder, or by an owner before this INTRODUCE."""
    facts = []
    for seed in range(3):
        guest = w.domain()
        w.home(guest)
        garbage(guest, seed)
        guest.word(CONNECTION, 1)
        w.xs.introduce(guest)
        w.wait_zero(guest)
        facts += [w.fields(guest), Client(guest, w).served()]
    return facts


@test(2, 6, want=["connection 0", "notified", "served"])
def builder_s_field_without_bit_0(w):
    """The guest waits for 0 before it looks at any bit."""
    guest = w.domain()
    w.home(guest)
    w.offer(guest, 0)
    guest.word(CONNECTION, 1)
    w.events_taken(guest)
    w.xs.introduce(guest)
    w.wait_zero(guest)
    return ["connection 0", "notified" if guest.wait(w.deadline) else "not",
            Client(guest, w).served()]


@test(1, want=["bit 0 first", "reply 77"])
def bit_0_before_the_first_byte(w):
    """A request lies in the ring before the domain is introduced."""
    guest = w.domain()
    w.home(guest)
    client = Client(guest, w)
    client.ring_put(message("READ", b"/tool\0", 0, 77), notify=False)
    with w.stopped():
        w.xs.send(message("INTRODUCE", b"%d\0%d\0%d\0" % (
            guest.domid, guest.gfn, guest.port), 0, 4242))
    end = time.monotonic() + w.deadline
    while not guest.word(REQ_CONS) and not guest.word(FEATURES):
        if time.monotonic() > end:
            raise Stop("not offered, not consumed")
    first = "bit 0 first" if guest.word(FEATURES) & 1 else "bytes first"
    w.xs.reply(4242)
    try:
        return [first, "reply %d" % client.receive(w.deadline)[1]]
    except TimeoutError:
        return [first, "silence"]


@test(6, want=["OK", "served", CLEAR, "served"])
def introduced_again(w):
    """With the port it has, also while a reset is asked."""
    guest, client = w.guest()
    client.served()
    facts = [w.xs.request("INTRODUCE", b"%d\0%d\0%d\0" % (
        guest.domid, guest.gfn, guest.port)).rstrip(b"\0").decode()]
    facts.append(Client(guest, w).served())
    w.offered(guest)
    with w.stopped():
        guest.word(CONNECTION, 1)
        w.xs.send(message("INTRODUCE", b"%d\0%d\0%d\0" % (
            guest.domid, guest.gfn, guest.port), 0, 4243))
    w.xs.reply(4243)
    w.wait_zero(guest)
    return facts + [w.fields(guest), Client(guest, w).served()]


@test(6, want=["served", "served"])
def introduced_again_with_another_port(w):
    guest, client = w.guest()
    facts = [client.served()]
    w.machine.new_port(guest.domid)
    w.xs.introduce(guest)
    return facts + [Client(guest, w).served()]


@test(9, want=["error 2", CLEAR, "served", "error 3", CLEAR, "served"])
def error_mended_by_release_and_introduce(w):
    """The page as the daemon left it: nobody helps."""
    guest, client = w.guest()
    facts = []
    for code, breaks in ((2, lambda c: guest.word(REQ_PROD, 99999)),
                         (3, lambda c: c.ring_put(b"\xff" * 99))):
        # A peer may leave the last one's word there: it is not this one's.
        old = guest.word(ERROR)
        breaks(client)
        guest.notify()
        facts.append("error %d" % w.wait_error(guest, old))
        client = w.again(guest)
        facts += [w.fields(guest), client.served()]
    return facts


@test(9, want=["set when told"] * 2)
def error_is_set_before_it_is_told(w):
    facts = []
    for put in (b"", b"\xff" * 64):
        guest, client = w.guest()
        client.served()
        w.sync()
        w.events_taken(guest)
        if put:
            client.ring_put(put)
        else:
            guest.word(REQ_PROD, guest.word(REQ_CONS) + 0x80000000)
            guest.notify()
        told = guest.wait(w.deadline)
        while told and not guest.word(ERROR) and guest.word(
                REQ_CONS) != guest.word(REQ_PROD) and guest.wait(0.2):
            pass
        facts.append("set when told" if told and guest.word(ERROR)
                     else "not told" if not told else "told, not set")
    return facts


@test(5, 6, want=[CLEAR, "served", "served"])
def release_with_a_reset_asked(w):
    guest, client = w.guest()
    w.offered(guest)
    with w.stopped():
        guest.word(CONNECTION, 1)
        w.xs.send(message("RELEASE", b"%d\0" % guest.domid, 0, 4244))
    w.xs.reply(4244)
    w.machine.new_port(guest.domid)
    w.xs.introduce(guest)
    w.wait_zero(guest)
    w.home(guest)
    facts = [w.fields(guest), Client(guest, w).served()]
    return facts + [w.again(guest).served()]


# ------------------------------------------------ the daemon's death

def dom0less(w):
    """A domain whose page names its port: nobody introduces it, the daemon
    finds it when the host boots."""
    guest = w.domain()
    guest.word(EVTCHN, guest.port)
    return guest


def found(w):
    """Such a domain, and a daemon that serves it."""
    guest = dom0less(w)
    w.restart(cold=True)
    w.wait_until(lambda: guest.bound, "bound")
    return guest


@test(2, 6, want=[CLEAR, "notified", "served"])
def asked_at_start(w):
    """`connection` is 1 already in a page that the new daemon finds."""
    guest = dom0less(w)
    garbage(guest, 5)
    guest.word(CONNECTION, 1)
    w.restart(cold=True)
    w.wait_zero(guest)
    return [w.fields(guest), "notified" if guest.wait(w.deadline) else "not",
            Client(guest, w).served()]


@test(5, 6, want=["notified", "served"])
def told_though_the_last_one_died_before(w):
    """It died between clearing the field and the notification: the guest
    sleeps until the new one notifies."""
    guest = found(w)
    Client(guest, w).served()
    w.daemon.kill()
    w.events_taken(guest)
    w.xs.close()
    w.start()
    told = guest.wait(w.deadline)
    return ["notified" if told else "not notified",
            Client(guest, w).served()]


@test(1, 6, want=["reply 78"])
def request_waits_for_the_daemon(w):
    guest = dom0less(w)
    client = Client(guest, w)
    client.ring_put(message("READ", b"/tool\0", 0, 78))
    w.restart(cold=True)
    try:
        return ["reply %d" % client.receive(w.deadline)[1]]
    except TimeoutError:
        return ["silence"]


@test(5, 6, want=[CLEAR, "served", "not executed"])
def asked_and_then_it_died(w):
    """The old daemon never saw it; the new one looks there first, and the
    request from before is not executed: dom0's, which could be."""
    with w.machine.guest(0) as kernel:
        client = Client(kernel, w)
        client.say("WRITE", b"/early\0v")
        w.offered(kernel)
        with w.stopped():
            client.ring_put(message("WRITE", b"/late\0v", 0, 9),
                            notify=False)
            w.ask(kernel)
            w.daemon.process.kill()
        w.restart()
        w.wait_zero(kernel)
        facts = [w.fields(kernel), Client(kernel, w).served()]
    try:
        w.xs.read(b"/late")
    except XSError:
        return facts + ["not executed"]
    return facts + ["executed"]


@test(5, 6, 7, want=["12 deaths survived", "served"])
def daemon_dies_in_a_storm_of_resets(w):
    """kill -9 at any instant of a reset; the guest waits, asks and notifies
    again, and is always answered."""
    guest = found(w)
    w.offered(guest)
    rnd, bad = random.Random(11), []
    for death in range(12):
        for _ in range(rnd.randrange(1, 60)):
            w.reset(guest)
        guest.word(CONNECTION, 1)
        guest.notify()
        for _ in range(rnd.randrange(0, 400)):
            guest.word(CONNECTION)
        w.restart()
        guest.notify()
        w.wait_zero(guest)
        text = Client(guest, w).served()
        if text != "served":
            bad.append("%d: %s, %s" % (death, text, w.fields(guest)))
        w.reset(guest)
    return bad[:3] or ["12 deaths survived", Client(guest, w).served()]


@test(6, 9, want=["error 2", CLEAR, "served"])
def error_then_death_then_reset(w):
    guest = found(w)
    w.offered(guest)
    guest.word(REQ_PROD, guest.word(REQ_CONS) + 1025)
    guest.notify()
    facts = ["error %d" % w.wait_error(guest)]
    w.restart()
    w.wait_until(lambda: guest.bound, "bound")
    w.ask(guest)
    w.wait_zero(guest)
    return facts + [w.fields(guest), Client(guest, w).served()]


@test(6, want=["told", CLEAR, "served"])
def dom0_s_own_ring(w):
    """dom0's kernel takes the notification for the sign of a daemon."""
    with w.machine.guest(0) as kernel:
        w.events_taken(kernel)
        w.daemon.kill()
        w.xs.close()
        kernel.word(CONNECTION, 0)
        w.start()
        facts = ["told" if kernel.wait(w.deadline) else "not told"]
        client = w.reset(kernel)
        return facts + [w.fields(kernel), client.served()]
