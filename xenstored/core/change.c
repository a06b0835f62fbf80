/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Operations on a tree; see change.h.  Each is laid out in the same order:
 * look and judge, allocate all that will be needed, then the one step that
 * alters the tree, then the bookkeeping, which cannot fail.
 */
#include "xenstored/core/change.h"
#include "xenstored/core/domain.h"
#include "xenstored/core/effect.h"
#include "xenstored/core/mem.h"
#include "xenstored/core/quota.h"
#include "protocol/path.h"

#include <errno.h>
#include <string.h>

void change_init(struct change *c, struct machine *m, struct node *base,
		 bool effects)
{
	memset(c, 0, sizeof(*c));
	c->m = m;
	c->root = node_ref(base);
	c->effects = effects;
	c->last = &c->first;
	c->owned_last = &c->owned_first;
	hash_table_init(&c->touched);
}

void change_fini(struct change *c)
{
	node_unref(c->root);
	c->root = NULL;
	effect_free_all(c);
	mem_drop(c->delta);
	c->delta = NULL;
	c->deltas = 0;
}

uint64_t change_node_cost(const struct node *n)
{
	return CHANGE_NODE_COST + n->name_len + n->value_len +
	       sizeof(struct perm) * n->acl->count;
}

int change_missing(struct machine *m, struct node *root,
		   const struct caller *who, struct span path,
		   unsigned int want)
{
	struct node *n = tree_nearest(&m->key, root, path, NULL);

	return access_of(m, who, n->acl) & want ? WIRE_ENOENT : WIRE_EACCES;
}

/* ---------------------------------------------------------- accounts -- */

/* Index of the account of that owner, made if it is new; -1: no memory. */
static int delta_slot(struct change *c, uint16_t domid)
{
	struct change_delta *d;

	if (c->delta_last < c->deltas &&
	    c->delta[c->delta_last].domid == domid)
		return (int)c->delta_last;
	for (unsigned int i = 0; i < c->deltas; i++)
		if (c->delta[i].domid == domid)
			return (int)(c->delta_last = i);
	if (c->deltas == c->delta_room) {
		unsigned int room = c->delta_room ? 2 * c->delta_room : 4;

		d = mem_grow(c->delta, room * sizeof(*d));
		if (!d)
			return -1;
		c->delta = d;
		c->delta_room = room;
	}
	c->delta[c->deltas] = (struct change_delta){ .domid = domid };
	return (int)(c->delta_last = c->deltas++);
}

static void delta_add(struct change *c, uint16_t domid, int64_t nodes,
		      int64_t memory)
{
	int i = delta_slot(c, domid);

	c->delta[i].nodes += nodes;
	c->delta[i].memory += memory;
}

bool change_restore_account(struct change *c, uint16_t domid, int64_t nodes,
			    int64_t memory)
{
	if (delta_slot(c, domid) < 0)
		return false;
	delta_add(c, domid, nodes, memory);
	return true;
}

/* May this owner be charged so much more by this caller? */
static int may_charge(struct change *c, const struct caller *who,
		      uint16_t owner, int64_t nodes, int64_t memory)
{
	struct domain *d = domain_find(c->m, owner);
	int i = delta_slot(c, owner);
	struct change_delta *have;

	if (i < 0)
		return -ENOMEM;
	if (who->privileged || !owner || !d)
		return 0;
	have = &c->delta[i];
	c->over = d;
	c->over_row = QUOTA_NODES;
	if (nodes > 0 && have->nodes + nodes > 0 &&
	    !domain_may(d, QUOTA_NODES, (uint64_t)(have->nodes + nodes)))
		return WIRE_ENOSPC;
	c->over_row = QUOTA_MEMORY;
	if (memory > 0 && have->memory + memory > 0 &&
	    !domain_may(d, QUOTA_MEMORY, (uint64_t)(have->memory + memory)))
		return WIRE_ENOSPC;
	c->over = NULL;
	return 0;
}

/* ------------------------------------------------------------ create -- */

/* The access list of a new node below one that has `above`. */
static struct acl *acl_inherit(struct machine *m, const struct caller *who,
			       struct acl *above)
{
	struct perm entry[WIRE_PAYLOAD_MAX / 2];
	unsigned int n = 1;

	if (who->privileged ||
	    (acl_owner(above) == who->domid && access_valid(m, above, 0)))
		return acl_ref(above);
	entry[0] = above->entry[0];
	entry[0].domid = who->domid;
	for (unsigned int i = 1; i < above->count; i++)
		if (access_valid(m, above, i))
			entry[n++] = above->entry[i];
	return acl_new(entry, n, m->age);
}

