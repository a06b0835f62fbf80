#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Channels between real processes on a simxen machine: a frontend in a guest
(over its ring) and a backend in dom0 (over the socket), on our daemon or on
the two it replaces; `all` is those that are installed.

  test_channel.py [--daemon ours|stock|ocaml|all]... [NAME...]
"""

import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
import unittest

TOP = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../..")
sys.path.insert(0, os.path.join(TOP, "tools/simxen"))
from simxen import Machine, SocketClient, XSError  # noqa: E402

BUILD = os.getcwd()
DAEMON = os.path.join(BUILD, "xenstored/xenstored")
PEERS = "/usr/lib/xen-4.17/bin/"
LEASE = 600
os.environ["ASAN_OPTIONS"] = "verify_asan_link_order=0:" + \
    os.environ.get("ASAN_OPTIONS", "")


class End:
    """One of the example programs; its lines as they come."""

    def __init__(self, machine, which, where, own, peer, *args):
        program = os.path.join(BUILD, "tools/examples/channel-" + which)
        self.lines = queue.Queue()
        self.seen = []
        self.process = subprocess.Popen(
            [program, where, str(own), str(peer), "test",
             *map(str, args)], env=machine.environ(), text=True,
            stdout=subprocess.PIPE)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.strip())

    def expect(self, start, timeout=15):
        """The next line that starts so; what came before is in seen."""
        end = time.monotonic() + timeout
        while True:
            left = end - time.monotonic()
            try:
                line = self.lines.get(timeout=max(left, 0.001))
            except queue.Empty:
                raise AssertionError("no '%s' after %s" % (start, self.seen))
            self.seen.append(line)
            if line.startswith("wrong"):
                raise AssertionError(line)
            if line.startswith(start):
                return line

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        if self.process.poll() is None:
            self.kill()
        self.thread.join()
        self.process.stdout.close()


class Channel(unittest.TestCase):
    daemon = "ours"

    def setUp(self):
        self.ends = []
        self.machine = Machine(create=True)
        self.addCleanup(self.machine.close)
        self.start_daemon()
        self.addCleanup(lambda: self.running.__exit__(None, None, None))
        self.guest = self.machine.add_domain()
        self.domid = self.guest.domid
        home = b"/local/domain/%d" % self.domid
        with SocketClient(self.machine) as xs:
            xs.introduce(self.guest)
            xs.mkdir(home + b"/data")
            xs.set_perms(home + b"/data", b"n%d" % self.domid)
        self.guest.detach()
        self.addCleanup(self.close_ends)

    def start_daemon(self):
        # Ours is kept alive as systemd would, so that it can be killed.
        if self.daemon == "ours":
            self.running = self.machine.supervise(DAEMON, restart_delay=0)
        else:
            self.running = self.machine.daemon(self.daemon)
        self.running.__enter__()

    def close_ends(self):
        for end in self.ends:
            end.close()

    def end(self, *args):
        self.ends.append(End(self.machine, *args))
        return self.ends[-1]

    def backend(self, *args):
        return self.end("backend", self.machine.socket_path, 0, self.domid,
                        LEASE, *args)

    def frontend(self, count):
        return self.end("frontend", "ring", self.domid, 0, count, LEASE)

    def messages(self, front):
        """Until the frontend has filled its first slot again, or is done."""
        path = b"/local/domain/%d/data/channel/0/test/m0" % self.domid
        first = None
        end = time.monotonic() + 15
        while front.process.poll() is None:
            self.assertLess(time.monotonic(), end, "no message comes")
            try:
                with SocketClient(self.machine) as xs:
                    sequence = xs.read(path).split()[2]
            except XSError:
                continue
            first = first or sequence
            if sequence != first:
                return

    def test_both_ways(self):
        back, front = self.backend(), self.frontend(500)
        self.assertEqual(front.expect("all"), "all 500, 1 up")
        front.expect("ended closed")
        self.assertIn("released", front.seen)
        back.expect("down closed")
        back.expect("released")

    def test_backend_killed(self):
        back, front = self.backend(), self.frontend(10 ** 9)
        front.expect("up")
        back.kill()
        again = self.backend()
        front.expect("down lost")
        front.expect("released")
        front.expect("up")
        again.expect("up")

    def test_daemon_killed(self):
        back, front = self.backend(), self.frontend(5000)
        front.expect("up")
        for _ in range(5):
            self.running.kill()
            self.running.wait_ready()
            self.messages(front)
        self.assertEqual(front.expect("all"), "all 5000, 1 up")
        back.expect("down closed")

    def test_frozen(self):
        back, front = self.backend(), self.frontend(10 ** 9)
        front.expect("up")
        back.expect("up")
        back.signal(signal.SIGSTOP)
        front.expect("down suspect")
        self.assertNotIn("released", front.seen)
        back.signal(signal.SIGCONT)
        back.expect("down suspect")
        front.expect("released")
        front.expect("up")
        back.expect("up")

    def test_both_close(self):
        back, front = self.backend(), self.frontend(10 ** 9)
        front.expect("up")
        back.expect("up")
        back.signal(signal.SIGTERM)
        front.signal(signal.SIGTERM)
        back.expect("down closed")
        front.expect("down closed")
        back.expect("ended closed")
        front.expect("ended closed")

    def test_one_process_an_end(self):
        lock = os.path.join(self.machine.dir, "lock")
        back, front = self.backend(lock), self.frontend(10 ** 9)
        front.expect("up")
        second = self.backend(lock)
        self.assertEqual(second.process.wait(timeout=10), 1)
        self.assertIsNone(back.process.poll())

    def test_superseded(self):
        back, front = self.backend(), self.frontend(10 ** 9)
        back.expect("up")
        second = self.backend()
        back.expect("ended superseded")
        second.expect("up")
        front.expect("down")

    def test_removed(self):
        back, front = self.backend(), self.frontend(10 ** 9)
        front.expect("up")
        with SocketClient(self.machine) as xs:
            xs.rm(b"/local/domain/0/data/channel/%d/test" % self.domid)
        back.expect("down")
        front.expect("down lost")
        # A write that was under way may have brought st back: then they meet
        # again, and what came back can be read as before.
        if back.expect(("ended removed", "up")) == "up":
            front.expect("up")

    def test_garbage(self):
        back, front = self.backend(), self.frontend(10 ** 9)
        front.expect("up")
        back.expect("up")
        back.signal(signal.SIGSTOP)
        with SocketClient(self.machine) as xs:
            xs.write(b"/local/domain/0/data/channel/%d/test/st" % self.domid,
                     b"v=1 e=nonsense")
        front.expect("down protocol")
        back.signal(signal.SIGCONT)
        front.expect("up")

    def test_domain_destroyed(self):
        back, front = self.backend(), self.frontend(10 ** 9)
        back.expect("up")
        front.kill()
        self.machine.kill(self.domid)
        with SocketClient(self.machine) as xs:
            xs.rm(b"/local/domain/%d" % self.domid)
        back.expect("down")
        back.expect("released")
        self.assertIn("down gone", back.seen)


def suites(names):
    loader = unittest.TestLoader()
    for name in names:
        kind = type("Channel_" + name, (Channel,), {"daemon": name})
        yield loader.loadTestsFromTestCase(kind)


def main():
    names, only, args = [], [], sys.argv[1:]
    while args:
        word = args.pop(0)
        if word == "--daemon":
            names.append(args.pop(0))
        else:
            only.append(word)
    if "all" in names:
        names = ["ours"] + [
            name for name, program in (("stock", "xenstored"),
                                       ("ocaml", "oxenstored"))
            if os.path.exists(PEERS + program) or
            shutil.which(program)]
    names = names or ["ours"]
    suite = unittest.TestSuite()
    for kind in suites(names):
        for test in kind:
            # The others forget their store.
            if "daemon_killed" in test.id() and test.daemon != "ours":
                continue
            if not only or any(word in test.id() for word in only):
                suite.addTest(test)
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    bad = len(result.failures) + len(result.errors)
    print("%d passed, %d failed" % (result.testsRun - bad, bad))
    sys.exit(0 if result.wasSuccessful() and result.testsRun else 1)


if __name__ == "__main__":
    main()
