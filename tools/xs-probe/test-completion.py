#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Completion by bash itself, on a simxen machine; where it is installed; and
the man page, which must be without a warning and name every command and
option that there is.
"""
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [os.path.join(HERE, "../simxen")]
sys.dont_write_bytecode = True
from simxen import Machine, SocketClient  # noqa: E402

BUILD = os.getcwd()
DAEMON = os.path.join(BUILD, "xenstored/xenstored")
PROBE = os.path.join(BUILD, "tools/xs-probe/xs-probe")
SCRIPT = os.path.join(HERE, "xs-probe.bash-completion")
MAN = os.path.join(HERE, "../../docs/man/xs-probe.1")
# The preload is before the sanitizer's library, on purpose.
os.environ["ASAN_OPTIONS"] = "verify_asan_link_order=0:" + \
    os.environ.get("ASAN_OPTIONS", "")

# As readline calls it: the words, the number of the present one.
DRIVER = """
source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_xs_probe 2>&1
printf '%s\\n' "${COMPREPLY[@]}"
"""


def commands():
    """{name: (options, arguments)} as the program tells."""
    p = subprocess.run([PROBE, "--commands"], text=True, check=True,
                       stdout=subprocess.PIPE)
    out = {}
    for line in p.stdout.splitlines():
        head, _, arguments = line.partition(" : ")
        name, *options = head.split(" ")
        out[name] = (options, arguments)
    return out


class Completion(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.m = Machine()
        cls.addClassCleanup(cls.m.close)
        cls.m.daemon(DAEMON, "-N")
        with SocketClient(cls.m) as xs:
            for domid in 0, 1, 12:
                xs.write(b"/local/domain/%d/name" % domid, b"x")
            xs.write(b"/local/domain/1/device/vif/0/state", b"4")
        for name in "saved.json", "other":
            with open(os.path.join(cls.m.dir, name), "w"):
                pass
        cls.env = dict(cls.m.environ(), PATH=os.path.dirname(PROBE) + ":" +
                       os.environ["PATH"], TERM="dumb", INPUTRC="/dev/null")

    def complete(self, *words, env=None, program="xs-probe"):
        p = subprocess.run(
            ["bash", "--norc", "-c", DRIVER, "driver", SCRIPT, program,
             *words], env=env or self.env, cwd=self.m.dir, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        self.assertEqual(p.returncode, 0, p.stdout)
        return sorted(p.stdout.split())

    def test_commands(self):
        names = sorted(commands()) + ["help"]
        self.assertGreater(len(names), 12)
        self.assertEqual(self.complete(""), sorted(names))
        self.assertEqual(self.complete("doc"), ["doctor"])
        self.assertEqual(self.complete("--json", "doc"), ["doctor"])
        self.assertEqual(self.complete("help", "doc"), ["doctor"])
        self.assertEqual(self.complete("-s", "/x", "doc"), ["doctor"])

    def test_options(self):
        """Exactly those that each command has."""
        self.assertIn("--socket", self.complete("--"))
        for name, (options, _) in commands().items():
            with self.subTest(name):
                self.assertEqual(
                    self.complete(name, "-"),
                    sorted({o.partition("=")[0] for o in options}))
        self.assertEqual(self.complete("ring", "--re"), ["--reset"])
        self.assertEqual(self.complete("ls", "--re"), [])

    def test_paths(self):
        for name, (_, arguments) in commands().items():
            if "PATH" not in arguments:
                continue
            with self.subTest(name):
                self.assertEqual(self.complete(name, "/local/domain/1"),
                                 ["/local/domain/1", "/local/domain/12"])
        self.assertEqual(self.complete("ls", "/loc"), ["/local"])
        self.assertEqual(self.complete("ls", "/local/domain/1/device/vif/0/"),
                         ["/local/domain/1/device/vif/0/state"])
        self.assertEqual(self.complete("ls", "/nowhere/"), [])

    def test_domids(self):
        self.assertEqual(self.complete("ring", ""), ["0", "1", "12"])
        self.assertEqual(self.complete("ring", "-r", "1"), ["1", "12"])
        self.assertEqual(self.complete("quota", "show", "1"), ["1", "12"])

    def test_words(self):
        self.assertEqual(self.complete("quota", ""), ["set", "show"])
        self.assertEqual(self.complete("channel", ""),
                         ["echo", "list", "ping", "show", "watch"])
        self.assertEqual(self.complete("channel", "ping", "1"), ["1", "12"])
        self.assertEqual(self.complete("channel", "show", "/loc"), ["/local"])
        self.assertEqual(self.complete("channel", "list", ""), [])

    def test_files(self):
        for words in (("diff", "sa"), ("tree", "--save", "sa"),
                      ("tree", "--save", "=", "sa"), ("replay", "sa"),
                      ("tree", "-S", "sa"), ("-s", "sa"),
                      ("doctor", "--pid-file", "sa"),
                      ("diff", "other", "sa")):
            with self.subTest(words):
                self.assertEqual(self.complete(*words), ["saved.json"])
        self.assertEqual(self.complete("watch", "--count", ""), [])

    def test_operations(self):
        self.assertEqual(self.complete("trace", "--op", "WR"), ["WRITE"])

    def test_socket_given(self):
        env = dict(self.env, XENSTORED_PATH="/nonexistent")
        self.assertEqual(self.complete("ring", "", env=env), [])
        for words in (("-s", self.m.socket_path, "ring"),
                      ("ring", "--socket", self.m.socket_path),
                      ("--socket", "=", self.m.socket_path, "ring")):
            with self.subTest(words):
                self.assertEqual(self.complete(*words, "", env=env),
                                 ["0", "1", "12"])

    def test_no_daemon(self):
        """It neither hangs nor says a word."""
        env = dict(self.env, XENSTORED_PATH="/nonexistent")
        self.assertEqual(self.complete("ls", "/", env=env), [])

    def test_untrusted(self):
        """What is listed is no shell's to expand, now or when it is run."""
        names = ["x$(touch ran)", "x`touch ran`", "x;touch ran", "x y", "x*",
                 "x~", "x'y", 'x"y', "x\\y", "x${HOME}", "xgood-1_@.:+"]
        fake = os.path.join(self.m.dir, "fake")
        with open(fake, "w") as f:
            f.write("#!/bin/sh\nif [ \"$1\" = --commands ]; then "
                    "exec '%s' \"$@\"; fi\ncat <<'END'\n%s\nEND\n" % (
                        PROBE, "\n".join("/t/" + n for n in names)))
        os.chmod(fake, 0o755)
        ran = os.path.join(self.m.dir, "ran")
        for words, good in ((["ls", "/t/"], ["/t/xgood-1_@.:+"]),
                            (["ring", "x"], ["xgood-1_@.:+"]),
                            (["ls", "/t/x$"], []), (["ls", "/t/$(t"], []),
                            (["trace", "--path", "/t/x"],
                             ["/t/xgood-1_@.:+"])):
            with self.subTest(words):
                self.assertEqual(self.complete(*words, program=fake), good)
                self.assertFalse(os.path.exists(ran))

    def test_typed(self):
        """In an interactive shell, with the key."""
        pid, fd = pty.fork()
        if not pid:
            os.chdir(self.m.dir)
            os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"],
                       dict(self.env, PS1="> "))
        seen = b""

        def until(word):
            nonlocal seen
            end = time.monotonic() + 20
            while word not in seen:
                self.assertTrue(select.select(
                    [fd], [], [], end - time.monotonic())[0], seen)
                seen += os.read(fd, 4096)
            seen = seen.partition(word)[2]

        try:
            until(b"> ")
            os.write(fd, b"source '%s'; echo rea''dy\n" % SCRIPT.encode())
            until(b"ready")
            os.write(fd, b"xs-probe dom\t")
            until(b"xs-probe domains ")
            os.write(fd, b"\x15xs-probe ls /local/domain/12/n\t")
            until(b"/local/domain/12/name")
        finally:
            os.close(fd)
            os.waitpid(pid, 0)


