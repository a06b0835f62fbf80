/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hash trie of a large directory: 32-way branches with a bitmap, each
 * slot a node or a further branch.  Below the last level of a 64-bit hash a
 * branch is a plain list.  Same rules of sharing and failing as dir.h.
 */
#ifndef CORE_BRANCH_H
#define CORE_BRANCH_H

#include "xenstored/core/dir.h"

struct dir_branch *branch_ref(struct dir_branch *b);
void branch_release(struct dir_branch *b, struct node **chain);

struct node *branch_find(const struct hash_key *key,
			 const struct dir_branch *top, struct span name);
struct node **branch_slot(const struct hash_key *key, struct dir_branch **top,
			  struct span name);
bool branch_add(const struct hash_key *key, struct dir_branch **top,
		struct node *child);
bool branch_remove(const struct hash_key *key, struct dir_branch **top,
		   struct span name);

/* Leaving out what `twin` (NULL: nothing) shares with it; see dir.h. */
void branch_iter_start(struct dir_iter *it, const struct dir_branch *top,
		       const struct dir_branch *twin);
struct node *branch_iter_next(struct dir_iter *it);

/* A child and its age beside it, so that sorting does not visit the nodes. */
struct dir_aged {
	uint64_t seq;
	struct node *n;
};

/* All of them, in the order of the walk; there is room. */
void branch_gather(const struct dir_branch *top, struct dir_aged *to);

#endif
