# SPDX-License-Identifier: GPL-2.0-or-later
"""What firmware and kernels do with a ring before and after one another.

The loops are those of hvmloader (tools/firmware/hvmloader/xenbus.c), OVMF
(OvmfPkg/XenBusDxe/XenStore.c) and Linux (drivers/xen/xenbus), taken as facts
from their public sources: what they look at, write and wait for, in which
order.
"""
import time

from suite import test
from world import (CONNECTION, FEATURES, HEADER_SIZE, INDICES, REQ, REQ_CONS,
                   REQ_PROD, RSP, RSP_CONS, RSP_PROD, Client, Stop, message)

CLEAR = "indices 0/0/0/0 error 0 connection 0"


class Hvmloader:
    """Fills a ring to 1023 bytes at most, uses request id 0, notifies once
    a request and never when it has read, and polls its event channel."""

    def __init__(self, world, guest):
        self.world = world
        self.guest = guest

    def poll(self, end):
        if time.monotonic() > end:
            raise Stop("hvmloader: silence")
        self.guest.wait(0.25)

    def write(self, data, end):
        g = self.guest
        while data:
            used = (g.word(REQ_PROD) - g.word(REQ_CONS)) % 1024
            part = 1023 - used
            if not part:
                self.poll(end)
                continue
            at = g.word(REQ_PROD) % 1024
            part = min(part, 1024 - at, len(data))
            g.page[REQ + at:REQ + at + part] = data[:part]
            g.word(REQ_PROD, g.word(REQ_PROD) + part)
            data = data[part:]

    def read(self, size, end):
        g, data = self.guest, b""
        while len(data) < size:
            part = (g.word(RSP_PROD) - g.word(RSP_CONS)) % 1024
            if not part:
                self.poll(end)
                continue
            at = g.word(RSP_CONS) % 1024
            part = min(part, 1024 - at, size - len(data))
            data += bytes(g.page[RSP + at:RSP + at + part])
            g.word(RSP_CONS, g.word(RSP_CONS) + part)
        return data

    def ask(self, op, payload):
        end = time.monotonic() + self.world.deadline
        data = message(op, payload)
        self.write(data[:HEADER_SIZE], end)
        self.write(data[HEADER_SIZE:], end)
        self.guest.notify()
        head = self.read(HEADER_SIZE, end)
        return self.read(int.from_bytes(head[12:], "little"), end)

    def shutdown(self):
        """With bit 0: ask, and go round while the field reads 1.  Without:
        fill both directions, then zero the indices, producer first."""
        g = self.guest
        if g.word(FEATURES) & 1:
            end = time.monotonic() + self.world.deadline
            g.word(CONNECTION, 1)
            g.notify()
            while g.word(CONNECTION) == 1:
                self.poll(end)
            return
        g.page[REQ:REQ + 2048] = b"\xff" * 2048
        for field in (REQ_PROD, REQ_CONS, RSP_PROD, RSP_CONS):
            g.word(field, 0)


class Ovmf(Client):
    """Drains for a while, then moves its consumer itself; leaves by a reset
    for which it wakes up every 100 ms."""

    patience = 0.3      # 5 s there

    def drain(self):
        g, end = self.guest, time.monotonic() + self.patience
        drained = "quiet"
        while g.word(RSP_PROD) != g.word(RSP_CONS):
            if time.monotonic() > end:
                drained = "fixed up"
                g.word(RSP_CONS, g.word(RSP_PROD))
        return drained

    def leave(self):
        self.world.ask(self.guest)
        end = time.monotonic() + self.world.deadline
        while self.guest.word(CONNECTION) == 1:
            if time.monotonic() > end:
                raise Stop("OVMF: connection stays 1")
            self.guest.wait(0.1)


@test(1, 2, 3, 5, want=[CLEAR, "served"])
def hvmloader_hands_over(w):
    guest, _ = w.guest()
    w.xs.write(b"/local/domain/%d/hvmloader/bios" % guest.domid, b"ovmf")
    loader = Hvmloader(w, guest)
    w.offered(guest)
    for _ in range(60):
        if loader.ask("READ", b"hvmloader/bios\0") != b"ovmf":
            raise Stop("hvmloader: wrong answer")
    loader.shutdown()
    return [w.fields(guest), Client(guest, w).served()]


