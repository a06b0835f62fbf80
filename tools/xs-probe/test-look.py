#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Topics of the probe family that are taken at once, and xs-probe conflicts,
who and quota, on machines that were broken on purpose.
"""
import os
import re
import unittest

from broken import TOP, Broken, Test, XSError, page, records
from simxen import SocketClient

TAKEN = ["load", "clients", "transactions", "conflicts", "refusals",
         "limits", "ops"]


def ages(text):
    """Times, which differ from run to run, as T; numbers of clients as C."""
    text = re.sub(r"\d+(\.\d)? (us|ms|s)\b|\d+m \d+s", "T", text)
    text = re.sub(r"pid \d+ \([^)]*\)", "pid P", text)
    return re.sub(r" {2,}", "  ", text)


class Topics(Test):
    def documented(self):
        """What control.md says of each topic that is taken."""
        with open(os.path.join(TOP, "docs/protocol/control.md")) as f:
            text = f.read()
        rows = {}
        for line in text.splitlines():
            row = [cell.strip() for cell in line.split("|")]
            if len(row) == 4 and row[1].strip("`") in TAKEN:
                rows[row[1].strip("`")] = set(
                    re.findall(r"([a-z_]+)=", row[2]))
        section = text.split("Fields of `load`")[1].split("\n\n")[1]
        fields, of_conn = set(), set()
        for line in section.splitlines()[2:]:
            cell = line.split("|")[1]
            for name, star in re.findall(r"`([a-z_]+)`(\*?)", cell):
                if name == "..._max":
                    continue
                fields.add(name)
                if star:
                    of_conn.add(name)
        return rows, fields, of_conn

    def test_what_is_sent_is_written_down(self):
        b = self.begin()
        b.spoil()
        tx = b.guests[2].transaction()
        b.guests[2].write(b"a", b"", tx)
        rows, fields, of_conn = self.documented()
        self.assertEqual(sorted(rows), sorted(TAKEN))
        quotas = {"nodes", "memory", "watches", "transactions",
                  "outstanding"}
        fields |= {q + "_max" for q in quotas}
        for topic in TAKEN:
            found = records(b.xs, topic)
            self.assertTrue(found, topic)
            for record in found:
                sent = set(record)
                if topic == "load" and record["kind"] == "ring":
                    self.assertEqual(sent, fields)
                elif topic == "load":
                    self.assertLessEqual(sent, fields | {"clients"})
                elif topic == "clients":
                    self.assertEqual(sent, rows[topic] | of_conn |
                                     {"outstanding"})
                else:
                    self.assertEqual(sent, rows[topic], topic)

    def test_load(self):
        b = self.begin()
        b.spoil()
        by_domid = {int(r["domid"]): r for r in records(b.xs, "load")
                    if r["kind"] == "ring"}
        one, three, four = by_domid[1], by_domid[3], by_domid[4]
        self.assertEqual(one["conflicts"], "3")
        self.assertEqual(three["refused"], "5")
        self.assertEqual(three["nodes"], three["nodes_max"])
        self.assertEqual(three["errors"], "5")
        # What lies in the ring it could take; the rest waits with us.
        self.assertEqual(four["rsp_fill"], "1024")
        self.assertGreater(int(four["events_waiting"]), 100)
        self.assertGreater(int(four["unread"]), 3000)
        for r in by_domid.values():
            counts = [int(pair.split(":")[1]) for pair in
                      r["latency"].split(",") if pair]
            self.assertEqual(sum(counts), int(r["requests"]), r)

    def test_latency_is_that_of_who_waits(self):
        b = self.begin()
        guest = b.guests[4]
        tx = guest.transaction()
        guest.read(b"/local/domain/4", tx)
        guest.end(tx)
        before = [r for r in records(b.xs, "load") if r["domid"] == "4"][0]
        self.assertLess(int(before["latency_max_us"]), 10 ** 7)
        self.assertGreaterEqual(int(before["latency_sum_us"]),
                                int(before["latency_max_us"]))

    def test_a_walk_is_of_one_moment(self):
        b = self.begin(domains=20)
        cursor, first = page(b.xs, "load")
        self.assertTrue(cursor)
        for domid in 18, 19:
            b.xs.release(domid)
        b.guests[20].write(b"a", b"b")
        found = [dict(r) for r in first]
        again = None
        while cursor:
            if again is None:
                again = page(b.xs, "load", cursor)
                # The same page once more, as after a lost reply.
                self.assertEqual(page(b.xs, "load", cursor), again)
                cursor, more = again
            else:
                cursor, more = page(b.xs, "load", cursor)
            found += [dict(r) for r in more]
        domids = [int(r["domid"]) for r in found if r["kind"] == "ring"]
        self.assertEqual(domids, list(range(21)))
        self.assertEqual([r["requests"] for r in found
                          if r["domid"] == "20"], ["0"])
        self.assertNotIn("18", [r["domid"] for r in records(b.xs, "load")])

    def test_cursors_that_are_not_ours(self):
        b = self.begin(domains=20)
        cursor = page(b.xs, "load")[0]
        with SocketClient(b.machine) as other:
            for wrong in cursor, 1, 4294967295:
                with self.assertRaises(XSError) as e:
                    page(other, "load", wrong)
                self.assertEqual(e.exception.name, "EAGAIN")
        # Eight later walks, and ours is forgotten.
        others = [SocketClient(b.machine) for _ in range(9)]
        for other in others:
            page(other, "load")
        with self.assertRaises(XSError) as e:
            page(b.xs, "load", cursor)
        self.assertEqual(e.exception.name, "EAGAIN")
        for other in others:
            other.close()
        for topic, name in ("nothing", "ENOENT"), ("who", "EINVAL"), \
                ("load=1", "EINVAL"), ("who=", "EINVAL"), \
                ("who=relative", "EINVAL"), ("trace", "ENOENT"):
            with self.assertRaises(XSError) as e:
                page(b.xs, topic)
            self.assertEqual(e.exception.name, name, topic)

    def test_a_guest_may_not(self):
        b = self.begin()
        for topic in TAKEN + ["trace"]:
            with self.assertRaises(XSError) as e:
                page(b.guests[1], topic)
            self.assertEqual(e.exception.name, "EACCES")

    def test_sockets_count_on_when_one_goes(self):
        b = self.begin()
        before = [r for r in records(b.xs, "load")
                  if r["kind"] == "sockets"][0]
        with SocketClient(b.machine) as other:
            for _ in range(50):
                other.directory(b"/")
        after = [r for r in records(b.xs, "load")
                 if r["kind"] == "sockets"][0]
        self.assertGreaterEqual(int(after["requests"]),
                                int(before["requests"]) + 50)

    def test_bounded(self):
        b = self.begin()
        for i in range(140):
            path = b"/c%d" % i
            b.xs.write(path, b"0")
            # Each is new: who failed before would be let through.
            with SocketClient(b.machine) as loser:
                tx = loser.transaction()
                loser.read(path, tx)
                loser.write(b"/mine", b"1", tx)
                b.xs.write(path, b"2")
                with self.assertRaises(XSError):
                    loser.end(tx)
        found = records(b.xs, "conflicts")
        self.assertEqual(len(found), 128)
        self.assertEqual(found[0]["path"], "/c139")

    def test_over_a_death(self):
        """The tables are told by the journal, as far as it reaches."""
        b = self.begin()
        b.lose(1, 2)
        b.daemon.kill()
        b.xs.close()
        b.daemon = b.machine.daemon(b.daemon.peer, "-N")
        b.xs = SocketClient(b.machine)
        found = records(b.xs, "conflicts")
        self.assertEqual([(r["loser"], r["winner"]) for r in found],
                         [("1", "2")])
        writer = [r for r in records(b.xs, "who=/local/domain/1/shared")
                  if r["kind"] == "writer"]
        self.assertEqual(writer[0]["domid"], "2")


class Conflicts(Test):
    def test_golden(self):
        b = self.begin()
        self.assertEqual(self.ask("conflicts"),
                         "No transaction was lost.\n")
        b.spoil()
        self.assertEqual(ages(self.ask("conflicts")), """\
