/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * No transaction starves (behaviour page, "Transactions").
 *
 * A connection whose commit failed for a conflict leaves behind the set of
 * paths that the transaction had seen.  Its next transaction is favoured:
 * until that ends, or FAIR_TIME is over, whoever else would change one of
 * these paths, or one that it has seen since, waits.  One transaction is
 * favoured at a time; others whose turn it would be wait to start.  The one
 * that is favoured waits for nobody, so there is no deadlock.
 *
 * Waiting is bounded: the time that favours of guests last, whether they end
 * in a commit or not, is paid for with ten times as much in which no guest is
 * favoured, after an allowance of FAIR_TIME for those who are quick; one not
 * used in time is followed by FAIR_PAUSE at least.  So guests who abuse it
 * can delay writers of what they may read by a tenth of the time at the most,
 * and writers of what they may not read not at all.
 */
#ifndef CORE_FAIR_H
#define CORE_FAIR_H

#include "xenstored/core/transaction.h"

#define FAIR_TIME 50000		/* microseconds */
#define FAIR_PAUSE 500000	/* for FAIR_TIME of favour */

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
/* Let those held go on, now that nothing is favoured. */
void fair_release(struct machine *m);

#endif
