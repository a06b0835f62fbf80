/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Channels: messages and what they cost in store writes, counted by the ends
 * themselves (a write asked for is a write, whatever became of it); what an
 * idle one costs; and how soon the loss of a peer is told.  Messages of 1,000
 * bytes do not fit a slot by twos, so none of them is batched.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tools/xs-bench/channel.h"
#include "tools/xs-bench/row.h"

enum {
	LONE = 1000,		/* bytes of a message that cannot be batched */
	SMALL = 64,
	CALLS = 500,
	LEASE = 15000,		/* the default, milliseconds */
	SHORT_LEASE = 1000	/* for detection: figures are in leases */
};

#define RUN_NS 500000000u
#define IDLE_NS 30000000000u
#define QUICK_IDLE_NS 5000000000u

static bool channel_pair(struct side *s, uint32_t lease)
{
	struct pair *p = s->priv = calloc(1, sizeof(*p));

	return p && pair_open(p, s, lease);
}

static bool channel_open(struct side *s)
{
	return channel_pair(s, LEASE);
}

static bool channel_open_short(struct side *s)
{
	return channel_pair(s, SHORT_LEASE);
}

static void channel_finish(struct side *s)
{
	pair_close(s->priv);
	free(s->priv);
}

/* Nothing of either end is under way. */
static bool channel_drain(struct pair *p)
{
	struct px_channel_status st[2];
	uint64_t end = side_now() + 10000000000u;
	bool busy = true;

	p->end[0].len = p->end[1].len = 0;
	while (busy && side_now() < end) {
		pair_turn(p, 10000000);
		for (unsigned int i = 0; i < 2; i++)
			px_channel_status(p->end[i].channel, &st[i]);
		busy = st[0].next != st[0].acked || st[1].next != st[1].acked;
	}
	return !busy;
}

static uint64_t channel_received(const struct pair *p)
{
	return p->end[0].received + p->end[1].received;
}

/* As fast as it goes; messages a second, and store writes for each. */
static bool channel_flood(struct side *s, unsigned int metric, size_t a,
			  size_t b)
{
	struct pair *p = s->priv;
	uint64_t from, writes, count, until;

	if (!channel_drain(p))
		return false;
	p->end[0].len = a;
	p->end[1].len = b;
	count = channel_received(p);
	writes = pair_writes(p);
	from = side_now();
	until = from + RUN_NS / (row_quick ? 10 : 1);
	while (side_now() < until)
		pair_turn(p, 1000000);
	side_sample(s, metric, (double)(channel_received(p) - count) * 1e9 /
		    (double)(side_now() - from));
	if (!channel_drain(p) || channel_received(p) == count)
		return false;
	side_sample(s, metric + 1, (double)(pair_writes(p) - writes) /
		    (double)(channel_received(p) - count));
	return true;
}

/* One at a time, from the sender's call to the receiver's callback. */
static bool channel_one(struct side *s, unsigned int metric)
{
	struct pair *p = s->priv;
	struct pair_end *from = &p->end[0], *to = &p->end[1];
	uint64_t writes = pair_writes(p);
	unsigned int n = row_scale(CALLS);

	for (unsigned int i = 0; i < n; i++) {
		uint64_t at, was = to->received;

		at = side_now();
		if (!pair_send(from, SMALL))
			return false;
		while (to->received == was) {
			pair_turn(p, 10000000);
			if (side_now() - at > 10000000000u)
				return false;
		}
		side_sample(s, metric, (double)(to->came_at - at) / 1e3);
	}
	if (!channel_drain(p))
		return false;
	side_sample(s, metric + 1, (double)(pair_writes(p) - writes) / n);
	return true;
}

/* There and back; the answer carries the acknowledgement. */
static bool channel_ping(struct side *s, unsigned int metric)
{
	struct pair *p = s->priv;
	struct pair_end *from = &p->end[0];
	uint64_t writes = pair_writes(p);
	unsigned int n = row_scale(CALLS);

	p->end[1].echo = true;
	for (unsigned int i = 0; i < n; i++) {
		uint64_t at = side_now(), was = from->received;

		if (!pair_send(from, SMALL))
			return false;
		while (from->received == was) {
			pair_turn(p, 10000000);
			if (side_now() - at > 10000000000u)
				return false;
		}
		side_sample(s, metric, (double)(from->came_at - at) / 1e3);
	}
	side_sample(s, metric + 1, (double)(pair_writes(p) - writes) / (2 * n));
	p->end[1].echo = false;
	return channel_drain(p);
}

static bool channel_one_way(struct side *s)
{
	return channel_flood(s, 0, LONE, 0) && channel_one(s, 2);
}

static bool channel_two_way(struct side *s)
{
	return channel_flood(s, 0, LONE, LONE) && channel_ping(s, 2);
}

static bool channel_batch(struct side *s)
{
	return channel_flood(s, 0, SMALL, 0) &&
	       channel_flood(s, 2, SMALL, SMALL);
}