LOST BY  TO A WRITE OF  COUNT  SINCE  LAST  PATH
domain 1  domain 2  2  T  T  /local/domain/1/shared
domain 1  pid P  1  T  T  /local/domain/1/shared
""")

    def test_chosen(self):
        b = self.begin()
        b.spoil()
        self.assertEqual(ages(self.ask("conflicts", "--domain", "2")), """\
LOST BY  TO A WRITE OF  COUNT  SINCE  LAST  PATH
domain 1  domain 2  2  T  T  /local/domain/1/shared
""")
        self.assertEqual(len(self.json("conflicts", "-n", "1")["conflicts"]),
                         1)
        self.assertEqual(self.ask("conflicts", "--domain", "9"),
                         "No transaction was lost of those asked for.\n")

    def test_how_it_came(self):
        """A child that came, a parent that went, a domain that died."""
        b = self.begin()
        guest, xs = b.guests[1], b.xs
        home = b"/local/domain/1"
        guest.mkdir(b"dir/sub/leaf")

        def lose(look, change):
            tx = guest.transaction()
            try:
                look(tx)
            except XSError as e:
                self.assertEqual(e.name, "ENOENT")
            guest.write(b"mine", b"1", tx)
            change()
            with self.assertRaises(XSError):
                guest.end(tx)

        lose(lambda tx: guest.directory(b"dir", tx),
             lambda: xs.write(home + b"/dir/new", b""))
        lose(lambda tx: guest.read(b"dir/sub/leaf", tx),
             lambda: xs.rm(home + b"/dir"))
        lose(lambda tx: guest.read(b"dir/x", tx),
             lambda: xs.write(home + b"/dir/x/y", b""))
        # What dom0 owns of it goes with nobody; what domain 2 does, goes.
        xs.mkdir(home + b"/theirs")
        xs.set_perms(home + b"/theirs", b"b2", b"r1")
        lose(lambda tx: guest.read(b"theirs", tx), lambda: xs.release(2))
        found = [(r["path"], r["winner"], r["winner_conn"] == "-1")
                 for r in records(xs, "conflicts")]
        self.assertEqual(sorted(found), [
            (home.decode() + "/dir", "0", False),
            (home.decode() + "/dir/sub/leaf", "0", False),
            (home.decode() + "/dir/x", "0", False),
            (home.decode() + "/theirs", "-1", True)])


class Who(Test):
    def test_golden(self):
        b = self.begin()
        b.spoil()
        two = b.guests[2]
        b.guests[2].watch(b"/local/domain/1/shared", b"a token")
        b.xs.watch(b"/local/domain/1", b"all")
        tx = two.transaction()
        two.read(b"/local/domain/1/shared", tx)
        two.write(b"/local/domain/1/shared", b"3", tx)
        self.assertEqual(ages(self.ask("who", "/local/domain/1/shared")), """\
