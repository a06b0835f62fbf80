/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A growing array from small numbers (event channel ports, domain ids, slots
 * of sockets) to objects.  Those numbers are dense and bounded by Xen or by
 * the limit on open files, so that an array is both the smallest and the
 * fastest map: finding the ring of a port that fired is one load.
 *
 * The table owns no object; it belongs to the talloc parent given at init.
 */
#ifndef HOST_TABLE_H
#define HOST_TABLE_H

#include <stddef.h>
#include <stdint.h>

/* No number that the host uses as an index can be larger. */
#define TABLE_MAX (1u << 20)

struct table {
	void *parent;
	void **at;
	uint32_t size;
};

void table_init(struct table *t, void *parent);
/*
 * Set (NULL clears).  Clearing never fails; else 0, -ERANGE for an id of
 * TABLE_MAX or more, -ENOMEM.
 */
int table_set(struct table *t, uint32_t id, void *object);

static inline void *table_get(const struct table *t, uint32_t id)
{
	return id < t->size ? t->at[id] : NULL;
}

#endif
