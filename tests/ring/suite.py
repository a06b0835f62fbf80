# SPDX-License-Identifier: GPL-2.0-or-later
"""The rules, the tests that name them, and the unit tests beside them."""
import os
import re

HERE = os.path.dirname(os.path.realpath(__file__))
TOP = os.path.join(HERE, "../..")

# docs/protocol/ring.md, in a line each.
RULES = {
    1: "bit 0 before the first byte; bits are never cleared; a guest that "
       "never looks sees the old protocol",
    2: "who writes `connection`; any value but 0 counts as 1; not touched "
       "without bit 0",
    3: "the guest looks at nothing but `connection` and waits in a loop",
    4: "what is dropped and what is kept; a request is done wholly or not at "
       "all",
    5: "indices 0, error 0, then connection 0, then the notification; nothing "
       "old after it",
    6: "honoured in any state, at INTRODUCE, at start, by a new daemon",
    7: "asking again is the same reset; rate limit; constant memory",
    8: "indices moved without the handshake, as long as they are consistent",
    9: "error before its notification; cleared by RELEASE and INTRODUCE",
}

# Tests in C that prove a rule in the page or in the machine alone, run by
# `make check`: file, then the rules each of its tests is about.
UNITS = {
    "tests/unit/test_host_ring.c": {
        "attach_takes_indices_as_they_are": (1, 8),
        "not_offered_is_cleared_at_attach": (2,),
        "reset_not_offered": (2,),
        "reset_idle": (5, 6),
        "reset_full_both_ways": (2, 5, 6),
        "reset_after_an_error": (5, 6, 9),
        "reset_with_garbage_and_at_attach": (5, 6),
        "zeroed_page_is_followed": (8,),
        "zeroed_page_gets_output": (8,),
        "consumer_moved_ahead": (8,),
        "own_indices_are_ours": (8,),
        "detach_mends": (9,),
        "moved_while_being_read": (5, 8),
    },
    "tests/fuzz/ring_inproc.c": {
        "hostile": (4, 5, 6),
        "million": (7,),
        "deferred": (7,),
    },
}


class Test:
    def __init__(self, run, rules, want, only):
        self.name = run.__name__.replace("_", "-")
        self.run = run
        self.rules = rules
        self.want = want
        self.only = only


TESTS = []


def test(*rules, want, only=None):
    """A test of these rules that expects these facts; `only`: "ours" for
    what is no part of the protocol."""
    def add(run):
        TESTS.append(Test(run, rules, want, only))
        return run
    return add


def unit_tests(path):
    """The names of the tests in a file of C."""
    try:
        with open(os.path.join(TOP, path)) as f:
            return set(re.findall(r"^(?:START_TEST\(|static void test_)(\w+)",
                                  f.read(), re.M))
    except OSError:
        return set()


def by_rule():
    """rule -> names of what proves it."""
    table = {rule: [] for rule in RULES}
    for t in TESTS:
        for rule in t.rules:
            table[rule].append(t.name)
    for path, tests in UNITS.items():
        for name, rules in tests.items():
            for rule in rules:
                table[rule].append("%s:%s" % (path, name))
    return table


def faults():
    """What is wrong with the tables themselves."""
    names = [t.name for t in TESTS]
    for name in sorted(set(names)):
        if names.count(name) > 1:
            yield "two tests are called " + name
    for t in TESTS:
        if not t.rules or set(t.rules) - set(RULES):
            yield "%s names rules %s" % (t.name, t.rules)
    for rule in RULES:
        if not any(rule in t.rules for t in TESTS):
            yield "no test names rule %d" % rule
    for path, tests in UNITS.items():
        for name in sorted(set(tests) - unit_tests(path)):
            yield "%s has no test %s" % (path, name)
