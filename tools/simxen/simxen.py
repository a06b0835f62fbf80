# SPDX-License-Identifier: GPL-2.0-or-later
"""Test programs' way to a simxen machine: domains, guests, daemons, clients.

A thin layer over libsimxen-guest (ctypes) and the command simxen
(subprocess). Everything raises on failure: OSError with the errno for what
the library refused, XSError for an error reply, TimeoutError for what did
not come in time.

    with Machine() as m, m.daemon("stock"):
        guest = m.add_domain()
        xs = SocketClient(m)
        xs.introduce(guest)
        ring = RingClient(guest)
        ring.write(b"/local/domain/%d/data" % guest.domid, b"hello")

The build tree is found from the working directory or from this file;
SIMXEN_BUILD may name it.
"""

import ctypes
import errno
import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid

from xsclient import *  # noqa: F401,F403 the clients belong to the same door
from supervisor import Supervisor
from xsclient import SocketClient

POWEROFF, REBOOT, SUSPEND, CRASH, RESUME = 0, 1, 2, 3, -1
DYING, SHUTDOWN, HIDDEN, LINGER = 1, 2, 4, 8
FAULT_GRANT, FAULT_BIND = 0, 1


def _build_dir():
    here = os.path.dirname(os.path.realpath(__file__))
    for top in (os.environ.get("SIMXEN_BUILD"), os.getcwd(),
                os.path.join(here, "../../build"),
                os.path.join(here, "../..")):
        if top and os.path.exists(os.path.join(top, "tools/simxen/simxen")):
            return os.path.realpath(os.path.join(top, "tools/simxen"))
    return None


def command():
    """The simxen program: of the build tree, else the installed one."""
    build = _build_dir()
    found = (os.path.join(build, "simxen") if build
             else shutil.which("simxen"))
    if not found:
        raise FileNotFoundError("no simxen program; set SIMXEN_BUILD")
    return found


def preload():
    """The path of simxen.so, for tests that load it themselves."""
    build = _build_dir()
    if build:
        return os.path.join(build, ".libs/simxen.so")
    return os.path.join(os.path.dirname(command()),
                        "../lib/proxenos/simxen.so")


class _Info(ctypes.Structure):
    _fields_ = [(n, ctypes.c_uint32) for n in
                ("domid", "port", "bound", "flags", "reason", "attached")] + \
               [(n, ctypes.c_uint64) for n in
                ("gfn", "instance", "shared_info_frame")] + \
               [("handle", ctypes.c_uint8 * 16)]


_lib = None


def _library():
    global _lib
    if _lib is None:
        build = _build_dir()
        lib = ctypes.CDLL(os.path.join(build, ".libs/libsimxen-guest.so")
                          if build else "libsimxen-guest.so")
        p, i, u = ctypes.c_void_p, ctypes.c_int, ctypes.c_uint
        for name, res, args in (
                ("create", i, [ctypes.c_char_p]),
                ("destroy", i, [ctypes.c_char_p]),
                ("open", i, [ctypes.c_char_p, ctypes.POINTER(p)]),
                ("close", None, [p]),
                ("domain_add", i, [p, i, ctypes.c_char_p]),
                ("domain_kill", i, [p, u, u]),
                ("domain_shutdown", i, [p, u, i]),
                ("domain_new_port", i, [p, u]),
                ("domain_info", i, [p, u, ctypes.POINTER(_Info)]),
                ("domain_next", i, [p, i]),
                ("domain_flags", i, [p, u, u, u]),
                ("fault", i, [p, i, i, i, u]),
                ("reap", None, [p]),
                ("hub_open", i, [p, ctypes.POINTER(p)]),
                ("hub_close", None, [p]),
                ("hub_fd", i, [p]),
                ("hub_next", i, [p]),
                ("hub_wait", i, [p, i]),
                ("guest_attach", i, [p, p, u, ctypes.POINTER(p)]),
                ("guest_detach", None, [p]),
                ("guest_page", p, [p]),
                ("guest_port", u, [p]),
                ("guest_gfn", ctypes.c_uint64, [p]),
                ("guest_notify", i, [p]),
                ("guest_wait", i, [p, i]),
                ("guest_fd", i, [p]),
                ("guest_alive", i, [p]),
                ("guest_bound", i, [p])):
            fn = getattr(lib, "simxen_" + name)
            fn.restype, fn.argtypes = res, args
        _lib = lib
    return _lib


