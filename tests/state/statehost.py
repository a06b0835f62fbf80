# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine with a supervised daemon, and what stands in its run directory."""

import glob
import os
import re
import signal
import subprocess
import sys
import time
import traceback

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../tools/simxen"))
BUILD = os.environ.get("SIMXEN_BUILD") or \
    os.path.realpath(os.path.join(HERE, "../../build"))
os.environ["SIMXEN_BUILD"] = BUILD

import simxen  # noqa: E402
from simxen import RingClient, SocketClient  # noqa: E402

OURS = os.path.join(BUILD, "xenstored/xenstored")
GENERATION = b"/tool/xenstored/generation"


def same(got, want, what=""):
    if got != want:
        raise AssertionError("%s: got %r, wanted %r" % (what, got, want))


def until(what, condition, timeout=30):
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("never: " + what)
        time.sleep(0.005)


class Host:
    """A machine, its supervised daemon, and what is in the run directory."""

    def __init__(self, *args, binary=OURS, env=None, size=None, fdstore=4096):
        self.m = simxen.Machine()
        self.run = os.path.join(self.m.dir, "run")
        self.mounted = False
        if size:
            os.makedirs(self.run, exist_ok=True)
            # As Debian mounts /run.
            subprocess.run(["mount", "-t", "tmpfs", "-o", "noexec,size=" +
                            size, "tmpfs", self.run], check=True)
            self.mounted = True
        try:
            self.start(*args, binary=binary, env=env, fdstore=fdstore)
        except BaseException:
            self.close()
            raise

    def start(self, *args, binary=OURS, env=None, fdstore=4096):
        self.sup = self.m.supervise(
            binary, *args, restart_delay=0, fdstore_max=fdstore,
            env=self.m.environ(**(env or {})))

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        self.m._own, own = False, self.m._own
        for d in list(self.m._daemons):
            d.stop()
        if self.mounted:
            subprocess.run(["umount", self.run], check=True)
        self.m._own = own
        self.m.close()

    def path(self, name):
        return os.path.join(self.run, name)

    def client(self):
        return SocketClient(self.m)

    def guest(self, xs):
        """An introduced domain with a home; its ring."""
        g = self.m.add_domain()
        home = b"/local/domain/%d" % g.domid
        xs.mkdir(home)
        xs.set_perms(home, b"n%d" % g.domid)
        xs.introduce(g)
        return RingClient(g)

    def generation(self):
        with self.client() as xs:
            return xs.read(GENERATION)

    def segments(self):
        found = [f for f in os.listdir(self.run)
                 if re.fullmatch(r"journal\.\d+", f)]
        return sorted(found, key=lambda f: int(f.split(".")[1]))

    def failed(self):
        return sorted(glob.glob(self.path("failed.*")))

    def lines(self, ident, text=""):
        """Of the log, one list entry each."""
        return [line for line in self.sup.output().split("\n")
                if ident in line and text in line]

    def kill(self):
        """Killed when what was sent to the clients of before is on record:
        the one whose reply it is not sure of is closed, rightly."""
        self.generation()
        self.sup.kill()

    def dead(self):
        """Killed, and held."""
        self.sup.hold()
        self.sup.kill()
        self.sup.wait_dead()

    def again(self):
        self.sup.release()
        self.sup.wait_ready()

    def poke(self, name, offset, data):
        with open(self.path(name), "r+b") as f:
            f.seek(offset)
            f.write(data)

    def peek(self, name, offset, n):
        with open(self.path(name), "rb") as f:
            f.seek(offset)
            return f.read(n)

    def serves(self):
        """A request, one that changes something, is answered."""
        with self.client() as xs:
            xs.write(b"/serves", b"1")
            same(xs.read(b"/serves"), b"1")
            same(xs.request("CONTROL", b"check\0"), b"OK\0", "check")
        same(self.lines("XSD301"), [], "check of the store")


def prepared(h):
    """A store with things in it, also behind the checkpoint."""
    with h.client() as xs:
        for i in range(40):
            xs.write(b"/old/%d" % i, b"value %d" % i)
    # An orderly end and a start: a checkpoint has all of this.
    h.sup.hold()
    h.sup.kill(signal.SIGTERM)
    h.sup.wait_dead()
    h.again()
    with h.client() as xs:
        xs.write(b"/new", b"journal")
    return h.generation()


def counter(h, name):
    with h.client() as xs:
        got = xs.request("CONTROL", b"probe\0" b"1\0host\0" b"0\0")
    return int(re.search(rb" %s=(\d+)" % name, got).group(1))


def other_machine(version):
    """The daemon with another version of the machine, otherwise the same."""
    build = os.path.join(BUILD, "machine-%d" % version)
    out = os.path.join(build, "xenstored")
    os.makedirs(build, exist_ok=True)
    subprocess.run([os.path.join(HERE, "other-machine"), BUILD, str(version),
                    out], check=True, timeout=300)
    return out


def run_all(tests, o):
    """Those of o.names, or all; the status to exit with."""
    passed = failed = 0
    for f in tests:
        if o.names and f.__name__ not in o.names:
            continue
        began = time.monotonic()
        try:
            f(o)
            passed += 1
            print("ok   %s (%.1f s)" % (f.__name__,
                                        time.monotonic() - began), flush=True)
        except Exception as e:
            failed += 1
            print("FAIL %s: %s: %s" % (f.__name__, type(e).__name__, e))
            print(traceback.format_exc(), flush=True)
    print("%d passed, %d failed" % (passed, failed))
    return failed != 0 or not passed
