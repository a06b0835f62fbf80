# SPDX-License-Identifier: GPL-2.0-or-later
"""Operations about domains, features, quotas; CONTROL."""
import errno

import wire
from engine import ANY, BIND, CALL, MATCH, scenario
from s_operations import reintroduce


def introduce_with(gfn, extra=b""):
    def introduce(run):
        domid = run.domid("g")
        run.must("d", "RELEASE", b"%d\0" % domid)
        run.world.reopen_port(domid)
        return run.answer("d", "INTRODUCE", b"%d\0%s\0%d\0" % (
            domid, gfn, run.world.remote_port(domid)) + extra)
    return introduce


for label, gfn, extra in (("negative", b"-1", b""), ("zero", b"0", b""),
                          ("large", b"1048575", b""),
                          ("four-strings", b"5", b"domain-path\0"),
                          ("rest", b"5", b"junk")):
    scenario("introduce.gfn-%s" % label, "op-introduce arg-rest",
             CALL(introduce_with(gfn, extra), "OK|"),
             ("g", "GET_DOMAIN_PATH", "1|", "/local/domain/1|"),
             ("d", "IS_DOMAIN_INTRODUCED", "%G|", "T|"), on="none",
             guests="g")

scenario("introduce.numbers", "op-introduce op-junk-number arg-domid",
         ("d", "INTRODUCE", "%G|1|0|", "!EINVAL"),
         ("d", "INTRODUCE", "%G|1||", "!EINVAL"),
         ("d", "INTRODUCE", "%G|1|x|", "!EINVAL"),
         ("d", "INTRODUCE", "%G|1|3x|", "!EINVAL"),
         ("d", "INTRODUCE", "%G|1|-1|", "!EINVAL"),
         ("d", "INTRODUCE", "%Gx|1|1|", "!EINVAL"),
         ("d", "INTRODUCE", "65536|1|1|", "!EINVAL"),
         ("d", "INTRODUCE", "32752|1|1|", "!EINVAL"),
         ("d", "IS_DOMAIN_INTRODUCED", "%G|", "T|"),
         ("g", "GET_DOMAIN_PATH", "1|", "/local/domain/1|"), on="none", guests="g")


def unmappable(run):
    domid = run.domid("g")
    run.must("d", "RELEASE", b"%d\0" % domid)
    run.collect("s", run.send("s", "GET_DOMAIN_PATH", b"1\0"))
    run.world.reopen_port(domid)
    run.world.fail_mapping(domid, errno.EIO)
    port = run.world.remote_port(domid)
    text = run.answer("d", "INTRODUCE", b"%d\0%d\0%d\0" % (
        domid, run.world.frame(domid), port))
    run.world.fail_mapping(domid, 0)
    return text


scenario("introduce.unmappable", "op-introduce-unmappable",
         ("s", "WATCH", "@introduceDomain|w|", "OK|"),
         ("s", "?", "", ["^@introduceDomain|w|"]),
         CALL(unmappable, "!EIO"),
         ("s", "?", "", []),
         ("d", "IS_DOMAIN_INTRODUCED", "%G|", "F|"), on="none", guests="g")


def no_such_domain(run):
    text = run.answer("d", "INTRODUCE", b"31997\0" b"1\0" b"1\0")
    return "refused" if text.startswith("!") else text


scenario("introduce.no-such-domain", "op-introduce-unmappable",
         CALL(no_such_domain, "refused"),
         ("d", "IS_DOMAIN_INTRODUCED", "31997|", "F|"), on="none")


def again(run):
    """The guest closed its port (kexec, restore): bound anew, ring kept."""
    domid = run.domid("g")
    run.must("g", "WATCH", b"x\0t\0")
    run.ask("g", "GET_DOMAIN_PATH", b"1\0")
    run.world.reopen_port(domid)
    run.introduce("g")
    return run.answer("g", "WRITE", b"x\0" b"1")


