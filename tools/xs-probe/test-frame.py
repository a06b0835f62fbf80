#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What all subcommands of xs-probe have in common, tested for each of them by
one table: exit codes 0 to 3, help, JSON whose keys are explained, no colours
in a pipe, nothing changed unless that is the command's purpose, and a word
about what another daemon cannot tell.  A subcommand without a row fails.
"""
import json
import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.realpath(__file__))
TOP = os.path.join(HERE, "../..")
sys.path[:0] = [HERE, os.path.join(TOP, "tools/simxen")]
sys.dont_write_bytecode = True
from played import GOOD, NODES, Daemon, bad, load, ring  # noqa: E402
from simxen import Machine, SocketClient  # noqa: E402

PROBE = os.path.abspath("tools/xs-probe/xs-probe")
REPLAY = os.path.abspath("xenstored/proxenos-replay")
BENCH = os.path.abspath("tools/xs-bench/xs-bench")
DAEMON = os.path.abspath("xenstored/xenstored")
# The preload is before the sanitizer's library, on purpose.
os.environ["ASAN_OPTIONS"] = "verify_asan_link_order=0:" + \
    os.environ.get("ASAN_OPTIONS", "")

ALL = dict(topics=GOOD, nodes=NODES)
BOOTED = dict(NODES)
BOOTED.update({
    "/local/domain": {"names": [b"0"]},
    "/local/domain/0": {"names": [b"domid", b"name"]},
    "/local/domain/0/domid": {"value": b"0"}})
STRANGER = dict(stranger="EINVAL", nodes=BOOTED)
# Types that change the store, or who is in it: WRITE, MKDIR, RM, SET_PERMS,
# INTRODUCE, RELEASE, RESUME, SET_TARGET, SET_FEATURE, SET_QUOTA.
CHANGING = {8, 9, 11, 12, 13, 14, 18, 19, 24, 26}

# For each: arguments and the daemon for exit status 0 and 1, arguments for 2
# and 3, and what becomes of it with another daemon: a status and a word, on
# either output.  "{left}" is a directory that a killed daemon left,
# "{snapshot}" what tree saved.  `changes` is True for what may change things.
ROWS = {
    "status": dict(fine=([], ALL), wrong=([], dict(stranger="EACCES")),
                   usage=["x"], other=(0, "cannot tell")),
    "doctor": dict(fine=(["-w", "0"], dict(topics=bad(
        domains={"0": b"0\n"}, quotas={"0": b"0\n"}), nodes=BOOTED)),
        wrong=(["-w", "0"], dict(topics=bad(domains={"0": b"0\n"}))),
        usage=["x"], other=(0, "Not checked")),
    "ls": dict(fine=(["/a"], ALL), wrong=(["/nope"], ALL),
               usage=["/a", "/b"], other=(0, "")),
    "tree": dict(fine=(["/a"], ALL), wrong=(["/nope"], ALL), usage=["a"],
                 other=(0, "")),
    "diff": dict(fine=(["{snapshot}"], ALL),
                 wrong=(["{snapshot}"], dict(topics=GOOD, nodes={})),
                 usage=["/nonexistent"], other=(0, "")),
    "watch": dict(fine=(["-i", "-v", "-n", "1", "/a"], ALL),
                  wrong=(["-n", "1", "--for", "0", "/a"], ALL), usage=[],
                  other=(0, "")),
    "domains": dict(fine=([], ALL), wrong=([], dict(topics=bad(rings={
        "0": b"0\n" + ring(5, error=2)}))), usage=["x"],
        other=(0, "cannot tell")),
    "check": dict(fine=([], ALL), wrong=([], dict(topics=bad(check={
        "0": b"0\nfinding=a\nfindings=1\n"}))), usage=["x"],
        other=(3, "cannot tell")),
    "ring": dict(fine=(["5"], ALL), wrong=(["8"], ALL), usage=[],
                 unreached=["5"], other=(3, "cannot tell"), changes=True),
    "top": dict(fine=(["--batch", "-n", "1", "-i", "0.05"], ALL),
                wrong=(["--batch", "-n", "1"], dict(stranger="EACCES")),
                usage=["--batch", "-i", "x"], other=(3, "cannot tell")),
    "metrics": dict(fine=([], ALL), wrong=([], dict(stranger="EACCES")),
                    usage=["x"], other=(3, "cannot tell")),
    "channel": dict(fine=(["list"], ALL), wrong=(
        ["show", "/local/domain/0/data/channel/5/x"], ALL), usage=["x"],
        unreached=["list"], other=(0, "no channels"), changes=True),
    "trace": dict(fine=(["-n", "1"], ALL), wrong=(["-n", "1"], dict(
        stranger="EACCES")), usage=["--op", "x"], other=(3, "cannot tell")),
    "quota": dict(fine=([], ALL), wrong=([], dict(topics=bad(load={
        "0": b"0\n" + load(5, nodes=1000)}))), usage=["set", "nodes"],
        other=(3, "cannot tell"), changes=True),
    "conflicts": dict(fine=([], ALL), wrong=([], dict(stranger="EACCES")),
                      usage=["x"], other=(3, "cannot tell")),
    "who": dict(fine=(["/a/b"], ALL), wrong=(["/nope"], ALL), usage=["a"],
                unreached=["/a"], other=(3, "cannot tell")),
    "update": dict(fine=(["/x"], dict(update={
        b"-f /x": [b"OK\0"], b"-s -t 60": [b"OK\0"]})),
        wrong=(["/x"], dict(update={b"-f /x": [b"no\0"]})),
        usage=["-t", "x"], unreached=["/x"], other=(3, "cannot tell"),
        changes=True),
    "replay": dict(fine=(["{left}"], None), wrong=(["/nonexistent"], None),
                   usage=[], unreached=(["{left}"], dict(
                       XS_PROBE_REPLAY="/nonexistent")), other=None),
    # Its own program's exit codes; /bin/false for one that went wrong.
    "bench": dict(fine=(["--quick", "--only", "socket", "--without", "stock",
                         "--without", "ocaml"], None),
                  wrong=(["--list"], None, dict(XS_PROBE_BENCH="/bin/false")),
                  usage=["--only", "nonsense"], unreached=(["--list"], dict(
                      XS_PROBE_BENCH="/nonexistent")), other=None,
                  silent=True),
}

failed = 0


def verdict(what, wrong):
    global failed
    failed += bool(wrong)
    print("%s: %s" % (what, wrong or "ok"))


def run(arguments, given, environment=None):
    """Exit status, both outputs, and the types of requests asked."""
    directory = tempfile.mkdtemp(prefix="xs-probe-frame-")
    daemon = Daemon(directory, **given) if given is not None else None
    env = dict(os.environ, XENSTORED_RUNDIR=directory,
               XS_PROBE_REPLAY=REPLAY, XS_PROBE_BENCH=BENCH)
    env.pop("XENSTORED_PATH", None)
    env.update(environment or {})
    try:
        p = subprocess.run([PROBE] + arguments, env=env, timeout=60,
                           stdin=subprocess.DEVNULL, capture_output=True)
    finally:
        if daemon:
            daemon.close()
        shutil.rmtree(directory)
    return (p.returncode, p.stdout.decode(), p.stderr.decode(),
            daemon.kinds if daemon else set())


def keys_of(value):
    if isinstance(value, list):
        return set().union(*[keys_of(v) for v in value])
    if isinstance(value, dict):
        return set(value).union(*[keys_of(v) for v in value.values()])
    return set()


def values_of(text):
    """One value, or one to a line."""
    try:
        return [json.loads(text)]
    except ValueError:
        return [json.loads(line) for line in text.splitlines()]


def explained(name):
    """The words of a command's JSON section; those of the protocol's text
    too if the section refers to it."""
    text = run([name, "--help"], None)[1]
    section = text.partition("\nJSON:\n")[2].partition("\nOptions of")[0]
    if "docs/protocol" in section:
        with open(os.path.join(TOP, "docs/protocol/control.md")) as f:
            section += f.read()
    return set(re.findall(r"[\w-]+", section))


def exits(name, row):
    for what, status in ("fine", 0), ("wrong", 1):
        arguments, given, *environment = row[what]
        got = run([name] + arguments, given, *environment)
        wrong = []
        if got[0] != status:
            wrong.append("exit status %d: %s" % (got[0], got[1:3]))
        if what == "wrong" and not row.get("silent") and \
                not got[1] + got[2]:
            wrong.append("silent")
        if "\033" in got[1] + got[2]:
            wrong.append("colours in a pipe")
        if not row.get("changes") and got[3] & CHANGING:
            wrong.append("asks for changes: %s" % (got[3] & CHANGING))
        verdict("%s, %s" % (name, what), wrong)
    for arguments in row["usage"], ["--no-such-option"]:
        got = run([name] + arguments, None)
        verdict("%s, usage %s" % (name, arguments),
                (got[0] != 2 or got[1] or not got[2]) and got)
    arguments = row.get("unreached", row["fine"][0])
    environment = {}
    if isinstance(arguments, tuple):
        arguments, environment = arguments
    got = run([name] + arguments, None, environment)
    verdict(name + ", no daemon",
            (got[0] != 3 or "cannot" not in got[2] + got[1]) and got)


def terminal(name, row):
    """Nothing but text on a terminal, if that is what was asked for."""
    arguments, given, *_ = row["fine"]
    directory = tempfile.mkdtemp(prefix="xs-probe-frame-")
    daemon = Daemon(directory, **given) if given is not None else None
    master, slave = pty.openpty()
    env = dict(os.environ, XENSTORED_RUNDIR=directory, NO_COLOR="1",
               XS_PROBE_REPLAY=REPLAY, XS_PROBE_BENCH=BENCH)
    env.pop("XENSTORED_PATH", None)
    out = []
    # A terminal holds little: it is read while the program writes.
    reader = threading.Thread(target=drain, args=(master, out))
    reader.start()
    try:
        status = subprocess.run([PROBE, name] + arguments, env=env,
                                timeout=60, stdout=slave, stderr=slave,
                                stdin=subprocess.DEVNULL).returncode
    finally:
        os.close(slave)
        reader.join()
        os.close(master)
        if daemon:
            daemon.close()
        shutil.rmtree(directory)
    out = b"".join(out)
    verdict(name + ", NO_COLOR on a terminal",
            (status or not out or b"\033" in out) and (status, out))


def drain(master, out):
    try:
        while True:
            out.append(os.read(master, 65536))
    except OSError:
        pass                    # the other side is closed


def helps(name):
    status, out, err, _ = run([name, "--help"], None)
    wrong = []
    if status or err or run(["help", name], None)[1] != out:
        wrong.append("no help")
    for word in "Usage: xs-probe " + name, "\n  xs-probe " + name, \
            "\nExamples:\n", "\nWith other daemons than proxenos:\n":
        if word not in out:
            wrong.append("help lacks " + word)
    # Where it is installed may be anywhere.
    wrong += ["too wide: " + line for line in out.splitlines()
              if len(re.sub(r"/\S+/", "/usr/sbin/", line)) > 80]
    with open(os.path.join(TOP, "docs/man/xs-probe.1")) as f:
        if not re.search(r"^\.(B|BR) %s\b" % name, f.read(), re.M):
            wrong.append("not in the man page")
    verdict(name + ", help", wrong)


def prints_json(name, row):
    arguments, given = row["fine"]
    status, out, err, _ = run([name, "--json"] + arguments, given)
    wrong = []
    try:
        values = values_of(out)
    except ValueError as e:
        verdict(name + ", JSON", "%s: %s" % (e, out))
        return
    if status or (err and not row.get("silent")) or not values:
        wrong.append((status, out, err))
    unknown = set().union(*[keys_of(v) for v in values]) - explained(name) - \
        {"hex", "from-tomorrow"}
    if unknown:
        wrong.append("keys that help does not explain: %s" % sorted(unknown))
    verdict(name + ", JSON", wrong)


def other(name, row):
    if row["other"] is None:
        return
    status, word = row["other"]
    got = run([name] + row["fine"][0], STRANGER)
    verdict(name + ", another daemon",
            (got[0] != status or word not in got[1] + got[2]) and got)


def hands_over(top):
    """bench runs the xs-bench beside it, all arguments as they are."""
    shutil.copy(PROBE, top)
    with open(os.path.join(top, "xs-bench"), "w") as f:
        f.write("#!/bin/sh\nprintf '<%s>' \"$@\"\nexit 7\n")
    os.chmod(f.name, 0o755)
    env = {k: v for k, v in os.environ.items() if k != "XS_PROBE_BENCH"}
    for given, wanted in ((["a b", "--json", "-x"], "<a b><--json><-x>"),
                          (["--", "--help"], "<--help>")):
        p = subprocess.run([os.path.join(top, "xs-probe"), "bench"] + given,
                           env=env, capture_output=True, text=True)
        verdict("bench %s" % given, (p.returncode != 7 or
                                     p.stdout != wanted) and p)


def page_tells():
    """The man page says at its beginning which commands change something."""
    with open(os.path.join(TOP, "docs/man/xs-probe.1")) as f:
        said = re.search(r"changes nothing, but for(.*?)\.\n", f.read(), re.S)
    words = set(re.findall("[a-z]+", said[1] if said else ""))
    verdict("what the man page says to change something", sorted(
        (words & set(ROWS)) ^ {n for n in ROWS if ROWS[n].get("changes")}))


def fill(value, top):
    if isinstance(value, str):
        return value.replace("{left}", os.path.join(top, "left")).replace(
            "{snapshot}", os.path.join(top, "snapshot"))
    if isinstance(value, (list, tuple)):
        return type(value)(fill(v, top) for v in value)
    return value


def leave(left):
    """What a killed daemon leaves."""
    with Machine() as m:
        d = m.daemon(DAEMON, "-N")
        with SocketClient(m) as xs:
            xs.write(b"/a", b"1")
            d.kill()
        shutil.copytree(os.path.dirname(m.socket_path), left,
                        ignore=lambda _, names: [
                            n for n in names if n == "socket"])


def main():
    listed = run(["--commands"], None)[1].splitlines()
    names = [line.split()[0] for line in listed]
    verdict("every command has a row", sorted(set(names) ^ set(ROWS)))
    top = tempfile.mkdtemp(prefix="xs-probe-frame-")
    try:
        leave(os.path.join(top, "left"))
        run(["tree", "--save", os.path.join(top, "snapshot"), "/a"], ALL)
        for name in names:
            row = {k: fill(v, top) for k, v in ROWS.get(name, {}).items()}
            if not row:
                continue
            exits(name, row)
            terminal(name, row)
            helps(name)
            prints_json(name, row)
            other(name, row)
        hands_over(top)
        page_tells()
    finally:
        shutil.rmtree(top)
    print("%d failed" % failed)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
