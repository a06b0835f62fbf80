// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The turns of a ring: steps of ring.c with the machine and the event channel
 * between them.  The order inside a turn is the one that host.h promises.
 *
 * Resets are rationed, as each makes the machine drop what the guest built
 * up: a bucket that fills by RESET_COST microseconds of time per reset and
 * holds RESET_BURST of them, kept as one number.  A guest above it waits in a
 * list; nothing is lost, as its `connection` field stays set.
 */
#include "xenstored/host/guest.h"

#include <errno.h>
#include <string.h>

#include "xenstored/host/evtchn.h"
#include "xenstored/host/fault.h"

/*
 * Microseconds: 250 resets a second for ever, 500 at once.  Firmware needs a
 * handful.  One of the others' requests is held up by each, so that more would
 * show in their 99th percentile.
 */
#define RESET_COST 4000u
#define RESET_BURST 500u
#define RESET_QUANTUM 10000u	/* the deferred are looked at this often */

#define SWEEP_SLICE 64u		/* rings looked at in one pass */
#define SWEEP_SECOND_LOOK 200000u	/* at one that has not notified */

/* -------------------------------------------------------------- turns -- */

/* The page's `error` first, then the notification (rule 9). */
static void guest_stop(struct guest *g, uint32_t error)
{
	ring_fail(&g->ring, error);
	g->full = false;
	g->blocked = false;
	g->notify = true;
	list_queue(&g->host->settle, &g->settle);
	log_limited(&g->limit, g->host->now, LOG_RING_FAILED,
		    "domain %u: ring error %u, no longer served", g->domid,
		    error);
}

void guest_fail(struct guest *g, uint32_t error)
{
	host_feed_event(g->host, MACHINE_IN_RING_FAILED, g->domid);
	guest_stop(g, error);
}

void guest_ring_error(struct host *h, uint32_t domid, uint32_t code)
{
	struct guest *g = guest_of(h, domid);

	if (g)
		guest_stop(g, code);
}

/* May a reset be answered now?  If not, the guest is put aside. */
static bool guest_reset_allowed(struct guest *g)
{
	struct host *h = g->host;
	uint64_t due = g->resets_due > h->now ? g->resets_due : h->now;

	if (due - h->now <= (uint64_t)RESET_COST * RESET_BURST) {
		g->resets_due = due + RESET_COST;
		return true;
	}
	list_del(&g->ready);
	list_queue(&h->deferred, &g->ready);
	host_timer(h, TIMER_DEFERRED, h->now + RESET_QUANTUM);
	return false;
}

static void guest_do_reset(struct guest *g)
{
	host_feed_event(g->host, MACHINE_IN_RING_RESET, g->domid);
	fault_point("reset-recorded");
	ring_reset(&g->ring);
	fault_point("reset-cleared");
	g->full = false;
	g->blocked = false;
	g->notify = true;
	g->count.resets++;
	log_limited(&g->limit, g->host->now, LOG_RING_RESET,
		    "domain %u: ring reset", g->domid);
}

static void guest_reset(struct guest *g)
{
	if (guest_reset_allowed(g))
		guest_do_reset(g);
}

uint32_t guest_mend(struct host *h, uint32_t domid)
{
	struct guest *g = guest_of(h, domid);

	if (!g)
		return ENOENT;
	if (!ring_offers(&g->ring, RING_FEATURE_RECONNECT))
		return ENOSYS;
	if (ring_reset_asked(&g->ring)) {
		list_queue(&h->ready, &g->ready);
		return 0;
	}
	if (!g->ring.error)
		return EBUSY;
	guest_do_reset(g);
	list_queue(&h->settle, &g->settle);
	return 0;
}

/* The guest began anew without the handshake, and was followed (rule 8). */
static bool guest_moved(const struct guest *g, const struct ring *was)
{
	return g->ring.req_cons != was->req_cons ||
	       g->ring.rsp_prod != was->rsp_prod;
}

static void guest_input(struct guest *g, const void *bytes, size_t len)
{
	meter_input(g->host, &g->meter, len);
	host_feed_bytes(g->host, g->domid, bytes, len);
	ring_consumed(&g->ring, len);
	fault_point("consumed");
	g->notify = true;
}

void guest_turn(struct guest *g)
{
	struct host *h = g->host;
	bool wanted = machine_wants(h->machine, g->domid) >= RING_SIZE;
	struct ring was = g->ring;
	void *place = host_input(h);
	enum ring_seen seen;
	size_t len;

	g->blocked = !wanted;
	list_queue(&h->settle, &g->settle);
	seen = ring_look(&g->ring, wanted ? place : NULL, &len);
	if (guest_moved(g, &was)) {
		/* The record to be written lies where the bytes do. */
		memcpy(h->input, place, len);
		place = h->input;
		guest_note(g);
	}
	switch (seen) {
	case RING_RESET:
		guest_reset(g);
		return;
	case RING_BAD:
		guest_fail(g, RING_ERROR_INDEX);
		return;
	case RING_BYTES:
		guest_input(g, place, len);
		break;
	case RING_NOTHING:
		break;
	}
	if (g->full)
		list_queue(&h->guests_out, &g->out);
}

