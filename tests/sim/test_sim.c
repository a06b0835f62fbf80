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

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/sim/sim.h"

struct options {
	unsigned long long first, last, length;
	double seconds;
};

struct totals {
	size_t scenarios, failed, inputs, crashes, replayed, asked, told;
	size_t differences, conflicts, held;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void one_seed(unsigned long long seed, const struct options *o,
		     struct totals *t)
{
	static struct sim sim;
	struct scenario s;

	scenario_make(&s, seed, o->length);
	t->scenarios++;
	if (!sim_run(&sim, &s)) {
		t->failed++;
		printf("FAILED seed %llu after %llu inputs: %s\n"
		       "repeat with: test_sim --seeds %llu-%llu --length %llu\n",
		       seed, (unsigned long long)sim.fed, sim.failure, seed,
		       seed, o->length);
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

static bool parse(struct options *o, int which, const char *arg)
{
	unsigned long long v, w;
	char *end;

	v = w = strtoull(arg, &end, 10);
	if (end == arg)
		return false;
	if (which == 's') {
		if (*end == '-')
			w = strtoull(end + 1, &end, 10);
		o->first = v;
		o->last = w;
		o->seconds = 1e9;
	} else if (which == 'l') {
		o->length = v;
	} else {
		o->seconds = (double)v;
	}
	return !*end;
}

int main(int argc, char **argv)
{
	static const struct option names[] = {
		{ "seeds", required_argument, NULL, 's' },
		{ "length", required_argument, NULL, 'l' },
		{ "seconds", required_argument, NULL, 't' },
		{ NULL, 0, NULL, 0 }
	};
	struct options o = { 1, ~0ULL - 1, 60, 5 };
	struct totals t = { 0 };
	double end;
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (c != '?' && parse(&o, c, optarg))
			continue;
		fprintf(stderr, "usage: see the head of test_sim.c\n");
		return 2;
	}
	end = now() + o.seconds;
	for (unsigned long long i = o.first; i <= o.last && now() < end; i++)
		one_seed(i, &o, &t);
	printf("test_sim: %zu scenarios, %zu inputs, %zu deaths, "
	       "%zu inputs replayed, %zu asks and %zu ring errors again, "
	       "%zu differential images, %zu conflicts, %zu requests held, "
	       "%zu failed\n", t.scenarios, t.inputs, t.crashes, t.replayed,
	       t.asked, t.told, t.differences, t.conflicts, t.held, t.failed);
	/* A simulation in which nothing happened has shown nothing. */
	return t.failed || !t.crashes || !t.replayed || !t.asked || !t.told ||
	       !t.differences || !t.conflicts || !t.held;
}