@test(1, 8, want=["served", "served"])
def hvmloader_without_bit_0(w):
    """It never looks at bit 0, or it is not there: it scribbles over a ring
    that is idle, and who comes next is served."""
    guest, client = w.guest()
    facts = []
    for _ in range(2):
        loader = Hvmloader(w, guest)
        for _ in range(25):
            loader.ask("READ", b"/tool\0")
        w.sync()
        with w.stopped():
            guest.page[REQ:REQ + 2048] = b"\xff" * 2048
            for field in (REQ_PROD, REQ_CONS, RSP_PROD, RSP_CONS):
                guest.word(field, 0)
        facts.append(Client(guest, w).served())
    return facts


@test(1, 8, want=["served", "0"])
def hvmloader_of_old_clears_the_page(w):
    """As it was before there were fields behind the indices."""
    guest, client = w.guest()
    client.served()
    w.sync()
    with w.stopped():
        guest.page[0:2080] = bytes(2080)
    return [Client(guest, w).served(), "%d" % guest.word(CONNECTION)]


@test(2, 3, 4, 5, want=["quiet", "watched", CLEAR, "served", "!ENOENT"])
def ovmf_hands_over(w):
    guest, _ = w.guest()
    w.offered(guest)
    ovmf = Ovmf(guest, w)
    facts = [ovmf.drain()]
    ovmf.say("WATCH", b"device\0ovmf\0")
    facts.append("watched" if ovmf.event(w.deadline) else "")
    ovmf.leave()
    facts.append(w.fields(guest))
    system = Client(guest, w)
    system.say("WRITE", b"device/new\0x")
    return facts + [system.served(),
                    system.say("UNWATCH", b"device\0ovmf\0")]


@test(8, want=["fixed up", "served"])
def ovmf_drains_and_fixes_up(w):
    """Somebody left replies behind: it waits, then skips them."""
    guest, client = w.guest()
    client.send(message("READ", b"/tool\0", 0, 7))
    w.wait_until(lambda: guest.word(RSP_PROD) - guest.word(RSP_CONS) >= 16,
                 "a reply")
    ovmf = Ovmf(guest, w)
    return [ovmf.drain(), ovmf.served()]


@test(8, want=["served", "served", "served"])
def linux_skips_what_is_left(w):
    """A starting kernel sets its consumer to the daemon's producer."""
    guest, client = w.guest()
    facts = []
    for count in (1, 3, 20):
        before = guest.word(RSP_PROD)
        for n in range(count):
            client.send(message("GET_DOMAIN_PATH", b"1\0", 0, n))
        w.wait_until(lambda: guest.word(RSP_PROD) - before == 32 * count,
                     "all replies")
        guest.word(RSP_CONS, guest.word(RSP_PROD))
        client = Client(guest, w)
        facts.append(client.served())
    return facts


@test(5, 6, want=[CLEAR, "served", "!ENOENT"])
def crash_kernel_after_half_a_request(w):
    """kexec: the kernel before died with half a request sent, a watch set
    and a transaction open."""
    guest, client = w.guest()
    w.offered(guest)
    client.say("WATCH", b"device\0w\0")
    client.say("TRANSACTION_START", b"\0")
    client.send(message("WRITE", b"half\0" + b"x" * 500)[:200])
    w.sync()
    crash = w.reset(guest)
    return [w.fields(guest), crash.served(), crash.say("READ", b"half\0")]


@test(1, 2, 3, 5, 6, want=["loader " + CLEAR, "ovmf " + CLEAR, "os served"])
def whole_chain(w):
    """Builder, hvmloader, OVMF, system: each waits and leaves by a reset."""
    guest = w.domain()
    w.home(guest)
    guest.word(CONNECTION, 1)
    w.xs.introduce(guest)
    w.wait_zero(guest)
    w.offered(guest)
    loader = Hvmloader(w, guest)
    loader.ask("READ", b"/tool\0")
    loader.shutdown()
    facts = ["loader " + w.fields(guest)]
    ovmf = Ovmf(w.reset(guest).guest, w)
    ovmf.drain()
    ovmf.say("WATCH", b"device\0ovmf\0")
    ovmf.leave()
    facts.append("ovmf " + w.fields(guest))
    return facts + ["os " + Client(guest, w).served()]


@test(1, 2, want=["served 0"])
def a_guest_that_never_looks(w):
    """The old protocol, unchanged, and nobody touches `connection`."""
    guest, client = w.guest()
    text = "served"
    for n in range(100):
        client.say("WRITE", b"old\0%d" % n)
        if client.say("READ", b"old\0") != "%d" % n:
            text = "wrong"
    return ["%s %d" % (text, guest.word(CONNECTION))]