WHAT  WHO  HOW
owner  domain 1  the node is there
last writer  pid P  WRITE, T ago
transaction  domain 2  read and wrote it in transaction 1, open for T
watch  pid P  at /local/domain/1, token all
watch  domain 2  at /local/domain/1/shared, token a token
""")
        two.end(tx)
        self.assertIn("domain 2  TRANSACTION_END,",
                      ages(self.ask("who", "/local/domain/1/shared")))

    def test_missing_and_special(self):
        b = self.begin()
        b.xs.write(b"/a/b", b"")
        b.xs.rm(b"/a/b")
        self.assertEqual(ages(self.ask("who", "/a/b", status=1)), """\
WHAT  WHO  HOW
owner  -  there is no such node
last writer  pid P  RM (removed it), T ago
""")
        self.assertIn("last change of its children  pid P",
                      ages(self.ask("who", "/a")))
        self.assertIn("Who wrote it last is not known",
                      self.ask("who", "/never", status=1))
        self.assertEqual(self.ask("who", "@releaseDomain"),
                         "Nobody watches it.\n")
        b.xs.watch(b"@releaseDomain", b"t")
        self.assertIn("at @releaseDomain, token t",
                      self.ask("who", "@releaseDomain"))
        self.ask("who", "a/b", status=2, err="not an absolute path")

    def test_json(self):
        b = self.begin()
        b.spoil()
        found = self.json("who", "/local/domain/4/bell/0")
        watches = [w for w in found["who"] if w["kind"] == "watch"]
        self.assertEqual([(w["domid"], w["token"]) for w in watches],
                         [(4, "token-of-4")])
        self.assertEqual(found["clients"][0]["pid"], os.getpid())

    def test_a_huge_token(self):
        b = self.begin()
        b.xs.watch(b"/a", b"\1" * 4000)
        self.assertIn("...", self.ask("who", "/a", status=1))


class Quota(Test):
    def test_golden(self):
        b = self.begin()
        well = self.ask("quota")
        self.assertTrue(well.startswith("""\
