/* SPDX-License-Identifier: MIT */
/*
 * The guest's end of a xenstore ring.
 *
 * A small state machine (closed, resetting, connected, failed) around three
 * questions: may the page be looked at (only `connection` while a reset is
 * asked), can what it says be true (look()), and how many bytes may move.
 * Bytes move in two steps, "how many" and "tell", which ring_message.c shares.
 *
 * Nothing that the page says is used twice: each field is loaded once, judged,
 * and the judged value is what counts.  Our own two indices are read back for
 * one purpose only, to notice that somebody else reset the ring under us.
 */
#include "lib/ring_client.h"

static void change_state(struct px_ring *r, enum px_ring_state state)
{
	/* Half-done messages do not outlive the connection. */
	r->sending = NULL;
	r->receiving = NULL;
	r->state = state;
}

int ring_client_fail(struct px_ring *r, int why)
{
	change_state(r, PX_RING_FAILED);
	r->why = why;
	return why;
}

static bool offered(const struct px_ring *r, uint32_t bit)
{
	return ring_load_once(&r->page->features) & bit;
}

/* The field means something only with bit 1 (rule 9). */
static uint32_t page_error(const struct px_ring *r)
{
	if (!offered(r, RING_FEATURE_ERROR))
		return RING_ERROR_NONE;
	return ring_load_once(&r->page->error);
}

static int notify(struct px_ring *r)
{
	int ret = r->ops->notify(r->ctx);

	return ret < 0 ? ret : 0;
}

/* Whatever the four indices are, take them for ours; say if they can be. */
static bool load_indices(struct px_ring *r)
{
	r->req_prod = ring_load_once(&r->page->req_prod);
	r->rsp_cons = ring_load_once(&r->page->rsp_cons);
	r->req_cons = ring_load_acquire(&r->page->req_cons);
	r->rsp_prod = ring_load_acquire(&r->page->rsp_prod);
	return ring_valid(r->req_prod, r->req_cons) &&
	       ring_valid(r->rsp_prod, r->rsp_cons);
}

/* From now on only `connection`: a reset is under way. */
static void enter_reset(struct px_ring *r)
{
	if (r->state == PX_RING_RESETTING)
		return;
	r->epoch++;
	change_state(r, PX_RING_RESETTING);
}

/* `connection` read 0 after a reset: the page is ours again, and has to be as
 * rule 5 leaves it.  Where the indices are is the daemon's affair, but both
 * directions must be empty.  An error set since is found by whoever called. */
static int reset_done(struct px_ring *r)
{
	if (!load_indices(r) || r->req_prod != r->req_cons ||
	    r->rsp_prod != r->rsp_cons)
		return ring_client_fail(r, PX_RING_EPROTO);
	change_state(r, PX_RING_CONNECTED);
	return 0;
}

/* State CONNECTED: can what the page says be true?  The daemon's indices may
 * only move forward, and not past ours. */
static int look(struct px_ring *r)
{
	struct ring_page *page = r->page;
	uint32_t req_cons, rsp_prod;

	if (offered(r, RING_FEATURE_RECONNECT) &&
	    ring_load_acquire(&page->connection) != RING_CONNECTED) {
		enter_reset(r);
		return PX_RING_ECONNRESET;
	}
	if (ring_load_once(&page->req_prod) != r->req_prod ||
	    ring_load_once(&page->rsp_cons) != r->rsp_cons)
		return ring_client_fail(r, PX_RING_EPROTO);

	req_cons = ring_load_acquire(&page->req_cons);
	rsp_prod = ring_load_acquire(&page->rsp_prod);
	if (ring_used(r->req_prod, req_cons) >
	    ring_used(r->req_prod, r->req_cons))
		return ring_client_fail(r, PX_RING_EPROTO);
	if (!ring_valid(rsp_prod, r->rsp_cons) ||
	    ring_used(rsp_prod, r->rsp_cons) <
	    ring_used(r->rsp_prod, r->rsp_cons))
		return ring_client_fail(r, PX_RING_EPROTO);
	r->req_cons = req_cons;
	r->rsp_prod = rsp_prod;
	return 0;
}

