/* SPDX-License-Identifier: MIT */
/*
 * The client over a raw ring.  The ring's errors carry Linux's numbers by
 * another name, so they pass through.
 */
#include <proxenos/transport.h>

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>

_Static_assert(PX_RING_EAGAIN == -EAGAIN && PX_RING_EPROTO == -EPROTO &&
	       PX_RING_EIO == -EIO && PX_RING_ECONNRESET == -ECONNRESET &&
	       PX_RING_ENOTCONN == -ENOTCONN && PX_RING_EBUSY == -EBUSY &&
	       PX_RING_EINVAL == -EINVAL,
	       "the ring's errors are errno values");

static struct px_transport_ring *ring_of(struct px_transport *t)
{
	return (struct px_transport_ring *)t;
}

static int ring_begin(struct px_transport *t)
{
	struct px_transport_ring *r = ring_of(t);

	return r->event ? r->event(r->ctx) : 0;
}

static int ring_open(struct px_transport *t)
{
	struct px_transport_ring *r = ring_of(t);
	int ret = px_ring_open(&r->ring, r->page, r->ops, r->ctx, r->flags);

	/* The client's own -EAGAIN would mean a busy listener. */
	return ret == PX_RING_EAGAIN ? -EINPROGRESS : ret;
}

static int ring_ready(struct px_transport *t)
{
	struct px_transport_ring *r = ring_of(t);
	int ret = px_ring_poll(&r->ring);

	if (ret != PX_RING_EAGAIN)
		return ret;
	/* The daemon may have missed it; asking again is the same reset. */
	ret = px_ring_reset(&r->ring);
	return ret ? ret : -EINPROGRESS;
}

static ssize_t ring_send(struct px_transport *t, const void *bytes, size_t len)
{
	return px_ring_push(&ring_of(t)->ring, bytes,
			    len < INT_MAX ? len : INT_MAX);
}

static ssize_t ring_recv(struct px_transport *t, void *bytes, size_t len)
{
	return px_ring_pull(&ring_of(t)->ring, bytes,
			    len < INT_MAX ? len : INT_MAX);
}

static void ring_close(struct px_transport *t)
{
	px_ring_close(&ring_of(t)->ring);
}

/* An event channel tells of room in the same way as of replies. */
static short ring_events(struct px_transport *t, bool output)
{
	return POLLIN;
}

void px_transport_ring_init(struct px_transport_ring *t,
			    struct ring_page *page,
			    const struct px_ring_ops *ops, void *ctx,
			    unsigned int flags, int fd,
			    int (*event)(void *ctx))
{
	memset(t, 0, sizeof(*t));
	t->base.open = ring_open;
	t->base.ready = ring_ready;
	t->base.begin = ring_begin;
	t->base.send = ring_send;
	t->base.recv = ring_recv;
	t->base.close = ring_close;
	t->base.events = ring_events;
	t->base.fd = fd;
	t->page = page;
	t->ops = ops;
	t->ctx = ctx;
	t->flags = flags;
	t->event = event;
}
