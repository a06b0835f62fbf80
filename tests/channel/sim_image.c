/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Domains that die, and images of domains that are restored, more than once.
 * A restored one lives under another domid, so the old one's nodes are not
 * its own, and its peer begins a new end for it.  What it remembers of the
 * cycle it was saved in is true of another life: its verdicts there are not
 * held against what the peer saw.
 */
#include "config.h"

#include "tests/channel/sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct image {
	bool there;
	struct channel c;
	struct sim_op op[SIM_OPS];
	unsigned int ops;
	bool up, in_hand, must_let_go, closed;
	struct sim_message message[SIM_MESSAGES];
	struct sim_cycle cycle;
	char *memory;
};

static struct image images[2];

void sim_image_begin(void)
{
	images[0].there = images[1].there = false;
}

static void no_home(struct sim *s, unsigned int i)
{
	memset(&s->home[i], 0, sizeof(s->home[i]));
	memset(&s->old[i], 0, sizeof(s->old[i]));
	s->ghost_there[i] = false;
}

/* Another domain takes its place, later; until then there is none. */
void sim_destroy(struct sim *s, unsigned int i)
{
	struct sim_end *e = &s->end[i];

	if (e->dead)
		return;
	s->troubles++;
	no_home(s, i);
	e->dead = e->frozen = true;
	e->wake_at = s->now + sim_below(s, 2 * SIM_LEASE * 1000);
	e->ops = 0;
	memset(&e->uses, 0, sizeof(e->uses));
	if (sim_below(s, 4))
		sim_event(s, 1 - i, (struct channel_event){
			CHANNEL_EV_BELL_DOMAIN });
}

void sim_reborn(struct sim *s, unsigned int i)
{
	struct sim_end *e = &s->end[i];

	if (!e->dead || s->now < e->wake_at)
		return;
	e->dead = false;
	sim_start(s, i);
}

/* Nothing runs meanwhile. */
void sim_snapshot(struct sim *s, unsigned int i)
{
	struct sim_end *e = &s->end[i];
	struct image *m = &images[i];

	/* An up that its client has not been told would be told in each. */
	if (e->dead || e->frozen || e->ended || !e->cycles || e->c.tell_up)
		return;
	if (!m->memory)
		m->memory = malloc(channel_memory(SIM_SLOTS));
	if (!m->memory)
		exit(99);
	m->there = true;
	m->c = e->c;
	memcpy(m->memory, e->memory, channel_memory(SIM_SLOTS));
	memcpy(m->op, e->op, sizeof(m->op));
	memcpy(m->message, e->message, sizeof(m->message));
	m->ops = e->ops;
	m->up = e->up;
	m->in_hand = e->in_hand;
	m->must_let_go = e->must_let_go;
	m->closed = e->closed;
	m->cycle = e->cycle[e->cycles - 1];
}

static void remember(struct sim *s, unsigned int i, const struct image *m)
{
	struct sim_end *e = &s->end[i];

	e->c = m->c;
	memcpy(e->memory, m->memory, channel_memory(SIM_SLOTS));
	memcpy(e->op, m->op, sizeof(e->op));
	memcpy(e->message, m->message, sizeof(e->message));
	e->ops = m->ops;
	e->up = m->up;
	e->in_hand = m->in_hand;
	e->must_let_go = m->must_let_go;
	e->closed = m->closed;
	e->dead = e->frozen = e->ended = false;
	e->bell_st = e->bell_slot = e->bell_own = true;
	memset(&e->uses, 0, sizeof(e->uses));
	SIM_MUST(s, e->cycles < SIM_CYCLES);
	e->cycle[e->cycles] = m->cycle;
	e->cycle[e->cycles].alien = true;
	for (unsigned int k = 0; k < SIM_MESSAGES; k++)
		e->message[k].cycle = e->cycles;
	e->cycles++;
	e->moved_at = e->c.me;
}

/* The requests it had under way were another domain's. */
static void hang_up(struct sim *s, unsigned int i)
{
	struct sim_end *e = &s->end[i];

	for (unsigned int k = 0; k < e->ops; k++) {
		e->op[k].landed = true;
		e->op[k].result = -ECONNRESET;
		e->op[k].len = 0;
	}
	while (sim_answer(s, i))
		;
}

void sim_restore(struct sim *s, unsigned int i)
{
	const struct image *m = &images[i];
	struct channel_event moved = { CHANNEL_EV_MOVED };

	if (!m->there || s->end[i].cycles + 2 >= SIM_CYCLES)
		return;
	s->troubles += 4;
	no_home(s, i);
	no_home(s, 1 - i);
	remember(s, i, m);
	hang_up(s, i);
	sim_event(s, i, moved);
	s->end[1 - i].dead = false;
	sim_start(s, 1 - i);
}

static struct sim_node *slot_wanted(struct sim *s, unsigned int i)
{
	return &s->home[i].slot[s->end[i].c.acked % SIM_SLOTS];
}

static void ring_all(struct sim *s, unsigned int i)
{
	s->troubles++;
	s->end[i].bell_own = s->end[1 - i].bell_st = true;
	s->end[1 - i].bell_slot = true;
}

/*
 * The slot that the peer wants is overwritten by what a process long dead had
 * under way.  (Late writes of st are sim_ghost()'s: they are of a generation
 * that their writer knew.)
 */
void sim_late(struct sim *s, unsigned int i)
{
	struct channel_slot m = { .me = { .inc = 1, .cnt = sim_below(s, 9) },
				  .seq = sim_below(s, 9), .parts = 1 };
	struct sim_node *n = slot_wanted(s, i);

	ring_all(s, i);
	if (n->there)
		n->len = channel_slot_format(n->text, &m);
}

/* Somebody scribbles over a node, which its owner has to mend. */
void sim_garbage(struct sim *s, unsigned int i)
{
	struct sim_node *n = sim_below(s, 2) ? slot_wanted(s, i) :
					       &s->home[i].st;

	ring_all(s, i);
	if (!n->there)
		return;
	n->len = sim_below(s, 40);
	for (size_t k = 0; k < n->len; k++)
		n->text[k] = (char)sim_random(s);
	s->garbage = true;
}
