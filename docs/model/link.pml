/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Link-layer model: two ends, each owning a status node ("st") and a window
 * of message slots in the store.  A node write is atomic; nodes are registers
 * with one writer; the peer may read at any time (this covers coalesced,
 * spurious, delayed and lost watch events).
 *
 * Checked: no duplicate, no loss, no reorder inside a pair of epochs, both
 * ways; an acknowledgement, in st or on a slot, is never over what was
 * delivered; nobody uses the peer's pages after the peer was told they are
 * released; no epoch is up twice; and whenever nobody can move any more, the
 * link is up at both ends, drained, and nothing is held.
 *
 * Messages carry the sender's epoch only (sl_dst is for the observer): that
 * this is enough is one of the things shown.
 *
 * Sizes:	NS slots, M0 messages from end 0, M1 from end 1
 * Troubles:	CR processes die, DN times one end leaves without reason
 *		(suspicion, fault, cancel), GH late writes of the dead,
 *		RB times the daemon comes back without its newest writes
 * LATE		a read's answer is judged later than it was taken
 * TRACE	a simulation prints its steps: who, what, and who is up then;
 *		tests/channel/refine drives the C machine by them
 * Mutations (-DM_*) remove one mechanism each; every one must break a check.
 * docs/model/run-link runs all of it.
 */
#ifndef NS
#define NS 2
#endif
#ifndef M0
#define M0 3
#endif
#ifndef M1
#define M1 0
#endif
#ifndef CR
#define CR 1
#endif
#ifndef DN
#define DN 1
#endif
#ifndef GH
#define GH 0
#endif
#ifndef RB
#define RB 0
#endif
#ifndef MAXE
#define MAXE 14
#endif

#ifdef TRACE
mtype = { WRITE, READ, LET_GO, SUSPECT, CANCEL, CRASH, GHOST, PUT, AGAIN,
	DELIVER, SAVE, ROLL_BACK };
#define DID(what) printf("@ %e %d %d %d\n", what, i, up[0], up[1])
#else
#define DID(what) skip
#endif

#define MSGS(i) (i == 0 -> M0 : M1)
#define SLOT(i, n) ((i) * NS + (n) % NS)
#define BIT(e) (1 << (e))

/* The store: status nodes, and slots (seq + 1; 0 is no message). */
byte s_me[2], s_you[2], s_ack[2], s_gen[2];
byte sl_src[2 * NS], sl_dst[2 * NS], sl_seq[2 * NS], sl_ack[2 * NS];
byte gen = 1;
#if RB
/* What a daemon has saved, and comes back with. */
byte snaps = RB, have;
byte b_me[2], b_you[2], b_ack[2], b_gen[2];
byte b_src[2 * NS], b_dst[2 * NS], b_seq[2 * NS], b_sla[2 * NS];
#endif
byte crashes = CR, downs = DN;
#if GH
/* A dead process's writes that have not landed: its st, its last slot. */
byte ghosts = GH, g_side = 2, g_me, g_you, g_ack, g_gen;
byte gs_src, gs_dst, gs_seq, gs_ack;
#endif

/* The ends. */
byte nexte = 1;
byte me[2], you[2], useE[2], held[2];
byte hi[2];			/* newest peer epoch seen */
bool up[2], dirty[2], quies[2];
byte tx[2], acked[2], rx[2];

/* The observer. */
short gone, was_up;		/* epochs given up by a live owner; once up */
byte d_src[2], d_dst[2], d_n[2];	/* the pair last up here, and its deliveries */
hidden byte k;

/*
 * "Write mine, then read his": my status node must be in the store before a
 * read of the peer's may take me up, or prove that he let go of my pages.
 */
#ifdef M_NOFLUSH
#define F_UP(f) true
#else
#define F_UP(f) (f)
#endif
#ifdef M_NOFLUSH2
#define F_REL(f) true
#else
#define F_REL(f) (f)
#endif
#ifdef M_NOGEN
#define CURRENT(g) true
#else
#define CURRENT(g) (g == gen)
#endif
/* Older than the newest seen: a late write of a dead predecessor. */
#ifdef M_NOORDER
#define NEWEST(m) true
#else
#define NEWEST(m) (m >= hi[i])
#endif

