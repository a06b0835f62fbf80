# SPDX-License-Identifier: GPL-2.0-or-later
"""A reader of Prometheus' text format (version 0.0.4) that takes nothing but
what the format's description allows, and the promises that its metric types
make."""
import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"'
SAMPLE = re.compile(r"(%s)(?:\{((?:%s)(?:,%s)*)\})? (\S+)$" %
                    (NAME, LABEL, LABEL))
TYPES = "counter", "gauge", "histogram", "summary", "untyped"


class Wrong(Exception):
    pass


class Family:
    def __init__(self, name, kind):
        self.name, self.kind = name, kind
        self.samples = {}       # (name, labels) -> value


def number(text):
    if text in ("+Inf", "-Inf", "NaN"):
        return float(text)
    if not re.match(r"[-+]?[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?$", text):
        raise Wrong("not a number: " + text)
    return float(text)


def belongs(family, name):
    if family.kind == "histogram":
        return name in [family.name + end for end in
                        ("_bucket", "_sum", "_count")]
    return name == family.name


def parse(text):
    """Families by name."""
    if not text.endswith("\n"):
        raise Wrong("the last line has no end")
    families, helped, now = {}, set(), None
    for line in text[:-1].split("\n"):
        if not line:
            continue
        if line.startswith("# HELP "):
            name, _, words = line[7:].partition(" ")
            if not re.fullmatch(NAME, name) or name in helped:
                raise Wrong(line)
            if re.search(r"\\(?![\\n])", words):
                raise Wrong("escape: " + line)
            helped.add(name)
        elif line.startswith("# TYPE "):
            name, kind = line[7:].split(" ")
            if name in families or kind not in TYPES:
                raise Wrong(line)
            if name not in helped:
                raise Wrong("no HELP: " + line)
            now = families[name] = Family(name, kind)
        elif line.startswith("#"):
            continue
        else:
            sample(line, now)
    for family in families.values():
        promises(family)
    return families


def sample(line, family):
    found = SAMPLE.match(line)
    if not found:
        raise Wrong("not a sample: " + line)
    name, labels, value = found.group(1), found.group(2), \
        found.groups()[-1]
    if family is None or not belongs(family, name):
        raise Wrong("not in its family: " + line)
    pairs = re.findall(LABEL, labels or "")
    if len(set(k for k, _ in pairs)) != len(pairs):
        raise Wrong("a label twice: " + line)
    key = name, tuple(sorted(pairs))
    if key in family.samples:
        raise Wrong("twice: " + line)
    family.samples[key] = number(value)


def promises(family):
    if family.kind == "counter" and (
            not family.name.endswith("_total") or
            any(v < 0 for v in family.samples.values())):
        raise Wrong("no counter: " + family.name)
    if family.kind != "histogram":
        return
    buckets = {}
    for (name, labels), value in family.samples.items():
        if name.endswith("_bucket"):
            rest = tuple(p for p in labels if p[0] != "le")
            buckets.setdefault(rest, []).append(
                (number(dict(labels)["le"]), value))
    for rest, pairs in buckets.items():
        if pairs != sorted(pairs):
            raise Wrong("edges out of order: " + family.name)
        values = [v for _, v in pairs]
        if values != sorted(values):
            raise Wrong("not cumulative: %s%s" % (family.name, rest))
        if pairs[-1][0] != float("inf") or \
                values[-1] != family.samples[family.name + "_count", rest]:
            raise Wrong("+Inf is not the count: " + family.name)
        if (family.name + "_sum", rest) not in family.samples:
            raise Wrong("no sum: " + family.name)
    if len(family.samples) != sum(len(p) + 2 for p in buckets.values()):
        raise Wrong("parts left over: " + family.name)
