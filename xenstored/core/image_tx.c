/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The second half of image_read(): transactions with their two trees, which
 * are told as differences, and what is counted anew.
 */
#include "xenstored/core/change.h"
#include "xenstored/core/conn.h"
#include "xenstored/core/domain.h"
#include "xenstored/core/effect.h"
#include "xenstored/core/image_read.h"
#include "xenstored/core/mem.h"
#include "xenstored/core/stale.h"
#include "protocol/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A number that may be below 0. */
static int64_t take_signed(struct field_in *f, const char *name)
{
	int64_t v = (int64_t)field_take_number(f, name, UINT64_MAX);

	if (v > (int64_t)IMAGE_COST_MAX || v < -(int64_t)IMAGE_COST_MAX)
		f->failed = true;
	return f->failed ? 0 : v;
}

static bool read_accounts(struct transaction *t, struct field_in *f)
{
	uint64_t n = field_take_number(f, "accounts", STATE_DOMAINS);

	while (n-- && !f->failed) {
		uint16_t domid = (uint16_t)field_take_number(f, "domid",
							     65535);
		int64_t nodes = take_signed(f, "nodes");
		int64_t memory = take_signed(f, "memory");

		if (!change_restore_account(&t->own, domid, nodes, memory))
			return false;
	}
	return !f->failed;
}

static bool read_op(struct reading *r, struct transaction *t,
		    struct field_in *f)
{
	uint32_t op = (uint32_t)field_take_number(f, "op", WIRE_OP_COUNT);
	struct span path = field_take_bytes(f, "path", WIRE_ABS_PATH_MAX);
	struct span value = field_take_bytes(f, "value", WIRE_PAYLOAD_MAX);
	bool perms = field_take_number(f, "perms", 1);
	struct acl *acl = perms ? field_take_acl(f) : NULL;
	bool ok = !f->failed && path_kind(path) == PATH_ABSOLUTE &&
		  perms == (op == WIRE_SET_PERMS) &&
		  transaction_restore_op(t, op, path, value, acl);

	acl_unref(acl);
	return ok;
}

int reading_transaction(struct reading *r, struct image_item *item)
{
	struct field_in f = field_of(item->rec->value, item->rec->len);
	struct conn *c = conn_find(r->m, item->number);
	struct transaction *t;
	uint64_t n;
	bool favoured;

	if (!c || !item->second || transaction_find(c, item->second))
		return reading_damaged(r, item);
	t = transaction_restore(r->m, c, item->second);
	if (!t)
		return reading_fail(r, -ENOMEM, "no memory");
	field_take_number(&f, "order", UINT64_MAX);
	t->failed = (int)field_take_number(&f, "failed", 255);
	favoured = field_take_number(&f, "favoured", 1);
	if (favoured)
		r->m->favoured = t;
	if (!reading_paths(r, t, &f))
		return reading_damaged(r, item);
	t->own.nodes = take_signed(&f, "nodes");
	if (!read_accounts(t, &f))
		return reading_damaged(r, item);
	n = field_take_number(&f, "ops", UINT32_MAX);
	while (n-- && !f.failed)
		if (!read_op(r, t, &f))
			return reading_damaged(r, item);
	/* Later than the rest: there are images without it. */
	if (!field_over(&f))
		stale_restore(t, field_take_number(&f, "stale", UINT64_MAX));
	return field_over(&f) ? 0 : reading_damaged(r, item);
}

/* ------------------------------------------------------------- trees -- */

/* Take a node out of a tree; it is none if something above went first. */
static bool tree_without(struct machine *m, struct node **root,
			 struct span path)
{
	struct span up = path_parent(path), name;
	struct node **slot;

	if (path.len == 1 || !tree_find(&m->key, *root, path))
		return true;
	name.at = path.at + up.len + (up.len > 1);
	name.len = (size_t)(path.at + path.len - name.at);
	slot = tree_own(&m->key, root, up, NULL);
	return slot && dir_remove(&m->key, &(*slot)->dir, name, 0);
}

/* Another state of a node that is there. */
static int tree_alter(struct reading *r, struct image_item *item,
		      struct node **root)
{
	struct field_in f = field_of(item->rec->value, item->rec->len);
	struct node **slot = tree_own(&r->m->key, root, item->path, NULL);
	struct acl *acl;
	struct span value;
	bool ok;