/* What a read of the peer's st can lead to: epoch m, bound to y, valid o,
 * acknowledging a; f, my own st was stored before it. */
#define G_LEFT(m, y, o) (up[i] && !quies[i] && o && NEWEST(m) && \
	(m != you[i] || y != me[i]))
#define G_ACK(m, y, o, a) (up[i] && !quies[i] && o && NEWEST(m) && \
	m == you[i] && y == me[i] && a > acked[i])
#define G_BIND(m, o) (!up[i] && o && NEWEST(m) && m != 0 && m != you[i])
#define G_UP(m, y, o, f) (!up[i] && o && NEWEST(m) && you[i] != 0 && \
	m == you[i] && y == me[i] && F_UP(f))
#define G_REL(m, y, o, f) (!up[i] && held[i] != 0 && o && NEWEST(m) && \
	y != held[i] && F_REL(f))

#ifdef LATE
byte r_me[2], r_you[2], r_ack[2];
bool r_have[2], r_ok[2], r_fl[2];
#define P_ME r_me[i]
#define P_YOU r_you[i]
#define P_ACK r_ack[i]
#define P_OK (r_have[i] && r_ok[i])
#define P_FL r_fl[i]
#define JUDGED forget(i)
#define REBOUND(i) r_fl[i] = 0
#else
#define P_ME s_me[1-i]
#define P_YOU s_you[1-i]
#define P_ACK s_ack[1-i]
#define P_OK CURRENT(s_gen[1-i])
#define P_FL (!dirty[i])
#define JUDGED skip
#define REBOUND(i) skip
#endif

#define S_OK CURRENT(s_gen[1-i])
#define USEFUL (G_LEFT(s_me[1-i], s_you[1-i], S_OK) || \
	G_ACK(s_me[1-i], s_you[1-i], S_OK, s_ack[1-i]) || \
	G_BIND(s_me[1-i], S_OK) || \
	G_UP(s_me[1-i], s_you[1-i], S_OK, (!dirty[i])) || \
	G_REL(s_me[1-i], s_you[1-i], S_OK, (!dirty[i])))

#ifdef LATE
inline forget(i) {
	r_have[i] = 0; r_me[i] = 0; r_you[i] = 0; r_ack[i] = 0;
	r_ok[i] = 0; r_fl[i] = 0
}
#else
inline forget(i) { skip }
#endif

inline fresh(i) {
	assert(nexte < MAXE);
	me[i] = nexte; nexte++
}

inline leave(i) {
	useE[i] = 0; up[i] = 0; quies[i] = 0;
	held[i] = me[i];
#ifdef M_NOFRESH
	if
	:: i == 0 -> fresh(i)
	:: else -> skip
	fi;
#else
	fresh(i);
#endif
	you[i] = 0; dirty[i] = 1; REBOUND(i);
	rx[i] = 0; tx[i] = 0; acked[i] = 0
}

inline release(i) {
	assert(useE[1-i] != held[i]);
	gone = gone | BIT(held[i]); held[i] = 0
}

#ifdef M_DEADISFREE
/* "Down means dead." */
inline go_down(i) { quies[i] = 1; held[i] = me[i]; release(i) }
#else
inline go_down(i) { quies[i] = 1 }
#endif

inline go_up(i) {
	if
	:: held[i] != 0 -> release(i)
	:: else -> skip
	fi;
	up[i] = 1; useE[i] = you[i];
	assert(!(gone & BIT(you[i])));
#ifndef M_NOFRESH
	assert(!(was_up & BIT(me[i])));
#endif
	was_up = was_up | BIT(me[i]);
	d_src[i] = you[i]; d_dst[i] = me[i]; d_n[i] = 0;
	rx[i] = 0; tx[i] = 0; acked[i] = 0
}

inline acknowledge(i, a) {
	assert(d_src[1-i] == me[i] && d_dst[1-i] == you[i] && a <= d_n[1-i]);
	acked[i] = a
}

inline deliver(i) {
	k = SLOT(1-i, rx[i]);
	assert(sl_dst[k] == me[i] && d_src[i] == you[i] && d_dst[i] == me[i]);
	assert(sl_seq[k] == d_n[i] + 1);
	d_n[i]++;
	rx[i]++; dirty[i] = 1
}