QUOTA                LIMIT  MEANING
nodes                 1000  nodes owned
watches                128  watches set
outstanding             20  requests whose reply was not taken
"""), well)
        self.assertTrue(well.endswith("""\

No domain uses 80 % of a quota.

Nobody was refused anything.
"""), well)
        b.spoil()
        ill = ages(self.ask("quota", status=1))
        self.assertTrue(ill.endswith("""
DOMID  QUOTA  USED  LIMIT  OF IT
  3  nodes  1000  1000  100%

DOMID  REFUSED  LIMIT  TIMES  SINCE  LAST  PATH
  3  nodes  1000  5  T  T  /local/domain/3/n1003
"""), ill)

    def test_of_one(self):
        b = self.begin()
        b.spoil()
        self.assertIn("nodes               1000     1000  nodes owned",
                      self.ask("quota", "show", "3", status=1))
        self.ask("quota", "show", "2")
        self.ask("quota", "show", "99", status=1, err="no domain 99")
        limits = {r["quota"]: r for r in
                  self.json("quota", "show", "2")["limits"]}
        self.assertEqual(limits["node-size"], {
            "quota": "node-size", "used": None, "limit": 2048})

    def test_set(self):
        b = self.begin()
        self.assertEqual(self.ask("quota", "set", "nodes", "2000", "3"),
                         "nodes: 1000 -> 2000, for domain 3\n")
        self.assertEqual(self.ask("quota", "set", "watches", "7"),
                         "watches: 128 -> 7, for all domains that have none "
                         "of their own\n")
        used = {r["domid"]: r for r in records(b.xs, "load")}
        self.assertEqual(used["3"]["nodes_max"], "2000")
        self.assertEqual(used["2"]["nodes_max"], "1000")
        self.assertEqual(used["2"]["watches_max"], "7")
        self.ask("quota", "set", "sheep", "7", status=1,
                 err='no quota "sheep"')
        self.ask("quota", "set", "nodes", "7", "99", status=1,
                 err="no domain 99")
        for wrong in ["set"], ["set", "nodes"], ["set", "nodes", "x"], \
                ["set", "nodes", "1", "x"], ["frobnicate"], ["show", "x"]:
            self.ask("quota", *wrong, status=2, err="Try")

    def test_the_c_daemon(self):
        self.begin(daemon="stock", domains=1, args=())
        self.assertRegex(self.ask("quota"),
                         r"nodes +: +1000 .*[\s\S]*cannot tell who is near")
        self.assertIn("nodes", self.ask("quota", "show", "1"))
        self.assertEqual(self.json("quota")["daemon"], "other")
        self.assertEqual(self.ask("quota", "set", "nodes", "2000"),
                         "nodes: 2000 now, for all domains that have none "
                         "of their own\n")
        self.assertRegex(self.ask("quota"), r"nodes +: +2000 ")
        self.ask("quota", "set", "nodes", "7", "1", status=3,
                 err="one domain alone")

    def test_the_ocaml_daemon(self):
        self.begin(daemon="ocaml", domains=1, args=())
        for command in ["quota"], ["conflicts"], ["who", "/"]:
            self.ask(*command, status=3, err="not proxenos; it cannot tell")


if __name__ == "__main__":
    unittest.main()
