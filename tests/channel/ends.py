# SPDX-License-Identifier: GPL-2.0-or-later
"""Ends of channels as processes (channel_end) on a simxen machine, and the
test case that has one: a daemon, two guests, and an end A and an end B, each
in dom0 (over the socket) or in a guest (over its ring)."""

import os
import queue
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import unittest

TOP = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../..")
sys.path.insert(0, os.path.join(TOP, "tools/simxen"))
from simxen import Machine, SocketClient, XSError  # noqa: E402,F401

BUILD = os.environ.get("SIMXEN_BUILD", os.getcwd())
DAEMON = os.path.join(BUILD, "xenstored/xenstored")
LEASE = 1000
PATIENCE = 30
os.environ["ASAN_OPTIONS"] = "verify_asan_link_order=0:" + \
    os.environ.get("ASAN_OPTIONS", "")


class Cycle:
    """From an up to its down, as one end saw it."""

    def __init__(self):
        self.got = 0
        self.reason = None
        self.sent = self.delivered = self.never = self.doubt = None

    def over(self, words):
        self.reason = words[0]
        for word in words[1:]:
            name, value = word.split("=")
            setattr(self, name, int(value))


class End:
    """A process; `lines` as they come, `seen` those that were looked at."""

    def __init__(self, machine, where, own, peer, lease, *more):
        self._begin()
        self.process = subprocess.Popen(
            [os.path.join(BUILD, "channel_end"), where, str(own), str(peer),
             "test", str(lease), *more], text=True,
            # At its end it leaves everything to the kernel.
            env=machine.environ(ASAN_OPTIONS="detect_leaks=0:" +
                                os.environ["ASAN_OPTIONS"]), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._listen(self.process.stdin, self.process.stdout)

    def _begin(self):
        self.lines = queue.Queue()
        self.seen = []
        self.cycles = []

    def _listen(self, to, out):
        self.to, self.out = to, out
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        for line in self.out:
            words = line.split()
            if words[0] == "up":
                self.cycles.append(Cycle())
            elif words[0] == "got":
                self.cycles[-1].got += 1
            elif words[0] == "down":
                self.cycles[-1].over(words[1:])
            if words[0] != "got":
                self.lines.put(line.strip())
            elif words[1] == "0":
                self.lines.put("first")
        self.lines.put("eof")

    def tell(self, text):
        self.to.write(text + "\n")
        self.to.flush()

    def _next(self, timeout):
        line = self.lines.get(timeout=max(timeout, 0.001))
        if not line.startswith("status"):
            self.seen.append(line)
        if line.startswith("wrong"):
            raise AssertionError(line)
        return line

    def expect(self, start, timeout=PATIENCE):
        """The next line that starts so; what came before is in seen."""
        end = time.monotonic() + timeout
        while True:
            try:
                line = self._next(end - time.monotonic())
            except queue.Empty:
                raise AssertionError("no '%s' after %s" % (start, self.seen)) \
                    from None
            if line.startswith(start):
                return line
            if line == "eof":
                raise AssertionError("ended, no '%s' after %s" % (
                    start, self.seen))

    def absent(self, start, seconds):
        """No line that starts so, for that long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                line = self._next(end - time.monotonic())
            except queue.Empty:
                return
            if line.startswith(start):
                raise AssertionError("'%s' after %s" % (line, self.seen))

    def status(self):
        self.tell("status")
        words = self.expect("status").split()[1:]
        return dict(word.split("=") for word in words)

    def until(self, what, timeout=PATIENCE):
        """Ask for the status until what(status); that status."""
        end = time.monotonic() + timeout
        while True:
            status = self.status()
            if what(status):
                return status
            if time.monotonic() > end:
                raise AssertionError("still %s after %s" % (
                    status, self.seen))
            time.sleep(0.005)

    def until_got(self, count, cycle=-1, timeout=PATIENCE):
        """Until so many messages have come in that cycle."""
        end = time.monotonic() + timeout
        while not self.cycles or self.cycles[cycle].got < count:
            if time.monotonic() > end:
                raise AssertionError("%d of %d messages, %s" % (
                    self.cycles[cycle].got if self.cycles else 0, count,
                    self.seen))
            time.sleep(0.002)

    def stop(self):
        self.process.send_signal(signal.SIGSTOP)

    def wake(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        if self.process.poll() is None:
            self.kill()
        self.thread.join()
        self.to.close()
        self.out.close()


class Copy(End):
    """A copy of a running end, in another domain."""

    def __init__(self, end, domid, folder):
        self._begin()
        # It was up in the one it is copied from.
        self.cycles.append(Cycle())
        self.paths = [os.path.join(folder, "%s-%d" % (name, domid))
                      for name in ("in", "out")]
        for path in self.paths:
            os.mkfifo(path)
        end.tell("clone %d %s %s" % (domid, *self.paths))
        out = open(self.paths[1])
        self._listen(open(self.paths[0], "w"), out)
        self.expect("cloned")

    def close(self):
        """At the end of its input it ends."""
        self.to.close()
        self.thread.join()
        self.out.close()


class Proxy:
    """Between a client and the daemon's socket: loses watch events."""

    def __init__(self, machine, random):
        self.path = os.path.join(machine.dir, "proxy")
        self.daemon = machine.socket_path
        self.random = random
        self.lost = self.passed = 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            daemon = socket.socket(socket.AF_UNIX)
            daemon.connect(self.daemon)
            for target in (self._up, self._down):
                threading.Thread(target=target, args=(client, daemon),
                                 daemon=True).start()

    def _up(self, client, daemon):
        try:
            data = client.recv(65536)
            while data:
                daemon.sendall(data)
                data = client.recv(65536)
            daemon.shutdown(socket.SHUT_WR)
        except OSError:
            pass            # killed: the other direction sees the end

    def _down(self, client, daemon):
        have = b""
        try:
            data = daemon.recv(65536)
            while data:
                have = self._messages(client, have + data)
                data = daemon.recv(65536)
        except OSError:
            pass
        client.close()
        daemon.close()

    def _messages(self, client, have):
        while len(have) >= 16:
            kind, _, _, size = struct.unpack_from("<IIII", have)
            if len(have) < 16 + size:
                break
            whole, have = have[:16 + size], have[16 + size:]
            if kind == 15 and self.random.random() < 0.5:
                self.lost += 1
                continue
            self.passed += kind == 15
            client.sendall(whole)
        return have

    def close(self):
        self.listener.close()


class Pair(unittest.TestCase):
    """A machine with a daemon, two guests, and where A and B live."""

    daemon = "ours"
    args = ()
    a_home, b_home = "dom0", "guest"

    def setUp(self):
        self.ends = []
        self.machine = Machine(create=True)
        self.addCleanup(self.machine.close)
        self._daemon()
        self.addCleanup(lambda: self.running.__exit__(None, None, None))
        self.a_domid = 0 if self.a_home == "dom0" else self.domain()
        self.b_domid = 0 if self.b_home == "dom0" else self.domain()
        self.addCleanup(lambda: [end.close() for end in self.ends])

    def _daemon(self):
        # Ours is kept alive as systemd would, so that it can be killed.
        if self.daemon == "ours":
            self.running = self.machine.supervise(DAEMON, *self.args,
                                                  restart_delay=0)
        else:
            self.running = self.machine.daemon(self.daemon)
        self.running.__enter__()

    def domain(self):
        """What a toolstack does for a new one: its domid."""
        domid = self.machine.create_domain()
        home = b"/local/domain/%d" % domid
        with SocketClient(self.machine) as xs:
            info = self.machine.info(domid)
            xs.introduce(info)
            for name, value in ((b"/data", None), (b"/domid", b"%d" % domid)):
                if value is None:
                    xs.mkdir(home + name)
                else:
                    xs.write(home + name, value)
                xs.set_perms(home + name, b"n%d" % domid)
        return domid

    def destroy(self, domid):
        self.machine.kill(domid)
        with SocketClient(self.machine) as xs:
            xs.rm(b"/local/domain/%d" % domid)

    def _end(self, own, peer, more, where=None, lease=LEASE):
        where = where or ("ring" if own else self.machine.socket_path)
        end = End(self.machine, where, own, peer, lease, *more)
        self.ends.append(end)
        return end

    def a(self, *more, peer=None, **where):
        return self._end(self.a_domid, self.b_domid if peer is None else
                         peer, more, **where)

    def b(self, *more, **where):
        return self._end(self.b_domid, self.a_domid, more, **where)

    def both(self, rate=2000, lease=LEASE):
        """A and B, up, messages going both ways."""
        a, b = self.a(lease=lease), self.b(lease=lease)
        for end in (a, b):
            end.tell("rate %d" % rate)
        for end in (a, b):
            end.expect("up")
        if rate:
            for end in (a, b):
                end.expect("first")
        return a, b

    def node(self, own, peer, name=b""):
        return b"/local/domain/%d/data/channel/%d/test%s%s" % (
            own, peer, b"/" if name else b"", name)

    def a_node(self, name=b""):
        return self.node(self.a_domid, self.b_domid, name)

    def b_node(self, name=b""):
        return self.node(self.b_domid, self.a_domid, name)

    def client(self):
        xs = SocketClient(self.machine)
        self.addCleanup(xs.close)
        return xs

    def flows(self, *ends):
        """Messages still come, at each."""
        for end in ends:
            end.until_got(end.cycles[-1].got + 10)

    def same(self, a, b, ia=-1, ib=-1):
        """What the verdicts of one end say is what the other end got."""
        for x, y in ((a.cycles[ia], b.cycles[ib]),
                     (b.cycles[ib], a.cycles[ia])):
            if x.sent is None:
                continue
            self.assertEqual(x.sent, x.delivered + x.never + x.doubt)
            self.assertLessEqual(x.delivered, y.got)
            self.assertLessEqual(y.got, x.delivered + x.doubt)
