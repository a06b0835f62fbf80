/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Closing and reconnecting a xenstore ring: both ends, in Promela.
 *
 * The page is modelled store by store, because the rules are about the order
 * of stores.  A message is two bytes, HEAD and TAIL, a ring holds two bytes
 * and an index runs modulo four: the smallest numbers with half a message in
 * either direction, a full ring, wrap-around, and an index pair that cannot
 * be (producer - consumer = 3).  More bytes would add states, no new kind.
 *
 * The daemon's variables p_* are its journal: they outlive a crash, each
 * d_step is one record.  Everything else of either end dies with it, at any
 * step (`unless`).  World crashes them, loses notifications and invents some,
 * each a bounded number of times, so every run is finite and "the reset
 * always completes" is the absence of bad end states; run-ring also checks
 * that there is no cycle at all, which makes that argument sound.
 *
 * Ghosts, which only assertions read: a request's number is new for ever,
 * ep_of[] is the reset it was sent under, `ep` the number of resets asked
 * (counted when `connection` becomes 1), done_ep the one in force (taken over
 * when it becomes 0).
 *
 * Proved: nothing sent before a reset is executed after it, nothing at all
 * twice; no reply or event byte from before is seen after; the next reply is
 * that of the next request; a guest that keeps the rules is never accused; a
 * guest that waits is served.  A transaction is connection state like a
 * watch, and p_watch stands for both.
 *
 * The bounds are not vacuous: in the base run pan reaches every state but
 * three.  A guest that finds no bit 0 (rule 1; M_BIT_CLEARED gets there), a
 * connected guest that finds an error (rule 9), and the daemon finding that a
 * reply consumer cannot be: the guest that dies scribbling spoils the request
 * side, where the daemon looks first, and what follows is the same.
 *
 * Each M_* is a mutant, one rule removed, and must fail.  Rule numbers are
 * those of docs/protocol/ring.md.
 */
#ifndef MSGS
#define MSGS	2	/* requests in all, over all resets */
#endif
#ifndef RESETS
#define RESETS	1	/* resets that the guest asks of its own accord */
#endif
#ifndef TROUBLE
#define TROUBLE	2	/* crashes of either end, losses, false alarms */
#endif
#ifndef FIRES
#define FIRES	1	/* watch events */
#endif

#define SIZE	2
#define MOD	4
#define BAD	255	/* what a scribbling guest leaves in the buffer */
#define EVENT	(MSGS + 1)	/* messages from here on: event of epoch n */

#define used(p, c)	((p - c + MOD) % MOD)
#define next(i)		((i + 1) % MOD)
#define head(id)	(2 * (id))
#define tail(id)	(2 * (id) + 1)
#define is_tail(b)	((b) % 2)
#define id_of(b)	((b) / 2)

#ifdef M_ONLY_ONE
#define ASKED	(conn == 1)
#else
#define ASKED	(conn != 0)
#endif

/* The page. */
byte req[SIZE], rsp[SIZE];
byte req_cons, req_prod, rsp_cons, rsp_prod;
bit feat;
byte conn, err;

/* The event channel: pending at the guest, at the daemon. */
bit evt_g, evt_d;

/* The daemon's journal. */
byte p_cons, p_prod;	/* its own two indices */
byte p_half;		/* HEAD read, TAIL not yet; 0: none */
byte p_whole;		/* request read whole, not begun */
byte p_q0, p_q1;	/* messages to send, p_q0 first */
bit p_qhalf;		/* HEAD of p_q0 is out */
byte p_watch;		/* 1 + epoch of the watch; 0: none */
byte p_err;		/* why it stopped serving */

/* What the world may still do. */
bit crash_g, crash_d;
byte trouble, fires;
byte lost;		/* losses that a time-out may still mend */

/* Ghosts. */
byte ep, done_ep, nid = 1, resets;
byte ep_of[MSGS + 1];
bit executed[MSGS + 1];
bit scribbled;

/* ------------------------------------------------------------- daemon */

/* Rule 5's stores.  A missing barrier lets them become visible in any
 * order, which is what the first variant tries. */