def _check(result):
    if result < 0:
        raise OSError(-result, os.strerror(-result))
    return result


def _ms(timeout):
    return -1 if timeout is None else max(0, round(timeout * 1000))


class Machine:
    """A machine in directory dir; without dir a new one, removed at close.

    path ends in /run/socket for socket_path. `with` closes: daemons that
    were started here are ended first.
    """

    def __init__(self, dir=None, create=None):
        self._own = dir is None
        if self._own:
            dir = tempfile.mkdtemp(prefix="simxen-")
        self.dir = os.path.realpath(dir)
        lib = _library()
        if create or (create is None and self._own):
            _check(lib.simxen_create(self.dir.encode()))
        self._m = ctypes.c_void_p()
        _check(lib.simxen_open(self.dir.encode(), ctypes.byref(self._m)))
        self._guests = []
        self._daemons = []

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        """End its daemons, detach its guests; a machine made here goes."""
        if self._m is None:
            return
        for d in list(self._daemons):
            d.stop()
        for g in list(self._guests):
            g.detach()
        _library().simxen_close(self._m)
        self._m = None
        if self._own:
            _check(_library().simxen_destroy(self.dir.encode()))

    @property
    def socket_path(self):
        return os.path.join(self.dir, "run/socket")

    @property
    def program(self):
        return command()

    def environ(self, **more):
        """The environment for clients that need no preload."""
        env = dict(os.environ, SIMXEN_DIR=self.dir,
                   XENSTORED_PATH=self.socket_path,
                   XENSTORED_RUNDIR=os.path.join(self.dir, "run"))
        env.update(more)
        return env

    # Toolstack and hypervisor.

    def create_domain(self, domid=-1, handle=None):
        """Make a domain; its domid."""
        if isinstance(handle, uuid.UUID):
            handle = handle.bytes
        return _check(_library().simxen_domain_add(self._m, domid, handle))

    def add_domain(self, domid=-1, handle=None, hub=None):
        """Make a domain and attach to it: a Guest."""
        return self.guest(self.create_domain(domid, handle), hub)

    def guest(self, domid, hub=None):
        """Attach to a domain that exists (0 is dom0's kernel)."""
        return Guest(self, domid, hub)

    def hub(self):
        return Hub(self)

    def kill(self, domid, linger=False):
        _check(_library().simxen_domain_kill(self._m, domid,
                                             LINGER if linger else 0))

    def shutdown(self, domid, reason=POWEROFF):
        _check(_library().simxen_domain_shutdown(self._m, domid, reason))

    def new_port(self, domid):
        return _check(_library().simxen_domain_new_port(self._m, domid))

    def info(self, domid):
        """Namespace of the fields of struct simxen_domain_info."""
        info = _Info()
        _check(_library().simxen_domain_info(self._m, domid,
                                             ctypes.byref(info)))
        return info

    def domids(self):
        found, domid = [], -1
        while True:
            domid = _library().simxen_domain_next(self._m, domid)
            if domid < 0:
                return found
            found.append(domid)

    def flags(self, domid, set=0, clear=0):
        _check(_library().simxen_domain_flags(self._m, domid, set, clear))

    def fault(self, what, err, domid=-1, count=0):
        _check(_library().simxen_fault(self._m, domid, what, err, count))

    def reap(self):
        _library().simxen_reap(self._m)

    # Programs.

    def command(self, *args, **kw):
        """Run `simxen -C dir args...`; CompletedProcess, text, captured."""
        return subprocess.run([command(), "-C", self.dir, *args], text=True,
                              capture_output=True, **kw)

    def run(self, *argv, **kw):
        """Run a program under the preload; CompletedProcess."""
        kw.setdefault("text", True)
        kw.setdefault("capture_output", True)
        return subprocess.run([command(), "-C", self.dir, "run", "--", *argv],
                              **kw)

    def daemon(self, peer, *args, timeout=20, env=None, log=None, **kw):
        """Start a daemon ("stock", "ocaml" or a program's path), wait until
        its socket answers, and return it as a Daemon."""
        return Daemon(self, peer, args, timeout, env, log, kw)

    def supervise(self, peer, *args, timeout=20, env=None, log=None,
                  ready=True, **options):
        """The same under a Supervisor, which waits for READY=1 unless ready
        is False. Options are those of `simxen supervise`: restart_delay,
        max_restarts, fdstore_max, watchdog."""
        return Supervisor(self, peer, args, timeout, env, log, ready,
                          options)