	if (!slot)
		return reading_fail(r, -ENOMEM, "no memory");
	field_take_number(&f, "there", 1);
	field_take_number(&f, "seq", UINT64_MAX);
	item->parent = field_take_number(&f, "parent", 1);
	item->children = field_take_number(&f, "children", UINT64_MAX);
	acl = field_take_acl(&f);
	value = field_take_bytes(&f, "value", WIRE_PAYLOAD_MAX);
	ok = field_over(&f) && node_set_value(slot, value);
	if (ok)
		node_set_acl(*slot, acl);
	acl_unref(acl);
	return ok ? 0 : reading_damaged(r, item);
}

/* The records of one tree, item[from] to item[to - 1]. */
static int tree_apply(struct reading *r, size_t from, size_t to,
		      struct node **root)
{
	struct hash_key *key = &r->m->key;
	int err = 0;

	for (size_t i = from; i < to; i++) {
		struct image_item *item = &r->item[i];
		struct node *n = tree_find(key, *root, item->path);

		/* Gone, or another node of that name. */
		if ((!item->age || (n && n->seq != item->age)) &&
		    !tree_without(r->m, root, item->path))
			return reading_fail(r, -ENOMEM, "no memory");
	}
	for (size_t i = from; i < to && !err; i++) {
		struct image_item *item = &r->item[i];

		if (!item->age)
			continue;
		err = tree_find(key, *root, item->path) ?
			tree_alter(r, item, root) :
			reading_node(r, item, root);
	}
	for (size_t i = from; i < to && !err; i++)
		if (r->item[i].age)
			err = reading_gen(r, &r->item[i], root);
	return err;
}

/* The records of that kind of one transaction follow each other. */
static int tree_of(struct reading *r, const struct transaction *t,
		   const char *word, struct node **root)
{
	struct image_item like = { .kind = reading_kind(word),
				   .number = t->conn->id, .second = t->id };
	size_t from = reading_first(r, &like), to;

	for (to = from; to < r->items; to++)
		if (r->item[to].kind != like.kind ||
		    r->item[to].number != like.number ||
		    r->item[to].second != like.second)
			break;
	r->used += to - from;
	return tree_apply(r, from, to, root);
}

/* Trees of transactions that are not there? */
static int finish_trees(struct reading *r)
{
	struct image_item like = { .kind = reading_kind("base") };
	size_t from = reading_first(r, &like);

	if (r->used == r->items - from)
		return 0;
	return reading_fail(r, -EPROTO, "trees of unknown transactions");
}

static int finish_transaction(struct reading *r, struct transaction *t)
{
	int err;

	t->base = node_ref(r->m->root);
	err = tree_of(r, t, "base", &t->base);
	if (err)
		return err;
	t->own.root = node_ref(t->base);
	return tree_of(r, t, "own", &t->own.root);
}

/* ------------------------------------------------------------- finish -- */

static int finish_accounts(struct reading *r)
{
	struct tree_walk w;
	struct node *n;

	tree_walk_start(&w, r->m->root);
	while ((n = tree_walk_next(&w))) {
		struct domain *d = domain_find(r->m,
					       effect_owner(r->m, n->acl));

		domain_charge(d, QUOTA_NODES, 1);
		domain_charge(d, QUOTA_MEMORY, change_node_cost(n));
		r->m->nodes++;
	}
	tree_walk_end(&w);
	return w.failed ? reading_fail(r, -ENOMEM, "no memory") : 0;
}

void reading_held(struct reading *r, struct conn *c, uint64_t place)
{
	void *held;

	if (!place)
		return;
	held = mem_grow(r->held, (r->helds + 1) * sizeof(*r->held));
	if (!held) {
		reading_fail(r, -ENOMEM, "no memory");
		return;
	}
	r->held = held;
	r->held[r->helds].place = place;
	r->held[r->helds++].c = c;
}

static void finish_held(struct reading *r)
{
	for (uint64_t place = 1, found = 1; found; place++) {
		found = 0;
		for (size_t i = 0; i < r->helds; i++) {
			if (r->held[i].place != place)
				continue;
			list_append(&r->m->held, &r->held[i].c->in_held);
			found = 1;
		}
	}
}

int reading_finish(struct reading *r)
{
	struct machine *m = r->m;
	int err = finish_accounts(r);

	list_each(&m->conns, l) {
		struct conn *c = list_entry(l, struct conn, in_machine);

		list_each(&c->transactions, lt)
			if (!err)
				err = finish_transaction(r, list_entry(lt,
					struct transaction, in_conn));
	}
	if (!err)
		err = finish_trees(r);
	finish_held(r);
	for (uint32_t i = domain_next(m, 0); i < STATE_DOMAINS;
	     i = domain_next(m, i + 1))
		m->domain[i]->peak_memory = r->peak[i];
	m->age = r->age;
	m->watch_id = r->watch_id;
	m->owned_id = r->owned_id;
	return err ? err : r->err;
}
