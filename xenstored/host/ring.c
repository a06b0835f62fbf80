// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Everything here is loads, stores and their order; see ring.h for the
 * argument.  A guest that zeroes the page without the handshake, as firmware
 * did before there was one, is followed (rule 8): see ring_adopt().
 */
#include "xenstored/host/ring.h"

bool ring_offers(const struct ring *r, uint32_t feature)
{
	return r->features & feature;
}

bool ring_reset_asked(const struct ring *r)
{
	return ring_offers(r, RING_FEATURE_RECONNECT) &&
	       ring_load_acquire(&r->page->connection) != RING_CONNECTED;
}

void ring_attach(struct ring *r, struct ring_page *page, uint32_t features)
{
	*r = (struct ring){
		.page = page,
		.features = features,
		.req_cons = ring_load_once(&page->req_cons),
		.rsp_prod = ring_load_once(&page->rsp_prod),
	};
	if (ring_offers(r, RING_FEATURE_ERROR))
		ring_store_once(&page->error, RING_ERROR_NONE);
	ring_store_release(&page->features, features);
	/*
	 * Without bit 0 a value here can only be the builder's "not served
	 * yet": nobody else would ever take it back, and guests wait for it.
	 */
	if (!ring_offers(r, RING_FEATURE_RECONNECT))
		ring_store_release(&page->connection, RING_CONNECTED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Late by what one turn moves at the most, or right. */
static bool ring_late(uint32_t page, uint32_t own)
{
	return own - page <= RING_SIZE;
}

void ring_resume(struct ring *r, struct ring_page *page, uint32_t features,
		 uint32_t req_cons, uint32_t rsp_prod, bool failed)
{
	uint32_t error = ring_load_once(&page->error);

	*r = (struct ring){
		.page = page,
		.features = features,
		.req_cons = req_cons,
		.rsp_prod = rsp_prod,
	};
	ring_store_release(&page->features, features);
	if (failed)
		ring_fail(r, error ? error : RING_ERROR_PROTOCOL);
	/* A reset that is asked for will clear all of this (rule 6). */
	if (failed || ring_reset_asked(r))
		return;
	if (ring_late(ring_load_once(&page->req_cons), req_cons))
		ring_store_release(&page->req_cons, req_cons);
	if (ring_late(ring_load_once(&page->rsp_prod), rsp_prod))
		ring_store_release(&page->rsp_prod, rsp_prod);
}

/*
 * The guest has rewritten this end's indices.  That is its own affair; we go
 * by our copies.  But where by our copies the ring cannot be, or where the
 * guest has put all four to 0, it has begun anew without the handshake, and
 * the indices of the page are the ring's, if they agree among themselves.
 */
static bool ring_adopt(struct ring *r, uint32_t req_prod)
{
	uint32_t rsp_cons = r->rsp_cons;
	uint32_t req_cons = ring_load_once(&r->page->req_cons);
	uint32_t rsp_prod = ring_load_once(&r->page->rsp_prod);
	bool sound = ring_valid(req_prod, r->req_cons) &&
		     ring_valid(r->rsp_prod, rsp_cons);

	if (req_cons == r->req_cons && rsp_prod == r->rsp_prod)
		return sound;
	if (sound && (req_prod | req_cons | rsp_cons | rsp_prod))
		return true;
	if (!ring_valid(req_prod, req_cons) || !ring_valid(rsp_prod, rsp_cons))
		return false;
	r->req_cons = req_cons;
	r->rsp_prod = rsp_prod;
	return true;
}

/*
 * Read the guest's indices, once for this turn; false if they cannot be.  The
 * fence is for who then asks whether a reset explains it: that load must not
 * come before these.
 */
static bool ring_read_indices(struct ring *r, uint32_t *req_prod)
{
	*req_prod = ring_load_acquire(&r->page->req_prod);
	r->rsp_cons = ring_load_acquire(&r->page->rsp_cons);
	r->seen = ring_adopt(r, *req_prod);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return r->seen;
}

enum ring_seen ring_look(struct ring *r, void *buf, size_t *len)
{
	uint32_t req_prod;

	*len = 0;
	if (ring_reset_asked(r))
		return RING_RESET;
	if (r->error)
		return RING_NOTHING;
	if (!ring_read_indices(r, &req_prod))
		return ring_reset_asked(r) ? RING_RESET : RING_BAD;
	if (!buf)
		return RING_NOTHING;
	*len = ring_copy_out(buf, r->page->req, r->req_cons,
			     ring_used(req_prod, r->req_cons));
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (ring_reset_asked(r)) {
		*len = 0;
		return RING_RESET;
	}
	return *len ? RING_BYTES : RING_NOTHING;
}

void ring_consumed(struct ring *r, size_t len)
{
	r->req_cons += (uint32_t)len;
	ring_store_release(&r->page->req_cons, r->req_cons);
}

int ring_fill(struct ring *r, const struct machine_span *spans,
	      unsigned int count)
{
	uint32_t room, req_prod, done = 0;

	if (r->error)
		return 0;
	if (!r->seen && !ring_read_indices(r, &req_prod))
		return ring_reset_asked(r) ? 0 : -1;
	room = ring_room(r->rsp_prod, r->rsp_cons);
	for (unsigned int i = 0; i < count && done < room; i++) {
		size_t len = spans[i].len;

		if (len > room - done)
			len = room - done;
		done += (uint32_t)ring_copy_in(r->page->rsp,
					       r->rsp_prod + done,
					       spans[i].at, len);
	}
	return (int)done;
}

void ring_produced(struct ring *r, size_t len)
{
	r->rsp_prod += (uint32_t)len;
	ring_store_release(&r->page->rsp_prod, r->rsp_prod);
}

void ring_turn_over(struct ring *r)
{
	r->seen = false;
}

bool ring_wants_turn(const struct ring *r, bool input, bool full)
{
	/* Our index first, then what the guest did without having seen it. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (ring_reset_asked(r))
		return true;
	if (r->error)
		return false;
	if (input && ring_load_once(&r->page->req_prod) != r->req_cons)
		return true;
	return full && ring_load_once(&r->page->rsp_cons) !=
		       r->rsp_prod - RING_SIZE;
}

static void ring_clear_indices(struct ring *r)
{
	r->req_cons = 0;
	r->rsp_prod = 0;
	r->seen = false;
	ring_store_once(&r->page->req_cons, 0);
	ring_store_once(&r->page->req_prod, 0);
	ring_store_once(&r->page->rsp_cons, 0);
	ring_store_once(&r->page->rsp_prod, 0);
}

void ring_reset(struct ring *r)
{
	ring_clear_indices(r);
	r->error = RING_ERROR_NONE;
	/* Whoever scribbled over the page, its next owner finds the truth. */
	ring_store_once(&r->page->features, r->features);
	ring_store_once(&r->page->error, RING_ERROR_NONE);
	ring_store_release(&r->page->connection, RING_CONNECTED);
}

void ring_fail(struct ring *r, uint32_t error)
{
	r->error = error;
	if (ring_offers(r, RING_FEATURE_ERROR))
		ring_store_release(&r->page->error, error);
}

void ring_detach(struct ring *r)
{
	if (r->error) {
		ring_clear_indices(r);
		if (ring_offers(r, RING_FEATURE_ERROR))
			ring_store_release(&r->page->error, RING_ERROR_NONE);
	}
	r->page = NULL;
}
