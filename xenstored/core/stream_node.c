/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nodes and transactions of a stream; see stream.h.
 *
 * Access entries for domains that are gone: an entry that was void already
 * is left out, as a new domain of that number must get nothing of it; a node
 * whose owner is gone belongs to dom0, as in the C daemon.
 */
#include "xenstored/core/stream_read.h"
#include "xenstored/core/conn.h"
#include "xenstored/core/domain.h"
#include "xenstored/core/transaction.h"
#include "xenstored/core/watch.h"
#include "protocol/path.h"

#include <errno.h>
#include <string.h>

/* Entries of one list; a record of 64 KiB path and value holds no more. */
#define ENTRIES_MAX 4096

struct stream_node {
	uint32_t conn;
	uint32_t tx;
	unsigned int access;
	unsigned int count;		/* entries that are left of `perms` */
	struct perm perm[ENTRIES_MAX];
	struct span path, value;
};

static bool take_letter(struct stream_in *in, uint8_t *access)
{
	static const char letters[] = "nrwb";
	char letter = (char)stream_take(in, 1);
	const char *at = letter ? strchr(letters, letter) : NULL;

	*access = at ? (uint8_t)(at - letters) : PERM_NONE;
	return at;
}

static int take_perm(struct streaming *s, struct stream_node *n, bool owner)
{
	struct perm p;
	bool letter = take_letter(&s->body, &p.access);
	unsigned int flags = stream_take(&s->body, 1);
	struct domain *d;
	int err;

	p.domid = (uint16_t)stream_take(&s->body, 2);
	if (!letter || s->body.failed)
		return streaming_fail(s, -EPROTO, "an access list is "
				      "damaged");
	if (flags & STREAM_STALE) {
		if (!owner)
			return 0;
		p.domid = 0;
	}
	err = streaming_domain(s, p.domid, false, &d);
	if (err)
		return err;
	if (owner && !d)
		p.domid = 0;
	n->perm[n->count++] = p;
	return 0;
}

static int take_node(struct streaming *s, struct stream_node *n)
{
	size_t path_len, value_len;
	unsigned int perms;
	int err = 0;

	n->count = 0;
	n->conn = stream_take(&s->body, 4);
	n->tx = stream_take(&s->body, 4);
	path_len = stream_take(&s->body, 2);
	value_len = stream_take(&s->body, 2);
	n->access = stream_take(&s->body, 2);
	perms = stream_take(&s->body, 2);
	if (perms > ENTRIES_MAX)
		s->body.failed = true;
	for (unsigned int i = 0; i < perms && !s->body.failed && !err; i++)
		err = take_perm(s, n, i == 0);
	n->path = stream_take_text(&s->body, path_len);
	n->value = stream_take_bytes(&s->body, value_len);
	if (!err && s->body.failed)
		err = streaming_fail(s, -EPROTO, "a node is damaged");
	return err;
}

static int node_impossible(struct streaming *s, const struct stream_node *n)
{
	return streaming_fail(s, -EPROTO, "the node \"%.*s\" is impossible",
			      (int)n->path.len, n->path.at);
}

/* A list that is to be unreferenced; NULL: failed. */
static struct acl *make_acl(struct streaming *s, const struct stream_node *n)
{
	struct acl *acl;

	if (!n->count) {
		node_impossible(s, n);
		return NULL;
	}
	acl = acl_new(n->perm, n->count, s->m->age);
	if (!acl)
		streaming_fail(s, -ENOMEM, "no memory");
	return acl;
}

/* --------------------------------------------------------- of the store -- */

/* "/" is there from the start; of others the parent must be, not they. */
static int add_node(struct streaming *s, const struct stream_node *n,
		    struct acl *acl)
{
	const struct hash_key *key = &s->m->key;
	struct node *root = s->change.root;

	if (n->path.len > 1 &&
	    (!tree_find(key, root, path_parent(n->path)) ||
	     tree_find(key, root, n->path)))
		return node_impossible(s, n);
	if (change_write(&s->change, &access_daemon, n->path, n->value) ||
	    change_set_acl(&s->change, &access_daemon, n->path, acl))
		return streaming_fail(s, -ENOMEM, "no memory");
	return 0;
}

static int add_special(struct streaming *s, const struct stream_node *n,
		       struct acl *acl)
{
	int special = watch_special_id(n->path);

	if (special < 0)
		return 0;
	acl_unref(s->m->special[special]);
	s->m->special[special] = acl_ref(acl);
	return 0;
}

int streaming_node(struct streaming *s)
{
	struct stream_node n;
	enum path_kind kind;
	struct acl *acl;
	int err = take_node(s, &n);

	if (err || n.conn)
		return err;
	kind = path_kind(n.path);
	if (kind != PATH_ABSOLUTE && kind != PATH_SPECIAL)
		return node_impossible(s, &n);
	acl = make_acl(s, &n);
	if (!acl)
		return s->err;
	err = kind == PATH_SPECIAL ? add_special(s, &n, acl) :
				     add_node(s, &n, acl);
	acl_unref(acl);
	return err;
}

/* ---------------------------------------------------- of a transaction -- */

int streaming_transaction(struct streaming *s)
{
	struct conn *c = streaming_conn(s, stream_take(&s->body, 4));
	uint32_t id = stream_take(&s->body, 4), next;
	struct transaction *t;

	if (s->body.failed || !c || !id || transaction_find(c, id))
		return streaming_fail(s, -EPROTO, "transaction %u is "
				      "impossible", id);
	next = c->transaction_id;
	t = transaction_start(s->m, c);
	if (!t)
		return streaming_fail(s, -ENOMEM, "no memory");
	t->id = id;
	/* What it read is not known, so that it cannot be judged. */
	t->failed = WIRE_EAGAIN;
	c->transaction_id = next > id ? next : id;
	s->world->transactions++;
	return 0;
}

/* Its own writes are seen in it; what cannot be done is as not written. */
static int pending(struct streaming *s, const struct stream_node *n,
		   struct transaction *t)
{
	struct span none = { "", 0 };
	struct acl *acl;
	int err;

	if (!n->count) {
		err = transaction_do(s->m, t, WIRE_RM, n->path, none, NULL);
		return err == -ENOMEM ? streaming_fail(s, err, "no memory") :
					0;
	}
	acl = make_acl(s, n);
	if (!acl)
		return s->err;
	err = transaction_do(s->m, t, WIRE_WRITE, n->path, n->value, NULL);
	if (!err)
		err = transaction_do(s->m, t, WIRE_SET_PERMS, n->path, none,
				     acl);
	acl_unref(acl);
	return err == -ENOMEM ? streaming_fail(s, err, "no memory") : 0;
}

int streaming_pending(struct streaming *s)
{
	struct transaction *t;
	struct stream_node n;
	struct conn *c;
	int err = take_node(s, &n);

	if (err || !n.conn)
		return err;
	c = streaming_conn(s, n.conn);
	t = c ? transaction_find(c, n.tx) : NULL;
	if (!t || path_kind(n.path) != PATH_ABSOLUTE)
		return node_impossible(s, &n);
	if (n.count && !(n.access & STREAM_WRITTEN))
		return 0;
	return pending(s, &n, t);
}
