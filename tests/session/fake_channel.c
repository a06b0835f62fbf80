/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two ends and what is between them; see fake_channel.h. */
#include "tests/session/fake_channel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/session/faults.h"

enum { WINDOW = 8, BYTES = 3584 };

struct way {
	struct px_channel_message *m;	/* NULL: injected */
	size_t len;
	bool done;
	char bytes[BYTES];
};

struct px_channel {
	struct px_channel_options o;
	bool open, up, up_told, cut, holding, closing, ended;
	bool in_hand;
	/* Messages of mine that are in the store: first, and how many. */
	struct way way[WINDOW];
	unsigned int first, count, taken;
	struct px_channel_message *queue, **end;
};

static struct px_channel *ends[2];

static struct px_channel *peer_of(const struct px_channel *c)
{
	return ends[!c->o.self];
}

size_t px_channel_size(const struct px_channel_options *o)
{
	return o->name ? sizeof(struct px_channel) : 0;
}

int px_channel_init(void *memory, size_t size,
		    const struct px_channel_options *o,
		    struct px_channel **channel)
{
	struct px_channel *c = memory;

	memset(c, 0, sizeof(*c));
	c->o = *o;
	c->end = &c->queue;
	*channel = c;
	return 0;
}

int px_channel_open(struct px_channel *c, struct px_client *client)
{
	c->open = true;
	ends[c->o.self] = c;
	return 0;
}

static bool ready(const struct px_channel *c)
{
	return c && c->open && !c->up && !c->cut && !c->holding &&
	       !c->closing;
}

static void tell(struct px_channel *c, struct px_channel_message *m,
		 enum px_channel_verdict verdict)
{
	if (m)
		m->done(m->arg, m, verdict);
}

static void go_down(struct px_channel *c)
{
	struct px_channel_down down = { .reason = PX_CHANNEL_LOST };
	struct px_channel_message *m;

	for (; c->count; c->count--, c->first++)
		tell(c, c->way[c->first % WINDOW].m, PX_CHANNEL_IN_DOUBT);
	while ((m = c->queue)) {
		c->queue = m->next;
		tell(c, m, PX_CHANNEL_NEVER_SENT);
	}
	c->end = &c->queue;
	c->taken = 0;
	c->in_hand = c->up = c->cut = false;
	if (c->up_told)
		c->holding = !c->o.on.down(c->o.on.arg, &down);
	c->up_told = false;
}

static void put(struct px_channel *c, struct px_channel_message *m,
		const void *bytes, size_t len)
{
	struct way *w = &c->way[(c->first + c->count++) % WINDOW];

	w->m = m;
	w->len = len;
	w->done = false;
	memcpy(w->bytes, bytes, len);
}

/* R7: what the window has room for. */
static void fill(struct px_channel *c)
{
	while (c->queue && c->count < WINDOW) {
		struct px_channel_message *m = c->queue;

		c->queue = m->next;
		if (!c->queue)
			c->end = &c->queue;
		put(c, m, m->data, m->len);
	}
}

static void acknowledged(struct px_channel *c)
{
	while (c->count && c->way[c->first % WINDOW].done &&
	       test_random(3)) {
		struct px_channel_message *m = c->way[c->first % WINDOW].m;

		c->first++;
		c->count--;
		c->taken--;
		tell(c, m, PX_CHANNEL_DELIVERED);
	}
}

static void deliver(struct px_channel *c)
{
	struct px_channel *peer = peer_of(c);
	struct way *w;

	if (c->in_hand || !peer || !peer->up || peer->taken == peer->count)
		return;
	w = &peer->way[(peer->first + peer->taken++) % WINDOW];
	c->in_hand = true;
	if (c->o.on.message(c->o.on.arg, w->bytes, w->len))
		px_channel_complete(c);
}

int px_channel_process(struct px_channel *c, uint64_t now)
{
	struct px_channel *peer = peer_of(c);

	if (c->ended)
		return 0;
	if (c->closing) {
		if (peer)
			peer->cut |= peer->up;
		go_down(c);
		c->ended = true;
		c->o.on.ended(c->o.on.arg, PX_CHANNEL_CLOSED);
		return 0;
	}
	if (c->cut)
		go_down(c);
	if (ready(c) && ready(peer))
		c->up = peer->up = true;
	if (c->up && !c->up_told) {
		c->up_told = true;
		c->o.on.up(c->o.on.arg);
	}
	if (!c->up)
		return 0;
	acknowledged(c);
	fill(c);
	deliver(c);
	return 0;
}

uint64_t px_channel_deadline(const struct px_channel *c)
{
	return UINT64_MAX;
}

int px_channel_send(struct px_channel *c, struct px_channel_message *m)
{
	if (!c->up)
		return -ENOTCONN;
	m->next = NULL;
	*c->end = m;
	c->end = &m->next;
	return 0;
}

int px_channel_complete(struct px_channel *c)
{
	struct px_channel *peer = peer_of(c);

	if (!c->in_hand)
		return -EINVAL;
	c->in_hand = false;
	if (c->up && peer && peer->up && peer->taken)
		peer->way[(peer->first + peer->taken - 1) % WINDOW].done =
			true;
	return 0;
}

int px_channel_let_go(struct px_channel *c)
{
	c->holding = false;
	return 0;
}

int px_channel_fault(struct px_channel *c)
{
	fake_cut();
	return 0;
}

int px_channel_close(struct px_channel *c)
{
	c->closing = true;
	return 0;
}

int px_channel_abandon(struct px_channel *c)
{
	fake_kill(c->o.self);
	return 0;
}

void px_channel_status(const struct px_channel *c,
		       struct px_channel_status *status)
{
	memset(status, 0, sizeof(*status));
	status->state = c->up ? "up" : "hello";
}

void fake_cut(void)
{
	for (int i = 0; i < 2; i++)
		if (ends[i])
			ends[i]->cut |= ends[i]->up;
}

void fake_kill(unsigned int self)
{
	fake_cut();
	ends[self] = NULL;
}

void fake_reset(void)
{
	ends[0] = ends[1] = NULL;
}

bool fake_is_up(unsigned int self)
{
	return ends[self] && ends[self]->up && ends[self]->up_told;
}

void fake_inject(unsigned int to, const void *bytes, size_t len)
{
	struct px_channel *from = ends[!to];

	if (from && from->up && from->count < WINDOW)
		put(from, NULL, bytes, len);
}
