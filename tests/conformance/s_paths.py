# SPDX-License-Identifier: GPL-2.0-or-later
"""Paths and arguments: what is a path, how many strings, which numbers."""
from engine import ANY, BIND, CALL, MATCH, scenario

GOOD = ("a", "Z", "0", "-", "_", "a@b", "a-b_c@d9", "x" * 200, "x" * 256)
for index, text in enumerate(GOOD):
    scenario("paths.good-%d" % index, "path-chars path-at",
             ("c", "WRITE", "%B/" + text + "|v", "OK|"),
             ("c", "READ", "%B/" + text + "|", "v"))

for code in (1, 9, 10, 32, 33, 34, 37, 42, 43, 44, 46, 58, 59, 60, 61, 63, 91,
             92, 94, 96, 123, 126, 127, 128, 255):
    scenario("paths.bad-char-%d" % code, "path-chars attack-paths",
             ("c", "READ", ("%%B/a%cb|" % code).replace("%%B", "%B"),
              "!EINVAL"),
             ("c", "WRITE", ("%%B/a%c|v" % code).replace("%%B", "%B"),
              "!EINVAL"))

MALFORMED = {"empty": "", "trailing": "%B/", "double": "%B//x",
             "double-start": "//tool", "double-end": "%B//", "two": "//",
             "tool": "/tool/", "at": "@", "at-name": "@introduceDomain",
             "at-unknown": "@nothing", "at-slash": "@introduceDomain/1"}
FULL = {"READ": "", "DIRECTORY": "", "WRITE": "v", "MKDIR": "", "RM": "",
        "DIRECTORY_PART": "0|"}
for label, path in MALFORMED.items():
    scenario("paths.malformed-%s" % label,
             "path-malformed path-at attack-paths",
             *[("c", op, path + "|" + rest, "!EINVAL")
               for op, rest in FULL.items()])
for label, path in MALFORMED.items():
    if path.startswith("@") and label != "at":
        continue
    scenario("paths.malformed-%s-perms" % label, "path-malformed path-at",
             ("c", "GET_PERMS", path + "|", "!EINVAL"),
             ("c", "SET_PERMS", path + "|n%C|", "!EINVAL"))
    if not path.startswith("@"):
        scenario("paths.malformed-%s-watch" % label, "path-malformed",
                 ("c", "WATCH", path + "|t|", "!EINVAL"),
                 ("c", "UNWATCH", path + "|t|", "!EINVAL"))

scenario("paths.at-get-perms", "path-at perm-initial",
         ("c", "GET_PERMS", "@introduceDomain|", "n0|"),
         ("c", "GET_PERMS", "@releaseDomain|", "n0|r32757|"), on="socket")
scenario("paths.at-set-perms", "path-at",
         ("c", "SET_PERMS", "@introduceDomain|n0|r%G|", "OK|"),
         ("c", "GET_PERMS", "@introduceDomain|", "n0|r%G|"),
         ("c", "SET_PERMS", "@introduceDomain|n0|", "OK|"),
         ("c", "GET_PERMS", "@introduceDomain|", "n0|"), on="socket",
         guests="g")
scenario("paths.at-watch", "path-at",
         ("c", "WATCH", "@releaseDomain|t|", "OK|"),
         ("c", "?", "", ["^@releaseDomain|t|"]),
         ("c", "UNWATCH", "@releaseDomain|t|", "OK|"))

scenario("paths.relative-ring", "path-relative",
         ("c", "WRITE", "rel/x|v", "OK|"),
         ("c", "READ", "%B/rel/x|", "v"),
         ("c", "DIRECTORY", "rel|", "x|"),
         ("c", "READ", "rel/x|", "v"),
         ("c", "GET_PERMS", "rel/x|", "n%C|"),
         ("c", "WATCH", "rel|t|", "OK|"),
         ("c", "?", "", ["^rel|t|"]),
         ("c", "WRITE", "%B/rel/y|v", ["^rel/y|t|", "OK|"]),
         ("c", "RM", "rel|", ["^rel|t|", "OK|"]), on="ring")
scenario("paths.relative-socket", "path-relative",
         ("c", "WRITE", "rel/x|v", "OK|"),
         ("c", "READ", "/local/domain/0/rel/x|", "v"),
         ("c", "READ", "rel/x|", "v"),
         ("c", "RM", "/local/domain/0/rel|", "OK|"), on="socket")

for size, reply in ((3071, "!ENOENT"), (3072, "!ENOENT"), (3073, "!EINVAL"),
                    (4000, "!EINVAL")):
    scenario("paths.length-%d" % size, "path-3072",
             ("c", "READ", "/t" + "/" + "x" * (size - 3) + "|", reply),
             on="socket")
scenario("paths.length-write-3072", "path-3072",
         ("c", "WRITE", "/t/" + "x" * 3069 + "|v", "OK|"),
         ("c", "READ", "/t/" + "x" * 3069 + "|", "v"),
         ("c", "WRITE", "/t/" + "x" * 3070 + "|v", "!EINVAL"),
         on="socket")
scenario("paths.max-relative", "path-max quota-path-max",
         ("c", "READ", "x" * 2048 + "|", "!ENOENT"),
         ("c", "READ", "x" * 2049 + "|", "!EINVAL"), on="ring")
for number in ("1", "12", "123", "1234", "12345"):
    home = "/local/domain/%s/" % number
    scenario("paths.max-home-%s" % number, "path-max quota-path-max",
             ("c", "WATCH", home + "x" * 2048 + "|t|", "OK|"),
             ("c", "?", "", [home.join(("^", "x" * 2048)) + "|t|"]),
             ("c", "WATCH", home + "x" * 2049 + "|t|", "!EINVAL"), on="ring")
