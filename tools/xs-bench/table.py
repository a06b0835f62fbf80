#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Markdown of what xs-bench --json printed: a table a row.

    table.py figures.json [ROW...]      these rows; all, if none is named
    table.py figures.json -ROW...       all but these
"""

import json
import sys

SIDES = ("ours", "no-journal", "stock", "ocaml", "echo")


def number(value):
    if value >= 1000:
        return "{:,.0f}".format(value)
    return "%.3g" % value


def goal(metric):
    if "goal" not in metric:
        return "", ""
    if metric["ratio"] is None:
        return "-", "-"
    return ("%.3g" % metric["ratio"],
            "%s %g %s: %s" % (">=" if metric["more_is_better"] else "<=",
                              metric["goal"], metric["against"],
                              "met" if metric["met"] else "**not met**"))


def line(metric, sides):
    cells = [", ".join(filter(None, (metric["name"], metric["unit"])))]
    for side in sides:
        figure = metric["sides"].get(side)
        cells.append(number(figure["median"]) if figure else "-")
    cells += goal(metric)
    return "| %s |" % " | ".join(cells)


def table(row):
    sides = [side for side in SIDES
             if any(side in metric["sides"] for metric in row)]
    print("\n`%s`: %s\n" % (row[0]["row"], row[0]["what"]))
    print("| | %s | ratio | goal |" % " | ".join(sides))
    print("|---" + "|---:" * (len(sides) + 1) + "|---|")
    for metric in row:
        print(line(metric, sides))


def wanted(name, words):
    if any(word[0] != "-" for word in words):
        return name in words
    return "-" + name not in words


def main():
    rows = {}
    with open(sys.argv[1], encoding="utf-8") as f:
        for metric in json.load(f):
            rows.setdefault(metric["row"], []).append(metric)
    for name, row in rows.items():
        if wanted(name, sys.argv[2:]):
            table(row)


if __name__ == "__main__":
    main()