class Installed(unittest.TestCase):
    def variable(self, name):
        """As the Makefile has it, with all it refers to."""
        with open("Makefile") as f:
            found = dict(re.findall(r"(?m)^(\w+) = (.*)$", f.read()))
        value = found[name]
        while "$" in value:
            value = re.sub(r"\$[{(](\w+)[})]", lambda m: found[m[1]], value)
        return value

    def test_directory(self):
        """Below the prefix, where bash-completion looks for the name."""
        p = subprocess.run(
            ["pkg-config", "--define-variable=prefix=" +
             self.variable("prefix"), "--variable=completionsdir",
             "bash-completion"], capture_output=True, text=True)
        wanted = p.stdout.strip() or os.path.join(
            self.variable("datadir"), "bash-completion/completions")
        self.assertEqual(self.variable("bashcompletiondir"), wanted)
        directory = tempfile.mkdtemp(prefix="xs-probe-install-")
        try:
            subprocess.run(
                ["make", "install-nodist_bashcompletionDATA", "DESTDIR=" +
                 directory], check=True, stdout=subprocess.DEVNULL)
            with open(directory + wanted + "/xs-probe") as f, \
                    open(SCRIPT) as g:
                self.assertEqual(f.read(), g.read())
        finally:
            shutil.rmtree(directory)


class ManPage(unittest.TestCase):
    def warnings(self, page):
        p = subprocess.run(
            ["man", "--warnings=w", "-E", "UTF-8", "-l", "-Tutf8", "-Z", page],
            env=dict(os.environ, LC_ALL="C.UTF-8", MANROFFSEQ="",
                     MANWIDTH="80"),
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.assertEqual(p.returncode, 0)
        return p.stderr

    def test_no_warning(self):
        self.assertEqual(self.warnings(MAN), "")
        # And it would be seen if there were one.
        with tempfile.NamedTemporaryFile("w", suffix=".1") as f, \
                open(MAN) as page:
            f.write(page.read() + ".NONSENSE\n")
            f.flush()
            self.assertIn("NONSENSE", self.warnings(f.name))

    def test_complete(self):
        """Every command with its options, and an example of each."""
        with open(MAN) as f:
            text = f.read().replace("\\-", "-").replace("\\fR", "")
        start = text.index(".SH COMMANDS")
        end = text.index(".SH OPTIONS")
        entries = re.split(r'(?m)^\.TP\n(?=\.BR? "?[a-z]+\b)',
                           text[start:end])
        named = {}
        for entry in entries[1:]:
            name = re.match(r'\.BR? "?([a-z]+)', entry)[1]
            named[name] = named.get(name, "") + entry
        self.assertEqual(sorted(named), sorted(commands()))
        examples = text[text.index(".SH EXAMPLES"):]
        shared = {o.partition("=")[0]
                  for o in commands()["status"][0]} | {"-h"}
        for name, (options, _) in commands().items():
            with self.subTest(name):
                self.assertTrue("xs-probe " + name in examples,
                                "no example")
                missing = {o.partition("=")[0] for o in options} - shared
                missing -= set(re.findall(r"--?[\w-]+", named[name]))
                self.assertEqual(missing, set())


if __name__ == "__main__":
    unittest.main()
