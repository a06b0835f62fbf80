// SPDX-License-Identifier: GPL-2.0-or-later
/* What rows have in common; see row.h. */
#include "tools/xs-bench/row.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILL_BATCH 200u
#define FILL_FAN 1000u

bool row_quick;

unsigned int row_scale(unsigned int n)
{
	return row_quick && n >= 10 ? n / 10 : n;
}

void row_elsewhere(bool on)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int here = side_programs.cpu;
	cpu_set_t set;

	if (here < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET((size_t)(on ? (here + 1) % (int)cpus : here), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

void row_since(struct side *s, unsigned int metric, uint64_t from, double ns)
{
	side_sample(s, metric, (double)(side_now() - from) / ns);
}

bool row_times(struct side *s, struct link *l, unsigned int metric,
	       unsigned int n, enum wire_op op, const char *text,
	       const char *data)
{
	static struct batch b;

	b.len = 0;
	if (!batch_add(&b, op, 0, text, data, strlen(data)))
		return false;
	for (unsigned int i = 0; i < n; i++) {
		uint64_t from = side_now();

		if (link_batch(l, &b, 1))
			return false;
		row_since(s, metric, from, 1e3);
		if (l->type != WIRE_ERROR)
			continue;
		fprintf(stderr, "%s: %s %s: %s\n", side_names[s->id],
			wire_op_name(op), text, l->payload);
		return false;
	}
	return true;
}

/* Directories of FILL_FAN nodes each, as real stores are bushy, not flat. */
bool row_fill(struct link *l, unsigned int from, unsigned int nodes)
{
	static struct batch b;
	char path[64];

	for (unsigned int n = from; n < nodes; n += FILL_BATCH) {
		unsigned int end = n + FILL_BATCH < nodes ? n + FILL_BATCH :
			nodes;

		b.len = 0;
		for (unsigned int i = n; i < end; i++) {
			snprintf(path, sizeof(path), "/fill/%u/node-%u",
				 i / FILL_FAN, i % FILL_FAN);
			if (!batch_add(&b, WIRE_WRITE, 0, path, "0123456789",
				       10))
				return false;
		}
		if (link_batch(l, &b, end - n) || l->type == WIRE_ERROR)
			return false;
	}
	return true;
}
