/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The checkpoint's file: records in a TDB, each with a sum of its key and
 * value behind the value (a blank and eight hexadecimal digits, so that
 * `tdbdump` stays legible).  TDB guards against a death in the middle of a
 * transaction; the sums are for what others do to the file.
 */
#ifndef HOST_CHECKPOINT_FILE_H
#define HOST_CHECKPOINT_FILE_H

#include <stdbool.h>
#include <stddef.h>

struct tdb_context;

typedef int checkpoint_take(void *arg, const char *key, const void *value,
			    size_t len);

/*
 * Open the file in that directory.  NULL and *error: -ENOENT, -EPROTO (no
 * such file is this), or what the system said.  Nothing is written to it.
 */
struct tdb_context *checkpoint_file_open(const char *rundir, int *error);

/*
 * A new file under another name, for a store that wants that many buckets;
 * NULL and *error.  When it is whole it takes the place of the one that is
 * there: 0, and *tdb is the file that is there now (NULL: it cannot be opened
 * again), or -errno and the one before stands.  Until then it can be dropped.
 */
struct tdb_context *checkpoint_file_new(const char *rundir,
					unsigned int buckets, int *error);
int checkpoint_file_take(const char *rundir, struct tdb_context **tdb);
void checkpoint_file_drop(const char *rundir);

/* Store a record; `len` SIZE_MAX: delete it.  0, -ENOSPC or -EIO. */
int checkpoint_file_put(struct tdb_context *tdb, const char *key,
			const void *value, size_t len);

/*
 * Hand out all records, their sums taken off, and check the file's own
 * structure on the way, so that no record is missing: 0, -EPROTO, or what
 * `take` returned.  Of the record "host" another format is told (by `take`)
 * before its sum is looked at.
 */
int checkpoint_file_each(struct tdb_context *tdb, checkpoint_take *take,
			 void *arg);

#endif
