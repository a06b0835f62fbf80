# SPDX-License-Identifier: GPL-2.0-or-later
"""
The commands of the transcripts, in the order in which they are run on one
daemon, and what may differ between our daemon and the C daemon.
"""
import re

PEERS = "/usr/lib/xen-4.17/bin/"
TOOLS = {name: "/usr/bin/xenstore-" + name for name in (
    "read", "write", "list", "ls", "exists", "chmod", "rm", "watch")}
# The wrapper in /usr/sbin refuses to run without Xen.
TOOLS["control"] = PEERS + "xenstore-control"
TOOLS["test"] = PEERS + "test-xenstore"

LONG = "x" * 2048

# name, tool, arguments
COMMANDS = [
    ("write one", "write", ["/a", "1"]),
    ("write deep", "write", ["/a/b/c/d", "deep"]),
    ("write several", "write", ["/s/1", "one", "/s/2", "two", "/s/3", ""]),
    ("write odd arguments", "write", ["/a"]),
    ("write nothing", "write", []),
    ("write bad path", "write", ["/a//b", "1"]),
    ("write trailing slash", "write", ["/a/", "1"]),
    ("write bad character", "write", ["/a b", "1"]),
    ("write special", "write", ["@releaseDomain", "1"]),
    ("write value with spaces", "write", ["/a/v", "two words"]),
    ("write control characters", "write", ["/a/ctl", "tab\tnewline\nend"]),
    ("write long path", "write", ["/" + LONG[:2000], "1"]),
    ("read one", "read", ["/a"]),
    ("read deep", "read", ["/a/b/c/d"]),
    ("read empty", "read", ["/a/b"]),
    ("read several", "read", ["/s/1", "/s/2"]),
    ("read with prefix", "read", ["-p", "/s/1", "/s/2"]),
    ("read raw", "read", ["-R", "/a/ctl"]),
    ("read escaped", "read", ["/a/ctl"]),
    ("read missing", "read", ["/none"]),
    ("read one missing of two", "read", ["/a", "/none"]),
    ("read nothing", "read", []),
    ("read bad path", "read", ["/a//b"]),
    ("list", "list", ["/s"]),
    ("list root", "list", ["/"]),
    ("list none", "list", ["/s/1"]),
    ("list missing", "list", ["/none"]),
    ("list with prefix", "list", ["-p", "/s"]),
    ("list several", "list", ["/s", "/a"]),
    ("ls", "ls", ["/a"]),
    ("ls full", "ls", ["-f", "/a"]),
    ("ls permissions", "ls", ["-p", "/s"]),
    ("ls full permissions", "ls", ["-f", "-p", "/"]),
    ("ls missing", "ls", ["/none"]),
    ("ls all", "ls", []),
    ("exists yes", "exists", ["/a/b"]),
    ("exists no", "exists", ["/a/x"]),
    ("exists several", "exists", ["/a", "/a/x"]),
    ("exists bad path", "exists", ["/a//x"]),
    ("chmod", "chmod", ["/s/1", "n0", "r5"]),
    ("chmod shown", "ls", ["-p", "/s"]),
    ("chmod recursive", "chmod", ["-r", "/a", "n0", "b7"]),
    ("chmod recursive shown", "ls", ["-f", "-p", "/a"]),
    ("chmod upward", "chmod", ["-u", "/a/b/c/d", "n0", "w9"]),
    ("chmod upward shown", "ls", ["-f", "-p", "/a"]),
    ("chmod missing", "chmod", ["/none", "n0"]),
    ("chmod bad letter", "chmod", ["/s/1", "x0"]),
    ("chmod owner unknown", "chmod", ["/s/1", "n4321"]),
    ("chmod special", "chmod", ["@releaseDomain", "n0", "r5"]),
    ("chmod special back", "chmod", ["@releaseDomain", "n0"]),
    ("rm one", "rm", ["/s/1"]),
    ("rm again", "rm", ["/s/1"]),
    ("rm several", "rm", ["/s/2", "/s/3"]),
    ("rm tree", "rm", ["/a"]),
    ("rm parent missing", "rm", ["/none/x"]),
    ("rm root", "rm", ["/"]),
    ("rm tidy", "write", ["/t/u/v", "1"]),
    ("rm -t", "rm", ["-t", "/t/u/v"]),
    ("after all", "ls", ["-f", "-p"]),
    ("control nothing", "control", []),
    ("control check", "control", ["check"]),
    ("control log on", "control", ["log", "on"]),
    ("control log off", "control", ["log", "off"]),
    ("control log bad", "control", ["log", "maybe"]),
    ("control print", "control", ["print", "hello"]),
    ("control print nothing", "control", ["print"]),
    ("control quota", "control", ["quota"]),
    ("control quota-soft", "control", ["quota-soft"]),
    ("control quota set", "control", ["quota", "set", "nodes", "2000"]),
    ("control quota after", "control", ["quota"]),
    ("control quota back", "control", ["quota", "set", "nodes", "1000"]),
    ("control quota bad name", "control", ["quota", "set", "none", "1"]),
    ("control quota bad value", "control", ["quota", "set", "nodes", "x"]),
    ("control quota-soft set", "control",
     ["quota-soft", "set", "memory", "2000000"]),
    ("control quota-soft back", "control",
     ["quota-soft", "set", "memory", "2097152"]),
    ("control quota domain", "control", ["quota", "0"]),
    ("control quota no domain", "control", ["quota", "4321"]),
    ("control memreport bad file", "control",
     ["memreport", "/nonexistent/file"]),
    ("control logfile bad", "control", ["logfile", "/nonexistent/file"]),
    ("control help", "control", ["help"]),
    ("control unknown", "control", ["nonsense"]),
    ("control live-update nothing", "control", ["live-update"]),
]

