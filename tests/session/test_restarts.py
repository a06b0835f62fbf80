#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Sessions between real processes on a simxen machine, a frontend in a guest
(over its ring) and a backend in dom0 (over the socket): both, and the daemon,
are killed at random instants (kill -9) and started again.

  test_restarts.py [--kills N] [--seed N]
"""

import argparse
import os
import random
import subprocess
import sys
import threading
import time

TOP = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../..")
sys.path.insert(0, os.path.join(TOP, "tools/simxen"))
from simxen import Machine, SocketClient  # noqa: E402

BUILD = os.getcwd()
DAEMON = os.path.join(BUILD, "xenstored/xenstored")
LEASE = 2000
PATIENCE = 60
os.environ["ASAN_OPTIONS"] = "verify_asan_link_order=0:" + \
    os.environ.get("ASAN_OPTIONS", "")


class End:
    """One of the example programs, started again whenever it is killed."""

    def __init__(self, machine, which, *args):
        self.machine = machine
        self.command = [
            os.path.join(BUILD, "tools/examples/channel-" + which),
            "-k", os.path.join(machine.dir, which), *map(str, args)]
        self.lines = []
        self.start()

    def start(self):
        self.began = len(self.lines)
        self.process = subprocess.Popen(
            self.command, env=self.machine.environ(), text=True,
            stdout=subprocess.PIPE)
        self.thread = threading.Thread(target=self._read,
                                       args=(self.process.stdout,))
        self.thread.start()

    def _read(self, pipe):
        for line in pipe:
            self.lines.append(line.strip())
        pipe.close()

    def running(self):
        return self.process.poll() is None

    def end(self, kill):
        if kill:
            self.process.kill()
        else:
            self.process.terminate()
        status = self.process.wait(timeout=PATIENCE)
        self.thread.join()
        return status

    def ups(self):
        return self.lines.count("up")

    def is_down(self):
        links = [line for line in self.lines[self.began:]
                 if line.startswith(("up", "down"))]
        return not links or links[-1] != "up"


def prepare(machine):
    guest = machine.add_domain()
    home = b"/local/domain/%d" % guest.domid
    with SocketClient(machine) as xs:
        xs.introduce(guest)
        xs.mkdir(home + b"/data")
        xs.set_perms(home + b"/data", b"n%d" % guest.domid)
    guest.detach()
    return guest.domid


def until(what, condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise SystemExit("FAILED: waited in vain: " + what)
        time.sleep(0.001)


def kill(rng, daemon, ends):
    """One of the three; the next one only after the two have met again, or
    the work is done."""
    which = rng.randrange(5)
    if which == 0:
        daemon.kill()
        return
    end = ends[which & 1]
    if not end.running():
        return
    seen = [e.ups() for e in ends]
    end.end(True)
    if rng.randrange(4) == 0:           # sometimes both at once
        ends[~which & 1].end(True)
        ends[~which & 1].start()
    end.start()
    until("up again", lambda: not ends[1].running() or
          all(e.ups() > s for e, s in zip(ends, seen)))


def run(kills, seed):
    rng = random.Random(seed)
    count = 4000 * kills
    with Machine(create=True) as machine, \
            machine.supervise(DAEMON, restart_delay=0) as daemon:
        domid = prepare(machine)
        back = End(machine, "backend", machine.socket_path, 0, domid, "test",
                   LEASE)
        front = End(machine, "frontend", "ring", domid, 0, "test", count,
                    LEASE)
        try:
            until("the first up", lambda: front.ups() and back.ups())
            done = 0
            while front.running() and done < kills:
                time.sleep(rng.random() / 20)
                kill(rng, daemon, [back, front])
                done += 1
            until("the end of the frontend", lambda: not front.running())
            status = front.end(False)
            until("the backend hears of it", lambda: back.is_down())
            back.end(False)
        except SystemExit:
            print("frontend: %s\nbackend: %s" % (front.lines[-20:],
                                                back.lines[-20:]))
            raise
        finally:
            for end in (front, back):
                if end.running():
                    end.end(True)
    lines = front.lines + back.lines
    bad = [line for line in lines
           if line.startswith(("wrong", "trouble"))]
    if bad or status:
        raise SystemExit("FAILED, seed %d: %s, status %d" %
                         (seed, bad, status))
    if "came %d" % count not in front.lines or \
            "came %d" % count not in back.lines:
        raise SystemExit("FAILED, seed %d: %s %s" %
                         (seed, front.lines[-3:], back.lines[-3:]))
    if done < kills // 2:
        raise SystemExit("FAILED: only %d kills before the end" % done)
    print("%d messages each way, %d kills, %d and %d up: nothing lost, "
          "nothing twice" % (count, done, front.ups(), back.ups()))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    run(options.kills, options.seed)


if __name__ == "__main__":
    main()
