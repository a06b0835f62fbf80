#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
Boot once a test, print a verdict each.  A boot that ends without one is tried
again, and counted only when a verdict came: as far as is known it is the
emulation that stalls, and a guess would be worth nothing either way.  Three
such boots fail the test all the same, because it has then shown nothing.
"""
import argparse
import glob
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from machine import Machine, Stalled

TRIES = 3
# What is under test in guests, too.
PROGRAMS = ("tests/xen/xenbus-client", "tools/examples/channel-backend",
            "tools/examples/channel-frontend")
HERE = os.path.dirname(os.path.abspath(__file__))


def fill(share, options, test):
    for name in glob.glob(HERE + "/*.sh"):
        shutil.copy(name, share)
    with open(share + "/daemon", "w", encoding="ascii") as file:
        file.write(options.daemon + "\n")
    shutil.copy(options.build + "/xenstored/xenstored", share)
    for name in ("supervise", "ring-guest"):
        shutil.copy(options.build + "/tests/xen/" + name, share)
    os.mkdir(share + "/programs")
    for name in PROGRAMS:
        shutil.copy(options.build + "/" + name, share + "/programs")
    for name in ("vmlinux", "guest.cpio"):
        os.link(options.images + "/" + name, share + "/" + name)
    # A test that brings another root for dom0, and wants us installed in it.
    if os.path.exists(f"{HERE}/{test}/root-init"):
        shutil.copytree(HERE + "/" + test, share + "/" + test)
        os.link(f"{options.images}/{test}.cpio", f"{share}/{test}.cpio")
        subprocess.run(["make", "-s", "-C", options.build, "install",
                        "DESTDIR=" + share + "/destdir"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def saved(options):
    """The state of a machine that waits for GO, made when there is none."""
    state = options.images + "/state"
    if options.boot or os.path.exists(state):
        return None if options.boot else state
    with tempfile.TemporaryDirectory(dir=options.images) as work:
        os.mkdir(work + "/share")
        machine = Machine(options.images, work, work + "/share",
                          options.logs + "/boot.log")
        try:
            machine.wait("READY")
            machine.save(state)
        except Stalled as why:
            print(f"  no saved machine ({why}): a boot for each test")
            return None
        finally:
            machine.close()
    return state


def attempt(test, options, state, log):
    """True, False, or Stalled; and what dom0 said."""
    # On the same file system as the images, which are linked, not copied.
    with tempfile.TemporaryDirectory(dir=options.images) as work:
        share = work + "/share"
        os.mkdir(share)
        fill(share, options, test)
        machine = Machine(options.images, work, share, log, state)
        try:
            if state:
                machine.wake()
            else:
                machine.wait("READY")
            machine.go(test)
            said = []
            while True:
                line = machine.next()
                if line is None:
                    raise Stalled("the machine went off without a verdict")
                said.append(line)
                if options.verbose:
                    print("    " + line, flush=True)
                if line.startswith("VERDICT "):
                    return line.split()[1] == "passed", said
        finally:
            machine.close()


def run(test, options, state):
    begin = time.monotonic()
    log = f"{options.logs}/{options.daemon}-{test}.log"
    for number in range(1, TRIES + 1):
        try:
            # A saved machine that does not wake up is not tried twice.
            good, said = attempt(test, options,
                                 state if number == 1 else None, log)
        except Stalled as why:
            kept = f"{log}.stalled{number}"
            os.rename(log, kept)
            print(f"  {test}: boot {number} is not counted: {why}; {kept}",
                  flush=True)
            continue
        checks = [line.split()[1] for line in said
                  if line.startswith("checks ")]
        print("%s: xen %s %s (%s checks, %.0f s)" % (
            "PASS" if good else "FAIL", options.daemon, test,
            checks[0] if checks else "no", time.monotonic() - begin),
            flush=True)
        if not good:
            for line in said:
                if not line.startswith("  ok "):
                    print("    " + line)
            print(f"    serial line: {log}", flush=True)
        elif not options.keep:
            os.unlink(log)
        return good
    print(f"FAIL: xen {options.daemon} {test} (no verdict in {TRIES} boots)",
          flush=True)
    return False


def main():
    # So that a machine does not outlive its test.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    parser = argparse.ArgumentParser()
    parser.add_argument("--daemon", required=True)
    parser.add_argument("--images", required=True)
    parser.add_argument("--build", required=True)
    parser.add_argument("--logs", required=True)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--boot", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("tests", nargs="+")
    options = parser.parse_args()
    state = saved(options)
    good = [run(test, options, state) for test in options.tests]
    print(f"{good.count(True)} passed, {good.count(False)} failed")
    return 0 if all(good) else 1


sys.exit(main())
