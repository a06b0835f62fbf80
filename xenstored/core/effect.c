/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Effects of a change; see effect.h. */
#include "xenstored/core/effect.h"
#include "xenstored/core/domain.h"
#include "xenstored/core/mem.h"
#include "xenstored/core/stale.h"
#include "xenstored/core/notes.h"
#include "xenstored/core/watch.h"
#include "protocol/path.h"

#include <string.h>

uint16_t effect_owner(const struct machine *m, const struct acl *acl)
{
	uint16_t owner = acl_owner(acl);

	if (!domain_find(m, owner) || !access_valid(m, acl, 0))
		return 0;
	return owner;
}

static struct change_effect *effect_find(struct change *c, struct span path,
					 uint64_t hash)
{
	struct hash_link *l = hash_table_chain(&c->touched, hash);

	for (; l; l = l->next) {
		struct change_effect *e =
			hash_entry(l, struct change_effect, link);

		if (l->hash == hash && e->len == path.len &&
		    !memcmp(e->path, path.at, path.len))
			return e;
	}
	return NULL;
}

static bool effect_put(struct change *c, struct span path, bool removed,
		       struct span inside)
{
	struct change_effect *e;
	uint64_t hash;

	hash = c->first ? hash_bytes(&c->m->key, 0, path.at, path.len) : 0;
	if (c->first && c->touched.count == 0) {
		/* The second effect: from here on a table pays. */
		hash_table_add(&c->touched, &c->first->link,
			       hash_bytes(&c->m->key, 0, c->first->path,
					  c->first->len));
	}
	e = c->first ? effect_find(c, path, hash) : NULL;
	if (e) {
		e->removed |= removed;
		if (inside.len)
			e->inside = (uint16_t)inside.len;
		return true;
	}
	e = mem_block(sizeof(*e) + path.len);
	if (!e)
		return false;
	e->next = NULL;
	e->removed = removed;
	e->inside = (uint16_t)inside.len;
	e->len = (uint16_t)path.len;
	memcpy(e->path, path.at, path.len);
	if (c->first)
		hash_table_add(&c->touched, &e->link, hash);
	*c->last = e;
	c->last = &e->next;
	return true;
}

bool effect_add(struct change *c, struct span path, bool removed)
{
	struct span none = { "", 0 };

	return !c->effects || effect_put(c, path, removed, removed ?
					 path_parent(path) : none);
}

/* Note a step of the index of owned nodes. */
static bool owned_step(struct change *c, bool add, uint16_t domid,
		       struct span path)
{
	struct change_owned *s;

	s = mem_block(sizeof(*s) + (add ? 0 : path.len));
	if (!s)
		return false;
	s->next = NULL;
	s->add = add;
	s->domid = domid;
	s->len = (uint16_t)path.len;
	if (!add) {
		memcpy(s->path, path.at, path.len);
	} else {
		s->entry = owned_new(domid, path);
		if (!s->entry) {
			mem_drop(s);
			return false;
		}
	}
	*c->owned_last = s;
	c->owned_last = &s->next;
	return true;
}

bool effect_created(struct change *c, struct span at, struct node *chain,
		    const struct acl *above, struct span path)
{
	uint16_t owner = effect_owner(c->m, chain->acl);
	struct span top = { path.at, at.len > 1 ? at.len : 0 };

	if (!c->effects)
		return true;
	/* The whole chain has one owner: only its top can differ from above. */
	top.len += 1u + chain->name_len;
	if (owner && owner != effect_owner(c->m, above) &&
	    !owned_step(c, true, owner, top))
		return false;
	return effect_put(c, path, false, at);
}

/* The path of the node a walk stands on, below the walk's start `path`. */
static struct span walk_path(const struct tree_walk *w, struct span path,
			     char *room)
{
	struct span s = { room, path.len };

	memcpy(room, path.at, path.len);
	for (unsigned int i = 1; i <= w->depth; i++) {
		struct node *n = tree_walk_at(w, i);

		room[s.len++] = '/';
		memcpy(room + s.len, n->data, n->name_len);
		s.len += n->name_len;
	}
	return s;
}

