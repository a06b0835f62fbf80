# SPDX-License-Identifier: GPL-2.0-or-later
"""
Scenarios, and how one is run.

A scenario is a name, the rules it shows (rules.py), and steps.  A step is

    (connection, "OP" or "OP@tx", payload, expected)

A connection is named by a letter: `c` is the subject and is a socket in one
run and a guest's ring in another; `s`, `t` are further sockets; `g`, `h`, `i`
further guests.  `d` is the socket the runner itself uses to set up and clear.
Each is opened at its first use; guests exist from the start.

In a str payload '|' is NUL, %B the subject's own directory, %C %G %H %I the
domain ids of c g h i (0 for a socket); bytes are taken as they are.  tx is a
name bound by BIND, or #number.

`expected` is what that connection sees until the reply has come, in order,
as a list (or a str for the reply alone): "^path|token|" an event, "!ENOENT"
an error, anything else a reply's payload.  BIND("x") takes any decimal and
names it; ANY, MATCH(regex) and REPLY_OF_LENGTH(n) are what they say.  The op
"?" sends nothing of the step's own: it shows the events that are pending, by
asking something harmless and collecting what comes before that reply, so that
"no event" is shown without waiting for one.

A step may also be CALL(function, expected): function(run) returns a str.
What happened and what was expected are two transcripts, compared line by
line.
"""
import os
import re
import traceback

import wire

GUESTS = "ghi"
SCENARIOS = []
SILENT_DEADLINE = 0.3


class BIND:
    def __init__(self, name):
        self.name = name

    def match(self, run, text):
        if not re.fullmatch(r"[1-9][0-9]*\|", text):
            return "<number %s>" % self.name
        run.tx[self.name] = int(text[:-1])
        return text


class MATCH:
    def __init__(self, regex):
        self.regex = regex

    def match(self, run, text):
        if re.fullmatch(run.expand_text(self.regex), text, re.S):
            return text
        return "<match %s>" % self.regex


ANY = MATCH(".*")


def REPLY_OF_LENGTH(size):
    return MATCH("[^!].{%d}" % (size - 1))


class CALL:
    def __init__(self, function, expected, label=None):
        self.function = function
        self.expected = expected
        self.label = label or function.__name__


class Refused(Exception):
    """Something a scenario takes for granted was answered by an error."""


class Scenario:
    def __init__(self, name, rules, steps, on="both", args=(), attack=False,
                 guests="", fresh=False):
        self.name = name
        self.rules = rules.split()
        self.steps = steps
        self.on = on
        self.args = tuple(args)
        self.attack = attack
        self.fresh = fresh or bool(args)
        self.guests = guests
        for step in steps if isinstance(steps, (list, tuple)) else ():
            if isinstance(step, CALL):
                continue
            text = step[2] if isinstance(step[2], str) else ""
            for letter in GUESTS:
                if step[0] == letter or "%" + letter.upper() in text:
                    self.guests += letter
        self.guests = "".join(sorted(set(self.guests)))

    def variants(self):
        if self.on == "both":
            return [(self.name + "@socket", "socket"),
                    (self.name + "@ring", "ring")]
        return [(self.name, self.on)]


def scenario(name, rules, *steps, **options):
    SCENARIOS.append(Scenario(name, rules, steps, **options))


def attack(name, rules, *steps, **options):
    """A scenario by a guest that must not cost the bystander anything."""
    options.setdefault("on", "ring")
    SCENARIOS.append(Scenario(name, rules, steps, attack=True, **options))


def show(data):
    """Bytes as one line: NUL is '|', the rest as Python would."""
    if isinstance(data, str):
        data = data.encode("latin-1")
    text = data.replace(b"\0", b"|").decode("latin-1")
    return "".join(ch if " " <= ch <= "~" else "\\x%02x" % ord(ch)
                   for ch in text)


def brief(text, limit=160):
    if len(text) <= limit:
        return text
    return "%s...%s (%d)" % (text[:100], text[-40:], len(text))