scenario("introduce.again", "op-introduce-again",
         CALL(again, "OK|"), ("g", "READ", "x|", "1"),
         ("d", "IS_DOMAIN_INTRODUCED", "%G|", "T|"), on="none", guests="g")


def page_port(run):
    """The page names the right port, INTRODUCE a wrong one."""
    domid = run.domid("g")
    run.must("d", "RELEASE", b"%d\0" % domid)
    run.world.reopen_port(domid)
    conn, port = run.conn("g"), run.world.remote_port(domid)
    for field in (wire.REQ_CONS, wire.REQ_PROD, wire.RSP_CONS, wire.RSP_PROD):
        conn.set(field, 0)
    conn.set(wire.EVTCHN, port)
    text = run.answer("d", "INTRODUCE", b"%d\0%d\0%d\0" % (
        domid, run.world.frame(domid), port + 77))
    conn.attach()
    home = b"/local/domain/%d\0" % domid
    run.must("d", "MKDIR", home)
    run.must("d", "SET_PERMS", home + b"n%d\0" % domid)
    return text + " " + run.answer("g", "READ", b"x\0")


scenario("introduce.page-port", "op-introduce-page-port",
         CALL(page_port, "OK| !ENOENT"), on="none", guests="g")



def toolstack_order(run):
    """As libxl does it: the node and its list first, INTRODUCE after."""
    domid = run.domid("g")
    run.must("d", "RELEASE", b"%d\0" % domid)
    run.world.remove_domain(domid)
    run.world.add_domain(domid)
    home = b"/local/domain/%d\0" % domid
    out = [run.answer("d", "MKDIR", home),
           run.answer("d", "SET_PERMS", home + b"n%d\0" % domid),
           run.answer("d", "WRITE", b"/t/back\0v"),
           run.answer("d", "SET_PERMS", b"/t/back\0n0\0r%d\0" % domid)]
    run.introduce("g")
    return out


scenario("introduce.toolstack-order", "op-introduce perm-reuse",
         CALL(toolstack_order, ["OK|"] * 4),
         ("g", "WRITE", "x|v", "OK|"),
         ("g", "READ", "/t/back|", "v"),
         ("g", "GET_PERMS", "x|", "n%G|"), on="none", guests="g")
scenario("release", "op-release perm-death",
         ("g", "WRITE", "a/b|v", "OK|"),
         ("d", "WRITE", "%B/theirs/x|v", "OK|"),
         ("d", "SET_PERMS", "%B/theirs/x|n%G|", "OK|"),
         ("s", "WATCH", "%B|w|", "OK|"), ("s", "?", "", ["^%B|w|"]),
         ("s", "WATCH", "@releaseDomain|r|", "OK|"),
         ("s", "?", "", ["^@releaseDomain|r|"]),
         ("d", "RELEASE", "%G|", "OK|"),
         ("s", "?", "", ["^%B/theirs/x|w|", "^@releaseDomain|r|"]),
         ("d", "READ", "/local/domain/%G/a|", "!ENOENT"),
         ("d", "READ", "/local/domain/%G|", "!ENOENT"),
         ("d", "READ", "%B/theirs|", ""),
         ("d", "IS_DOMAIN_INTRODUCED", "%G|", "F|"),
         ("d", "RELEASE", "%G|", "!ENOENT"), on="none", guests="g")
scenario("release.numbers", "op-release op-junk-number arg-domid",
         ("d", "RELEASE", "0|", "!EINVAL"),
         ("d", "RELEASE", "|", "!EINVAL"),
         ("d", "RELEASE", "31996|", "!ENOENT"),
         ("d", "RELEASE", "x|", "!EINVAL"),
         ("d", "RELEASE", "65536|", "!EINVAL"), on="none", fresh=True)
