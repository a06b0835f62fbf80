# SPDX-License-Identifier: GPL-2.0-or-later
"""Permissions, ownership, and what is left of a domain when it dies."""
from engine import ANY, BIND, CALL, MATCH, scenario

scenario("permissions.owner", "perm-owner",
         ("c", "WRITE", "%B/p|v", "OK|"),
         ("d", "SET_PERMS", "%B/p|n%C|", "OK|"),
         ("c", "WRITE", "%B/p|w", "OK|"),
         ("c", "READ", "%B/p|", "w"),
         ("c", "SET_PERMS", "%B/p|n%C|n1|", "OK|"),
         ("g", "READ", "%B/p|", "!EACCES"), on="ring", guests="g")
for letter, read, write in (("n", 0, 0), ("r", 1, 0), ("w", 0, 1),
                            ("b", 1, 1)):
    scenario("permissions.default-%s" % letter, "perm-owner",
             ("d", "WRITE", "%B/p|v", "OK|"),
             ("d", "SET_PERMS", "%B/p|" + letter + "%C|", "OK|"),
             ("g", "READ", "%B/p|", "v" if read else "!EACCES"),
             ("g", "WRITE", "%B/p|w", "OK|" if write else "!EACCES"),
             on="ring", guests="g")
    scenario("permissions.entry-%s" % letter, "perm-first-match",
             ("d", "WRITE", "%B/p|v", "OK|"),
             ("d", "SET_PERMS", "%B/p|b%C|" + letter + "%G|b%G|", "OK|"),
             ("g", "READ", "%B/p|", "v" if read else "!EACCES"),
             ("g", "WRITE", "%B/p|w", "OK|" if write else "!EACCES"),
             on="ring", guests="gh")
scenario("permissions.any-domid", "perm-any-domid",
         ("d", "WRITE", "%B/p|v", "OK|"),
         ("d", "SET_PERMS", "%B/p|n0|n%G|r32757|", "OK|"),
         ("g", "READ", "%B/p|", "!EACCES"),
         ("h", "READ", "%B/p|", "v"),
         ("h", "WRITE", "%B/p|w", "!EACCES"),
         ("d", "SET_PERMS", "%B/p|n0|b32757|n%G|", "OK|"),
         ("g", "WRITE", "%B/p|w", "OK|"), on="ring", guests="gh")
scenario("permissions.privileged", "perm-privileged",
         ("c", "WRITE", "%B/p|v", "OK|"),
         ("c", "SET_PERMS", "%B/p|n%C|n0|", "OK|"),
         ("d", "READ", "%B/p|", "v"), ("d", "WRITE", "%B/p|w", "OK|"),
         ("d", "SET_PERMS", "%B/p|n%C|", "OK|"),
         ("d", "RM", "%B/p|", "OK|"), on="ring")
scenario("permissions.no-leak", "perm-no-leak",
         ("d", "WRITE", "%B/s/here|v", "OK|"),
         ("d", "SET_PERMS", "%B/s|n0|", "OK|"),
         ("c", "READ", "%B/s/here|", ANY),
         ("c", "READ", "%B/s/gone|", "!EACCES"),
         ("c", "READ", "%B/s/gone/far/away|", "!EACCES"),
         ("c", "DIRECTORY", "%B/s/gone|", "!EACCES"),
         ("c", "DIRECTORY_PART", "%B/s/gone|0|", "!EACCES"),
         ("c", "GET_PERMS", "%B/s/gone|", "!EACCES"),
         ("c", "SET_PERMS", "%B/s/gone|n%C|", "!EACCES"),
         ("c", "RM", "%B/s/gone|", "!EACCES"),
         ("c", "RM", "%B/s/gone/x|", "!EACCES"),
         ("c", "WRITE", "%B/s/gone|x", "!EACCES"),
         ("c", "MKDIR", "%B/s/gone|", "!EACCES"),
         ("d", "SET_PERMS", "%B/s|n0|r%C|", "OK|"),
         ("c", "READ", "%B/s/gone|", "!ENOENT"),
         ("c", "RM", "%B/s/gone|", "!EACCES"),
         ("c", "GET_PERMS", "%B/s/gone|", "!ENOENT"), on="ring")
scenario("permissions.new-node-guest", "perm-new-node",
         ("d", "WRITE", "%B/p|v", "OK|"),
         ("d", "SET_PERMS", "%B/p|n0|b%C|r%G|", "OK|"),
         ("c", "WRITE", "%B/p/x/y|v", "OK|"),
         ("c", "GET_PERMS", "%B/p/x|", "n%C|b%C|r%G|"),
         ("c", "GET_PERMS", "%B/p/x/y|", "n%C|b%C|r%G|"), on="ring",
         guests="g")
scenario("permissions.new-node-privileged", "perm-new-node",
         ("d", "WRITE", "%B/p|v", "OK|"),
         ("d", "SET_PERMS", "%B/p|b%C|r%G|", "OK|"),
         ("d", "WRITE", "%B/p/x/y|v", "OK|"),
         ("d", "GET_PERMS", "%B/p/x/y|", "b%C|r%G|"),
         ("d", "MKDIR", "%B/p/m|", "OK|"),
         ("d", "GET_PERMS", "%B/p/m|", "b%C|r%G|"), on="ring", guests="g")
