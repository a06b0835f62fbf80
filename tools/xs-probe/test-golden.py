#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What xs-probe prints, compared with what it printed.

Screens are the blocks of docs/xs-probe.md that follow a line
`<!-- printed on: SCENE -->`: each "$ command" in them is run on that machine
of scenes.py.  Those that follow `<!-- screen on: SCENE -->` are what a terminal
shows once it has rates; they are never the same, so they are written but not
compared (top has its own tests of what it shows).  JSON is in golden/, one file a command.  Times, pids and the
like are masked.  After a change that intends another output:

    tools/xs-probe/test-golden.py --write

in the build directory, and read the difference.
"""
import difflib
import json
import os
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [HERE]
sys.dont_write_bytecode = True
from scenes import BUILD, DAEMON, PROBE, SCENES  # noqa: E402

DOCS = os.path.join(HERE, "../../docs/xs-probe.md")
GOLDEN = os.path.join(HERE, "golden")
# The preload is before the sanitizer's library, on purpose.
os.environ["ASAN_OPTIONS"] = "verify_asan_link_order=0:" + \
    os.environ.get("ASAN_OPTIONS", "")

# File in golden/: scene, arguments, exit status.
JSON = {
    "status": ("host", "status", 0),
    "status-stock": ("stock", "status", 0),
    "doctor": ("host", "doctor --wait 0", 0),
    "doctor-broken": ("broken", "doctor --wait 0", 1),
    "doctor-list": ("host", "doctor --list", 0),
    "doctor-stock": ("stock", "doctor --wait 0", 0),
    "ls": ("host", "ls /local/domain/1", 0),
    "tree": ("host", "tree /local/domain/1/device", 0),
    "diff": ("host", "diff @web @db", 1),
    "watch": ("host", "watch -iv -n 1 /local/domain/1/name", 0),
    "domains": ("host", "domains", 0),
    "domains-stock": ("stock", "domains", 0),
    "check": ("host", "check", 0),
    "ring": ("host", "ring 1", 0),
    "ring-broken": ("broken", "ring 1", 1),
    "quota": ("broken", "quota", 0),
    "conflicts": ("broken", "conflicts", 0),
    "who": ("host", "who /local/domain/1/name", 0),
    "channel": ("host", "channel list", 0),
    "channel-broken": ("broken", "channel list", 0),
    "update": ("host", "update %s" % DAEMON, 0),
}
# Compared by the tests of their own: what they print is never the same.
ELSEWHERE = {"replay", "trace", "bench", "top"}

# As they would be on a host.
PLACES = [
    (r"/tmp/simxen-\w+/run", "/run/xenstored"),
    (r"/tmp/simxen-\w+/", ""),
    (re.escape(DAEMON), "/usr/local/sbin/xenstored"),
]
# What is another each time, in both forms of output.
MASKS = [
    (r"\d\d:\d\d:\d\d\.\d{6}", "12:34:56.123456"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "2026-01-02 12:34:56"),
    (r"\b[0-9a-f]{32}\b", "0123456789abcdef0123456789abcdef"),
    (r'("(?:time_us|uptime_us|round_trip_us|checkpoint_age_us|checkpoint_pause_us)": ?)\d+',
     r"\g<1>1234567"),
    (r'("(?:time)": ?)\d+', r"\g<1>1760000000"),
    (r'("pid": )\d+', r"\g<1>1234"),
    (r"in \d+ us;", "in 59 us;"),
    (r"(?m)^(uptime +)\d+m \d+s", r"\g<1>12m 34s"),
    (r"(?m)^(pid +)\d+", r"\g<1>1234"),
    (r"(?m)^(last one +)\d+m \d+s", r"\g<1>12m 34s"),
    (r'("(?:loop|latency)": )"[0-9:,]+"', r'\g<1>"2:1,3:5"'),
    (r'("(?:loop|latency)_(?:sum|max)_us": )\d+', r"\g<1>123"),
    (r'("(?:first|last|age)_us": )\d+', r"\g<1>1234567"),
    (r'("(?:conn|loser_conn|winner_conn)": )\d{5,}', r"\g<1>65537"),
    (r"client \d{5,}", "client 65537"),
    (r"\b\d+(\.\d+)? (us|ms|s)( ago)?\b", r"12.3 ms\g<3>"),
    (r"(?m)^([\d:]{8}\.\d{6} +\w+ +\w+ +)\d+", r"\g<1>26"),
    (r'("version": )"[\d.]+"', r'\g<1>"0.1.0"'),
    (r"version \d+(\.\d+)+", "version 0.1.0"),
    # Counters of what the tests' own looking does, and of the loop's passes.
    (r'("(?:requests_in_bytes|bytes_in|bytes_out|replies_out_bytes|passes|journal|requests|'
     r'notifies_in|notifies_out|watches|sockets|memory)": )\d+',
     r"\g<1>100"),
    (r"(?m)^((?:requests|journal|sockets|watches) +)\d+ ", r"\g<1>100 "),
    (r"(notified|notifies) \d+( times)?", r"\g<1> 7\g<2>"),
]


def placed(text):
    for pattern, to in PLACES:
        text = re.sub(pattern, to, text)
    return text


def masked(text):
    for pattern, to in MASKS:
        text = re.sub(pattern, to, text)
    return text


def squeezed(text):
    """A masked number may be wider: columns do not count then."""
    return re.sub(r" +", " ", masked(placed(text)))


def run(command, stage):
    env = dict(stage.m.environ(), PATH=os.path.dirname(PROBE) + ":" +
               os.environ["PATH"], LC_ALL="C.UTF-8", TZ="UTC", COLUMNS="80")
    env.pop("NO_COLOR", None)
    return subprocess.run(["bash", "-c", command], env=env, text=True,
                          stdin=subprocess.DEVNULL, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


class Golden:
    def __init__(self, write):
        self.write = write
        self.failed = 0
        self.shown = set()
        self.stages = {}

    def stage(self, scene):
        """One machine at a time is the present directory's."""
        if scene not in self.stages:
            self.close()
            self.stages[scene] = SCENES[scene]()
            self.prepare(scene)
        return self.stages[scene]

    def prepare(self, scene):
        if scene == "host":
            for name, domid in ("web", 1), ("db", 2):
                run("xs-probe tree -S %s /local/domain/%d" % (name, domid),
                    self.stages[scene])

    def close(self):
        while self.stages:
            self.stages.popitem()[1].close()

    def compare(self, what, want, got):
        if squeezed(want) == squeezed(got):
            print("%s: ok" % what)
            return
        self.failed += 1
        print("%s: differs" % what)
        sys.stdout.writelines(difflib.unified_diff(
            squeezed(want).splitlines(True), squeezed(got).splitlines(True),
            "was printed", "is printed now"))

    def keep(self, path, text):
        with open(path, "w") as f:
            f.write(text)

    def json(self):
        os.makedirs(GOLDEN, exist_ok=True)
        for name, (scene, arguments, status) in sorted(
                JSON.items(), key=lambda item: item[1][0]):
            stage = self.stage(scene)
            command, _, rest = arguments.replace("@", "").partition(" ")
            self.shown.add(command)
            p = run("xs-probe %s --json %s" % (command, rest), stage)
            path = os.path.join(GOLDEN, name + ".json")
            if p.returncode != status:
                self.failed += 1
                print("json %s: exit status %d" % (name, p.returncode))
            json.loads(p.stdout)
            if self.write:
                self.keep(path, masked(placed(p.stdout)))
            with open(path) as f:
                self.compare("json " + name, f.read(), p.stdout)

    def block(self, scene, lines):
        """A block's lines with each command's output as it is now."""
        out = []
        for line in lines:
            if not line.startswith("$ "):
                continue
            self.shown.update(re.findall(r"xs-probe (\w+)", line))
            out += [line] + placed(
                run(line[2:], self.stage(scene)).stdout).splitlines()
        # What differs in nothing but what is masked stays as it is.
        return lines if squeezed("\n".join(lines)) == \
            squeezed("\n".join(out)) else out

    def screen(self, scene, lines):
        """A terminal of 100 to 11, when a row of the table has a rate: there
        is none before the second reading."""
        stage, name = self.stage(scene), "golden-%d" % os.getpid()
        tmux = ["tmux", "-L", name, "-f", "/dev/null"]
        env = dict(stage.m.environ(), LC_ALL="C.UTF-8", PATH=os.path.dirname(
            PROBE) + ":" + os.environ["PATH"])
        subprocess.run(tmux + ["new-session", "-d", "-x", "100", "-y", "11",
                               lines[0][2:]], env=env, check=True)
        try:
            end, text = time.monotonic() + 20, ""
            while not re.search(r"(?m)^ +\d+ \S+ +[1-9]", text):
                if time.monotonic() > end:
                    raise TimeoutError("no rate on the screen:\n" + text)
                time.sleep(0.1)
                text = subprocess.run(
                    tmux + ["capture-pane", "-p"], text=True,
                    stdout=subprocess.PIPE, check=True).stdout
        finally:
            subprocess.run(tmux + ["kill-server"], check=True)
        return [lines[0]] + text.rstrip().splitlines()

    def docs(self):
        with open(DOCS) as f:
            lines = f.read().splitlines()
        out, i, kind, scene = [], 0, None, None
        while i < len(lines):
            out.append(lines[i])
            found = re.match(r"<!-- (printed|screen) on: (\w+) -->$",
                             lines[i])
            if found:
                kind, scene = found.groups()
            i += 1
            if lines[i - 1] != "```" or not scene:
                continue
            end = lines.index("```", i)
            if kind == "screen":
                self.shown.update(re.findall(r"xs-probe (\w+)", lines[i]))
                out += (self.screen(scene, lines[i:end]) if self.write and
                        end == i + 1 else lines[i:end]) + ["```"]
                self.failed += end < i + 5 and not self.write
                i, scene = end + 1, None
                continue
            got = self.block(scene, lines[i:end])
            if not self.write:
                self.compare("screen " + lines[i], "\n".join(lines[i:end]) +
                             "\n", "\n".join(got) + "\n")
            out += (got if self.write else lines[i:end]) + ["```"]
            i, scene = end + 1, None
        if self.write:
            self.keep(DOCS, "\n".join(out) + "\n")

    def nothing_left_out(self):
        p = subprocess.run([PROBE, "--commands"], text=True,
                           stdout=subprocess.PIPE, check=True)
        names = {line.split()[0] for line in p.stdout.splitlines()}
        missing = names - self.shown - ELSEWHERE
        with open(DOCS) as f:
            text = f.read()
        missing |= {n for n in names if "xs-probe " + n not in text}
        with open(os.path.join(HERE, "finding.c")) as f:
            ids = re.findall(r'= \{ "([a-z0-9-]+)", FINDING', f.read())
        missing |= {i for i in ids if ": %s\n" % i not in text}
        self.failed += bool(missing) + (len(ids) < 30)
        print("left out: %s" % (", ".join(sorted(missing)) or "nothing: ok"))


def main():
    golden = Golden("--write" in sys.argv)
    try:
        golden.json()
        golden.close()
        golden.docs()
    finally:
        golden.close()
    os.chdir(BUILD)
    golden.nothing_left_out()
    if golden.failed:
        print("If it should print that: %s --write, in the build directory, "
              "and read the difference." % sys.argv[0])
    print("%d failed" % golden.failed)
    return 1 if golden.failed else 0


if __name__ == "__main__":
    sys.exit(main())