static bool channel_idle(struct side *s)
{
	struct pair *p = s->priv;
	uint64_t from, writes, ns = row_quick ? QUICK_IDLE_NS : IDLE_NS;

	/* What the start still has to say. */
	if (!channel_drain(p))
		return false;
	from = side_now();
	while (side_now() - from < 1000000000u)
		pair_turn(p, 100000000);
	writes = pair_writes(p);
	from = side_now();
	while (side_now() - from < ns)
		pair_turn(p, ns - (side_now() - from));
	side_sample(s, 0, (double)(pair_writes(p) - writes) / 2 * 1e9 /
		    (double)ns);
	return true;
}

/* ------------------------------------------------------------ detection -- */

/* From now to the down of dom0's end. */
static bool channel_lost(struct pair *p, unsigned int metric, uint64_t from,
			 double unit)
{
	struct pair_end *e = &p->end[0];

	if (!pair_until(p, &e->up, false))
		return false;
	side_sample(p->side, metric, (double)(e->down_at - from) / unit);
	return true;
}

static bool channel_again(struct pair *p)
{
	return pair_until(p, &p->end[0].up, true) &&
	       pair_until(p, &p->end[1].up, true);
}

/* At some time between two heartbeats, as it is with real deaths. */
static void channel_some_time(struct pair *p)
{
	uint64_t from = side_now(), ns = (uint64_t)rand() % 400000000u;

	while (side_now() - from < ns)
		pair_turn(p, ns - (side_now() - from));
}

static bool channel_restarted(struct pair *p)
{
	uint64_t from;

	channel_some_time(p);
	from = side_now();
	pair_kill(p, 1);
	return pair_start(p, 1) && channel_lost(p, 0, from, 1e6) &&
	       channel_again(p);
}

static bool channel_killed(struct pair *p)
{
	uint64_t from;

	channel_some_time(p);
	from = side_now();
	pair_kill(p, 1);
	return channel_lost(p, 1, from, SHORT_LEASE * 1e6) &&
	       pair_start(p, 1) && channel_again(p);
}

static bool channel_frozen(struct pair *p)
{
	uint64_t from;

	channel_some_time(p);
	from = side_now();
	p->end[1].frozen = true;
	if (!channel_lost(p, 2, from, SHORT_LEASE * 1e6))
		return false;
	p->end[1].frozen = false;
	return pair_until(p, &p->end[1].up, false) && channel_again(p);
}

/* The domain is no more; a new one takes its place for the next turn. */
static bool channel_destroyed(struct pair *p)
{
	struct side *s = p->side;
	uint64_t from;

	channel_some_time(p);
	p->end[1].frozen = true;
	from = side_now();
	if (simxen_domain_kill(s->machine, p->domid, 0) ||
	    !channel_lost(p, 3, from, 1e6))
		return false;
	pair_close(p);
	return pair_open(p, s, SHORT_LEASE);
}

static bool channel_detect(struct side *s)
{
	return channel_restarted(s->priv) && channel_killed(s->priv) &&
	       channel_frozen(s->priv) && channel_destroyed(s->priv);
}

const struct row rows_channel[] = {
	{ "channel-one-way", "a channel of 8 slots, messages one way",
	  SIDE_PEERS,
	  .phase = { { channel_open, channel_one_way, 5 } },
	  .finish = channel_finish,
	  .metric = {
		{ "messages, 1,000 B", "/s", true, GOAL_NONE, 0, 0 },
		{ "store writes for each", "", false, GOAL_VALUE, 1.25, 0 },
		{ "latency, one at a time", "us", .kind = GOAL_NONE },
		{ "store writes for each", "", false, GOAL_VALUE, 1.25,
		  0 } } },
	{ "channel-two-way", "messages both ways", SIDE_PEERS,
	  .phase = { { channel_open, channel_two_way, 5 } },
	  .finish = channel_finish,
	  .metric = {
		{ "messages, 1,000 B", "/s", true, GOAL_NONE, 0, 0 },
		/* 1.0, and the last one's acknowledgement. */
		{ "store writes for each", "", false, GOAL_VALUE, 1.001, 0 },
		{ "round trip", "us", .kind = GOAL_NONE },
		{ "store writes for each", "", false, GOAL_VALUE, 1, 0 } } },
	{ "channel-batch", "messages of 64 bytes, batched", SIDE_PEERS,
	  .phase = { { channel_open, channel_batch, 5 } },
	  .finish = channel_finish,
	  .metric = {
		{ "one way", "/s", true, GOAL_VALUE, 15000, 0 },
		{ "store writes for each", "", .kind = GOAL_NONE },
		{ "both ways", "/s", true, GOAL_NONE, 0, 0 },
		{ "store writes for each", "", .kind = GOAL_NONE } } },
	{ "channel-idle", "an idle channel, lease 15 s", SIDE_BIT(SIDE_OURS),
	  .phase = { { channel_open, channel_idle, 1 } },
	  .finish = channel_finish,
	  .metric = {
		{ "store writes of an end", "/s", false, GOAL_VALUE, 0.2,
		  0 } } },
	{ "channel-detect", "the peer's loss to down, lease 1 s", SIDE_PEERS,
	  .phase = { { channel_open_short, channel_detect, 10 } },
	  .finish = channel_finish,
	  .metric = {
		{ "killed, restarted", "ms", .kind = GOAL_NONE },
		{ "killed", "leases", .kind = GOAL_NONE },
		{ "frozen", "leases", .kind = GOAL_NONE },
		{ "destroyed", "ms", .kind = GOAL_NONE } } },
	{ 0 }
};
