// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Checkpoints; see checkpoint.h.
 *
 * Records that are not nodes are few but change at any time; each is compared
 * by a hash with what was written last, and only what differs is stored.
 * Keys that were not written this time have gone and are deleted.
 */
#include "xenstored/host/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>
#include <tdb.h>

#include "xenstored/core/hash.h"
#include "xenstored/core/image.h"
#include "xenstored/host/aside.h"
#include "xenstored/host/checkpoint_file.h"
#include "xenstored/host/evtchn.h"
#include "xenstored/host/fault.h"
#include "xenstored/host/guest.h"
#include "xenstored/host/host.h"
#include "xenstored/host/journal.h"
#include "xenstored/host/log.h"
#include "xenstored/host/recovery.h"

/* Journal bytes after which a checkpoint is due. */
#define CHECKPOINT_BYTES (JOURNAL_SEGMENT / 2)
/* Nodes looked at in one slice. */
#define CHECKPOINT_SLICE 128u
/* After a failure, microseconds. */
#define CHECKPOINT_RETRY 5000000u
/* While another process holds the file's lock (tdbdump), microseconds. */
#define CHECKPOINT_LOCKED 100000u
/* Where in the file TDB's locks on records begin; before are those on it. */
#define CHECKPOINT_RECORDS 168

/* A record as it was written last. */
struct written {
	struct hash_link link;
	struct written *next;
	uint64_t content;
	uint64_t round;
	char key[];
};

struct checkpoint {
	struct tdb_context *tdb;
	struct node *base;		/* the tree that the file holds */
	bool wipe;			/* the file holds nothing of use */
	struct node *snapshot;		/* the one being written */
	struct image_walk *walk;	/* not NULL: under way */
	bool whole;			/* but for the commit */
	uint64_t segment;		/* first that counts after it */
	uint64_t committed;		/* the same of the last one */
	uint64_t round, done, when, retry;
	struct hash_table index;
	struct written *first;
	struct hash_key key;
};

static int checkpoint_end(struct checkpoint *c)
{
	image_walk_free(c->walk);
	image_release(c->base);
	image_release(c->snapshot);
	if (c->tdb)
		tdb_close(c->tdb);
	while (c->first) {
		struct written *w = c->first;

		c->first = w->next;
		talloc_free(w);
	}
	hash_table_fini(&c->index);
	return 0;
}

int checkpoint_open(struct host *h, bool create)
{
	struct checkpoint *c = talloc_zero(h, struct checkpoint);
	int error;

	if (!c)
		return -ENOMEM;
	hash_table_init(&c->index);
	memcpy(&c->key, h->config.hash_key, sizeof(c->key));
	/* Until somebody says what the file holds. */
	c->wipe = true;
	talloc_set_destructor(c, checkpoint_end);
	c->tdb = checkpoint_file_open(h->options->rundir, create, &error);
	if (!c->tdb && !create) {
		talloc_free(c);
		return error;
	}
	h->checkpoint = c;
	return 0;
}

void checkpoint_close(struct host *h)
{
	talloc_free(h->checkpoint);
	h->checkpoint = NULL;
}

/* ------------------------------------------------------------ records -- */

static int put_node(void *arg, const char *key, const void *value, size_t len)
{
	struct checkpoint *c = arg;

	return checkpoint_file_put(c->tdb, key, value, len);
}

static uint64_t key_hash(const struct checkpoint *c, const char *key)
{
	return hash_bytes(&c->key, 1, key, strlen(key));
}

static uint64_t content_hash(const struct checkpoint *c, const void *value,
			     size_t len)
{
	return hash_bytes(&c->key, 2, value, len);
}

static struct written *written_find(struct checkpoint *c, const char *key,
				    uint64_t hash)
{
	struct hash_link *l = hash_table_chain(&c->index, hash);

	for (; l; l = l->next) {
		struct written *w = hash_entry(l, struct written, link);

		if (l->hash == hash && !strcmp(w->key, key))
			return w;
	}
	return NULL;
}

struct loading {
	struct checkpoint *c;
	int (*take)(void *arg, const char *key, const void *value, size_t len);
	void *arg;
};

static struct written *written_new(struct checkpoint *c, const char *key,
				   uint64_t hash)
{
	struct written *w = talloc_size(NULL, sizeof(*w) + strlen(key) + 1);

	if (!w)
		return NULL;
	memcpy(w->key, key, strlen(key) + 1);
	w->next = c->first;
	c->first = w;
	hash_table_add(&c->index, &w->link, hash);
	return w;
}

static int load_record(void *arg, const char *key, const void *value,
		       size_t len)
{
	struct loading *l = arg;
	struct checkpoint *c = l->c;
	struct written *w;
	int error = l->take(l->arg, key, value, len);

	if (error || !strncmp(key, "node ", 5))
		return error;
	w = written_new(c, key, key_hash(c, key));
	if (!w)
		return -ENOMEM;
	w->content = content_hash(c, value, len);
	w->round = 0;
	return 0;
}

