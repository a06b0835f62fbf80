/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest: a domain whose ring is mapped and served.  It lives from the
 * machine's MACHINE_ASK_MAP to its MACHINE_ASK_UNMAP; its connection in the
 * machine has the domain's number.
 *
 * A guest is in one of the host's lists when something is to be done for it,
 * and in none otherwise, so that idle guests cost nothing.
 */
#ifndef HOST_GUEST_H
#define HOST_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "xenstored/host/host.h"
#include "xenstored/host/log.h"
#include "xenstored/host/meter.h"
#include "xenstored/host/ring.h"

struct recovered_ring;

struct guest_counters {
	uint64_t notifies_in;
	uint64_t notifies_out;
	uint64_t resets;
};

struct guest {
	struct host *host;
	uint32_t domid;
	uint32_t port;		/* local; means nothing unless bound */
	uint32_t remote;	/* the guest's port at the other end */
	bool bound;
	struct ring ring;
	struct list ready;	/* host: ready, or deferred */
	struct list out;	/* host: guests_out */
	struct list settle;	/* host: settle */
	struct list all;	/* host: guests */
	bool blocked;		/* the machine did not want its bytes */
	bool full;		/* output waits for room */
	bool notify;		/* an index moved in this turn */
	bool swept;		/* a sweep found work in it, */
	uint64_t swept_in;	/* after so many notifications */
	uint64_t resets_due;	/* when the bucket of resets is full again */
	struct log_limit limit;
	struct guest_counters count;
	struct meter meter;
};

static inline struct guest *guest_of(const struct host *h, uint32_t domid)
{
	return table_get(&h->by_domid, domid);
}

/*
 * MACHINE_ASK_MAP: map, bind, offer features, queue for a first turn (which
 * looks for a reset and judges the indices) that ends with a notification,
 * whatever it found: a guest may wait for one since before the last daemon
 * died, and dom0's kernel takes it for the sign that there is a daemon.
 *
 * Where it was mapped already, the event channel is bound anew: the new one
 * first, then the old is given up.  The same port can be bound but once, so
 * there it is the other way round.
 *
 * 0 or a positive errno, and then nothing has changed; but for that same port
 * which can no longer be bound: that ring has error 1.
 */
uint32_t guest_map(struct host *h, const struct machine_ask *ask);
/*
 * Go on with a ring that another process served; `failed`: it stands in an
 * error.  0 or -errno.
 */
int guest_restore(struct host *h, const struct recovered_ring *was,
		  bool failed);
/* MACHINE_ASK_UNMAP */
void guest_unmap(struct host *h, uint32_t domid);
/*
 * A reset on dom0's behalf (probe-do ring-reset), in the same order as one
 * that the guest asked for.  Allowed where it cannot pull a ring from under a
 * guest at work: it has an error, or a reset is asked already.  0, ENOENT (no
 * ring), ENOSYS (bit 0 not offered) or EBUSY (the ring is in use).
 */
uint32_t guest_mend(struct host *h, uint32_t domid);
/* MACHINE_ASK_RING_ERROR */
void guest_ring_error(struct host *h, uint32_t domid, uint32_t code);
/* Give up all guests, at the end of the daemon; the pages stay as they are. */
void guest_forget_all(struct host *h);

/* One turn of input, for a guest taken from h->ready. */
void guest_turn(struct guest *g);
/* One turn of output, for a guest taken from h->guests_out. */
void guest_output(struct guest *g);
/*
 * After the turns of a pass: notify once where an index moved, and queue
 * whom the page still wants.
 */
void guest_settle(struct guest *g);
/*
 * The machine says that its output or appetite changed, and the pass's
 * outputs are done: see to the next pass.
 */
void guest_changed(struct guest *g);

/* TIMER_DEFERRED: those whose reset may be answered now. */
void guest_undefer(struct host *h);
/*
 * TIMER_SWEEP: look at the next few rings for guests that forgot to notify;
 * all have been looked at after a few seconds.
 */
void guest_sweep(struct host *h);

/* ------------------------------------- between guest.c and guest_map.c -- */

/* For all rings, microseconds. */
#define GUEST_SWEEP_US 3000000u

/* It is not served from now on, for this reason; the machine is told. */
void guest_fail(struct guest *g, uint32_t error);
/* Record how the ring stands, for who comes after us. */
void guest_note(struct guest *g);

#endif
