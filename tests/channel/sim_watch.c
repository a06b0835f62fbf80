/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must hold at each callback, and at rest.  See sim.h. */
#include "config.h"

#include "tests/channel/sim.h"

#include <string.h>

/* Bytes that tell their index and length, to see swaps and cuts. */
void sim_fill_message(char *bytes, size_t len, uint64_t mark)
{
	uint64_t z = mark * 0x9e3779b97f4a7c15u + len;

	for (size_t i = 0; i < len; i++) {
		if (!(i & 7))
			z = (z ^ (z >> 29)) * 0xbf58476d1ce4e5b9u + i;
		bytes[i] = (char)(z >> 8 * (i & 7));
	}
}

static struct sim_cycle *last(struct sim_end *e)
{
	return &e->cycle[e->cycles - 1];
}

/* The same pair, seen from the other side; NULL if it never was up there. */
static struct sim_cycle *other(struct sim *s, unsigned int i,
			       const struct sim_cycle *mine)
{
	struct sim_end *peer = &s->end[1 - i];

	if (mine->alien)
		return NULL;
	for (unsigned int k = peer->cycles; k--;)
		if (!peer->cycle[k].alien &&
		    channel_epoch_is(&peer->cycle[k].me, &mine->you) &&
		    channel_epoch_is(&peer->cycle[k].you, &mine->me))
			return &peer->cycle[k];
	return NULL;
}

static void saw_up(struct sim *s, unsigned int i)
{
	struct sim_end *e = &s->end[i], *peer = &s->end[1 - i];
	struct sim_cycle *cycle;

	SIM_MUST(s, !e->up && !e->ended);
	for (unsigned int k = 0; k < e->cycles; k++)
		SIM_MUST(s, !channel_epoch_is(&e->cycle[k].me, &e->c.me));
	/* Never into what the peer has taken back. */
	for (unsigned int k = 0; k < peer->freeds; k++)
		SIM_MUST(s, !channel_epoch_is(&peer->freed[k], &e->c.you));
	SIM_MUST(s, e->cycles < SIM_CYCLES);
	cycle = &e->cycle[e->cycles++];
	memset(cycle, 0, sizeof(*cycle));
	cycle->me = e->c.me;
	cycle->you = e->c.you;
	cycle->never = ~0u;
	e->up = true;
	e->uses = e->c.you;
}

static void saw_message(struct sim *s, unsigned int i, struct span text)
{
	struct sim_cycle *mine = last(&s->end[i]);
	struct sim_cycle *from = other(s, i, mine);
	static char want[SIM_BYTES];

	SIM_MUST(s, s->end[i].up && !s->end[i].in_hand);
	SIM_MUST(s, from);
	SIM_MUST(s, mine->handed < from->sent);
	SIM_MUST(s, mine->handed < from->never);
	sim_fill_message(want, text.len, mine->handed);
	SIM_MUST(s, text.len <= SIM_BYTES &&
		 !memcmp(want, text.at, text.len));
	mine->handed++;
	s->end[i].in_hand = true;
	if (sim_below(s, 4))
		sim_complete(s, i);
}

void sim_complete(struct sim *s, unsigned int i)
{
	if (!s->end[i].in_hand)
		return;
	s->end[i].in_hand = false;
	last(&s->end[i])->completed++;
	sim_event(s, i, (struct channel_event){ CHANNEL_EV_COMPLETE });
}

static void saw_done(struct sim *s, unsigned int i,
		     const struct channel_action *a)
{
	struct sim_message *m = (struct sim_message *)(void *)a->message;
	struct sim_cycle *mine = &s->end[i].cycle[m->cycle];
	struct sim_cycle *to = other(s, i, mine);

	SIM_MUST(s, m->used && m->index == mine->ended);
	m->used = false;
	mine->ended++;
	if (mine->alien)
		return;
	if (a->verdict == PX_CHANNEL_DELIVERED)
		SIM_MUST(s, to && m->index < to->completed);
	if (a->verdict == PX_CHANNEL_NEVER_SENT) {
		SIM_MUST(s, !to || m->index >= to->handed);
		if (mine->never > m->index)
			mine->never = m->index;
	}
}

static void saw_down(struct sim *s, unsigned int i)
{
	struct sim_end *e = &s->end[i];

	SIM_MUST(s, e->up);
	SIM_MUST(s, last(e)->ended == last(e)->sent);
	e->up = e->in_hand = false;
	e->must_let_go = true;
	if (sim_below(s, 2))
		sim_let_go(s, i);
}

void sim_let_go(struct sim *s, unsigned int i)
{
	struct sim_end *e = &s->end[i];

	if (!e->must_let_go)
		return;
	e->must_let_go = false;
	memset(&e->uses, 0, sizeof(e->uses));
	sim_event(s, i, (struct channel_event){ CHANNEL_EV_LET_GO });
}

static void saw_released(struct sim *s, unsigned int i,
			 const struct channel_epoch *epoch)
{
	struct sim_end *e = &s->end[i];

	SIM_MUST(s, !e->up && !e->must_let_go);
	SIM_MUST(s, channel_epoch_is(epoch, &last(e)->me));
	/* Pages of the domain we were before a move are not ours to free. */
	if (channel_epoch_order(epoch, &e->moved_at) <= 0)
		return;
	SIM_MUST(s, !channel_epoch_is(epoch, &s->end[1 - i].uses));
	SIM_MUST(s, e->freeds < SIM_CYCLES);
	e->freed[e->freeds++] = *epoch;
}

void sim_saw(struct sim *s, unsigned int i, const struct channel_action *a)
{
	switch (a->type) {
	case CHANNEL_DO_UP:
		saw_up(s, i);
		break;
	case CHANNEL_DO_MESSAGE:
		saw_message(s, i, a->text);
		break;
	case CHANNEL_DO_DONE:
		saw_done(s, i, a);
		break;
	case CHANNEL_DO_DOWN:
		saw_down(s, i);
		break;
	case CHANNEL_DO_RELEASED:
		saw_released(s, i, &a->epoch);
		break;
	default:
		SIM_MUST(s, a->type == CHANNEL_DO_ENDED && !s->end[i].up &&
			 s->end[i].closed);
		s->end[i].ended = true;
	}
}

/* After all troubles: up together, everything delivered, nothing held. */
void sim_at_rest(struct sim *s)
{
	unsigned int lonely = 0;

	for (unsigned int i = 0; i < 2; i++) {
		struct sim_end *e = &s->end[i];

		SIM_MUST(s, e->up && !e->c.tell_down);
		SIM_MUST(s, other(s, i, last(e)) == last(&s->end[1 - i]));
		SIM_MUST(s, last(e)->ended == last(e)->sent);
		SIM_MUST(s, last(e)->sent ==
			 last(&s->end[1 - i])->completed);
		SIM_MUST(s, !channel_epoch_set(&e->c.held));
		SIM_MUST(s, s->garbage || !e->c.garbage);
		for (unsigned int k = 0; k < e->cycles; k++)
			lonely += !other(s, i, &e->cycle[k]);
	}
	/* A cycle that only one end saw costs a trouble of its own. */
	SIM_MUST(s, lonely <= s->troubles);
}
