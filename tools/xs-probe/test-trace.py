#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""xs-probe trace: live on a machine of simxen, into a file and back, filters
in the daemon and in the tool, a reader that is too slow, and daemons that
cannot."""
import json
import os
import re
import signal
import struct
import subprocess
import time
import unittest

from broken import PROBE, Test, XSError, control, page, records
from simxen import SocketClient


class Tracer:
    """xs-probe trace in the background; ended by SIGINT."""

    def __init__(self, test, *args):
        self.test, self.b = test, test.b
        self.process = subprocess.Popen(
            [PROBE, "trace", *args], text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=self.b.machine.environ())
        test.addCleanup(self.gone)
        end = time.monotonic() + 20
        while dict(records(self.b.xs, "host")[0])["tracers"] == "0":
            test.assertLess(time.monotonic(), end, "no tracer")
            test.assertIsNone(self.process.poll())

    def gone(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


def lines_of(text):
    """Without the head; times and latencies as T, sockets as s."""
    return [re.sub(r" +", " ", re.sub(
        r"^[\d:.]+ +", "", re.sub(r"^([\d:.]+ +)s\d+", r"\1s", line)))
        for line in text.splitlines()[1:]]


def plain(lines):
    """Latencies, which differ, left out."""
    return [re.sub(r"^(\S+ \S+) (\d+|-) ", r"\1 ", line) for line in lines]


class Live(Test):
    def trace(self, *args):
        return Tracer(self, *args)

    def ends(self, process, status=0):
        out, err = process.communicate(timeout=20)
        self.assertEqual(process.returncode, status, (out, err))
        return out, err

    def test_golden(self):
        b = self.begin()
        t = self.trace("--domain", "1", "-n", "9")
        one = b.guests[1]
        one.write(b"data", b"a \"value\"\n")
        one.read(b"data")
        with self.assertRaises(XSError):
            one.read(b"nothing")
        one.watch(b"data", b"tok")
        tx = one.transaction()
        one.mkdir(b"dir", tx)
        one.end(tx)
        b.guests[2].write(b"unseen", b"")
        one.directory(b"/local/domain/1")
        out, err = self.ends(t.process)
        self.assertEqual(err, "")
        self.assertEqual(out.splitlines()[0].split(),
                         "TIME WHO OP TOOK us RESULT TX PATH VALUE".split())
        self.assertEqual(plain(lines_of(out)), [
            'd1 WRITE OK /local/domain/1/data "a \\"value\\"\\n"',
            'd1 READ OK /local/domain/1/data "a \\"value\\"\\n"',
            'd1 READ ENOENT /local/domain/1/nothing',
            'd1 WATCH OK /local/domain/1/data "tok"',
            'd1 WATCH_EVENT - /local/domain/1/data "tok"',
            'd1 TRANSACTION_START OK "1"',
            'd1 MKDIR OK tx=1 /local/domain/1/dir',
            'd1 TRANSACTION_END OK tx=1 "T"',
            'd1 DIRECTORY OK /local/domain/1 "data\\000dir"'])

    def test_filters(self):
        b = self.begin()
        t = self.trace("--path", "/local/domain/1/a,/local/domain/2", "--op",
                       "write,rm", "--domain", "1,2,sockets", "-n", "4")
        for guest in b.guests.values():
            guest.write(b"a", b"")
            guest.write(b"b", b"")
            guest.read(b"a")
        b.xs.rm(b"/local/domain/1/a")
        out = self.ends(t.process)[0]
        self.assertEqual(plain(lines_of(out)), [
            'd1 WRITE OK /local/domain/1/a ""',
            'd2 WRITE OK /local/domain/2/a ""',
            'd2 WRITE OK /local/domain/2/b ""',
            's RM OK /local/domain/1/a'])

    def test_slow(self):
        """A write that has to wait for a transaction that goes first, as it
        had failed before."""
        b = self.begin()
        one, path = b.guests[1], b"/local/domain/1/x"
        one.write(b"x", b"0")
        with SocketClient(b.machine) as loser:
            tx = loser.transaction()
            loser.read(path, tx)
            loser.write(b"/mine", b"", tx)
            one.write(b"x", b"1")
            with self.assertRaises(XSError):
                loser.end(tx)
            t = self.trace("--slow", "20", "-n", "1")
            tx = loser.transaction()
            loser.read(path, tx)
            loser.write(b"/mine", b"", tx)
            one.send(struct.pack("<IIII", 11, 7, 0, 3) + b"x\0" + b"2")
            time.sleep(0.03)    # what is measured, not what is waited for
            try:
                loser.end(tx)
            except XSError as e:
                # On a slow machine its turn was over before.
                self.assertEqual(e.name, "EAGAIN")
            one.reply(7)
            line = lines_of(self.ends(t.process)[0])[0]
        self.assertRegex(line, r"^d1 WRITE \d{5,} OK /local/domain/1/x \"2\"")

    def test_json(self):
        b = self.begin()
        t = self.trace("--json", "--domain", "1", "-n", "2", "--keep", "3")
        b.guests[1].write(b"data", b"\xff" * 100)
        b.guests[1].read(b"data")
        out = [json.loads(line) for line in
               self.ends(t.process)[0].splitlines()]
        self.assertEqual([r["op"] for r in out], ["WRITE", "READ"])
        self.assertEqual(out[0]["request"], "dat")
        self.assertEqual(out[1]["reply"], {"hex": "ffffff"})
        self.assertEqual((out[0]["request_len"], out[1]["reply_len"]),
                         (105, 100))
        self.assertLess(abs(out[0]["time_us"] / 1e6 - time.time()), 60)

    def test_file_and_back(self):
        b = self.begin()
        name = os.path.join(b.machine.dir, "trace.pcap")
        t = self.trace("--domain", "1,2", "--pcap", name, "-n", "300")
        for i in range(100):
            b.guests[1].write(b"a/%d" % i, b"v")
            b.guests[2].write(b"b", b"w")
            try:
                b.guests[2].read(b"c")
            except XSError:
                pass
        self.assertEqual(self.ends(t.process), ("", ""))
        # Values of the store are in it.
        self.assertEqual(os.stat(name).st_mode & 0o777, 0o600)
        with open(name, "rb") as f:
            data = f.read()
        self.assertEqual(struct.unpack_from("<IHH", data), (
            0xa1b2c3d4, 2, 4))
        self.assertEqual(struct.unpack_from("<I", data, 20)[0], 147)
        self.check_packets(data)
        self.assertEqual(len(lines_of(self.ask("trace", "--read", name))),
                         300)
        some = plain(lines_of(self.ask(
            "trace", "--read", name, "--domain", "1", "--op", "WRITE",
            "--path", "/local/domain/1/a/7")))
        self.assertEqual(some, ['d1 WRITE OK /local/domain/1/a/7 "v"'])
        # Once more into a file, and the same from there.
        again = name + "2"
        self.ask("trace", "--read", name, "--op", "READ", "--pcap", again)
        self.assertEqual(self.ask("trace", "--read", again),
                         self.ask("trace", "--read", name, "--op", "READ"))
        self.assertNotEqual(self.ask("trace", "--read", again), "")
        for cut in 10, 30, len(data) - 1:
            with open(again, "wb") as f:
                f.write(data[:cut])
            self.ask("trace", "--read", again, status=1,
                     err="not a trace, or cut off")
        with open(again, "wb") as f:
            f.write(data[:76] + struct.pack("<I", 5000) + data[80:])
        self.ask("trace", "--read", again, status=1, err="not a trace")

    def check_packets(self, data):
        """As docs/protocol/trace.md has them, by a reader of its own."""
        at, seen = 24, 0
        while at < len(data):
            sec, usec, kept, length = struct.unpack_from("<IIII", data, at)
            self.assertEqual(kept, length)
            self.assertLess(usec, 1000000)
            p = data[at + 16:at + 16 + kept]
            version, head, conn = struct.unpack_from("<HHI", p)
            op = struct.unpack_from("<I", p, 16)[0]
            path, request, reply = struct.unpack_from("<III", p, 36)
            self.assertEqual((version, head), (1, 48))
            self.assertEqual(len(p), head + path + request + reply)
            self.assertIn((conn, op), {(1, 11), (2, 11), (2, 2)})
            if op == 11:
                self.assertTrue(p[head:head + path].startswith(
                    b"/local/domain/%d/" % conn))
                self.assertEqual(p[-3:], b"OK\0")
            at += 16 + kept
            seen += 1
        self.assertEqual(seen, 300)

    def test_nobody_reads(self):
        """Bounded memory: the oldest go and are counted; then it ends."""
        b = self.begin()
        with SocketClient(b.machine) as tracer:
            control(tracer, b"probe-do", b"1", b"trace-start", b"keep=512")
            for i in range(3000):
                b.xs.write(b"/a", b"x" * 1000)
            cursor, first = page(tracer, "trace")
            head, oldest = dict(first[0]), dict(first[1])
            self.assertGreater(int(head["dropped"]), 1000)
            self.assertEqual(int(oldest["seq"]), int(head["dropped"]) + 1)
            self.assertEqual(int(head["dropped"]) + int(head["buffered"]),
                             3000)
            seen, last = 0, int(oldest["seq"]) - 1
            cursor = 0
            while True:
                cursor, more = page(tracer, "trace", cursor)
                for record in more[1:]:
                    last += 1
                    seen += 1
                    self.assertEqual(int(dict(record)["seq"]), last)
                if len(more) == 1:
                    break
            self.assertEqual(seen, int(head["buffered"]))
            self.assertEqual(last, 3000)
            control(tracer, b"probe-do", b"1", b"trace-stop")
            with self.assertRaises(XSError):
                control(tracer, b"probe-do", b"1", b"trace-stop")
        host = records(b.xs, "host")[0]
        self.assertEqual(host["tracers"], "0")
        self.assertGreater(int(host["trace_dropped"]), 1000)

    def test_wrapping_around(self):
        """Records of all sizes, many times around the buffer."""
        b = self.begin()
        with SocketClient(b.machine) as tracer:
            control(tracer, b"probe-do", b"1", b"trace-start", b"op=WRITE",
                    b"keep=512")
            wrote, cursor, got = [], 0, []
            for i in range(6000):
                value = b"v" * (i * 37 % 600)
                wrote.append(len(value) + 3)
                b.xs.write(b"/a", value)
                if i % 500:
                    continue
                while True:
                    cursor, more = page(tracer, "trace", cursor)
                    if len(more) == 1:
                        break
                    got += [int(dict(r)["request_len"]) for r in more[1:]]
            while True:
                cursor, more = page(tracer, "trace", cursor)
                if len(more) == 1:
                    break
                got += [int(dict(r)["request_len"]) for r in more[1:]]
            self.assertEqual(got, wrote)

    def test_four_at_once(self):
        b = self.begin()
        tracers = [SocketClient(b.machine) for _ in range(5)]
        for t in tracers[:4]:
            control(t, b"probe-do", b"1", b"trace-start")
        with self.assertRaises(XSError) as e:
            control(tracers[4], b"probe-do", b"1", b"trace-start")
        self.assertEqual(e.exception.name, "EBUSY")
        self.ask("trace", status=1, err="four traces are under way")
        # Begun anew, it is still one.
        control(tracers[0], b"probe-do", b"1", b"trace-start", b"op=READ")
        self.assertEqual(records(b.xs, "host")[0]["tracers"], "4")
        for wrong in b"x", b"op=NOTHING", b"domain=-1", b"path=x", \
                b"keep=513", b"slow=x", b"op=ERROR=":
            with self.assertRaises(XSError) as e:
                control(tracers[0], b"probe-do", b"1", b"trace-start", wrong)
            self.assertEqual(e.exception.name, "EINVAL", wrong)
        for t in tracers:
            t.close()

    def test_not_its_own(self):
        b = self.begin()
        with SocketClient(b.machine) as tracer:
            control(tracer, b"probe-do", b"1", b"trace-start")
            tracer.read(b"/")
            b.xs.read(b"/")
            more = page(tracer, "trace")[1]
            self.assertEqual([dict(r)["op"] for r in more[1:]], ["READ"])

    def test_usage(self):
        self.begin()
        for wrong in ["--domain", "x"], ["--domain", "1,"], \
                ["--path", "relative"], ["--op", "FLY"], \
                ["--op", ",".join(["READ"] * 9)], ["--keep", "513"], \
                ["--pcap", "/tmp/x", "--json"], ["--slow", "x"], ["x"]:
            self.ask("trace", *wrong, status=2, err="xs-probe"
                     if wrong != ["x"] else "Usage")
        self.ask("trace", "--read", "/nonexistent", status=1,
                 err="No such file")
        self.ask("trace", "--pcap", "/nonexistent/x", status=1,
                 err="No such file")

    def test_too_long(self):
        """Of what does not fit into one request, none is left out."""
        self.begin()
        paths = ",".join("/" + 2500 * c for c in "ab")
        err = "--path: these are too long together"
        self.assertEqual(self.ask("trace", "--for", "0", "--path", paths,
                                  status=2, err=err).splitlines()[1:], [])
        self.ask("trace", "--for", "0", "--path", paths[:3000])

    def test_for_a_time(self):
        self.begin()
        self.assertEqual(len(self.ask("trace", "--for", "0").splitlines()), 1)

    def test_the_daemon_dies(self):
        b = self.begin()
        t = self.trace()
        b.daemon.kill()
        self.assertIn("hung up", self.ends(t.process, 3)[1])

    def test_signal(self):
        b = self.begin()
        t = self.trace("--op", "RM")
        b.guests[1].write(b"a", b"")
        t.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.ends(t.process)[1], "")
        self.assertEqual(records(b.xs, "host")[0]["tracers"], "0")

    def test_strangers(self):
        for daemon in "stock", "ocaml":
            b = self.begin(daemon=daemon, domains=1, args=())
            self.ask("trace", status=3, err="cannot tell")
            b.daemon.stop()


if __name__ == "__main__":
    unittest.main()
