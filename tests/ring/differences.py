# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the stock daemons do something else, test by test, and the page that
says so: docs/differences-ring.md."""
import suite
from differences_table import REASONS, ROWS

PEERS = {"stock": "C xenstored (Xen 4.17)", "ocaml": "oxenstored (Xen 4.17)"}


def lookup(name, peer):
    for row in ROWS:
        if row[:2] == (peer, name):
            return row[3]
    return None


def faults():
    names = {t.name for t in suite.TESTS if t.only != "ours"}
    seen = set()
    for peer, name, why, facts in ROWS:
        if peer not in PEERS or name not in names:
            yield "a difference of no test: %s %s" % (peer, name)
        if why not in REASONS:
            yield "no reason %s" % why
        if (peer, name) in seen:
            yield "declared twice: %s %s" % (peer, name)
        seen.add((peer, name))
    for why in sorted(set(REASONS) - {row[2] for row in ROWS}):
        yield "nobody needs the reason %s" % why


def page():
    lines = [
        "# The ring: rules, their tests, and how the stock daemons differ",
        "", "Written by `tests/ring/run --write-page` from the tables beside"
        " it; do not edit.", "",
        "The rules are those of docs/protocol/ring.md. Tests without a file"
        " are of", "tests/ring/run, which runs them on proxenos, on the C"
        " xenstored and on oxenstored of", "Xen 4.17. Proxenos passes all."
        " Where a peer does something else the runner expects", "exactly"
        " that; what is not in the second table is the same in all three.",
        "", "| rule | what it says | proved by |", "|---|---|---|"]
    for rule, names in suite.by_rule().items():
        lines.append("| %d | %s | %s |" % (rule, suite.RULES[rule],
                                           ", ".join(names)))
    for peer, title in PEERS.items():
        lines += ["", "## " + title, "",
                  "| what it does instead | tests |", "|---|---|"]
        for why, text in REASONS.items():
            names = [r[1] for r in ROWS if r[0] == peer and r[2] == why]
            if names:
                lines.append("| %s | %s |" % (text, ", ".join(names)))
    return "\n".join(lines) + "\n"
