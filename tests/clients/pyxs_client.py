# SPDX-License-Identifier: GPL-2.0-or-later
"""
What a user of Debian's python3-pyxs does, run by the system's Python against
the socket named by the first argument.  One line for each check.
"""
import errno
import sys

import pyxs


def check(name, ok):
    print("%s %s" % ("ok" if ok else "FAIL", name))


def fails(number, call, *args):
    try:
        call(*args)
    except pyxs.PyXSError as problem:
        return problem.args[0] == number
    return False


def basics(c):
    c.write(b"/py/a", b"value")
    check("write and read", c.read(b"/py/a") == b"value")
    c[b"/py/b"] = b"b"
    check("item access", c[b"/py/b"] == b"b")
    check("read missing", fails(errno.ENOENT, c.read, b"/py/none"))
    check("read default", c.read(b"/py/none", b"d") == b"d")
    c.mkdir(b"/py/dir")
    c.mkdir(b"/py/dir")
    check("mkdir twice", c.read(b"/py/dir") == b"")
    check("list", [n for n in c.list(b"/py")] == [b"a", b"b", b"dir"])
    check("list none", c.list(b"/py/dir") == [])
    check("exists", c.exists(b"/py/a") and not c.exists(b"/py/none"))
    c.write(b"/py/dir/x/y", b"deep")
    walked = [path for path, _, _ in c.walk(b"/py")]
    check("walk", walked == [b"/py", b"/py/a", b"/py/b", b"/py/dir",
                             b"/py/dir/x", b"/py/dir/x/y"])
    c.delete(b"/py/dir")
    check("rm", not c.exists(b"/py/dir"))
    check("rm missing parent", fails(errno.ENOENT, c.delete, b"/py/n/x"))
    text = bytes(range(0x20, 0x7f))
    c.write(b"/py/text", text)
    check("every printable byte", c.read(b"/py/text") == text)


def permissions(c):
    check("get perms", c.get_perms(b"/py/a") == [b"n0"])
    c.set_perms(b"/py/a", [b"n0", b"r5", b"b7"])
    check("set perms", c.get_perms(b"/py/a") == [b"n0", b"r5", b"b7"])
    check("perms of missing", fails(errno.ENOENT, c.get_perms, b"/py/none"))


def domains(c):
    check("domain path", c.get_domain_path(5) == b"/local/domain/5")
    check("introduced", c.is_domain_introduced(0))
    check("not introduced", not c.is_domain_introduced(4321))
    check("store of dom0", c.read(b"/local/domain/0/name") == b"Domain-0")


def transactions(c, other):
    c.transaction()
    c.write(b"/py/t", b"1")
    check("not seen before commit", not other.exists(b"/py/t"))
    check("commit", c.commit() and other.read(b"/py/t") == b"1")
    c.transaction()
    c.write(b"/py/t", b"2")
    c.rollback()
    check("rollback", c.read(b"/py/t") == b"1")
    c.transaction()
    c.read(b"/py/t")
    other.write(b"/py/t", b"3")
    c.write(b"/py/u", b"1")
    check("conflict", not c.commit())
    check("nothing left of it", not c.exists(b"/py/u"))


def watches(c, other):
    monitor = c.monitor()
    monitor.watch(b"/py/w", b"token")
    events = monitor.wait()
    check("first event", next(events) == (b"/py/w", b"token"))
    other.write(b"/py/w/x", b"1")
    check("event", next(events) == (b"/py/w/x", b"token"))
    other.delete(b"/py/w")
    check("event of removal", next(events) == (b"/py/w", b"token"))
    monitor.unwatch(b"/py/w", b"token")
    check("unwatch unknown", fails(errno.ENOENT, monitor.unwatch, b"/py/w",
                                   b"token"))
    monitor.close()


def main(path):
    with pyxs.Client(unix_socket_path=path) as c:
        with pyxs.Client(unix_socket_path=path) as other:
            basics(c)
            permissions(c)
            domains(c)
            transactions(c, other)
            watches(c, other)
            c.delete(b"/py")
    print("done")


main(sys.argv[1])
