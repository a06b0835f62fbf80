#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""xs-probe doctor on simxen machines that are broken on purpose, one thing at
a time: it must name that and nothing else, and be silent where all is well.
"""
import errno
import glob
import json
import os
import signal
import subprocess
import sys
import time
import unittest

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [os.path.join(HERE, "../simxen")]
sys.dont_write_bytecode = True
from simxen import (Machine, RingClient, SocketClient, XSError,  # noqa: E402
                    CONNECTION, FAULT_GRANT, REQ_PROD)

BUILD = os.getcwd()
DAEMON = os.path.join(BUILD, "xenstored/xenstored")
PROBE = os.path.join(BUILD, "tools/xs-probe/xs-probe")
STOCK = (glob.glob("/usr/lib/xen-*/bin/xenstored") or [None])[-1]
OCAML = glob.glob("/usr/lib/xen-*/bin/oxenstored") and "ocaml"
# The preload is before the sanitizer's library, on purpose.
os.environ["ASAN_OPTIONS"] = "verify_asan_link_order=0:" + \
    os.environ.get("ASAN_OPTIONS", "")
EPOCH = b"%d.0-" + b"0" * 32


def status(mine, peer, says, generation=b"0", beat=1, lease=15000,
           reason=b"-"):
    """What an end of a channel says of itself."""
    return b"v=1 e=%s p=%s s=%s g=%s t=0 a=0 w=8 h=%d l=%d f=0 r=%s" % (
        EPOCH % mine, EPOCH % peer if peer else b"-", says, generation, beat,
        lease, reason)


class Doctor(unittest.TestCase):
    """A host with dom0, a guest that talks, a disk and a network card."""

    peer = DAEMON

    def setUp(self):
        self.assertTrue(self.peer, "no such daemon here")
        self.m = Machine()
        self.addCleanup(self.m.close)
        args = [] if self.peer == "ocaml" else ["-N"]
        self.d = self.m.daemon(self.peer, *args)
        self.xs = SocketClient(self.m)
        self.addCleanup(lambda: self.xs.close())
        self.xs.write(b"/local/domain/0/domid", b"0")
        self.guest, self.ring, self.home = self.add_guest()
        self.dev(b"vif", 0, 4, 4)
        self.dev(b"vbd", 51712, 4, 4)
        try:
            self.generation = self.xs.read(b"/tool/xenstored/generation")
        except XSError:
            self.generation = b"0"

    def add_guest(self):
        guest = self.m.add_domain()
        self.xs.introduce(guest)
        home = b"/local/domain/%d" % guest.domid
        self.xs.write(home, b"")
        self.xs.set_perms(home, b"n%d" % guest.domid)
        ring = RingClient(guest)
        ring.write(b"data/hello", b"1")
        return guest, ring, home

    def dev(self, kind, number, front, back, domid=0):
        f = self.home + b"/device/%s/%d" % (kind, number)
        b = b"/local/domain/%d/backend/%s/%d/%d" % (
            domid, kind, self.guest.domid, number)
        for path, value in ((f + b"/backend", b), (b + b"/frontend", f),
                            (f + b"/state", b"%d" % front),
                            (b + b"/state", b"%d" % back)):
            self.xs.write(path, value)
        return f, b

    def channel(self, owner, peer, text, name=b"c"):
        path = b"/local/domain/%d/data/channel/%d/%s/st" % (owner, peer, name)
        self.xs.write(path, text)

    def run_doctor(self, *args):
        args = args or ("--wait", "0")
        p = self.m.run(PROBE, "doctor", *args)
        self.assertEqual(p.stderr, "")
        return p

    def finds(self, ids, *args, words="", code=None, about=""):
        """Exactly these findings; words and `about` are of the first."""
        if code is None:
            code = 1 if ids else 0
        p = self.run_doctor("--json", *(args or ("--wait", "0")))
        got = json.loads(p.stdout)
        self.assertEqual([f["id"] for f in got["findings"]], ids, p.stdout)
        self.assertEqual(p.returncode, code, p.stdout)
        for f in got["findings"]:
            for key in "about", "what", "meaning", "do":
                self.assertTrue(f[key], key)
        if ids:
            self.assertIn(words, got["findings"][0]["what"])
            self.assertIn(about, got["findings"][0]["about"])
        return got

    def until(self, condition, seconds=20):
        end = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), end, "waited in vain")
            time.sleep(0.02)

    def until_found(self, ids, *args, **kw):
        """As finds(), when what is waited for takes its time."""
        def found():
            p = self.run_doctor("--json", *args)
            return [f["id"] for f in json.loads(p.stdout)["findings"]] == ids
        self.until(found)
        return self.finds(ids, *args, **kw)

    def probe_ring(self):
        p = self.m.run(PROBE, "ring", "--json", str(self.guest.domid))
        return json.loads(p.stdout)


class Healthy(Doctor):
    def test_silent(self):
        a, b = 0, self.guest.domid
        self.channel(a, b, status(1, 2, b"up", self.generation))
        self.channel(b, a, status(2, 1, b"up", self.generation))
        self.channel(a, b, status(1, 0, b"quiet", self.generation,
                                  reason=b"closed"), b"old")
        self.channel(b, a, status(2, 0, b"quiet", self.generation,
                                  reason=b"closed"), b"old")
        self.dev(b"console", 1, 1, 4)
        self.dev(b"vkbd", 0, 6, 6)
        self.xs.write(self.home + b"/device/suspend/event-channel", b"")
        got = self.finds([], "--wait", "1")
        self.assertEqual((got["daemon"], got["domains"], got["devices"],
                          got["channels"]), ("proxenos", 2, 4, 2))
        p = self.run_doctor("--wait", "0")
        self.assertEqual(p.returncode, 0)
        self.assertIn("Looked at 2 domains, 4 devices and 2 channels.\n",
                      p.stdout)
        self.assertIn("\nNothing is wrong.\n", p.stdout)
        self.assertNotIn("Means:", p.stdout)

    def test_nothing_under_way_is_named(self):
        """What moves between the looks is not broken; what stands is."""
        f, b = self.dev(b"vif", 1, 1, 2)
        self.finds(["device-waiting"], code=0)
        probe = subprocess.Popen(
            [PROBE, "doctor", "--json", "--wait", "2"], text=True,
            env=self.m.environ(), stdout=subprocess.PIPE)
        end = time.monotonic() + 20
        while probe.poll() is None and time.monotonic() < end:
            # Never in the same state for two seconds, never connected.
            for pair in ((1, 2), (3, 2), (3, 4)):
                self.xs.write(f + b"/state", b"%d" % pair[0])
                self.xs.write(b + b"/state", b"%d" % pair[1])
                if probe.poll() is not None:
                    break
                if pair == (3, 4):
                    # As a device does that has become ready.
                    self.xs.write(f + b"/state", b"4")
                    time.sleep(0.01)
        out, _ = probe.communicate(timeout=20)
        got = [x["id"] for x in json.loads(out)["findings"]]
        self.assertNotIn("device-stuck", got)


class Devices(Doctor):
    def test_pairs(self):
        """Every pair that cannot stand still, and some that can."""
        for front, back, found, words in (
                (4, 5, "device-half-connected", "the backend is not"),
                (4, 2, "device-half-connected", "the backend is not"),
                (4, 6, "device-half-connected", "the backend is not"),
                (1, 4, "device-half-connected", "the frontend is not"),
                (6, 4, "device-half-connected", "the frontend is not"),
                (1, 1, "device-stuck", "the backend has not begun"),
                (3, 1, "device-stuck", "the backend has not begun"),
                (3, 2, "device-stuck", "the frontend waits for"),
                (2, 2, "device-stuck", "the frontend does not go on"),
                (1, 6, "device-stuck", "which has closed"),
                (5, 5, "device-stuck", "both close"),
                (5, 6, "device-stuck", "does not finish closing"),
                (5, 2, "device-stuck", "the backend does not follow"),
                (6, 5, "device-stuck", "backend does not finish"),
                (6, 2, None, ""), (6, 6, None, ""), (7, 4, None, ""),
                (4, 8, None, "")):
            f, _ = self.dev(b"vif", 0, front, back)
            with self.subTest(front=front, back=back):
                self.finds([found] if found else [], words=words,
                           about=f.decode() if found else "")

    def test_half_connected_stands(self):
        self.dev(b"vif", 0, 4, 5)
        self.finds(["device-half-connected"], "--wait", "1",
                   words="frontend 4 (Connected), backend 5 (Closing)")
        p = self.run_doctor("--wait", "0")
        self.assertEqual(p.returncode, 1)
        self.assertTrue(p.stdout.startswith(
            "broken: device-half-connected\n  /local/domain/1/device/vif/0: "
            "the frontend is connected"), p.stdout)
        self.assertIn("\n  Means:  One end says", p.stdout)
        self.assertIn("\n  Do:     Look at the log", p.stdout)
        self.assertIn("\nSomething is wrong.\n", p.stdout)
        self.assertTrue(all(len(line) < 80 for line in
                            p.stdout.splitlines()))

    def test_invalid_state(self):
        self.xs.write(self.home + b"/device/vif/0/state", b"4x\x1b[31m")
        self.finds(["device-state-invalid"], words='"4x?[31m"')

    def test_dead_backend(self):
        guest, _, home = self.add_guest()
        self.dev(b"vif", 1, 4, 4, guest.domid)
        self.finds([])
        self.xs.request("RELEASE", b"%d\0" % guest.domid)
        self.finds(["device-backend-dead"], words="domain %d" % guest.domid)
        self.xs.request("RM", home + b"\0")
        self.finds(["device-backend-dead"], words="domain %d" % guest.domid)

    def test_missing_backend(self):
        self.xs.request("RM", b"/local/domain/0/backend/vif\0")
        self.finds(["device-backend-missing"], about="/device/vif/0")

    def test_backend_of_the_dead(self):
        self.xs.request("RM", self.home + b"/device/vbd\0")
        self.finds(["backend-orphan"], words="/device/vbd/51712 is not there")
        self.xs.request("RELEASE", b"%d\0" % self.guest.domid)
        self.xs.request("RM", self.home + b"\0")
        self.finds(["backend-orphan", "backend-orphan"],
                   words="domain 1, which is gone")

    def test_errors(self):
        self.xs.write(self.home + b"/error/device/vif/0/error", b"2 broke")
        self.finds([])              # it is connected: of another time
        self.dev(b"vif", 0, 6, 6)
        self.finds(["device-error"], words="2 broke",
                   about="/local/domain/1/device/vif/0")
        self.xs.request("RM", self.home + b"/error\0")
        _, b = self.dev(b"vif", 0, 4, 4)
        self.xs.write(b + b"/hotplug-status", b"error")
        self.finds(["device-error"], words="it left no reason",
                   about="/local/domain/0/backend/vif/1/0")


class Channels(Doctor):
    def test_down(self):
        a, b = 0, self.guest.domid
        self.channel(a, b, status(1, 2, b"up", self.generation))
        self.channel(b, a, status(2, 0, b"quiet", self.generation,
                                  reason=b"suspect"))
        self.finds(["channel-down"], words="domain 1 says quiet (last left: "
                   "suspect)", about="channel c, domains 0 and 1")
        # Up, but with an older life of the peer.
        self.channel(b, a, status(3, 1, b"up", self.generation))
        self.finds(["channel-down"])

    def test_alone(self):
        self.channel(0, self.guest.domid, status(1, 0, b"hello",
                                                 self.generation))
        self.finds(["channel-waiting"], code=0)
        self.channel(0, 77, status(1, 2, b"up", self.generation), b"d")
        self.finds(["channel-peer-dead", "channel-waiting"],
                   words="domain 77 is gone")

    def test_garbage(self):
        a, b = 0, self.guest.domid
        self.channel(a, b, status(1, 2, b"up", self.generation))
        self.channel(b, a, b"v=1 nonsense")
        self.finds(["channel-garbage"], words="domain 1")

    def test_silent(self):
        a, b = 0, self.guest.domid
        self.channel(a, b, status(1, 2, b"up", self.generation, lease=500))
        self.channel(b, a, status(2, 1, b"up", self.generation))
        got = self.finds(["channel-silent"], "--wait", "1",
                         words="domain 0 says up")
        self.assertIn("silent", " ".join(got["not_checked"]))
        self.channel(a, b, status(1, 2, b"up", b"gone"))
        self.finds(["channel-silent"], words="of a store that is gone")


class Rings(Doctor):
    def test_bad_indices(self):
        self.guest.word(REQ_PROD, self.guest.word(REQ_PROD) + 5000)
        self.guest.notify()
        self.until(lambda: self.probe_ring()["error"])
        got = self.finds(["ring-error", "ring-indices"],
                         about="domain %d" % self.guest.domid)
        self.assertIn("1024", got["findings"][1]["what"])

    def test_guest_does_not_read(self):
        self.ring.watch(b"data", b"token")
        for i in range(200):
            self.xs.write(self.home + b"/data/%d" % i, b"")
        self.until(lambda: (self.probe_ring()["rsp_prod"] -
                            self.probe_ring()["rsp_cons"]) == 1024)
        self.finds(["guest-not-reading"], "--wait", "1",
                   words="1024 bytes", about="domain %d" % self.guest.domid)

    def test_no_ring(self):
        """Found introduced at a start, and cannot be mapped."""
        self.m.fault(FAULT_GRANT, errno.ENOMEM, self.guest.domid)
        self.d.kill()
        self.d = self.m.daemon(self.peer, "-N")
        self.finds(["ring-missing"], "--wait", "1",
                   about="domain %d" % self.guest.domid)

    def test_reset_asked(self):
        self.guest.word(CONNECTION, 1)
        self.finds(["ring-reset-pending"], "--wait", "1")

    def test_reset_not_offered(self):
        guest = self.m.add_domain()
        self.xs.request("SET_FEATURE", b"%d\0" b"14\0" % guest.domid)
        self.xs.introduce(guest)
        self.finds([])
        guest.word(CONNECTION, 1)
        self.finds(["ring-reset-in-vain"], "--wait", "1",
                   about="domain %d" % guest.domid, words="connection is 1")

    def test_events_lost(self):
        """It did not read for long; it does again, but that has been."""
        self.xs.write(b"/busy", b"")
        self.xs.set_perms(b"/busy", b"n0", b"r%d" % self.guest.domid)
        self.ring.watch(b"/busy", b"token")
        self.xs.request("SET_QUOTA", b"%d\0memory\0" b"9000\0" %
                        self.guest.domid)
        for i in range(200):
            self.xs.write(b"/busy/%d" % i, b"")
        self.xs.request("SET_QUOTA", b"%d\0memory\0" b"1000000\0" %
                        self.guest.domid)
        got, path = 0, b""
        while path != b"/busy/last":
            path = self.ring.event()[0]
            if path == b"/busy" and got:    # for those that were lost
                self.xs.write(b"/busy/last", b"")
            got += path != b"/busy"
        self.assertLess(got, 200)
        self.finds(["events-lost"], code=0, words="%d events" % (201 - got),
                   about="domain %d" % self.guest.domid)


class Clients(Doctor):
    def test_does_not_read(self):
        """A program of this host that watches and then looks away."""
        idle = SocketClient(self.m)
        self.addCleanup(idle.close)
        idle.watch(b"/busy", b"token")
        for i in range(6000):
            self.xs.write(b"/busy/%d" % i, b"")
        self.until_found(["client-not-reading"], "--wait", "1",
                         about="process %d (" % os.getpid())
        while True:
            try:
                idle.event(timeout=0.2)
            except TimeoutError:
                break
        self.finds([], "--wait", "0")

    def test_transaction(self):
        tx = self.xs.transaction()
        self.xs.write(b"/in", b"1", tx)
        self.until_found(["transaction-stuck"], "--wait", "0", "--age", "1",
                         about="process %d (" % os.getpid())


class Quotas(Doctor):
    def set_quota(self, nodes):
        self.xs.request("SET_QUOTA", b"%d\0nodes\0%d\0" %
                        (self.guest.domid, nodes))

    def test_near_full_refused(self):
        self.set_quota(20)
        i = 0
        while self.nodes() < 18:
            self.ring.write(b"data/n%d" % i, b"")
            i += 1
        self.finds(["quota-near"], words="nodes: 18 of 20",
                   about="domain %d" % self.guest.domid)
        self.ring.write(b"data/x", b"")
        self.ring.write(b"data/y", b"")
        self.finds(["quota-full"], words="nodes: 20 of 20")
        with self.assertRaises(XSError):
            self.ring.write(b"data/z", b"")
        self.finds(["quota-full", "quota-refused"])

    def nodes(self):
        p = self.m.run(PROBE, "domains", "--json")
        return [d["nodes"] for d in json.loads(p.stdout)["domains"]
                if d["domid"] == self.guest.domid][0]


class Transactions(Doctor):
    def test_stuck(self):
        tx = self.ring.transaction()
        self.ring.write(b"data/in", b"1", tx)
        self.until_found(["transaction-stuck"], "--wait", "1", "--age", "1",
                         about="domain %d" % self.guest.domid)
        self.ring.request("TRANSACTION_END", b"F\0", tx)
        self.finds([], "--wait", "1", "--age", "1")

    losses = 0

    def lose(self):
        """A program loses one to the guest.  Each time another: the daemon
        lets who has lost go first."""
        with SocketClient(self.m) as loser:
            tx = loser.transaction()
            loser.read(self.home + b"/data/hello", tx)
            self.losses += 1
            self.ring.write(b"data/hello", b"of %d" % self.losses)
            loser.write(b"/mine", b"1", tx)
            with self.assertRaises(XSError) as caught:
                loser.end(tx)
            self.assertEqual(caught.exception.name, "EAGAIN")

    def test_conflicts(self):
        """Who loses now and then tries again; who keeps losing is named."""
        for _ in range(9):
            self.lose()
        self.finds([])
        self.lose()
        got = self.finds(["transactions-conflict"], about="of the socket",
                         words="for what domain %d wrote" % self.guest.domid)
        what = got["findings"][0]["what"]
        self.assertTrue(what.startswith("10 of its transactions"), what)
        self.assertTrue(what.endswith("at /local/domain/%d/data/hello" %
                                      self.guest.domid), what)


class Files(Doctor):
    def test_socket_mode(self):
        os.chmod(self.m.socket_path, 0o666)
        self.finds(["socket-mode"], words="0666")
        os.chmod(self.m.socket_path, 0o600)
        os.chmod(os.path.dirname(self.m.socket_path), 0o777)
        self.finds(["socket-mode"], words="0777")

    def test_pid_file(self):
        name = os.path.join(self.m.dir, "pid")
        for pid, ids in ((self.d.pid, []), (1, ["pid-file"])):
            with open(name, "w") as f:
                f.write("%d\n" % pid)
            self.finds(ids, "--wait", "0", "--pid-file", name)

    def test_died_before(self):
        os.mkdir(os.path.join(os.path.dirname(self.m.socket_path),
                              "failed.1760000000"))
        self.finds(["daemon-died"], code=0, about="failed.1760000000")

    def test_dom0(self):
        self.xs.request("RM", b"/local/domain/0/domid\0")
        self.finds(["dom0-not-initialised"])

    def test_dead(self):
        self.d.kill()
        got = self.finds(["daemon-unreached"], code=3, words="nobody listens")
        self.assertEqual(got["daemon"], "none")
        os.unlink(self.m.socket_path)
        self.finds(["daemon-unreached"], code=3, words="No such")

    def test_hangs(self):
        self.d.process.send_signal(signal.SIGSTOP)
        try:
            self.finds(["daemon-silent"], "--timeout", "300", code=3,
                       words="300 ms")
        finally:
            self.d.process.send_signal(signal.SIGCONT)


class OnStock(Doctor):
    peer = STOCK

    def test_stock(self):
        got = self.finds([])
        self.assertEqual(got["daemon"], "other")
        self.assertIn("not proxenos", got["not_checked"][0])
        self.dev(b"vif", 0, 4, 5)
        self.channel(0, 77, status(1, 2, b"up"))
        self.finds(["device-half-connected", "channel-peer-dead"])


class OnOcaml(OnStock):
    peer = OCAML


if __name__ == "__main__":
    unittest.main()
