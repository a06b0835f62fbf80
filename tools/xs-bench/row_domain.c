// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Domains come and go. What a toolstack does for one: 65 requests in a
 * transaction, INTRODUCE, two watches, eight writes of states.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/xs-bench/row.h"

#define DOMAINS 1000u

struct domains {
	struct link admin, watcher;
};

static bool domains_open(struct side *s)
{
	struct domains *d = s->priv = calloc(1, sizeof(*d));

	if (d)
		d->watcher.fd = -1;
	return d && !link_open(&d->admin, s);
}

/* 63 nodes and permissions between start and end: 65 requests. */
static bool domains_nodes(struct link *l, unsigned int domid)
{
	char path[96], perm[16];
	int len = snprintf(perm, sizeof(perm), "n%u", domid);
	uint32_t tx;

	if (link_call(l, WIRE_TRANSACTION_START, 0, "", NULL, 0))
		return false;
	tx = (uint32_t)strtoul(l->payload, NULL, 10);
	for (unsigned int i = 0; i < 63; i++) {
		snprintf(path, sizeof(path), "/local/domain/%u/device/%u/%u",
			 domid, i / 9, i / 3 % 3);
		if (i % 3 == 2 ? link_call(l, WIRE_SET_PERMS, tx, path, perm,
					   (size_t)len + 1) :
		    link_write(l, tx, path, "a value of some length"))
			return false;
	}
	return !link_call(l, WIRE_TRANSACTION_END, tx, "T", NULL, 0);
}

static bool domains_introduce(struct link *l, const struct side *s,
			      unsigned int domid)
{
	struct simxen_domain_info info;
	char id[16], rest[64];
	int n;

	if (simxen_domain_info(s->machine, domid, &info))
		return false;
	snprintf(id, sizeof(id), "%u", domid);
	n = snprintf(rest, sizeof(rest), "%lu%c%u", SIMXEN_GFN, 0, info.port);
	return !link_call(l, WIRE_INTRODUCE, 0, id, rest, (size_t)n + 1);
}

static bool domains_watch(struct link *l, enum wire_op op, unsigned int domid)
{
	char path[64], token[16];
	int n;

	for (unsigned int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "/local/domain/%u/device/%u",
			 domid, i);
		n = snprintf(token, sizeof(token), "t%u", i);
		if (link_call(l, op, 0, path, token, (size_t)n + 1))
			return false;
	}
	return true;
}

static bool domains_states(struct link *l, unsigned int domid)
{
	char path[64];

	for (unsigned int i = 0; i < 8; i++) {
		snprintf(path, sizeof(path), "/local/domain/%u/device/%u/0",
			 domid, i % 4);
		if (link_write(l, 0, path, "4"))
			return false;
	}
	return true;
}

static bool domains_create(struct side *s, unsigned int domid)
{
	struct domains *d = s->priv;

	return domains_nodes(&d->admin, domid) &&
	       domains_introduce(&d->admin, s, domid) &&
	       domains_watch(&d->admin, WIRE_WATCH, domid) &&
	       domains_states(&d->admin, domid);
}

static bool domains_destroy(struct side *s, unsigned int domid)
{
	struct domains *d = s->priv;
	char path[64], id[16];

	snprintf(path, sizeof(path), "/local/domain/%u", domid);
	snprintf(id, sizeof(id), "%u", domid);
	return domains_watch(&d->admin, WIRE_UNWATCH, domid) &&
	       !link_call(&d->admin, WIRE_RM, 0, path, NULL, 0) &&
	       !link_call(&d->admin, WIRE_RELEASE, 0, id, NULL, 0);
}

static bool domains_cycle(struct side *s, unsigned int made,
			  unsigned int gone)
{
	int domid = simxen_domain_add(s->machine, -1, NULL);
	uint64_t from = side_now();

	if (domid < 0 || !domains_create(s, (unsigned int)domid))
		return false;
	row_since(s, made, from, 1e6);
	from = side_now();
	if (!domains_destroy(s, (unsigned int)domid))
		return false;
	row_since(s, gone, from, 1e6);
	return !simxen_domain_kill(s->machine, (unsigned int)domid, 0);
}

static bool domains_first(struct side *s)
{
	return domains_cycle(s, 0, 1);
}

static bool domains_last(struct side *s)
{
	return domains_cycle(s, 2, 3);
}

static bool domains_many(struct side *s)
{
	struct domains *d = s->priv;

	for (unsigned int i = 0; i < row_scale(DOMAINS); i++)
		if (link_introduce(&d->admin, s) < 0)
			return false;
	return true;
}

static bool domains_watched(struct side *s)
{
	struct domains *d;

	if (!domains_open(s) || !domains_many(s))
		return false;
	d = s->priv;
	return !link_open(&d->watcher, s) &&
	       !link_call(&d->watcher, WIRE_WATCH, 0, "@releaseDomain", "t",
			  2);
}

/* All that is said until it has been quiet for a while. */
static void domains_quiet(struct link *l)
{
	struct pollfd pfd = { l->fd, POLLIN, 0 };

	while (poll(&pfd, 1, 20) == 1 && link_take(l, false) >= 0)
		;
	l->events = 0;
}

static bool domains_death(struct side *s)
{
	struct domains *d = s->priv;
	int domid = link_introduce(&d->admin, s);
	uint64_t from;

	if (domid < 0)
		return false;
	domains_quiet(&d->watcher);
	from = side_now();
	if (simxen_domain_kill(s->machine, (unsigned int)domid, 0))
		return false;
	while (!d->watcher.events)
		if (link_take(&d->watcher, true) < 0)
			return false;
	row_since(s, 0, from, 1e6);
	return true;
}

static void domains_finish(struct side *s)
{
	struct domains *d = s->priv;

	link_close(&d->admin);
	link_close(&d->watcher);
	free(d);
}

const struct row rows_domain[] = {
	{ "domains", "creating and destroying a domain, alone and among 1,000",
	  SIDE_ALL,
	  .phase = { { domains_open, domains_first, 20 },
		     { domains_many, domains_last, 20 } },
	  .finish = domains_finish,
	  .metric = {
		{ "create, alone", "ms", false, GOAL_ECHO, 1.5, 0 },
		{ "destroy, alone", "ms", .kind = GOAL_NONE },
		{ "create, among 1,000", "ms", false, GOAL_ECHO, 1.5, 0 },
		{ "destroy, among 1,000", "ms", false, GOAL_VALUE, 0.3,
		  0 } } },
	{ "death", "a domain's death to @releaseDomain, among 1,000",
	  SIDE_PEERS,
	  .phase = { { domains_watched, domains_death, 20 } },
	  .finish = domains_finish,
	  .metric = { { "death", "ms", false, GOAL_VALUE, 0.2, 0 } } },
	{ 0 }
};