/* What every call begins with: 0 if the ring may be used. */
static int ready(struct px_ring *r)
{
	switch (r->state) {
	case PX_RING_CONNECTED:
		return look(r);
	case PX_RING_RESETTING:
		if (ring_load_acquire(&r->page->connection) != RING_CONNECTED)
			return PX_RING_EAGAIN;
		return reset_done(r);
	case PX_RING_FAILED:
		return r->why;
	case PX_RING_CLOSED:
		break;
	}
	return PX_RING_ENOTCONN;
}

static int check_error(struct px_ring *r)
{
	r->error = page_error(r);
	return r->error == RING_ERROR_NONE ? 0 : ring_client_fail(r, PX_RING_EIO);
}

int ring_client_room(struct px_ring *r)
{
	uint32_t n;
	int ret;

	ret = ready(r);
	if (ret == 0)
		ret = check_error(r);
	if (ret < 0)
		return ret;
	n = ring_room(r->req_prod, r->req_cons);
	return n > 0 ? (int)n : PX_RING_EAGAIN;
}

/* What lies there comes before the error behind it: those requests were
 * answered. */
int ring_client_there(struct px_ring *r)
{
	uint32_t n;
	int ret;

	ret = ready(r);
	if (ret < 0)
		return ret;
	n = ring_used(r->rsp_prod, r->rsp_cons);
	if (n > 0)
		return (int)n;
	ret = check_error(r);
	return ret < 0 ? ret : PX_RING_EAGAIN;
}

/* n bytes were copied in, or out: bytes first, then the index, then tell. */
int ring_client_sent(struct px_ring *r, uint32_t n)
{
	int ret;

	r->req_prod += n;
	ring_store_release(&r->page->req_prod, r->req_prod);
	ret = notify(r);
	return ret < 0 ? ring_client_fail(r, ret) : 0;
}

int ring_client_taken(struct px_ring *r, uint32_t n)
{
	int ret;

	r->rsp_cons += n;
	ring_store_release(&r->page->rsp_cons, r->rsp_cons);
	ret = notify(r);
	return ret < 0 ? ring_client_fail(r, ret) : 0;
}

/* A ring of the old protocol, or one that the caller knows to be unused. */
static int adopt(struct px_ring *r, bool valid)
{
	if (r->error != RING_ERROR_NONE)
		return ring_client_fail(r, PX_RING_EIO);
	if (!valid)
		return ring_client_fail(r, PX_RING_EPROTO);
	change_state(r, PX_RING_CONNECTED);
	if (r->rsp_prod == r->rsp_cons)
		return 0;
	return ring_client_taken(r, ring_used(r->rsp_prod, r->rsp_cons));
}

/* Everything but `connection`, which the caller has found to be 0 or void. */
static bool survey(struct px_ring *r)
{
	bool valid = load_indices(r);

	r->error = page_error(r);
	if (r->error != RING_ERROR_NONE)
		r->found |= PX_RING_FOUND_ERROR;
	if (!valid)
		r->found |= PX_RING_FOUND_BROKEN;
	if (r->req_prod != r->req_cons)
		r->found |= PX_RING_FOUND_REQUESTS;
	if (r->rsp_prod != r->rsp_cons)
		r->found |= PX_RING_FOUND_REPLIES;
	return valid;
}

