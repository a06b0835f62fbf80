// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sixteen clients with a transaction each: start, three reads, three writes,
 * end. A commit that fails is counted and tried again, as toolstacks do.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tools/xs-bench/row.h"

#define CLIENTS 16u
#define RUN_NS 300000000u

enum step { STEP_START, STEP_READ, STEP_WRITE = 4, STEP_END = 7, STEP_COUNT };

struct actor {
	struct link link;
	uint32_t tx;
	uint64_t serial;
	unsigned int step;
	bool due;		/* sent, not answered: a start may wait */
	uint64_t commits, failures;
	char path[3][32];
};

struct transactions {
	struct actor actor[CLIENTS];
	int epoll;
};

static bool actor_send(struct actor *a)
{
	static struct batch b;
	char value[32];
	bool ok;
	int n;

	b.len = 0;
	/* Never what was there: that nothing has changed shall not help. */
	n = snprintf(value, sizeof(value), "%llu",
		     (unsigned long long)++a->serial);
	if (a->step == STEP_START)
		ok = batch_add(&b, WIRE_TRANSACTION_START, 0, "", NULL, 0);
	else if (a->step == STEP_END)
		ok = batch_add(&b, WIRE_TRANSACTION_END, a->tx, "T", NULL, 0);
	else if (a->step < STEP_WRITE)
		ok = batch_add(&b, WIRE_READ, a->tx,
			       a->path[a->step - STEP_READ], NULL, 0);
	else
		ok = batch_add(&b, WIRE_WRITE, a->tx,
			       a->path[a->step - STEP_WRITE], value,
			       (size_t)n);
	a->due = true;
	return ok && !link_put(&a->link, &b);
}

static bool actor_reply(struct actor *a)
{
	bool error = a->link.type == WIRE_ERROR;

	a->due = false;
	switch (a->step) {
	case STEP_START:
		a->tx = (uint32_t)strtoul(a->link.payload, NULL, 10);
		break;
	case STEP_END:
		a->commits += !error;
		a->failures += error;
		if (error && strcmp(a->link.payload, "EAGAIN"))
			return false;
		error = false;
		break;
	}
	a->step = (a->step + 1) % STEP_COUNT;
	return !error;
}

static bool transactions_open(struct side *s, bool shared)
{
	struct transactions *t = s->priv = calloc(1, sizeof(*t));

	if (!t)
		return false;
	t->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (unsigned int i = 0; i < CLIENTS; i++)
		t->actor[i].link.fd = -1;
	for (unsigned int i = 0; i < CLIENTS; i++) {
		struct actor *a = &t->actor[i];
		struct epoll_event ev = { EPOLLIN, { .u32 = i } };

		if (link_open(&a->link, s))
			return false;
		for (unsigned int n = 0; n < 3; n++) {
			snprintf(a->path[n], sizeof(a->path[n]),
				 "/bench/%u/%u", shared ? 0 : i, n);
			if (link_write(&a->link, 0, a->path[n], "value"))
				return false;
		}
		if (epoll_ctl(t->epoll, EPOLL_CTL_ADD, a->link.fd, &ev))
			return false;
	}
	return true;
}

static bool transactions_separate(struct side *s)
{
	return transactions_open(s, false);
}

static bool transactions_shared(struct side *s)
{
	return transactions_open(s, true);
}

static bool transactions_turn(struct transactions *t, bool on, bool *idle)
{
	struct epoll_event ev[CLIENTS];
	int n = epoll_wait(t->epoll, ev, CLIENTS, *idle ? 0 : 20000);

	for (int i = 0; i < n; i++) {
		struct actor *a = &t->actor[ev[i].data.u32];
		int got = link_take(&a->link, false);

		if (got < 0 || got > 1 || (got && !actor_reply(a)))
			return false;
		if (got && (on || a->step != STEP_START) && !actor_send(a))
			return false;
	}
	*idle = true;
	for (unsigned int i = 0; i < CLIENTS; i++)
		*idle &= t->actor[i].step == STEP_START && !t->actor[i].due;
	return n > 0 || (!on && *idle);
}

/* Totals over a run; one sample of each figure. */
static void transactions_count(struct side *s, struct transactions *t,
			       double seconds)
{
	uint64_t commits = 0, failures = 0, least = UINT64_MAX;

	for (unsigned int i = 0; i < CLIENTS; i++) {
		struct actor *a = &t->actor[i];

		commits += a->commits;
		failures += a->failures;
		if (a->commits < least)
			least = a->commits;
		a->commits = a->failures = 0;
	}
	side_sample(s, 0, (double)commits / seconds);
	side_sample(s, 1, (double)failures / (double)(commits + failures));
	side_sample(s, 2, commits ? (double)(least * CLIENTS) /
		    (double)commits : 0);
}

static bool transactions_run(struct side *s)
{
	struct transactions *t = s->priv;
	uint64_t from = side_now(), end = from + RUN_NS;
	bool ok = true, idle = false;

	for (unsigned int i = 0; i < CLIENTS && ok; i++)
		ok = actor_send(&t->actor[i]);
	while (ok && side_now() < end) {
		idle = false;
		ok = transactions_turn(t, true, &idle);
	}
	transactions_count(s, t, (double)(side_now() - from) / 1e9);
	/* Those that are under way are ended, and not counted. */
	for (idle = false; ok && !idle;) {
		ok = transactions_turn(t, false, &idle);
	}
	for (unsigned int i = 0; i < CLIENTS; i++)
		t->actor[i].commits = t->actor[i].failures = 0;
	return ok;
}

static void transactions_finish(struct side *s)
{
	struct transactions *t = s->priv;

	for (unsigned int i = 0; i < CLIENTS; i++)
		link_close(&t->actor[i].link);
	close(t->epoll);
	free(t);
}

const struct row rows_transaction[] = {
	{ "transactions", "16 clients, 3 reads and 3 writes each, own paths",
	  SIDE_ALL,
	  .phase = { { transactions_separate, transactions_run, 5 } },
	  .finish = transactions_finish,
	  .metric = {
		{ "commits", "/s", true, GOAL_ECHO, 0.8, 0 },
		{ "failed", "", false, GOAL_VALUE, 0, 0 },
		{ "slowest/mean", "", true, GOAL_VALUE, 0.5, 0 } } },
	{ "shared", "the same, all on the same paths", SIDE_ALL,
	  .phase = { { transactions_shared, transactions_run, 5 } },
	  .finish = transactions_finish,
	  .metric = {
		{ "commits", "/s", true, GOAL_ECHO, 0.4, 0 },
		{ "failed", "", false, GOAL_VALUE, 0.2, 0 },
		{ "slowest/mean", "", true, GOAL_VALUE, 0.5, 0 } } },
	{ 0 }
};