inline clear_page()
{
#ifdef M_NO_BARRIER
	n = 0;
	do
	:: !(n & 1) -> req_cons = 0; req_prod = 0; n = n | 1
	:: !(n & 2) -> rsp_cons = 0; rsp_prod = 0; n = n | 2
	:: !(n & 4) -> err = 0; n = n | 4
	:: !(n & 8) -> d_step { conn = 0; done_ep = ep; n = n | 8 }
	:: n == 15 -> n = 0; break
	od
#else
#ifdef M_CONN_FIRST
	d_step { conn = 0; done_ep = ep };
#endif
	req_cons = 0;
	req_prod = 0;
	rsp_cons = 0;
	rsp_prod = 0;
#ifndef M_ERROR_KEPT
	err = 0;
#endif
#ifdef M_NOTIFY_FIRST
	evt_g = 1;
#endif
#ifndef M_CONN_FIRST
	d_step { conn = 0; done_ep = ep };
#endif
#endif
}

/* Rule 4: what is dropped, in one record.  Each line is a mutant. */
inline drop_all()
{
	d_step {
#ifndef M_HALF_KEPT
		p_half = 0;
#endif
#ifndef M_WHOLE_KEPT
		p_whole = 0;
#endif
#ifndef M_REPLIES_KEPT
		p_q0 = 0;
		p_q1 = 0;
		p_qhalf = 0;
#endif
#ifndef M_WATCH_KEPT
		p_watch = 0;
#endif
#ifndef M_OWN_INDEX_KEPT
		p_cons = 0;
		p_prod = 0;
#endif
		p_err = 0;
		scribbled = 0;
	}
}

inline do_reset()
{
#ifdef M_DROP_LATE
	clear_page();
	evt_g = 1;
	drop_all()
#else
	drop_all();
	clear_page();
#ifndef M_NOTIFY_FIRST
#ifndef M_NO_NOTIFY
	evt_g = 1
#endif
#endif
#endif
}

/* Rule 9: field first, then the notification.  A guest that kept the rules
 * must not get here. */
inline fail(code)
{
	d_step { assert(scribbled); p_err = code; work = 0 };
	err = code;
	evt_g = 1
}

/* The queue is bounded, as it is in the daemon by its quotas. */
inline enqueue(id)
{
	if
	:: p_q0 == 0 -> p_q0 = id
	:: else -> p_q1 = id
	fi
}

/* An atomic sequence below holds one access to the page and what follows from
 * it alone, which nobody else can see. */
inline serve_input()
{
	atomic {
		n = req_prod;		/* once a pass */
		if
		:: used(n, p_cons) > SIZE -> n = 0; goto bad_index
		:: used(n, p_cons) == 0 || p_whole -> n = 0
		:: else -> n = 1
		fi
	};
	if
	:: n == 0
	:: else ->
		atomic {
			n = req[p_cons % SIZE];
			if
			:: n == BAD || (is_tail(n) && id_of(n) != p_half) ||
			   (!is_tail(n) && p_half) ->
				n = 0;
				goto bad_message
			:: else
			fi;
			p_cons = next(p_cons);	/* journal first ... */
			if
			:: is_tail(n) -> p_whole = p_half; p_half = 0
			:: else -> p_half = id_of(n)
			fi;
			n = 0;
			work = 1
		};
		req_cons = p_cons		/* ... then the index */
	fi
}

inline serve_request()
{
	d_step {	/* wholly or not at all */
		if
		:: p_whole && p_q1 == 0 ->
			assert(ep_of[p_whole] == done_ep);
			assert(!executed[p_whole]);
			executed[p_whole] = 1;
			p_watch = 1 + ep_of[p_whole];
			enqueue(p_whole);
			p_whole = 0;
			work = 1
		:: else
		fi
	}
}

inline serve_output()
{
	if
	:: p_q0 == 0
	:: else ->
		atomic {
			n = rsp_cons;
			if
			:: used(p_prod, n) > SIZE -> n = 0; goto bad_index
			:: used(p_prod, n) == SIZE -> n = 0
			:: else -> n = 1
			fi
		};
		if
		:: n == 0
		:: else ->
			n = 0;
#ifdef M_REPLY_INDEX_FIRST
			rsp_prod = next(p_prod);
#endif
			rsp[p_prod % SIZE] = head(p_q0) + p_qhalf;
			d_step {	/* bytes, record, index */
				p_prod = next(p_prod);
				if
				:: p_qhalf -> p_q0 = p_q1; p_q1 = 0
				:: else
				fi;
				p_qhalf = 1 - p_qhalf;
				work = 1
			};
			rsp_prod = p_prod
		fi
	fi
}

