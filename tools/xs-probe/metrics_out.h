/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where families of metrics go: as Prometheus' text to a stream at once, or
 * as JSON values that are kept until all are there, so that what is printed
 * is whole.  Both have the same names, labels and values.
 */
#ifndef XS_PROBE_METRICS_OUT_H
#define XS_PROBE_METRICS_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

struct metrics_out {
	FILE *out;
	bool json;
	const char *name;	/* of the family whose samples come */
	json_t *list, *samples;	/* with `json` only; `list` owns `samples` */
	bool failed;		/* memory ran out */
};

/* A value may be any bytes that end with a NUL. */
struct metrics_label {
	const char *name, *value;
};

void metrics_out_begin(struct metrics_out *o, FILE *out, bool json);
/* Prints what was kept.  0, -ENOMEM or what the stream says; ends `o`. */
int metrics_out_end(struct metrics_out *o);

/* A family; the strings last until metrics_out_end(). */
void metrics_head(struct metrics_out *o, const char *name, const char *type,
		  const char *help);
/*
 * One of its samples.  `suffix` is what a histogram's have after the family's
 * name, else ""; microseconds (`us`) are told as seconds.
 */
void metrics_sample(struct metrics_out *o, const char *suffix,
		    const struct metrics_label *label, size_t labels,
		    uint64_t n, bool us);

#endif
