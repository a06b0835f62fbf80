/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nodes of the immutable tree.  A node that can be reached in more than one
 * way (from a snapshot and from the present tree, say) is never changed; a
 * change copies the path to it (tree.h).  A node that only the caller can
 * reach, `refs` 1 all the way from a root of his own, may be changed in
 * place.
 *
 * A node has no parent pointer and no path: its place is where it is reached
 * from.  Ownership: a directory holds one reference on each of its children.
 */
#ifndef CORE_NODE_H
#define CORE_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/cursor.h"

struct acl;
struct dir;

struct node {
	uint32_t refs;
	uint16_t name_len;
	uint16_t value_len;
	uint64_t seq;		/* order of creation; unique in a machine */
	struct acl *acl;
	struct dir *dir;	/* NULL: never had a child */
	char data[];		/* name, then value */
};

/* A node with one reference.  Takes a reference on `acl`.  NULL: no memory. */
struct node *node_new(struct span name, struct span value, struct acl *acl,
		      uint64_t seq);
struct node *node_ref(struct node *n);
/* Drops a reference; what becomes unreachable is freed without recursion. */
void node_unref(struct node *n);

/*
 * A reference less; what dies is put on `chain`, and freed from there, about
 * `budget` nodes a call: true if there are more.
 */
void node_chain(struct node **chain, struct node *n);
bool node_free_some(struct node **chain, unsigned int budget);

/* A copy with one reference that shares the children; NULL: no memory. */
struct node *node_copy(const struct node *n);
/*
 * Give the node in *slot, which the caller alone can reach, another value or
 * access list.  False and nothing changed: no memory.
 */
bool node_set_value(struct node **slot, struct span value);
void node_set_acl(struct node *n, struct acl *acl);

static inline struct span node_name(const struct node *n)
{
	struct span s = { n->data, n->name_len };

	return s;
}

static inline struct span node_value(const struct node *n)
{
	struct span s = { n->data + n->name_len, n->value_len };

	return s;
}

#endif
