# SPDX-License-Identifier: GPL-2.0-or-later
"""
What the tests expect of the stock daemons is what those of Debian 12 with its
security updates do.  A machine may have them without: then what a fix has
changed is not compared, and the run says so; nothing else is left out.
"""
import subprocess

PACKAGE = "xen-utils-4.17"

# peer, the first version that does as the tests say, the advisory, tests
FIXES = [
    ("ocaml", "4.17.7+13", "XSA-512", {
        "ring.late-events", "events-that-found-no-room",
        "events-while-it-waits", "ovmf-hands-over"}),
]


def installed():
    """The version of the package, or None where nobody knows."""
    asked = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Version}", PACKAGE],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        check=False)
    return asked.stdout.strip() or None


def older(version, than):
    return subprocess.run(["dpkg", "--compare-versions", version, "lt", than],
                          check=False).returncode == 0


def not_compared(peer):
    """The tests that say nothing about this peer here: name -> why."""
    found = {}
    version = None
    for whose, fixed, advisory, names in FIXES:
        if whose != peer:
            continue
        version = version or installed()
        if version and older(version, fixed):
            for name in names:
                found[name] = "%s %s lacks the fix of %s, in %s" % (
                    PACKAGE, version, advisory, fixed)
    return found


def told(name, why):
    """A line for what is left out."""
    return "left out: %s: %s" % (name, why)
