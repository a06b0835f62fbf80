/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Link-layer model: two endpoints, each owning a status node ("st") and a
 * window of message slots in the store.  A node write is atomic; nodes are
 * single-writer registers; the peer may read at any time (this covers
 * coalesced, spurious, delayed and lost watch events).
 *
 * Checked: no duplicate, no loss, no reorder inside an epoch pair; nobody
 * uses the peer's pages after the peer was told they are released; with a
 * bounded number of disturbances the link comes up and drains.
 *
 * Data goes one way, from end 0 to end 1; the simulation in tests/channel has
 * both.  A slot does not carry the peer's epoch (sl_dst is for the observer):
 * that the sender's is enough is one of the things this shows.
 *
 * Mutations (-DM_*) remove one mechanism each; every one must break a check.
 * docs/model/run-link runs all of it.
 */
#ifndef NS
#define NS 2
#endif
#ifndef MSGS
#define MSGS 3
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

byte nexte = 1;
byte s_me[2], s_you[2], s_ack[2];            /* the store: status nodes   */
byte sl_src[NS], sl_dst[NS], sl_seq[NS];     /* the store: slots of end 0; seq+1 */
byte gen = 1, s_gen[2];                      /* store generation, and the writer's view */
byte snaps = RB, have;                       /* daemon restart that lost the newest writes */
byte b_me[2], b_you[2], b_ack[2], b_gen[2], b_src[NS], b_dst[NS], b_seq[NS];
byte crashes = CR, downs = DN, ghosts = GH;
byte g_side = 2, g_me, g_you, g_ack, g_gen;         /* a late write of a dead process */
byte gs_src, gs_dst, gs_seq;

byte me[2], you[2], useE[2], held[2];
bool up[2], dirty[2], quies[2];
bool gone[MAXE];                             /* epochs whose pages their live owner gave up */
byte hi[2];                                  /* newest peer epoch seen    */
/* "Write mine, then read his": my status node must be in the store before a
 * read of the peer's may take me up, or prove that he let go of my pages. */
#ifndef M_NOFLUSH
#define FLUSHED1 (!dirty[i])
#else
#define FLUSHED1 true
#endif
#ifndef M_NOFLUSH2
#define FLUSHED2 (!dirty[i])
#else
#define FLUSHED2 true
#endif
#ifndef M_NOGEN
#define GENOK (s_gen[1-i] == gen)
#else
#define GENOK true
#endif
#ifndef M_NOORDER
#define FRESHP (s_me[1-i] >= hi[i] && GENOK)
#else
#define FRESHP GENOK
#endif
byte tx, acked, rx;

byte d_src, d_dst, d_n;                      /* observer: last pair delivered */
bool seen[196];

inline fresh(i) { assert(nexte < MAXE); me[i] = nexte; nexte++ }

inline leave(i) {
	useE[i] = 0; up[i] = 0; quies[i] = 0;
	held[i] = me[i];
#ifndef M_NOFRESH
	fresh(i);
#else
	if
	:: i == 0 -> fresh(i)
	:: else -> skip
	fi;
#endif
	you[i] = 0; dirty[i] = 1;
	if
	:: i == 1 -> rx = 0
	:: else -> tx = 0; acked = 0
	fi
}

inline release(i) {
	assert(useE[1-i] != held[i]);
	gone[held[i]] = 1; held[i] = 0
}

inline deliver(k) {
	if
	:: d_src == sl_src[k] && d_dst == sl_dst[k] ->
		assert(sl_seq[k] == d_n + 1); d_n++
	:: else ->
		assert(!seen[sl_src[k] * MAXE + sl_dst[k]]);
		assert(sl_seq[k] == 1);
		seen[sl_src[k] * MAXE + sl_dst[k]] = 1;
		d_src = sl_src[k]; d_dst = sl_dst[k]; d_n = 1
	fi;
	rx++; dirty[1] = 1
}

