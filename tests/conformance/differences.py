# SPDX-License-Identifier: GPL-2.0-or-later
"""
Where the two stock daemons do something else: scenario, peer, what it does
instead, and why.  TABLE is data, in differences_table.py; here is what reads
it.  docs/differences.md is written from it by make-differences.
"""
import differences_table

PEERS = {"stock": "C xenstored (Xen 4.17)", "ocaml": "oxenstored (Xen 4.17)"}


class Difference:
    def __init__(self, why, instead):
        self.why = why
        self.instead = instead


def build(table):
    """name -> peer -> Difference; a reason is a key of REASONS."""
    built = {}
    for name, peer, reason, instead in table:
        why = differences_table.REASONS[reason]
        built.setdefault(name, {})[peer] = Difference(why, instead)
    return built


TABLE = build(differences_table.ROWS)


def lookup(name, peer):
    for key in (name, name.split("@")[0]):
        if peer in TABLE.get(key, {}):
            return TABLE[key][peer]
    return None


def page(scenarios):
    """docs/differences.md, as text."""
    lines = [
        "# How the stock daemons differ", "",
        "Written by tests/conformance/make-differences from"
        " differences_table.py; do not edit.", "",
        "Every scenario of tests/conformance runs on proxenos, on the C"
        " xenstored and on", "oxenstored of Xen 4.17. Proxenos passes all."
        " Where a peer does something else the", "suite expects exactly"
        " that; what is not in these tables is the same in all three.", ""]
    for peer, title in PEERS.items():
        rows = {}
        for name, peers in sorted(TABLE.items()):
            if peer in peers:
                rows.setdefault(peers[peer].why, []).append(name)
        lines += ["## " + title, "", "| what it does instead | scenarios |",
                  "|---|---|"]
        for why, names in sorted(rows.items()):
            lines.append("| %s | %s |" % (why, ", ".join(names)))
        lines.append("")
    return "\n".join(lines)


def print_candidates(record, kind):
    """What a peer did, as rows to be judged and given a reason."""
    for name, run in record:
        print("    (%r, %r, \"WHY\", %r)," % (name, kind, run.candidates()))
