/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * machine_digest(): one number for all that decides what the machine will
 * do.  Trees are summed up node by node, each hashed with its path, so that
 * the number does not depend on how a directory happens to be laid out.
 */
#include "xenstored/core/ask.h"
#include "xenstored/core/conn.h"
#include "xenstored/core/domain.h"
#include "xenstored/core/transaction.h"
#include "xenstored/core/watch.h"

#include <string.h>

#define LEVELS_MAX (WIRE_ABS_PATH_MAX / 2 + 2)

static const struct hash_key digest_key = { 1, 2 };

static void mix(uint64_t *d, const void *bytes, size_t len)
{
	*d = hash_bytes(&digest_key, *d, bytes, len);
}

static void mix_number(uint64_t *d, uint64_t v)
{
	mix(d, &v, sizeof(v));
}

static void mix_acl(uint64_t *d, const struct acl *acl)
{
	mix_number(d, acl->count);
	for (unsigned int i = 0; i < acl->count; i++)
		mix_number(d, acl->entry[i].domid |
			   (uint64_t)acl->entry[i].access << 16);
	mix_number(d, acl->stamp);
}

static uint64_t digest_tree(struct node *root)
{
	uint64_t sum = 0, at[LEVELS_MAX];
	struct tree_walk w;
	struct node *n;

	tree_walk_start(&w, root);
	while ((n = tree_walk_next(&w))) {
		uint64_t d = w.depth ? at[w.depth - 1] : 0;

		mix(&d, n->data, n->name_len);
		at[w.depth] = d;
		mix(&d, n->data + n->name_len, n->value_len);
		mix_number(&d, n->seq);
		mix_number(&d, n->dir ? n->dir->gen : 0);
		mix_acl(&d, n->acl);
		sum += d;
	}
	tree_walk_end(&w);
	return sum;
}

static void mix_paths(uint64_t *d, const struct transaction *t)
{
	for (const struct transaction_path *p = t->paths; p; p = p->next) {
		mix_number(d, p->aspects);
		mix(d, p->path, p->len);
	}
}

static void mix_transaction(uint64_t *d, const struct transaction *t)
{
	mix_number(d, t->id);
	mix_number(d, (uint64_t)t->failed);
	mix_number(d, t->cost);
	mix_number(d, t->own.m->stale - t->fresh);
	mix_number(d, digest_tree(t->base));
	mix_number(d, digest_tree(t->own.root));
	mix_paths(d, t);
	for (const struct transaction_op *o = t->log; o; o = o->next) {
		mix_number(d, o->op);
		mix(d, o->data, (size_t)o->path_len + o->value_len);
		if (o->acl)
			mix_acl(d, o->acl);
	}
}

static void mix_watch(uint64_t *d, const struct watch *w)
{
	mix_number(d, w->id);
	mix_number(d, (uint64_t)(uint32_t)w->depth);
	mix_number(d, w->prefix);
	mix(d, w->path, w->path_len);
	mix(d, w->token, w->token_len);
}

static void mix_conn(uint64_t *d, const struct conn *c)
{
	mix_number(d, c->id);
	mix_number(d, c->failed | (uint64_t)c->outstanding << 1);
	mix_number(d, c->ring_error);
	mix_number(d, c->answer.ask);
	mix_number(d, c->answer.there | (uint64_t)c->answer.again << 1);
	if (c->answer.there)
		mix_number(d, (uint64_t)c->answer.type |
			   (uint64_t)c->answer.domid << 8 |
			   (uint64_t)c->answer.error << 32);
	mix(d, c->answer.data, c->answer.data ? c->answer.len : 0);
	mix(d, c->absent, c->absents * sizeof(*c->absent));
	mix_number(d, c->transaction_id);
	mix_number(d, c->conflicts);
	mix_number(d, c->favour_after);
	mix(d, c->in, c->in ? c->in_len : 0);
	mix_number(d, c->out_sent);
	for (const struct message *msg = c->out; msg; msg = msg->next) {
		mix_number(d, msg->event | (uint64_t)msg->indexed << 1);
		mix(d, msg->bytes, msg->len);
	}
	list_each(&c->watches, l)
		mix_watch(d, list_entry(l, struct watch, in_conn));
	list_each(&c->lost, l)
		mix_watch(d, list_entry(l, struct watch, in_lost));
	list_each(&c->transactions, l)
		mix_transaction(d, list_entry(l, struct transaction, in_conn));
	if (c->husk)
		mix_paths(d, c->husk);
}

static void mix_domain(uint64_t *d, const struct domain *dom)
{
	mix_number(d, dom->domid | (uint64_t)dom->introduced << 16 |
		   (uint64_t)dom->shutdown_seen << 17 |
		   (uint64_t)dom->dying << 18);
	mix_number(d, dom->instance);
	mix_number(d, (uint64_t)(uint32_t)dom->target);
	mix_number(d, dom->features);
	mix(d, dom->limit, sizeof(dom->limit));
	mix(d, dom->used, sizeof(dom->used));
}

uint64_t machine_digest(struct machine *m)
{
	uint64_t d = 0;

	mix_number(&d, m->age);
	mix_number(&d, m->now);
	mix_number(&d, digest_tree(m->root));
	for (int i = 0; i < SPECIAL_COUNT; i++)
		mix_acl(&d, m->special[i]);
	for (uint32_t i = domain_next(m, 0); i < STATE_DOMAINS;
	     i = domain_next(m, i + 1))
		mix_domain(&d, m->domain[i]);
	mix(&d, m->valid_since, sizeof(m->valid_since));
	mix(&d, m->config.quota, sizeof(m->config.quota));
	list_each(&m->conns, l)
		mix_conn(&d, list_entry(l, struct conn, in_machine));
	list_each(&m->asks, l) {
		struct ask *a = list_entry(l, struct ask, in_machine);

		mix_number(&d, a->what.id);
		mix_number(&d, (uint64_t)a->what.type | (uint64_t)a->fetched << 8);
	}
	if (m->favoured) {
		mix_number(&d, m->favour_until);
		mix_number(&d, m->favoured->conn->id);
		mix_number(&d, m->favoured->id);
	}
	mix_number(&d, m->favour_pause);
	list_each(&m->held, l)
		mix_number(&d, list_entry(l, struct conn, in_held)->id);
	mix_number(&d, m->watch_id);
	mix_number(&d, m->ask_id);
	return d;
}
