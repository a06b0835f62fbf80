/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A scenario in the making: the text under construction and the chances. */
#ifndef TESTS_PROPERTY_MAKER_H
#define TESTS_PROPERTY_MAKER_H

#include "tests/property/scenario.h"

struct maker {
	struct scenario *s;
	uint64_t rnd;
	/* Where decisions come from instead, as long as it lasts. */
	const uint8_t *input;
	size_t input_len;
	uint32_t started[SCENARIO_CONNS];
	unsigned int step[SCENARIO_CONNS];	/* contend.c */
	char text[8192];
	size_t len;
};

/* A decision: below n (at most 65536), n above 0. */
unsigned int maker_below(struct maker *k, unsigned int n);

static inline bool maker_chance(struct maker *k, unsigned int percent)
{
	return maker_below(k, 100) < percent;
}

/* One more deed. */
struct deed *maker_deed(struct maker *k, enum deed_type type,
			unsigned int conn, size_t n);

/* Add to the text: a string without its NUL, a NUL, a decimal number. */
void maker_put(struct maker *k, const char *s);
void maker_end(struct maker *k);
void maker_number(struct maker *k, unsigned long long v);
/* A random payload into the text; returns the operation it is for. */
uint32_t maker_payload(struct maker *k);
/* contend.c: deeds of those who fight for the same nodes. */
void maker_contend(struct maker *k, size_t length);

#endif
