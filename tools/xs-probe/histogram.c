/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Histograms; see histogram.h. */
#include "tools/xs-probe/histogram.h"

#include <stdio.h>
#include <string.h>

#include "protocol/cursor.h"

uint64_t histogram_floor(unsigned int bucket)
{
	return bucket < 4 ? bucket :
		(4ull + bucket % 4) << (bucket / 4 - 1);
}

/* "bucket:count", at *at; moves on. */
static bool read_pair(struct histogram *h, const char **at, const char *end)
{
	const char *comma = memchr(*at, ',', (size_t)(end - *at));
	const char *stop = comma ? comma : end;
	const char *colon = memchr(*at, ':', (size_t)(stop - *at));
	struct span i, n;
	uint64_t bucket;

	if (!colon || (comma && comma + 1 == end))
		return false;
	i = (struct span){ *at, (size_t)(colon - *at) };
	n = (struct span){ colon + 1, (size_t)(stop - colon - 1) };
	if (!span_number(i, HISTOGRAM_BUCKETS - 1, &bucket) ||
	    !span_number(n, UINT64_MAX, &h->bucket[bucket]))
		return false;
	h->count += h->bucket[bucket];
	*at = comma ? comma + 1 : end;
	return true;
}

bool histogram_read(struct histogram *h, const struct record *record,
		    const char *key)
{
	const char *text = record_text(record, key), *end;
	char name[64];

	memset(h, 0, sizeof(*h));
	if (!text)
		return false;
	end = text + strlen(text);
	while (text < end) {
		if (read_pair(h, &text, end))
			continue;
		memset(h, 0, sizeof(*h));
		return false;
	}
	snprintf(name, sizeof(name), "%s_sum_us", key);
	record_number(record, name, &h->sum);
	snprintf(name, sizeof(name), "%s_max_us", key);
	record_number(record, name, &h->max);
	return true;
}

void histogram_since(struct histogram *out, const struct histogram *before,
		     const struct histogram *now)
{
	*out = *now;
	for (unsigned int i = 0; i < HISTOGRAM_BUCKETS; i++)
		if (now->bucket[i] < before->bucket[i])
			return;
	for (unsigned int i = 0; i < HISTOGRAM_BUCKETS; i++)
		out->bucket[i] -= before->bucket[i];
	out->count -= before->count;
	out->sum -= before->sum;
}

void histogram_add(struct histogram *to, const struct histogram *h)
{
	for (unsigned int i = 0; i < HISTOGRAM_BUCKETS; i++)
		to->bucket[i] += h->bucket[i];
	to->count += h->count;
	to->sum += h->sum;
	if (h->max > to->max)
		to->max = h->max;
}

double histogram_quantile(const struct histogram *h, unsigned int part)
{
	double want = (double)h->count * part / 1000, seen = 0;

	for (unsigned int i = 0; h->count && i < HISTOGRAM_BUCKETS; i++) {
		double floor = (double)histogram_floor(i), in, us;
		double width = (double)histogram_floor(i + 1) - floor;

		in = (double)h->bucket[i];
		if (!h->bucket[i] || seen + in < want) {
			seen += in;
			continue;
		}
		us = floor + width * (want - seen) / in;
		return h->max && us > (double)h->max ? (double)h->max : us;
	}
	return 0;
}

uint64_t histogram_below(const struct histogram *h, uint64_t us)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < HISTOGRAM_BUCKETS; i++)
		if (histogram_floor(i + 1) <= us)
			n += h->bucket[i];
	return n;
}
