// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tdb_open() makes a new database of whatever it does not know, if it may
 * create one; so it may only where there is nothing yet.
 */
#include "xenstored/host/checkpoint_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <tdb.h>

#include "xenstored/core/hash.h"
#include "xenstored/host/checkpoint.h"

#define FILE_BUCKETS 16384
/* A blank and the digits. */
#define SUM_LEN 9u

static TDB_DATA data_of(const void *bytes, size_t len)
{
	return (TDB_DATA){ .dptr = (unsigned char *)(uintptr_t)bytes,
			   .dsize = len };
}

struct tdb_context *checkpoint_file_open(const char *rundir, bool create,
					 int *error)
{
	char name[4096];
	struct tdb_context *tdb;
	struct stat st;
	bool there;

	*error = -ENAMETOOLONG;
	if ((size_t)snprintf(name, sizeof(name), "%s/store.tdb", rundir) >=
	    sizeof(name))
		return NULL;
	there = !stat(name, &st);
	*error = there ? -EPROTO : -errno;
	if (!there && (*error != -ENOENT || !create))
		return NULL;
	/* A death between open() and the header leaves nothing: no damage. */
	if (there && !st.st_size) {
		*error = -ENOENT;
		if (!create)
			return NULL;
		there = false;
	}
	errno = 0;
	tdb = tdb_open(name, FILE_BUCKETS, TDB_NOSYNC | TDB_INCOMPATIBLE_HASH,
		       O_RDWR | O_CLOEXEC | (there ? 0 : O_CREAT), 0600);
	if (!tdb)
		*error = errno == EIO || errno == EINVAL || !errno ?
			-EPROTO : -errno;
	return tdb;
}

/* ---------------------------------------------------------------- sums -- */

static void sum_text(char out[SUM_LEN + 1], const void *key, size_t key_len,
		     const void *value, size_t len)
{
	/* Not a secret: against accidents, not against root. */
	static const struct hash_key fixed = { 0x70726f78, 0x656e6f73 };
	uint64_t h = hash_bytes(&fixed, 0, key, key_len);

	h = hash_bytes(&fixed, h, value, len);
	snprintf(out, SUM_LEN + 1, " %08x", (unsigned int)(h ^ h >> 32));
}

int checkpoint_file_put(struct tdb_context *tdb, const char *key,
			const void *value, size_t len)
{
	TDB_DATA k = data_of(key, strlen(key)), parts[2];
	char sum[SUM_LEN + 1];

	if (len == SIZE_MAX) {
		if (!tdb_delete(tdb, k) || tdb_error(tdb) == TDB_ERR_NOEXIST)
			return 0;
		return -EIO;
	}
	sum_text(sum, key, strlen(key), value, len);
	parts[0] = data_of(value, len);
	parts[1] = data_of(sum, SUM_LEN);
	return tdb_storev(tdb, k, parts, 2, TDB_REPLACE) ? -ENOSPC : 0;
}

/* ------------------------------------------------------------- reading -- */

struct reading {
	checkpoint_take *take;
	void *arg;
	int error;
};

static int each_record(TDB_DATA key, TDB_DATA value, void *arg)
{
	char text[CHECKPOINT_KEY_MAX], sum[SUM_LEN + 1];
	struct reading *r = arg;
	size_t len = value.dsize - SUM_LEN;
	bool good;

	r->error = -EPROTO;
	if (key.dsize >= sizeof(text) || value.dsize < SUM_LEN)
		return -1;
	memcpy(text, key.dptr, key.dsize);
	text[key.dsize] = '\0';
	sum_text(sum, text, key.dsize, value.dptr, len);
	good = !memcmp(sum, value.dptr + len, SUM_LEN);
	if (good || !strcmp(text, "host"))
		r->error = r->take(r->arg, text, value.dptr, len);
	if (!good && !r->error)
		r->error = -EPROTO;
	return r->error ? -1 : 0;
}

int checkpoint_file_each(struct tdb_context *tdb, checkpoint_take *take,
			 void *arg)
{
	struct reading r = { take, arg, 0 };

	if (tdb_check(tdb, each_record, &r) && !r.error)
		r.error = -EPROTO;
	return r.error;
}
