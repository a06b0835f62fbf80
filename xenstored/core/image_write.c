/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine as records; see image.h. */
#include "xenstored/core/conn.h"
#include "xenstored/core/diff.h"
#include "xenstored/core/domain.h"
#include "xenstored/core/field.h"
#include "xenstored/core/image.h"
#include "xenstored/core/image_key.h"
#include "xenstored/core/mem.h"
#include "xenstored/core/transaction.h"
#include "xenstored/core/watch.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct writing {
	struct machine *m;
	image_put put;
	void *arg;
	struct field_out o;
	char key[IMAGE_KEY_MAX];
};

/* Hand over the record that was built, and start the next. */
static int record_end(struct writing *w)
{
	int err = w->o.failed ? -ENOMEM :
		w->put(w->arg, w->key, w->o.text, w->o.len);

	w->o.len = 0;
	return err;
}

__attribute__((format(printf, 2, 3)))
static void record_start(struct writing *w, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(w->key, sizeof(w->key), format, ap);
	va_end(ap);
	w->o.len = 0;
}

static int write_machine(struct writing *w)
{
	const struct machine *m = w->m;
	struct field_out *o = &w->o;

	record_start(w, "machine");
	field_number(o, "image", IMAGE_VERSION);
	field_number(o, "machine", MACHINE_VERSION);
	field_number(o, "now", m->now);
	field_number(o, "started", m->started);
	field_number(o, "age", m->age);
	field_number(o, "key0", m->key.k0);
	field_number(o, "key1", m->key.k1);
	field_number(o, "watch_id", m->watch_id);
	field_number(o, "ask_id", m->ask_id);
	field_number(o, "owned_id", m->owned_id);
	field_number(o, "favour_until", m->favour_until);
	field_number(o, "favour_pause", m->favour_pause);
	for (int i = 0; i < QUOTA_COUNT; i++)
		field_number(o, "quota", m->config.quota[i]);
	field_number(o, "requests", m->counts.requests);
	field_number(o, "events", m->counts.events);
	field_number(o, "merged", m->counts.merged);
	field_number(o, "lost", m->counts.lost);
	field_number(o, "conflicts", m->counts.conflicts);
	field_number(o, "refused", m->counts.refused);
	field_number(o, "held", m->counts.held);
	for (int i = 0; i < SPECIAL_COUNT; i++)
		field_acl(o, m->special[i]);
	return record_end(w);
}

static int write_domain(struct writing *w, const struct domain *d)
{
	struct field_out *o = &w->o;
	uint64_t owned = 0;

	record_start(w, "domain %u", d->domid);
	field_number(o, "instance", d->instance);
	field_number(o, "flags", d->flags);
	field_number(o, "introduced", d->introduced);
	field_number(o, "shutdown_seen", d->shutdown_seen);
	field_number(o, "stands_for", (uint64_t)(d->target + 1));
	field_number(o, "port", d->port);
	field_number(o, "features", d->features);
	for (int i = 0; i < QUOTA_COUNT; i++) {
		field_number(o, "limit", d->limit[i]);
		field_number(o, "own", d->own_limit[i]);
		field_number(o, "refused", d->refused[i]);
	}
	field_number(o, "peak_memory", d->peak_memory);
	field_number(o, "log_after", d->log_after);
	list_each(&d->owned, l)
		owned++;
	field_number(o, "owned", owned);
	list_each(&d->owned, l) {
		struct owned *own = list_entry(l, struct owned, in_domain);

		field_number(o, "id", own->id);
		field_bytes(o, "path", own->path, own->len);
	}
	return record_end(w);
}

static int write_domains(struct writing *w)
{
	const struct machine *m = w->m;
	int err = 0;

	for (uint32_t i = 0; i < STATE_DOMAINS && !err; i++) {
		if (!m->valid_since[i])
			continue;
		record_start(w, "age %u", i);
		field_number(&w->o, "since", m->valid_since[i]);
		err = record_end(w);
	}
	for (uint32_t i = domain_next(m, 0); i < STATE_DOMAINS && !err;
	     i = domain_next(m, i + 1))
		err = write_domain(w, m->domain[i]);
	return err;
}

/* ------------------------------------------------------ connections -- */

static void write_paths(struct field_out *o, const struct transaction *t)
{
	field_number(o, "cost", t->cost);
	field_number(o, "paths", t->path_count);
	for (const struct transaction_path *p = t->paths; p; p = p->next) {
		field_number(o, "seen", p->aspects);
		field_bytes(o, "path", p->path, p->len);
	}
}

static uint64_t held_place(const struct machine *m, const struct conn *c)
{
	uint64_t n = 0;

	if (list_empty(&c->in_held))
		return 0;
	list_each(&m->held, l) {
		n++;
		if (l == &c->in_held)
			break;
	}
	return n;
}

/* What the host has answered to a request that waits for something else. */
static void write_answer(struct field_out *o, const struct conn *c)
{
	field_number(o, "again", c->answer.again);
	field_number(o, "answer", c->answer.there);
	if (c->answer.there) {
		field_number(o, "type", (uint64_t)c->answer.type);
		field_number(o, "domid", c->answer.domid);
		field_number(o, "error", c->answer.error);
		field_bytes(o, "data", c->answer.data, c->answer.len);
	}
	field_number(o, "absent", c->absents);
	for (unsigned int i = 0; i < c->absents; i++)
		field_number(o, "domid", c->absent[i]);
}

static int write_conn(struct writing *w, const struct conn *c,
		      uint64_t order)
{
	struct field_out *o = &w->o;
	uint64_t messages = 0;

	record_start(w, "conn %u", c->id);
	field_number(o, "order", order);
	field_number(o, "failed", c->failed);
	field_number(o, "error", c->ring_error);
	field_number(o, "transaction_id", c->transaction_id);
	field_number(o, "conflicts", c->conflicts);
	field_number(o, "favour_after", c->favour_after);
	field_number(o, "held", held_place(w->m, c));
	field_number(o, "requests", c->requests);
	field_number(o, "events", c->events);
	field_number(o, "merged", c->merged);
	field_number(o, "lost", c->lost_events);
	field_bytes(o, "input", c->in, c->in ? c->in_len : 0);
	field_number(o, "sent", c->out_sent);
	for (const struct message *msg = c->out; msg; msg = msg->next)
		messages++;
	field_number(o, "messages", messages);
	for (const struct message *msg = c->out; msg; msg = msg->next) {
		field_number(o, "event", msg->event);
		field_number(o, "open", msg->indexed);
		field_bytes(o, "bytes", msg->bytes, msg->len);
	}
	write_answer(o, c);
	field_number(o, "husk", c->husk != NULL);
	if (c->husk)
		write_paths(o, c->husk);
	return record_end(w);
}

static int write_watches(struct writing *w, const struct conn *c)
{
	struct field_out *o = &w->o;
	int err = 0;

	list_each(&c->watches, l) {
		struct watch *watch = list_entry(l, struct watch, in_conn);

		record_start(w, "watch %020llu",
			     (unsigned long long)watch->id);
		field_number(o, "conn", c->id);
		field_number(o, "depth", (uint64_t)(watch->depth + 1LL));
		field_number(o, "prefix", watch->prefix);
		field_number(o, "lost", !list_empty(&watch->in_lost));
		field_bytes(o, "path", watch->path, watch->path_len);
		field_bytes(o, "token", watch->token, watch->token_len);
		err = record_end(w);
		if (err)
			break;
	}
	return err;
}

/* ------------------------------------------------------- transactions -- */

static void node_fields(struct field_out *o, const struct node *n)
{
	field_number(o, "there", n != NULL);
	if (!n)
		return;
	field_number(o, "seq", n->seq);
	field_number(o, "parent", n->dir != NULL);
	field_number(o, "children", n->dir ? n->dir->gen : 0);
	field_acl(o, n->acl);
	field_bytes(o, "value", node_value(n).at, n->value_len);
}

/* One node of a transaction's tree that differs; `w->key` has its prefix. */
struct tree_writing {
	struct writing *w;
	char prefix[64];
};

static int write_tree_node(void *arg, struct span path, const struct node *n)
{
	struct tree_writing *t = arg;

	record_start(t->w, "%s %.*s", t->prefix, (int)path.len, path.at);
	node_fields(&t->w->o, n);
	return record_end(t->w);
}

static int write_tree(struct writing *w, const struct transaction *t,
		      const char *what, struct node *from, struct node *to)
{
	struct tree_writing tw = { .w = w };

	snprintf(tw.prefix, sizeof(tw.prefix), "%s %u %u", what, t->conn->id,
		 t->id);
	return diff_trees(&w->m->key, from, to, write_tree_node, &tw);
}

