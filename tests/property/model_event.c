/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model's watches and events.  For each change every watch of every
 * connection is looked at, in the order in which they were set; for a
 * removal those on what went with it first.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/property/model.h"

void mchanges_add(struct mchanges *c, const char *path, bool removed)
{
	for (size_t i = 0; i < c->count; i++) {
		if (strcmp(c->list[i].path, path))
			continue;
		c->list[i].removed |= removed;
		return;
	}
	c->list = model_grow(c->list, c->count, sizeof(*c->list));
	c->list[c->count].path = model_copy(path, strlen(path));
	c->list[c->count++].removed = removed;
}

void mchanges_free(struct mchanges *c)
{
	for (size_t i = 0; i < c->count; i++)
		free(c->list[i].path);
	free(c->list);
	c->list = NULL;
	c->count = 0;
}

static long levels(const char *path)
{
	long n = 0;

	if (!strcmp(path, "/"))
		return 0;
	for (; *path; path++)
		n += *path == '/';
	return n;
}

static bool matches(const struct mwatch *w, const struct mchange *ch)
{
	if (!mstore_below(w->path, ch->path))
		return false;
	return w->depth < 0 || levels(ch->path) - levels(w->path) <= w->depth;
}

static bool may_see(struct model *m, const struct mstore *s, const char *path,
		    unsigned int domid)
{
	struct mnode *n = mstore_find(s, path);
	bool may = n && model_may(m, n, domid, 'r');
	char *up = mstore_parent(path);

	n = mstore_find(s, up);
	may = may || (n && model_may(m, n, domid, 'r'));
	free(up);
	return may;
}

static bool already(const struct mconn *c, const char *payload, size_t len)
{
	for (size_t i = 0; i < c->nout; i++) {
		const struct mmessage *msg = &c->out[i];

		if (msg->header.type == WIRE_WATCH_EVENT && !msg->taken &&
		    msg->header.len == len &&
		    !memcmp(msg->payload, payload, len))
			return true;
	}
	return false;
}

void model_event(struct model *m, struct mconn *c, const struct mwatch *w,
		 const char *path)
{
	char home[32];
	size_t len, n;
	char *payload;

	n = (size_t)snprintf(home, sizeof(home), "/local/domain/%u/",
			     c->domid);
	if (w->relative && !strncmp(path, home, n))
		path += n;
	len = strlen(path) + strlen(w->token) + 2;
	if (len > WIRE_PAYLOAD_MAX)
		return;
	payload = model_alloc(len);
	memcpy(payload, path, strlen(path));
	memcpy(payload + strlen(path) + 1, w->token, strlen(w->token));
	if (path[0] != '@' && already(c, payload, len)) {
		free(payload);
		return;
	}
	c->out = model_grow(c->out, c->nout, sizeof(*c->out));
	c->out[c->nout].header.type = WIRE_WATCH_EVENT;
	c->out[c->nout].header.len = (uint32_t)len;
	c->out[c->nout++].payload = payload;
}

/* Was the watched node below something removed, and is it gone? */
static bool went(struct model *m, const struct mstore *before,
		 const struct mchange *ch, const struct mwatch *w)
{
	return strcmp(w->path, ch->path) && mstore_below(ch->path, w->path) &&
	       mstore_find(before, w->path) && !mstore_find(&m->store, w->path);
}

static void fire_below(struct model *m, const struct mstore *before,
		       const struct mchange *ch, struct mconn *c)
{
	for (size_t i = 0; i < c->nwatches; i++) {
		const struct mwatch *w = &c->watches[i];

		if (went(m, before, ch, w) &&
		    (may_see(m, &m->store, w->path, c->domid) ||
		     may_see(m, before, w->path, c->domid)))
			model_event(m, c, w, w->path);
	}
}

static void fire_one(struct model *m, const struct mstore *before,
		     const struct mchange *ch, struct mconn *c)
{
	if (ch->removed)
		fire_below(m, before, ch, c);
	for (size_t i = 0; i < c->nwatches; i++) {
		if (!matches(&c->watches[i], ch))
			continue;
		if (may_see(m, &m->store, ch->path, c->domid) ||
		    may_see(m, before, ch->path, c->domid))
			model_event(m, c, &c->watches[i], ch->path);
	}
}

void model_fire(struct model *m, const struct mstore *before,
		const struct mchanges *changes)
{
	for (size_t i = 0; i < changes->count; i++)
		for (size_t k = 0; k < m->nconns; k++)
			fire_one(m, before, &changes->list[i], &m->conns[k]);
}

void model_fire_special(struct model *m, const char *name, unsigned int domid)
{
	const struct mnode *n = mstore_find(&m->store, name);
	char with[64];

	snprintf(with, sizeof(with), "%s/%u", name, domid);
	for (size_t k = 0; k < m->nconns; k++) {
		struct mconn *c = &m->conns[k];

		if (!model_may(m, n, c->domid, 'r'))
			continue;
		for (size_t i = 0; i < c->nwatches; i++) {
			const struct mwatch *w = &c->watches[i];

			if (!strcmp(w->path, with))
				model_event(m, c, w, with);
			else if (!strcmp(w->path, name))
				model_event(m, c, w,
					    w->depth > 0 ? with : name);
		}
	}
}

void model_forget_watches(struct mconn *c)
{
	for (size_t i = 0; i < c->nwatches; i++) {
		free(c->watches[i].path);
		free(c->watches[i].token);
	}
	free(c->watches);
	c->watches = NULL;
	c->nwatches = 0;
}