proctype Daemon()
{
	byte n;
	bit work;

	do
	:: {
		/* A start, the first or after a crash.  Rule 1: bit 0 before
		 * anything else, and never cleared. */
#ifdef M_BIT_CLEARED
		feat = 0;
#endif
		feat = 1;
#ifdef M_INDICES_FIRST
		/* The new daemon serves what the indices seem to say
		 * before it looks at the field. */
		serve_input();
		serve_input();
		serve_request();
		work = 0;
#endif
		if
		:: ASKED -> do_reset()
		:: else ->	/* what was recorded and not yet shown */
			req_cons = p_cons;
			rsp_prod = p_prod;
			err = p_err
		fi;
#ifndef M_SILENT_START
		evt_g = 1;	/* the old one may have died before its own */
#endif
#ifdef M_BLIND_START
		goto asleep;
#endif
look:
		evt_d = 0;
again:
		if
#ifdef M_ONLY_IDLE
		:: ASKED && !p_half && !p_whole && !p_q0 && !p_err ->
#else
#ifdef M_NOT_AFTER_ERROR
		:: ASKED && !p_err ->
#else
		:: ASKED ->
#endif
#endif
			do_reset()
		:: else
		fi;
		if
		:: p_err -> goto asleep
		:: else
		fi;
		serve_input();
		serve_request();
		serve_output();
		if
		:: work -> d_step { work = 0; evt_g = 1 }; goto again
		:: else -> goto asleep
		fi;
bad_index:
		fail(2);
		goto asleep;
bad_message:
		fail(3);
asleep:
end_asleep:
		if
		:: evt_d -> goto look
		:: fires < FIRES && p_watch && p_q1 == 0 && !p_err ->
			d_step {
				fires++;
				enqueue(EVENT + p_watch - 1)
			};
			goto look
		fi
	   } unless { d_step { crash_d -> crash_d = 0; n = 0; work = 0 } }
	od
}

/* -------------------------------------------------------------- guest */

/* One request byte: the byte, then the index, then the notification. */
inline put(byte_out, rest)
{
#ifdef M_REQUEST_INDEX_FIRST
	req_prod = next(prod);
#endif
	req[prod % SIZE] = byte_out;
	d_step { prod = next(prod); req_prod = prod; sending = rest };
	evt_d = 1
}

/* One byte of a reply or an event, if there is one. */
inline take()
{
	d_step {
		b = rsp[cons % SIZE];
		assert(b != BAD && b != 0);
		if
		:: half -> assert(b == tail(half)); half = 0
		:: else -> assert(!is_tail(b)); half = id_of(b)
		fi;
		if
		:: id_of(b) >= EVENT -> assert(id_of(b) - EVENT == ep)
		:: else ->
			assert(ep_of[id_of(b)] == ep);
			assert(id_of(b) == answered);
			if
			:: is_tail(b) -> answered++
			:: else
			fi
		fi;
		b = 0;
		cons = next(cons)
	};
	rsp_cons = cons;
	evt_d = 1
}

#ifndef OLD_GUEST