inline put(k, n) {
	/* never overwrite an undelivered message of the live pair */
	assert(!(sl_src[k] == me[0] && sl_dst[k] == you[0] && sl_seq[k] != n + 1 &&
	         useE[1] == me[0] && me[1] == you[0] && sl_seq[k] > rx));
	sl_src[k] = me[0]; sl_dst[k] = you[0]; sl_seq[k] = n + 1
}

proctype end(byte i)
{
	do
	:: d_step { dirty[i] ->                                   /* write my status node */
		s_me[i] = me[i]; s_you[i] = you[i];
		s_ack[i] = (i == 1 -> rx : 0); s_gen[i] = gen; dirty[i] = 0 }

	:: d_step { !dirty[i] && (s_me[i] != me[i] || s_you[i] != you[i] || s_gen[i] != gen || s_ack[i] != (i == 1 -> rx : 0)) -> dirty[i] = 1 }

	/* Reads of the peer's status node.  A value older than the newest one
	 * seen (its incarnation part is lower) is a late write of a dead
	 * predecessor and is ignored: FRESHP. */
	:: d_step { up[i] && !quies[i] && FRESHP && (s_me[1-i] != you[i] || s_you[1-i] != me[i]) ->
		quies[i] = 1
#ifdef M_DEADISFREE
		; held[i] = me[i]; release(i)               /* "down means dead": seed 002 rule 5 */
#endif
		}
	:: d_step { i == 0 && up[0] && !quies[0] && s_me[1] == you[0] && s_you[1] == me[0] && GENOK && s_ack[1] > acked ->
		assert(d_src == me[0] && d_dst == you[0] && s_ack[1] <= d_n);
		acked = s_ack[1] }
	:: d_step { !up[i] && FRESHP && s_me[1-i] != 0 && s_me[1-i] != you[i] ->
		you[i] = s_me[1-i]; hi[i] = s_me[1-i]; dirty[i] = 1 }
	:: d_step { !up[i] && FRESHP && you[i] != 0 && s_me[1-i] == you[i] && s_you[1-i] == me[i] && FLUSHED1 ->
		if :: held[i] != 0 -> release(i) :: else -> skip fi;
		up[i] = 1; useE[i] = you[i]; assert(!gone[you[i]]);
		if :: i == 1 -> rx = 0 :: else -> tx = 0; acked = 0 fi }
	:: d_step { !up[i] && held[i] != 0 && FRESHP && s_you[1-i] != held[i] && FLUSHED2 -> release(i) }

	:: d_step { quies[i] -> leave(i) }                         /* the client has let go */

	:: d_step { up[i] && !quies[i] && downs > 0 -> downs--; quies[i] = 1
#ifdef M_DEADISFREE
		; held[i] = me[i]; release(i)
#endif
		}

	:: d_step { !up[i] && you[i] != 0 && held[i] == 0 && downs > 0 -> downs--; leave(i) }   /* cancelled before up */

	:: d_step { crashes > 0 -> crashes--;                       /* process dies, new one starts */
		if
		:: ghosts > 0 -> ghosts--; g_side = i;
			g_me = me[i]; g_you = you[i]; g_ack = (i == 1 -> rx : 0); g_gen = gen;
			if
			:: i == 0 && up[0] && tx > 0 -> gs_src = me[0]; gs_dst = you[0]; gs_seq = tx
			:: else -> gs_seq = 0
			fi
		:: else -> skip
		fi;
		useE[i] = 0; up[i] = 0; quies[i] = 0; held[i] = 0; hi[i] = 0;
		fresh(i); you[i] = 0; dirty[i] = 1;
		if :: i == 1 -> rx = 0 :: else -> tx = 0; acked = 0 fi }

	:: d_step { g_side == i ->                                  /* its last write lands now */
		s_me[i] = g_me; s_you[i] = g_you; s_ack[i] = g_ack; s_gen[i] = g_gen; g_side = 2;
		if
		:: gs_seq > 0 -> sl_src[(gs_seq-1) % NS] = gs_src;
			sl_dst[(gs_seq-1) % NS] = gs_dst; sl_seq[(gs_seq-1) % NS] = gs_seq
		:: else -> skip
		fi; g_me = 0; g_you = 0; g_ack = 0; g_gen = 0; gs_src = 0; gs_dst = 0; gs_seq = 0 }

#ifndef M_NOWINDOW
	:: d_step { i == 0 && up[0] && !quies[0] && tx < MSGS && tx - acked < NS -> put(tx % NS, tx); tx++ }
#else
	:: d_step { i == 0 && up[0] && !quies[0] && tx < MSGS -> put(tx % NS, tx); tx++ }
#endif
#ifndef M_NORETX
	:: d_step { i == 0 && up[0] && !quies[0] && acked < tx &&
		(sl_src[acked % NS] != me[0] || sl_dst[acked % NS] != you[0] || sl_seq[acked % NS] != acked + 1) ->
		put(acked % NS, acked) }
	:: d_step { i == 0 && up[0] && !quies[0] && acked + 1 < tx &&
		(sl_src[(acked+1) % NS] != me[0] || sl_dst[(acked+1) % NS] != you[0] || sl_seq[(acked+1) % NS] != acked + 2) ->
		put((acked+1) % NS, acked + 1) }
#endif
	:: d_step { i == 1 && up[1] && !quies[1] && rx < MSGS && sl_src[rx % NS] == you[1] &&
		sl_seq[rx % NS] == rx + 1 -> deliver(rx % NS) }
	od
}