/* One more node on top of a chain of new ones; takes over `below`. */
static struct node *chain_node(struct change *c, struct span name,
			       struct span value, struct acl *acl,
			       struct node *below, uint64_t seq)
{
	struct node *n = node_new(name, value, acl, seq);

	if (n && below && !dir_add(&c->m->key, &n->dir, below, c->m->age)) {
		node_unref(n);
		n = NULL;
	}
	if (!n)
		node_unref(below);
	return n;
}

/*
 * The new nodes from below `at` down to `path`, each younger than the one
 * above it: a tree can be built up again in order of age.
 */
static struct node *chain_new(struct change *c, struct span at,
			      struct span path, struct span value,
			      struct acl *acl)
{
	struct span nothing = { "", 0 };
	unsigned int names = path_depth(path) - path_depth(at);
	struct node *n = NULL;
	bool leaf = true;

	c->m->age += names;
	for (uint64_t seq = c->m->age; path.len > at.len; seq--) {
		struct span up = path_parent(path);
		struct span name = { path.at + up.len + (up.len > 1),
				     path.len - up.len - (up.len > 1) };

		n = chain_node(c, name, leaf ? value : nothing, acl, n, seq);
		if (!n)
			return NULL;
		leaf = false;
		path = up;
	}
	return n;
}

static int create_judge(struct change *c, const struct caller *who,
			struct acl *acl, struct span at, struct span path,
			struct span value, int64_t *nodes, int64_t *memory)
{
	struct span rest = { path.at + (at.len > 1 ? at.len : 0),
			     path.len - (at.len > 1 ? at.len : 0) };
	size_t names = path_depth(rest);

	*nodes = (int64_t)names;
	*memory = (int64_t)(names * (CHANGE_NODE_COST +
				     sizeof(struct perm) * acl->count) +
			    rest.len - names + value.len);
	return may_charge(c, who, effect_owner(c->m, acl), *nodes, *memory);
}

static int change_create(struct change *c, const struct caller *who,
			 struct span path, struct span value)
{
	struct node *above, *chain = NULL, **slot;
	int64_t nodes, memory;
	struct acl *acl;
	struct span at;
	int err;

	above = tree_nearest(&c->m->key, c->root, path, &at);
	if (!(access_of(c->m, who, above->acl) & PERM_WRITE))
		return WIRE_EACCES;
	acl = acl_inherit(c->m, who, above->acl);
	if (!acl)
		return -ENOMEM;
	err = create_judge(c, who, acl, at, path, value, &nodes, &memory);
	if (err)
		goto out;
	err = -ENOMEM;
	chain = chain_new(c, at, path, value, acl);
	if (!chain || !effect_created(c, at, chain, above->acl, path))
		goto out;
	slot = tree_own(&c->m->key, &c->root, at, &c->stale);
	if (!slot || !dir_add(&c->m->key, &(*slot)->dir, chain, ++c->m->age))
		goto out;
	delta_add(c, effect_owner(c->m, acl), nodes, memory);
	c->nodes += nodes;
	chain = NULL;
	err = 0;
out:
	node_unref(chain);
	acl_unref(acl);
	return err;
}

/* ------------------------------------------------------- write, mkdir -- */

/*
 * A copy of the path would count, and later count back, every neighbour on
 * it: in a directory of a thousand guests that is most of what a WRITE costs.
 * So where the machine and this change are the only ones to hold the root,
 * what is below and held by nobody else is altered where it is.  The root
 * itself is left out, as another value may move it.
 */
static struct node **value_own(struct change *c, struct span path)
{
	bool ours = c->single && path.len > 1 && c->root == c->m->root &&
		    c->root->refs == 2;
	struct node **slot;

	if (ours)
		c->root->refs--;
	slot = tree_own(&c->m->key, &c->root, path, &c->stale);
	if (ours)
		c->root->refs++;
	return slot;
}

static int change_value(struct change *c, const struct caller *who,
			struct node *n, struct span path, struct span value)
{
	int64_t more = (int64_t)value.len - n->value_len;
	uint16_t owner = effect_owner(c->m, n->acl);
	struct node **slot;
	int err = may_charge(c, who, owner, 0, more);

	if (err)
		return err;
	if (!effect_add(c, path, false))
		return -ENOMEM;
	slot = value_own(c, path);
	if (!slot || !node_set_value(slot, value))
		return -ENOMEM;
	c->m->age++;
	delta_add(c, owner, 0, more);
	return 0;
}

