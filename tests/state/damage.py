# SPDX-License-Identifier: GPL-2.0-or-later
"""What can be wrong with a state, one thing at a time: a name, what does it
to a Host whose daemon is dead, and a word of the line that is to tell."""

import os
import struct

from statehost import same

# Where things stand in a segment's header (journal_format.h).
MAGIC, FORMAT, VERSION, NUMBER, SIZE, PUBLISHED, EXECUTED = \
    0, 8, 12, 16, 24, 32, 40
RECORDS = 4096


def words(offset, *values, fmt="<I"):
    def change(h):
        h.poke(h.segments()[-1], offset,
               b"".join(struct.pack(fmt, v) for v in values))
    return change


def truncated(size):
    def change(h):
        same(os.path.getsize(h.path("store.tdb")) > size, True, "size")
        os.truncate(h.path("store.tdb"), size)
    return change


def replaced(old, new):
    """In store.tdb, everywhere, length kept."""
    def change(h):
        with open(h.path("store.tdb"), "r+b") as f:
            data = f.read()
            same(data.count(old) > 0, True, "%r is there" % old)
            f.seek(0)
            f.write(data.replace(old, new))
    return change


def remove(pick):
    def change(h):
        os.unlink(h.path(pick(h)))
    return change


def record_sum(h):
    """A byte of the last record that has a body."""
    name = h.segments()[-1]
    end = struct.unpack("<Q", h.peek(name, PUBLISHED, 8))[0]
    at, body = RECORDS, None
    while at < end:
        n = struct.unpack("<I", h.peek(name, at, 4))[0]
        if n:
            body = at + 16
        at += 16 + (n + 7 & ~7)
    h.poke(name, body, bytes([h.peek(name, body, 1)[0] ^ 0x40]))


DAMAGE = (
    ("store.tdb cut among its records", truncated(70000), "damaged"),
    ("store.tdb cut among its buckets", truncated(30000), "damaged"),
    ("store.tdb cut inside its header", truncated(50), "damaged"),
    ("store.tdb is another file", lambda h: open(
        h.path("store.tdb"), "wb").write(b"hello" * 5000), "damaged"),
    ("store.tdb is gone", remove(lambda h: "store.tdb"), "missing"),
    ("a value in store.tdb", replaced(b"value 7", b"value 8"), "damaged"),
    ("a key in store.tdb", replaced(b"/old/11", b"/old/ZZ"), "damaged"),
    ("format of the checkpoint", replaced(b"format=1 ", b"format=9 "),
     "another version"),
    ("image of the checkpoint", replaced(b"image=1 ", b"image=9 "),
     "damaged"),
    ("the segment is gone", remove(lambda h: h.segments()[-1]), "missing"),
    ("the segment is cut", lambda h: os.truncate(
        h.path(h.segments()[-1]), 8192), "damaged"),
    ("the segment is empty", lambda h: os.truncate(
        h.path(h.segments()[-1]), 0), "damaged"),
    ("magic of the segment", words(MAGIC, 1), "damaged"),
    ("format of the segment", words(FORMAT, 9), "another version"),
    ("version of the machine", words(VERSION, 77), "version 77"),
    ("number of the segment", words(NUMBER, 4711, fmt="<Q"), "damaged"),
    ("size of the segment", words(SIZE, 1 << 40, fmt="<Q"), "damaged"),
    ("published before its start", words(PUBLISHED, 8, fmt="<Q"), "damaged"),
    ("published behind its end", words(PUBLISHED, 1 << 40, fmt="<Q"),
     "damaged"),
    ("published inside a record", words(PUBLISHED, RECORDS + 8, RECORDS,
                                        fmt="<Q"), "damaged"),
    ("executed behind published", words(EXECUTED, 1 << 40, fmt="<Q"),
     "damaged"),
    ("executed inside a record", words(EXECUTED, RECORDS + 8, fmt="<Q"),
     "damaged"),
    ("a record's body", record_sum, "damaged"),
)
