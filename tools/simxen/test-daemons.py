#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's two xenstore daemons run on a simxen machine, unmodified.

What other tests compare our daemon with must first be shown to work: started
by the recipe of `simxen daemon`, asked by the real xenstore-* programs, by a
guest on its ring and by dom0's kernel on its own, killed and started again,
and all inside the machine's directory. Exit 77 (skip) where they are not
installed.
"""

import errno
import glob
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import simxen  # noqa: E402
from simxen import Machine, RingClient, SocketClient, XSError  # noqa: E402

OUTSIDE = ("/var/run/xenstored", "/var/run/xen", "/var/log/xen",
           "/var/lib/xenstored")


def check(value, want):
    if value != want:
        raise AssertionError("%r, not %r" % (value, want))


def refused(name, call, *args):
    try:
        call(*args)
    except XSError as e:
        check(e.name, name)
    else:
        raise AssertionError("%s was expected" % name)


def outside():
    """What lies where a daemon on the real machine would put things."""
    return {p: sorted(os.listdir(p)) if os.path.isdir(p) else None
            for p in OUTSIDE}


def tool(m, *argv):
    return subprocess.run(argv, env=m.environ(), text=True, check=True,
                          capture_output=True, timeout=20).stdout


def programs(m):
    tool(m, "xenstore-write", "/test/a", "1", "/test/b", "two words")
    check(tool(m, "xenstore-read", "/test/a"), "1\n")
    check(tool(m, "xenstore-list", "/test"), "a\nb\n")
    check(tool(m, "xenstore-ls", "/test"), 'a = "1"\nb = "two words"\n')
    tool(m, "xenstore-rm", "/test")
    check(m.run("xenstore-exists", "/test").returncode, 1)


def home(xs, guest):
    path = b"/local/domain/%d" % guest.domid
    xs.mkdir(path)
    xs.set_perms(path, b"n%d" % guest.domid)
    return path


def ring(m):
    """A guest's whole life, watched by the toolstack."""
    guest = m.add_domain()
    with SocketClient(m) as xs, guest:
        xs.watch(b"@releaseDomain", b"gone")
        check(xs.event(), (b"@releaseDomain", b"gone"))
        path = home(xs, guest)
        refused("EINVAL", xs.request, "INTRODUCE",
                b"%d\0%d\0%d\0" % (guest.domid, guest.gfn, 0))
        xs.introduce(guest)
        check(guest.bound, True)
        xs.watch(path + b"/data", b"w")
        check(xs.event(), (path + b"/data", b"w"))
        client = RingClient(guest)
        client.write(b"data", b"x" * 2000)
        check(xs.event(), (path + b"/data", b"w"))
        check(client.read(b"data"), b"x" * 2000)
        check(xs.read(path + b"/data"), b"x" * 2000)
        refused("EACCES", client.write, b"/test", b"")
        tx = client.transaction()
        client.write(b"data", b"y", tx)
        check(client.read(b"data"), b"x" * 2000)
        client.end(tx)
        check(client.read(b"data"), b"y")
        m.shutdown(guest.domid, simxen.REBOOT)
        xs.rm(path)
        events = [xs.event() for _ in range(3)]
        check((b"@releaseDomain", b"gone") in events, True)
        check((path + b"/data", b"w") in events, True)
        m.kill(guest.domid)
        while xs.event() != (b"@releaseDomain", b"gone"):
            pass
        check(xs.request("IS_DOMAIN_INTRODUCED", b"%d\0" % guest.domid),
              b"F\0")
        check(guest.alive, False)


def dom0_kernel(m):
    with m.guest(0) as kernel, SocketClient(m) as xs:
        client = RingClient(kernel)
        client.write(b"/kernel", b"here")
        check(xs.read(b"/kernel"), b"here")
        client.watch(b"/kernel", b"k")
        check(client.event(), (b"/kernel", b"k"))
        xs.rm(b"/kernel")
        check(client.event(), (b"/kernel", b"k"))
        client.unwatch(b"/kernel", b"k")


