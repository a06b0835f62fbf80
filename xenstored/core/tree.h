/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Trees by path.  A tree is a pointer to its root; taking a snapshot is a
 * reference on the root.  Before a node is changed, tree_own() makes the
 * path to it ours by copying whatever somebody else can still reach, top
 * down, so that a failure on the way leaves equal contents.
 *
 * Paths are legal and absolute (protocol/path.h).  No recursion anywhere:
 * a path may have 1,536 names.
 */
#ifndef CORE_TREE_H
#define CORE_TREE_H

#include "xenstored/core/dir.h"

/* The node of that path, or NULL. */
struct node *tree_find(const struct hash_key *key, struct node *root,
		       struct span path);
/*
 * The nearest existing ancestor of `path`, or the node itself; its path, a
 * prefix of `path`, goes to *at if that is not NULL.
 */
struct node *tree_nearest(const struct hash_key *key, struct node *root,
			  struct span path, struct span *at);
/*
 * The slot of an existing node, it and all above it ours alone.  NULL: no
 * memory.  What a copy of all of these takes, in bytes and about, is added
 * to *copied if that is not NULL: whether they had to be copied or were ours
 * already, so that it follows from the tree's contents alone.  Of a directory
 * as large as that only some branches are copied, so it counts as 64 names.
 */
#define TREE_NODE_COST 64u
struct node **tree_own(const struct hash_key *key, struct node **root,
		       struct span path, uint64_t *copied);

/*
 * Walk over a node and everything below it, parents first, children in
 * repeatable order.  tree_walk_next() gives NULL at the end, and sets
 * `failed` if it was for want of memory.  `depth` is the number of steps
 * below the start; `parent` the node above (NULL for the start).
 */
struct tree_walk {
	struct node *start;
	struct node *parent;
	unsigned int depth;
	bool failed;
	unsigned int room;
	struct tree_walk_frame {
		struct node *n;
		struct dir_iter it;
	} *frame;
	unsigned int frames;
};

void tree_walk_start(struct tree_walk *w, struct node *start);
struct node *tree_walk_next(struct tree_walk *w);
/* The node `depth` steps below the start on the way to the last one. */
struct node *tree_walk_at(const struct tree_walk *w, unsigned int depth);
void tree_walk_end(struct tree_walk *w);

#endif
