/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two ends of a channel in a world made of random numbers: a store whose
 * nodes are registers, connections that answer in order and late, bells that
 * are lost, doubled and late, processes that die, freeze and leave a last
 * write behind, a daemon that restarts with and without its newest writes.
 * Time is virtual.  sim_world.c is the world, sim_trouble.c and sim_image.c
 * what goes wrong in it, sim_watch.c what must hold, test_sim.c chooses what
 * happens, or has sim_model.c do what a run of the model did.
 */
#ifndef TESTS_CHANNEL_SIM_H
#define TESTS_CHANNEL_SIM_H

#include "lib/channel_core.h"

enum {
	SIM_SLOTS = 4,
	SIM_OPS = 64,		/* unanswered at a time */
	SIM_LEASE = 3000,	/* milliseconds */
	SIM_MESSAGES = 24,	/* given to the library at a time */
	SIM_CYCLES = 4000,
	SIM_BYTES = SIM_SLOTS * CHANNEL_BODY_MAX
};

struct sim_node {
	bool there;
	size_t len;
	char text[CHANNEL_SLOT_MAX];
};

struct sim_home {
	struct sim_node st;
	struct sim_node slot[SIM_SLOTS];
};

struct sim_op {
	enum channel_action_type type;
	unsigned int slot;
	bool landed;
	int result;
	bool alive;
	size_t len;
	char text[CHANNEL_SLOT_MAX];
	char generation[16];
};

struct sim_message {
	struct px_channel_message m;
	bool used;
	unsigned int cycle;
	unsigned int index;
	char bytes[SIM_BYTES];
};

/* What one end did and saw from an up to its down. */
struct sim_cycle {
	struct channel_epoch me, you;
	unsigned int sent;
	unsigned int ended;	/* messages with a verdict */
	unsigned int handed;	/* messages received, and completed */
	unsigned int completed;
	unsigned int never;	/* from here on: "never sent"; ~0 if not */
	bool alien;		/* of the life that an image was taken of */
};

struct sim_end {
	struct channel c;
	char *memory;
	struct sim_op op[SIM_OPS];
	unsigned int ops;
	bool up, in_hand, must_let_go, running, frozen, bell_st, bell_slot;
	bool bell_own, closed, ended, dead;
	uint64_t wake_at;
	struct sim_message message[SIM_MESSAGES];
	struct sim_cycle cycle[SIM_CYCLES];
	unsigned int cycles;
	struct channel_epoch moved_at;	/* its epoch at its last move */
	struct channel_epoch uses;	/* the peer's pages mapped here */
	struct channel_epoch freed[SIM_CYCLES];
	unsigned int freeds;
};

struct sim {
	uint64_t seed, random, now;
	unsigned long steps;
	unsigned int generation;
	struct sim_home home[2], old[2];	/* old: what may come back */
	bool refuse;				/* quota: every write */
	int refuse_error;
	bool garbage;				/* there was some */
	unsigned int troubles;
	struct sim_op ghost[2];
	bool ghost_there[2];
	struct sim_end end[2];
};

/* Everything that is looked for. */
#define SIM_MUST(s, what) sim_must(s, what, #what, __LINE__)
void sim_must(struct sim *s, bool what, const char *text, int line);

uint64_t sim_random(struct sim *s);
unsigned int sim_below(struct sim *s, unsigned int n);

/* sim_world.c */
void sim_begin(struct sim *s, uint64_t seed);
void sim_start(struct sim *s, unsigned int i);
void sim_event(struct sim *s, unsigned int i, struct channel_event e);
void sim_run(struct sim *s, unsigned int i, unsigned int actions);
bool sim_land(struct sim *s, unsigned int i);
bool sim_answer(struct sim *s, unsigned int i);
void sim_bell(struct sim *s, unsigned int i);
void sim_kill(struct sim *s, unsigned int i);
void sim_ghost(struct sim *s, unsigned int i);
void sim_restart(struct sim *s, bool lose);
void sim_move(struct sim *s, unsigned int i);
void sim_send(struct sim *s, unsigned int i, unsigned int len);

/* sim_image.c */
void sim_image_begin(void);
void sim_destroy(struct sim *s, unsigned int i);
/* A domain in the place of a dead one, when it is time. */
void sim_reborn(struct sim *s, unsigned int i);
void sim_snapshot(struct sim *s, unsigned int i);
void sim_restore(struct sim *s, unsigned int i);
void sim_late(struct sim *s, unsigned int i);
void sim_garbage(struct sim *s, unsigned int i);

/* sim_trouble.c: one of them, for end i; what there was, and if all was. */
void sim_trouble(struct sim *s, unsigned int i);
bool sim_trouble_print(void);

/* sim_model.c: a step by the name that the model has for it; false: none. */
bool sim_follow(struct sim *s, const char *step, unsigned int i);

/* sim_watch.c: called at each callback. */
void sim_saw(struct sim *s, unsigned int i, const struct channel_action *a);
void sim_let_go(struct sim *s, unsigned int i);
void sim_complete(struct sim *s, unsigned int i);
void sim_at_rest(struct sim *s);
void sim_fill_message(char *bytes, size_t len, uint64_t mark);

#endif
