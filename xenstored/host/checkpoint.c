// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Checkpoints, the loop's part: when one is due, the cut, and what follows
 * from the result; see checkpoint.h.  checkpoint_write.c is the worker's.
 */
#include "xenstored/host/checkpoint.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>
#include <tdb.h>

#include "xenstored/core/image.h"
#include "xenstored/core/mem.h"
#include "xenstored/host/aside.h"
#include "xenstored/host/checkpoint_file.h"
#include "xenstored/host/checkpoint_write.h"
#include "xenstored/host/fault.h"
#include "xenstored/host/host.h"
#include "xenstored/host/journal.h"
#include "xenstored/host/log.h"
#include "xenstored/host/worker.h"

/* Journal bytes after which one is due: so many for each that it stored. */
#define CHECKPOINT_DUE_MIN (JOURNAL_SEGMENT / 2)
#define CHECKPOINT_DUE_MAX (2 * JOURNAL_SEGMENT)
#define CHECKPOINT_RATIO 8u
/*
 * Journal bytes since the cut, with the worker at work: behind LATE it is
 * given CEDE_US for each CEDE_EACH, and that twice as often for every MORE of
 * journal, so that there is an end to it; behind HURRY it is hurried, as
 * somebody else must have the processor, and given so much more each time.
 */
#define CHECKPOINT_LATE (JOURNAL_SEGMENT / 2)
#define CHECKPOINT_MORE (2 * JOURNAL_SEGMENT)
#define CHECKPOINT_HURRY (4 * JOURNAL_SEGMENT)
#define CHECKPOINT_CEDE_EACH (JOURNAL_SEGMENT / 256)
#define CHECKPOINT_CEDE_US 500u
/* Nodes of an old snapshot that are freed in one pass. */
#define CHECKPOINT_FREE 64u
/* After a failure, microseconds. */
#define CHECKPOINT_RETRY 5000000u
/* While another process holds a lock on the file, microseconds. */
#define CHECKPOINT_LOCKED 100000u

struct checkpoint {
	struct checkpoint_write write;	/* the worker's while it is busy */
	struct node *base;		/* the tree that the file holds */
	bool wipe;			/* the file holds nothing of use */
	struct node *snapshot;		/* the one being written; or NULL */
	struct node *rest;		/* dead, to be freed */
	bool dropping;			/* segments of no use may be there */
	bool owed;			/* the last one came to nothing */
	uint64_t segment;		/* first that counts after it */
	uint64_t committed;		/* the same of the last one */
	uint64_t ceded;			/* journal since the cut, then */
	uint64_t bytes;			/* stored by the last one */
	uint64_t done, when, retry;
	uint64_t pause;			/* longest that the loop was held up */
};

static int checkpoint_end(struct checkpoint *c)
{
	checkpoint_write_fini(&c->write);
	image_release(c->base);
	image_release(c->snapshot);
	while (image_free_some(&c->rest, UINT32_MAX))
		;
	return 0;
}

static struct checkpoint *checkpoint_new(struct host *h)
{
	struct checkpoint *c = talloc_zero(h, struct checkpoint);

	if (!c)
		return NULL;
	checkpoint_write_init(&c->write, h->options->rundir,
			      h->config.hash_key);
	/* Until somebody says what the file holds. */
	c->wipe = true;
	talloc_set_destructor(c, checkpoint_end);
	return c;
}

int checkpoint_open(struct host *h)
{
	struct checkpoint *c = checkpoint_new(h);
	int error;

	if (!c)
		return -ENOMEM;
	/* What a death has left half done. */
	checkpoint_file_drop(h->options->rundir);
	c->write.tdb = checkpoint_file_open(h->options->rundir, &error);
	if (!c->write.tdb) {
		talloc_free(c);
		return error;
	}
	h->checkpoint = c;
	return 0;
}

int checkpoint_begin_anew(struct host *h)
{
	h->checkpoint = checkpoint_new(h);
	return h->checkpoint ? 0 : -ENOMEM;
}

void checkpoint_close(struct host *h)
{
	checkpoint_settle(h);
	talloc_free(h->checkpoint);
	h->checkpoint = NULL;
}

/* ------------------------------------------------------------ loading -- */

struct loading {
	struct checkpoint *c;
	int (*take)(void *arg, const char *key, const void *value, size_t len);
	void *arg;
};

static int load_record(void *arg, const char *key, const void *value,
		       size_t len)
{
	struct loading *l = arg;
	int error = l->take(l->arg, key, value, len);

	if (error || !strncmp(key, "node ", 5))
		return error;
	return checkpoint_write_holds(&l->c->write, key, value, len);
}

int checkpoint_load(struct host *h,
		    int (*take)(void *arg, const char *key, const void *value,
				size_t len), void *arg)
{
	struct loading l = { h->checkpoint, take, arg };

	return checkpoint_file_each(h->checkpoint->write.tdb, load_record, &l);
}

