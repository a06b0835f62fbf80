#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A Markdown table of what xs-bench --json printed.

    table.py figures.json [ROW...]
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


def line(metric):
    cells = [metric["row"], "%s %s" % (metric["name"], metric["unit"])]
    for side in SIDES:
        figure = metric["sides"].get(side)
        cells.append(number(figure["median"]) if figure else "-")
    cells += goal(metric)
    return "| %s |" % " | ".join(cells)


def main():
    print("| row | figure | %s | ratio | goal |" % " | ".join(SIDES))
    print("|---" * 9 + "|")
    with open(sys.argv[1], encoding="utf-8") as f:
        for metric in json.load(f):
            if not sys.argv[2:] or metric["row"] in sys.argv[2:]:
                print(line(metric))


if __name__ == "__main__":
    main()