int px_ring_open(struct px_ring *r, struct ring_page *page,
		 const struct px_ring_ops *ops, void *ctx, unsigned int flags)
{
	bool reconnect, valid;
	int ret;

	*r = (struct px_ring){ .state = PX_RING_CLOSED };
	if (page == NULL || ops == NULL || ops->notify == NULL)
		return PX_RING_EINVAL;
	r->page = page;
	r->ops = ops;
	r->ctx = ctx;

	reconnect = offered(r, RING_FEATURE_RECONNECT);
	if ((reconnect || !(flags & PX_RING_IGNORE_FIELD)) &&
	    ring_load_acquire(&page->connection) != RING_CONNECTED) {
		r->found = PX_RING_FOUND_ASKED;
		enter_reset(r);
		ret = notify(r);
		return ret < 0 ? ret : PX_RING_EAGAIN;
	}
	valid = survey(r);
	if (!reconnect || ((flags & PX_RING_ADOPT) && r->found == 0))
		return adopt(r, valid);

	r->state = PX_RING_CONNECTED;
	ret = px_ring_reset(r);
	return ret < 0 ? ret : PX_RING_EAGAIN;
}

int px_ring_reset(struct px_ring *r)
{
	if (r->state == PX_RING_CLOSED)
		return PX_RING_EINVAL;
	/* Under way already: it must not be asked a second time, for the
	 * daemon may have finished the first and we not have looked. */
	if (r->state != PX_RING_RESETTING) {
		if (!offered(r, RING_FEATURE_RECONNECT))
			return PX_RING_EOPNOTSUPP;
		enter_reset(r);
		if (ring_load_acquire(&r->page->connection) == RING_CONNECTED)
			ring_store_release(&r->page->connection,
					   RING_RECONNECT);
	}
	return notify(r);
}

int px_ring_poll(struct px_ring *r)
{
	int ret = ready(r);

	if (ret == 0 && r->rsp_prod == r->rsp_cons)
		ret = check_error(r);
	return ret;
}

int px_ring_wait(struct px_ring *r)
{
	int ret;

	if (r->ops == NULL || r->ops->wait == NULL)
		return PX_RING_EINVAL;
	ret = r->ops->wait(r->ctx);
	return ret < 0 ? ret : 0;
}

int px_ring_settle(struct px_ring *r, unsigned int tries)
{
	int ret;

	ret = px_ring_poll(r);
	while (ret == PX_RING_EAGAIN && tries-- > 0) {
		ret = px_ring_wait(r);
		if (ret < 0)
			return ret;
		ret = px_ring_poll(r);
		if (ret == PX_RING_EAGAIN) {
			ret = notify(r);
			if (ret < 0)
				return ret;
			ret = PX_RING_EAGAIN;
		}
	}
	return ret == PX_RING_EAGAIN ? PX_RING_ETIMEDOUT : ret;
}

int px_ring_close(struct px_ring *r)
{
	int ret;

	if (r->state == PX_RING_CLOSED)
		return 0;
	if (r->state == PX_RING_RESETTING) {
		ret = px_ring_poll(r);
		if (ret < 0)
			return ret;
	} else {
		ret = px_ring_reset(r);
		if (ret != PX_RING_EOPNOTSUPP)
			return ret < 0 ? ret : PX_RING_EAGAIN;
	}
	change_state(r, PX_RING_CLOSED);
	return 0;
}

int px_ring_push(struct px_ring *r, const void *buf, size_t len)
{
	size_t n;
	int ret;

	if (len == 0)
		return 0;
	if (buf == NULL)
		return PX_RING_EINVAL;
	if (r->sending != NULL)
		return PX_RING_EBUSY;
	ret = ring_client_room(r);
	if (ret < 0)
		return ret;
	n = len < (size_t)ret ? len : (size_t)ret;
	ring_copy_in(r->page->req, r->req_prod, buf, n);
	ret = ring_client_sent(r, (uint32_t)n);
	return ret < 0 ? ret : (int)n;
}

int px_ring_pull(struct px_ring *r, void *buf, size_t len)
{
	size_t n;
	int ret;

	if (len == 0)
		return 0;
	if (r->receiving != NULL)
		return PX_RING_EBUSY;
	ret = ring_client_there(r);
	if (ret < 0)
		return ret;
	n = len < (size_t)ret ? len : (size_t)ret;
	if (buf != NULL)
		ring_copy_out(buf, r->page->rsp, r->rsp_cons, n);
	ret = ring_client_taken(r, (uint32_t)n);
	return ret < 0 ? ret : (int)n;
}