static int write_transaction(struct writing *w, const struct transaction *t,
			     uint64_t order)
{
	struct field_out *o = &w->o;
	uint64_t ops = 0;
	int err;

	record_start(w, "tx %u %u", t->conn->id, t->id);
	field_number(o, "order", order);
	field_number(o, "failed", (uint64_t)t->failed);
	field_number(o, "favoured", w->m->favoured == t);
	write_paths(o, t);
	field_number(o, "nodes", (uint64_t)t->own.nodes);
	field_number(o, "accounts", t->own.deltas);
	for (unsigned int i = 0; i < t->own.deltas; i++) {
		field_number(o, "domid", t->own.delta[i].domid);
		field_number(o, "nodes", (uint64_t)t->own.delta[i].nodes);
		field_number(o, "memory", (uint64_t)t->own.delta[i].memory);
	}
	for (const struct transaction_op *op = t->log; op; op = op->next)
		ops++;
	field_number(o, "ops", ops);
	for (const struct transaction_op *op = t->log; op; op = op->next) {
		field_number(o, "op", op->op);
		field_bytes(o, "path", op->data, op->path_len);
		field_bytes(o, "value", op->data + op->path_len,
			    op->value_len);
		field_number(o, "perms", op->acl != NULL);
		if (op->acl)
			field_acl(o, op->acl);
	}
	field_number(o, "stale", w->m->stale - t->fresh);
	err = record_end(w);
	if (!err)
		err = write_tree(w, t, "base", w->m->root, t->base);
	if (!err)
		err = write_tree(w, t, "own", t->base, t->own.root);
	return err;
}

static int write_conns(struct writing *w)
{
	uint64_t order = 0, tx_order = 0;
	int err = 0;

	list_each(&w->m->conns, l) {
		struct conn *c = list_entry(l, struct conn, in_machine);

		err = write_conn(w, c, order++);
		if (!err)
			err = write_watches(w, c);
		list_each(&c->transactions, lt) {
			if (err)
				break;
			err = write_transaction(w, list_entry(lt,
					struct transaction, in_conn),
					tx_order++);
		}
		if (err)
			break;
	}
	return err;
}

/* -------------------------------------------------------------- whole -- */

static bool waits_for_host(const struct machine *m)
{
	return !list_empty(&m->asks) || m->unmaps || !list_empty(&m->tell) ||
	       !list_empty(&m->reap);
}

int image_write_rest(struct machine *m, image_put put, void *arg)
{
	struct writing w = { .m = m, .put = put, .arg = arg };
	int err;

	if (waits_for_host(m))
		return -EBUSY;
	field_start(&w.o);
	err = write_machine(&w);
	if (!err)
		err = write_domains(&w);
	if (!err)
		err = write_conns(&w);
	field_end(&w.o);
	return err;
}

static int write_node(void *arg, struct span path, const struct node *n)
{
	struct writing *w = arg;

	record_start(w, "node %.*s", (int)path.len, path.at);
	if (!n)
		return w->put(w->arg, w->key, NULL, SIZE_MAX);
	node_fields(&w->o, n);
	return record_end(w);
}

int image_write_nodes(struct machine *m, struct node *since, image_put put,
		      void *arg)
{
	struct writing w = { .m = m, .put = put, .arg = arg };
	int err;

	field_start(&w.o);
	err = diff_trees(&m->key, since, m->root, write_node, &w);
	field_end(&w.o);
	return err;
}

struct image_walk {
	struct machine *m;
	struct diff *diff;
};

struct image_walk *image_walk_new(struct machine *m, struct node *since)
{
	struct image_walk *w = mem_block(sizeof(*w));

	if (!w)
		return NULL;
	w->m = m;
	w->diff = diff_new(&m->key, since, m->root);
	if (w->diff)
		return w;
	mem_drop(w);
	return NULL;
}

int image_walk_step(struct image_walk *walk, unsigned int budget,
		    image_put put, void *arg)
{
	struct writing w = { .m = walk->m, .put = put, .arg = arg };
	int err;

	field_start(&w.o);
	err = diff_step(walk->diff, budget, write_node, &w);
	field_end(&w.o);
	return err;
}

void image_walk_free(struct image_walk *w)
{
	if (!w)
		return;
	diff_free(w->diff);
	mem_drop(w);
}

int image_write(struct machine *m, image_put put, void *arg)
{
	int err = image_write_rest(m, put, arg);

	return err ? err : image_write_nodes(m, NULL, put, arg);
}

struct node *image_snapshot(struct machine *m)
{
	return node_ref(m->root);
}

void image_release(struct node *snapshot)
{
	node_unref(snapshot);
}

void image_release_later(struct node *snapshot, struct node **rest)
{
	if (snapshot)
		node_chain(rest, snapshot);
}

bool image_free_some(struct node **rest, unsigned int budget)
{
	return node_free_some(rest, budget);
}

uint64_t image_nodes(const struct machine *m)
{
	return m->nodes;
}
