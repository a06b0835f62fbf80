// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Writing a checkpoint down; see checkpoint_write.h.
 *
 * Records that are not nodes are few but change at any time; each is compared
 * by a hash with what was written last, and only what differs is stored.
 * Keys that were not written this time have gone and are deleted.  Of the
 * nodes the walk tells what differs.
 */
#include "xenstored/host/checkpoint_write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <tdb.h>

#include "xenstored/core/image.h"
#include "xenstored/host/checkpoint_file.h"
#include "xenstored/host/fault.h"

/* Nodes looked at in one step. */
#ifdef ENABLE_FAULTS
#define WRITE_STEP 128u
#else
#define WRITE_STEP 4096u
#endif
/* Room for the cut that is kept for the next one. */
#define WRITE_KEPT (1024 * 1024)
/* Where in the file TDB's locks begin: a transaction's, then the records'. */
#define WRITE_LOCKS 8
/* Buckets: nodes of a long chain, and of a new file's. */
#define BUCKETS_MIN 4096u
#define BUCKETS_MAX (1u << 18)
#define BUCKETS_LONG 16u
#define BUCKETS_SHORT 4u

/* A record as it was written last. */
struct written {
	struct hash_link link;
	struct written *next;
	uint64_t content;
	uint64_t round;
	char key[];
};

void checkpoint_write_init(struct checkpoint_write *w, const char *rundir,
			   const uint64_t hash_key[2])
{
	memset(w, 0, sizeof(*w));
	w->rundir = rundir;
	w->key.k0 = hash_key[0];
	w->key.k1 = hash_key[1];
	hash_table_init(&w->index);
}

void checkpoint_write_forget(struct checkpoint_write *w)
{
	while (w->first) {
		struct written *r = w->first;

		w->first = r->next;
		hash_table_remove(&w->index, &r->link);
		free(r);
	}
}

void checkpoint_write_fini(struct checkpoint_write *w)
{
	checkpoint_write_cancel(w);
	checkpoint_write_forget(w);
	hash_table_fini(&w->index);
	checkpoint_cut_free(&w->cut);
	if (w->tdb)
		tdb_close(w->tdb);
	w->tdb = NULL;
}

/* ---------------------------------------------- what the file holds -- */

static uint64_t key_hash(const struct checkpoint_write *w, const char *key)
{
	return hash_bytes(&w->key, 1, key, strlen(key));
}

static uint64_t content_hash(const struct checkpoint_write *w,
			     const void *value, size_t len)
{
	return hash_bytes(&w->key, 2, value, len);
}

static struct written *written_find(const struct checkpoint_write *w,
				    const char *key, uint64_t hash)
{
	struct hash_link *l = hash_table_chain(&w->index, hash);

	for (; l; l = l->next) {
		struct written *r = hash_entry(l, struct written, link);

		if (l->hash == hash && !strcmp(r->key, key))
			return r;
	}
	return NULL;
}

static struct written *written_new(struct checkpoint_write *w,
				   const char *key, uint64_t hash)
{
	struct written *r = malloc(sizeof(*r) + strlen(key) + 1);

	if (!r)
		return NULL;
	memcpy(r->key, key, strlen(key) + 1);
	r->next = w->first;
	w->first = r;
	hash_table_add(&w->index, &r->link, hash);
	return r;
}

int checkpoint_write_holds(struct checkpoint_write *w, const char *key,
			   const void *value, size_t len)
{
	struct written *r = written_new(w, key, key_hash(w, key));

	if (!r)
		return -ENOMEM;
	r->content = content_hash(w, value, len);
	r->round = 0;
	return 0;
}

/* ------------------------------------------------------------ records -- */

static int put_record(void *arg, const char *key, const void *value,
		      size_t len)
{
	struct checkpoint_write *w = arg;

	w->bytes += strlen(key) + (len == SIZE_MAX ? 0 : len);
	return checkpoint_file_put(w->tdb, key, value, len);
}

static int put_rest(struct checkpoint_write *w,
		    const struct checkpoint_record *record)
{
	uint64_t hash = key_hash(w, record->key);
	uint64_t content = content_hash(w, record->value, record->len);
	struct written *r = written_find(w, record->key, hash);

	if (r && r->content == content) {
		r->round = w->round;
		return 0;
	}
	if (!r)
		r = written_new(w, record->key, hash);
	if (!r)
		return -ENOMEM;
	r->content = content;
	r->round = w->round;
	return put_record(w, record->key, record->value, record->len);
}

