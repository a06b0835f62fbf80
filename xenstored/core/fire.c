/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Firing of watches; see watch.h.  Matches are collected and sorted before
 * any event is queued, so that their order is that of setting and does not
 * depend on where in the trie they were found.  If memory for collecting
 * gives out, those collected so far are sent first: order suffers, no event
 * does.
 */
#include "xenstored/core/access.h"
#include "xenstored/core/conn.h"
#include "xenstored/core/mem.h"
#include "xenstored/core/trie.h"
#include "protocol/path.h"

#include <stdlib.h>
#include <string.h>

/* One change as its watchers see it. */
struct firing {
	struct machine *m;
	struct span path;
	/* Lists of which any that grants READ lets the watcher know. */
	const struct acl *acl[3];
	bool special;
	struct span with;	/* special: the path that names the domain */
	bool exact;		/* each match fires on its own path */
};

static bool firing_visible(const struct firing *f, const struct watch *w)
{
	struct caller who = conn_caller(w->conn);

	if (who.privileged)
		return true;
	for (unsigned int i = 0; i < 3; i++)
		if (f->acl[i] && access_of(f->m, &who, f->acl[i]) & PERM_READ)
			return true;
	return false;
}

static int id_compare(const void *a, const void *b)
{
	const struct watch *const *x = a, *const *y = b;

	return ((*x)->id > (*y)->id) - ((*x)->id < (*y)->id);
}

static void firing_event(struct firing *f, struct watch *w)
{
	struct span path = f->path;

	if (f->exact) {
		conn_event(f->m, w, watch_path(w), false);
		return;
	}
	if (f->special && (w->depth > 0 || w->path_len == f->with.len))
		path = f->with;
	path.at += w->prefix;
	path.len -= w->prefix;
	conn_event(f->m, w, path, f->special);
}

static void firing_send(struct firing *f)
{
	struct machine *m = f->m;

	if (m->matches > 1)
		qsort(m->match, m->matches, sizeof(*m->match), id_compare);
	for (size_t i = 0; i < m->matches; i++)
		firing_event(f, m->match[i]);
	m->matches = 0;
}

static void firing_match(struct firing *f, struct watch *w)
{
	struct machine *m = f->m;
	struct watch **match;
	size_t room;

	if (w->conn->dead || !firing_visible(f, w))
		return;
	if (m->matches == m->match_room) {
		room = m->match_room ? 2 * m->match_room : 16;
		match = mem_grow(m->match, room * sizeof(*match));
		if (match) {
			m->match = match;
			m->match_room = room;
		} else {
			firing_send(f);
		}
	}
	if (m->match_room)
		m->match[m->matches++] = w;
	else
		firing_event(f, w);
}

/* All watches at one place that reach `below` levels down. */
static void firing_place(struct firing *f, struct watch_node *n,
			 unsigned int below)
{
	list_each(&n->watches, l) {
		struct watch *w = list_entry(l, struct watch, in_node);

		if (w->depth < 0 || below <= (unsigned int)w->depth)
			firing_match(f, w);
	}
}

static void firing_lists(struct firing *f, struct node *old)
{
	struct machine *m = f->m;
	struct span up = path_parent(f->path);
	struct node *n = tree_find(&m->key, m->root, f->path);
	struct node *p = tree_find(&m->key, m->root, up);
	struct node *o = tree_find(&m->key, old, f->path);

	if (!p)
		p = tree_find(&m->key, old, up);
	f->acl[0] = n ? n->acl : NULL;
	f->acl[1] = p ? p->acl : NULL;
	f->acl[2] = o ? o->acl : NULL;
}

/*
 * Below a removed node: whoever watches exactly something that was there and
 * is there no more.  The trie is walked in step with the old tree, so that
 * places where nothing was cost nothing, however many are watched.
 */
static void fire_below(struct machine *m, struct node *old,
		       struct watch_node *top, struct span path)
{
	char room[WIRE_ABS_PATH_MAX + 1];
	struct node *was[WIRE_ABS_PATH_MAX / 2 + 1], *w;
	struct firing f = { .m = m, .path = { room, path.len },
			    .exact = true };
	struct watch_node *n = top;
	struct list *next = top->below.next;
	unsigned int depth = 0;

	was[0] = tree_find(&m->key, old, path);
	if (list_empty(&top->below) || !was[0])
		return;
	memcpy(room, path.at, path.len);
	for (;;) {
		if (next != &n->below) {
			struct watch_node *c = list_entry(next,
				struct watch_node, in_parent);
			struct span name = { c->name, c->len };

			next = next->next;
			w = dir_find(&m->key, was[depth]->dir, name);
			/* What was there had a path that is not too long. */
			if (!w || f.path.len + 1u + c->len > WIRE_ABS_PATH_MAX)
				continue;
			was[++depth] = w;
			room[f.path.len++] = '/';
			memcpy(room + f.path.len, c->name, c->len);
			f.path.len += c->len;
			n = c;
			next = c->below.next;
			continue;
		}
		if (n == top)
			break;
		if (!list_empty(&n->watches) &&
		    !tree_find(&m->key, m->root, f.path)) {
			firing_lists(&f, old);
			firing_place(&f, n, 0);
		}
		f.path.len -= 1u + n->len;
		depth--;
		next = n->in_parent.next;
		n = n->parent;
	}
	firing_send(&f);
}

/* The place of exactly that path, or NULL. */
static struct watch_node *place_of(struct machine *m, struct span path)
{
	struct watch_node *n = m->watch_root;
	struct span name;

	while (n && path_next(&path, &name))
		n = trie_child(m, n, name);
	return n;
}

void watch_fire(struct machine *m, struct node *old, struct span path,
		bool removed)
{
	struct firing f = { .m = m, .path = path };
	struct watch_node *n;
	unsigned int below = path_depth(path);
	struct span rest = path, name;
	bool judged = false;

	if (removed) {
		n = place_of(m, path);
		if (n)
			fire_below(m, old, n, path);
	}
	for (n = m->watch_root; n; below--) {
		if (!list_empty(&n->watches)) {
			if (!judged)
				firing_lists(&f, old);
			judged = true;
			firing_place(&f, n, below);
		}
		n = path_next(&rest, &name) ? trie_child(m, n, name) : NULL;
	}
	firing_send(&f);
}

static void firing_all(struct firing *f, struct watch_node *n)
{
	list_each(&n->watches, l)
		firing_match(f, list_entry(l, struct watch, in_node));
}

void watch_fire_special(struct machine *m, enum special_id what,
			uint32_t domid)
{
	const char *name = watch_special_name[what];
	char room[48];
	struct span plain = { name, strlen(name) }, with = { room, 0 };
	struct firing f = { .m = m, .acl = { m->special[what] },
			    .special = true };
	struct watch_node *n;
	char digits[10];
	unsigned int k = 0;

	memcpy(room, name, plain.len);
	room[plain.len] = '/';
	with.len = plain.len + 1;
	do {
		digits[k++] = (char)('0' + domid % 10);
		domid /= 10;
	} while (domid);
	while (k)
		room[with.len++] = digits[--k];

	f.path = plain;
	f.with = with;
	n = trie_child(m, m->watch_special, plain);
	if (n)
		firing_all(&f, n);
	n = what == SPECIAL_RELEASE ?
		trie_child(m, m->watch_special, with) : NULL;
	if (n)
		firing_all(&f, n);
	firing_send(&f);
}
