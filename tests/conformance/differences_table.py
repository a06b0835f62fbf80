# SPDX-License-Identifier: GPL-2.0-or-later
"""Why the peers differ, and the rows of both; see differences.py."""
import differences_ocaml
import differences_stock

REASONS = {
    'starve-guest':
        'a guest that writes what a transaction reads starves it until '
        'the writer is slowed down, after a while',
    'old':
        'knows neither GET/SET_FEATURE nor GET/SET_QUOTA (ENOSYS)',
    'ocaml-empty':
        'a request without payload on a socket is answered only when '
        'the next one comes',
    'ocaml-tx':
        'an unknown transaction is EIO, and is looked for before the '
        'operation',
    'stock-errno':
        'a malformed argument answers the error left over from '
        'something before (ENOENT, ENOMEM)',
    'stock-block':
        'a socket client that sends a header without its payload '
        'stops the whole daemon until the rest comes',
    'err-clear':
        "the page's error field is not cleared by INTRODUCE",
    'root-rm':
        'permission is looked at first: EACCES',
    'ocaml-root-rm':
        'RM of / is accepted; all but / goes',
    'junk':
        'numbers are not checked: junk is 0, larger ones wrap, signs '
        'and blanks pass',
    'depth':
        'WATCH has no depth; a third string is EINVAL, an odd rest is'
        ' ignored',
    'target-gone':
        "a target's connection stays until its stub domain is gone, "
        'and its nodes with it',
    'target-dies':
        'a target that is introduced again while its stub domain '
        'lives brings the daemon down',
    'page-port':
        'evtchn_port of the page is not looked at',
    'any-domid':
        'an entry for domid 32757 is an entry like any other',
    'special-perms':
        'GET_PERMS of special paths is EINVAL, and SET_PERMS of '
        'unknown ones',
    'dead-entries':
        'entries of dead domains stay in the lists',
    'reuse':
        'death and birth seen in one step go unnoticed: the new '
        "domain's ring is not served, the old one's nodes and entries"
        ' stay',
    'release-id':
        'no @releaseDomain/<id>',
    'release-guests':
        '@releaseDomain is for dom0 alone until SET_PERMS',
    'path-all':
        'path-max holds for dom0 as well',
    'no-snapshot':
        'what a transaction has not touched is read from the store as'
        ' it is now',
    'tx-conflict':
        'any change to what a transaction touched fails it, also when'
        ' it only read, wrote blindly, or made another child of one '
        'parent',
    'tx-quota':
        'a transaction that met a quota ends in ENOMEM',
    'starve':
        'a transaction can be starved by whoever writes what it reads',
    'children':
        "names of children count as the node's size: 531 short ones",
    'watch-quota':
        'one watch more than the quota is granted; refused with E2BIG',
    'tx-count':
        'one transaction more than the quota is granted',
    'no-none':
        'a quota of 0 is refused',
    'no-log':
        'nothing is logged for a refused request',
    'slow':
        'a watcher that does not read stops the writers',
    'no-reset':
        'bit 0 is not offered: no reconnection, `connection` is left '
        'alone',
    'half':
        'the limit is not looked at for the nodes made on the way',
    'assert':
        'assertion failure: the daemon dies',
    'ocaml-4096':
        'lengths over 4096 are waited for, without limit',
    'ocaml-big':
        'replies over 4096 bytes are sent as they are',
    'ocaml-after':
        'the event of a single write comes after its reply',
    'ocaml-txid':
        'the reply to WATCH and UNWATCH has tx_id 0',
    'ocaml-control':
        'CONTROL is open to everyone and answers OK to what it does '
        'not know',
    'no-priv':
        'no option --priv-domid',
    'no-part':
        'no DIRECTORY_PART (ENOSYS)',
    'ocaml-at':
        'special paths are nodes like others, in the tree',
    'unwatch':
        'UNWATCH does not look at the path: ENOENT',
    'ocaml-path':
        'paths end at 1024 bytes, also relative ones; WATCH does not '
        'look at the length',
    'ocaml-is':
        'IS_DOMAIN_INTRODUCED of a malformed argument is F',
    'ocaml-rest':
        'surplus bytes are refused',
    'ocaml-parents':
        'parents made on the way have events of their own, after the '
        'reply',
    'ocaml-mkdir':
        'MKDIR of what exists fires, after the reply',
    'ocaml-order':
        'children are listed in the order of the alphabet',
    'ocaml-owner':
        'EACCES, and any owner is taken',
    'ocaml-gfn':
        'the ring is mapped by frame number, which must be right',
    'ocaml-release':
        "a RELEASEd domain's nodes go without events",
    'ocaml-shutdown':
        '@releaseDomain twice for one death',
    'ocaml-resume':
        'EINVAL for a domain that does not exist',
    'ocaml-target':
        'SET_TARGET takes any numbers, and the entry check differs',
    'ocaml-leak':
        'what is missing is ENOENT, whoever asks',
    'ocaml-newowner':
        "a new node's owner stays the parent's",
    'ocaml-initial':
        '/tool/xenstored names the program; special paths are nodes',
    'ocaml-death':
        'nodes of a dead domain go without events, entries set before'
        " a domain's birth hold",
    'ocaml-rmwatch':
        'RM fires watches on missing paths below as well',
    'ocaml-txevents':
        'a commit fires once for each change',
    'no-merge':
        'events are not merged',
    'ocaml-quota':
        'quota errors are EQUOTA or E2BIG (not a name of xs_wire.h), '
        'and other numbers',
    'ocaml-txquota':
        'what failed inside for want of quota does not fail the '
        'commit',
    'ocaml-half':
        'a create that meets the quota leaves what it made',
    'no-memory':
        'no quota on memory',
    'ocaml-feature':
        'offers bit 0 only',
    'ocaml-error':
        'after a bad index or length the ring is not served and no '
        'error is set; a reset does not help',
    'ocaml-events':
        'an event of its own comes first',
}

# scenario, peer, reason, {step: what is seen instead}
ROWS = [(name, peer, reason, instead)
        for peer, table in (("stock", differences_stock.ROWS),
                            ("ocaml", differences_ocaml.ROWS))
        for reason, names, instead in table for name in names]