static int put_cut(struct checkpoint_write *w)
{
	struct checkpoint_record record;
	size_t at = 0;
	int error = 0;

	while (!error && checkpoint_cut_next(&w->cut, &at, &record))
		error = put_rest(w, &record);
	return error;
}

static int delete_gone(struct checkpoint_write *w)
{
	struct written **at = &w->first;

	while (*at) {
		struct written *r = *at;
		int error;

		if (r->round == w->round) {
			at = &r->next;
			continue;
		}
		error = put_record(w, r->key, NULL, SIZE_MAX);
		if (error)
			return error;
		*at = r->next;
		hash_table_remove(&w->index, &r->link);
		free(r);
	}
	return 0;
}

static int put_nodes(struct checkpoint_write *w)
{
	int more;

	do {
		more = image_walk_step(w->walk, WRITE_STEP, put_record, w);
		fault_point("checkpoint-slice");
	} while (more > 0);
	return more;
}

static int put_all(struct checkpoint_write *w)
{
	int error;

	w->round++;
	w->bytes = 0;
	error = put_cut(w);
	if (!error)
		error = delete_gone(w);
	return error ? error : put_nodes(w);
}

/* -------------------------------------------------------- transaction -- */

bool checkpoint_write_read(const struct checkpoint_write *w)
{
	struct flock lock = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = WRITE_LOCKS,
	};

	return w->tdb && !fcntl(tdb_fd(w->tdb), F_GETLK, &lock) &&
	       lock.l_type != F_UNLCK;
}

static int write_commit(struct checkpoint_write *w)
{
	if (checkpoint_write_read(w))
		return -EAGAIN;
	w->ready = false;
	fault_point("checkpoint-commit");
	return tdb_transaction_commit(w->tdb) ? -ENOSPC : 0;
}

static int write_change(struct checkpoint_write *w)
{
	int error = 0;

	if (!w->ready) {
		if (tdb_transaction_start_nonblock(w->tdb))
			return -EAGAIN;
		error = put_all(w);
	}
	if (!error) {
		w->ready = true;
		error = write_commit(w);
	}
	return error;
}

void checkpoint_write_cancel(struct checkpoint_write *w)
{
	/* Does no harm where there is none. */
	if (w->tdb)
		tdb_transaction_cancel(w->tdb);
	image_walk_free(w->walk);
	w->walk = NULL;
	w->ready = false;
}

/* --------------------------------------------------- a file of its own -- */

static unsigned int buckets_for(uint64_t nodes)
{
	unsigned int buckets = BUCKETS_MIN;

	while (buckets < BUCKETS_MAX && nodes / BUCKETS_SHORT > buckets)
		buckets *= 2;
	return buckets;
}

bool checkpoint_write_small(const struct checkpoint_write *w, uint64_t nodes)
{
	unsigned int buckets = w->tdb ? (unsigned int)tdb_hash_size(w->tdb) :
			       BUCKETS_MAX;

	return buckets < BUCKETS_MAX && nodes / BUCKETS_LONG > buckets;
}

static int write_whole(struct checkpoint_write *w)
{
	struct tdb_context *old = w->tdb;
	int error;

	w->tdb = checkpoint_file_new(w->rundir, buckets_for(w->nodes),
				     &error);
	if (w->tdb) {
		checkpoint_write_forget(w);
		error = put_all(w);
		fault_point("checkpoint-commit");
		if (!error)
			error = checkpoint_file_take(w->rundir, &w->tdb);
	}
	if (error) {
		if (w->tdb)
			tdb_close(w->tdb);
		checkpoint_file_drop(w->rundir);
		w->tdb = old;
	} else if (old) {
		tdb_close(old);
	}
	return error;
}

int checkpoint_write_job(void *arg)
{
	struct checkpoint_write *w = arg;
	int error = w->whole ? write_whole(w) : write_change(w);

	/* A commit that is tried again has no use for it either. */
	if (w->cut.room > WRITE_KEPT)
		checkpoint_cut_free(&w->cut);
	return error;
}
