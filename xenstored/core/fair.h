/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * No transaction starves (behaviour page, "Transactions").
 *
 * A connection whose commit failed for a conflict is contended: it leaves
 * behind the set of paths that the transaction had seen, and its next
 * transactions are favoured.  While one is favoured, whoever else would change
 * one of these paths, or one that it has seen since, waits, and other
 * contended connections wait to start.  So those who fight for the same nodes
 * take turns instead of failing each other.  One transaction is favoured at a
 * time, FAIR_TIME at most; it waits for nobody, so there is no deadlock.  A
 * connection stays contended for FAIR_HEAT commits that nobody waited for.
 *
 * When a favour ends, changes that waited go first, then privileged
 * connections' starts, then the guests' in the order they came: no change
 * waits for two favours, and no privileged start for more than one guest's.
 * Nobody overtakes those whose turn it is.
 *
 * What guests may cost is booked.  Each pays for the time of its favours with
 * ten times as much in which it has none, after an allowance of FAIR_TIME for
 * those who are quick; one not used in time is followed by 2 FAIR_PAUSE.  The
 * guests together pay in the same way for favours that make privileged
 * connections wait; while that debt lasts their favours are weak, and hold
 * other guests only.  So guests who abuse it delay a privileged writer of what
 * they may read by a tenth of the time at the most, another guest by a tenth
 * of the time each; and writers of what they may not read not at all.
 *
 * A guest that failed of late and has to pay, or failed although it was
 * favoured weakly, waits with its start until it can be favoured as it needs:
 * a try in vain would be no faster.  So it is tries that are bounded: the
 * first, one with a weak favour, one with a full one, and one more where a
 * path was not seen before.
 */
#ifndef CORE_FAIR_H
#define CORE_FAIR_H

#include "xenstored/core/transaction.h"

#define FAIR_TIME 50000		/* microseconds */
#define FAIR_PAUSE 500000	/* for FAIR_TIME of favour */
#define FAIR_HEAT 8u		/* commits */
/*
 * What a request that removes may cost: of so many paths below those that go
 * it is looked up whether the favoured one may read them.
 */
#define FAIR_LOOKS 256u

/*
 * Must this connection wait before it starts a transaction, changes `path`,
 * or commits `t`?  If so it has been put on the list of those held.
 */
bool fair_hold_start(struct machine *m, struct conn *c);
bool fair_hold_change(struct machine *m, struct conn *c, uint32_t op,
		      struct span path);
bool fair_hold_commit(struct machine *m, struct transaction *t);

/* A transaction started, was committed (with this result), or ended. */
void fair_started(struct machine *m, struct transaction *t);
/* After this the transaction is gone, in whole or to the connection. */
void fair_committed(struct machine *m, struct transaction *t, int err);
void fair_ended(struct machine *m, struct transaction *t);
/* The connection goes or is reset: it waits no more, its set is dropped. */
void fair_leave(struct machine *m, struct conn *c);

/* Time has passed: end a favour that was not used. */
void fair_tick(struct machine *m);
/* Let those held go on, as far as nothing is favoured; then who yielded. */
void fair_release(struct machine *m);
/*
 * Between two requests of a connection: is it the turn of one that waits?
 * Then it yields, with the rest of its input.  So it makes no difference
 * whether requests come in one piece or in several.
 */
static inline bool fair_due(const struct machine *m)
{
	return !m->favoured && !list_empty(&m->held) &&
	       m->now >= m->held_until;
}
void fair_yield(struct machine *m, struct conn *c);
/* For a machine that was restored (image.h), with those held on its list. */
void fair_restored(struct machine *m);
/* When time alone changes something; UINT64_MAX: never. */
uint64_t fair_deadline(const struct machine *m);

#endif
