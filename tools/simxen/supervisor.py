# SPDX-License-Identifier: GPL-2.0-or-later
"""A daemon under `simxen supervise`, from Python; simxen.py exports it."""

import json
import os
import signal
import socket
import subprocess
import time


class Supervisor:
    """Keeps a daemon running on a machine; `with` ends both.

        with m.supervise("xenstored/xenstored", restart_delay=0) as s:
            s.kill()
            s.wait_ready()

    Starts count from 1. Threads need a Supervisor's control() of their own.
    """

    def __init__(self, machine, peer, args, timeout, env, log, ready,
                 options):
        self.machine = machine
        self.peer = peer
        self.log = log or os.path.join(machine.dir, "log/daemon.log")
        self._killed = 0
        self._control = None
        words = []
        for name, value in options.items():
            words += ["--" + name.replace("_", "-"), str(value)]
        self.process = subprocess.Popen(
            [machine.program, "-C", machine.dir, "supervise", "--log",
             self.log, *words, "--", peer, *args], stdin=subprocess.DEVNULL,
            env=env or machine.environ())
        machine._daemons.append(self)
        try:
            self._control = self.control(timeout)
            if ready:
                self.wait_ready(1, timeout)
        except BaseException:
            self.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()

    def output(self):
        """What the daemons and the supervisor wrote."""
        with open(self.log, errors="replace") as f:
            return f.read()

    def control(self, timeout=10):
        """A connection to the supervisor, for ask()."""
        end = time.monotonic() + timeout
        path = os.path.join(self.machine.dir, "supervise")
        while True:
            sock = socket.socket(socket.AF_UNIX)
            try:
                sock.connect(path)
                return sock
            except OSError:
                sock.close()
                if self.process.poll() is not None or \
                        time.monotonic() > end:
                    raise RuntimeError("no supervisor:\n" + self.output())
                time.sleep(0.002)

    def ask(self, line, timeout=30, control=None):
        """A command of control.h; the answer without its "ok"."""
        sock = control or self._control
        sock.settimeout(timeout)
        answer = b""
        try:
            sock.sendall(line.encode() + b"\n")
            while not answer.endswith(b"\n"):
                data = sock.recv(65536)
                if not data:
                    break
                answer += data
        except TimeoutError:
            raise TimeoutError("%s: no answer in %g s:\n%s" % (
                line, timeout, self.output()[-4000:])) from None
        except ConnectionError:
            answer = b""
        answer = answer.decode()
        if not answer.startswith("ok"):
            raise RuntimeError("%s: %s\n%s" % (
                line, answer.strip() or "the supervisor is gone",
                self.output()[-4000:]))
        return answer[2:].strip()

    def status(self):
        """Dict: pid (0: none), starts, deaths, ready (the last start that
        was), exit_status, status (STATUS=), fds (names)."""
        return json.loads(self.ask("status"))

    @property
    def pid(self):
        return self.status()["pid"]

    @property
    def restarts(self):
        return max(0, self.status()["starts"] - 1)

    def fds(self):
        return self.status()["fds"]

    def kill(self, sig=signal.SIGKILL):
        """Now; the number of the start that got it. RuntimeError when none
        runs."""
        self._killed = int(self.ask("kill %d" % sig).split()[0])
        return self._killed

    def wait_ready(self, start=None, timeout=20):
        """Until that start or a later one is ready (without start: one
        after the last kill()); the number of the one that is."""
        return int(self.ask("wait %d" % (start or self._killed + 1),
                            timeout).split()[0])

    def next_env(self, name, value):
        """In the environment of the next start only."""
        self.ask("next %s=%s" % (name, value))

    def hold(self):
        """No restart until release()."""
        self.ask("hold")

    def release(self):
        self.ask("release")

    def wait_dead(self, timeout=20):
        """Until no daemon runs; for use with hold()."""
        end = time.monotonic() + timeout
        while self.pid:
            if time.monotonic() > end:
                raise TimeoutError("the daemon lives")
            time.sleep(0.001)

    def stop(self, timeout=20):
        """SIGTERM to the daemon, no more restarts; the exit status."""
        if self in self.machine._daemons:
            self.machine._daemons.remove(self)
        if self._control:
            self._control.close()
            self._control = None
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode
