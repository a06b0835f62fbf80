/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The trie of watches; see watch.h.  Firing is in fire.c. */
#include "xenstored/core/watch.h"
#include "xenstored/core/conn.h"
#include "xenstored/core/domain.h"
#include "xenstored/core/mem.h"
#include "xenstored/core/trie.h"
#include "protocol/path.h"

#include <string.h>

const char *const watch_special_name[SPECIAL_COUNT] = {
	[SPECIAL_INTRODUCE] = "@introduceDomain",
	[SPECIAL_RELEASE] = "@releaseDomain",
};

int watch_special_id(struct span path)
{
	for (int i = 0; i < SPECIAL_COUNT; i++)
		if (span_is(path, watch_special_name[i]))
			return i;
	return -1;
}

static struct watch_node *trie_new(struct machine *m,
				   struct watch_node *parent,
				   struct span name)
{
	struct watch_node *n = mem_block(sizeof(*n) + name.len);

	if (!n)
		return NULL;
	n->parent = parent;
	list_init(&n->in_parent);
	list_init(&n->below);
	list_init(&n->watches);
	n->id = ++m->watch_node_id;
	n->len = (uint16_t)name.len;
	memcpy(n->name, name.at, name.len);
	if (parent) {
		list_append(&parent->below, &n->in_parent);
		hash_table_add(&m->watch_nodes, &n->link,
			       hash_bytes(&m->key, parent->id, name.at,
					  name.len));
	}
	return n;
}

struct watch_node *trie_child(const struct machine *m,
			      const struct watch_node *parent,
			      struct span name)
{
	uint64_t hash;
	struct hash_link *l;

	if (list_empty(&parent->below))
		return NULL;
	hash = hash_bytes(&m->key, parent->id, name.at, name.len);
	for (l = hash_table_chain(&m->watch_nodes, hash); l; l = l->next) {
		struct watch_node *n = hash_entry(l, struct watch_node, link);

		if (l->hash == hash && n->parent == parent &&
		    n->len == name.len && !memcmp(n->name, name.at, name.len))
			return n;
	}
	return NULL;
}

/* Drop a place that is of no use any more, and those above it likewise. */
static void trie_prune(struct machine *m, struct watch_node *n)
{
	while (n->parent && list_empty(&n->watches) &&
	       list_empty(&n->below)) {
		struct watch_node *up = n->parent;

		hash_table_remove(&m->watch_nodes, &n->link);
		list_remove(&n->in_parent);
		mem_drop(n);
		n = up;
	}
}

/* The place of a path; `make`: make what is missing.  NULL: none, or ENOMEM. */
static struct watch_node *trie_place(struct machine *m, struct span path,
				     bool make)
{
	struct watch_node *n, *next;
	struct span name;

	if (path.at[0] == '@') {
		n = trie_child(m, m->watch_special, path);
		return n || !make ? n : trie_new(m, m->watch_special, path);
	}
	for (n = m->watch_root; path_next(&path, &name); n = next) {
		next = trie_child(m, n, name);
		if (!next && make)
			next = trie_new(m, n, name);
		if (!next) {
			if (make)
				trie_prune(m, n);
			return NULL;
		}
	}
	return n;
}

bool watch_init(struct machine *m)
{
	struct span none = { "", 0 };

	m->watch_root = trie_new(m, NULL, none);
	m->watch_special = trie_new(m, NULL, none);
	return m->watch_root && m->watch_special;
}

struct span watch_path(const struct watch *w)
{
	struct span s = { w->path + w->prefix,
			  (size_t)(w->path_len - w->prefix) };

	return s;
}

static uint64_t watch_hash(const struct machine *m, const struct conn *c,
			   const struct watch_node *n, struct span token)
{
	return hash_bytes(&m->key, n->id ^ (uint64_t)c->id << 32, token.at,
			  token.len);
}

struct watch *watch_find(const struct machine *m, const struct conn *c,
			 struct span path, struct span token)
{
	/* Looking up makes nothing: the cast is harmless. */
	struct watch_node *n = trie_place((struct machine *)m, path, false);
	struct hash_link *l;
	uint64_t hash;

	if (!n)
		return NULL;
	hash = watch_hash(m, c, n, token);
	for (l = hash_table_chain(&m->watch_index, hash); l; l = l->next) {
		struct watch *w = hash_entry(l, struct watch, index);

		if (l->hash == hash && w->at == n && w->conn == c &&
		    w->token_len == token.len &&
		    !memcmp(w->token, token.at, token.len))
			return w;
	}
	return NULL;
}

uint64_t watch_cost(struct span path, struct span token)
{
	return WATCH_COST + path.len + token.len +
	       (uint64_t)WATCH_LEVEL_COST * path_depth(path);
}

static uint64_t cost_of(const struct watch *w)
{
	struct span path = { w->path, w->path_len };
	struct span token = { w->token, w->token_len };

	return watch_cost(path, token);
}

struct watch *watch_add(struct machine *m, struct conn *c, struct span path,
			uint16_t prefix, struct span token, int32_t depth)
{
	struct watch_node *n = trie_place(m, path, true);
	struct watch *w;

	if (!n)
		return NULL;
	w = mem_block(sizeof(*w) + path.len + token.len);
	if (!w) {
		trie_prune(m, n);
		return NULL;
	}
	memset(w, 0, sizeof(*w));
	w->conn = c;
	w->at = n;
	w->id = ++m->watch_id;
	w->depth = depth;
	w->special = path.at[0] == '@';
	w->prefix = prefix;
	w->path_len = (uint16_t)path.len;
	w->token_len = (uint16_t)token.len;
	w->path = w->data;
	w->token = w->data + path.len;
	memcpy(w->path, path.at, path.len);
	memcpy(w->token, token.at, token.len);
	list_init(&w->in_lost);
	list_append(&n->watches, &w->in_node);
	list_append(&c->watches, &w->in_conn);
	hash_table_add(&m->watch_index, &w->index, watch_hash(m, c, n, token));
	domain_charge(c->domain, QUOTA_WATCHES, 1);
	domain_charge(c->domain, QUOTA_MEMORY, cost_of(w));
	return w;
}

void watch_drop(struct machine *m, struct watch *w)
{
	domain_return(w->conn->domain, QUOTA_WATCHES, 1);
	domain_return(w->conn->domain, QUOTA_MEMORY, cost_of(w));
	hash_table_remove(&m->watch_index, &w->index);
	list_remove(&w->in_node);
	list_remove(&w->in_conn);
	list_remove(&w->in_lost);
	trie_prune(m, w->at);
	mem_drop(w);
}

void watch_drop_all(struct machine *m, struct conn *c)
{
	list_each_safe(&c->watches, l)
		watch_drop(m, list_entry(l, struct watch, in_conn));
}
