/* SPDX-License-Identifier: MIT */
/*
 * The link: epochs, binding, up and down.  All of it is one table, a row per
 * state and a column per stimulus; what is not in the table changes nothing.
 * The rules behind the arrows are R3 to R6 and R11 of
 * docs/protocol/channel.md.
 */
#include "config.h"

#include "lib/channel_core.h"

#include <string.h>

typedef void link_do(struct channel *c, const struct channel_status *peer,
		     uint64_t now);

struct arrow {
	bool there;
	enum channel_state to;
	link_do *act;
	enum px_channel_reason reason;
};

/* What my st must say has changed; what is stored proves nothing now. */
void channel_rebind(struct channel *c)
{
	c->binding++;
}

/* A new life, never used before: R5, "then always a fresh epoch". */
void channel_fresh(struct channel *c, uint64_t now)
{
	if (c->me.cnt >= CHANNEL_COUNT_MAX) {
		c->me.inc++;
		c->me.cnt = 0;
	} else {
		c->me.cnt++;
	}
	c->entropy(c->entropy_ctx, c->me.random);
	memset(&c->you, 0, sizeof(c->you));
	c->tx = c->acked = c->rx = 0;
	channel_rebind(c);
}

/* R6 has been met for the old epoch. */
void channel_free_held(struct channel *c, uint64_t now)
{
	if (!channel_epoch_set(&c->held))
		return;
	c->released = c->held;
	c->tell_released = true;
	memset(&c->held, 0, sizeof(c->held));
}

static void bind_to(struct channel *c, const struct channel_status *peer,
		    uint64_t now)
{
	c->you = peer->me;
	channel_rebind(c);
}

static void unbind(struct channel *c, const struct channel_status *peer,
		   uint64_t now)
{
	memset(&c->you, 0, sizeof(c->you));
	channel_rebind(c);
}

static void go_up(struct channel *c, const struct channel_status *peer,
		  uint64_t now)
{
	c->window = peer->window < c->slots ? peer->window : c->slots;
	c->peer_slots = peer->window;
	c->reason = PX_CHANNEL_NONE;
	c->silence = 0;
	c->last_look = false;
	c->ups++;
	c->tell_up = true;
	channel_data_start(c);
}

static void go_down(struct channel *c, const struct channel_status *peer,
		    uint64_t now)
{
	c->downs++;
	c->tell_down = true;
	channel_data_end(c);
}

/* The peer says why it left, if it had the time to. */
static void left(struct channel *c, const struct channel_status *peer,
		 uint64_t now)
{
	if (peer && (peer->reason == PX_CHANNEL_CLOSED ||
		     peer->reason == PX_CHANNEL_SUSPECT))
		c->reason = (enum px_channel_reason)peer->reason;
	go_down(c, peer, now);
}

/* The client holds nothing of the peer's now; R5, R6 from here on. */
static void leave(struct channel *c, const struct channel_status *peer,
		  uint64_t now)
{
	c->held = c->me;
	channel_fresh(c, now);
	if (c->dead)
		channel_free_held(c, now);
}

static void cancel(struct channel *c, const struct channel_status *peer,
		   uint64_t now)
{
	channel_fresh(c, now);
}

/* Never write again: it is not ours, or would come back to life. */
static void silence(struct channel *c, const struct channel_status *peer,
		    uint64_t now)
{
	c->mute = true;
	channel_fresh(c, now);
}

static void silence_down(struct channel *c, const struct channel_status *peer,
			 uint64_t now)
{
	c->mute = true;
	go_down(c, peer, now);
}

static void silence_only(struct channel *c, const struct channel_status *peer,
			 uint64_t now)
{
	c->mute = true;
	channel_rebind(c);
}

/* A peer of a domain that is no more holds nothing. */
static void bury(struct channel *c, const struct channel_status *peer,
		 uint64_t now)
{
	c->dead = true;
	memset(&c->newest, 0, sizeof(c->newest));
	channel_free_held(c, now);
}

static void bury_unbind(struct channel *c, const struct channel_status *peer,
			uint64_t now)
{
	bury(c, peer, now);
	unbind(c, peer, now);
}

static void bury_down(struct channel *c, const struct channel_status *peer,
		      uint64_t now)
{
	bury(c, peer, now);
	go_down(c, peer, now);
}

/* Another home: nothing is stored there, the old peer is out of reach. */
static void move(struct channel *c, const struct channel_status *peer,
		 uint64_t now)
{
	c->stored = 0;
	bury(c, peer, now);
	channel_fresh(c, now);
}

static void move_down(struct channel *c, const struct channel_status *peer,
		      uint64_t now)
{
	c->stored = 0;
	bury(c, peer, now);
	channel_rebind(c);
	go_down(c, peer, now);
}

static void move_only(struct channel *c, const struct channel_status *peer,
		      uint64_t now)
{
	c->stored = 0;
	bury(c, peer, now);
	channel_rebind(c);
}

static void end(struct channel *c, const struct channel_status *peer,
		uint64_t now)
{
	c->tell_ended = true;
}

