// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Growth is by doubling, so that a number set once costs an amortised
 * constant, and never shrinks: the largest port seen is a good guess for
 * what comes.
 */
#include "xenstored/host/table.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>

#define TABLE_FIRST 64u

void table_init(struct table *t, void *parent)
{
	*t = (struct table){ .parent = parent };
}

static int table_grow(struct table *t, uint32_t id)
{
	uint32_t size = t->size ? t->size : TABLE_FIRST;
	void **at;

	if (id >= TABLE_MAX)
		return -ERANGE;
	while (size <= id)
		size *= 2;
	at = talloc_realloc(t->parent, t->at, void *, size);
	if (!at)
		return -ENOMEM;
	memset(at + t->size, 0, (size - t->size) * sizeof(*at));
	t->at = at;
	t->size = size;
	return 0;
}

int table_set(struct table *t, uint32_t id, void *object)
{
	if (id >= t->size) {
		int error = object ? table_grow(t, id) : 0;

		if (error || !object)
			return error;
	}
	t->at[id] = object;
	return 0;
}