scenario("permissions.initial-tree", "perm-initial",
         ("d", "DIRECTORY", "/|", MATCH("tool\\|(local\\|)?(t\\|)?")),
         ("d", "DIRECTORY", "/tool|", "xenstored|"),
         ("d", "READ", "/|", ""), ("d", "GET_DOMAIN_PATH", "1|", "/local/domain/1|"),
         ("d", "READ", "/tool/xenstored|", ""),
         ("d", "GET_PERMS", "/|", "n0|"), ("d", "GET_PERMS", "/tool|", "n0|"),
         ("d", "GET_PERMS", "/tool/xenstored|", "n0|"),
         ("d", "GET_PERMS", "@introduceDomain|", "n0|"),
         ("d", "GET_PERMS", "@releaseDomain|", "n0|r32757|"), on="none",
         fresh=True)


def die(letter):
    def death(run):
        run.world.remove_domain(run.domid(letter))
        while run.answer("d", "IS_DOMAIN_INTRODUCED",
                         b"%d\0" % run.domid(letter)) == "T|":
            run.world.tick()
        return "ok"
    return CALL(death, "ok", "death of " + letter)


def born_again(letter):
    """A new domain with the same id; its page and port are new too."""
    def birth(run):
        if letter in run.conns:
            run.conns.pop(letter).close()
        run.add_guest(letter)
        return "ok"
    return CALL(birth, "ok", "birth of " + letter)


scenario("death.subtrees", "perm-death",
         ("g", "WRITE", "a/b|v", "OK|"),
         ("d", "WRITE", "/t/x/y|v", "OK|"),
         ("d", "SET_PERMS", "/t/x|n%G|", "OK|"),
         ("d", "WRITE", "/t/keep|v", "OK|"),
         ("s", "WATCH", "/t|w|", "OK|"), ("s", "?", "", ["^/t|w|"]),
         ("s", "WATCH", "/t/x/y|below|", "OK|"),
         ("s", "?", "", ["^/t/x/y|below|"]),
         die("g"),
         CALL(lambda run: sorted(
             run.text(m) for m in run.ask("s", "GET_DOMAIN_PATH", b"1\0")[0]),
             ["^/t/x/y|below|", "^/t/x|w|"], "events"),
         ("d", "READ", "/local/domain/%G|", "!ENOENT"),
         ("d", "READ", "/t/x/y|", "!ENOENT"),
         ("d", "READ", "/t/keep|", "v"), on="none", guests="g")
scenario("death.entries", "perm-reuse attack-reuse",
         ("d", "WRITE", "/t/p|v", "OK|"),
         ("d", "SET_PERMS", "/t/p|n0|b%G|r%H|", "OK|"),
         ("g", "READ", "/t/p|", "v"),
         die("g"), born_again("g"),
         ("g", "READ", "/t/p|", "!EACCES"),
         ("g", "WRITE", "/t/p|w", "!EACCES"),
         ("d", "GET_PERMS", "/t/p|", "n0|r%H|"),
         ("h", "READ", "/t/p|", "v"), on="none", guests="gh")
scenario("death.entries-set-before-birth", "perm-reuse op-set-perms-absent",
         ("d", "WRITE", "/t/p|v", "OK|"),
         die("g"),
         ("d", "SET_PERMS", "/t/p|n0|r%G|", "OK|"),
         born_again("g"),
         ("g", "READ", "/t/p|", "!EACCES"), on="none", guests="g")


def reborn_unseen(run):
    """Death and birth while the daemon cannot look: one step for it."""
    domid = run.domid("g")
    with run.world.stopped():
        run.conns.pop("g").close()
        run.world.remove_domain(domid)
        run.world.add_domain(domid)
    # The toolstack introduces the new one as if nothing had been.
    text = run.answer("d", "INTRODUCE", b"%d\0%d\0%d\0" % (
        domid, run.world.frame(domid), run.world.remote_port(domid)))
    return text


scenario("death.reuse-in-one-step", "perm-reuse attack-reuse",
         ("d", "WRITE", "/t/p|v", "OK|"),
         ("d", "SET_PERMS", "/t/p|n0|b%G|", "OK|"),
         ("d", "WRITE", "/t/o|v", "OK|"),
         ("d", "SET_PERMS", "/t/o|n%G|", "OK|"),
         ("g", "WATCH", "/t|w|", "OK|"),
         ("g", "?", "", ["^/t|w|"]),
         ("g", "TRANSACTION_START", "|", "1|"),
         CALL(reborn_unseen, "OK|"),
         ("g", "READ", "/t/p|", "!EACCES"),
         ("g", "WRITE", "/t/p|w", "!EACCES"),
         ("g", "READ", "/t/o|", "!EACCES"),
         ("g", "WRITE@#1", "x|w", "!ENOENT"),
         ("d", "WRITE", "/t/q|", "OK|"), ("g", "?", "", []),
         ("d", "READ", "/t/o|", "!ENOENT"),
         ("d", "GET_PERMS", "/t/p|", "n0|"), on="none", guests="g")
