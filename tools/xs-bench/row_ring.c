// SPDX-License-Identifier: GPL-2.0-or-later
/* Guests on their rings. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/xs-bench/row.h"

#define RUN_NS 200000000u
#define CALLS 1000u

struct rings {
	struct link admin, one;
	struct crowd *crowd;
	char path[64];
};

static struct rings *rings_new(struct side *s)
{
	struct rings *p = s->priv = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->one.fd = -1;
	return link_open(&p->admin, s) ? NULL : p;
}

static bool rings_one(struct side *s)
{
	struct rings *p = rings_new(s);
	int domid = p ? link_introduce(&p->admin, s) : -1;

	if (domid < 0)
		return false;
	snprintf(p->path, sizeof(p->path), "/local/domain/%d/data", domid);
	return !link_attach(&p->one, s, NULL, (unsigned int)domid);
}

static bool rings_times(struct side *s)
{
	struct rings *p = s->priv;
	unsigned int n = row_scale(CALLS);

	return row_times(s, &p->one, 0, n, WIRE_READ, p->path, "") &&
	       row_times(s, &p->one, 1, n, WIRE_WRITE, p->path, "value");
}

static bool rings_window(struct side *s)
{
	struct rings *p = rings_new(s);

	return p && (p->crowd = crowd_rings(s, 1, 8, NULL, &p->admin));
}

static bool rings_crowd(struct side *s)
{
	struct rings *p = rings_new(s);

	return p && (p->crowd = crowd_rings(s, row_scale(1024), 1,
					    NULL, &p->admin));
}

static bool rings_run(struct side *s)
{
	struct rings *p = s->priv;

	return crowd_run(p->crowd, s, 0, RUN_NS);
}

/* And how evenly it was served. */
static bool rings_fair(struct side *s)
{
	struct rings *p = s->priv;
	struct crowd *c = p->crowd;
	uint64_t least = UINT64_MAX, sum = 0;

	memset(c->count, 0, c->links * sizeof(*c->count));
	if (!crowd_run(c, s, 0, 3 * (uint64_t)RUN_NS))
		return false;
	for (unsigned int i = 0; i < c->links; i++) {
		sum += c->count[i];
		if (c->count[i] < least)
			least = c->count[i];
	}
	side_sample(s, 1, (double)least * c->links / (double)sum);
	return true;
}

/*
 * Requests in batches of `window` from a guest that takes every event as soon
 * as it is there: on another processor, without sleeping. What the daemon
 * sends while the one before is not taken yet is not seen, so the figure is
 * a lower bound.
 */
static bool rings_notified(struct side *s, unsigned int metric,
			   unsigned int window)
{
	struct rings *p = s->priv;
	static struct batch b;
	unsigned int got, events = 0, n = row_scale(1000);
	uint64_t end;

	b.len = 0;
	for (unsigned int i = 0; i < window; i++)
		if (!batch_add(&b, WIRE_WRITE, 0, p->path, "value", 5))
			return false;
	while (simxen_guest_wait(p->one.guest, 0) == 1)
		;
	for (unsigned int i = 0; i < n; i++) {
		if (link_put(&p->one, &b))
			return false;
		end = side_now() + 5000000000u;
		for (got = 0; got < window && side_now() < end;) {
			events += simxen_guest_wait(p->one.guest, 0) == 1;
			got += (unsigned int)link_take(&p->one, false);
		}
		/* What comes behind the reply. */
		for (end = side_now() + 50000; side_now() < end;)
			events += simxen_guest_wait(p->one.guest, 0) == 1;
	}
	side_sample(s, metric, (double)events / n / window);
	return true;
}

static bool rings_notifications(struct side *s)
{
	bool ok;

	row_elsewhere(true);
	ok = rings_notified(s, 0, 1) && rings_notified(s, 1, 8);
	row_elsewhere(false);
	return ok;
}

static void rings_finish(struct side *s)
{
	struct rings *p = s->priv;

	if (!p)
		return;
	link_close(&p->one);
	link_close(&p->admin);
	crowd_free(p->crowd);
	free(p);
}

const struct row rows_ring[] = {
	{ "ring", "one guest on its ring, round trip", SIDE_ALL,
	  .phase = { { rings_one, rings_times, 10 } },
	  .finish = rings_finish,
	  .metric = {
		{ "READ", "us", false, GOAL_ECHO, 1.2, 0 },
		{ "WRITE", "us", false, GOAL_ECHO, 1.2, 0 } } },
	{ "ring-window", "one guest, 8 WRITEs at a time", SIDE_ALL,
	  .phase = { { rings_window, rings_run, 5 } },
	  .finish = rings_finish,
	  .metric = { { "requests", "/s", true, GOAL_ECHO, 0.6, 0 } } },
	{ "notifications", "events a guest sees per request", SIDE_ALL,
	  .phase = { { rings_one, rings_notifications, 3 } },
	  .finish = rings_finish,
	  .metric = {
		{ "window 1", "", false, GOAL_VALUE, 1.05, 0 },
		{ "window 8", "", false, GOAL_VALUE, 1, 0 } } },
	{ "guests", "1,024 guests writing", SIDE_ALL | SIDE_JOURNAL,
	  .phase = { { rings_crowd, rings_fair, 3 } },
	  .finish = rings_finish,
	  .metric = {
		{ "requests", "/s", true, GOAL_ECHO, 0.7, 0 },
		{ "slowest/mean", "", true, GOAL_VALUE, 0.5, 0 } } },
	{ 0 }
};
