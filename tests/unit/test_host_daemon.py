#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon as a program: its command line, its pid file and its service
manager without Xen; its rings, sockets and limits on a simxen machine.

What a request answers is tested elsewhere; here it is who gets served, when
an index moves, and what the daemon does when the world misbehaves.
"""

import errno
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

TOP = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../..")
sys.path.insert(0, os.path.join(TOP, "tools/simxen"))
import simxen  # noqa: E402
from simxen import (CONNECTION, ERROR, EVTCHN, REQ_CONS, REQ_PROD,  # noqa: E402
                    RSP_CONS, RSP_PROD, Machine, RingClient, SocketClient,
                    XSError, message)

DAEMON = os.path.join(os.getcwd(), "xenstored/xenstored")
INDICES = (REQ_CONS, REQ_PROD, RSP_CONS, RSP_PROD)
MASK = 0xffffffff
# The preload is before the sanitizer's library, on purpose.
os.environ["ASAN_OPTIONS"] = "verify_asan_link_order=0:" + \
    os.environ.get("ASAN_OPTIONS", "")


def until(condition, timeout=10):
    """Wait for a condition; what it was in the end."""
    end = time.monotonic() + timeout
    while not condition() and time.monotonic() < end:
        time.sleep(0.002)
    return condition()


class WithoutXen(unittest.TestCase):
    def setUp(self):
        self.tmp = tempfile.TemporaryDirectory(prefix="xenstored-")
        self.dir = self.tmp.name
        self.env = dict(os.environ, XENSTORED_RUNDIR=self.dir + "/run")
        for name in ("XENSTORED_PATH", "NOTIFY_SOCKET", "LISTEN_FDS"):
            self.env.pop(name, None)
        self.pids = []

    def tearDown(self):
        for pid in self.pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.tmp.cleanup()

    def run_daemon(self, *args, **kw):
        return subprocess.run([DAEMON, *args], env=self.env, text=True,
                              capture_output=True, timeout=20, **kw)

    def pid(self):
        with open(self.dir + "/pid") as f:
            pid = int(f.read())
        self.pids.append(pid)
        return pid

    def ask(self, path="run/socket"):
        with SocketClient(os.path.join(self.dir, path)) as xs:
            return xs.request("GET_DOMAIN_PATH", b"7\0")

    def test_command_line(self):
        self.assertEqual(self.run_daemon("--help").returncode, 0)
        self.assertIn("xenstored (", self.run_daemon("-v").stdout)
        bad = self.run_daemon("--frobnicate")
        self.assertEqual(bad.returncode, 2)
        said = bad.stderr.splitlines()
        self.assertEqual(said[0], "xenstored: unknown option --frobnicate")
        self.assertTrue(said[1].startswith("Usage: "))
        self.assertEqual(self.run_daemon("-E", "5x").returncode, 2)

    def test_no_hypervisor(self):
        run = self.run_daemon("-N")
        self.assertEqual(run.returncode, 1)
        self.assertIn("XSD004", run.stderr)
        self.assertFalse(os.path.exists(self.dir + "/run/socket"))

    def test_background_pidfile_and_second_daemon(self):
        first = ("-D", "-P", "--pid-file", self.dir + "/pid")
        run = self.run_daemon(*first)
        self.assertEqual(run.returncode, 0, run.stderr)
        # Served as soon as the command has returned.
        self.assertEqual(self.ask(), b"/local/domain/7\0")
        pid = self.pid()
        self.assertEqual(int(run.stdout), pid)
        mode = os.stat(self.dir + "/run/socket").st_mode & 0o777
        self.assertEqual(mode, 0o600)
        for again in (first, ("-D", "-N")):
            run = self.run_daemon(*again)
            self.assertEqual(run.returncode, 1)
            self.assertIn("XSD005", run.stderr)
        self.assertEqual(self.ask(), b"/local/domain/7\0")
        os.kill(pid, signal.SIGTERM)
        self.assertTrue(until(lambda: not os.path.exists(self.dir + "/pid")))
        self.assertFalse(os.path.exists(self.dir + "/run/socket"))

    def test_left_over_socket(self):
        os.mkdir(self.dir + "/run")
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(self.dir + "/run/socket")
        run = self.run_daemon("-D", "--pid-file", self.dir + "/pid")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.pid()
        self.assertEqual(self.ask(), b"/local/domain/7\0")

    def test_a_file_is_not_removed(self):
        os.mkdir(self.dir + "/run")
        with open(self.dir + "/run/socket", "w") as f:
            f.write("precious")
        run = self.run_daemon("-D", "-N")
        self.assertEqual(run.returncode, 1)
        self.assertIn("XSD007", run.stderr)
        self.assertTrue(os.path.isfile(self.dir + "/run/socket"))

    def test_service_manager(self):
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        manager.bind(self.dir + "/notify")
        manager.settimeout(20)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.dir + "/handed")
        listener.listen()
        env = dict(self.env, NOTIFY_SOCKET=self.dir + "/notify",
                   WATCHDOG_USEC="300000", LISTEN_FDS="1")
        process = subprocess.Popen(
            ["/bin/sh", "-c", "LISTEN_PID=$$ exec %s -N -D 3<&%d" %
             (DAEMON, listener.fileno())], env=env,
            pass_fds=(listener.fileno(),), stderr=subprocess.DEVNULL)
        self.pids.append(process.pid)
        self.assertEqual(manager.recv(100), b"READY=1")
        self.assertEqual(manager.recv(100), b"WATCHDOG=1")
        self.assertEqual(manager.recv(100), b"WATCHDOG=1")
        self.assertEqual(self.ask("handed"), b"/local/domain/7\0")
        process.send_signal(signal.SIGTERM)
        while True:
            said = manager.recv(100)
            if said != b"WATCHDOG=1" and b"FDSTORE" not in said:
                break
        self.assertEqual(said, b"STOPPING=1")
        self.assertEqual(process.wait(20), 0)
        # Not ours to remove.
        self.assertTrue(os.path.exists(self.dir + "/handed"))
        manager.close()
        listener.close()

    def test_trace(self):
        trace = self.dir + "/trace"
        run = self.run_daemon("-D", "--pid-file", self.dir + "/pid", "-T",
                              trace)
        self.assertEqual(run.returncode, 0, run.stderr)
        pid = self.pid()
        self.ask()
        with open(trace) as f:
            lines = f.read().splitlines()
        self.assertRegex(lines[0], r"^in  s0 \d{8} [0-9:.]{15} "
                         r"GET_DOMAIN_PATH tx=0 req=1 \(7\\0\)$")
        self.assertRegex(lines[1], r"^out s0 .*\(/local/domain/7\\0\)$")
        os.rename(trace, trace + ".1")
        os.kill(pid, signal.SIGHUP)
        self.assertTrue(until(lambda: os.path.exists(trace)))
        self.ask()
        with open(trace) as f:
            self.assertEqual(len(f.read().splitlines()), 2)

    def test_trace_to_a_full_disk(self):
        run = self.run_daemon("-D", "--pid-file", self.dir + "/pid", "-T",
                              "/dev/full")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.pid()
        for _ in range(10):
            self.assertEqual(self.ask(), b"/local/domain/7\0")


class OnSimxen(unittest.TestCase):
    def setUp(self):
        self.m = Machine()
        self.addCleanup(self.m.close)

    def start(self, *args):
        self.d = self.m.daemon(DAEMON, "-N", *args)
        self.xs = SocketClient(self.m)
        self.addCleanup(self.xs.close)

    def tearDown(self):
        self.assertEqual(self.xs.request("CONTROL", b"check\0"), b"OK\0")
        self.xs.close()
        self.assertEqual(self.d.stop(), 0, self.d.output())

    def guest(self):
        g = self.m.add_domain()
        self.xs.introduce(g)
        home = b"/local/domain/%d" % g.domid
        self.xs.write(home, b"")
        self.xs.set_perms(home, b"n%d" % g.domid)
        return g

    def indices(self, g):
        return [g.word(o) for o in INDICES]

    def rings(self):
        text = self.xs.request("CONTROL", b"probe\0001\0rings\0000\0")
        rows = [dict(kv.split("=") for kv in line.split())
                for line in text.decode().splitlines()[1:]]
        return {int(row["domid"]): row for row in rows}

    def test_domain_built_by_xen_with_a_request_in_its_ring(self):
        g = self.m.add_domain()
        g.word(EVTCHN, g.port)
        for offset in INDICES:
            g.word(offset, 0xfffffff0)
        ring = RingClient(g)
        asked = message("GET_DOMAIN_PATH", b"7\0", req_id=77)
        ring.ring_put(asked, notify=False)
        self.start()
        self.assertEqual(ring.reply(77)[1], b"/local/domain/7\0")
        self.assertEqual(g.word(REQ_CONS), 0xfffffff0 + len(asked) & MASK)

    def test_rebinding_and_faults(self):
        self.start()
        g = self.guest()
        ring = RingClient(g)
        ring.write(b"a", b"1")
        self.m.new_port(g.domid)
        self.xs.introduce(g)
        self.assertEqual(ring.read(b"a"), b"1")
        with self.assertRaisesRegex(XSError, "EINVAL"):
            self.xs.introduce(g, port=0)
        self.assertEqual(ring.read(b"a"), b"1")
        other = self.m.add_domain()
        for what, err, name in (
                (simxen.FAULT_GRANT, errno.EPERM, "EPERM"),
                (simxen.FAULT_BIND, errno.ENOENT, "ENOENT")):
            self.m.fault(what, err)
            with self.assertRaisesRegex(XSError, name):
                self.xs.introduce(other)
            self.m.fault(what, 0)
            self.assertNotIn(other.domid, self.rings())
        self.xs.introduce(other)
        self.assertIn(other.domid, self.rings())

    def test_impossible_indices(self):
        self.start()
        for used in (1025, 1 << 31, MASK):
            g = self.m.add_domain()
            g.word(REQ_PROD, used)
            self.xs.introduce(g)
            self.assertTrue(until(lambda: g.word(ERROR) == 2))
            self.assertEqual(g.word(REQ_CONS), 0)
            g.word(CONNECTION, 1)
            g.notify()
            self.assertTrue(until(lambda: g.word(CONNECTION) == 0))
            self.assertEqual(self.indices(g) + [g.word(ERROR)], [0] * 5)
            self.assertEqual(RingClient(g).request("GET_DOMAIN_PATH", b"7\0"),
                             b"/local/domain/7\0")

    def test_reset_asked_at_introduce(self):
        self.start()
        g = self.m.add_domain()
        g.word(REQ_PROD, 5000)
        g.word(CONNECTION, 1)
        self.xs.introduce(g)
        self.assertTrue(until(lambda: g.word(CONNECTION) == 0))
        self.assertEqual(self.indices(g) + [g.word(ERROR)], [0] * 5)

    def test_protocol_error_and_release(self):
        self.start()
        g = self.guest()
        RingClient(g).ring_put(struct.pack("<IIII", 2, 1, 0, 4097))
        self.assertTrue(until(lambda: g.word(ERROR) == 3))
        self.xs.release(g.domid)
        self.assertEqual(g.word(ERROR), 0)
        for offset in INDICES:
            g.word(offset, 0)
        self.xs.introduce(g)
        self.assertEqual(RingClient(g).request("GET_DOMAIN_PATH", b"7\0"),
                         b"/local/domain/7\0")

    def test_full_ring_of_replies(self):
        self.start()
        g = self.guest()
        ring = RingClient(g)
        ring.write(b"big", b"z" * 900)
        asked = b"".join(message("READ", b"big\0", req_id=100 + i)
                         for i in range(12))
        self.assertEqual(ring.ring_put(asked), len(asked))
        self.assertTrue(until(lambda: g.word(RSP_PROD) - g.word(RSP_CONS) &
                              MASK == 1024))
        for i in range(12):
            self.assertEqual(ring.reply(100 + i)[1], b"z" * 900)

    def test_forgotten_notification(self):
        self.start()
        g = self.guest()
        ring = RingClient(g)
        ring.write(b"a", b"1")
        # What the guest notified by then has been seen to after this: the
        # first answer may come from within the pass that sees to it.
        self.rings()
        self.rings()
        ring.ring_put(message("READ", b"a\0", req_id=5), notify=False)
        self.assertEqual(ring.reply(5, timeout=10)[1], b"1")
        self.assertIn("XSD024 domain %d:" % g.domid, self.d.output())

    def test_guest_that_zeroes_its_ring(self):
        self.start()
        g = self.guest()
        ring = RingClient(g)
        ring.write(b"a", b"1")
        for offset in INDICES:
            g.word(offset, 0)
        self.assertEqual(ring.read(b"a"), b"1")

    def test_resets_are_rationed(self):
        """A storm of them goes on for ever and costs its neighbour little."""
        self.start()
        g, neighbour = self.guest(), RingClient(self.guest())
        slowest, end = 0.0, time.monotonic() + 1.5
        while time.monotonic() < end:
            g.word(CONNECTION, 1)
            g.notify()
            before = time.monotonic()
            neighbour.write(b"a", b"1")
            slowest = max(slowest, time.monotonic() - before)
        self.assertTrue(until(lambda: g.word(CONNECTION) == 0))
        resets = int(self.rings()[g.domid]["resets"])
        self.assertGreater(resets, 100)
        self.assertLess(resets, 1000 + 3 * 10000)
        self.assertLess(slowest, 1.0)

    def test_descriptors_run_out(self):
        self.start()
        ring = RingClient(self.guest())
        # simxen opens a descriptor in the daemon when it first notifies.
        ring.write(b"a", b"1")
        subprocess.run(["prlimit", "--pid", str(self.d.pid), "--nofile=64:"],
                       check=True)
        clients = [SocketClient(self.m) for _ in range(90)]
        for c in clients:
            self.addCleanup(c.close)
        ring.write(b"a", b"1")
        self.assertEqual(self.xs.read(b"/tool"), b"")

        def passes():
            text = self.xs.request("CONTROL", b"probe\0001\0host\0000\0")
            return int(text.split(b" passes=")[1].split()[0])
        # Paused, not spinning.
        before = passes()
        time.sleep(0.5)
        self.assertLess(passes() - before, 50)
        for c in clients[:60]:
            c.close()
        self.assertEqual(clients[-1].request("GET_DOMAIN_PATH", b"7\0"),
                         b"/local/domain/7\0")
        for c in clients[60:]:
            c.close()

    def test_death_and_birth_in_one_step(self):
        self.start()
        g = self.guest()
        RingClient(g).write(b"secret", b"1")
        os.kill(self.d.pid, signal.SIGSTOP)
        self.m.kill(g.domid)
        again = self.m.add_domain(domid=g.domid)
        os.kill(self.d.pid, signal.SIGCONT)
        self.assertTrue(until(lambda: g.domid not in self.rings()))
        self.xs.introduce(again)
        with self.assertRaises(XSError):
            self.xs.read(b"/local/domain/%d/secret" % g.domid)

    def test_slow_and_vanished_readers(self):
        self.start()
        big = b"q" * 4000
        self.xs.write(b"/big", big)
        slow = SocketClient(self.m)
        slow.sock.setblocking(False)
        sent = 0
        try:
            while True:
                slow.sock.send(message("READ", b"/big\0", req_id=sent))
                sent += 1
        except BlockingIOError:
            pass
        self.assertEqual(self.xs.read(b"/big"), big)
        slow.sock.settimeout(20)
        for i in range(sent):
            op, req_id, _, payload = slow.receive()
            self.assertEqual((req_id, payload), (i, big))
        slow.send(message("READ", b"/big\0") * 1000)
        slow.close()
        self.assertEqual(self.xs.read(b"/big"), big)

    def test_bad_socket_is_closed(self):
        self.start()
        with SocketClient(self.m) as bad:
            bad.send(struct.pack("<IIII", 2, 1, 0, 4097) + b"x" * 100)
            with self.assertRaises(ConnectionResetError):
                bad.recv(10)

    def test_restart_leaves_indices_alone(self):
        self.start()
        g = self.guest()
        ring = RingClient(g)
        ring.write(b"a", b"1")
        before = self.indices(g)
        self.xs.close()
        self.assertEqual(self.d.stop(), 0)
        self.assertEqual(self.indices(g), before)
        ring.ring_put(message("GET_DOMAIN_PATH", b"7\0", req_id=9))
        self.start()
        self.xs.introduce(g)
        self.assertEqual(ring.reply(9)[1], b"/local/domain/7\0")


if __name__ == "__main__":
    unittest.main()
