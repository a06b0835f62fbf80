/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The core in a scripted world that lets it die.
 *
 * Two machines get the same inputs.  The twin never dies.  The live one does,
 * at a random point of every step: before an input is in the journal, after
 * that and before it is executed, after it is executed, after the host has
 * fetched what it asks.  It is brought back as the daemon's recovery does it
 * (docs/recovery.md): an earlier image, the inputs since, asks asked again.
 * Then nothing may tell the two apart: digest, every undelivered byte, what
 * is asked, what is wanted.
 *
 * Time is virtual: a number that a deed of the scenario moves.
 */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include "tests/property/bag.h"
#include "tests/property/harness.h"

enum { SIM_IMAGES = 4, SIM_TRAY_MAX = 65536 };

/* One record of the journal: an input with its own copy of the bytes. */
struct entry {
	struct machine_input in;
	char *data;
};

struct sim_image {
	struct bag bag;
	uint64_t at;		/* inputs executed before it was written */
	uint64_t digest;
};

struct sim_place {
	uint32_t id;
	struct bytes tray;	/* written by the client, not yet read */
	uint32_t error;		/* the machine gave the ring up for that */
};

struct sim_ask {
	struct machine_ask ask;
	char *data;
};

struct sim {
	const struct scenario *s;
	struct machine *twin, *live;
	uint64_t rnd;
	/* The journal holds inputs `first` to `fed` - 1. */
	struct entry *journal;
	uint64_t first, fed;
	struct sim_image images[SIM_IMAGES];
	unsigned int nimages;
	/* The checkpoint that is kept up to date by differences. */
	struct bag kept;
	struct node *snapshot;
	/* The world. */
	struct sim_place places[SCENARIO_CONNS];
	struct world world[SCENARIO_DOMIDS];
	struct sim_ask *pending;	/* fetched from the twin, not answered */
	size_t npending;
	uint32_t sockets;
	uint64_t instances, time;
	/* What happened, so that a test that did nothing is seen. */
	size_t crashes, replayed, asked_again, told_again, differences;
	size_t conflicts, held;
	char failure[4096];
};

/* All of a scenario, crashes included; false, and `failure` says why. */
bool sim_run(struct sim *sim, const struct scenario *s);
void sim_fail(struct sim *sim, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* world.c: what one deed comes to, as inputs for sim_feed(). */
void sim_begin(struct sim *sim);
void sim_do(struct sim *sim, const struct deed *d);
/* A connection is gone or given up: what its client still had to say. */
void sim_gone(struct sim *sim, const struct machine_ask *ask);

/* sim.c: one input to both machines, with whatever befalls the live one. */
void sim_feed(struct sim *sim, const struct machine_input *in);

/* crash.c */
void sim_journal(struct sim *sim, const struct machine_input *in);
void sim_checkpoint(struct sim *sim);
/* The live machine dies and is brought back. */
void sim_crash(struct sim *sim);
void sim_forget(struct sim *sim);
bool sim_has_answer(const struct machine_ask *ask);

#endif
