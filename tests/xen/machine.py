# SPDX-License-Identifier: GPL-2.0-or-later
"""
A PC that runs Xen under QEMU's software emulation.  Its serial line is the
only way to talk with it: lines of dom0 that begin with XEN-TEST go out, GO and
the name of a test go in.  A machine that waits for GO can be saved and then
stands for any number of boots.

Why these options: with SMAP dom0 crashes at once; with xsave or lazy floating
point its programs crash now and then, which nobody could tell from a daemon
that is at fault.
"""
import json
import os
import queue
import socket
import subprocess
import threading
import time

MEMORY = 1024
XEN = ("console=com1 com1=115200,8n1,0x3f8,4 dom0_mem=512M,max:512M "
       "spec-ctrl=eager-fpu")
LINUX = ("console=hvc0 loglevel=5 panic=-1 rdinit=/init mitigations=off "
         "swiotlb=1024")
MARK = "XEN-TEST "
# QEMU's own processor time that a test may use: a busy host changes how long
# that takes, not how much it is.  The wall clock is for a machine that idles.
CPU_LIMIT = 240
WALL_LIMIT = 900
START_LIMIT = 60


class Stalled(Exception):
    """No verdict; says nothing about the daemon."""


def command(images, share, control):
    return [
        "qemu-system-x86_64", "-accel", "tcg,thread=multi,tb-size=512",
        "-machine", "q35", "-cpu", "max,smap=off,xsave=off", "-smp", "1",
        "-m", str(MEMORY), "-nodefaults", "-display", "none", "-no-reboot",
        "-serial", "stdio", "-kernel", images + "/xen.elf", "-append", XEN,
        "-initrd", f"{images}/vmlinux {LINUX},{images}/dom0.cpio",
        "-virtfs", f"local,path={share},mount_tag=share,security_model=none",
        "-qmp", f"unix:{control},server=on,wait=off"]


class Machine:
    def __init__(self, images, work, share, log, state=None):
        self.control = work + "/control"
        argv = command(images, share, self.control)
        if state:
            argv += ["-incoming", f"exec:cat {state}"]
        self.log = open(log, "w", encoding="utf-8")
        self.lines = queue.Queue()
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for raw in self.process.stdout:
            line = raw.decode("utf-8", "replace").rstrip("\r\n")
            self.log.write(f"{time.monotonic() - self.started:8.2f} {line}\n")
            self.log.flush()
            if MARK in line:
                self.lines.put(line[line.index(MARK) + len(MARK):])
        self.lines.put(None)

    def cpu(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def next(self):
        """The next line of dom0's; None when the machine is off."""
        while True:
            try:
                return self.lines.get(timeout=1)
            except queue.Empty:
                pass
            if time.monotonic() - self.started > WALL_LIMIT or \
               self.cpu() > CPU_LIMIT:
                raise Stalled("no verdict within the limit")

    def wait(self, word):
        while True:
            line = self.next()
            if line is None:
                raise Stalled(f"the machine went off before {word}")
            if line.startswith(word):
                return line

    def go(self, test):
        """Say it until it is heard: what arrives while a saved machine is
        read in is lost."""
        end = time.monotonic() + START_LIMIT
        while time.monotonic() < end:
            self.process.stdin.write(f"GO {test}\n".encode())
            self.process.stdin.flush()
            try:
                line = self.lines.get(timeout=2)
            except queue.Empty:
                continue
            if line and line.startswith("BEGIN"):
                return
            raise Stalled(f"the machine began with {line!r}")
        raise Stalled("the machine did not hear its test")

    def ask(self, file, name, **arguments):
        request = {"execute": name, "arguments": arguments}
        file.write(json.dumps(request).encode() + b"\n")
        file.flush()
        while True:
            answer = json.loads(file.readline())
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise Stalled(f"{name}: {answer['error']['desc']}")

    def save(self, state):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(self.control)
            with sock.makefile("rwb") as file:
                file.readline()
                self.ask(file, "qmp_capabilities")
                # No bandwidth limit: nobody waits for this machine.
                self.ask(file, "migrate-set-parameters",
                         **{"max-bandwidth": 1 << 40})
                self.ask(file, "migrate", uri=f"exec:cat > {state}.new")
                end = time.monotonic() + 120
                while True:
                    status = self.ask(file, "query-migrate")["status"]
                    if status == "completed":
                        break
                    if status in ("failed", "cancelled") or \
                       time.monotonic() > end:
                        raise Stalled("the machine could not be saved")
                    time.sleep(0.05)
        os.rename(state + ".new", state)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdin.close()
        self.log.close()