proctype Guest()
{
	byte prod, cons;	/* its own copies */
	byte sending;		/* HEAD is out, TAIL is not */
	byte half;		/* HEAD read of this message */
	byte answered = 1;	/* the request whose reply comes next */
	byte b;

	do
	:: {
		/* A guest begins and knows nothing.  The ring may be in any
		 * state: see "opening" in the protocol text. */
		if
		:: conn == 0 && feat ->
ask:
			atomic { conn = 1; ep++ }
		:: conn == 0 && !feat ->
			/* Bit 0 is not there: go on, as the old protocol
			 * has it, past whatever there is. */
			d_step {	/* ghost: from here on, ours */
				ep++;
				done_ep = ep;
				prod = req_prod;
				cons = rsp_prod;
				rsp_cons = cons;
				answered = nid
			};
			goto connected
		:: conn != 0	/* the builder or the one before asked */
		fi;
#ifndef M_GUEST_SILENT
		evt_d = 1;
#endif
#ifdef M_GUEST_LOOKS_EARLY
		prod = req_prod;
		cons = rsp_cons;
#endif
waiting:
		/* Rule 3: nothing but `connection`.  A time-out asks again,
		 * which is the same reset (rule 7); it is allowed only where a
		 * notification was lost, so that it hides no other mistake. */
		if
		:: conn == 0
		:: else ->
			if
			:: evt_g -> evt_g = 0
			:: lost > 0 -> lost--; evt_d = 1
			fi;
#ifndef M_GUEST_TRUSTS_EVENT
			goto waiting
#endif
		fi;
adopt:
#ifndef M_GUEST_LOOKS_EARLY
		prod = req_prod;
		cons = rsp_cons;
#endif
		answered = nid;
		if
		:: used(prod, req_cons) || used(rsp_prod, cons) || err ->
			/* Only a guest that dies scribbling in the middle of
			 * a reset gets here: ask again. */
			assert(scribbled);
			goto ask
		:: else
		fi;

connected:
		do
		:: err -> assert(false)	/* rule 9: not a guest like this */
		:: used(rsp_prod, cons) > 0 ->
			assert(used(rsp_prod, cons) <= SIZE);
			take()
		:: !sending && nid <= MSGS && used(prod, req_cons) < SIZE ->
			d_step { sending = nid; ep_of[nid] = ep; nid++ };
			put(head(sending), sending)
		:: sending && used(prod, req_cons) < SIZE ->
			put(tail(sending), 0)
		:: resets < RESETS ->
			d_step { resets++; sending = 0; half = 0 };
			goto ask
		:: else ->
			if
			:: answered == nid && !half ->
end_quiet:			evt_g -> evt_g = 0
			:: else ->
				if
				:: evt_g -> evt_g = 0
				:: lost > 0 -> lost--; evt_d = 1
				fi
			fi
		od
	   } unless {
		d_step {
			crash_g -> crash_g = 0;
			prod = 0; cons = 0; sending = 0; half = 0; b = 0;
			answered = nid
		}
	   }
	od
}

#else

/* The guest that never looks at bit 0: the old protocol, unchanged, across
 * any restart of the daemon (rule 1).  Once it may throw away what is there,
 * by moving its own consumer, as Linux does when it starts (rule 8). */
proctype OldGuest()
{
	byte prod, cons, sending, half, b;
	byte answered = 1;
	bit skipped;

	do
	:: assert(conn == 0 && err == 0);
		if
		:: used(rsp_prod, cons) > 0 ->
			assert(used(rsp_prod, cons) <= SIZE);
			if
			:: skipped ->
				cons = rsp_prod;
				rsp_cons = cons;
				evt_d = 1
			:: !skipped -> take()
			:: !skipped && resets < RESETS ->
				resets++;
				skipped = 1;
				half = 0
			fi
		:: !sending && nid <= MSGS && used(prod, req_cons) < SIZE ->
			d_step { sending = nid; ep_of[nid] = ep; nid++ };
			put(head(sending), sending)
		:: sending && used(prod, req_cons) < SIZE ->
			put(tail(sending), 0)
		:: else ->
			if
			:: nid > MSGS && executed[MSGS] &&
			   (skipped || (answered == nid && !half)) ->
end_quiet:			evt_g -> evt_g = 0
			:: else ->
				if
				:: evt_g -> evt_g = 0
				:: lost > 0 -> lost--; evt_d = 1
				fi
			fi
		fi
	od
}

#endif

/* -------------------------------------------------------------- world */

proctype World()
{
end_world:
	do
	:: d_step { trouble < TROUBLE -> trouble++; crash_d = 1 }
#ifndef OLD_GUEST
	:: d_step { trouble < TROUBLE -> trouble++; crash_g = 1 }
	:: d_step {	/* dies scribbling: error 2, or 3 */
		trouble < TROUBLE && !scribbled ->
		trouble++;
		crash_g = 1;
		scribbled = 1;
		req[0] = BAD;
		req[1] = BAD;
		req_prod = (req_cons + 3) % MOD
	   }
#endif
	:: d_step { trouble < TROUBLE && evt_g -> trouble++; lost++; evt_g = 0 }
	:: d_step { trouble < TROUBLE && evt_d -> trouble++; lost++; evt_d = 0 }
	:: d_step { trouble < TROUBLE && !evt_g -> trouble++; evt_g = 1 }
	:: d_step { trouble < TROUBLE && !evt_d -> trouble++; evt_d = 1 }
	od
}

/* Either the domain was introduced before the guest runs, or whoever built it
 * left `connection` other than 0 and INTRODUCE is still to come (rule 2). */
init
{
	atomic {
#ifdef OLD_GUEST
		feat = 1;
		run OldGuest();
#else
		if
		:: feat = 1
		:: conn = 1
		:: conn = 2
		fi;
		run Guest();
#endif
		run Daemon();
		run World()
	}
}