void checkpoint_seed(struct host *h)
{
	struct checkpoint *c = h->checkpoint;

	c->base = image_snapshot(h->machine);
	c->wipe = false;
}

/* ------------------------------------------------------------- phases -- */

/*
 * Has somebody who reads the file held it up for so long that the journal
 * grows?  He keeps what he reads, and a new file takes its name.
 */
static bool checkpoint_long_ago(const struct host *h)
{
	return journal_broken(h->journal) ||
	       journal_since(h->journal, h->checkpoint->committed) >=
	       CHECKPOINT_HURRY;
}

/* A moment later, as somebody reads the file; nothing is wrong. */
static void checkpoint_wait(struct host *h)
{
	h->checkpoint->retry = h->now + CHECKPOINT_LOCKED;
	host_timer(h, TIMER_CHECKPOINT, h->checkpoint->retry);
}

/* Nothing of it counts; the one before still does. */
static void checkpoint_fail(struct host *h, int error)
{
	struct checkpoint *c = h->checkpoint;

	checkpoint_write_cancel(&c->write);
	/* What the file holds is known no more: a new one next time. */
	checkpoint_write_forget(&c->write);
	image_release_later(c->snapshot, &c->rest);
	image_release_later(c->base, &c->rest);
	c->snapshot = c->base = NULL;
	c->wipe = true;
	/* The journal may be whole again since the cut, and break before it. */
	c->owed = true;
	c->retry = h->now + CHECKPOINT_RETRY;
	log_say(LOG_CHECKPOINT, "cannot be written: %s", strerror(-error));
	/* What is kept for people gives way to what is kept for guests. */
	if (error == -ENOSPC && aside_yield(h->options->rundir))
		c->retry = h->now;
	host_timer(h, TIMER_CHECKPOINT, c->retry);
}

/* All that the worker is given. */
static int checkpoint_cut(struct host *h)
{
	struct checkpoint *c = h->checkpoint;
	struct checkpoint_write *w = &c->write;
	int error = checkpoint_cut_take(h, &w->cut);

	if (error)
		return error;
	c->segment = journal_cut(h->journal, &error);
	if (!c->segment)
		return error;
	error = checkpoint_cut_host(h, &w->cut, c->segment);
	if (error)
		return error;
	w->walk = image_walk_new(h->machine, w->whole ? NULL : c->base);
	if (!w->walk)
		return -ENOMEM;
	c->snapshot = image_snapshot(h->machine);
	c->ceded = 0;
	return 0;
}

/* `now`: also if somebody reads the file, into one of its own then. */
static int checkpoint_begin(struct host *h, bool now)
{
	struct checkpoint *c = h->checkpoint;
	struct checkpoint_write *w = &c->write;
	unsigned long lacks = mem_lacks();
	struct machine_ask ask;
	int error;

	/* The host owes answers: after the next pass, then. */
	if (machine_ask_peek(h->machine, &ask))
		return -EBUSY;
	w->nodes = image_nodes(h->machine);
	now |= checkpoint_long_ago(h);
	w->whole = c->wipe || !w->tdb ||
		   checkpoint_write_small(w, w->nodes) ||
		   (now && checkpoint_write_read(w));
	if (!w->whole && checkpoint_write_read(w)) {
		checkpoint_wait(h);
		return -EAGAIN;
	}
	error = checkpoint_cut(h);
	/* This was no step of the machine's. */
	h->lacks += mem_lacks() - lacks;
	fault_point("checkpoint-cut");
	/* Busy: nothing was done yet, and nothing is wrong. */
	if (error && error != -EBUSY)
		checkpoint_fail(h, error);
	return error;
}

/* It stands: what was before it can go. */
static void checkpoint_stands(struct host *h)
{
	struct checkpoint *c = h->checkpoint;

	fault_point("checkpoint-stands");
	image_walk_free(c->write.walk);
	c->write.walk = NULL;
	image_release_later(c->base, &c->rest);
	c->base = c->snapshot;
	c->snapshot = NULL;
	c->wipe = c->owed = false;
	c->bytes = c->write.bytes;
	c->committed = c->segment;
	c->when = h->now;
	c->done++;
	c->dropping = true;
}

/* It will not be ended; the file is what it was. */
static void checkpoint_leave(struct checkpoint *c)
{
	/* Of the records some are remembered that were not written. */
	if (c->write.ready)
		c->wipe = true;
	checkpoint_write_cancel(&c->write);
	image_release_later(c->snapshot, &c->rest);
	c->snapshot = NULL;
}

