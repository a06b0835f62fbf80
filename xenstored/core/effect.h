/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a change will do to the world beside the tree once it is published:
 * which watchers hear of it, and how the index of owned nodes moves.  Kept
 * while the change is made, carried out by change_publish().
 *
 * All functions are no-ops that succeed for a change without effects (the
 * own tree of an open transaction).  False: no memory.
 */
#ifndef CORE_EFFECT_H
#define CORE_EFFECT_H

#include "xenstored/core/change.h"

/*
 * Whose account a node with that list is on: its owner, or nobody's (0, the
 * unlimited account of dom0) if that domain died since.
 */
uint16_t effect_owner(const struct machine *m, const struct acl *acl);

/* `path` was changed or, with all below, removed. */
bool effect_add(struct change *c, struct span path, bool removed);
/* A chain of nodes was made below `at`, which has the list `above`. */
bool effect_created(struct change *c, struct span at, struct node *chain,
		    const struct acl *above, struct span path);
/* A node met on a walk over a removed subtree with root `path`. */
bool effect_gone(struct change *c, const struct tree_walk *w, struct node *n,
		 const struct acl *above, struct span path);
/* A node's owner changed. */
bool effect_moved(struct change *c, struct node *n, struct span path,
		  uint16_t from, uint16_t to);

void effect_free_all(struct change *c);

#endif