int checkpoint_load(struct host *h,
		    int (*take)(void *arg, const char *key, const void *value,
				size_t len), void *arg)
{
	struct loading l = { h->checkpoint, take, arg };

	return checkpoint_file_each(h->checkpoint->tdb, load_record, &l);
}

void checkpoint_seed(struct host *h)
{
	struct checkpoint *c = h->checkpoint;

	c->base = image_snapshot(h->machine);
	c->wipe = false;
}

static int put_rest(void *arg, const char *key, const void *value, size_t len)
{
	struct checkpoint *c = arg;
	uint64_t hash = key_hash(c, key);
	uint64_t content = content_hash(c, value, len);
	struct written *w = written_find(c, key, hash);
	int error;

	if (w && w->content == content) {
		w->round = c->round;
		return 0;
	}
	if (!w)
		w = written_new(c, key, hash);
	if (!w)
		return -ENOMEM;
	error = checkpoint_file_put(c->tdb, key, value, len);
	w->content = content;
	w->round = c->round;
	return error;
}

static int delete_gone(struct checkpoint *c)
{
	struct written **at = &c->first;

	while (*at) {
		struct written *w = *at;
		int error;

		if (w->round == c->round) {
			at = &w->next;
			continue;
		}
		error = checkpoint_file_put(c->tdb, w->key, NULL, SIZE_MAX);
		if (error)
			return error;
		*at = w->next;
		hash_table_remove(&c->index, &w->link);
		talloc_free(w);
	}
	return 0;
}

static int put_ring(struct checkpoint *c, uint32_t domid, uint32_t port,
		    uint32_t remote, uint32_t req_cons, uint32_t rsp_prod)
{
	char key[32], value[160];
	int n;

	snprintf(key, sizeof(key), "ring %u", domid);
	n = snprintf(value, sizeof(value),
		     "port=%u remote=%u req_cons=%u rsp_prod=%u ", port,
		     remote, req_cons, rsp_prod);
	return put_rest(c, key, value, (size_t)n);
}

/* With what the image does not hold of the machine's configuration. */
static int put_host(struct host *h, struct checkpoint *c)
{
	char value[240];
	int n;

	n = snprintf(value, sizeof(value),
		     "format=%u machine=%u segment=%llu virq=%u priv=%u "
		     "features=%u output_max=%llu restarts=%llu ",
		     CHECKPOINT_FORMAT, MACHINE_VERSION,
		     (unsigned long long)c->segment,
		     h->evtchn ? evtchn_virq(h->evtchn) :
		     h->recovery ? h->recovery->virq : UINT32_MAX,
		     h->config.priv_domid, h->config.features,
		     (unsigned long long)h->config.socket_output_max,
		     (unsigned long long)h->count.restarts);
	return put_rest(c, "host", value, (size_t)n);
}

/* As the records say, where nobody has mapped them (settle.h). */
static int put_recovered(struct host *h, struct checkpoint *c)
{
	const struct table *rings = &h->recovery->rings;
	int error = 0;

	for (uint32_t i = 0; i < rings->size && !error; i++) {
		const struct recovered_ring *r = table_get(rings, i);

		if (r && r->known)
			error = put_ring(c, i, r->port, r->remote,
					 r->req_cons, r->rsp_prod);
	}
	return error;
}

static int put_rings(struct host *h, struct checkpoint *c)
{
	int error = 0;

	if (h->options->settle)
		return put_recovered(h, c);
	for (struct list *l = h->guests.next; l != &h->guests && !error;
	     l = l->next) {
		const struct guest *g = list_of(l, struct guest, all);

		error = put_ring(c, g->domid, g->port, g->remote,
				 g->ring.req_cons, g->ring.rsp_prod);
	}
	return error;
}

/* ------------------------------------------------------------- phases -- */

/* What the file holds is known no more: all of it is written next time. */
static void checkpoint_forget(struct checkpoint *c)
{
	while (c->first) {
		struct written *w = c->first;

		c->first = w->next;
		hash_table_remove(&c->index, &w->link);
		talloc_free(w);
	}
	image_release(c->base);
	c->base = NULL;
	c->wipe = true;
}

/* Nothing of it counts; the one before still does. */
static void checkpoint_fail(struct host *h, int error)
{
	struct checkpoint *c = h->checkpoint;

	if (c->tdb)
		tdb_transaction_cancel(c->tdb);
	image_walk_free(c->walk);
	image_release(c->snapshot);
	c->walk = NULL;
	c->snapshot = NULL;
	checkpoint_forget(c);
	c->retry = h->now + CHECKPOINT_RETRY;
	log_say(LOG_CHECKPOINT, "cannot be written: %s", strerror(-error));
	/* What is kept for people gives way to what is kept for guests. */
	if (error == -ENOSPC && aside_yield(h->options->rundir))
		c->retry = h->now;
}

