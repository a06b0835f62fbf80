/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which seeds a test of many runs goes through, and for how long:
 * --seeds A-B (or one; no limit of time then), --seconds N, and one more
 * number of the test's own.
 */
#ifndef TESTS_PROPERTY_SEEDS_H
#define TESTS_PROPERTY_SEEDS_H

#include <stdbool.h>

struct seeds {
	unsigned long long first, last;
	double seconds;
	unsigned long long number;	/* of the test's own option */
	double end;			/* set by seeds_begin() */
};

/*
 * Take the options; `own` is the name of the test's own one.  `s` holds the
 * defaults.  False after a line on stderr: they were not understood.
 */
bool seeds_begin(struct seeds *s, const char *own, int argc, char **argv);

/* The next one into `seed`, or false: that was all. */
bool seeds_next(struct seeds *s, unsigned long long *seed);

#endif
