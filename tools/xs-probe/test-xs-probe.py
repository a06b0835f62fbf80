#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""xs-probe against daemons played here: proxenos, strangers, broken ones.

Every case is a program run as an administrator runs it; exit status, the
whole of stdout where it is stable, and words of stderr are compared.
"""
import json
import os
import pty
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, TOP)
sys.dont_write_bytecode = True
from played import BIG, GOOD, NODES, SURVIVOR, Daemon, bad, ring  # noqa: E402

PROBE = os.path.abspath("tools/xs-probe/xs-probe")
REPLAY = os.path.abspath("xenstored/proxenos-replay")
DOMAINS = """\
DOMID  STATE       NODES  MEMORY  WATCHES  TRANS  OUTST  REQUESTS  EVENTS  \
WAITING  LOST  REFUSED  REQ  RSP  FEAT  CONN  ERROR
    0  running   10/1000   5/100    1/128   0/10   0/20         7       1  \
      0     0        0    0   16    15  ok    -
    5  running  950/1000   5/100    1/128   0/10   0/20         7       1  \
      0     0        0    0   16    15  ok    -
    7  running    3/1000   5/100    1/128   0/10   0/20         7       1  \
      0     0        2    0   16    15  ok    -
"""
# Commands of an update to /x, and what a daemon answers.
GOES = {b"-f /x": [b"OK\0"], b"-s -t 60": [b"OK\0"]}


# what, daemon, arguments, status, stdout (None: not compared), stderr word
CASES = [
    ("no daemon", None, ["status"], 3, "", "cannot reach"),
    ("silent daemon", dict(silent=True), ["--timeout", "100", "status"], 3,
     "", "does not answer"),
    ("no command", None, [], 2, None, ""),
    ("unknown command", None, ["frobnicate"], 2, "", "no command"),
    ("unknown option", None, ["status", "--frob"], 2, "", "--help"),
    ("other's option", None, ["status", "-p"], 2, "", "--help"),
    ("bad timeout", None, ["--timeout", "x", "status"], 2, "", "millisec"),
    ("too many arguments", None, ["status", "x"], 2, "", "Usage"),
    ("no domid", None, ["ring"], 2, "", "Usage"),
    ("status", dict(topics=GOOD), ["status"], 0, None, ""),
    ("domains", dict(topics=GOOD), ["domains"], 0, DOMAINS, ""),
    ("check", dict(topics=GOOD), ["check"], 0, "0 findings\n", ""),
    ("check finds", dict(topics=bad(check={
        "0": b"1\nfinding=a%20b\n", "1": b"0\nfindings=1\n"})), ["check"], 1,
     "wrong: a b\n1 finding\n", ""),
    ("check without end", dict(topics=bad(check={"0": b"0\nfinding=a\n"})),
     ["check"], 1, "", "makes no sense"),
    ("ring", dict(topics=GOOD), ["ring", "5"], 0, None, ""),
    ("ring on page two", dict(topics=GOOD), ["ring", "7"], 0, None, ""),
    ("no ring", dict(topics=GOOD), ["ring", "8"], 1, "", "no ring"),
    ("bad domid", dict(topics=GOOD), ["ring", "-1"], 2, "", ""),
    ("bad domid", dict(topics=GOOD), ["ring", "5x"], 2, "", "domid"),
    ("broken ring", dict(topics=bad(rings={"0": b"0\n" + ring(5, error=2),
                                           "5": b"0\n" + ring(5, error=2)})),
     ["ring", "5"], 1, None, ""),
    ("broken ring in domains",
     dict(topics=bad(rings={"0": b"0\n" + ring(5, req_prod=2000)})),
     ["domains"], 1, None, ""),
    ("cursor that stands", dict(topics=bad(domains={"0": b"5\n",
                                                    "5": b"5\n"})),
     ["domains"], 1, "", "makes no sense"),
    ("page without cursor", dict(topics=bad(status={"0": b"a=b\n"})),
     ["status"], 1, "", "makes no sense"),
    ("page without newline", dict(topics=bad(status={"0": b"0\na=b"})),
     ["status"], 1, "", "makes no sense"),
    ("page with a bad record", dict(topics=bad(status={"0": b"0\nab\n"})),
     ["status"], 1, "", "makes no sense"),
    ("status without records", dict(topics=bad(status={"0": b"0\n"})),
     ["status"], 1, "", "makes no sense"),
    ("older proxenos", dict(topics={"status": GOOD["status"]}), ["check"], 1,
     "", "no such"),
    ("not allowed", dict(stranger="EACCES"), ["status"], 1, "",
     "not allowed"),
    ("status of a survivor", dict(topics=bad(host={"0": SURVIVOR})),
     ["status"], 0, None, ""),
    ("update", dict(update=GOES), ["update", "/x"], 0,
     "done: /x serves now\n", ""),
    ("update of a stranger", dict(update=GOES, stranger="EINVAL"),
     ["update", "/x"], 0, "done: /x serves now\n", ""),
    ("update with options", dict(update={
        b"-f /x": [b"OK\0"], b"-s -t 5 -F": [b"OK\0"]}),
     ["update", "--wait", "5", "--force", "/x"], 0,
     "done: /x serves now\n", ""),
    ("update with short options", dict(update={
        b"-f /x": [b"OK\0"], b"-s -t 5 -F": [b"OK\0"]}),
     ["update", "-t5", "-F", "/x"], 0, "done: /x serves now\n", ""),
    ("update when busy first", dict(update={
        b"-f /x": [b"OK\0"], b"-s -t 60": [b"BUSY\0"] * 3 + [b"OK\0"]}),
     ["update", "/x"], 0, "done: /x serves now\n", ""),
    ("update to nothing", dict(update={
        b"-f /x": [b"File not accessible.\0"]}), ["update", "/x"], 1, "",
     "has to be there where the daemon"),
    ("update to what is no program", dict(update={
        b"-f /x": [b"File not executable.\0"]}), ["update", "/x"], 1, "",
     "no execute permission"),
    ("update beside another", dict(update={
        b"-f /x": [b"live-update session already active.\0"]}),
     ["update", "/x"], 1, "", "Somebody else is updating"),
    ("update with transactions", dict(update={
        b"-f /x": [b"OK\0"], b"-s -t 60":
        [b"Domains with long running transactions:\nDomain 3: 60 s\0"]}),
     ["update", "/x"], 1, "", "Domain 3: 60 s\nWhat this binary"),
    ("update given up", dict(update={
        b"-f /x": [b"OK\0"], b"-s -t 60":
        [b"Cancellation was requested\0"]}),
     ["update", "/x"], 1, "", "asked for the update to be given up"),
    ("update refused in other words", dict(update={
        b"-f /x": [b"OK\0"], b"-s -t 60": [b"/x: of another age\0"]}),
     ["update", "/x"], 1, "", "/x: of another age\nThe binary that was"),
    ("update refused by an OCaml daemon", dict(update={
        b"-f /x": [b"Command '/x' '--help' exited with code 2"]}),
     ["update", "/x"], 1, "", "go on from this daemon's state"),
    ("update refused, as JSON", dict(update={
        b"-f /x": [b"File not accessible.\0"]}), ["update", "--json", "/x"],
     1, None, ""),
    ("update of what has none", dict(stranger="EINVAL"), ["update", "/x"], 3,
     "", "no live update"),
    ("update, not allowed", dict(update={b"-f /x": ["EACCES"]}),
     ["update", "/x"], 1, "", "not allowed"),
    ("update, not a time", dict(), ["update", "-t", "x", "/x"], 2, "",
     "not a number"),
    ("update, not a file", dict(), ["update", "no/such/file"], 1, "",
     "No such file"),
    ("update, no daemon", None, ["update", "/x"], 3, "", "cannot reach"),
    ("other's long option", None, ["status", "--force"], 2, "",
     "unrecognized option '--force'"),
    ("long option before the command", None, ["--until", "5", "replay"], 2,
     "", "unrecognized option"),
    ("replay of nothing", None, ["replay", "/nonexistent"], 1, "",
     "/nonexistent: No such file"),
    ("replay without a name", None, ["replay"], 2, "", "Usage"),
    ("replay until never", None, ["replay", "--until", "0", "/"], 2, "",
     "Usage"),
    ("stranger: check", dict(stranger="EINVAL"), ["check"], 3, "",
     "not proxenos"),
    ("stranger: ring", dict(stranger=b"OK\0"), ["ring", "5"], 3, "",
     "not proxenos"),
    ("stranger: domains", dict(stranger="EINVAL", nodes=NODES), ["domains"],
     0, None, ""),
    ("ls", dict(nodes=NODES), ["ls", "/a"], 0, 'b = ""\n', ""),
    ("ls -p", dict(nodes=NODES), ["ls", "-p", "/a"], 0,
     'b = "" (n0,r5)\n', ""),
    ("ls -f", dict(nodes=NODES), ["ls", "-f", "/a"], 0, '/a/b = ""\n', ""),
    ("ls of all", dict(nodes=NODES), ["ls"], 0,
     'a = "x\\"\\n\\377"\n b = ""\nbig = ""\n' +
     "".join(' %s = "v"\n' % n.decode() for n in BIG), ""),
    ("ls of nothing", dict(nodes=NODES), ["ls", "/nope"], 1, "",
     "no such node"),
    ("ls of an evil name", dict(nodes={"/": {"names": [b"a/b"]}}),
     ["ls"], 1, "", "makes no sense"),
    ("ls for ever down", dict(nodes=type("Deep", (dict,), {
        "__contains__": lambda s, k: True,
        "__getitem__": lambda s, k: {"names": [b"d"]}})()), ["ls"], 1, None,
     "makes no sense"),
    ("too long a path", dict(nodes=NODES), ["ls", "/" + "x" * 3072], 2, "",
     "too long"),
]

# JSON: what, daemon, arguments, check of the parsed output
JSON_CASES = [
    ("status", dict(topics=GOOD), ["status", "--json"],
     lambda j: j["uptime_us"] == 3725000000 and j["version"] == "0.1.0" and
     j["from-tomorrow"] == 1 and j["host"]["rundir"] == "/run/x y"),
    ("domains", dict(topics=GOOD), ["--json", "domains"],
     lambda j: [d["domid"] for d in j["domains"]] == [0, 5, 7] and
     j["domains"][2]["ring"]["port"] == 17),
    ("check", dict(topics=GOOD), ["check", "--json"],
     lambda j: j["findings"] == 0),
    ("ring", dict(topics=GOOD), ["ring", "--json", "5"],
     lambda j: j["findings"] == [] and j["rsp_prod"] == 20),
    ("ls", dict(nodes=NODES), ["ls", "--json", "/"],
     lambda j: j[1] == {"path": "/a", "value": {"hex": "78220aff"},
                        "permissions": ["n0", "r5"]} and len(j) == 1004),
    ("update", dict(update=GOES), ["update", "--json", "/x"],
     lambda j: j == {"done": True, "binary": "/x", "reply": "OK",
                     "meaning": None}),
    ("stranger: status", dict(stranger="EINVAL", nodes=NODES),
     ["status", "--json"],
     lambda j: j["daemon"] == "other" and j["domains"] == 2 and
     j["introduced"] == 1 and j["cannot_tell"]),
    ("stranger: domains", dict(stranger=b"OK\0", nodes=NODES),
     ["domains", "--json"],
     lambda j: j["domains"] == [
         {"domid": 0, "introduced": True, "name": "Domain-0"},
         {"domid": 7, "introduced": False}]),
]

# Words that must be in the output, where the whole is not compared.
WORDS = {
    "no command": ["Usage:", "Commands:"],
    "status": ["version 0.1.0", "1h 2m", "in /run/x y", "refused"],
    "status of a survivor": ["4711", "1m 1s", "restarts             5",
                             "in doubt             3", "killed it twice"],
    "update refused, as JSON": ['"done": false', "File not accessible.",
                                "has to be there"],
    "ring": ["Nothing is wrong", "16 bytes unread", "watch depth"],
    "broken ring": ["wrong: error 2", "index was impossible"],
    "broken ring in domains": ["bad"],
    "stranger: domains": ["Domain-0", "not proxenos", "cannot tell"],
}


def run(directory, arguments):
    environment = dict(os.environ, XENSTORED_RUNDIR=directory,
                       XS_PROBE_REPLAY=REPLAY)
    environment.pop("XENSTORED_PATH", None)
    return subprocess.run([PROBE] + arguments, env=environment, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def with_daemon(given, arguments):
    directory = tempfile.mkdtemp(prefix="xs-probe-test-")
    daemon = Daemon(directory, **given) if given is not None else None
    try:
        return run(directory, arguments)
    finally:
        if daemon:
            daemon.close()
        shutil.rmtree(directory)


def on_terminal(no_colour):
    """What `check' prints when its output is a terminal."""
    directory = tempfile.mkdtemp(prefix="xs-probe-test-")
    daemon = Daemon(directory, topics=GOOD)
    master, slave = pty.openpty()
    environment = dict(os.environ, XENSTORED_PATH=daemon.path)
    environment.pop("NO_COLOR", None)
    if no_colour is not None:
        environment["NO_COLOR"] = no_colour
    try:
        subprocess.run([PROBE, "check"], env=environment, stdout=slave,
                       timeout=60, check=True)
        return os.read(master, 4096)
    finally:
        os.close(slave)
        os.close(master)
        daemon.close()
        shutil.rmtree(directory)


def main():
    failed = 0
    for no_colour, wanted in [
            (None, b"\033[32m0 findings\033[0m\r\n"),
            ("", b"\033[32m0 findings\033[0m\r\n"),
            ("1", b"0 findings\r\n")]:
        got = on_terminal(no_colour)
        failed += got != wanted
        print("terminal, NO_COLOR=%r: %s" %
              (no_colour, "ok" if got == wanted else repr(got)))
    for what, given, arguments, status, stdout, word in CASES:
        r = with_daemon(given, arguments)
        out, err = r.stdout.decode(), r.stderr.decode()
        wrong = []
        if r.returncode != status:
            wrong.append("exit status %d, not %d" % (r.returncode, status))
        if stdout is not None and out != stdout:
            wrong.append("stdout is\n%s" % out)
        wrong += ["stdout lacks %r:\n%s" % (w, out)
                  for w in WORDS.get(what, []) if w not in out]
        if word not in err or (not word and status == 0 and err):
            wrong.append("stderr is %r" % err)
        if "\033" in out + err:
            wrong.append("colours without a terminal")
        failed += bool(wrong)
        print("%s: %s" % (what, "; ".join(wrong) or "ok"))
    for what, given, arguments, check in JSON_CASES:
        r = with_daemon(given, arguments)
        good = False
        if r.returncode == 0:
            good = check(json.loads(r.stdout.decode()))
        failed += not good
        print("json %s: %s" % (what, "ok" if good else
                               "wrong: %r %r" % (r.stdout, r.stderr)))
    print("%d failed" % failed)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
