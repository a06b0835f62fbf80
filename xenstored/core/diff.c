/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Difference of trees; see diff.h.  One walk over `to` in step with `from`
 * tells what is new or changed, one over `from` in step with `to` what is
 * gone.  Both turn back at shared objects.
 */
#include "xenstored/core/diff.h"
#include "xenstored/core/acl.h"
#include "xenstored/core/machine.h"
#include "xenstored/core/mem.h"

#include <errno.h>
#include <string.h>

struct diff_frame {
	struct dir_iter it;
	struct node *twin;	/* the same path in the other tree */
	size_t path_len;
};

struct diff {
	const struct hash_key *key;
	struct node *from, *to;
	diff_say say;
	void *arg;
	bool begun;		/* the walk at hand */
	bool gone;		/* report what has no twin, else what differs */
	struct diff_frame *frame;
	unsigned int frames, room;
	char path[WIRE_ABS_PATH_MAX + 2];
	size_t path_len;
};

bool diff_same(const struct node *a, const struct node *b)
{
	if (a->seq != b->seq || a->value_len != b->value_len ||
	    a->acl->stamp != b->acl->stamp || !acl_same(a->acl, b->acl) ||
	    (a->dir ? a->dir->gen : 0) != (b->dir ? b->dir->gen : 0))
		return false;
	return !memcmp(node_value(a).at, node_value(b).at, a->value_len);
}

static int diff_push(struct diff *d, struct node *n, struct node *twin,
		     size_t path_len)
{
	struct diff_frame *frame;
	unsigned int room;

	if (d->frames == d->room) {
		room = d->room ? 2 * d->room : 8;
		frame = mem_grow(d->frame, room * sizeof(*frame));
		if (!frame)
			return -ENOMEM;
		d->frame = frame;
		d->room = room;
	}
	frame = &d->frame[d->frames++];
	dir_iter_start_unlike(&frame->it, n->dir, twin ? twin->dir : NULL);
	frame->twin = twin;
	frame->path_len = path_len;
	return 0;
}

static int diff_node(struct diff *d, struct node *n, struct node *twin)
{
	struct span path = { d->path, d->path_len ? d->path_len : 1 };

	if (d->gone)
		return twin ? 0 : d->say(d->arg, path, NULL);
	return twin && diff_same(n, twin) ? 0 : d->say(d->arg, path, n);
}

/* Look at one node, and step into it if there may be more below. */
static int diff_enter(struct diff *d, struct node *n, struct node *twin)
{
	int err;

	if (n == twin)
		return 0;
	err = diff_node(d, n, twin);
	if (err || (twin && twin->dir == n->dir))
		return err;
	return diff_push(d, n, twin, d->path_len);
}

static int diff_child(struct diff *d, struct diff_frame *f, struct node *n)
{
	d->path_len = f->path_len;
	if (d->path_len + 1 + n->name_len > WIRE_ABS_PATH_MAX)
		return -EPROTO;
	d->path[d->path_len++] = '/';
	memcpy(d->path + d->path_len, n->data, n->name_len);
	d->path_len += n->name_len;
	return diff_enter(d, n, f->twin ?
		dir_find(d->key, f->twin->dir, node_name(n)) : NULL);
}

/* One of the two walks: 1 if the budget ended first. */
static int diff_walk(struct diff *d, struct node *top, struct node *twin,
		     unsigned int *budget)
{
	int err = 0;

	if (!d->begun) {
		d->begun = true;
		d->path[0] = '/';
		d->path_len = 0;
		d->frames = 0;
		err = diff_enter(d, top, twin);
	}
	while (!err && d->frames) {
		struct diff_frame *f = &d->frame[d->frames - 1];
		struct node *n = dir_iter_next(&f->it);

		if (!n) {
			d->frames--;
			continue;
		}
		err = diff_child(d, f, n);
		if (!err && !--*budget)
			return 1;
	}
	d->begun = err;
	return err;
}

struct diff *diff_new(const struct hash_key *key, struct node *from,
		      struct node *to)
{
	struct diff *d = mem_block(sizeof(*d));

	if (!d)
		return NULL;
	memset(d, 0, sizeof(*d));
	d->key = key;
	d->from = from ? node_ref(from) : NULL;
	d->to = node_ref(to);
	return d;
}

void diff_free(struct diff *d)
{
	if (!d)
		return;
	node_unref(d->from);
	node_unref(d->to);
	mem_drop(d->frame);
	mem_drop(d);
}

int diff_step(struct diff *d, unsigned int budget, diff_say say, void *arg)
{
	int err = 0;

	d->say = say;
	d->arg = arg;
	if (!d->gone) {
		err = diff_walk(d, d->to, d->from, &budget);
		if (err)
			return err;
		d->gone = true;
	}
	return d->from ? diff_walk(d, d->from, d->to, &budget) : 0;
}

int diff_trees(const struct hash_key *key, struct node *from, struct node *to,
	       diff_say say, void *arg)
{
	struct diff *d = diff_new(key, from, to);
	int err = d ? 1 : -ENOMEM;

	while (err > 0)
		err = diff_step(d, UINT32_MAX, say, arg);
	diff_free(d);
	return err;
}
