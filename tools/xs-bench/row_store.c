// SPDX-License-Identifier: GPL-2.0-or-later
/* Large directories, large stores, and the start with an empty one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/xs-bench/row.h"

#define CHILDREN 10000u
#define NODES 1000000u
#define CALLS 1000u
#define FILL_NS 180000000000ull

struct store {
	struct link one;
	double empty, empty_own;	/* resident bytes */
};

static bool store_open(struct side *s)
{
	struct store *p = s->priv = calloc(1, sizeof(*p));

	return p && !link_open(&p->one, s) &&
	       !link_write(&p->one, 0, "/bench/a", "value");
}

/* --------------------------------------------------------- directories -- */

static bool store_directories(struct side *s)
{
	struct store *p;
	char path[32];

	if (!store_open(s))
		return false;
	p = s->priv;
	if (link_write(&p->one, 0, "/empty", ""))
		return false;
	for (unsigned int i = 0; i < row_scale(CHILDREN); i++) {
		snprintf(path, sizeof(path), "/big/c%05u", i);
		if (link_write(&p->one, 0, path, "v"))
			return false;
	}
	return true;
}

static bool store_child(struct side *s, unsigned int metric, const char *path)
{
	struct store *p = s->priv;

	for (unsigned int i = 0; i < row_scale(CALLS) / 4; i++) {
		uint64_t from = side_now();

		if (link_write(&p->one, 0, path, "v"))
			return false;
		row_since(s, metric, from, 1e3);
		if (link_call(&p->one, WIRE_RM, 0, path, NULL, 0))
			return false;
	}
	return true;
}

/* In parts: the list is longer than a message. Children seen, or -1. */
static int store_parts(struct link *l, const char *path)
{
	char offset[16];
	size_t at = 0;
	int children = 0;

	for (;;) {
		int n = snprintf(offset, sizeof(offset), "%zu", at);
		size_t skip;

		if (link_call(l, WIRE_DIRECTORY_PART, 0, path, offset,
			      (size_t)n + 1))
			return -1;
		skip = strlen(l->payload) + 1;
		for (size_t i = skip; i < l->len; i += strlen(l->payload + i)
		     + 1) {
			if (!l->payload[i])
				return children;
			children++;
		}
		if (l->len <= skip)
			return children;
		at += l->len - skip;
	}
}

static bool store_children(struct side *s)
{
	struct store *p = s->priv;
	uint64_t from;

	if (!store_child(s, 0, "/empty/new") || !store_child(s, 1, "/big/new"))
		return false;
	if (s->id == SIDE_ECHO)
		return true;
	from = side_now();
	/* A daemon that refuses has no figure. */
	if (store_parts(&p->one, "/big") == (int)row_scale(CHILDREN))
		row_since(s, 2, from, 1e6);
	return true;
}

/* -------------------------------------------------------- many nodes -- */

static bool store_few(struct side *s)
{
	struct store *p;

	if (!store_open(s))
		return false;
	p = s->priv;
	p->empty = side_resident(s, false);
	p->empty_own = side_resident(s, true);
	return row_fill(&p->one, 0, 1000);
}

static bool store_write(struct side *s)
{
	struct store *p = s->priv;

	return row_times(s, &p->one, 0, row_scale(CALLS), WIRE_WRITE,
			 "/fill/0/node-7", "value");
}

static bool store_million(struct side *s)
{
	struct store *p = s->priv;
	unsigned int nodes = row_scale(NODES);
	uint64_t from = side_now();

	for (unsigned int n = 0; n < nodes; n += nodes / 100) {
		if (!row_fill(&p->one, n, n + nodes / 100))
			return false;
		if (side_now() < from + FILL_NS)
			continue;
		fprintf(stderr, "%s: %u of %u nodes after %llu s\n",
			side_names[s->id], n, nodes, FILL_NS / 1000000000);
		return false;
	}
	side_sample(s, 4, nodes * 1e9 / (double)(side_now() - from));
	if (!side_settle(s))
		return false;
	side_sample(s, 2, (side_resident(s, true) - p->empty_own) / nodes);
	side_sample(s, 5, (side_resident(s, false) - p->empty) / nodes);
	return true;
}

/* A domain that owns nothing goes. */
static bool store_release(struct side *s)
{
	struct store *p = s->priv;
	int domid = simxen_domain_add(s->machine, -1, NULL);
	struct simxen_domain_info info;
	char id[16], rest[64];
	uint64_t from;
	int n;

	if (domid < 0 || simxen_domain_info(s->machine, (unsigned int)domid,
					    &info))
		return false;
	snprintf(id, sizeof(id), "%d", domid);
	n = snprintf(rest, sizeof(rest), "%lu%c%u", SIMXEN_GFN, 0, info.port);
	if (link_call(&p->one, WIRE_INTRODUCE, 0, id, rest, (size_t)n + 1))
		return false;
	from = side_now();
	if (link_call(&p->one, WIRE_RELEASE, 0, id, NULL, 0))
		return false;
	row_since(s, 3, from, 1e6);
	return row_times(s, &p->one, 1, row_scale(CALLS), WIRE_WRITE,
			 "/fill/0/node-7", "value");
}

static void store_finish(struct side *s)
{
	struct store *p = s->priv;

	link_close(&p->one);
	free(p);
}

/* ------------------------------------------------------------- start -- */

static bool store_start(struct side *s)
{
	struct link l;
	uint64_t from;
	bool ok;

	if (!side_machine(s, s->id))
		return false;
	from = side_now();
	ok = side_exec(s) && !link_first(&l, s);
	if (ok) {
		row_since(s, 0, from, 1e6);
		link_close(&l);
	}
	side_stop(s);
	s->up = ok;
	return ok;
}

const struct row rows_store[] = {
	{ "children", "a directory of 10,000 children", SIDE_ALL,
	  .phase = { { store_directories, store_children, 10 } },
	  .finish = store_finish,
	  .metric = {
		{ "create in an empty one", "us", .kind = GOAL_NONE },
		{ "create in it", "us", false, GOAL_BASE, 1.3, 0 },
		{ "list it", "ms", false, GOAL_VALUE, 0.5, 0 } } },
	{ "million", "a store of 1,000,000 small nodes", SIDE_PEERS,
	  .phase = { { store_few, store_write, 5 },
		     { store_million, store_release, 5 } },
	  .finish = store_finish,
	  .metric = {
		{ "WRITE, 1,000 nodes", "us", .kind = GOAL_NONE },
		{ "WRITE, 1,000,000", "us", false, GOAL_BASE, 1.3, 0 },
		{ "own memory per node", "B", false, GOAL_PEER, 1, 0 },
		{ "RELEASE of an owner of none", "ms", false, GOAL_VALUE, 0.1,
		  0 },
		{ "creation, 200 at a time", "/s", true, GOAL_NONE, 0, 0 },
		{ "the same with its files", "B", .kind = GOAL_NONE } } },
	{ "start", "exec to the first answer, empty store", SIDE_ALL, true,
	  .phase = { { NULL, store_start, 10 } },
	  .metric = { { "start", "ms", false, GOAL_ECHO, 1.5, 0 } } },
	{ 0 }
};
