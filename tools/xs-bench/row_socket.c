// SPDX-License-Identifier: GPL-2.0-or-later
/* Clients on the socket, alone, beside idle ones, and many. */
#include <stdio.h>
#include <stdlib.h>

#include "tools/xs-bench/row.h"

#define IDLE 1000u
#define RUN_NS 200000000u
#define CALLS 1000u

struct sockets {
	struct link one;
	struct link *idle;
	unsigned int idles;
	struct crowd *crowd;
};

static bool sockets_one(struct side *s)
{
	struct sockets *p = s->priv = calloc(1, sizeof(*p));

	return p && !link_open(&p->one, s) &&
	       !link_write(&p->one, 0, "/bench/a", "value");
}

static bool sockets_times(struct side *s, unsigned int metric)
{
	struct sockets *p = s->priv;
	unsigned int n = row_scale(CALLS);

	return row_times(s, &p->one, metric, n, WIRE_READ, "/bench/a", "") &&
	       row_times(s, &p->one, metric + 1, n, WIRE_WRITE, "/bench/a",
			 "value");
}

static bool sockets_quiet(struct side *s)
{
	return sockets_times(s, 0);
}

static bool sockets_beside(struct side *s)
{
	return sockets_times(s, 2);
}

static bool sockets_idle(struct side *s)
{
	struct sockets *p = s->priv;

	p->idles = row_scale(IDLE);
	p->idle = calloc(p->idles, sizeof(*p->idle));
	for (unsigned int i = 0; p->idle && i < p->idles; i++)
		if (link_open(&p->idle[i], s) ||
		    link_call(&p->idle[i], WIRE_READ, 0, "/bench/a", "", 0)) {
			p->idles = i;
			return false;
		}
	return p->idle;
}

/* Introduced, with their rings mapped, and nobody at home. */
static bool sockets_guests(struct side *s)
{
	struct sockets *p = s->priv;

	for (unsigned int i = 0; i < row_scale(IDLE); i++)
		if (link_introduce(&p->one, s) < 0)
			return false;
	return true;
}

static bool sockets_window(struct side *s)
{
	struct sockets *p = s->priv = calloc(1, sizeof(*p));

	if (p)
		p->one.fd = -1;
	return p && (p->crowd = crowd_sockets(s, 1, 32, WIRE_READ));
}

static bool sockets_crowd(struct side *s)
{
	struct sockets *p = s->priv = calloc(1, sizeof(*p));

	if (p)
		p->one.fd = -1;
	return p && (p->crowd = crowd_sockets(s, 256, 1, WIRE_READ));
}

static bool sockets_run(struct side *s)
{
	struct sockets *p = s->priv;

	return crowd_run(p->crowd, s, 0, RUN_NS);
}

static void sockets_finish(struct side *s)
{
	struct sockets *p = s->priv;

	if (!p)
		return;
	link_close(&p->one);
	for (unsigned int i = 0; i < p->idles; i++)
		link_close(&p->idle[i]);
	free(p->idle);
	crowd_free(p->crowd);
	free(p);
}

const struct row rows_socket[] = {
	{ "socket", "one client on a socket, round trip", SIDE_ALL,
	  .phase = { { sockets_one, sockets_quiet, 10 } },
	  .finish = sockets_finish,
	  .metric = {
		{ "READ", "us", false, GOAL_ECHO, 1.15, 0 },
		{ "WRITE", "us", false, GOAL_ECHO, 1.15, 0 } } },
	{ "idle-sockets", "the same beside 1,000 idle sockets", SIDE_ALL,
	  .phase = { { sockets_one, sockets_quiet, 5 },
		     { sockets_idle, sockets_beside, 5 } },
	  .finish = sockets_finish,
	  .metric = {
		{ "READ, alone", "us", .kind = GOAL_NONE },
		{ "WRITE, alone", "us", .kind = GOAL_NONE },
		{ "READ", "us", false, GOAL_BASE, 1.1, 0 },
		{ "WRITE", "us", false, GOAL_BASE, 1.1, 1 } } },
	{ "idle-guests", "the same beside 1,000 idle guests", SIDE_ALL,
	  .phase = { { sockets_one, sockets_quiet, 5 },
		     { sockets_guests, sockets_beside, 5 } },
	  .finish = sockets_finish,
	  .metric = {
		{ "READ, alone", "us", .kind = GOAL_NONE },
		{ "WRITE, alone", "us", .kind = GOAL_NONE },
		{ "READ", "us", false, GOAL_BASE, 1.1, 0 },
		{ "WRITE", "us", false, GOAL_BASE, 1.1, 1 } } },
	{ "window", "one socket, 32 READs at a time", SIDE_ALL,
	  .phase = { { sockets_window, sockets_run, 5 } },
	  .finish = sockets_finish,
	  .metric = { { "requests", "/s", true, GOAL_PEER, 10, 0 } } },
	{ "clients", "256 sockets in a closed loop of READs", SIDE_ALL,
	  .phase = { { sockets_crowd, sockets_run, 5 } },
	  .finish = sockets_finish,
	  .metric = { { "requests", "/s", true, GOAL_ECHO, 0.85, 0 } } },
	{ 0 }
};
