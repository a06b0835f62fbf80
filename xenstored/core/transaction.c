/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Transactions; see transaction.h. */
#include "xenstored/core/transaction.h"
#include "xenstored/core/conn.h"
#include "xenstored/core/domain.h"
#include "xenstored/core/fair.h"
#include "xenstored/core/mem.h"
#include "xenstored/core/notes.h"
#include "xenstored/core/quota.h"
#include "protocol/path.h"

#include <errno.h>
#include <string.h>

#define TRANSACTION_COST 512
#define PATH_COST 64
#define OP_COST 64

static struct transaction *transaction_make(struct conn *c)
{
	struct transaction *t = mem_new(c, struct transaction);

	if (!t)
		return NULL;
	t->conn = c;
	list_init(&t->in_conn);
	list_init(&t->in_pinning);
	hash_table_init(&t->seen);
	t->last_path = &t->paths;
	t->last_op = &t->log;
	return t;
}

static void transaction_enter(struct machine *m, struct transaction *t)
{
	struct conn *c = t->conn;

	list_append(&c->transactions, &t->in_conn);
	t->fresh = m->stale;
	if (!c->privileged)
		list_append(&m->pinning, &t->in_pinning);
	c->transaction_count++;
	m->transactions++;
	domain_charge(c->domain, QUOTA_TRANSACTIONS, 1);
}

struct transaction *transaction_start(struct machine *m, struct conn *c)
{
	struct transaction *t = transaction_make(c);

	if (!t)
		return NULL;
	do {
		c->transaction_id++;
	} while (!c->transaction_id ||
		 transaction_find(c, c->transaction_id));
	t->id = c->transaction_id;
	t->began = m->age;
	t->since = m->now;
	t->base = node_ref(m->root);
	change_init(&t->own, m, m->root, false);
	t->cost = TRANSACTION_COST;
	transaction_enter(m, t);
	domain_charge(c->domain, QUOTA_MEMORY, t->cost);
	return t;
}

struct transaction *transaction_restore(struct machine *m, struct conn *c,
					uint32_t id)
{
	struct transaction *t = transaction_make(c);

	if (!t)
		return NULL;
	t->id = id;
	t->since = m->now;
	change_init(&t->own, m, m->root, false);
	node_unref(t->own.root);
	t->own.root = NULL;
	transaction_enter(m, t);
	return t;
}

struct transaction *transaction_restore_husk(struct conn *c)
{
	return transaction_make(c);
}

struct transaction *transaction_find(const struct conn *c, uint32_t id)
{
	list_each(&c->transactions, l) {
		struct transaction *t =
			list_entry(l, struct transaction, in_conn);

		if (t->id == id)
			return t;
	}
	return NULL;
}

/* Its trees and its log go; what it saw stays, and is still charged for. */
void transaction_husk(struct machine *m, struct transaction *t)
{
	struct conn *c = t->conn;

	fair_ended(m, t);
	domain_return(c->domain, QUOTA_TRANSACTIONS, 1);
	change_fini(&t->own);
	node_unref(t->base);
	t->base = NULL;
	while (t->log) {
		struct transaction_op *op = t->log;

		t->log = op->next;
		acl_unref(op->acl);
		mem_drop(op);
	}
	list_remove(&t->in_conn);
	list_remove(&t->in_pinning);
	c->transaction_count--;
	m->transactions--;
}

void transaction_husk_drop(struct transaction *t)
{
	if (!t)
		return;
	domain_return(t->conn->domain, QUOTA_MEMORY, t->cost);
	hash_table_fini(&t->seen);
	while (t->paths) {
		struct transaction_path *p = t->paths;

		t->paths = p->next;
		mem_drop(p);
	}
	talloc_free(t);
}

void transaction_drop(struct machine *m, struct transaction *t)
{
	transaction_husk(m, t);
	transaction_husk_drop(t);
}

void transaction_drop_all(struct machine *m, struct conn *c)
{
	list_each_safe(&c->transactions, l)
		transaction_drop(m, list_entry(l, struct transaction, in_conn));
}

static int transaction_fail(struct transaction *t, int err)
{
	if (!t->failed)
		t->failed = err > 0 ? err : WIRE_ENOMEM;
	return err;
}

/* Charge the domain for what the transaction holds. */
static int transaction_charge(struct machine *m, struct transaction *t,
			      uint64_t cost, struct span path)
{
	struct domain *d = t->conn->domain;

	if (!t->conn->privileged && !domain_may(d, QUOTA_MEMORY, cost)) {
		domain_refused(m, d, QUOTA_MEMORY, path);
		return transaction_fail(t, WIRE_ENOSPC);
	}
	domain_charge(d, QUOTA_MEMORY, cost);
	t->cost += cost;
	return 0;
}

/* ---------------------------------------------------------- read set -- */

struct transaction_path *transaction_path(const struct machine *m,
					  const struct transaction *t,
					  struct span path)
{
	uint64_t hash = hash_bytes(&m->key, 0, path.at, path.len);
	struct hash_link *l = hash_table_chain(&t->seen, hash);

	for (; l; l = l->next) {
		struct transaction_path *p =
			hash_entry(l, struct transaction_path, link);

		if (l->hash == hash && p->len == path.len &&
		    !memcmp(p->path, path.at, path.len))
			return p;
	}
	return NULL;
}

static struct transaction_path *path_add(struct machine *m,
					 struct transaction *t,
					 struct span path)
{
	struct transaction_path *p = mem_block(sizeof(*p) + path.len);

	if (!p)
		return NULL;
	p->next = NULL;
	p->aspects = 0;
	p->len = (uint16_t)path.len;
	memcpy(p->path, path.at, path.len);
	hash_table_add(&t->seen, &p->link,
		       hash_bytes(&m->key, 0, path.at, path.len));
	*t->last_path = p;
	t->last_path = &p->next;
	t->path_count++;
	return p;
}

static int path_note(struct machine *m, struct transaction *t,
		     struct span path, struct transaction_path **out)
{
	struct domain *d = t->conn->domain;
	struct transaction_path *p = transaction_path(m, t, path);
	int err;

	*out = p;
	if (p)
		return 0;
	if (!t->conn->privileged &&
	    !quota_allows(d->limit[QUOTA_TRANSACTION_NODES],
			  t->path_count + 1u)) {
		domain_refused(m, d, QUOTA_TRANSACTION_NODES, path);
		return transaction_fail(t, WIRE_ENOSPC);
	}
	err = transaction_charge(m, t, PATH_COST + path.len, path);
	if (err)
		return err;
	*out = path_add(m, t, path);
	return *out ? 0 : transaction_fail(t, -ENOMEM);
}

bool transaction_restore_path(struct machine *m, struct transaction *t,
			      struct span path, unsigned int aspects)
{
	struct transaction_path *p = path_add(m, t, path);

	if (p)
		p->aspects = aspects;
	return p;
}

int transaction_saw(struct machine *m, struct transaction *t,
		    struct span path, unsigned int aspects)
{
	struct transaction_path *p;
	int err = path_note(m, t, path, &p);

	if (err)
		return err;
	/* The value he wrote himself tells nothing about others'. */
	if (p->aspects & SEEN_WROTE)
		aspects &= ~(unsigned int)SEEN_VALUE;
	p->aspects |= aspects;
	return 0;
}

/* A missing path: that it is, and the list that decided the error. */
static int saw_missing(struct machine *m, struct transaction *t,
		       struct span path)
{
	struct span at;
	int err;

	tree_nearest(&m->key, t->own.root, path, &at);
	err = transaction_saw(m, t, at, SEEN_ACL);
	if (!err && at.len != path.len)
		err = transaction_saw(m, t, path, SEEN_EXISTS);
	return err;
}

static uint64_t children_gen(const struct node *n)
{
	return n->dir ? n->dir->gen : n->seq;
}

/*
 * Same to the eye of one who saw these aspects?  A node whose children came
 * and went has a later generation than one never touched, so an unchanged
 * set of names may be taken for a changed one, never the reverse.
 */
static bool same_seen(const struct node *a, const struct node *b,
		      unsigned int aspects)
{
	if (a == b || !aspects || aspects == SEEN_WROTE)
		return true;
	if (!a || !b)
		return false;
	if ((aspects & SEEN_VALUE) &&
	    (a->value_len != b->value_len ||
	     memcmp(node_value(a).at, node_value(b).at, a->value_len)))
		return false;
	if ((aspects & SEEN_ACL) && !acl_same(a->acl, b->acl))
		return false;
	return !(aspects & SEEN_CHILDREN) ||
	       children_gen(a) == children_gen(b);
}

/*
 * A path that is missing as it was: what may be done there follows from what
 * is above it, and something may have been made in between.
 */
static bool same_missing(struct machine *m, const struct transaction *t,
			 const struct caller *who, struct span path)
{
	struct node *a = tree_nearest(&m->key, t->base, path, NULL);
	struct node *b = tree_nearest(&m->key, m->root, path, NULL);

	return a == b ||
	       access_of(m, who, a->acl) == access_of(m, who, b->acl);
}

/* If not, *at is the path that tells. */
static bool transaction_valid(struct machine *m, const struct transaction *t,
			      struct span *at)
{
	struct caller who = conn_caller(t->conn);

	if (m->root == t->base)
		return true;
	for (const struct transaction_path *p = t->paths; p; p = p->next) {
		struct span path = { p->path, p->len };
		struct node *a = tree_find(&m->key, t->base, path);
		struct node *b = tree_find(&m->key, m->root, path);

		*at = path;
		if (!same_seen(a, b, p->aspects))
			return false;
		if (!a && !b && (p->aspects & SEEN_EXISTS) &&
		    !same_missing(m, t, &who, path))
			return false;
	}
	return true;
}

/* --------------------------------------------------------------- log -- */

