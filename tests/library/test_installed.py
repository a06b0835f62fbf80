#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""libproxenos as others get it: make install into an empty directory, and
from there, through pkg-config and nothing of this tree: each header alone in
C and C++, the symbols against what the headers declare, and the program in
proxenos-channel(3), compiled and run on a simxen machine.
"""
import os
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../..")
sys.path.insert(0, os.path.join(TOP, "tools/simxen"))
sys.dont_write_bytecode = True
from simxen import Machine, SocketClient  # noqa: E402

BUILD = os.getcwd()
DAEMON = os.path.join(BUILD, "xenstored/xenstored")
BACKEND = os.path.join(BUILD, "tools/examples/channel-backend")
os.environ["ASAN_OPTIONS"] = "verify_asan_link_order=0:detect_leaks=0:" + \
    os.environ.get("ASAN_OPTIONS", "")


def make_variable(name):
    with open(os.path.join(BUILD, "Makefile")) as f:
        found = re.search(r"^%s = *(.*)$" % name, f.read(), re.M)
    return found.group(1).strip()


def run(*command, **more):
    r = subprocess.run([str(word) for word in command], text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       **more)
    if r.returncode:
        raise AssertionError("%s:\n%s" % (" ".join(map(str, command)),
                                          r.stdout))
    return r.stdout


def example(page):
    """The program in the page, as man shows it."""
    found = re.search(r'^\.\\" example begins\n\.EX\n(.*?)^\.EE\n'
                      r'\.\\" example ends$', page, re.M | re.S)
    lines = []
    for line in found.group(1).splitlines():
        if re.match(r"[.']", line):
            raise AssertionError("a request in the example: " + line)
        lines.append(line.replace("\\&", "").replace("\\-", "-")
                     .replace("\\e", "\\"))
    return "\n".join(lines) + "\n"


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="installed-")
        cls.addClassCleanup(cls.directory.cleanup)
        cls.root = os.path.join(cls.directory.name, "root")
        environment = {k: v for k, v in os.environ.items()
                       if k not in ("MAKEFLAGS", "MFLAGS", "DESTDIR")}
        run("make", "-s", "-C", BUILD, "install", "DESTDIR=" + cls.root,
            env=environment)
        cls.prefix = cls.root + make_variable("prefix")
        cls.lib = cls.find("libproxenos.so")
        cls.san = shlex.split(make_variable("SAN_CFLAGS"))

    @classmethod
    def find(cls, name):
        for at, _, files in os.walk(cls.prefix):
            if name in files:
                return os.path.join(at, name)
        raise AssertionError(name + " is not installed")

    def pkg_config(self, *words):
        directory = os.path.dirname(self.find("proxenos.pc"))
        return shlex.split(run(
            "pkg-config", *words, "proxenos", env=dict(
                os.environ, PKG_CONFIG_LIBDIR=directory,
                PKG_CONFIG_SYSROOT_DIR=self.root)))

    def headers(self):
        at = os.path.dirname(self.find("channel.h"))
        return sorted(os.path.join(at, name) for name in os.listdir(at))

    def compile(self, text, suffix, *words):
        source = os.path.join(self.directory.name, "program" + suffix)
        with open(source, "w") as f:
            f.write(text)
        return run(*words[:1], "-Wall", "-Wextra", "-Wno-unused-parameter",
                   "-Werror", *self.san, source, *words[1:],
                   cwd=self.directory.name)

    def test_headers_alone(self):
        flags = self.pkg_config("--cflags")
        self.assertGreaterEqual(len(self.headers()), 7)
        for path in self.headers():
            text = "#include <proxenos/%s>\n" % os.path.basename(path)
            self.compile(text, ".c", "cc", "-std=c11", "-fsyntax-only",
                         *flags)
            self.compile(text, ".cc", "c++", "-std=c++17", "-fsyntax-only",
                         *flags)

    def test_symbols(self):
        declared = set()
        for path in self.headers():
            with open(path) as f:
                text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
            text = re.sub(r"^\s*#.*$", "", text, flags=re.M)
            text = re.sub(r"^typedef [^;]*;", "", text, flags=re.M)
            text = re.sub(r"static inline[^{]*\{.*?^\}", "", text,
                          flags=re.M | re.S)
            declared.update(re.findall(r"\b(px_\w+)\(", text))
        exported = {
            line.split()[-1].partition("@")[0]
            for line in run("nm", "-D", "--defined-only",
                            self.lib).splitlines()
            if line.split()[-2] in "TDBR"}
        exported = {name for name in exported
                    if name not in ("_init", "_fini", "PROXENOS_0")}
        self.assertGreater(len(declared), 90)
        self.assertEqual(exported - declared, set())
        self.assertEqual(declared - exported, set())

    def test_soname(self):
        self.assertIn("[libproxenos.so.0]",
                      run("readelf", "-d", self.lib))

    def test_example(self):
        with open(self.find("proxenos-channel.3")) as f:
            program = example(f.read())
        self.compile(program, ".c", "cc", "-o", "say",
                     *self.pkg_config("--cflags", "--libs"))
        with Machine(create=True) as machine, \
                machine.supervise(DAEMON, restart_delay=0) as daemon:
            guest = machine.add_domain()
            home = b"/local/domain/%d" % guest.domid
            with SocketClient(machine) as xs:
                xs.introduce(guest)
                xs.mkdir(home + b"/data")
                xs.set_perms(home + b"/data", b"n%d" % guest.domid)
            guest.detach()
            back = subprocess.Popen(
                [BACKEND, "ring", str(guest.domid), "0", "say"],
                env=machine.environ(), stdout=subprocess.DEVNULL)
            try:
                for _ in range(2):
                    said = subprocess.check_output(
                        [os.path.join(self.directory.name, "say"), "0",
                         str(guest.domid), "hello", "world"], timeout=30,
                        stderr=subprocess.DEVNULL, env=dict(
                            machine.environ(), LD_LIBRARY_PATH=os.path
                            .dirname(self.lib)))
                    self.assertEqual(said, b"hello\nworld\n")
                    daemon.kill()
            finally:
                back.kill()
                back.wait()


if __name__ == "__main__":
    unittest.main(verbosity=2)
