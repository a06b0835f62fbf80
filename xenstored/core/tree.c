/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Trees by path; see tree.h. */
#include "xenstored/core/tree.h"
#include "xenstored/core/mem.h"
#include "protocol/path.h"

#include <string.h>

struct node *tree_find(const struct hash_key *key, struct node *root,
		       struct span path)
{
	struct node *n = root;
	struct span name;

	while (n && path_next(&path, &name))
		n = dir_find(key, n->dir, name);
	return n;
}

struct node *tree_nearest(const struct hash_key *key, struct node *root,
			  struct span path, struct span *at)
{
	struct node *n = root, *child;
	struct span rest = path, name;
	size_t len = 0;

	while (path_next(&rest, &name)) {
		child = dir_find(key, n->dir, name);
		if (!child)
			break;
		n = child;
		len = path.len - rest.len;
	}
	if (at) {
		at->at = path.at;
		at->len = len ? len : 1;
	}
	return n;
}

static uint64_t copy_size(const struct node *n)
{
	uint32_t names = dir_count(n->dir);

	return TREE_NODE_COST + n->name_len + n->value_len +
	       sizeof(struct node *) * (names < 64 ? names : 64);
}

static bool node_own(struct node **slot, uint64_t *size)
{
	struct node *c;

	*size += copy_size(*slot);
	if ((*slot)->refs == 1)
		return true;
	c = node_copy(*slot);
	if (!c)
		return false;
	node_unref(*slot);
	*slot = c;
	return true;
}

struct node **tree_own(const struct hash_key *key, struct node **root,
		       struct span path, uint64_t *copied)
{
	struct node **slot = root;
	struct span name;
	uint64_t size = 0;

	if (!node_own(slot, &size))
		return NULL;
	while (path_next(&path, &name)) {
		slot = dir_slot(key, &(*slot)->dir, name);
		if (!slot || !node_own(slot, &size))
			return NULL;
	}
	if (copied)
		*copied += size;
	return slot;
}

void tree_walk_start(struct tree_walk *w, struct node *start)
{
	memset(w, 0, sizeof(*w));
	w->start = start;
}

static struct node *tree_walk_push(struct tree_walk *w, struct node *n)
{
	struct tree_walk_frame *frame;
	unsigned int room;

	if (w->frames == w->room) {
		room = w->room ? 2 * w->room : 8;
		frame = mem_grow(w->frame, room * sizeof(*frame));
		if (!frame) {
			w->failed = true;
			return NULL;
		}
		w->frame = frame;
		w->room = room;
	}
	w->parent = w->frames ? w->frame[w->frames - 1].n : NULL;
	w->depth = w->frames;
	w->frame[w->frames].n = n;
	dir_iter_start(&w->frame[w->frames].it, n->dir);
	w->frames++;
	return n;
}

struct node *tree_walk_next(struct tree_walk *w)
{
	struct node *n;

	if (w->start) {
		n = w->start;
		w->start = NULL;
		return tree_walk_push(w, n);
	}
	while (w->frames && !w->failed) {
		n = dir_iter_next(&w->frame[w->frames - 1].it);
		if (n)
			return tree_walk_push(w, n);
		w->frames--;
	}
	return NULL;
}

struct node *tree_walk_at(const struct tree_walk *w, unsigned int depth)
{
	return w->frame[depth].n;
}

void tree_walk_end(struct tree_walk *w)
{
	mem_drop(w->frame);
	w->frame = NULL;
	w->frames = 0;
}
