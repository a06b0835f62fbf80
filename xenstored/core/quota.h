/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of quotas (behaviour page, "Quotas").  Limits are per domain; a
 * domain starts with the machine's limits and may be given its own.  0 means
 * no limit; a count up to and including the limit is allowed.
 */
#ifndef CORE_QUOTA_H
#define CORE_QUOTA_H

#include "protocol/cursor.h"
#include "xenstored/core/machine.h"

struct quota_row {
	const char *name;	/* in GET_QUOTA and CONTROL quota */
	uint64_t initial;
	bool counted;		/* domains have a count of it in use */
	const char *text;
};

extern const struct quota_row quota_table[QUOTA_COUNT];

/* The row of that name, or -1; node-permissions has two. */
int quota_find(struct span name);
/*
 * What the administrator calls it, in options and topics: the row's name, but
 * for the one whose name on the wire is stock's, and says less.
 */
const char *quota_known_as(enum quota_id row);

/* A new limit for all domains that were not given one of their own. */
void quota_set_all(struct machine *m, enum quota_id row, uint64_t value);

static inline bool quota_allows(uint64_t limit, uint64_t count)
{
	return !limit || count <= limit;
}

#endif
