/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A scenario: a list of things that clients, guests, the hypervisor and the
 * host do, made from a seed alone.  It does not depend on what the machine
 * answers, so that any part of it can be left out and the rest still means
 * something: that is what makes shrinking cheap.
 */
#ifndef TESTS_PROPERTY_SCENARIO_H
#define TESTS_PROPERTY_SCENARIO_H

#include <stdio.h>

#include "xenstored/core/machine.h"

enum {
	SCENARIO_GUESTS = 4,	/* domids 1..4 may have rings; 5..7 never do */
	SCENARIO_DOMIDS = 8,
	SCENARIO_SOCKETS = 2,
	/* Places: sockets first, then dom0's ring and the guests'. */
	SCENARIO_CONNS = SCENARIO_SOCKETS + 1 + SCENARIO_GUESTS,
};

enum deed_type {
	DEED_REQUEST,	/* the client puts a request into its out-tray */
	DEED_FEED,	/* up to `n` bytes of the tray reach the machine */
	DEED_TAKE,	/* up to `n` bytes of output reach the reader */
	DEED_ANSWER,	/* the host answers `n` of what it was asked */
	DEED_WORLD,	/* domain `domid` changes its state to `n` */
	DEED_OPEN,	/* the socket is closed if open, opened if closed */
	DEED_RESET,	/* the guest resets its ring */
	DEED_FAIL,	/* the host gives the ring up */
	DEED_OVERLONG,	/* a header that announces too much */
	DEED_TIME,	/* time moves on */
	DEED_DRAIN,	/* everything is fed, answered and taken */
};

enum world_state {
	WORLD_GONE,
	WORLD_RUNS,
	WORLD_REBORN,	/* gone and there again, seen in one step */
	WORLD_SHUTDOWN,
	WORLD_DYING,
	WORLD_STATES
};

struct deed {
	enum deed_type type;
	unsigned int conn;	/* index of the place */
	unsigned int domid;
	size_t n;
	struct wire_header header;
	char *payload;
};

struct scenario {
	uint64_t seed;
	struct machine_config config;
	bool answers_at_once;
	/*
	 * Of contend.c: several connections wait at once with more requests
	 * behind, and in what order these come decides; so input is not cut
	 * differently for the second machine.
	 */
	bool contended;
	struct deed *deeds;
	size_t count;
};

/* A small generator of pseudo-random numbers; the seed is the state. */
uint64_t random_next(uint64_t *state);
unsigned int random_below(uint64_t *state, unsigned int n);

void scenario_make(struct scenario *s, uint64_t seed, size_t length);
/* The same, where the bytes of an input decide instead of chance. */
void scenario_read(struct scenario *s, const uint8_t *bytes, size_t len);
void scenario_free(struct scenario *s);
void message_print(FILE *to, const struct wire_header *h, const char *payload);
void deed_print(FILE *to, const struct deed *d);

#endif
