/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's end of one ring page: what may be read from it, in which
 * order, and when an index may move.  It knows neither the machine nor the
 * event channel; the caller (guest.c) puts recording and executing between
 * the steps:
 *
 *   in:   ring_look() copies, [record, execute], ring_consumed() moves
 *   out:  ring_fill() copies, [record TAKEN], ring_produced() moves
 *
 * The page is the guest's memory and may change at any instant.  This end's
 * two indices are kept here.  The guest's two are read once for a turn, with
 * acquire, and checked; bytes are copied once and only the copy is parsed.
 *
 * Rules are those of docs/protocol/ring.md.
 *
 * Why `connection` is looked at first and again after the copy (rules 3, 5):
 * the guest writes 1 and from then on may do anything to the ring.  Seen in
 * the first look: nothing else is looked at.  Written between the looks:
 * bytes and indices that we read may be from after it; but then, as our
 * second load comes after (acquire fence) all that we read, it sees the 1,
 * and the copy is thrown away unexecuted.  Written after the second look:
 * all that we read is from before, a request as good as any.  In the first
 * two cases and at the next look in the third, the reset drops everything
 * and only then, after the four indices, `connection` is cleared with a
 * release store; the guest, which looks at nothing before it reads 0 there,
 * can see no older byte or index.  An index that we store between its 1 and
 * our reset is overwritten by the reset.
 */
#ifndef HOST_RING_H
#define HOST_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/ring.h"
#include "xenstored/core/machine.h"

struct ring {
	struct ring_page *page;
	uint32_t req_cons;	/* ours; what the page says is a copy */
	uint32_t rsp_prod;	/* ours */
	uint32_t rsp_cons;	/* the guest's, as read in this turn */
	uint32_t features;	/* bits offered */
	uint32_t error;		/* not RING_ERROR_NONE: not served */
	bool seen;		/* rsp_cons is of this turn */
};

enum ring_seen {
	RING_NOTHING,	/* no bytes */
	RING_BYTES,	/* *len bytes were copied */
	RING_RESET,	/* the guest asks for a reset */
	RING_BAD,	/* the indices cannot be: error 2 */
};

/*
 * Begin to serve a page.  Its indices are taken as they are: requests may
 * lie in it already (rules 1, 6, 8).  Feature bits are set before anything
 * is consumed.  Nothing is judged before the first ring_look().  Where bit 0
 * is not offered, `connection` is cleared here and never again (rule 2).
 */
void ring_attach(struct ring *r, struct ring_page *page, uint32_t features);

/*
 * Go on serving a page that another process served; this end's indices are
 * those of its records.  The page's copies are put right where they can only
 * be late; where the guest has rewritten them, the first look judges.
 */
void ring_resume(struct ring *r, struct ring_page *page, uint32_t features,
		 uint32_t req_cons, uint32_t rsp_prod, bool failed);

/*
 * One turn's look.  With `buf` (RING_SIZE bytes), requests are copied there,
 * all that are in the ring, and *len says how many; without it, nothing is
 * copied and RING_BYTES never returned.  A ring with an error is looked at
 * for a reset only.
 */
enum ring_seen ring_look(struct ring *r, void *buf, size_t *len);
/* `len` bytes were executed: give their room back to the guest. */
void ring_consumed(struct ring *r, size_t len);

/*
 * Copy as much of `spans` as there is room for and return how much; the
 * guest does not see it yet.  -1: the guest's indices cannot be (error 2).
 * 0 where a reset is asked or the ring has an error.
 */
int ring_fill(struct ring *r, const struct machine_span *spans,
	      unsigned int count);
/* `len` bytes of ring_fill() are recorded as taken: show them. */
void ring_produced(struct ring *r, size_t len);

/* The turn is over: the next look reads the guest's indices again. */
void ring_turn_over(struct ring *r);
/*
 * Does the page want another turn: a reset asked or, with `input` (requests
 * are wanted), a request there or, with `full` (output waits for room), room?
 * A hint only, nothing is taken on its word.  Asked after an index has moved,
 * as a guest that sees the daemon at work need not notify, and by the sweep.
 */
bool ring_wants_turn(const struct ring *r, bool input, bool full);

bool ring_offers(const struct ring *r, uint32_t feature);
/* Bit 0 is offered and `connection` is not 0. */
bool ring_reset_asked(const struct ring *r);
/*
 * Answer a reset, after the machine has dropped everything: indices 0, error
 * 0, feature bits as offered, and last `connection` 0 (rule 5).
 */
void ring_reset(struct ring *r);
/* Stop serving and say why (rule 9); the caller notifies afterwards. */
void ring_fail(struct ring *r, uint32_t error);
/*
 * Leave the page to whoever comes next.  A ring with an error begins anew, as
 * RELEASE and INTRODUCE must mend it (rule 9): indices 0, then `error` 0.
 */
void ring_detach(struct ring *r);

#endif
