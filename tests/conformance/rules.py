# SPDX-License-Identifier: GPL-2.0-or-later
"""
What a xenstore daemon must do, one rule a line, as the scenarios name them.
tests/conformance/run refuses a rule that no scenario shows and a scenario
that names no rule of this table.
"""

RULES = {
    # Messages
    "msg-header": "four little-endian u32 (type, req_id, tx_id, len), then"
                  " len bytes; a reply repeats type, req_id and tx_id",
    "msg-over-4096": "len > 4096: socket closed; ring: error 3, not served"
                     " until reset or RELEASE + INTRODUCE",
    "msg-one-reply": "one reply per request, in request order",
    "msg-big-reply": "a reply over 4096 bytes becomes E2BIG",
    "msg-events-first": "events a request causes come before its reply",
    "msg-watch-ok-first": "WATCH: OK, then its first event",
    "msg-unknown-op": "unknown op: ENOSYS, before anything else",
    "msg-privilege": "privileged op from an unprivileged caller: EACCES,"
                     " before the transaction is looked at",
    "msg-unknown-tx": "unknown tx_id: ENOENT, before the handler, for ops"
                      " that ignore transactions as well",
    "msg-watch-no-tx": "WATCH and UNWATCH ignore tx_id",
    "msg-error-names": "error names are the sixteen of xs_wire.h, with NUL",
    "msg-privileged": "privileged: dom0, --priv-domid, socket clients",

    # Paths
    "path-chars": "characters A-Z a-z 0-9 - / _ @",
    "path-at": "a leading @ only for GET_PERMS, SET_PERMS, WATCH, UNWATCH;"
               " inside a name it is legal",
    "path-malformed": "empty, trailing /, //: EINVAL",
    "path-relative": "relative means /local/domain/<caller>/..., for socket"
                     " clients as well",
    "path-3072": "at most 3072 bytes for everyone",
    "path-max": "guests: at most path-max, inclusive, not counting"
                " /local/domain/<n>/ whatever the digits of n",
    "arg-one": "one-argument ops need exactly one NUL, at the end",
    "arg-rest": "the others ignore bytes after the last NUL they need",
    "arg-domid": "domids: decimal, whole string, 0..65535; empty means 0",

    # Operations
    "op-read": "READ: value bytes, no NUL added",
    "op-write": "WRITE: one NUL at least; value empty or binary; parents"
                " made silently",
    "op-write-perm": "WRITE needs WRITE on the node or its nearest existing"
                     " ancestor",
    "op-mkdir": "MKDIR of what exists: OK, no event (needs WRITE)",
    "op-rm": "RM needs WRITE on the node; children of any owner go too",
    "op-rm-missing": "RM of a missing node: OK if the parent exists, else"
                     " ENOENT",
    "op-rm-root": "RM of /: EINVAL",
    "op-directory": "DIRECTORY: creation order, nothing for none",
    "op-directory-part": "DIRECTORY_PART: gencnt, whole names that fit, one"
                         " more NUL at the end; for everyone",
    "op-gencnt": "gencnt never repeats",
    "op-get-perms": "GET_PERMS needs READ",
    "op-set-perms": "SET_PERMS needs ownership",
    "op-set-perms-owner": "a new owner that does not exist: ENOENT; a guest"
                          " that changes the owner: EPERM",
    "op-set-perms-absent": "entries for absent domains are stored and ignored",
    "op-set-perms-letters": "letters r w b n",
    "op-watch": "WATCH: path need not exist, no permission needed; one event"
                " at once with the path as given",
    "op-watch-depth": "WATCH: third string where feature bit 2 is on",
    "op-watch-twice": "same path and token: EEXIST",
    "op-unwatch": "UNWATCH: exactly two strings; none: ENOENT; no event"
                  " after the OK",
    "op-reset-watches": "RESET_WATCHES drops watches and transactions;"
                        " queued events before its reply, none after",
    "op-tx-start": "TRANSACTION_START: ids per connection from 1; tx_id of"
                   " an open one: EBUSY",
    "op-tx-end": "TRANSACTION_END: other than T or F EINVAL, stays open; F"
                 " always OK",
    "op-introduce": "INTRODUCE: three strings, gfn ignored, port 0 EINVAL,"
                    " then @introduceDomain",
    "op-introduce-unmappable": "INTRODUCE of what cannot be mapped: the"
                               " errno, nothing changed",
    "op-introduce-again": "INTRODUCE of a known domain binds its event"
                          " channel anew",
    "op-introduce-page-port": "evtchn_port of the page wins if not 0",
    "op-release": "RELEASE: domid 0 EINVAL, unknown ENOENT; its nodes go,"
                  " with events, then @releaseDomain",
    "op-is-introduced": "IS_DOMAIN_INTRODUCED: T or F",
    "op-resume": "RESUME: @releaseDomain will come again",
    "op-set-target": "SET_TARGET",
    "op-feature": "GET_FEATURE, SET_FEATURE; after INTRODUCE EBUSY;"
                  " unsupported bit EINVAL",
    "op-quota": "GET_QUOTA, SET_QUOTA",
    "op-junk-number": "junk numbers are EINVAL everywhere",
    "op-domain-path": "GET_DOMAIN_PATH",
    "op-control": "CONTROL with the C daemon's replies",

    # Permissions
    "perm-owner": "first entry: owner and default; the owner has everything",
    "perm-first-match": "else the first matching entry wins",
    "perm-any-domid": "entry for 32757 matches everybody, with feature bit 3",
    "perm-privileged": "privileged callers have everything",
    "perm-target": "a stub domain has what its target has",
    "perm-no-leak": "missing node: EACCES, not ENOENT, to whom may not have"
                    " it on the nearest existing ancestor",
    "perm-new-node": "a new node has its parent's list; an unprivileged"
                     " creator owns it; a privileged one keeps the owner",
    "perm-death": "death removes the subtrees it owned, with events",
    "perm-reuse": "death removes its entries in other lists; a new domain of"
                  " the same id gets nothing",
    "perm-initial": "initial tree and permissions of the special paths",

    # Watches
    "watch-match": "event path is the watch path or below, within depth",
    "watch-special": "special paths match whole; @releaseDomain/<id>",
    "watch-perm": "judged per watcher when it fires: READ on the node, its"
                  " parent, or before the change",
    "watch-rm": "RM: each removed node fires watches set exactly on it, the"
                " root its ancestors' too",
    "watch-tx": "in a transaction at commit only, once per node, in order of"
                " first change",
    "watch-merge": "an event equal to an undelivered one is merged; not @",
    "watch-long": "path + token over 4094 bytes: no event",
    "watch-slow": "a reader that does not read: bounded, merged, and a watch"
                  " that lost one gets one on its own path",
    "watch-shutdown": "shutdown: @releaseDomain once until RESUME; death:"
                      " again",

    # Transactions
    "tx-snapshot": "snapshot isolation",
    "tx-validate": "what was read must be unchanged, else EAGAIN",
    "tx-read-only": "a read-only transaction commits",
    "tx-no-conflict": "blind writes to one node, and two children under one"
                      " parent, do not conflict",
    "tx-quota": "what failed inside for want of quota fails the commit",
    "tx-no-starvation": "a transaction retried gets through in a bounded"
                        " number of tries",

    # Quotas
    "quota-nodes": "nodes 1000",
    "quota-watches": "watches 128",
    "quota-outstanding": "outstanding 20 requests",
    "quota-memory": "memory 2621440",
    "quota-transactions": "transactions 10",
    "quota-transaction-nodes": "transaction-nodes 1024",
    "quota-node-permissions": "node-permissions 5",
    "quota-path-max": "path-max 2048",
    "quota-node-size": "node-size 2048",
    "quota-enospc": "refused: ENOSPC, one rate-limited log line",
    "quota-none": "0 means none",
    "quota-slow-reader": "a slow reader costs nobody but itself",

    # The ring
    "ring-1": "bit 0 before any byte; bits are not cleared; unknown bits"
              " ignored; a guest that never looks sees the old protocol",
    "ring-2": "connection: 0 -> 1 the guest, 1 -> 0 the daemon alone; not"
              " touched where bit 0 is not offered",
    "ring-3": "events from before may arrive while the guest waits",
    "ring-4": "the request in hand is whole or undone; requests, replies,"
              " events, watches, transactions dropped; the rest kept",
    "ring-5": "indices and error 0, then connection 0, then notify; nothing"
              " old afterwards",
    "ring-6": "a reset is honoured in any state",
    "ring-7": "asking again is the same reset",
    "ring-8": "indices moved without the handshake are no error while"
              " consistent",
    "ring-9": "error is set before the notification and cleared by RELEASE +"
              " INTRODUCE",
    "ring-indices": "indices run free modulo 2^32 and start anywhere",

    # Attacks
    "attack-indices": "ring indices of every shape",
    "attack-indices-moving": "indices moved while being read",
    "attack-big-reply": "reply over 4096",
    "attack-starve": "endless small writes starving a transaction",
    "attack-stubdom": "target and stub domain dying in both orders and at"
                      " once",
    "attack-quota-deep": "quota evaded by deep paths, MKDIR, inside a"
                         " transaction",
    "attack-watch-leak": "watches showing unreadable paths",
    "attack-reuse": "old permissions inherited by a reused domid, death and"
                    " birth seen in one step too",
    "attack-long-event": "over-long watch events",
    "attack-broken-ring-dies": "a broken ring whose domain then dies",
    "attack-memory-replies": "memory held by unread replies",
    "attack-memory-events": "memory held by unread events",
    "attack-memory-tx": "memory held by big nodes in many transactions",
    "attack-reset-loop": "RESET_WATCHES and ring reset in a loop",
    "attack-half-create": "a quota hit in the middle of a deep create",
    "attack-deep": "1024-level paths",
    "attack-orphans": "nodes made under another's tree and orphaned",
    "attack-length": "lengths from 0x40000000 up",
    "attack-tx-orders": "node made and deleted in a transaction in every"
                        " order, and outside",
    "attack-release": "RELEASE of any connection from within any request",
    "attack-paths": "every path class answered once",
    "attack-tx-ids": "every op with tx 0, own, foreign and dead",
    "attack-overwrite": "overwriting with a larger value when almost at the"
                        " memory quota",
}