class Run:
    """One scenario in the making: its connections and its transcripts."""

    def __init__(self, world, item, name, kind, diff):
        self.world = world
        self.item = item
        self.kind = kind
        self.diff = diff or {}
        self.conns = {}
        self.dead = {}
        self.tx = {}
        self.domids = {}
        self.actual = []
        self.expected = []
        self.step_number = 0
        self.used = set()
        self.req = 1000
        self.stop = False
        self.broken = False
        self.data = {}
        self.seen = {}

    # -- names -----------------------------------------------------------
    def base(self):
        if self.kind == "ring":
            return "/local/domain/%d" % self.domids["c"]
        return "/t"

    def expand_text(self, text):
        text = text.replace("%B", self.base())
        for letter in "CGHI":
            domid = self.domids.get(letter.lower(), 0)
            text = text.replace("%" + letter, str(domid))
        return text

    def expand(self, payload):
        if isinstance(payload, str):
            text = self.expand_text(payload)
            return text.replace("|", "\0").encode("latin-1")
        return bytes(payload)

    def domid(self, name):
        return self.domids.get(name, 0)

    # -- set-up ----------------------------------------------------------
    def preset_domids(self):
        """Who will be there; before the daemon, as its options may ask."""
        letters = list(self.item.guests)
        if self.kind == "ring":
            letters.insert(0, "c")
        if self.item.attack:
            letters.append("z")
        for letter in letters:
            self.domids[letter] = self.world.next_domid()

    def prepare(self):
        letters = list(self.domids)
        if self.kind != "ring":
            self.must("d", "MKDIR", b"/t\0")
        for letter in letters:
            self.add_guest(letter)
        if self.item.attack:
            self.bystander_start()

    def add_guest(self, letter, introduce=True):
        domid = self.domids[letter]
        self.world.add_domain(domid)
        if introduce:
            self.introduce(letter)
        home = b"/local/domain/%d\0" % domid
        self.must("d", "MKDIR", home)
        self.must("d", "SET_PERMS", home + b"n%d\0" % domid)

    def introduce(self, letter):
        domid = self.domids[letter]
        port = self.world.remote_port(domid)
        self.must("d", "INTRODUCE", b"%d\0%d\0%d\0" % (
            domid, self.world.frame(domid), port))

    def conn(self, name):
        if name not in self.conns:
            if name in self.domids:
                self.conns[name] = wire.RingConn(
                    self.world.guest(self.domids[name]), self.domids[name])
            else:
                self.conns[name] = wire.SocketConn(self.world.socket)
        return self.conns[name]

    # -- requests --------------------------------------------------------
    def send(self, name, op, payload=b"", tx=0):
        self.req += 1
        self.conn(name).send(wire.pack(op, payload, tx, self.req))
        return self.req

    def collect(self, name, req, deadline=None):
        """Everything up to the reply to `req`, as (events, reply)."""
        events = []
        while True:
            message = self.conn(name).recv(deadline)
            if message.type == wire.WATCH_EVENT:
                events.append(message)
                continue
            if message.req_id != req:
                events.append(message)
                continue
            return events, message

    def ask(self, name, op, payload=b"", tx=0):
        return self.collect(name, self.send(name, op, payload, tx))

    def must(self, name, op, payload=b"", tx=0):
        """For set-up: the reply's payload; an error is the test's failure."""
        reply = self.ask(name, op, payload, tx)[1]
        if reply.type == wire.ERROR:
            raise Refused("%s %s: %s" % (op, brief(show(payload), 60),
                                         show(reply.payload)))
        return reply.payload

    def answer(self, name, op, payload=b"", tx=0):
        """The reply as text, for function steps; events are dropped."""
        return self.text(self.ask(name, op, payload, tx)[1])

    def text(self, message):
        if message.type == wire.WATCH_EVENT:
            return "^" + show(message.payload)
        if message.type == wire.ERROR:
            payload = show(message.payload)
            return "!" + (payload[:-1] if payload.endswith("|")
                          else payload + "<no NUL>")
        return show(message.payload)

    # -- steps -----------------------------------------------------------
    def step(self, name, op, payload, expected):
        self.step_number += 1
        quiet = False
        instead = self.diff.get(self.step_number)
        if instead is not None:
            self.used.add(self.step_number)
            expected = instead
        if not isinstance(expected, (list, tuple)):
            expected = [expected]
        quiet = any(isinstance(e, str) and e == "#silence" for e in expected)
        deadline = SILENT_DEADLINE if quiet else None
        head = "%2d %s %s" % (self.step_number, name, op)
        if isinstance(payload, str):
            shown = self.expand_text(payload)
        else:
            shown = show(payload)
        head += " " + brief(shown)
        seen = self.perform(name, op, payload, deadline)
        self.record(head, seen, expected)
        if seen and seen[-1] == "#daemon died":
            self.stop = True

    def record(self, head, seen, expected):
        if not self.matches(seen, expected):
            self.seen[self.step_number] = [self.generic(s) for s in seen]
        self.actual.append(head)
        self.expected.append(head)
        for number, text in enumerate(seen):
            want = expected[number] if number < len(expected) else None
            if hasattr(want, "match"):
                self.expected.append("     " + brief(want.match(self, text)))
            elif want is not None:
                self.expected.append("     " + brief(show(
                    self.expand_text(want))))
            self.actual.append("     " + brief(text))
        for want in expected[len(seen):]:
            if want is None:
                continue
            label = want if isinstance(want, str) else "<%s>" % (
                getattr(want, "regex", "number"))
            self.expected.append("     " + brief(show(
                self.expand_text(label))))

    def matches(self, seen, expected):
        return len(seen) == len(expected) and all(
            want.match(self, text) == text if hasattr(want, "match")
            else show(self.expand_text(want)) == text
            for text, want in zip(seen, expected))

    def generic(self, text):
        """What was seen, with this run's ids and paths made general."""
        text = text.replace(self.base(), "%B")
        for letter, domid in self.domids.items():
            text = text.replace("%d" % domid, "%" + letter.upper())
        return text

    def candidates(self):
        return {step: seen[0] if len(seen) == 1 else seen
                for step, seen in self.seen.items()}

    def perform(self, name, op, payload, deadline):
        tx = 0
        if "@" in op:
            op, txname = op.split("@")
            tx = (int(txname[1:]) if txname.startswith("#")
                  else self.tx.get(txname, 0))
        probing = op == "?"
        if probing:
            op, data, tx = "GET_DOMAIN_PATH", b"1\0", 0
        else:
            data = self.expand(payload)
        seen = []
        try:
            if op == "RAW":
                self.conn(name).send(data)
                seen.append(self.text(self.conn(name).recv(deadline)))
                return seen
            if op == "SEND":
                self.conn(name).send(data)
                return seen
            if op == "RECV":
                seen.append(self.text(self.conn(name).recv(deadline)))
                return seen
            req = self.send(name, op, data, tx)
            while True:
                message = self.conn(name).recv(deadline)
                if message.type != wire.WATCH_EVENT:
                    break
                seen.append(self.text(message))
            if message.req_id != req:
                seen.append("#reply to %d" % message.req_id)
            if message.tx_id != tx:
                seen.append("#tx_id %d" % message.tx_id)
            if message.type not in (wire.ERROR, wire.op_number(op)):
                seen.append("#type %d" % message.type)
            if not probing:
                seen.append(self.text(message))
        except wire.Closed as end:
            seen.append(self.outcome(end))
        except wire.Silence as end:
            seen.append(self.outcome(end))
        return seen

    def outcome(self, end):
        """What an exception means; a closed socket may be a dead daemon."""
        if str(end) == "#closed" and not self.reachable():
            return "#daemon died"
        if not self.world.daemon_alive():
            return "#daemon died"
        return str(end)

    def reachable(self):
        try:
            conn = wire.SocketConn(self.world.socket)
        except OSError:
            return False
        try:
            conn.send(wire.pack("GET_DOMAIN_PATH", b"1\0"))
            conn.recv()
        except wire.Closed:
            return False
        except wire.Silence:
            return True
        finally:
            conn.close()
        return True

    def call(self, step):
        self.step_number += 1
        expected = step.expected
        instead = self.diff.get(self.step_number)
        if instead is not None:
            self.used.add(self.step_number)
            expected = instead
        if not isinstance(expected, (list, tuple)):
            expected = [expected]
        usual = wire.deadline_default
        if "#silence" in expected:
            wire.deadline_default = SILENT_DEADLINE
        self.world.waiting = None
        try:
            seen = step.function(self)
        except (wire.Closed, wire.Silence) as end:
            seen = self.outcome(end)
        except Refused as end:
            seen = "#refused " + str(end)
        finally:
            wire.deadline_default = usual
        if isinstance(seen, str):
            seen = [seen]
        self.record("%2d %s()" % (self.step_number, step.label), list(seen),
                    expected)
        if not self.world.daemon_alive():
            self.stop = True

    # -- the bystander ---------------------------------------------------
    def bystander_start(self):
        self.must("z", "WATCH", b"pulse\0beat\0")
        self.collect("z", self.send("z", "GET_DOMAIN_PATH", b"1\0"))

    def bystander_check(self):
        """A write, its event, a read, a transaction: all in order."""
        out = []
        try:
            events, reply = self.ask("z", "WRITE", b"pulse\0" b"1")
            out += [self.text(m) for m in events] + [self.text(reply)]
            events, reply = self.ask("z", "READ", b"pulse\0")
            out += [self.text(m) for m in events] + [self.text(reply)]
            tx = int(self.must("z", "TRANSACTION_START", b"\0")[:-1])
            self.must("z", "WRITE", b"other\0v", tx)
            out.append(self.answer("z", "TRANSACTION_END", b"T\0", tx))
        except (wire.Closed, wire.Silence) as end:
            out.append(self.outcome(end))
        # The event may stand before or after the reply to its own write.
        return " ".join(sorted(out))

    # -- the whole -------------------------------------------------------
    def execute(self):
        try:
            self.prepare()
            for step in self.item.steps:
                if isinstance(step, CALL):
                    self.call(step)
                else:
                    self.step(*step)
                if self.stop:
                    break
            if self.item.attack and not self.stop:
                self.call(CALL(lambda run: run.bystander_check(),
                               "1 OK| OK| ^pulse|beat|", "bystander"))
            if not self.stop and self.world.checks:
                self.call(CALL(store_check, "#sound", "store_check"))
        except Exception as problem:  # a mistake in a test fails that test
            self.broken = True
            self.actual += ["   !! " + line for line in
                            traceback.format_exception(problem)[-2:]]
        finally:
            self.clear()
        # A peer that died has not come to the steps after that.
        left = set() if self.stop else set(self.diff) - self.used
        for number in left:
            self.actual.append("   !! declared difference at step %d did "
                               "not come to be looked at" % number)

    def not_started(self):
        """The daemon refused the scenario's options: step 0."""
        self.step_number = 0
        expected = self.diff.get(0, "started")
        self.used.add(0)
        self.record(" 0 start", ["#does not start"], [expected])
        self.stop = True

    def clear(self):
        for name, conn in self.conns.items():
            if name != "d":
                try:
                    conn.close()
                except OSError:
                    pass
        if not self.world.daemon_alive():
            return
        try:
            # A stub domain's letter comes after its target's: it goes first.
            for letter, domid in reversed(self.domids.items()):
                self.answer("d", "RELEASE", b"%d\0" % domid)
                self.world.remove_domain(domid)
                self.answer("d", "RM", b"/local/domain/%d\0" % domid)
            self.answer("d", "RM", b"/t\0")
        except (wire.Closed, wire.Silence, OSError) as problem:
            self.broken = True
            if not self.diff:
                self.actual.append("   !! clearing: %s" %
                                   self.outcome(problem))
        finally:
            if "d" in self.conns:
                self.conns["d"].close()


def store_check(run):
    """Ours can verify its own books; findings are shown as they come."""
    reply = run.must("d", "CONTROL", b"probe\0" b"1\0check\0" b"0\0").decode()
    if re.search(r"^findings=0$", reply, re.M):
        return "#sound"
    return reply.replace("\n", "; ")
