/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The columns of top; see top.h.  The first one is whose row it is. */
#include "tools/xs-probe/top.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void top_who(char *out, size_t size, const struct top_row *row)
{
	if (row->now->kind == LOAD_SOCKETS)
		snprintf(out, size, "sock");
	else
		snprintf(out, size, "%" PRIu32, row->now->domid);
}

void top_short(char *out, size_t size, double v)
{
	static const char unit[] = " kMGT";
	unsigned int i = 0;

	for (; v >= 9999.5 && i < 4; i++)
		v /= 1000;
	if (!i)
		snprintf(out, size, "%.0f", v);
	else
		snprintf(out, size, v < 99.95 ? "%.1f%c" : "%.0f%c", v,
			 unit[i]);
}

void top_us(char *out, size_t size, double us)
{
	if (us < 999.5)
		snprintf(out, size, "%.0f", us);
	else if (us < 999950)
		snprintf(out, size, us < 99950 ? "%.1fm" : "%.0fm", us / 1e3);
	else
		snprintf(out, size, "%.1fs", us / 1e6);
}

/* A use of which there is a quota, in per cent; -1: there is none. */
static double percent(const struct top_row *row, enum load_field used,
		      enum load_field max)
{
	if (row->now->kind == LOAD_SOCKETS || !row->now->n[max])
		return -1;
	return 100.0 * (double)row->now->n[used] / (double)row->now->n[max];
}

static void percent_text(char *out, size_t size, double v)
{
	if (v < 0)
		snprintf(out, size, "-");
	else
		snprintf(out, size, "%.0f%%", v);
}

#define RATE(name, field)						\
static double name##_value(const struct top_row *row)			\
{									\
	return row->rate[field];					\
}									\
static void name##_text(char *out, size_t size, const struct top_row *row) \
{									\
	top_short(out, size, row->rate[field]);				\
}

#define COUNT(name, field)						\
static double name##_value(const struct top_row *row)			\
{									\
	return (double)row->now->n[field];				\
}									\
static void name##_text(char *out, size_t size, const struct top_row *row) \
{									\
	top_short(out, size, (double)row->now->n[field]);		\
}

#define PERCENT(name, used, max)					\
static double name##_value(const struct top_row *row)			\
{									\
	return percent(row, used, max);					\
}									\
static void name##_text(char *out, size_t size, const struct top_row *row) \
{									\
	percent_text(out, size, percent(row, used, max));		\
}

#define QUANTILE(name, part)						\
static double name##_value(const struct top_row *row)			\
{									\
	return histogram_quantile(&row->recent, part);			\
}									\
static void name##_text(char *out, size_t size, const struct top_row *row) \
{									\
	if (row->recent.count)						\
		top_us(out, size, name##_value(row));			\
	else								\
		snprintf(out, size, "-");				\
}

RATE(requests, LOAD_REQUESTS)
RATE(errors, LOAD_ERRORS)
RATE(in, LOAD_BYTES_IN)
RATE(out, LOAD_BYTES_OUT)
RATE(events, LOAD_EVENTS)
RATE(merged, LOAD_MERGED)
RATE(conflicts, LOAD_CONFLICTS)
COUNT(waiting, LOAD_EVENTS_WAITING)
COUNT(transactions, LOAD_TRANSACTIONS)
COUNT(outstanding, LOAD_OUTSTANDING)
PERCENT(memory, LOAD_MEMORY, LOAD_MEMORY_MAX)
PERCENT(nodes, LOAD_NODES, LOAD_NODES_MAX)
QUANTILE(p50, 500)
QUANTILE(p99, 990)

/* Sockets behind all domains. */
static double who_value(const struct top_row *row)
{
	return row->now->kind == LOAD_SOCKETS ? 1e9 : row->now->domid;
}

static void name_text(char *out, size_t size, const struct top_row *row)
{
	snprintf(out, size, "%s", row->name);
}

static double ring_value(const struct top_row *row)
{
	return (double)(row->now->n[LOAD_REQ_FILL] +
			row->now->n[LOAD_RSP_FILL]);
}

static void ring_text(char *out, size_t size, const struct top_row *row)
{
	const uint64_t *n = row->now->n;

	if (row->now->kind != LOAD_RING)
		snprintf(out, size, "-");
	else if (n[LOAD_RING_ERROR])
		snprintf(out, size, "error %" PRIu64, n[LOAD_RING_ERROR]);
	else if (n[LOAD_CONNECTION])
		snprintf(out, size, "reset");
	else if (n[LOAD_REQ_FILL] > 1024 || n[LOAD_RSP_FILL] > 1024)
		snprintf(out, size, "bad");
	else
		snprintf(out, size, "%" PRIu64 "/%" PRIu64, n[LOAD_REQ_FILL],
			 n[LOAD_RSP_FILL]);
}

#define BOTH(name) name##_value, name##_text

const struct top_column top_columns[] = {
	{ "domid", "DOMID", 6, false, 0,
	  "the domain; sock: all clients of the socket", who_value, top_who },
	{ "name", "NAME", 10, true, 1, "its name in the store", NULL,
	  name_text },
	{ "requests", "REQ/s", 6, false, 2, "requests answered",
	  BOTH(requests) },
	{ "errors", "ERR/s", 6, false, 14, "replies that were errors",
	  BOTH(errors) },
	{ "in", "IN/s", 5, false, 12, "bytes received", BOTH(in) },
	{ "out", "OUT/s", 6, false, 13, "bytes given", BOTH(out) },
	{ "events", "EV/s", 5, false, 7, "watch events sent", BOTH(events) },
	{ "merged", "MRG/s", 6, false, 16,
	  "events that equalled one which waited", BOTH(merged) },
	{ "waiting", "WAIT", 5, false, 6,
	  "events that it has not taken yet", BOTH(waiting) },
	{ "transactions", "TX", 3, false, 9, "transactions open",
	  BOTH(transactions) },
	{ "conflicts", "CNF/s", 6, false, 8,
	  "commits that failed with EAGAIN", BOTH(conflicts) },
	{ "outstanding", "OUTST", 6, false, 15, "replies that it has not taken",
	  BOTH(outstanding) },
	{ "memory", "MEM", 4, false, 4, "memory, of its quota", BOTH(memory) },
	{ "nodes", "NODE", 5, false, 5, "nodes, of its quota", BOTH(nodes) },
	{ "ring", "RING", 9, false, 11,
	  "bytes of requests and replies in its ring; each of 1024",
	  BOTH(ring) },
	{ "p50", "P50", 5, false, 10,
	  "half of the replies took so long or less: us, m (ms), s",
	  BOTH(p50) },
	{ "p99", "P99", 5, false, 3, "99 of 100 did", BOTH(p99) },
};

const unsigned int top_column_count =
	sizeof(top_columns) / sizeof(top_columns[0]);

int top_column_find(const char *key)
{
	for (unsigned int i = 0; i < top_column_count; i++)
		if (!strcmp(key, top_columns[i].key))
			return (int)i;
	return -1;
}
