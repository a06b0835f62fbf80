/* SPDX-License-Identifier: MIT */
/*
 * What a read has shown becomes at most a few stimuli.  Reads of the peer's
 * st carry the generation, read after it on the same connection: if that is
 * the one we know, the st was read before any roll-back (R2).
 */
#include "config.h"

#include "lib/channel_core.h"

#include <errno.h>
#include <string.h>

/* Nothing there, or nothing that we may see: C daemons say EACCES. */
static bool nothing_there(int result)
{
	return result == -ENOENT || result == -EACCES;
}

/*
 * Bells of other slots make us read the same garbage again and again, before
 * its owner had the time to mend it: such reads count once.
 */
void channel_garbage(struct channel *c, struct channel_bad *bad, uint64_t now)
{
	uint64_t gap = (uint64_t)c->peer_lease * 1000 / 6;

	if (gap > CHANNEL_GARBAGE_GAP)
		gap = CHANNEL_GARBAGE_GAP;
	c->garbage++;
	if (bad->row && now - bad->at < gap)
		return;
	bad->at = now;
	if (++bad->row < CHANNEL_GARBAGE_MAX)
		return;
	bad->row = 0;
	channel_stimulus(c, CHANNEL_FAULT, NULL, now);
}

static bool generation_is(const struct channel *c, struct span s)
{
	return s.len ? span_is(s, c->generation) :
	       !strcmp(c->generation, "0");
}

/* True if it is news. */
static bool take_generation(struct channel *c, struct span s, uint64_t now)
{
	if (s.len > CHANNEL_GENERATION_MAX || generation_is(c, s))
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] <= ' ' || s.at[i] > '~')
			return false;
	if (!s.len)
		s = (struct span){ "0", 1 };
	memcpy(c->generation, s.at, s.len);
	c->generation[s.len] = 0;
	/* What the peer wrote last may be lost; late writes of its dead carry
	 * the old generation. */
	memset(&c->newest, 0, sizeof(c->newest));
	channel_rebind(c);
	for (unsigned int i = 0; i < c->slots; i++)
		c->out[i].due = c->out[i].used;
	return true;
}

/*
 * R12.  Silence is the time in which answers came and showed nothing new;
 * a daemon that does not answer is no evidence, so each gap between two
 * answers counts for a quarter of the lease at most.
 */
static void listen(struct channel *c, struct span text, uint64_t now)
{
	uint64_t lease = (uint64_t)c->peer_lease * 1000;
	uint64_t gap = now - c->answered_at;

	c->answered_at = now;
	if (text.len != c->peer_len || (text.len &&
	    memcmp(text.at, c->peer_text, text.len))) {
		if (text.len <= sizeof(c->peer_text)) {
			memcpy(c->peer_text, text.at, text.len);
			c->peer_len = text.len;
		}
		c->silence = 0;
		c->last_look = false;
		return;
	}
	c->silence += gap < lease / 4 ? gap : lease / 4;
	if (c->silence < lease || c->state != CHANNEL_UP)
		return;
	if (c->last_look)
		channel_stimulus(c, CHANNEL_PEER_SILENT, NULL, now);
	c->last_look = true;
	c->peer.wanted = true;
}

/* R3, R4: not up. */
static void meet(struct channel *c, const struct channel_status *s,
		 bool flushed, uint64_t now)
{
	if (!channel_epoch_is(&s->me, &c->you)) {
		channel_stimulus(c, s->says == CHANNEL_SAYS_QUIET ?
				 CHANNEL_PEER_LEFT : CHANNEL_PEER_NEW,
				 s, now);
		return;
	}
	if (!flushed || !channel_epoch_is(&s->you, &c->me))
		return;
	channel_stimulus(c, CHANNEL_PEER_BOUND, s, now);
	if (s->says == CHANNEL_SAYS_QUIET)
		channel_stimulus(c, CHANNEL_PEER_LEFT, s, now);
}

static void follow(struct channel *c, const struct channel_status *s,
		   uint64_t now)
{
	if (channel_epoch_is(&s->me, &c->you) &&
	    channel_epoch_is(&s->you, &c->me)) {
		/* Also when it leaves: fewer verdicts are in doubt. */
		channel_data_ack(c, s->wanted, now);
		if (s->says != CHANNEL_SAYS_QUIET) {
			c->slot.wanted |= s->next > c->rx;
			return;
		}
	}
	channel_stimulus(c, CHANNEL_PEER_LEFT, s, now);
}

static void status(struct channel *c, const struct channel_status *s,
		   bool flushed, uint64_t now)
{
	if (strcmp(s->generation, c->generation) ||
	    channel_epoch_order(&s->me, &c->newest) < 0) {
		c->stale++;
		return;
	}
	c->newest = s->me;
	c->dead = false;
	c->peer_lease = s->lease < 100 ? 100 :
			s->lease > 600000 ? 600000 : s->lease;
	if (flushed && channel_epoch_set(&c->held) &&
	    !channel_epoch_is(&s->you, &c->held))
		channel_free_held(c, now);
	if (c->state == CHANNEL_HELLO || c->state == CHANNEL_BOUND)
		meet(c, s, flushed, now);
	if (c->state == CHANNEL_UP)
		follow(c, s, now);
}

void channel_read_peer(struct channel *c, const struct channel_event *e,
		       uint64_t now)
{
	struct channel_status s;
	bool flushed;

	c->peer.busy = false;
	if (e->result && !nothing_there(e->result)) {
		c->peer.wanted = true;
		return;
	}
	take_generation(c, e->generation, now);
	flushed = c->read_binding == c->binding;
	c->absent = e->result != 0;
	if (c->absent) {
		c->answered_at = now;
		c->peer_len = 0;
		memset(&c->newest, 0, sizeof(c->newest));
		c->alive.wanted = c->state != CHANNEL_HELLO ||
				  channel_epoch_set(&c->held);
		return;
	}
	if (channel_status_parse(e->text, &s)) {
		c->bad_peer.row = 0;
		status(c, &s, flushed, now);
	} else {
		channel_garbage(c, &c->bad_peer, now);
	}
	listen(c, e->text, now);
}

/* R11. */
void channel_read_own(struct channel *c, const struct channel_event *e,
		      uint64_t now)
{
	struct channel_status s;

	c->own.busy = false;
	if (c->mute || !c->stored)
		return;
	if (e->result && !nothing_there(e->result)) {
		c->own.wanted = true;
		return;
	}
	take_generation(c, e->generation, now);
	/* Only what is stored in this generation can have been removed. */
	if (c->st.busy || c->own_serial != c->st_serial ||
	    c->stored != c->binding)
		return;
	if (e->result) {
		channel_stimulus(c, CHANNEL_REMOVED, NULL, now);
		return;
	}
	if (e->text.len == c->st_len && c->st_len &&
	    !memcmp(e->text.at, c->st_text, c->st_len))
		return;
	if (channel_status_parse(e->text, &s) &&
	    channel_epoch_order(&s.me, &c->me) > 0)
		channel_stimulus(c, CHANNEL_TAKEN, NULL, now);
	else
		channel_rebind(c);
}

void channel_read_alive(struct channel *c, const struct channel_event *e,
			uint64_t now)
{
	c->alive.busy = false;
	if (!e->result && !e->alive)
		channel_stimulus(c, CHANNEL_PEER_DEAD, NULL, now);
	else if (c->absent)
		channel_stimulus(c, CHANNEL_PEER_ABSENT, NULL, now);
}
