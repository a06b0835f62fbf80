/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See channel.h. */
#include "tools/xs-bench/channel.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_S = 60, SLOTS = 8 };

static const char pair_bytes[PAIR_LEN] = "message";

/* ------------------------------------------------------------ callbacks -- */

static void pair_fill(struct pair_end *e)
{
	while (e->len && e->up && e->spare && pair_send(e, e->len))
		;
}

static void pair_done(void *arg, struct px_channel_message *m,
		      enum px_channel_verdict verdict)
{
	struct pair_end *e = arg;

	m->next = e->spare;
	e->spare = m;
	if (verdict == PX_CHANNEL_DELIVERED)
		pair_fill(e);
}

static bool pair_message(void *arg, const void *data, size_t len)
{
	struct pair_end *e = arg;

	e->received++;
	e->came_at = side_now();
	if (e->echo)
		pair_send(e, len);
	return true;
}

static void pair_up(void *arg)
{
	struct pair_end *e = arg;

	e->up = true;
	e->up_at = side_now();
}

static bool pair_down(void *arg, const struct px_channel_down *d)
{
	struct pair_end *e = arg;

	e->up = e->released = false;
	e->reason = d->reason;
	e->down_at = side_now();
	return true;
}

static void pair_released(void *arg)
{
	struct pair_end *e = arg;

	e->released = true;
}

bool pair_send(struct pair_end *e, size_t len)
{
	struct px_channel_message *m = e->spare;

	if (!m)
		return false;
	e->spare = m->next;
	*m = (struct px_channel_message){ .data = pair_bytes, .len = len,
					  .done = pair_done, .arg = e };
	if (!px_channel_send(e->channel, m))
		return true;
	m->next = e->spare;
	e->spare = m;
	return false;
}

/* ----------------------------------------------------------------- ends -- */

static int pair_notify(void *ctx)
{
	struct pair_end *e = ctx;
	int ret = simxen_guest_notify(e->guest);

	return ret < 0 ? ret : 0;
}

static int pair_wait(void *ctx)
{
	struct pair_end *e = ctx;
	int ret = simxen_guest_wait(e->guest, 100);

	return ret < 0 ? ret : 0;
}

static int pair_event(void *ctx)
{
	struct pair_end *e = ctx;
	int ret = simxen_guest_wait(e->guest, 0);

	return ret < 0 ? ret : 0;
}

static struct px_transport *pair_transport(struct pair_end *e,
					   const struct side *s)
{
	static const struct px_ring_ops ops = { pair_notify, pair_wait };

	if (!e->self)
		return px_transport_unix_init(&e->socket, s->socket) ? NULL :
		       &e->socket.base;
	if (simxen_guest_attach(s->machine, NULL, e->self, &e->guest))
		return NULL;
	px_transport_ring_init(&e->ring, simxen_guest_page(e->guest), &ops, e,
			       0, simxen_guest_fd(e->guest), pair_event);
	return &e->ring.base;
}

static bool pair_client(struct pair_end *e, const struct side *s)
{
	struct px_client_options o = { .backoff_min = 1000,
				       .backoff_max = 10000 };
	size_t size = px_client_size(&o);
	struct px_transport *t = pair_transport(e, s);
	void *memory = malloc(size);

	if (!t || !memory || px_client_init(memory, size, &o, &e->client)) {
		free(memory);
		return false;
	}
	return !px_client_open(e->client, t);
}

bool pair_start(struct pair *p, unsigned int end)
{
	struct pair_end *e = &p->end[end];
	struct px_channel_options o = {
		.name = "bench", .slots = SLOTS, .lease = p->lease,
		.on = { pair_up, pair_message, pair_down, pair_released, NULL,
			e },
	};
	size_t size;
	void *memory;

	memset(e, 0, sizeof(*e));
	e->pair = p;
	e->self = o.self = end ? (uint16_t)p->domid : 0;
	e->peer = o.peer = end ? 0 : (uint16_t)p->domid;
	e->there = true;
	e->most = PAIR_POOL;
	for (unsigned int i = 0; i < PAIR_POOL; i++) {
		e->pool[i].next = e->spare;
		e->spare = &e->pool[i];
	}
	size = px_channel_size(&o);
	memory = malloc(size);
	if (!pair_client(e, p->side) || !memory ||
	    px_channel_init(memory, size, &o, &e->channel)) {
		free(memory);
		return false;
	}
	return !px_channel_open(e->channel, e->client);
}

void pair_kill(struct pair *p, unsigned int end)
{
	struct pair_end *e = &p->end[end];

	if (!e->there)
		return;
	if (e->client)
		px_client_close(e->client);
	free(e->channel);
	free(e->client);
	if (e->guest)
		simxen_guest_detach(e->guest);
	e->there = false;
	e->up = e->released = false;
}

bool pair_open(struct pair *p, struct side *s, uint32_t lease)
{
	int domid;

	p->side = s;
	p->lease = lease;
	p->admin.fd = -1;
	if (link_open(&p->admin, s))
		return false;
	domid = link_introduce(&p->admin, s);
	p->domid = (unsigned int)domid;
	return domid >= 0 && pair_start(p, 0) && pair_start(p, 1) &&
	       pair_until(p, &p->end[0].up, true) &&
	       pair_until(p, &p->end[1].up, true);
}

void pair_close(struct pair *p)
{
	pair_kill(p, 0);
	pair_kill(p, 1);
	link_close(&p->admin);
}

uint64_t pair_writes(const struct pair *p)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < 2; i++) {
		struct px_channel_status s;

		px_channel_status(p->end[i].channel, &s);
		n += s.status_writes + s.slot_writes;
	}
	return n;
}

/* ----------------------------------------------------------------- loop -- */

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* True if it has more to do now. */
static bool pair_process(struct pair_end *e, uint64_t now)
{
	bool more = px_client_process(e->client, now) > 0;

	px_channel_process(e->channel, now);
	pair_fill(e);
	px_channel_process(e->channel, now);
	return px_client_process(e->client, now) > 0 || more;
}

void pair_turn(struct pair *p, uint64_t ns)
{
	uint64_t now = side_now() / 1000, at = now + ns / 1000;
	struct pollfd fd[2];
	nfds_t fds = 0;
	bool more = false;

	for (unsigned int i = 0; i < 2; i++) {
		struct pair_end *e = &p->end[i];

		if (!e->there || e->frozen)
			continue;
		more |= pair_process(e, now);
		at = earlier(at, px_client_deadline(e->client));
		at = earlier(at, px_channel_deadline(e->channel));
		fd[fds++] = (struct pollfd){ px_client_fd(e->client),
					     px_client_poll(e->client), 0 };
	}
	now = side_now() / 1000;
	if (!more && at > now)
		poll(fd, fds, (int)((at - now + 999) / 1000));
}

bool pair_until(struct pair *p, const bool *flag, bool want)
{
	uint64_t end = side_now() + PATIENCE_S * 1000000000ull;

	while (*flag != want) {
		if (side_now() > end) {
			fprintf(stderr, "%s: channel: timed out\n",
				side_names[p->side->id]);
			return false;
		}
		pair_turn(p, 100000000);
	}
	return true;
}
