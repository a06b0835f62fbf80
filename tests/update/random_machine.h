/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine with a random past, for tests of what is made of its state: some
 * rings and sockets that read, write, watch, hold transactions open, send
 * half a message and do not take all of their output.
 */
#ifndef TESTS_UPDATE_RANDOM_MACHINE_H
#define TESTS_UPDATE_RANDOM_MACHINE_H

#include "xenstored/core/machine.h"

#define RANDOM_SOCKETS 3u
#define RANDOM_DOMAINS 4u	/* dom0 and three guests */
#define RANDOM_INSTANCE 1000u	/* of domain n: this + n + 16 * deaths */

struct random {
	uint64_t state;
};

uint64_t random_next(struct random *r);
/* 0 ... n - 1. */
unsigned int random_below(struct random *r, unsigned int n);

/* NULL only for want of memory.  `steps`: how much past it has. */
struct machine *random_machine(struct random *r, unsigned int steps);
/* What a host with nothing to say answers to all that is asked. */
void random_answer(struct machine *m);

#endif