proctype daemon()
{
	do
	:: d_step { snaps > 0 && have == 0 -> have = 1;
		b_me[0] = s_me[0]; b_you[0] = s_you[0]; b_ack[0] = s_ack[0]; b_gen[0] = s_gen[0];
		b_me[1] = s_me[1]; b_you[1] = s_you[1]; b_ack[1] = s_ack[1]; b_gen[1] = s_gen[1];
		b_src[0] = sl_src[0]; b_dst[0] = sl_dst[0]; b_seq[0] = sl_seq[0];
		b_src[1] = sl_src[1]; b_dst[1] = sl_dst[1]; b_seq[1] = sl_seq[1] }
	:: d_step { snaps > 0 && have == 1 -> have = 0; snaps--;
		s_me[0] = b_me[0]; s_you[0] = b_you[0]; s_ack[0] = b_ack[0]; s_gen[0] = b_gen[0];
		s_me[1] = b_me[1]; s_you[1] = b_you[1]; s_ack[1] = b_ack[1]; s_gen[1] = b_gen[1];
		sl_src[0] = b_src[0]; sl_dst[0] = b_dst[0]; sl_seq[0] = b_seq[0];
		sl_src[1] = b_src[1]; sl_dst[1] = b_dst[1]; sl_seq[1] = b_seq[1];
		b_me[0] = 0; b_you[0] = 0; b_ack[0] = 0; b_gen[0] = 0; b_me[1] = 0; b_you[1] = 0; b_ack[1] = 0; b_gen[1] = 0;
		b_src[0] = 0; b_dst[0] = 0; b_seq[0] = 0; b_src[1] = 0; b_dst[1] = 0; b_seq[1] = 0;
		gen++ }
	:: snaps == 0 -> break
	od
}

init { atomic {
	run monitor();
	if :: RB > 0 -> run daemon() :: else -> skip fi;
	fresh(0); fresh(1); dirty[0] = 1; dirty[1] = 1;
	run end(0); run end(1) } }

#define DRAINED (up[0] && up[1] && you[0] == me[1] && you[1] == me[0] && acked == MSGS && rx == MSGS)

/* Runs when nobody else can move: whatever happened, we must have recovered. */
proctype monitor() { timeout -> assert(DRAINED && held[0] == 0 && held[1] == 0) }
