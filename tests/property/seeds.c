/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which seeds, and for how long; see seeds.h. */
#include "tests/property/seeds.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static bool parse(struct seeds *s, int which, const char *arg)
{
	unsigned long long v, w;
	char *end;

	v = w = strtoull(arg, &end, 10);
	if (end == arg)
		return false;
	if (which == 's') {
		if (*end == '-')
			w = strtoull(end + 1, &end, 10);
		s->first = v;
		s->last = w;
		s->seconds = 1e9;
	} else if (which == 'o') {
		s->number = v;
	} else {
		s->seconds = (double)v;
	}
	return !*end;
}

bool seeds_begin(struct seeds *s, const char *own, int argc, char **argv)
{
	const struct option names[] = {
		{ "seeds", required_argument, NULL, 's' },
		{ own, required_argument, NULL, 'o' },
		{ "seconds", required_argument, NULL, 't' },
		{ NULL, 0, NULL, 0 }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (c != '?' && parse(s, c, optarg))
			continue;
		fprintf(stderr, "usage: %s [--seeds A[-B]] [--seconds N] "
			"[--%s N]\n", argv[0], own);
		return false;
	}
	s->end = now() + s->seconds;
	return true;
}

bool seeds_next(struct seeds *s, unsigned long long *seed)
{
	if (s->first > s->last || now() >= s->end)
		return false;
	*seed = s->first++;
	return true;
}