scenario("paths.max-elsewhere", "path-max quota-path-max",
         ("c", "READ", "/" + "x" * 2047 + "|", "!EACCES"),
         ("c", "READ", "/" + "x" * 2048 + "|", "!EINVAL"), on="ring")

for op in ("READ", "DIRECTORY", "GET_PERMS", "MKDIR", "RM"):
    scenario("paths.one-argument-%s-empty" % op.lower(), "arg-one",
             ("c", op, "", "!EINVAL"))
    scenario("paths.one-argument-%s" % op.lower(), "arg-one",
             ("c", op, "%B", "!EINVAL"),
             ("c", op, "%B||", "!EINVAL"),
             ("c", op, "%B|x", "!EINVAL"),
             ("c", op, "%B|x|", "!EINVAL"))
for op in ("GET_DOMAIN_PATH", "IS_DOMAIN_INTRODUCED", "RELEASE", "RESUME"):
    scenario("paths.one-argument-%s-empty" % op.lower(), "arg-one",
             ("c", op, "", "!EINVAL"), on="socket")
    scenario("paths.one-argument-%s" % op.lower(), "arg-one",
             ("c", op, "7", "!EINVAL"),
             ("c", op, "7||", "!EINVAL"),
             ("c", op, "7|x", "!EINVAL"), on="socket")

scenario("paths.rest-ignored", "arg-rest",
         ("c", "WRITE", "%B/r|v", "OK|"),
         ("c", "SET_PERMS", "%B/r|n%C|r1|junk", "OK|"),
         ("c", "GET_PERMS", "%B/r|", "n%C|r1|"),
         ("c", "DIRECTORY_PART", "%B/r|0|junk", MATCH(r"[0-9]+\|\|")),
         ("c", "WATCH", "%B/r|tok|junk", "OK|"),
         ("c", "?", "", ["^%B/r|tok|"]),
         ("c", "UNWATCH", "%B/r|tok|", "OK|"))
scenario("paths.too-few-strings", "arg-rest",
         ("c", "WRITE", "%B/r", "!EINVAL"),
         ("c", "SET_PERMS", "%B|", "!EINVAL"),
         ("c", "SET_PERMS", "%B", "!EINVAL"),
         ("c", "SET_PERMS", "%B|n%C", "!EINVAL"),
         ("c", "WATCH", "%B|", "!EINVAL"),
         ("c", "WATCH", "%B|t", "!EINVAL"),
         ("c", "UNWATCH", "%B|", "!EINVAL"),
         ("c", "DIRECTORY_PART", "%B|", "!EINVAL"),
         ("c", "DIRECTORY_PART", "%B|0", "!EINVAL"))
scenario("paths.too-few-strings-privileged", "arg-rest",
         ("c", "INTRODUCE", "1|1|", "!EINVAL"),
         ("c", "INTRODUCE", "1|1|1", "!EINVAL"),
         ("c", "SET_TARGET", "1|", "!EINVAL"), on="socket")

DOMIDS = {"0": "/local/domain/0|", "7": "/local/domain/7|",
          "007": "/local/domain/7|", "65535": "/local/domain/65535|",
          "": "/local/domain/0|", "65536": "!EINVAL", "-1": "!EINVAL",
          "7x": "!EINVAL", "x": "!EINVAL", " 7": "!EINVAL",
          "7 ": "!EINVAL", "+7": "!EINVAL", "0x7": "!EINVAL",
          "4294967296": "!EINVAL", "18446744073709551617": "!EINVAL"}
for index, (text, reply) in enumerate(DOMIDS.items()):
    scenario("paths.domid-%d" % index,
             "arg-domid op-junk-number op-domain-path",
             ("c", "GET_DOMAIN_PATH", text + "|", reply))

CLASSES = ("/", "/local", "/local/", "/local/domain", "/local/domain/",
           "/local/domain/5", "/local/domain/5/", "/local/domain//",
           "/local/domain/5//x", "/local/domain/x", "/local/domain/x/y",
           "/local/domain/99999/y", "/local/domain/0", "/local/domain/0/",
           "/local/domain/4294967296/y", "/tool", "/tool/", "@", "@/",
           "@x", "@releaseDomain", "@releaseDomain/", "@releaseDomain/5",
           "@introduceDomain/x", "/@", "/@x", "x", "x/", "./x", "../x", "-",
           "_", " ", "", "/" * 64)


def every_class(run):
    """Every op on every path class: one reply each, and one only."""
    conn, sent, bad = run.conn("c"), 0, []
    for path in CLASSES:
        data = path.encode() + b"\0"
        for op, rest in (("READ", b""), ("DIRECTORY", b""),
                         ("GET_PERMS", b""), ("DIRECTORY_PART", b"0\0"),
                         ("WATCH", b"tok\0"), ("UNWATCH", b"tok\0"),
                         ("SET_PERMS", b"x\0"), ("WRITE", None),
                         ("MKDIR", None), ("RM", None)):
            if rest is None:
                # In a transaction that is not committed: nothing stays.
                tx = int(run.must("c", "TRANSACTION_START", b"\0")[:-1])
                run.ask("c", op, data, tx)
                run.must("c", "TRANSACTION_END", b"F\0", tx)
            else:
                run.ask("c", op, data + rest)
            sent += 1
            events, reply = run.ask("c", "GET_DOMAIN_PATH", b"1\0")
            extra = [m for m in events if m.type != 15]
            if extra:
                bad.append("%s %s" % (op, path))
    return "%d asked, answered twice: %s" % (sent, bad)


scenario("paths.every-class", "attack-paths msg-one-reply",
         CALL(every_class, "%d asked, answered twice: []" %
              (len(CLASSES) * 10)))
