# SPDX-License-Identifier: GPL-2.0-or-later
"""Resets in great numbers: what the others feel, and what memory does.  The
guests are played by load.c."""
import os
import subprocess

from suite import test
from world import Client, Stop, build
from t_dom0 import control

RATIO = 2.0
TRIES = 3           # a machine that is busy otherwise: measured again


def load(w, *args, timeout=300):
    done = subprocess.run(
        [os.path.join(build(), "tests/ring/load"), *map(str, args)],
        env=w.machine.environ(), text=True, capture_output=True,
        timeout=timeout)
    if done.returncode:
        raise Stop("load: " + done.stderr.strip())
    return [int(n) for n in done.stdout.split()]


def introduced(w, count):
    return [w.guest()[0].domid for _ in range(count)]


@test(7, want=["within twice", "hundreds of resets", "served"], only="ours")
def storm_beside_nine(w):
    """Nine guests at work; a tenth resets for ever in every second round.
    Compared are medians over the rounds of one run, so that a slow machine is
    slow for both."""
    domids = introduced(w, 10)
    worst = []
    for _ in range(TRIES):
        calm, wild, resets = load(w, "storm", 61, 40, *domids)
        worst.append("%.2f (%d and %d us)" % (wild / calm, calm // 1000,
                                              wild // 1000))
        if wild <= RATIO * calm:
            break
    guest, client = w.guest()
    return ["within twice" if wild <= RATIO * calm else "ratios %s" % worst,
            "hundreds of resets" if resets > 100 else "%d resets" % resets,
            client.served()]


def memory(w):
    """The daemon's own kilobytes; the mapped pages of journal and checkpoint
    are files, of a size that they say themselves."""
    with open("/proc/%d/status" % w.daemon.pid) as f:
        return int(dict(line.split(":", 1) for line in f)
                   ["RssAnon"].split()[0])


def files(w):
    """Kilobytes of what it keeps in files."""
    run = os.path.join(w.machine.dir, "run")
    return sum(os.path.getsize(os.path.join(run, name))
               for name in os.listdir(run)) // 1024


def accounts(w):
    """What the machine counts against the domains, without what only grows
    by being counted."""
    left = []
    for line in control(w.xs, b"probe", b"1", b"domains", b"0").split("\n"):
        left.append([f for f in line.split() if f.split("=")[0] in (
            "domid", "nodes", "memory", "watches", "transactions",
            "outstanding", "waiting")])
    return left


@test(7, want=["1000000 resets", "memory constant", "files bounded",
               "accounts constant", "findings=0"], only="ours")
def million_resets(w):
    domids = introduced(w, 200)     # each has its ration
    for domid in domids:
        w.xs.write(b"/local/domain/%d/data" % domid, b"v")
    load(w, "million", 200000, *domids)     # past the first checkpoints
    own, kept, counted = memory(w), files(w), accounts(w)
    done, took = load(w, "million", 1000000, *domids)
    grown, more = memory(w) - own, files(w) - kept
    return ["%d resets" % done,
            "memory constant" if grown <= 256 else "grown by %d KiB" % grown,
            "files bounded" if more <= 16384 else "files by %d KiB" % more,
            "accounts constant" if accounts(w) == counted else
            "%s, then %s" % (counted, accounts(w)),
            control(w.xs, b"probe", b"1", b"check", b"0").split()[-1]]