bool effect_gone(struct change *c, const struct tree_walk *w, struct node *n,
		 const struct acl *above, struct span path)
{
	uint16_t owner = effect_owner(c->m, n->acl);
	char room[WIRE_ABS_PATH_MAX + 1];

	if (!c->effects || !owner)
		return true;
	if (w->parent)
		above = w->parent->acl;
	if (owner == effect_owner(c->m, above))
		return true;
	return owned_step(c, false, owner, walk_path(w, path, room));
}

static bool child_moved(struct change *c, struct node *n, struct span path,
			uint16_t from, uint16_t to)
{
	uint16_t owner = effect_owner(c->m, n->acl);
	char room[WIRE_ABS_PATH_MAX + 1];
	struct span s = { room, path.len > 1 ? path.len : 0 };

	if (!owner || (owner != from && owner != to))
		return true;
	memcpy(room, path.at, s.len);
	room[s.len++] = '/';
	memcpy(room + s.len, n->data, n->name_len);
	s.len += n->name_len;
	return owned_step(c, owner == from, owner, s);
}

bool effect_moved(struct change *c, struct node *n, struct span path,
		  uint16_t from, uint16_t to)
{
	struct node *up, *child;
	uint16_t above;
	struct dir_iter it;

	if (!c->effects || from == to)
		return true;
	up = tree_find(&c->m->key, c->root, path_parent(path));
	above = path.len > 1 ? effect_owner(c->m, up->acl) : 0;
	if (from && from != above && !owned_step(c, false, from, path))
		return false;
	if (to && to != above && !owned_step(c, true, to, path))
		return false;
	dir_iter_start(&it, n->dir);
	while ((child = dir_iter_next(&it)))
		if (!child_moved(c, child, path, from, to))
			return false;
	return true;
}

static void owned_apply(struct change *c, struct change_owned *s)
{
	struct span path = { s->path, s->len };

	if (!s->add) {
		owned_remove(c->m, s->domid, path);
		return;
	}
	owned_add(c->m, s->entry);
	s->entry = NULL;
}

static void accounts_apply(struct change *c)
{
	for (unsigned int i = 0; i < c->deltas; i++) {
		struct change_delta *x = &c->delta[i];
		struct domain *d = domain_find(c->m, x->domid);

		if (!d)
			continue;
		if (x->nodes >= 0)
			domain_charge(d, QUOTA_NODES, (uint64_t)x->nodes);
		else
			domain_return(d, QUOTA_NODES, (uint64_t)-x->nodes);
		if (x->memory >= 0)
			domain_charge(d, QUOTA_MEMORY, (uint64_t)x->memory);
		else
			domain_return(d, QUOTA_MEMORY, (uint64_t)-x->memory);
	}
	c->m->nodes += (uint64_t)c->nodes;
}

static void effect_note(struct machine *m, const struct change_effect *e,
			struct span path)
{
	struct span above = { path.at, e->inside };

	notes_wrote(m, path, NOTE_ITSELF, e->removed);
	if (above.len)
		notes_wrote(m, above, NOTE_BELOW, false);
}

void change_publish(struct change *c)
{
	struct machine *m = c->m;
	struct node *old = m->root;

	m->root = node_ref(c->root);
	accounts_apply(c);
	for (struct change_owned *s = c->owned_first; s; s = s->next)
		owned_apply(c, s);
	for (struct change_effect *e = c->first; e; e = e->next) {
		struct span path = { e->path, e->len };

		/* Made and removed again inside: nothing has changed. */
		if (e->removed && !tree_find(&m->key, old, path) &&
		    !tree_find(&m->key, m->root, path))
			continue;
		effect_note(m, e, path);
		watch_fire(m, old, path, e->removed);
	}
	node_unref(old);
	stale_publish(m, c->stale);
}

void effect_free_all(struct change *c)
{
	while (c->first) {
		struct change_effect *e = c->first;

		c->first = e->next;
		mem_drop(e);
	}
	c->last = &c->first;
	while (c->owned_first) {
		struct change_owned *s = c->owned_first;

		c->owned_first = s->next;
		if (s->add && s->entry)
			owned_free(c->m, s->entry);
		mem_drop(s);
	}
	c->owned_last = &c->owned_first;
	hash_table_fini(&c->touched);
}