def reuse(m):
    """The same domid again is another domain, for the daemon too."""
    with SocketClient(m) as xs:
        for i in range(3):
            with m.add_domain(500) as guest:
                home(xs, guest)
                xs.introduce(guest)
                client = RingClient(guest)
                check(client.directory(b"/local/domain/500"), [])
                client.write(b"data", b"%d" % i)
                m.kill(500)
                xs.watch(b"@releaseDomain", b"r")
                while xs.request("IS_DOMAIN_INTRODUCED",
                                 b"500\0") != b"F\0":
                    xs.event()
                xs.request("UNWATCH", b"@releaseDomain\0r\0")
                try:
                    xs.rm(b"/local/domain/500")
                except XSError as e:    # the daemon may have done it
                    check(e.name, "ENOENT")


def faults(m):
    with SocketClient(m) as xs, m.add_domain() as guest:
        m.fault(simxen.FAULT_GRANT, errno.EINVAL, guest.domid, count=1)
        try:
            xs.introduce(guest)
        except XSError:
            pass
        else:
            raise AssertionError("introduced without its page")
        xs.introduce(guest)
        check(RingClient(guest).request("GET_DOMAIN_PATH", b"0\0"),
              b"/local/domain/0\0")
        m.kill(guest.domid)


def killed(m, peer):
    """After kill -9 the next daemon gets every port again."""
    with m.add_domain() as guest:
        for _ in range(3):
            d = m.daemon(peer)
            with SocketClient(m) as xs:
                home(xs, guest)
                xs.introduce(guest)
                client = RingClient(guest)
                client.write(b"data", b"1")
                check(client.read(b"data"), b"1")
            check(guest.bound, True)
            d.kill()
            check(guest.bound, False)
            check(guest.notify(), False)


def live_update(m):
    """The C daemon's own way over exec: xenevtchn_fdopen on simxen."""
    control = glob.glob("/usr/lib/xen-*/bin/xenstore-control")
    if not control:
        raise FileNotFoundError("xenstore-control")
    with m.daemon("stock") as d, m.add_domain() as guest, \
            m.guest(0) as kernel, SocketClient(m) as xs:
        path = home(xs, guest)
        xs.introduce(guest)
        client, dom0 = RingClient(guest), RingClient(kernel)
        client.write(b"data", b"kept")
        dom0.watch(path, b"w")
        dom0.event()
        out = m.run(control[-1], "live-update",
                    os.readlink("/proc/%d/exe" % d.pid), timeout=60)
        check((out.returncode, out.stderr), (0, ""))
        with open("/proc/%d/cmdline" % d.pid) as f:
            check("-U" in f.read().split("\0"), True)
        check(client.read(b"data"), b"kept")
        check(xs.read(path + b"/data"), b"kept")
        client.write(b"data", b"again")
        check(dom0.event(), (path + b"/data", b"w"))
        m.kill(guest.domid)
        xs.watch(b"@releaseDomain", b"gone")
        while xs.request("IS_DOMAIN_INTRODUCED",
                         b"%d\0" % guest.domid) != b"F\0":
            xs.event()


def main():
    if not glob.glob("/usr/lib/xen-*/bin/oxenstored"):
        print("SKIP: package xen-utils-4.17 is not installed")
        return 77
    before = outside()
    for peer in ("stock", "ocaml"):
        with Machine() as m:
            with m.daemon(peer):
                for test in (programs, ring, dom0_kernel, reuse, faults):
                    print("test: %s: %s" % (peer, test.__name__), flush=True)
                    test(m)
            print("test: %s: killed" % peer, flush=True)
            killed(m, peer)
    print("test: stock: live_update", flush=True)
    with Machine() as m:
        live_update(m)
    check(outside(), before)
    return 0


if __name__ == "__main__":
    sys.exit(main())
