/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * machine_check(): everything that is kept in two places is counted anew
 * from the one and compared with the other.
 */
#include "xenstored/core/conn.h"
#include "xenstored/core/domain.h"
#include "xenstored/core/effect.h"
#include "xenstored/core/mem.h"
#include "xenstored/core/quota.h"
#include "xenstored/core/transaction.h"
#include "xenstored/core/watch.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct checking {
	struct machine *m;
	void (*say)(void *arg, const char *text);
	void *arg;
	unsigned int findings;
	uint64_t nodes, owned, watches, indexed;
	uint64_t (*tally)[QUOTA_COUNT];		/* per domain */
};

static void finding(struct checking *k, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void finding(struct checking *k, const char *format, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	k->findings++;
	k->say(k->arg, text);
}

static bool check_owned(struct checking *k, const struct tree_walk *w,
			struct node *n)
{
	uint16_t owner = effect_owner(k->m, n->acl);
	char path[WIRE_ABS_PATH_MAX + 1];
	struct span s = { path, 0 };

	if (!owner || owner == (w->parent ?
				effect_owner(k->m, w->parent->acl) : 0))
		return true;
	for (unsigned int i = 1; i <= w->depth; i++) {
		struct node *on = tree_walk_at(w, i);

		if (s.len + 1 + on->name_len > sizeof(path))
			return false;
		path[s.len++] = '/';
		memcpy(path + s.len, on->data, on->name_len);
		s.len += on->name_len;
	}
	k->owned++;
	if (!s.len)
		path[s.len++] = '/';
	return owned_find(k->m, owner, s);
}

static void check_dir(struct checking *k, const struct node *n)
{
	struct node *child, **list;
	struct dir_iter it;
	uint32_t count = 0;

	if (!n->dir)
		return;
	dir_iter_start(&it, n->dir);
	while ((child = dir_iter_next(&it))) {
		count++;
		if (dir_find(&k->m->key, n->dir, node_name(child)) != child)
			finding(k, "child %.*s is not found by its name",
				child->name_len, child->data);
	}
	if (count != dir_count(n->dir))
		finding(k, "directory %.*s has %u children and counts %u",
			n->name_len, n->data, count, dir_count(n->dir));
	list = dir_list(n->dir);
	for (uint32_t i = 1; list && i < count; i++)
		if (list[i - 1]->seq >= list[i]->seq)
			finding(k, "children of %.*s are out of order",
				n->name_len, n->data);
	mem_drop(list);
}

static void check_tree(struct checking *k)
{
	struct tree_walk w;
	struct node *n;

	tree_walk_start(&w, k->m->root);
	while ((n = tree_walk_next(&w))) {
		uint16_t owner = effect_owner(k->m, n->acl);

		k->nodes++;
		k->tally[owner][QUOTA_NODES]++;
		k->tally[owner][QUOTA_MEMORY] += change_node_cost(n);
		check_dir(k, n);
		if (!check_owned(k, &w, n))
			finding(k, "node %.*s of domain %u is not in the "
				"index of owned nodes", n->name_len, n->data,
				owner);
	}
	if (w.failed)
		finding(k, "no memory to walk the store");
	tree_walk_end(&w);
	if (k->nodes != k->m->nodes)
		finding(k, "%" PRIu64 " nodes, %" PRIu64 " counted", k->nodes,
			k->m->nodes);
	if (k->owned != k->m->owned.count)
		finding(k, "%" PRIu64 " owned subtrees, %zu in the index",
			k->owned, k->m->owned.count);
}

static void check_output(struct checking *k, const struct conn *c,
			 uint64_t *tally)
{
	size_t bytes = 0, replies = 0;
	uint32_t outstanding = 0;

	for (struct message *msg = c->out; msg; msg = msg->next) {
		bytes += msg->len;
		tally[QUOTA_MEMORY] += CONN_MESSAGE_COST + msg->len;
		k->indexed += msg->indexed;
		if (msg->event)
			continue;
		outstanding++;
		replies += msg->len;
	}
	tally[QUOTA_OUTSTANDING] += outstanding;
	if (bytes - c->out_sent != c->out_bytes || replies != c->reply_bytes ||
	    outstanding != c->outstanding)
		finding(k, "connection %u: output queue and counters differ",
			c->id);
}

static void check_watches(struct checking *k, struct conn *c,
			  uint64_t *tally)
{
	list_each(&c->watches, l) {
		struct watch *w = list_entry(l, struct watch, in_conn);
		struct span path = { w->path, w->path_len };
		struct span token = { w->token, w->token_len };

		k->watches++;
		tally[QUOTA_WATCHES]++;
		tally[QUOTA_MEMORY] += watch_cost(path, token);
		if (watch_find(k->m, c, path, token) != w)
			finding(k, "connection %u: watch on %.*s is lost",
				c->id, (int)path.len, path.at);
	}
}

static void check_conns(struct checking *k)
{
	list_each(&k->m->conns, l) {
		struct conn *c = list_entry(l, struct conn, in_machine);
		uint64_t *tally = k->tally[c->domain->domid];

		check_output(k, c, tally);
		check_watches(k, c, tally);
		list_each(&c->transactions, lt) {
			struct transaction *t =
				list_entry(lt, struct transaction, in_conn);

			tally[QUOTA_TRANSACTIONS]++;
			tally[QUOTA_MEMORY] += t->cost;
		}
		if (c->husk)
			tally[QUOTA_MEMORY] += c->husk->cost;
	}
	if (k->watches != k->m->watch_index.count)
		finding(k, "%" PRIu64 " watches, %zu in the index",
			k->watches, k->m->watch_index.count);
	if (k->indexed != k->m->events.count)
		finding(k, "%" PRIu64 " events queued, %zu in the index",
			k->indexed, k->m->events.count);
}

static void check_accounts(struct checking *k)
{
	for (uint32_t i = 0; i < STATE_DOMAINS; i++) {
		struct domain *d = k->m->domain[i];

		if (d && !d->dying && d->introduced != (d->conn != NULL))
			finding(k, "domain %u is introduced and has no ring, "
				"or the reverse", i);
		for (int row = 0; row < QUOTA_COUNT; row++) {
			uint64_t used = d ? d->used[row] : 0;

			if (!quota_table[row].counted ||
			    used == k->tally[i][row])
				continue;
			finding(k, "domain %u: %s is %" PRIu64
				", charged %" PRIu64, i,
				quota_table[row].name, k->tally[i][row], used);
		}
	}
}

unsigned int machine_check(struct machine *m,
			   void (*say)(void *arg, const char *text), void *arg)
{
	struct checking k = { .m = m, .say = say, .arg = arg };
	size_t size = STATE_DOMAINS * sizeof(*k.tally);

	k.tally = mem_block(size);
	if (!k.tally) {
		finding(&k, "no memory for the check");
		return k.findings;
	}
	memset(k.tally, 0, size);
	check_tree(&k);
	check_conns(&k);
	check_accounts(&k);
	mem_drop(k.tally);
	return k.findings;
}