scenario("is-introduced", "op-is-introduced op-junk-number",
         ("d", "IS_DOMAIN_INTRODUCED", "%G|", "T|"),
         ("d", "IS_DOMAIN_INTRODUCED", "0|", "T|"),
         ("d", "IS_DOMAIN_INTRODUCED", "|", "T|"),
         ("d", "IS_DOMAIN_INTRODUCED", "31996|", "F|"),
         ("d", "IS_DOMAIN_INTRODUCED", "x|", "!EINVAL"),
         ("d", "IS_DOMAIN_INTRODUCED", "70000|", "!EINVAL"), on="none",
         guests="g")


def shut(run):
    run.world.shutdown(run.domid("g"))
    return run.text(run.conn("s").recv())


def shut_again(run):
    """A second VIRQ, for another domain: nothing is said of g."""
    run.world.shutdown(run.domid("h"))
    return run.text(run.conn("s").recv())


def die(run):
    run.world.remove_domain(run.domid("g"))
    seen = [run.text(run.conn("s").recv())]
    # Wait until it is gone for good, so that nothing comes late.
    while run.answer("d", "IS_DOMAIN_INTRODUCED",
                     b"%d\0" % run.domid("g")) == "T|":
        run.world.tick()
    return seen


scenario("shutdown-resume", "op-resume watch-shutdown",
         ("s", "WATCH", "@releaseDomain|w|", "OK|"),
         ("s", "?", "", ["^@releaseDomain|w|"]),
         CALL(shut, "^@releaseDomain|w|"),
         ("s", "?", "", []),
         ("d", "RESUME", "%G|", "OK|"),
         CALL(lambda run: run.world.resume(run.domid("g")), "ok", "resume"),
         ("s", "?", "", []),
         CALL(shut, "^@releaseDomain|w|"),
         CALL(die, "^@releaseDomain|w|"), on="none", guests="g")
scenario("shutdown-once", "watch-shutdown",
         ("s", "WATCH", "@releaseDomain|w|", "OK|"),
         ("s", "?", "", ["^@releaseDomain|w|"]),
         CALL(shut, "^@releaseDomain|w|"),
         CALL(shut_again, "^@releaseDomain|w|"),
         ("s", "?", "", []),
         CALL(die, "^@releaseDomain|w|"),
         ("s", "?", "", []), on="none", guests="gh")
scenario("resume.numbers", "op-resume op-junk-number",
         ("d", "RESUME", "x|", "!EINVAL"),
         ("d", "RESUME", "31996|", "!ENOENT"),
         ("d", "RESUME", "70000|", "!EINVAL"), on="none")

scenario("set-target", "op-set-target perm-target",
         ("g", "WRITE", "mine|v", "OK|"),
         ("h", "READ", "/local/domain/%G/mine|", "!EACCES"),
         ("d", "SET_TARGET", "%H|%G|", "OK|"),
         ("h", "READ", "/local/domain/%G/mine|", "v"),
         ("h", "WRITE", "/local/domain/%G/mine|w", "OK|"),
         ("h", "WRITE", "/local/domain/%G/new|w", "OK|"),
         ("h", "SET_PERMS", "/local/domain/%G/mine|n%G|r%H|", "OK|"),
         ("g", "READ", "/local/domain/%H|", "!EACCES"),
         ("d", "SET_TARGET", "31996|%G|", "!ENOENT"),
         ("d", "SET_TARGET", "%H|31996|", "!ENOENT"),
         ("d", "SET_TARGET", "x|%G|", "!EINVAL"),
         ("d", "SET_TARGET", "%H|x|", "!EINVAL"), on="none", guests="gh")
scenario("set-target.inherits-entries", "perm-target",
         ("d", "WRITE", "/t/shared|v", "OK|"),
         ("d", "SET_PERMS", "/t/shared|n0|b%G|", "OK|"),
         ("h", "READ", "/t/shared|", "!EACCES"),
         ("d", "SET_TARGET", "%H|%G|", "OK|"),
         ("h", "READ", "/t/shared|", "v"), on="none", guests="gh")

