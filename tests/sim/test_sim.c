/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The simulation: random scenarios in which the machine dies at every step.
 *
 *   test_sim [--seeds FIRST-LAST] [--length N] [--seconds N]
 *
 * --seeds    run these (default: from 1, until --seconds are over)
 * --seconds  stop beginning new seeds after so long (default 5)
 * --length   deeds in a scenario (default 60)
 *
 * A failure prints the seed and the command that repeats it.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/property/seeds.h"
#include "tests/sim/sim.h"

struct totals {
	size_t scenarios, failed, inputs, crashes, replayed, asked, told;
	size_t differences, conflicts, held;
};

static void one_seed(unsigned long long seed, const struct seeds *o,
		     struct totals *t)
{
	static struct sim sim;
	struct scenario s;

	scenario_make(&s, seed, o->number);
	t->scenarios++;
	if (!sim_run(&sim, &s)) {
		t->failed++;
		printf("FAILED seed %llu after %llu inputs: %s\n"
		       "repeat with: test_sim --seeds %llu-%llu --length %llu\n",
		       seed, (unsigned long long)sim.fed, sim.failure, seed,
		       seed, o->number);
		fflush(stdout);
	}
	t->inputs += sim.fed;
	t->crashes += sim.crashes;
	t->replayed += sim.replayed;
	t->asked += sim.asked_again;
	t->told += sim.told_again;
	t->differences += sim.differences;
	t->conflicts += sim.conflicts;
	t->held += sim.held;
	scenario_free(&s);
}

int main(int argc, char **argv)
{
	struct seeds o = { .first = 1, .last = ~0ULL - 1, .seconds = 5,
			   .number = 60 };
	struct totals t = { 0 };
	unsigned long long seed;

	if (!seeds_begin(&o, "length", argc, argv))
		return 2;
	while (seeds_next(&o, &seed))
		one_seed(seed, &o, &t);
	printf("test_sim: %zu scenarios, %zu inputs, %zu deaths, "
	       "%zu inputs replayed, %zu asks and %zu ring errors again, "
	       "%zu differential images, %zu conflicts, %zu requests held, "
	       "%zu failed\n", t.scenarios, t.inputs, t.crashes, t.replayed,
	       t.asked, t.told, t.differences, t.conflicts, t.held, t.failed);
	/* A simulation in which nothing happened has shown nothing. */
	return t.failed || !t.crashes || !t.replayed || !t.asked || !t.told ||
	       !t.differences || !t.conflicts || !t.held;
}