int transaction_apply(struct change *c, const struct caller *who, uint32_t op,
		      struct span path, struct span value, struct acl *acl)
{
	switch (op) {
	case WIRE_WRITE:
		return change_write(c, who, path, value);
	case WIRE_MKDIR:
		return change_mkdir(c, who, path);
	case WIRE_RM:
		return change_rm(c, who, path);
	case WIRE_SET_PERMS:
		return change_set_acl(c, who, path, acl);
	default:
		return -EINVAL;
	}
}

static struct transaction_op *op_make(uint32_t op, struct span path,
				      struct span value, struct acl *acl)
{
	struct transaction_op *o =
		mem_block(sizeof(*o) + path.len + value.len);

	if (!o)
		return NULL;
	o->next = NULL;
	o->op = op;
	o->acl = acl ? acl_ref(acl) : NULL;
	o->path_len = (uint16_t)path.len;
	o->value_len = (uint16_t)value.len;
	memcpy(o->data, path.at, path.len);
	if (value.len)
		memcpy(o->data + path.len, value.at, value.len);
	return o;
}

static void op_append(struct transaction *t, struct transaction_op *o)
{
	*t->last_op = o;
	t->last_op = &o->next;
}

bool transaction_restore_op(struct transaction *t, uint32_t op,
			    struct span path, struct span value,
			    struct acl *acl)
{
	struct transaction_op *o = op_make(op, path, value, acl);

	if (o)
		op_append(t, o);
	return o;
}

static int op_note(struct machine *m, struct transaction *t, uint32_t op,
		   struct span path, struct span value, struct acl *acl,
		   struct transaction_op **out)
{
	int err;

	/* Twice: once for the log, once for the node in the own tree. */
	err = transaction_charge(m, t, 2 * (OP_COST + path.len + value.len) +
				 (acl ? acl->count * sizeof(struct perm) : 0),
				 path);
	if (err)
		return err;
	*out = op_make(op, path, value, acl);
	return *out ? 0 : transaction_fail(t, -ENOMEM);
}

/* An operation was refused: the refusal is something he saw. */
static int saw_refusal(struct machine *m, struct transaction *t, uint32_t op,
		       struct span path, int err)
{
	int more;

	if (err < 0 || err == WIRE_ENOSPC) {
		if (t->own.over)
			domain_refused(m, t->own.over, t->own.over_row, path);
		return transaction_fail(t, err);
	}
	more = saw_missing(m, t, path);
	/* RM tells apart a node and a parent that are not there. */
	if (!more && op == WIRE_RM && err == WIRE_ENOENT)
		more = transaction_saw(m, t, path_parent(path), SEEN_EXISTS);
	return more ? more : err;
}

int transaction_do(struct machine *m, struct transaction *t, uint32_t op,
		   struct span path, struct span value, struct acl *acl)
{
	struct caller who = conn_caller(t->conn);
	struct transaction_path *p;
	struct transaction_op *o;
	int err = path_note(m, t, path, &p);

	if (err)
		return err;
	err = op_note(m, t, op, path, value, acl, &o);
	if (err)
		return err;
	t->own.over = NULL;
	err = transaction_apply(&t->own, &who, op, path, value, acl);
	if (err) {
		acl_unref(o->acl);
		mem_drop(o);
		return saw_refusal(m, t, op, path, err);
	}
	if (op == WIRE_WRITE)
		p->aspects |= SEEN_WROTE;
	op_append(t, o);
	return 0;
}

/* Is the owner that SET_PERMS named still the domain that it was? */
static bool owner_lives(const struct machine *m, const struct acl *acl)
{
	return domain_live(m, acl_owner(acl)) && access_valid(m, acl, 0);
}

/* The log on the present tree, and published; else *at is what failed. */
static int replay(struct machine *m, struct transaction *t, struct span *at)
{
	struct caller who = conn_caller(t->conn);
	struct change c;
	int err = 0;

	change_init(&c, m, m->root, true);
	for (struct transaction_op *o = t->log; o && !err; o = o->next) {
		struct span path = { o->data, o->path_len };
		struct span value = { o->data + o->path_len, o->value_len };

		*at = path;
		err = o->acl && !owner_lives(m, o->acl) ? WIRE_EAGAIN :
			transaction_apply(&c, &who, o->op, path, value,
					  o->acl);
		if (err && c.over)
			domain_refused(m, c.over, c.over_row, path);
	}
	if (!err)
		change_publish(&c);
	change_fini(&c);
	return err > 0 && err != WIRE_ENOSPC ? WIRE_EAGAIN : err;
}

int transaction_commit(struct machine *m, struct transaction *t)
{
	struct span at = { "/", 1 };
	int err;

	if (t->failed)
		return t->failed;
	if (!t->log)
		return 0;
	err = transaction_valid(m, t, &at) ? replay(m, t, &at) : WIRE_EAGAIN;
	if (err == WIRE_EAGAIN) {
		m->counts.conflicts++;
		notes_conflict(m, t, at);
	}
	return err;
}
