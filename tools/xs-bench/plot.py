#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Plots of what xs-bench --json printed: one SVG a row.

    xs-bench --json > figures.json
    plot.py figures.json docs/plots
"""

import html
import json
import os
import sys

BAR, GAP, LEFT, WIDE = 16, 6, 190, 420
COLOUR = {"ours": "#2166ac", "no-journal": "#67a9cf", "stock": "#b2182b",
          "ocaml": "#ef8a62", "echo": "#999999"}


def text(x, y, what, anchor="start"):
    return ('<text x="%d" y="%d" text-anchor="%s">%s</text>'
            % (x, y, anchor, html.escape(what)))


def bars(metric, y):
    """One figure: a bar a daemon, on a scale of its own."""
    out = [text(4, y + 12, "%s%s" % (metric["name"], metric["unit"] and
                                     ", " + metric["unit"]))]
    sides = metric["sides"]
    top = max((s["median"] for s in sides.values()), default=0) or 1
    for name, side in sides.items():
        width = WIDE * side["median"] / top
        out.append(text(LEFT - 6, y + 12, name, "end"))
        out.append('<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>'
                   % (LEFT, y, max(width, 1), BAR, COLOUR[name]))
        out.append(text(int(LEFT + width + 6), y + 12,
                        "%.4g" % side["median"]))
        y += BAR + 2
    return out, y + GAP


def plot(row):
    out, y = [text(4, 16, "%s: %s" % (row[0]["row"], row[0]["what"]))], 28
    for metric in row:
        more, y = bars(metric, y)
        out += more
    return ('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" '
            'font-family="sans-serif" font-size="11">\n'
            '<rect width="100%%" height="100%%" fill="white"/>\n%s\n</svg>\n'
            % (LEFT + WIDE + 80, y + 4, "\n".join(out)))


def main():
    rows = {}
    with open(sys.argv[1], encoding="utf-8") as f:
        for metric in json.load(f):
            rows.setdefault(metric["row"], []).append(metric)
    os.makedirs(sys.argv[2], exist_ok=True)
    for name, row in rows.items():
        path = os.path.join(sys.argv[2], name + ".svg")
        with open(path, "w", encoding="utf-8") as f:
            f.write(plot(row))


if __name__ == "__main__":
    main()
