// SPDX-License-Identifier: GPL-2.0-or-later
/* Watches that do not match, and watches that do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/xs-bench/row.h"

#define WATCHERS 10u
#define WATCHES 10000u
#define CALLS 1000u

struct watches {
	struct link one;
	struct link watcher[WATCHERS];
	unsigned int set;
};

/* `n` in all, spread over the watchers; below `dir`, or on it itself. */
static bool watches_more(struct watches *w, unsigned int n, const char *dir,
			 bool below)
{
	char path[64], token[32];

	for (; w->set < n; w->set++) {
		int len = snprintf(token, sizeof(token), "token-%u", w->set);

		if (below)
			snprintf(path, sizeof(path), "%s/%u", dir, w->set);
		else
			snprintf(path, sizeof(path), "%s", dir);
		if (link_call(&w->watcher[w->set % WATCHERS], WIRE_WATCH, 0,
			      path, token, (size_t)len + 1))
			return false;
	}
	return true;
}

static struct watches *watches_open(struct side *s)
{
	struct watches *w = s->priv = calloc(1, sizeof(*w));
	bool ok = w && !link_open(&w->one, s);

	for (unsigned int i = 0; w && i < WATCHERS; i++)
		w->watcher[i].fd = -1;
	for (unsigned int i = 0; ok && i < WATCHERS; i++)
		ok = !link_open(&w->watcher[i], s);
	if (ok && !link_write(&w->one, 0, "/bench/a", "value"))
		return w;
	return NULL;
}

static bool watches_few(struct side *s)
{
	struct watches *w = watches_open(s);

	return w && watches_more(w, 10, "/watched", true);
}

static bool watches_many(struct side *s)
{
	return watches_more(s->priv, row_scale(WATCHES), "/watched", true);
}

static bool watches_write(struct side *s, unsigned int metric)
{
	struct watches *w = s->priv;

	return row_times(s, &w->one, metric, row_scale(CALLS), WIRE_WRITE,
			 "/bench/a", "value");
}

static bool watches_before(struct side *s)
{
	return watches_write(s, 0);
}

static bool watches_after(struct side *s)
{
	return watches_write(s, 1);
}

/* The events that come of setting a watch are taken first. */
static bool watches_drain(struct watches *w, uint64_t each)
{
	for (unsigned int i = 0; i < WATCHERS; i++) {
		struct link *l = &w->watcher[i];

		while (l->events < each)
			if (link_take(l, true) < 0)
				return false;
		if (l->events != each)
			return false;
		l->events = 0;
	}
	return true;
}

static bool watches_matching(struct side *s)
{
	struct watches *w = watches_open(s);

	return w && watches_more(w, row_scale(WATCHES), "/event", false) &&
	       watches_drain(w, w->set / WATCHERS);
}

static bool watches_events(struct side *s)
{
	struct watches *w = s->priv;
	uint64_t from = side_now();

	if (link_write(&w->one, 0, "/event/a", "value") ||
	    !watches_drain(w, w->set / WATCHERS))
		return false;
	side_sample(s, 0, w->set * 1e9 / (double)(side_now() - from));
	return true;
}

static void watches_finish(struct side *s)
{
	struct watches *w = s->priv;

	for (unsigned int i = 0; i < WATCHERS; i++)
		link_close(&w->watcher[i]);
	link_close(&w->one);
	free(w);
}

const struct row rows_watch[] = {
	{ "watches", "WRITE beside 10,000 watches that do not match", SIDE_ALL,
	  .phase = { { watches_few, watches_before, 5 },
		     { watches_many, watches_after, 5 } },
	  .finish = watches_finish,
	  .metric = {
		{ "WRITE, 10 watches", "us", .kind = GOAL_NONE },
		{ "WRITE, 10,000", "us", false, GOAL_BASE, 1.05, 0 } } },
	{ "events", "one WRITE that 10,000 watches match", SIDE_PEERS,
	  .phase = { { watches_matching, watches_events, 20 } },
	  .finish = watches_finish,
	  .metric = { { "events", "/s", true, GOAL_PEER, 5, 0 } } },
	{ 0 }
};