inline put(i, n) {
	k = SLOT(i, n);
	/* never overwrite an undelivered message of the live pair */
	assert(!(sl_src[k] == me[i] && sl_dst[k] == you[i] &&
		 sl_seq[k] != n + 1 && useE[1-i] == me[i] &&
		 me[1-i] == you[i] && sl_seq[k] > rx[1-i]));
	sl_src[k] = me[i]; sl_dst[k] = you[i]; sl_seq[k] = n + 1;
	sl_ack[k] = rx[i]
}

#if GH
inline last_wish(i) {
	if
	:: ghosts > 0 && g_side == 2 -> ghosts--; g_side = i;
		g_me = me[i]; g_you = you[i]; g_ack = rx[i]; g_gen = gen;
		if
		:: up[i] && tx[i] > 0 -> gs_src = me[i]; gs_dst = you[i];
			gs_seq = tx[i]; gs_ack = rx[i]
		:: else -> gs_seq = 0
		fi
	:: else -> skip
	fi
}
#else
inline last_wish(i) { skip }
#endif

#define SLOT_IS(i, n) (sl_src[SLOT(i, n)] == me[i] && \
	sl_dst[SLOT(i, n)] == you[i] && sl_seq[SLOT(i, n)] == (n) + 1)

proctype end(byte i)
{
	do
	:: d_step { dirty[i] ->				/* write my st */
		s_me[i] = me[i]; s_you[i] = you[i];
		s_ack[i] = rx[i]; s_gen[i] = gen; dirty[i] = 0; DID(WRITE) }

	/* R9, R11: it must say what I am. */
	:: d_step { !dirty[i] && (s_me[i] != me[i] || s_you[i] != you[i] ||
			s_gen[i] != gen || s_ack[i] != rx[i]) ->
		dirty[i] = 1 }

	/* Read the peer's st. */
#ifdef LATE
	:: d_step { !r_have[i] && USEFUL ->
		r_have[i] = 1; r_me[i] = s_me[1-i]; r_you[i] = s_you[1-i];
		r_ack[i] = s_ack[1-i]; r_ok[i] = S_OK; r_fl[i] = !dirty[i] }
	:: d_step { r_have[i] -> forget(i) }
#endif
	:: d_step { G_LEFT(P_ME, P_YOU, P_OK) -> go_down(i); JUDGED;
		DID(READ) }
	:: d_step { G_ACK(P_ME, P_YOU, P_OK, P_ACK) ->
		acknowledge(i, P_ACK); JUDGED; DID(READ) }
	:: d_step { G_BIND(P_ME, P_OK) ->
		you[i] = P_ME; hi[i] = P_ME; dirty[i] = 1; REBOUND(i);
		JUDGED; DID(READ) }
	:: d_step { G_UP(P_ME, P_YOU, P_OK, P_FL) -> go_up(i); JUDGED;
		DID(READ) }
	:: d_step { G_REL(P_ME, P_YOU, P_OK, P_FL) -> release(i); JUDGED;
		DID(READ) }

	:: d_step { quies[i] -> leave(i); DID(LET_GO) }	/* the client did */

	:: d_step { up[i] && !quies[i] && downs > 0 -> downs--; go_down(i);
		DID(SUSPECT) }
	:: d_step { !up[i] && you[i] != 0 && held[i] == 0 && downs > 0 ->
		downs--; leave(i); DID(CANCEL) }	/* before up */

	:: d_step { crashes > 0 -> crashes--;		/* and a new one starts */
		last_wish(i);
		useE[i] = 0; up[i] = 0; quies[i] = 0; held[i] = 0; hi[i] = 0;
		fresh(i); you[i] = 0; dirty[i] = 1; forget(i);
		rx[i] = 0; tx[i] = 0; acked[i] = 0; DID(CRASH) }

#if GH
	:: d_step { g_side == i ->			/* its last writes land */
		s_me[i] = g_me; s_you[i] = g_you; s_ack[i] = g_ack;
		s_gen[i] = g_gen;
		if
		:: gs_seq > 0 -> k = SLOT(i, gs_seq - 1);
			sl_src[k] = gs_src; sl_dst[k] = gs_dst;
			sl_seq[k] = gs_seq; sl_ack[k] = gs_ack
		:: else -> skip
		fi;
		g_side = 2; g_me = 0; g_you = 0; g_ack = 0; g_gen = 0;
		gs_src = 0; gs_dst = 0; gs_seq = 0; gs_ack = 0; DID(GHOST) }
#endif

	/* R7 */
#ifdef M_NOWINDOW
	:: d_step { up[i] && !quies[i] && tx[i] < MSGS(i) ->
		put(i, tx[i]); tx[i]++; DID(PUT) }
#else
	:: d_step { up[i] && !quies[i] && tx[i] < MSGS(i) &&
			tx[i] - acked[i] < NS ->
		put(i, tx[i]); tx[i]++; DID(PUT) }
#endif
	/* R10: the oldest; that is enough. */
#ifndef M_NORETX
	:: d_step { up[i] && !quies[i] && acked[i] < tx[i] &&
			!SLOT_IS(i, acked[i]) -> put(i, acked[i]); DID(AGAIN) }
#endif
	/* R8 */
	:: d_step { up[i] && !quies[i] && rx[i] < MSGS(1-i) &&
			sl_src[SLOT(1-i, rx[i])] == you[i] &&
			sl_seq[SLOT(1-i, rx[i])] == rx[i] + 1 -> deliver(i);
		DID(DELIVER) }
	/* R9: the acknowledgement on a slot, whatever its number. */
#if M1
	:: d_step { up[i] && !quies[i] &&
			sl_src[SLOT(1-i, 0)] == you[i] &&
			sl_ack[SLOT(1-i, 0)] > acked[i] ->
		acknowledge(i, sl_ack[SLOT(1-i, 0)]) }
	:: d_step { up[i] && !quies[i] &&
			sl_src[SLOT(1-i, 1)] == you[i] &&
			sl_ack[SLOT(1-i, 1)] > acked[i] ->
		acknowledge(i, sl_ack[SLOT(1-i, 1)]) }
#if NS > 2
	:: d_step { up[i] && !quies[i] &&
			sl_src[SLOT(1-i, 2)] == you[i] &&
			sl_ack[SLOT(1-i, 2)] > acked[i] ->
		acknowledge(i, sl_ack[SLOT(1-i, 2)]) }
#endif
#endif
	od
}

