// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What guests that never stop cost others: a reader beside four that flood
 * their rings, and transactions that read what 64 guests keep writing. The
 * guests are a process of their own. On another processor they never wait,
 * and it is the daemon they are competed with for; on the daemon's they wait
 * for each reply, and it is above all the processor. They are stopped while
 * another side is measured.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/xs-bench/row.h"

#define FLOODERS 4u
#define FLOOD_WINDOW 8u
#define HAMMERS 64u
#define HAMMERED "/hammered/x"
#define CALLS 100u
#define READ_NS 300000000u
#define COMMITS 100u
/* One transaction is given up after so long, with the tries it had. */
#define COMMIT_NS 2000000000ull

struct flood {
	struct link admin, guest;
	char own[64];		/* what the guest writes */
	pid_t child;
};

static bool flood_open(struct side *s)
{
	struct flood *f = s->priv = calloc(1, sizeof(*f));

	if (!f)
		return false;
	f->guest.fd = -1;
	return !link_open(&f->admin, s) &&
	       !link_write(&f->admin, 0, "/bench/a", "value");
}

struct flooders {
	unsigned int links, window;
	const char *path;	/* NULL: each has its own */
	bool elsewhere;
};

static void flood_run(struct side *s, struct crowd *c, bool elsewhere)
{
	if (elsewhere)
		while (crowd_spin(c))
			;
	while (crowd_run(c, s, 0, 1000000000u))
		side_forget(s);
}

/* The process: introduce them, say so, never stop. */
static void flood_child(struct side *s, const struct flooders *f, int ready)
{
	struct link admin;
	struct crowd *c;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	row_elsewhere(f->elsewhere);
	if (link_open(&admin, s))
		_exit(1);
	c = crowd_rings(s, f->links, f->window, f->path, &admin);
	if (!c || write(ready, "", 1) != 1)
		_exit(1);
	flood_run(s, c, f->elsewhere);
	_exit(1);
}

static void flood_end(struct flood *f)
{
	if (f->child > 0) {
		kill(f->child, SIGKILL);
		waitpid(f->child, NULL, 0);
	}
	f->child = 0;
}

static bool flood_begin(struct side *s, const struct flooders *what)
{
	struct flood *f = s->priv;
	int ready[2];
	char byte;
	bool ok;

	flood_end(f);
	if (pipe(ready))
		return false;
	f->child = fork();
	if (!f->child)
		flood_child(s, what, ready[1]);
	close(ready[1]);
	ok = f->child > 0 && read(ready[0], &byte, 1) == 1 &&
	     !kill(f->child, SIGSTOP);
	close(ready[0]);
	return ok;
}

/* Let them go on; the first milliseconds, until all are at it, do not count. */
static bool flood_go(const struct flood *f)
{
	const struct timespec warm = { .tv_nsec = 20000000 };

	return !kill(f->child, SIGCONT) && !nanosleep(&warm, NULL);
}

static void flood_finish(struct side *s)
{
	struct flood *f = s->priv;

	flood_end(f);
	link_close(&f->guest);
	link_close(&f->admin);
	free(f);
}

static bool flood_read(struct side *s, unsigned int metric)
{
	struct flood *f = s->priv;
	uint64_t end = side_now() + row_scale(READ_NS);
	bool ok = true;

	while (ok && side_now() < end)
		ok = row_times(s, &f->admin, metric, CALLS, WIRE_READ,
			       "/bench/a", "");
	return ok;
}

static bool flood_quiet(struct side *s)
{
	return flood_read(s, 0);
}

static bool flood_elsewhere(struct side *s)
{
	static const struct flooders four = { FLOODERS, FLOOD_WINDOW, NULL,
					      true };

	return flood_begin(s, &four);
}

static bool flood_here(struct side *s)
{
	static const struct flooders four = { FLOODERS, FLOOD_WINDOW, NULL,
					      false };

	return flood_begin(s, &four);
}

