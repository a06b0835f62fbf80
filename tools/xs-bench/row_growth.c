// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a request costs as the store and the watches grow. The nodes that are
 * written lie all over the store. Peers stop where they would take minutes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/xs-bench/row.h"

#define SIZES 4u
#define CALLS 1000u
#define WINDOW 32u
#define BATCHES 100u
#define PEER_NODES 100000u
#define PEER_WATCHES 10000u
#define WATCHERS 10u

static const unsigned int nodes_of[SIZES] = { 1000, 10000, 100000, 1000000 };
static const unsigned int watches_of[SIZES] = { 10, 1000, 10000, 100000 };

struct growth {
	struct link one, watcher[WATCHERS];
	unsigned int stage, nodes, watches;
	uint32_t random;
};

static bool growth_limited(const struct side *s, unsigned int n,
			   unsigned int most)
{
	return n > most && (s->id == SIDE_STOCK || s->id == SIDE_OCAML);
}

static bool growth_open(struct side *s)
{
	struct growth *g = s->priv = calloc(1, sizeof(*g));

	if (!g)
		return false;
	for (unsigned int i = 0; i < WATCHERS; i++)
		g->watcher[i].fd = -1;
	return !link_open(&g->one, s);
}

/* A batch of WRITEs to nodes anywhere among those there are. */
static bool growth_batch(struct growth *g, struct batch *b, unsigned int n)
{
	char path[64];

	b->len = 0;
	while (n--) {
		unsigned int i;

		g->random = g->random * 1664525u + 1013904223u;
		i = (g->random >> 8) % g->nodes;
		snprintf(path, sizeof(path), "/fill/%u/node-%u", i / 1000,
			 i % 1000);
		if (!batch_add(b, WIRE_WRITE, 0, path, "9876543210", 10))
			return false;
	}
	return true;
}

static bool growth_times(struct side *s, unsigned int metric, unsigned int n,
			 unsigned int window, double unit)
{
	struct growth *g = s->priv;
	static struct batch b;

	for (unsigned int i = 0; i < n; i++) {
		uint64_t from;
		double ns;

		if (!growth_batch(g, &b, window))
			return false;
		from = side_now();
		if (link_batch(&g->one, &b, window) ||
		    g->one.type == WIRE_ERROR)
			return false;
		ns = (double)(side_now() - from);
		side_sample(s, metric, unit ? ns / unit : window * 1e9 / ns);
	}
	return true;
}

static bool growth_measure(struct side *s)
{
	struct growth *g = s->priv;

	return growth_times(s, g->stage, row_scale(CALLS), 1, 1e3) &&
	       growth_times(s, SIZES + g->stage, row_scale(BATCHES), WINDOW,
			    0);
}

/* --------------------------------------------------------------- nodes -- */

static bool growth_nodes(struct side *s)
{
	struct growth *g;
	unsigned int n;

	if (!s->priv && !growth_open(s))
		return false;
	g = s->priv;
	if (g->nodes)
		g->stage++;
	n = row_scale(nodes_of[g->stage]);
	if (growth_limited(s, n, PEER_NODES))
		return false;
	if (!row_fill(&g->one, g->nodes, n))
		return false;
	g->nodes = n;
	return side_settle(s);
}

/* ------------------------------------------------------------- watches -- */

static bool growth_watch(struct growth *g, unsigned int n)
{
	struct link *l = &g->watcher[n % WATCHERS];
	char path[64], token[32];
	int len = snprintf(token, sizeof(token), "token-%u", n);

	snprintf(path, sizeof(path), "/watched/%u", n);
	return !link_call(l, WIRE_WATCH, 0, path, token, (size_t)len + 1);
}

static bool growth_watches(struct side *s)
{
	struct growth *g = s->priv;
	unsigned int n;

	if (!g) {
		if (!growth_open(s))
			return false;
		g = s->priv;
		for (unsigned int i = 0; i < WATCHERS; i++)
			if (link_open(&g->watcher[i], s))
				return false;
		if (!row_fill(&g->one, 0, g->nodes = 1000))
			return false;
	} else {
		g->stage++;
	}
	n = row_scale(watches_of[g->stage]);
	if (growth_limited(s, n, PEER_WATCHES))
		return false;
	while (g->watches < n)
		if (!growth_watch(g, g->watches++))
			return false;
	return side_settle(s);
}

static void growth_finish(struct side *s)
{
	struct growth *g = s->priv;

	for (unsigned int i = 0; i < WATCHERS; i++)
		link_close(&g->watcher[i]);
	link_close(&g->one);
	free(g);
}

#define STAGE(prepare) { prepare, growth_measure, 3 }
#define STAGES(prepare) { STAGE(prepare), STAGE(prepare), STAGE(prepare), \
			  STAGE(prepare) }

const struct row rows_growth[] = {
	{ "growth-nodes", "WRITE anywhere in a store that grows",
	  SIDE_PEERS | SIDE_JOURNAL,
	  .phase = STAGES(growth_nodes), .finish = growth_finish,
	  .metric = {
		{ "1,000 nodes", "us", .kind = GOAL_NONE },
		{ "10,000", "us", false, GOAL_BASE, 1.3, 0 },
		{ "100,000", "us", false, GOAL_BASE, 1.3, 0 },
		{ "1,000,000", "us", false, GOAL_BASE, 1.3, 0 },
		{ "1,000, window 32", "/s", true, GOAL_NONE, 0, 0 },
		{ "10,000, window 32", "/s", true, GOAL_BASE, 0.77, 4 },
		{ "100,000, window 32", "/s", true, GOAL_BASE, 0.77, 4 },
		{ "1,000,000, window 32", "/s", true, GOAL_BASE, 0.77, 4 } } },
	{ "growth-watches", "WRITE beside more and more watches",
	  SIDE_PEERS | SIDE_JOURNAL,
	  .phase = STAGES(growth_watches), .finish = growth_finish,
	  .metric = {
		{ "10 watches", "us", .kind = GOAL_NONE },
		{ "1,000", "us", false, GOAL_BASE, 1.3, 0 },
		{ "10,000", "us", false, GOAL_BASE, 1.3, 0 },
		{ "100,000", "us", false, GOAL_BASE, 1.3, 0 },
		{ "10, window 32", "/s", true, GOAL_NONE, 0, 0 },
		{ "1,000, window 32", "/s", true, GOAL_BASE, 0.77, 4 },
		{ "10,000, window 32", "/s", true, GOAL_BASE, 0.77, 4 },
		{ "100,000, window 32", "/s", true, GOAL_BASE, 0.77, 4 } } },
	{ 0 }
};