static int checkpoint_result(struct host *h, int error)
{
	struct checkpoint *c = h->checkpoint;

	if (!error)
		checkpoint_stands(h);
	else if (error != -EAGAIN)
		checkpoint_fail(h, error);
	else
		checkpoint_wait(h);
	/* Somebody was quicker, or is slow: the cut is an old one by then. */
	if (error == -EAGAIN && (!c->write.ready || checkpoint_long_ago(h)))
		checkpoint_leave(c);
	return error;
}

/* ------------------------------------------------------------- the turn -- */

static uint64_t checkpoint_interval(const struct checkpoint *c)
{
	uint64_t bytes = c->bytes * CHECKPOINT_RATIO;

	if (bytes < CHECKPOINT_DUE_MIN)
		return CHECKPOINT_DUE_MIN;
	return bytes < CHECKPOINT_DUE_MAX ? bytes : CHECKPOINT_DUE_MAX;
}

static bool checkpoint_due(const struct host *h)
{
	const struct checkpoint *c = h->checkpoint;

	if (h->now < c->retry)
		return false;
	return c->snapshot || c->owed || journal_broken(h->journal) ||
	       journal_since(h->journal, c->committed) >=
	       checkpoint_interval(c);
}

/* Is it far behind?  Then the loop waits for it, a little: true. */
static bool checkpoint_pace(struct host *h)
{
	struct checkpoint *c = h->checkpoint;
	uint64_t since = journal_since(h->journal, c->segment);
	uint64_t often = since / CHECKPOINT_MORE;
	uint64_t each = often < 16 ? CHECKPOINT_CEDE_EACH >> often : 0;

	if (since < CHECKPOINT_LATE || since < c->ceded + each)
		return false;
	c->ceded = since;
	if (since >= CHECKPOINT_HURRY)
		worker_hurry(h->worker);
	worker_wait(h->worker,
		    CHECKPOINT_CEDE_US * (1 + since / CHECKPOINT_HURRY));
	return true;
}

static bool checkpoint_work(struct host *h)
{
	struct checkpoint *c = h->checkpoint;
	bool more = image_free_some(&c->rest, CHECKPOINT_FREE);
	int error;

	c->dropping = journal_drop_before(h->journal, c->committed);
	more |= c->dropping;
	if (c->snapshot && worker_take(h->worker, &error)) {
		checkpoint_result(h, error);
		return true;
	}
	if (worker_busy(h->worker))
		return checkpoint_pace(h) || more;
	/* Anew, or the commit alone. */
	if (checkpoint_due(h) && (c->snapshot || !checkpoint_begin(h, false)))
		worker_start(h->worker, checkpoint_write_job, &c->write);
	return more;
}

bool checkpoint_turn(struct host *h)
{
	struct checkpoint *c = h->checkpoint;
	uint64_t from, took;
	bool more;

	if (!c || !h->journal)
		return false;
	if (!c->snapshot && !c->rest && !c->dropping && !checkpoint_due(h))
		return false;
	from = host_clock();
	more = checkpoint_work(h);
	took = host_clock() - from;
	if (took > c->pause)
		c->pause = took;
	return more;
}

void checkpoint_settle(struct host *h)
{
	int error;

	if (!h->worker || !worker_busy(h->worker))
		return;
	worker_hurry(h->worker);
	worker_wait(h->worker, UINT64_MAX);
	if (h->checkpoint && h->checkpoint->snapshot &&
	    worker_take(h->worker, &error))
		checkpoint_result(h, error);
}

int checkpoint_now(struct host *h)
{
	struct checkpoint *c = h->checkpoint;
	int error;

	if (!c || !h->journal)
		return 0;
	checkpoint_settle(h);
	if (c->snapshot)
		checkpoint_leave(c);
	error = checkpoint_begin(h, true);
	if (error)
		return error;
	error = checkpoint_result(h, checkpoint_write_job(&c->write));
	while (!error && journal_drop_before(h->journal, c->committed))
		;
	return error;
}

void checkpoint_firm(struct host *h)
{
	int error;

	if (h->lacks == mem_lacks() || !h->journal)
		return;
	h->lacks = mem_lacks();
	h->count.unrepeatable++;
	error = checkpoint_now(h);
	if (error)
		journal_break(h->journal, error);
}

uint64_t checkpoint_segment(const struct host *h)
{
	return h->checkpoint ? h->checkpoint->committed : 0;
}

uint64_t checkpoint_count(const struct host *h)
{
	return h->checkpoint ? h->checkpoint->done : 0;
}

uint64_t checkpoint_age(const struct host *h)
{
	return h->checkpoint ? h->now - h->checkpoint->when : 0;
}

uint64_t checkpoint_journal(const struct host *h)
{
	return h->checkpoint && h->journal ?
		journal_since(h->journal, h->checkpoint->committed) : 0;
}

uint64_t checkpoint_pause(const struct host *h)
{
	return h->checkpoint ? h->checkpoint->pause : 0;
}
