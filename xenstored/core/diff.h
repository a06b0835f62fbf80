/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The difference of two trees that share structure: what is the same object
 * is skipped with all below it, so the cost is that of what changed.
 */
#ifndef CORE_DIFF_H
#define CORE_DIFF_H

#include "xenstored/core/tree.h"

/*
 * Called for each node of `to` that is not the same as the one of that path
 * in `from` (`from` NULL: all), parents first, and with `n` NULL for each
 * path that is only in `from`.  0 to go on.
 */
typedef int (*diff_say)(void *arg, struct span path, const struct node *n);

/*
 * The same bit by bit: a walk that holds references on both trees, and steps
 * that look at about `budget` nodes each.  1: there is more, 0: done, or a
 * negative errno, after which it cannot go on.
 */
struct diff;
struct diff *diff_new(const struct hash_key *key, struct node *from,
		      struct node *to);
int diff_step(struct diff *d, unsigned int budget, diff_say say, void *arg);
void diff_free(struct diff *d);

/* All at once.  0, -ENOMEM, or what `say` returned. */
int diff_trees(const struct hash_key *key, struct node *from, struct node *to,
	       diff_say say, void *arg);

/* Same value, access list, age and children's generation. */
bool diff_same(const struct node *a, const struct node *b);

#endif
