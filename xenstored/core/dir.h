/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The children of a node: a persistent map from name to node that can be
 * listed in order of creation.
 *
 * Up to DIR_SMALL children it is an array in order of creation.  Above that
 * it is a hash trie of 32-way branches, so that a change copies a few small
 * branches whatever the number of children; a listing then sorts by the
 * nodes' `seq`.  Like nodes, directories and branches are counted, and only
 * what nobody else can reach is changed in place.
 *
 * `gen` is the machine's age at the last change of the set of names: what
 * DIRECTORY_PART calls the generation count, and what a transaction compares
 * to tell whether a listing is still true.
 */
#ifndef CORE_DIR_H
#define CORE_DIR_H

#include "xenstored/core/hash.h"
#include "xenstored/core/node.h"

#define DIR_SMALL 12
/* Five bits of a 64-bit hash a level. */
#define DIR_LEVELS 13

struct dir_branch;

struct dir {
	uint32_t refs;
	uint32_t count;
	uint64_t gen;
	bool hashed;
	uint8_t room;			/* slots of child[] */
	struct dir_branch *top;		/* if hashed */
	struct node *child[];		/* if not: in order of creation */
};

struct dir *dir_ref(struct dir *d);
/* Drop a reference; nodes that die are put on `chain` (node.c). */
void dir_release(struct dir *d, struct node **chain);

/* The child of that name, or NULL; `d` may be NULL. */
struct node *dir_find(const struct hash_key *key, const struct dir *d,
		      struct span name);

/*
 * The functions below change `*d`, which belongs to a node that the caller
 * alone can reach; they first make copies of whatever others can reach.
 * False: no memory, and the contents are as before.
 */

/* The slot of an existing child, to be replaced by a node of that name. */
struct node **dir_slot(const struct hash_key *key, struct dir **d,
		       struct span name);
/* Add a child whose name is new; takes over the caller's reference. */
bool dir_add(const struct hash_key *key, struct dir **d, struct node *child,
	     uint64_t gen);
/* Take an existing child out and drop the reference on it. */
bool dir_remove(const struct hash_key *key, struct dir **d, struct span name,
		uint64_t gen);

/* Give it that generation; *d may be NULL, and is then made, empty. */
bool dir_set_gen(struct dir **d, uint64_t gen);

static inline uint32_t dir_count(const struct dir *d)
{
	return d ? d->count : 0;
}

/* Walk over the children in no particular but repeatable order. */
struct dir_iter {
	const struct dir *d;
	uint32_t at;
	int depth;
	struct {
		const struct dir_branch *b;
		const struct dir_branch *twin;
		uint32_t at;
	} level[DIR_LEVELS + 1];
};

void dir_iter_start(struct dir_iter *it, const struct dir *d);
/*
 * The same without what `twin` (may be NULL) shares with it: its cost is that
 * of the difference and not of the directory, if both are large.  A child
 * that is in both may come all the same.
 */
void dir_iter_start_unlike(struct dir_iter *it, const struct dir *d,
			   const struct dir *twin);
struct node *dir_iter_next(struct dir_iter *it);

/*
 * All children in order of creation, as an array of dir_count() pointers to
 * be freed with mem_drop(); no references are taken.  NULL: no memory, or
 * none there.
 */
struct node **dir_list(const struct dir *d);

#endif
