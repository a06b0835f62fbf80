/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's histograms (docs/protocol/control.md): four buckets to an
 * octave of microseconds.  What they are asked for here is read from them
 * with the error of half a bucket, a tenth.
 */
#ifndef XS_PROBE_HISTOGRAM_H
#define XS_PROBE_HISTOGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/xs-probe/record.h"

#define HISTOGRAM_BUCKETS 96u

struct histogram {
	uint64_t bucket[HISTOGRAM_BUCKETS];
	uint64_t count;
	uint64_t sum, max;	/* microseconds */
};

/* The fields KEY, KEY_sum_us and KEY_max_us; false, and all 0: not there. */
bool histogram_read(struct histogram *h, const struct record *record,
		    const char *key);
/* What came between two readings; all of `now` if counting began anew. */
void histogram_since(struct histogram *out, const struct histogram *before,
		     const struct histogram *now);
void histogram_add(struct histogram *to, const struct histogram *h);
/* At most so long took `part` of 1000: 500 the median.  0 without values. */
double histogram_quantile(const struct histogram *h, unsigned int part);
/* How many values are below `us`, which is a power of two. */
uint64_t histogram_below(const struct histogram *h, uint64_t us);
/* Where a bucket begins. */
uint64_t histogram_floor(unsigned int bucket);

#endif
