// SPDX-License-Identifier: GPL-2.0-or-later
/* What surviving a death costs: the journal, checkpoints, recovery. */
#include <stdio.h>
#include <stdlib.h>

#include "tools/xs-bench/row.h"

#define RUN_NS 200000000u
#define CALLS 1000u
/* Several checkpoints are due in that many. */
#define PAUSE_CALLS 50000u

struct journal_row {
	struct link one;
	struct crowd *single, *many;
};

static bool journal_open(struct side *s)
{
	struct journal_row *p = s->priv = calloc(1, sizeof(*p));

	return p && !link_open(&p->one, s) &&
	       !link_write(&p->one, 0, "/bench/a", "value");
}

static bool journal_prepare(struct side *s)
{
	struct journal_row *p;

	if (!journal_open(s))
		return false;
	p = s->priv;
	p->single = crowd_sockets(s, 1, 32, WIRE_WRITE);
	p->many = crowd_sockets(s, 256, 1, WIRE_WRITE);
	return p->single && p->many;
}

static bool journal_measure(struct side *s)
{
	struct journal_row *p = s->priv;
	unsigned int n = row_scale(CALLS);

	return row_times(s, &p->one, 0, n, WIRE_READ, "/bench/a", "") &&
	       row_times(s, &p->one, 1, n, WIRE_WRITE, "/bench/a", "value") &&
	       crowd_run(p->single, s, 2, RUN_NS) &&
	       crowd_run(p->many, s, 3, RUN_NS);
}

/* ------------------------------------------------------------- pauses -- */

static bool journal_million(struct side *s)
{
	struct journal_row *p;

	if (!journal_open(s))
		return false;
	p = s->priv;
	return row_fill(&p->one, 0, row_scale(1000000));
}

/*
 * Nodes all over the store are written, so that a checkpoint has much to
 * look at; of each run the longest that a client had to wait.
 */
static bool journal_pause(struct side *s)
{
	struct journal_row *p = s->priv;
	unsigned int fans = row_scale(1000000) / 1000;
	double longest = 0;
	char path[64];

	for (unsigned int i = 0; i < row_scale(PAUSE_CALLS); i++) {
		uint64_t from;
		double us;

		snprintf(path, sizeof(path), "/fill/%u/node-%u", i % fans,
			 i * 7919u % 1000u);
		from = side_now();
		if (link_write(&p->one, 0, path, "9876543210"))
			return false;
		us = (double)(side_now() - from) / 1e3;
		side_sample(s, 0, us);
		if (us > longest)
			longest = us;
	}
	side_sample(s, 1, longest / 1e3);
	return true;
}

/* ----------------------------------------------------------- recovery -- */

static bool journal_hundred(struct side *s)
{
	struct journal_row *p;

	if (!journal_open(s))
		return false;
	p = s->priv;
	if (!row_fill(&p->one, 0, row_scale(100000)))
		return false;
	for (unsigned int i = 0; i < row_scale(1000); i++)
		if (link_introduce(&p->one, s) < 0)
			return false;
	return true;
}

static bool journal_recover(struct side *s)
{
	struct journal_row *p = s->priv;
	uint64_t from;

	link_close(&p->one);
	side_kill(s);
	from = side_now();
	if (!side_exec(s) || link_first(&p->one, s) ||
	    link_call(&p->one, WIRE_READ, 0, "/fill/0/node-7", NULL, 0))
		return false;
	row_since(s, 0, from, 1e6);
	return true;
}

static void journal_finish(struct side *s)
{
	struct journal_row *p = s->priv;

	link_close(&p->one);
	crowd_free(p->single);
	crowd_free(p->many);
	free(p);
}

const struct row rows_journal[] = {
	{ "journal", "with the journal and without", SIDE_JOURNAL,
	  .phase = { { journal_prepare, journal_measure, 10 } },
	  .finish = journal_finish,
	  .metric = {
		{ "READ", "us", false, GOAL_BARE, 1.05, 0 },
		{ "WRITE", "us", false, GOAL_BARE, 1.05, 0 },
		{ "window of 32 WRITEs", "/s", true, GOAL_BARE, 0.95, 0 },
		{ "256 clients, WRITE", "/s", true, GOAL_BARE, 0.95, 0 } } },
	{ "pause", "WRITEs all over 1,000,000 nodes", SIDE_JOURNAL,
	  .phase = { { journal_million, journal_pause, 3 } },
	  .finish = journal_finish,
	  .metric = {
		{ "WRITE", "us", false, GOAL_BARE, 1.05, 0 },
		{ "longest of 50,000", "ms", false, GOAL_VALUE, 2, 0 } } },
	{ "recovery", "exec to the first answer, 100,000 nodes, 1,000 domains",
	  SIDE_BIT(SIDE_OURS),
	  .phase = { { journal_hundred, journal_recover, 5 } },
	  .finish = journal_finish,
	  .metric = { { "recovery", "ms", false, GOAL_VALUE, 500, 0 } } },
	{ 0 }
};