class Daemon:
    """A running daemon; `with` ends it. Its output goes to log (a path),
    else to dir/log/daemon.log."""

    def __init__(self, machine, peer, args, timeout, env, log, kw):
        self.machine = machine
        self.peer = peer
        self.log = log or os.path.join(machine.dir, "log/daemon.log")
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen(
                [command(), "-C", machine.dir, "daemon", "--peer", peer,
                 "--", *args], stdin=subprocess.DEVNULL, stdout=out,
                stderr=out, env=env or machine.environ(), **kw)
        machine._daemons.append(self)
        try:
            self.wait_ready(timeout)
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self):
        return self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()

    def output(self):
        with open(self.log, errors="replace") as f:
            return f.read()

    def wait_ready(self, timeout=20):
        """Until the socket answers a request, not just connects."""
        end = time.monotonic() + timeout
        while True:
            if self.process.poll() is not None:
                raise RuntimeError("%s ended with status %d:\n%s" % (
                    self.peer, self.process.returncode, self.output()))
            try:
                with SocketClient(self.machine) as c:
                    c.request("GET_DOMAIN_PATH", b"0\0",
                              timeout=max(0.1, end - time.monotonic()))
                return
            except OSError:
                if time.monotonic() > end:
                    raise TimeoutError("%s does not answer:\n%s" % (
                        self.peer, self.output()))
                time.sleep(0.002)

    def kill(self):
        """kill -9, and gather it."""
        self.stop(signal.SIGKILL)

    def stop(self, sig=signal.SIGTERM, timeout=20):
        """End it; the exit status as subprocess tells it."""
        if self in self.machine._daemons:
            self.machine._daemons.remove(self)
        if self.process.poll() is None:
            self.process.send_signal(sig)
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode


class Hub:
    """One descriptor for the events of many guests; see guest.h."""

    def __init__(self, machine):
        self._h = ctypes.c_void_p()
        _check(_library().simxen_hub_open(machine._m, ctypes.byref(self._h)))

    def close(self):
        if self._h:
            _library().simxen_hub_close(self._h)
            self._h = None

    def fileno(self):
        return _library().simxen_hub_fd(self._h)

    def next(self):
        """A domid with an event, or None."""
        domid = _library().simxen_hub_next(self._h)
        return None if domid == -errno.EAGAIN else _check(domid)

    def wait(self, timeout=None):
        return bool(_check(_library().simxen_hub_wait(self._h,
                                                      _ms(timeout))))


class Guest:
    """The guest's end: its ring page and its event channel."""

    def __init__(self, machine, domid, hub=None):
        self.machine = machine
        self.domid = domid
        self._g = ctypes.c_void_p()
        _check(_library().simxen_guest_attach(
            machine._m, hub._h if hub else None, domid,
            ctypes.byref(self._g)))
        address = _library().simxen_guest_page(self._g)
        self._array = (ctypes.c_uint8 * 4096).from_address(address)
        self.page = memoryview(self._array).cast("B")
        self._words = self.page.cast("I")
        machine._guests.append(self)

    def detach(self):
        if self._g is None:
            return
        if self in self.machine._guests:
            self.machine._guests.remove(self)
        self._words.release()
        self.page.release()
        _library().simxen_guest_detach(self._g)
        self._g = None

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.detach()

    def fileno(self):
        return _library().simxen_guest_fd(self._g)

    @property
    def port(self):
        return _library().simxen_guest_port(self._g)

    @property
    def gfn(self):
        return _library().simxen_guest_gfn(self._g)

    @property
    def alive(self):
        return bool(_library().simxen_guest_alive(self._g))

    @property
    def bound(self):
        return bool(_library().simxen_guest_bound(self._g))

    def notify(self):
        """True when somebody is bound to get it."""
        return bool(_check(_library().simxen_guest_notify(self._g)))

    def wait(self, timeout=None):
        """Take an event; False when none came in time."""
        return bool(_check(_library().simxen_guest_wait(self._g,
                                                        _ms(timeout))))

    def word(self, offset, value=None):
        """Read a 32-bit field of the page, or write it."""
        if value is None:
            return self._words[offset // 4]
        self._words[offset // 4] = value & 0xffffffff
        return value
