/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nodes; see node.h. */
#include "xenstored/core/node.h"
#include "xenstored/core/acl.h"
#include "xenstored/core/dir.h"
#include "xenstored/core/pool.h"

#include <string.h>

static size_t node_size(size_t name_len, size_t value_len)
{
	return sizeof(struct node) + name_len + value_len;
}

struct node *node_new(struct span name, struct span value, struct acl *acl,
		      uint64_t seq)
{
	struct node *n = pool_take(node_size(name.len, value.len));

	if (!n)
		return NULL;
	n->refs = 1;
	n->name_len = (uint16_t)name.len;
	n->value_len = (uint16_t)value.len;
	n->seq = seq;
	n->acl = acl_ref(acl);
	n->dir = NULL;
	memcpy(n->data, name.at, name.len);
	if (value.len)
		memcpy(n->data + name.len, value.at, value.len);
	return n;
}

struct node *node_ref(struct node *n)
{
	n->refs++;
	return n;
}

/*
 * Dead nodes wait on a chain through their `seq` field, and dir_release()
 * adds the children that die with them: a tree of any depth is freed with
 * constant stack.
 */
void node_chain(struct node **chain, struct node *n)
{
	if (--n->refs)
		return;
	n->seq = (uint64_t)(uintptr_t)*chain;
	*chain = n;
}

bool node_free_some(struct node **chain, unsigned int budget)
{
	while (*chain && budget--) {
		struct node *n = *chain;

		*chain = (struct node *)(uintptr_t)n->seq;
		acl_unref(n->acl);
		if (n->dir)
			dir_release(n->dir, chain);
		pool_give(n, node_size(n->name_len, n->value_len));
	}
	return *chain;
}

void node_unref(struct node *n)
{
	struct node *chain = NULL;

	if (!n)
		return;
	node_chain(&chain, n);
	while (node_free_some(&chain, UINT32_MAX))
		;
}

struct node *node_copy(const struct node *n)
{
	struct node *c = node_new(node_name(n), node_value(n), n->acl, n->seq);

	if (c && n->dir)
		c->dir = dir_ref(n->dir);
	return c;
}

bool node_set_value(struct node **slot, struct span value)
{
	struct node *old = *slot, *n;

	if (value.len == old->value_len) {
		if (value.len)
			memcpy(old->data + old->name_len, value.at, value.len);
		return true;
	}
	n = node_new(node_name(old), value, old->acl, old->seq);
	if (!n)
		return false;
	n->dir = old->dir;
	old->dir = NULL;
	*slot = n;
	node_unref(old);
	return true;
}

void node_set_acl(struct node *n, struct acl *acl)
{
	acl_ref(acl);
	acl_unref(n->acl);
	n->acl = acl;
}
