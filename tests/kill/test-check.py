#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The kill test's proof can fail: each lie in a log is found.

A short load on a daemon that is not killed gives logs that pass; then one
thing is changed in them at a time, as a daemon that lost or doubled something
would have made it, and the check that is for this must complain.
"""

import glob
import io
import os
import random
import sys
import tempfile
import time
from subprocess import PIPE, Popen

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "../../tools/simxen")]
import check  # noqa: E402
import simxen  # noqa: E402


class Logs:
    """All lines as lists of words, to be changed and written again."""

    def __init__(self, directory):
        self.clients = {}
        for path in glob.glob(os.path.join(directory, "client.*")):
            with open(path) as f:
                self.clients[int(path.rsplit(".", 1)[1])] = [
                    line.rstrip("\n").split(" ") for line in f]
        self.killer = ["M none"]
        self.last = max(self.clients)

    def write(self, directory):
        for n, lines in self.clients.items():
            with open(os.path.join(directory, "client.%d" % n), "w") as f:
                f.writelines(" ".join(w) + "\n" for w in lines)
        with open(os.path.join(directory, "killer"), "w") as f:
            f.writelines(line + "\n" for line in self.killer)

    def replies(self, client, op, path="", ok=True):
        """(index of S, index of R) of such requests of a client."""
        lines, sent = self.clients[client], {}
        for i, w in enumerate(lines):
            if w[0] == "S":
                sent[w[2]] = i
            elif w[0] == "R" and w[2] in sent:
                s = lines[sent[w[2]]]
                if s[3] == op and s[5].startswith(path) and \
                        (w[3] == "ok") == ok:
                    yield sent[w[2]], i

    def any_reply(self, rng, op, path="", want=lambda s, r: True):
        """(lines, S, R) of one of them, of any client that did the load."""
        found = [(n, s, r) for n in sorted(self.clients) if n != self.last
                 for s, r in self.replies(n, op, path)
                 if want(self.clients[n][s], self.clients[n][r])]
        n, s, r = rng.choice(found)
        return self.clients[n], s, r

    def final(self, path):
        lines = self.clients[self.last]
        op = "DIR" if path.startswith("/kill/names") else "READ"
        *_, (s, r) = self.replies(self.last, op, path)
        return lines[s], lines[r]

    def set_final(self, rng, path, value):
        self.final(path)[1][4] = value


def outside(s, r):
    """Such a request is in no transaction."""
    return s[4] == "0"


# Each changes the logs and is named after the check that has to see it.

def protocol_reply_lost(x, rng):
    lines, s, r = x.any_reply(rng, "WRITE")
    del lines[r]


def protocol_last_reply_lost(x, rng):
    lines = x.clients[3]
    del lines[max(i for i, w in enumerate(lines) if w[0] == "R")]


def protocol_reply_twice(x, rng):
    lines, s, r = x.any_reply(rng, "READ")
    lines.insert(r + 1, list(lines[r]))


def protocol_replies_swapped(x, rng):
    for lines in x.clients.values():
        for i in range(len(lines) - 1):
            if lines[i][0] == "R" and lines[i + 1][0] == "R":
                lines[i], lines[i + 1] = lines[i + 1], lines[i]
                return
    raise AssertionError("no two replies in a row")


def protocol_ring_broken(x, rng):
    x.clients[2].append(["X", "1", "ring", "broken:", "error=3"])


def protocol_not_ended(x, rng):
    x.clients[2].pop()


def protocol_foreign_event(x, rng):
    lines = x.clients[1]
    lines.insert(len(lines) - 1, ["E", lines[-1][1], "/kill/reg/0", "/no"])


def errors_refused(x, rng):
    lines, s, r = x.any_reply(rng, "WRITE")
    lines[r][3:] = ["ENOSPC", "-"]


def registers_write_lost(x, rng):
    """The last write's value is not there at the end: the one before is."""
    writes = sorted((int(w[1]), w[6]) for lines in x.clients.values()
                    for w in lines if w[0] == "S" and w[3] == "WRITE" and
                    w[4] == "0" and w[5] == "/kill/reg/5")
    x.set_final(rng, "/kill/reg/5", writes[len(writes) // 2][1])


def registers_old_value_returns(x, rng):
    path = "/kill/reg/7"
    first = [w for w in x.clients[x.last] if w[0] == "S" and
             w[3] == "WRITE" and w[5] == path][0]
    *_, last = sorted((int(x.clients[n][r][1]), n, r)
                      for n in x.clients if n != x.last
                      for s, r in x.replies(n, "READ", path)
                      if x.clients[n][s][4] == "0" and
                      x.clients[n][s][5] == path)
    x.clients[last[1]][last[2]][4] = first[6]


def registers_unheard_of(x, rng):
    lines, s, r = x.any_reply(rng, "READ", "/kill/reg/", outside)
    lines[r][4] = "7.99999999"


def registers_of_the_future(x, rng):
    """A value is read before anybody wrote it."""
    *_, (s, r) = x.replies(0, "WRITE", "/kill/reg/")
    write = x.clients[0][s]
    for lines in x.clients.values():
        for w in lines:
            if w[0] == "S" and w[3] == "READ" and w[5] == write[5] and \
                    w[4] == "0":
                reply = [v for v in lines if v[0] == "R" and v[2] == w[2]][0]
                reply[4] = write[6]
                return


def registers_perms_lost(x, rng):
    lines, s, r = x.any_reply(
        rng, "GETPERMS", want=lambda s, r: r[4].count(",") == 2)
    lines[r][4] = "r0,b10001,w29999"


def registers_aborted_seen(x, rng):
    """What was written in a transaction that was thrown away is seen."""
    for n, lines in x.clients.items():
        ends = {lines[s][4] for s, r in x.replies(n, "END")
                if lines[s][6] == "F"}
        for w in lines:
            if w[0] == "S" and w[3] == "WRITE" and w[4] in ends and \
                    w[5].startswith("/kill/reg"):
                x.set_final(rng, w[5], w[6])
                return
    raise AssertionError("nothing was thrown away")


def transactions_sum(x, rng):
    """One account is seen as another transfer left it."""
    for n, lines in x.clients.items():
        txs = {}
        for s, r in x.replies(n, "READ", "/kill/acc/"):
            txs.setdefault(lines[s][4], []).append(r)
        for tx, found in txs.items():
            if tx != "0" and len(found) == check.ACCOUNTS:
                r = lines[found[3]]
                r[4] = "%d:%s" % (check.amount(r[4]) + 1,
                                  r[4].split(":")[1])
                return
    raise AssertionError("nobody made a sum")


def transactions_own_write(x, rng):
    for n, lines in x.clients.items():
        for s, r in x.replies(n, "READ", "/kill/reg/"):
            if lines[s][4] != "0":
                lines[r][4] = "1.1"
                return
    raise AssertionError("nobody read its own write")


def transactions_money_lost(x, rng):
    s, r = x.final("/kill/acc/2")
    r[4] = "%d:%s" % (check.amount(r[4]) - 1, r[4].split(":")[1])


def counter_commits(x, path):
    """(lines, S of WRITE, R of END), in order."""
    found = []
    for n, lines in x.clients.items():
        ends = {lines[s][4]: r for s, r in x.replies(n, "END")
                if lines[s][6] == "T"}
        for i, w in enumerate(lines):
            if w[0] == "S" and w[3] == "WRITE" and w[5] == path and \
                    w[4] in ends:
                found.append((check.amount(w[6]), lines, i, ends[w[4]]))
    return [f[1:] for f in sorted(found, key=lambda f: f[0])]


def counters_lost(x, rng):
    """The last commit is not in the final value."""
    commits = counter_commits(x, "/kill/cnt/1")
    lines, s, r = commits[-2]
    x.set_final(rng, "/kill/cnt/1", lines[s][6])


def counters_twice(x, rng):
    """Two commits made the same number: one was lost in between."""
    (a, i, _), (b, j, _) = counter_commits(x, "/kill/cnt/2")[3:5]
    b[j][6] = "%d:%s" % (check.amount(a[i][6]), b[j][6].split(":")[1])


def counters_applied_twice(x, rng):
    """It is one higher than there were commits."""
    s, r = x.final("/kill/cnt/3")
    r[4] = "%d:%s" % (check.amount(r[4]) + 1, r[4].split(":")[1])


def names_lost(x, rng):
    for n in range(x.last):
        s, r = x.final("/kill/names/%d" % n)
        if "," in r[4]:
            r[4] = r[4].split(",", 1)[1]
            return
    raise AssertionError("no names")


def names_return(x, rng):
    """One that was removed is there again: the making was done twice."""
    lines, s, r = x.any_reply(rng, "RM", want=outside)
    room, name = check.name_of(lines[s][5])
    s, r = x.final(room)
    r[4] = name if r[4] == "-" else r[4] + "," + name


def names_unheard_of(x, rng):
    s, r = x.final("/kill/names/1")
    r[4] = "99999999"


def drop_events(x, path, index):
    """Client index hears no more of path after its half time."""
    lines = x.clients[index]
    hits = [i for i, w in enumerate(lines) if w[0] == "E" and
            w[3] == path]
    for i in reversed(hits[1:]):
        del lines[i]


def first_watch(x, index, room):
    return [w[5] for w in x.clients[index] if w[0] == "S" and
            w[3] == "WATCH" and w[5].startswith(room)][0]


def without_renewal(x):
    for n in sorted(x.clients):
        if n != x.last and not any(w[0] in "VZ" for w in x.clients[n]):
            yield n


def watches_last_event_lost(x, rng):
    index = rng.choice(list(without_renewal(x)))
    drop_events(x, first_watch(x, index, "/kill/reg/"), index)


def watches_name_event_lost(x, rng):
    for index in without_renewal(x):
        lines = x.clients[index]
        events = [i for i, w in enumerate(lines) if w[0] == "E" and
                  w[2].count("/") == 4 and w[3].startswith("/kill/names/")]
        if not events:
            continue
        name = lines[rng.choice(events)][2]
        x.clients[index] = [w for w in lines if w[0] != "E" or
                            not w[2].startswith(name)]
        return
    raise AssertionError("no events of names")


def levels_missed(x, rng):
    """Who looked last did so before the end."""
    path = first_watch(x, 1, "/kill/cnt/")
    lines = x.clients[1]
    *_, (s, r) = x.replies(1, "LREAD", path)
    lines[r][4] = [lines[i][4] for _, i in x.replies(1, "LREAD", path)][0]


def closings_hung_up(x, rng):
    lines = x.clients[x.last - 1]
    for n, i in enumerate(lines):
        if i[0] == "V":
            lines[n] = ["D", i[1]]
            return
    lines.insert(1, ["D", lines[1][1]])


def closings_too_many(x, rng):
    """One death closes two sockets that were in use."""
    x.killer = ["M fdstore", "K 1", "R 2"]
    for n in (x.last - 1, x.last - 2):
        lines = x.clients[n]
        at = [i for i, w in enumerate(lines) if w[0] == "R"][-1]
        lines[at + 1:at + 1] = [["D", "2"], ["C", "3"]]


def activity_none(x, rng):
    for n in x.clients:
        if n != x.last:
            x.clients[n] = [w for w in x.clients[n] if w[0] in "HQ"]


LIES = [f for name, f in sorted(globals().items())
        if name.partition("_")[0] in {c.__name__ for c in check.CHECKS}]


def make_logs(directory):
    build = os.path.join(os.path.dirname(simxen.command()), "../..")
    daemon = os.path.join(build, "xenstored/xenstored")
    with simxen.Machine() as m, m.daemon(daemon):
        load = Popen([os.path.join(build, "tests/kill/load"), m.dir,
                      directory, "8", "8", "4", "1"], stdin=PIPE,
                     stdout=PIPE, text=True)
        if load.stdout.readline() != "running\n":
            raise AssertionError("the load does not run")
        time.sleep(2)
        load.communicate("stop\n", timeout=60)
        if load.returncode:
            raise AssertionError("the load failed")


def complaints(logs):
    """Names of the checks that complain."""
    with tempfile.TemporaryDirectory(prefix="kill-") as d:
        logs.write(d)
        out = io.StringIO()
        check.run(d, out)
    return {line.split()[1] for line in out.getvalue().splitlines()
            if line.startswith("FAIL")}, out.getvalue()


def main():
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="kill-") as d:
        make_logs(d)
        found, text = complaints(Logs(d))
        if found:
            print("FAIL the truth\n" + text)
            return 1
        for lie in LIES:
            logs = Logs(d)
            lie(logs, random.Random(lie.__name__))
            found, text = complaints(logs)
            want = lie.__name__.partition("_")[0]
            good = want in found
            passed, failed = passed + good, failed + (not good)
            print("%s %s: %s" % ("ok  " if good else "FAIL", lie.__name__,
                                 " ".join(sorted(found)) or "nothing found"))
    print("%d passed, %d failed" % (passed, failed))
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