int change_write(struct change *c, const struct caller *who, struct span path,
		 struct span value)
{
	struct node *n = tree_find(&c->m->key, c->root, path);

	if (!n)
		return change_create(c, who, path, value);
	if (!(access_of(c->m, who, n->acl) & PERM_WRITE))
		return WIRE_EACCES;
	return change_value(c, who, n, path, value);
}

int change_mkdir(struct change *c, const struct caller *who,
		 struct span path)
{
	struct node *n = tree_find(&c->m->key, c->root, path);
	struct span nothing = { "", 0 };

	if (!n)
		return change_create(c, who, path, nothing);
	return access_of(c->m, who, n->acl) & PERM_WRITE ? 0 : WIRE_EACCES;
}

/* ---------------------------------------------------------------- rm -- */

/*
 * First walk: make room for every account concerned, and note what goes from
 * the index of owned nodes.
 */
static bool rm_prepare(struct change *c, struct tree_walk *w, struct node *top,
		       struct acl *above, struct span path)
{
	struct node *n;

	tree_walk_start(w, top);
	while ((n = tree_walk_next(w))) {
		if (delta_slot(c, effect_owner(c->m, n->acl)) < 0 ||
		    !effect_gone(c, w, n, above, path))
			return false;
	}
	return !w->failed;
}

/* Second walk, over what was taken out; needs no memory any more. */
static void rm_account(struct change *c, struct tree_walk *w,
		       struct node *top)
{
	struct node *n;

	w->start = top;
	w->frames = 0;
	while ((n = tree_walk_next(w))) {
		delta_add(c, effect_owner(c->m, n->acl), -1,
			  -(int64_t)change_node_cost(n));
		c->stale += change_node_cost(n);
		c->nodes--;
	}
}

static int rm_node(struct change *c, struct node *top, struct span path)
{
	struct span up = path_parent(path), name;
	struct node *above = tree_find(&c->m->key, c->root, up), **slot;
	struct tree_walk w;
	int err = -ENOMEM;

	name.at = path.at + up.len + (up.len > 1);
	name.len = path.len - (size_t)(name.at - path.at);
	if (rm_prepare(c, &w, top, above->acl, path) &&
	    effect_add(c, path, true)) {
		node_ref(top);
		slot = tree_own(&c->m->key, &c->root, up, &c->stale);
		if (slot && dir_remove(&c->m->key, &(*slot)->dir, name,
				       ++c->m->age)) {
			rm_account(c, &w, top);
			err = 0;
		}
		node_unref(top);
	}
	tree_walk_end(&w);
	return err;
}

int change_rm(struct change *c, const struct caller *who, struct span path)
{
	struct node *n = tree_find(&c->m->key, c->root, path);
	int err;

	if (!n) {
		err = change_missing(c->m, c->root, who, path, PERM_WRITE);
		if (err == WIRE_ENOENT &&
		    tree_find(&c->m->key, c->root, path_parent(path)))
			err = 0;
		return err;
	}
	if (!(access_of(c->m, who, n->acl) & PERM_WRITE))
		return WIRE_EACCES;
	return rm_node(c, n, path);
}

/* --------------------------------------------------------- set_perms -- */

int change_set_acl(struct change *c, const struct caller *who,
		   struct span path, struct acl *acl)
{
	struct node *n = tree_find(&c->m->key, c->root, path), **slot;
	uint16_t from, to;
	int64_t old_cost, new_cost;
	int err;

	if (!n)
		return change_missing(c->m, c->root, who, path, PERM_WRITE);
	if (!(access_of(c->m, who, n->acl) & ACCESS_OWNER))
		return WIRE_EACCES;
	if (!who->privileged && acl_owner(acl) != acl_owner(n->acl))
		return WIRE_EPERM;
	from = effect_owner(c->m, n->acl);
	to = effect_owner(c->m, acl);
	old_cost = (int64_t)change_node_cost(n);
	new_cost = old_cost + (int64_t)sizeof(struct perm) *
			      ((int64_t)acl->count - n->acl->count);
	err = may_charge(c, who, to, 0, new_cost - old_cost);
	if (err)
		return err;
	if (delta_slot(c, from) < 0 || !effect_add(c, path, false) ||
	    !effect_moved(c, n, path, from, to))
		return -ENOMEM;
	slot = tree_own(&c->m->key, &c->root, path, &c->stale);
	if (!slot)
		return -ENOMEM;
	node_set_acl(*slot, acl);
	c->m->age++;
	c->stale += (uint64_t)old_cost;
	delta_add(c, from, -1, -old_cost);
	delta_add(c, to, 1, new_cost);
	return 0;
}