#if RB
proctype daemon()
{
	byte i = 0;

	do
	:: d_step { snaps > 0 && have == 0 -> have = 1;
		for (k : 0 .. 1) {
			b_me[k] = s_me[k]; b_you[k] = s_you[k];
			b_ack[k] = s_ack[k]; b_gen[k] = s_gen[k]
		}
		for (k : 0 .. 2 * NS - 1) {
			b_src[k] = sl_src[k]; b_dst[k] = sl_dst[k];
			b_seq[k] = sl_seq[k]; b_sla[k] = sl_ack[k]
		}
		DID(SAVE) }
	:: d_step { snaps > 0 && have == 1 -> have = 0; snaps--;
		for (k : 0 .. 1) {
			s_me[k] = b_me[k]; s_you[k] = b_you[k];
			s_ack[k] = b_ack[k]; s_gen[k] = b_gen[k];
			b_me[k] = 0; b_you[k] = 0; b_ack[k] = 0; b_gen[k] = 0
		}
		for (k : 0 .. 2 * NS - 1) {
			sl_src[k] = b_src[k]; sl_dst[k] = b_dst[k];
			sl_seq[k] = b_seq[k]; sl_ack[k] = b_sla[k];
			b_src[k] = 0; b_dst[k] = 0; b_seq[k] = 0; b_sla[k] = 0
		}
		gen++; DID(ROLL_BACK) }
	:: snaps == 0 -> break
	od
}
#endif

#define DRAINED(i) (up[i] && !quies[i] && you[i] == me[1-i] && \
	acked[i] == MSGS(i) && rx[1-i] == MSGS(i) && held[i] == 0)

/* Runs when nobody else can move: whatever happened, we must have recovered. */
proctype monitor() { timeout -> assert(DRAINED(0) && DRAINED(1)) }

init { atomic {
	run monitor();
#if RB
	run daemon();
#endif
	fresh(0); fresh(1); dirty[0] = 1; dirty[1] = 1;
	run end(0); run end(1) } }
