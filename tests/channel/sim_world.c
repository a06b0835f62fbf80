/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The world: store, connections, bells, processes.  See sim.h. */
#include "config.h"

#include "tests/channel/sim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t sim_random(struct sim *s)
{
	uint64_t z = s->random += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

unsigned int sim_below(struct sim *s, unsigned int n)
{
	return (unsigned int)(sim_random(s) % n);
}

void sim_must(struct sim *s, bool what, const char *text, int line)
{
	if (what)
		return;
	printf("not so: %s (line %d)\nseed %llu, step %lu, time %llu us\n"
	       "again: test_sim --seed %llu --runs 1\n", text, line,
	       (unsigned long long)s->seed, s->steps,
	       (unsigned long long)s->now, (unsigned long long)s->seed);
	exit(1);
}

static void entropy(void *ctx, uint8_t *random)
{
	for (int i = 0; i < 16; i++)
		random[i] = (uint8_t)sim_random(ctx);
}

static struct span generation(struct sim *s, char *text, size_t size)
{
	int n = snprintf(text, size, "%u", s->generation);

	return (struct span){ text, (size_t)n };
}

/* A new process reads its old st and the generation, and begins. */
void sim_start(struct sim *s, unsigned int i)
{
	struct sim_end *e = &s->end[i];
	struct sim_node *st = &s->home[i].st;
	struct span old = { st->text, st->there ? st->len : 0 };
	char text[16];

	s->now += 1000;
	channel_start(&e->c, e->memory, SIM_SLOTS, SIM_LEASE,
		      s->now / 1000, old,
		      generation(s, text, sizeof(text)), entropy, s, s->now);
	e->ops = 0;
	e->up = e->in_hand = e->must_let_go = false;
	e->bell_st = e->bell_slot = e->bell_own = true;
	e->running = true;
	e->frozen = e->closed = e->ended = e->dead = false;
	memset(&e->uses, 0, sizeof(e->uses));
	for (unsigned int k = 0; k < SIM_MESSAGES; k++)
		e->message[k].used = false;
}

void sim_begin(struct sim *s, uint64_t seed)
{
	memset(s->home, 0, sizeof(s->home));
	memset(s->old, 0, sizeof(s->old));
	s->seed = s->random = seed;
	s->now = 1000000000;
	s->generation = 1;
	s->steps = 0;
	s->refuse = s->garbage = false;
	s->troubles = 0;
	sim_image_begin();
	s->ghost_there[0] = s->ghost_there[1] = false;
	for (unsigned int i = 0; i < 2; i++) {
		struct sim_end *e = &s->end[i];

		if (!e->memory)
			e->memory = malloc(channel_memory(SIM_SLOTS));
		if (!e->memory)
			exit(99);
		e->cycles = e->freeds = 0;
		memset(&e->moved_at, 0, sizeof(e->moved_at));
		sim_start(s, i);
	}
}

void sim_event(struct sim *s, unsigned int i, struct channel_event e)
{
	channel_step(&s->end[i].c, &e, s->now);
}

/* ------------------------------------------------------------ the store -- */

static void bells(struct sim *s, unsigned int i, bool slot)
{
	struct sim_end *peer = &s->end[1 - i];

	s->end[i].bell_own |= !slot;
	if (!sim_below(s, 8))
		return;			/* lost */
	if (slot)
		peer->bell_slot = true;
	else
		peer->bell_st = true;
}

static void put(struct sim *s, unsigned int i, const struct sim_op *op)
{
	bool slot = op->type == CHANNEL_DO_WRITE_SLOT;
	struct sim_node *n = slot ? &s->home[i].slot[op->slot] :
				    &s->home[i].st;

	n->there = true;
	n->len = op->len;
	memcpy(n->text, op->text, op->len);
	bells(s, i, slot);
}

static void get(struct sim *s, const struct sim_node *n, struct sim_op *op)
{
	op->result = n->there ? 0 : -ENOENT;
	op->len = n->there ? n->len : 0;
	memcpy(op->text, n->text, op->len);
	generation(s, op->generation, sizeof(op->generation));
}

static void apply(struct sim *s, unsigned int i, struct sim_op *op)
{
	switch (op->type) {
	case CHANNEL_DO_WRITE_STATUS:
	case CHANNEL_DO_WRITE_SLOT:
		op->result = s->refuse ? s->refuse_error : 0;
		if (!op->result)
			put(s, i, op);
		break;
	case CHANNEL_DO_READ_PEER:
		get(s, &s->home[1 - i].st, op);
		break;
	case CHANNEL_DO_READ_OWN:
		get(s, &s->home[i].st, op);
		break;
	case CHANNEL_DO_READ_SLOT:
		get(s, &s->home[1 - i].slot[op->slot], op);
		break;
	default:
		op->result = 0;
		op->alive = !s->end[1 - i].dead;
	}
	op->landed = true;
}

/* The daemon takes the next request of an end. */
bool sim_land(struct sim *s, unsigned int i)
{
	struct sim_end *e = &s->end[i];

	for (unsigned int k = 0; k < e->ops; k++)
		if (!e->op[k].landed) {
			apply(s, i, &e->op[k]);
			return true;
		}
	return false;
}

static void answer(struct sim *s, unsigned int i, const struct sim_op *op)
{
	static const enum channel_event_type events[] = {
		[CHANNEL_DO_WRITE_STATUS] = CHANNEL_EV_WROTE_STATUS,
		[CHANNEL_DO_WRITE_SLOT] = CHANNEL_EV_WROTE_SLOT,
		[CHANNEL_DO_READ_PEER] = CHANNEL_EV_PEER,
		[CHANNEL_DO_READ_OWN] = CHANNEL_EV_OWN,
		[CHANNEL_DO_READ_SLOT] = CHANNEL_EV_SLOT,
		[CHANNEL_DO_ASK_ALIVE] = CHANNEL_EV_ALIVE,
	};
	struct channel_event e = {
		.type = events[op->type], .result = op->result,
		.slot = op->slot, .text = { op->text, op->len },
		.generation = { op->generation, strlen(op->generation) },
		.alive = op->alive,
	};

	sim_event(s, i, e);
}

/* The oldest answer reaches its end. */
bool sim_answer(struct sim *s, unsigned int i)
{
	struct sim_end *e = &s->end[i];
	struct sim_op op;

	if (!e->ops || !e->op[0].landed || e->frozen)
		return false;
	op = e->op[0];
	memmove(e->op, e->op + 1, --e->ops * sizeof(e->op[0]));
	answer(s, i, &op);
	return true;
}

void sim_bell(struct sim *s, unsigned int i)
{
	struct sim_end *e = &s->end[i];
	struct channel_event ev = { CHANNEL_EV_TIME };

	if (e->frozen)
		return;
	if (e->bell_slot)
		ev = (struct channel_event){
			.type = CHANNEL_EV_BELL_SLOT,
			.slot = sim_below(s, SIM_SLOTS) };
	else if (e->bell_st)
		ev.type = CHANNEL_EV_BELL_STATUS;
	else if (e->bell_own)
		ev.type = CHANNEL_EV_BELL_OWN;
	sim_event(s, i, ev);
	if (!sim_below(s, 4))
		return;			/* doubled */
	if (e->bell_slot)
		e->bell_slot = false;
	else if (e->bell_st)
		e->bell_st = false;
	else
		e->bell_own = false;
}

/* ---------------------------------------------------------- the process -- */

void sim_run(struct sim *s, unsigned int i, unsigned int actions)
{
	struct sim_end *e = &s->end[i];
	struct channel_action a;

	while (actions-- && !e->frozen) {
		struct sim_op *op = &e->op[e->ops];

		channel_action(&e->c, e->ops < SIM_OPS, &a, s->now);
		if (a.type == CHANNEL_DO_NOTHING)
			return;
		if (a.type < CHANNEL_DO_WRITE_STATUS) {
			sim_saw(s, i, &a);
			continue;
		}
		memset(op, 0, offsetof(struct sim_op, text));
		op->type = a.type;
		op->slot = a.slot;
		op->len = a.text.len;
		if (a.text.len)
			memcpy(op->text, a.text.at, a.text.len);
		op->generation[0] = 0;
		e->ops++;
	}
}

/* It dies; a request under way may reach the daemon long after. */
void sim_kill(struct sim *s, unsigned int i)
{
	struct sim_end *e = &s->end[i];
	unsigned int keep = e->ops && !e->dead ? sim_below(s, e->ops + 1) : 0;

	for (unsigned int k = 0; k < keep; k++)
		if (!e->op[k].landed &&
		    (e->op[k].type == CHANNEL_DO_WRITE_STATUS ||
		     e->op[k].type == CHANNEL_DO_WRITE_SLOT)) {
			s->ghost[i] = e->op[k];
			s->ghost_there[i] = true;
			if (sim_below(s, 2))
				break;
		}
	s->troubles++;
	if (!e->dead)
		sim_start(s, i);
}

void sim_ghost(struct sim *s, unsigned int i)
{
	if (!s->ghost_there[i])
		return;
	s->ghost_there[i] = false;
	s->troubles++;
	put(s, i, &s->ghost[i]);
}

/* Requests not answered may or may not have been done. */
static void hang_up(struct sim *s, unsigned int i)
{
	struct sim_end *e = &s->end[i];
	unsigned int done = e->ops ? sim_below(s, e->ops + 1) : 0;

	for (unsigned int k = 0; k < e->ops; k++)
		if (!e->op[k].landed && k < done)
			apply(s, i, &e->op[k]);
	for (unsigned int k = 0; k < e->ops; k++) {
		e->op[k].landed = true;
		e->op[k].result = -ECONNRESET;
		e->op[k].len = 0;
	}
}

void sim_restart(struct sim *s, bool lose)
{
	hang_up(s, 0);
	hang_up(s, 1);
	s->ghost_there[0] = s->ghost_there[1] = false;
	if (!lose)
		return;
	s->troubles++;
	memcpy(s->home, s->old, sizeof(s->home));
	s->generation++;
}

/* Another domid: an empty home, nothing under way. */
void sim_move(struct sim *s, unsigned int i)
{
	struct channel_event e = { CHANNEL_EV_MOVED };

	if (s->end[i].ops || s->end[i].frozen)
		return;
	s->ghost_there[i] = false;
	memset(&s->home[i], 0, sizeof(s->home[i]));
	memset(&s->old[i], 0, sizeof(s->old[i]));
	s->troubles++;
	s->end[i].moved_at = s->end[i].c.me;
	sim_event(s, i, e);
}

void sim_send(struct sim *s, unsigned int i, unsigned int len)
{
	struct sim_end *e = &s->end[i];
	struct sim_message *m = e->message;
	struct sim_cycle *cycle;

	while (m < e->message + SIM_MESSAGES && m->used)
		m++;
	if (m == e->message + SIM_MESSAGES || !e->up)
		return;
	cycle = &e->cycle[e->cycles - 1];
	m->cycle = e->cycles - 1;
	m->index = cycle->sent;
	m->m.data = m->bytes;
	m->m.len = len;
	sim_fill_message(m->bytes, len, m->index);
	if (channel_submit(&e->c, &m->m, s->now))
		return;
	m->used = true;
	cycle->sent++;
}
