// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tdb_open() makes a new database of whatever it does not know, if it may
 * create one; so it may only under a name where there is nothing.
 */
#include "xenstored/host/checkpoint_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <tdb.h>
#include <unistd.h>

#include "xenstored/core/hash.h"
#include "xenstored/host/checkpoint.h"

/* A blank and the digits. */
#define SUM_LEN 9u

static TDB_DATA data_of(const void *bytes, size_t len)
{
	return (TDB_DATA){ .dptr = (unsigned char *)(uintptr_t)bytes,
			   .dsize = len };
}

#define FILE_NAME "store.tdb"
#define FILE_NEW "store.tdb.new"
#define FILE_FLAGS (TDB_NOSYNC | TDB_INCOMPATIBLE_HASH)

static bool file_path(char out[4096], const char *rundir, const char *name)
{
	return (size_t)snprintf(out, 4096, "%s/%s", rundir, name) < 4096;
}

static int file_error(void)
{
	return errno == EIO || errno == EINVAL || !errno ? -EPROTO : -errno;
}

struct tdb_context *checkpoint_file_open(const char *rundir, int *error)
{
	char name[4096];
	struct tdb_context *tdb;
	struct stat st;

	*error = -ENAMETOOLONG;
	if (!file_path(name, rundir, FILE_NAME))
		return NULL;
	if (stat(name, &st)) {
		*error = -errno;
		return NULL;
	}
	/* A death between open() and the header leaves nothing: no damage. */
	*error = -ENOENT;
	if (!st.st_size)
		return NULL;
	errno = 0;
	tdb = tdb_open(name, 0, FILE_FLAGS, O_RDWR | O_CLOEXEC, 0600);
	*error = tdb ? 0 : file_error();
	return tdb;
}

struct tdb_context *checkpoint_file_new(const char *rundir,
					unsigned int buckets, int *error)
{
	char name[4096];
	struct tdb_context *tdb;

	*error = -ENAMETOOLONG;
	if (!file_path(name, rundir, FILE_NEW))
		return NULL;
	unlink(name);
	errno = 0;
	/* Nobody knows its name yet: no locks. */
	tdb = tdb_open(name, (int)buckets, FILE_FLAGS | TDB_NOLOCK,
		       O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	*error = tdb ? 0 : file_error();
	return tdb;
}

int checkpoint_file_take(const char *rundir, struct tdb_context **tdb)
{
	char from[4096], to[4096];
	int error;

	tdb_close(*tdb);
	*tdb = NULL;
	if (!file_path(from, rundir, FILE_NEW) ||
	    !file_path(to, rundir, FILE_NAME))
		return -ENAMETOOLONG;
	if (rename(from, to))
		return -errno;
	/* It stands; without a handle the next one is a new file again. */
	*tdb = checkpoint_file_open(rundir, &error);
	return 0;
}

void checkpoint_file_drop(const char *rundir)
{
	char name[4096];

	if (file_path(name, rundir, FILE_NEW))
		unlink(name);
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