static int checkpoint_write_rest(struct host *h, struct checkpoint *c)
{
	int error = image_write_rest(h->machine, put_rest, c);

	if (!error)
		error = put_rings(h, c);
	if (!error) {
		c->segment = journal_rotate(h->journal, &error);
		if (!c->segment)
			return error;
		error = put_host(h, c);
	}
	return error ? error : delete_gone(c);
}

/* The file may have been impossible to make, for want of room. */
static int checkpoint_start(struct host *h, struct checkpoint *c)
{
	int error;

	if (!c->tdb)
		c->tdb = checkpoint_file_open(h->options->rundir, true,
					      &error);
	if (!c->tdb)
		return error;
	/* Somebody reads the file, for as long as he likes: not now, then. */
	return tdb_transaction_start_nonblock(c->tdb) ? -EAGAIN : 0;
}

static int checkpoint_begin(struct host *h)
{
	struct checkpoint *c = h->checkpoint;
	struct machine_ask ask;
	int error;

	/* The host owes answers: after the next pass, then. */
	if (machine_ask_peek(h->machine, &ask))
		return -EBUSY;
	error = checkpoint_start(h, c);
	if (error) {
		if (error == -EAGAIN)
			c->retry = h->now + CHECKPOINT_LOCKED;
		else
			checkpoint_fail(h, error);
		return error;
	}
	c->round++;
	error = c->wipe && tdb_wipe_all(c->tdb) ? -EIO : 0;
	if (!error)
		error = checkpoint_write_rest(h, c);
	if (!error) {
		c->snapshot = image_snapshot(h->machine);
		c->walk = image_walk_new(h->machine, c->base);
		error = c->walk ? 0 : -ENOMEM;
	}
	/* Busy: nothing was written yet, and nothing is wrong. */
	if (error == -EBUSY)
		tdb_transaction_cancel(c->tdb);
	else if (error)
		checkpoint_fail(h, error);
	return error;
}

/*
 * Does another process hold a lock on records?  A commit would wait for it,
 * and who looks at 'tdbdump | less' holds one for as long as he likes.
 */
static bool checkpoint_read(const struct checkpoint *c)
{
	struct flock lock = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = CHECKPOINT_RECORDS,
	};

	return !fcntl(tdb_fd(c->tdb), F_GETLK, &lock) &&
	       lock.l_type != F_UNLCK;
}

static int checkpoint_commit(struct host *h)
{
	struct checkpoint *c = h->checkpoint;

	if (checkpoint_read(c)) {
		c->retry = h->now + CHECKPOINT_LOCKED;
		return -EAGAIN;
	}
	c->whole = false;
	fault_point("checkpoint-commit");
	if (tdb_transaction_commit(c->tdb)) {
		checkpoint_fail(h, -ENOSPC);
		return -ENOSPC;
	}
	image_walk_free(c->walk);
	image_release(c->base);
	c->walk = NULL;
	c->base = c->snapshot;
	c->snapshot = NULL;
	c->wipe = false;
	c->committed = c->segment;
	c->when = h->now;
	c->done++;
	journal_drop_before(h->journal, c->segment);
	return 0;
}

/* 1: more slices are wanted. */
static int checkpoint_slice(struct host *h, unsigned int budget)
{
	struct checkpoint *c = h->checkpoint;
	int more = c->whole ? 0 : image_walk_step(c->walk, budget, put_node,
						  c);

	fault_point("checkpoint-slice");
	if (more > 0)
		return 1;
	if (more < 0) {
		checkpoint_fail(h, more);
		return more;
	}
	c->whole = true;
	return checkpoint_commit(h);
}

static bool checkpoint_due(const struct host *h)
{
	const struct checkpoint *c = h->checkpoint;

	if (h->now < c->retry)
		return false;
	return journal_broken(h->journal) ||
	       journal_since(h->journal, c->committed) >= CHECKPOINT_BYTES;
}

bool checkpoint_turn(struct host *h)
{
	struct checkpoint *c = h->checkpoint;

	if (!c || !h->journal)
		return false;
	if (c->whole && h->now < c->retry)
		return false;
	if (c->walk)
		return checkpoint_slice(h, CHECKPOINT_SLICE) > 0;
	return checkpoint_due(h) && !checkpoint_begin(h);
}

int checkpoint_now(struct host *h)
{
	struct checkpoint *c = h->checkpoint;
	int error = 1;

	if (!c || !h->journal)
		return 0;
	if (!c->walk) {
		error = checkpoint_begin(h);
		if (error)
			return error;
	}
	do
		error = checkpoint_slice(h, UINT32_MAX);
	while (error > 0);
	return error;
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
