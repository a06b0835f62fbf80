# SPDX-License-Identifier: GPL-2.0-or-later
"""A reset on dom0's behalf: CONTROL probe-do, and xs-probe ring --reset."""
import os
import subprocess

from suite import test
from world import (CONNECTION, REQ_PROD, Client, XSError, build)

CLEAR = "indices 0/0/0/0 error 0 connection 0"


def control(client, *words):
    try:
        return client.request("CONTROL", b"\0".join(words) + b"\0").rstrip(
            b"\0").decode("latin-1")
    except XSError as e:
        return "!" + e.name


def ring_reset(w, guest):
    return control(w.xs, b"probe-do", b"1", b"ring-reset",
                   b"%d" % guest.domid)


def broken(w):
    guest, client = w.guest()
    client.say("WATCH", b"x\0t\0")
    guest.word(REQ_PROD, 77777)
    guest.notify()
    w.wait_error(guest)
    return guest


@test(2, 6, want=["OK", CLEAR, "notified", "served", "!ENOENT"],
      only="ours")
def dom0_mends_a_broken_ring(w):
    guest = broken(w)
    w.events_taken(guest)
    facts = [ring_reset(w, guest), w.fields(guest),
             "notified" if guest.wait(w.deadline) else "not notified"]
    client = Client(guest, w)
    return facts + [client.served(), client.say("UNWATCH", b"x\0t\0")]


@test(2, want=["!EBUSY", "served"], only="ours")
def dom0_leaves_a_ring_in_use(w):
    guest, client = w.guest()
    client.served()
    return [ring_reset(w, guest), client.served()]


@test(2, 7, want=["OK", CLEAR, "served"], only="ours")
def dom0_asks_what_is_asked_already(w):
    guest, _ = w.guest()
    w.sync()
    guest.word(CONNECTION, 1)
    facts = [ring_reset(w, guest)]
    w.wait_zero(guest)
    return facts + [w.fields(guest), Client(guest, w).served()]


@test(2, want=["!ENOSYS", "!ENOENT", "!EACCES", "!EINVAL", "!EINVAL",
               "!ENOENT", "!EINVAL", "!EINVAL"], only="ours")
def dom0_is_refused(w):
    """Not offered, no such ring, not privileged, and nonsense."""
    guest = w.domain()
    w.home(guest)
    w.offer(guest, 2)
    w.xs.introduce(guest)
    client = Client(guest, w)
    return [ring_reset(w, guest),
            control(w.xs, b"probe-do", b"1", b"ring-reset", b"32000"),
            client.say("CONTROL", b"probe-do\x001\0ring-reset\x001\0"),
            control(w.xs, b"probe-do", b"2", b"ring-reset", b"1"),
            control(w.xs, b"probe-do", b"1", b"ring-reset", b"one"),
            control(w.xs, b"probe-do", b"1", b"burn", b"1"),
            control(w.xs, b"probe-do", b"1", b"ring-reset"),
            control(w.xs, b"probe-do", b"1", b"ring-reset", b"1", b"2")]


def xs_probe(w, *args):
    tool = os.path.join(build(), "tools/xs-probe/xs-probe")
    done = subprocess.run([tool, "-s", w.machine.socket_path, *args],
                          text=True, capture_output=True, timeout=20)
    return done.returncode, done.stdout, done.stderr


@test(2, 6, want=["shows 1", "refuses 1", "mends 0", "Nothing is wrong",
                  "served"], only="ours")
def xs_probe_ring_reset(w):
    guest = broken(w)
    other, _ = w.guest()
    code, out, _ = xs_probe(w, "ring", "%d" % guest.domid)
    facts = ["shows %d" % code if "error 2" in out else out]
    code, out, err = xs_probe(w, "ring", "-r", "%d" % other.domid)
    facts.append("refuses %d" % code if "in use" in err else out + err)
    code, out, err = xs_probe(w, "ring", "--reset", "%d" % guest.domid)
    facts.append("mends %d" % code if not err else err)
    facts.append("Nothing is wrong" if "Nothing is wrong" in out else out)
    return facts + [Client(guest, w).served()]
