/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is concerned with a path; see look.h. */
#include "xenstored/core/look.h"
#include "xenstored/core/conn.h"
#include "xenstored/core/transaction.h"
#include "xenstored/core/trie.h"
#include "protocol/path.h"

#include <string.h>

bool look_node(const struct machine *m, struct span path, uint16_t *owner)
{
	const struct node *n = tree_find(&m->key, m->root, path);

	*owner = n ? acl_owner(n->acl) : 0;
	return n;
}

static void place_watches(const struct watch_node *n, unsigned int below,
			  void (*each)(void *arg, const struct look_watch *w),
			  void *arg)
{
	list_each(&n->watches, l) {
		const struct watch *w = list_entry(l, struct watch, in_node);
		struct look_watch one = {
			.conn = w->conn->id,
			.path = { w->path, w->path_len },
			.token = { w->token, w->token_len },
			.depth = w->depth,
		};

		if (w->depth < 0 || below <= (unsigned int)w->depth)
			each(arg, &one);
	}
}

void look_watches(const struct machine *m, struct span path,
		  void (*each)(void *arg, const struct look_watch *w),
		  void *arg)
{
	const struct watch_node *n = m->watch_root;
	unsigned int below = path_depth(path);
	struct span rest = path, name;

	if (path.at[0] == '@') {
		n = trie_child(m, m->watch_special, path);
		if (n)
			place_watches(n, 0, each, arg);
		return;
	}
	for (; n; below--) {
		place_watches(n, below, each, arg);
		n = path_next(&rest, &name) ? trie_child(m, n, name) : NULL;
	}
}

static bool wrote(const struct transaction *t, struct span path)
{
	for (const struct transaction_op *o = t->log; o; o = o->next) {
		if (o->path_len == path.len &&
		    !memcmp(o->data, path.at, path.len))
			return true;
	}
	return false;
}

void look_holders(const struct machine *m, struct span path,
		  void (*each)(void *arg, const struct look_transaction *t),
		  void *arg)
{
	list_each(&m->conns, l) {
		const struct conn *c = list_entry(l, struct conn, in_machine);

		list_each(&c->transactions, i) {
			const struct transaction *t =
				list_entry(i, struct transaction, in_conn);
			const struct transaction_path *p =
				transaction_path(m, t, path);
			struct look_transaction one = {
				.conn = c->id,
				.id = t->id,
				.age_us = m->now - t->since,
				.paths = t->path_count,
				.failed = t->failed,
			};

			if (!p)
				continue;
			one.read = p->aspects & ~(unsigned int)SEEN_WROTE;
			one.written = wrote(t, path);
			each(arg, &one);
		}
	}
}
