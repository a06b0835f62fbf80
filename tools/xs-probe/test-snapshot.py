#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Snapshot files that anybody may have written, and daemons that say what no
store has: xs-probe diff, tree and ls look at them as root, on a terminal.
"""
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True
from played import Daemon  # noqa: E402

PROBE = os.path.abspath("tools/xs-probe/xs-probe")
ESCAPE = "\x1b]0;x\a"       # names the terminal's window
SHOWN = "\\033]0;x\\007"


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="xs-probe-snapshot-")
        self.addCleanup(shutil.rmtree, self.dir)
        self.socket = os.path.join(self.dir, "none")

    def play(self, nodes, **given):
        daemon = Daemon(self.dir, nodes=nodes, stranger="EINVAL", **given)
        self.addCleanup(daemon.close)
        self.socket = daemon.path

    def probe(self, *args, status=0, words=""):
        p = subprocess.run([PROBE, "-s", self.socket, *args], text=True,
                           capture_output=True, timeout=60,
                           env=dict(os.environ, LC_ALL="C", TZ="UTC"))
        self.assertEqual(p.returncode, status, p.stdout + p.stderr)
        self.assertIn(words, p.stderr)
        if not words:
            self.assertEqual(p.stderr, "")
        return p.stdout

    def clean(self, text):
        self.assertEqual(re.findall("[^ -~\n]", text), [], text)


class File(Case):
    def file(self, name, path, *nodes, perms="n0", value="x"):
        name = os.path.join(self.dir, name)
        with open(name, "w") as f:
            json.dump({"snapshot": 1, "path": path, "time": 0, "nodes": [
                {"path": n, "value": value, "permissions": [perms]}
                for n in nodes], "count": len(nodes), "bytes": 0}, f)
        return name

    def test_root(self):
        """Paths are compared below the root, so they have to be there."""
        good = self.file("good", "/b", "/b", "/b/c")
        for root, nodes in (("/" + 5000 * "A", ["/b"]), ("", ["/"]),
                            ("b", ["/b"]), ("/b/", ["/b/", "/b/c"]),
                            ("/b/", ["/b"]), ("/b\0", ["/b"]),
                            ("//", ["//"]), ("/b", ["/b", "/bc"]),
                            ("/b", ["/"]), ("/b", ["/b", "/c"])):
            with self.subTest(root=root[:8], nodes=nodes):
                bad = self.file("bad", root, *nodes)
                for args in (bad, good), (good, bad), (bad,):
                    self.probe("diff", *args, status=2, words="no snapshot")
        root = self.file("root", "/", "/", "/b", "/b/c")
        self.probe("diff", "-q", root, root)
        self.assertEqual(self.probe("diff", good, root, status=1).splitlines()
                         [2:], ['+ /b = "x" (n0)', '+ /b/c = "x" (n0)',
                                '- /c = "x" (n0)', "3 differences"])

    def test_escapes(self):
        bad = self.file("bad", "/b" + ESCAPE, "/b" + ESCAPE,
                        "/b%s/c%s" % (ESCAPE, ESCAPE), perms="n0" + ESCAPE,
                        value="v" + ESCAPE)
        other = self.file("other", "/b" + ESCAPE, "/b" + ESCAPE,
                          perms="n1,r2" + ESCAPE)
        for args in (bad, other), (other, bad), (bad, bad):
            out = self.probe("diff", *args, status=int(args[0] != args[1]))
            self.clean(out)
            self.assertIn("/b%s, 1970" % SHOWN, out)
        out = self.probe("diff", bad, other, status=1)
        for line in ("~ /b%s owner 0%s -> 1\n",
                     "~ /b%s permissions n0%s -> n1,r2%s\n",
                     '- /b%s/c%s = "v%s" (n0%s)\n'):
            self.assertIn(line.replace("%s", SHOWN), out)


    def test_quiet(self):
        """As JSON too."""
        a, b = self.file("a", "/b", "/b", "/b/c"), self.file("b", "/b", "/b")
        for more in [], ["--json"]:
            for other, status in (a, 0), (b, 1):
                self.assertEqual(self.probe("diff", "-q", a, other, *more,
                                            status=status), "")


class Played(Case):
    def test_unread(self):
        """What may not be listed any more is not removed."""
        nodes = {"/": {"names": [b"a"]}, "/a": {"names": [b"b"]}, "/a/b": {}}
        hidden = set()
        self.play(nodes, hidden=hidden)
        name = os.path.join(self.dir, "saved")
        self.probe("tree", "--save", name)
        self.probe("diff", "-q", name)
        hidden.add("/a")
        for more in [], ["-q"], ["--json"]:
            self.assertEqual(self.probe(
                "diff", name, *more, status=2,
                words="1 directories could not be read"), "")

    def test_escapes(self):
        name = "n" + ESCAPE
        perms = ("n0%s\0r1%s\0" % (ESCAPE, ESCAPE)).encode()
        self.play({"/": {"names": [name.encode()], "perms": perms},
                   "/" + name: {"value": ESCAPE.encode(), "perms": perms}})
        for args in ("ls",), ("ls", "-p"), ("ls", "-f"), ("ls", "-1"), \
                ("tree",), ("tree", "-op"), ("tree", "/" + name), \
                ("ls", "--json"), ("tree", "--json"):
            with self.subTest(args):
                out = self.probe(*args)
                self.clean(out)
                self.assertIn("/n\\u001B]0" if "--json" in args else
                              "n" + SHOWN, out)
        self.assertIn("  owner 0%s  (n0%s,r1%s)\n" % (3 * (SHOWN,)),
                      self.probe("tree", "-op"))

    def test_mode(self):
        """Saved for oneself, whatever stands where it goes to."""
        self.play({"/": {"value": b"secret"}})
        before = set(os.listdir(self.dir))
        name = os.path.join(self.dir, "saved")
        victim = os.path.join(self.dir, "victim")
        with open(victim, "w") as f:
            f.write("as it was")
        mask = os.umask(0)
        try:
            for link in False, True:
                if link:
                    for end in "", ".new":
                        if os.path.exists(name + end):
                            os.unlink(name + end)
                        os.symlink(victim, name + end)
                self.probe("tree", "--save", name)
                state = os.lstat(name)
                self.assertEqual(stat.filemode(state.st_mode), "-rw-------")
        finally:
            os.umask(mask)
        with open(victim) as f:
            self.assertEqual(f.read(), "as it was")
        self.probe("diff", "-q", name, name)
        self.probe("tree", "--save", self.dir, status=1, words="director")
        self.assertEqual(set(os.listdir(self.dir)) - before,
                         {"saved", "saved.new", "victim"})
        self.assertEqual([n for n in os.listdir(os.path.dirname(self.dir))
                          if n.startswith(os.path.basename(self.dir) + ".")],
                         [])


if __name__ == "__main__":
    unittest.main()