void guest_output(struct guest *g)
{
	struct machine_span spans[HOST_SPANS_MAX];
	struct ring was = g->ring;
	struct host *h = g->host;
	size_t total = 0;
	unsigned int n;
	int len;

	g->full = false;
	n = machine_output(h->machine, g->domid, spans, HOST_SPANS_MAX);
	if (!n)
		return;
	meter_replies(h, &g->meter, g->domid, g);
	list_queue(&h->settle, &g->settle);
	for (unsigned int i = 0; i < n; i++)
		total += spans[i].len;
	len = ring_fill(&g->ring, spans, n);
	if (guest_moved(g, &was))
		guest_note(g);
	if (len < 0) {
		guest_fail(g, RING_ERROR_INDEX);
		return;
	}
	if (len > 0) {
		meter_output(h, &g->meter, (size_t)len);
		fault_point("copied");
		host_feed_taken(h, g->domid, (size_t)len);
		fault_point("taken");
		ring_produced(&g->ring, (size_t)len);
		fault_point("produced");
		g->notify = true;
	}
	g->full = total > (size_t)len;
	if (n == HOST_SPANS_MAX && !g->full)
		list_queue(&h->guests_out, &g->out);
}

/* Short of memory or descriptors, not short of an event channel. */
static bool guest_notify_later(int error)
{
	return error == -ENOMEM || error == -EMFILE || error == -ENFILE ||
	       error == -EAGAIN || error == -EINTR;
}

static void guest_notify(struct guest *g)
{
	struct host *h = g->host;
	int error = g->bound ? evtchn_notify(h->evtchn, g->port) : 0;

	g->notify = false;
	g->count.notifies_out++;
	if (!error)
		return;
	log_limited(&g->limit, h->now, LOG_EVTCHN,
		    "domain %u: cannot notify: %s", g->domid,
		    strerror(-error));
	/* A guest that polls can still learn why it is not served. */
	if (!guest_notify_later(error) && !g->ring.error) {
		guest_fail(g, RING_ERROR_COMM);
		g->notify = false;
	}
}

void guest_settle(struct guest *g)
{
	struct host *h = g->host;

	ring_turn_over(&g->ring);
	if (g->notify)
		guest_notify(g);
	if (list_empty(&g->ready) &&
	    ring_wants_turn(&g->ring, !g->blocked, g->full))
		list_queue(&h->ready, &g->ready);
}

void guest_changed(struct guest *g)
{
	struct machine_span span;
	struct host *h = g->host;

	if (g->blocked && machine_wants(h->machine, g->domid) >= RING_SIZE) {
		g->blocked = false;
		list_queue(&h->ready, &g->ready);
	}
	if (!g->full && machine_output(h->machine, g->domid, &span, 1))
		list_queue(&h->guests_out, &g->out);
}

/* ---------------------------------------------------- now and then -- */

void guest_undefer(struct host *h)
{
	struct list waiting, *item;

	list_take(&waiting, &h->deferred);
	while ((item = list_pop(&waiting)))
		list_queue(&h->ready, item);
}

/*
 * True: work without a notification, which is not yet a fault, as that may be
 * on its way.  It is one if there still is work at a second look, and still
 * none has come.
 */
static bool guest_sweep_one(struct guest *g)
{
	struct host *h = g->host;
	bool work = list_empty(&g->ready) &&
		    ring_wants_turn(&g->ring, !g->blocked, g->full);
	bool again = g->swept && g->swept_in == g->count.notifies_in;

	g->swept = work && !again;
	g->swept_in = g->count.notifies_in;
	if (work && again) {
		log_limited(&g->limit, h->now, LOG_RING_FORGOTTEN,
			    "domain %u: work in its ring and no notification",
			    g->domid);
		list_queue(&h->ready, &g->ready);
	}
	return g->swept;
}

/*
 * The list is rotated, so that a guest's end needs no care of a cursor.  Who is
 * to be looked at again comes first.
 */
void guest_sweep(struct host *h)
{
	unsigned int slices = h->guest_count / SWEEP_SLICE + 1;
	unsigned int slice = h->guest_count < SWEEP_SLICE ? h->guest_count :
							    SWEEP_SLICE;
	struct list doubtful, *item;

	if (!slice)
		return;
	list_init(&doubtful);
	for (unsigned int n = 0; n < slice; n++) {
		item = list_pop(&h->guests);
		list_queue(guest_sweep_one(list_of(item, struct guest, all)) ?
			   &doubtful : &h->guests, item);
	}
	host_timer(h, TIMER_SWEEP, h->now +
		   (list_empty(&doubtful) ? GUEST_SWEEP_US / slices :
					    SWEEP_SECOND_LOOK));
	while ((item = list_pop(&doubtful)))
		list_queue(h->guests.next, item);
}