#define TO(state, act, reason) \
	{ true, CHANNEL_##state, act, PX_CHANNEL_##reason }

static const struct arrow table[CHANNEL_STATES][CHANNEL_STIMULI] = {
	[CHANNEL_HELLO] = {
		[CHANNEL_PEER_NEW]	= TO(BOUND, bind_to, NONE),
		[CHANNEL_PEER_DEAD]	= TO(HELLO, bury, NONE),
		[CHANNEL_TAKEN]		= TO(CLOSING, silence, SUPERSEDED),
		[CHANNEL_REMOVED]	= TO(CLOSING, silence, REMOVED),
		[CHANNEL_DOMID]		= TO(HELLO, move, NONE),
		[CHANNEL_CLOSE]		= TO(CLOSING, cancel, CLOSED),
	},
	[CHANNEL_BOUND] = {
		[CHANNEL_PEER_NEW]	= TO(BOUND, bind_to, NONE),
		[CHANNEL_PEER_BOUND]	= TO(UP, go_up, NONE),
		[CHANNEL_PEER_LEFT]	= TO(HELLO, unbind, NONE),
		[CHANNEL_PEER_ABSENT]	= TO(HELLO, unbind, NONE),
		[CHANNEL_PEER_DEAD]	= TO(HELLO, bury_unbind, NONE),
		[CHANNEL_TAKEN]		= TO(CLOSING, silence, SUPERSEDED),
		[CHANNEL_REMOVED]	= TO(CLOSING, silence, REMOVED),
		[CHANNEL_DOMID]		= TO(HELLO, move, NONE),
		[CHANNEL_CLOSE]		= TO(CLOSING, cancel, CLOSED),
	},
	[CHANNEL_UP] = {
		[CHANNEL_PEER_LEFT]	= TO(QUIET, left, LOST),
		[CHANNEL_PEER_ABSENT]	= TO(QUIET, left, LOST),
		[CHANNEL_PEER_DEAD]	= TO(QUIET, bury_down, GONE),
		[CHANNEL_PEER_SILENT]	= TO(QUIET, go_down, SUSPECT),
		[CHANNEL_FAULT]		= TO(QUIET, go_down, PROTOCOL),
		[CHANNEL_TAKEN]		= TO(PARTING, silence_down, SUPERSEDED),
		[CHANNEL_REMOVED]	= TO(PARTING, silence_down, REMOVED),
		[CHANNEL_DOMID]		= TO(QUIET, move_down, MIGRATED),
		[CHANNEL_CLOSE]		= TO(PARTING, go_down, CLOSED),
	},
	[CHANNEL_QUIET] = {
		[CHANNEL_LET_GO]	= TO(HELLO, leave, NONE),
		[CHANNEL_PEER_DEAD]	= TO(QUIET, bury, NONE),
		[CHANNEL_TAKEN]		= TO(PARTING, silence_only, NONE),
		[CHANNEL_REMOVED]	= TO(PARTING, silence_only, NONE),
		[CHANNEL_DOMID]		= TO(QUIET, move_only, NONE),
		[CHANNEL_CLOSE]		= TO(PARTING, NULL, NONE),
	},
	[CHANNEL_PARTING] = {
		[CHANNEL_LET_GO]	= TO(CLOSING, leave, NONE),
		[CHANNEL_PEER_DEAD]	= TO(PARTING, bury, NONE),
		[CHANNEL_TAKEN]		= TO(PARTING, silence_only, NONE),
		[CHANNEL_REMOVED]	= TO(PARTING, silence_only, NONE),
		[CHANNEL_DOMID]		= TO(PARTING, move_only, NONE),
	},
	[CHANNEL_CLOSING] = {
		[CHANNEL_PEER_DEAD]	= TO(CLOSING, bury, NONE),
		[CHANNEL_TAKEN]		= TO(CLOSING, silence_only, NONE),
		[CHANNEL_REMOVED]	= TO(CLOSING, silence_only, NONE),
		[CHANNEL_DOMID]		= TO(CLOSING, move_only, NONE),
		[CHANNEL_RELEASED]	= TO(ENDED, end, NONE),
	},
};

void channel_stimulus(struct channel *c, enum channel_stimulus s,
		      const struct channel_status *peer, uint64_t now)
{
	const struct arrow *arrow = &table[c->state][s];

	if (!arrow->there)
		return;
	/* The action may know a better reason, and needs the old state. */
	if (arrow->reason != PX_CHANNEL_NONE)
		c->reason = arrow->reason;
	if (arrow->act)
		arrow->act(c, peer, now);
	if (c->state != arrow->to)
		c->st.wanted = true;
	c->state = arrow->to;
}

const char *channel_state_name(enum channel_state state)
{
	static const char *const names[CHANNEL_STATES] = {
		[CHANNEL_HELLO] = "hello",
		[CHANNEL_BOUND] = "bound",
		[CHANNEL_UP] = "up",
		[CHANNEL_QUIET] = "quiet",
		[CHANNEL_PARTING] = "parting",
		[CHANNEL_CLOSING] = "closing",
		[CHANNEL_ENDED] = "ended",
	};

	return names[state];
}