static bool flood_loud(struct side *s, unsigned int metric)
{
	struct flood *f = s->priv;

	return flood_go(f) && flood_read(s, metric) &&
	       !kill(f->child, SIGSTOP);
}

static bool flood_first(struct side *s)
{
	return flood_loud(s, 1);
}

static bool flood_second(struct side *s)
{
	return flood_loud(s, 2);
}

/* ------------------------------------------------------- transactions -- */

static bool hammer_open(struct side *s)
{
	struct flooders all = { row_scale(HAMMERS), 1, HAMMERED, true };
	struct flood *f;
	int domid;

	if (!flood_open(s))
		return false;
	f = s->priv;
	domid = link_introduce(&f->admin, s);
	if (domid < 0 || link_attach(&f->guest, s, NULL, (unsigned int)domid) ||
	    link_write(&f->admin, 0, HAMMERED, "value") ||
	    link_call(&f->admin, WIRE_SET_PERMS, 0, HAMMERED, "b0", 3))
		return false;
	snprintf(f->own, sizeof(f->own), "/local/domain/%d/data", domid);
	return flood_begin(s, &all);
}

/* One try: 0, EAGAIN's number, or -1. */
static int hammer_try(struct link *l, const char *own)
{
	uint32_t tx;

	if (link_call(l, WIRE_TRANSACTION_START, 0, "", NULL, 0))
		return -1;
	tx = (uint32_t)strtoul(l->payload, NULL, 10);
	if (link_call(l, WIRE_READ, tx, HAMMERED, NULL, 0) ||
	    link_write(l, tx, own, "value"))
		return -1;
	return link_call(l, WIRE_TRANSACTION_END, tx, "T", NULL, 0);
}

/* The most tries that one of them needed, and how many there were a second. */
static bool hammer_commits(struct side *s, struct link *l, const char *own,
			   unsigned int most, unsigned int rate)
{
	unsigned int worst = 0, commits = 0, tries;
	uint64_t from = side_now(), begun, now = from;

	while (commits < row_scale(COMMITS) && now < from + 2 * COMMIT_NS) {
		int err = 1;

		begun = now;
		for (tries = 0; err && now < begun + COMMIT_NS; tries++) {
			err = hammer_try(l, own);
			if (err < 0)
				return false;
			now = side_now();
		}
		commits += !err;
		worst = tries > worst ? tries : worst;
	}
	side_sample(s, most, worst);
	side_sample(s, rate, commits * 1e9 / (double)(now - from));
	return true;
}

static bool hammer_run(struct side *s)
{
	struct flood *f = s->priv;

	return flood_go(f) &&
	       hammer_commits(s, &f->admin, "/bench/a", 0, 1) &&
	       hammer_commits(s, &f->guest, f->own, 2, 3) &&
	       !kill(f->child, SIGSTOP);
}

const struct row rows_flood[] = {
	{ "flood", "READ beside 4 guests that flood their rings", SIDE_ALL,
	  .phase = { { flood_open, flood_quiet, 5 },
		     { flood_elsewhere, flood_first, 5 },
		     { flood_here, flood_second, 5 } },
	  .finish = flood_finish,
	  .metric = {
		{ "READ, quiet", "us", .kind = GOAL_NONE },
		{ "guests elsewhere", "us", false, GOAL_BASE, 2, 0 },
		{ "guests on its processor", "us", false, GOAL_BASE, 2,
		  0 } } },
	{ "hammer", "transactions reading what 64 guests keep writing",
	  SIDE_PEERS,
	  .phase = { { hammer_open, hammer_run, 5 } },
	  .finish = flood_finish,
	  .metric = {
		{ "most tries, a socket", "", false, GOAL_VALUE, 4, 0 },
		{ "its commits", "/s", true, GOAL_NONE, 0, 0 },
		{ "most tries, a guest", "", false, GOAL_VALUE, 4, 0 },
		{ "its commits", "/s", true, GOAL_NONE, 0, 0 } } },
	{ 0 }
};
