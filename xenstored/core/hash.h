/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keyed hashing (SipHash-1-3, so that a client who chooses names cannot make
 * them collide) and an intrusive chained hash table.  The table never fails:
 * when it cannot grow, its chains do.
 */
#ifndef CORE_HASH_H
#define CORE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_key {
	uint64_t k0, k1;
};

/* Hash `len` bytes together with a number. */
uint64_t hash_bytes(const struct hash_key *key, uint64_t number,
		    const void *bytes, size_t len);

/* Embedded in what is kept in a table. */
struct hash_link {
	struct hash_link *next;
	uint64_t hash;
};

struct hash_table {
	struct hash_link **bucket;
	size_t mask;		/* number of buckets - 1 */
	size_t count;
	struct hash_link *single;	/* the first, only bucket */
};

void hash_table_init(struct hash_table *t);
void hash_table_fini(struct hash_table *t);
void hash_table_add(struct hash_table *t, struct hash_link *l, uint64_t hash);
void hash_table_remove(struct hash_table *t, struct hash_link *l);
/* The first link of the chain for `hash`; walk on with ->next and compare. */
static inline struct hash_link *hash_table_chain(const struct hash_table *t,
						 uint64_t hash)
{
	return t->bucket[hash & t->mask];
}

#define hash_entry(link, type, member) \
	((type *)((char *)(link) - offsetof(type, member)))

#endif