# name, paths watched, changes made meanwhile, events until it ends
WATCHES = [
    ("watch", ["/w"], [("write", "/w/x", "1"), ("rm", "/w/x")], 3),
    ("watch two", ["/w", "/v"], [("write", "/w/x", "1"),
                                 ("write", "/v", "1")], 4),
    ("watch chmod", ["/w/x"], [("chmod", "/w/x", "n0", "r3")], 2),
    ("watch parent removed", ["/w/x"], [("rm", "/w")], 2),
]

# name: (why, the lines on our daemon as regular expressions)
HELP = [
    "check\t", "log\ton|off",
    "live-update\t[-c <cmdline>] [-F] [-t <timeout>] <file>",
    "    Default timeout is 60 seconds.", "logfile\t<file>",
    "memreport\t[<file>]", "print\t<string>",
    "quota\t[set <name> <val>|<domid>]", "quota-soft\t[set <name> <val>]",
    "probe\t1 <topic> <cursor>", "probe-do\t1 <action> [<argument>]",
    "help\t", ""]


def listing(mark, head, end):
    """Our list of commands, as regular expressions."""
    return [re.escape(mark + line) for line in head + HELP] + [
        re.escape(end)]


UNSUPPORTED = ("our list of commands has probe",
               listing("2> ", ["Command not supported. Valid commands are:"],
                       "= 3"))
CANNOT = ("a file that cannot be opened is reported",
          ["2> Error 2 when trying to execute command.", "= 3"])
EXPLAINED = {
    "control help": ("our list of commands has probe",
                     listing("> ", [], "= 0")),
    "control log bad": UNSUPPORTED,
    "control print nothing": UNSUPPORTED,
    "control quota bad name": UNSUPPORTED,
    "control quota bad value": UNSUPPORTED,
    "control unknown": UNSUPPORTED,
    "control memreport bad file": CANNOT,
    "control logfile bad": CANNOT,
    "control quota domain": (
        "what a node costs in memory is counted otherwise",
        ["> Domain 0:"] + ["> %s *: +[0-9]+" % name for name in (
            "nodes", "watches", "transactions", "outstanding", "memory")] +
        ["> ", "= 0"]),
}

# A line that only ours has, wherever the whole store is listed, and why.
OURS_ALONE = (
    "/tool/xenstored/generation tells whether the store is still the same",
    r"> (/tool/xenstored/|  )generation = \"[0-9a-f]{32}\"( +\(r0\))?")