scenario("feature", "op-feature op-junk-number",
         ("d", "GET_FEATURE", "|", "15|"),
         ("d", "GET_FEATURE", "%G|", "15|"),
         ("d", "SET_FEATURE", "%G|1|", "!EBUSY"),
         ("d", "RELEASE", "%G|", "OK|"),
         ("d", "SET_FEATURE", "%G|16|", "!EINVAL"),
         ("d", "SET_FEATURE", "%G|x|", "!EINVAL"),
         ("d", "SET_FEATURE", "x|1|", "!EINVAL"),
         ("d", "SET_FEATURE", "%G|3|", "OK|"),
         ("d", "GET_FEATURE", "%G|", "3|"),
         ("d", "GET_FEATURE", "31996|", "!ENOENT"),
         ("d", "GET_FEATURE", "x|", "!EINVAL"), on="none", guests="g")

NAMES = ("nodes", "watches", "transactions", "outstanding", "memory",
         "transaction-nodes", "permissions", "path-max", "node-size")


def quota_names(run):
    names = run.must("d", "GET_QUOTA", b"\0")[:-1].decode().split(" ")
    return "missing: %s" % [n for n in NAMES if n not in names]


scenario("quota.ops", "op-quota op-junk-number quota-none",
         CALL(quota_names, "missing: []"),
         ("d", "GET_QUOTA", "nodes|", "1000|"),
         ("d", "GET_QUOTA", "%G|nodes|", "1000|"),
         ("d", "SET_QUOTA", "%G|nodes|7|", "OK|"),
         ("d", "GET_QUOTA", "%G|nodes|", "7|"),
         ("d", "GET_QUOTA", "nodes|", "1000|"),
         ("d", "SET_QUOTA", "%G|nodes|x|", "!EINVAL"),
         ("d", "SET_QUOTA", "%G|what|7|", "!EINVAL"),
         ("d", "SET_QUOTA", "x|nodes|7|", "!EINVAL"),
         ("d", "GET_QUOTA", "31996|nodes|", "!ENOENT"), on="none",
         guests="g")

QUOTA_TEXT = """Quota settings:
nodes            :     1000 Nodes per domain
watches          :      128 Watches per domain
transactions     :       10 Transactions per domain
outstanding      :       20 Outstanding requests per domain
transaction-nodes:     1024 Max. number of accessed nodes per transaction
memory           :  2621440 Total Xenstore memory per domain (error level)
node-size        :     2048 Max. size of a node
path-max         :     2048 Max. length of a node path
permissions      :        5 Max. number of permissions per node
"""

scenario("control", "op-control",
         ("d", "CONTROL", "check|", "OK|"),
         ("d", "CONTROL", "log|on|", "OK|"),
         ("d", "CONTROL", "log|off|", "OK|"),
         ("d", "CONTROL", "log|maybe|", "!EINVAL"),
         ("d", "CONTROL", "print|hello|", "OK|"),
         ("d", "CONTROL", "print|", "!EINVAL"),
         ("d", "CONTROL", "quota|", QUOTA_TEXT + "|"),
         ("d", "CONTROL", "quota|set|nodes|999|", "OK|"),
         ("d", "CONTROL", "quota|set|nodes|1000|", "OK|"),
         ("d", "CONTROL", "quota|set|none|1|", "!EINVAL"),
         ("d", "CONTROL", "quota|set|nodes|-1|", "!EINVAL"),
         ("d", "CONTROL", "quota|%G|", MATCH(r"Domain %G.*nodes.*")),
         ("d", "CONTROL", "quota-soft|", "Quota settings:\nmemory           :"
          "  2097152 Total Xenstore memory per domain (warning level)\n|"),
         ("d", "CONTROL", "help|", MATCH(
             r".*check.*log.*memreport.*print.*")),
         ("d", "CONTROL", "nonsense|", "!EINVAL"), on="none", guests="g")
scenario("control.empty", "op-control", ("s", "CONTROL", "", "!EINVAL"),
         on="none")
