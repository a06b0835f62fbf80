/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing a checkpoint down: the part that takes long, which the worker does
 * (worker.h).  It has to itself, from the start of the job to its result, the
 * file, the cut, the walk over the two trees, and the memory of what the file
 * holds; it looks at nothing else.
 *
 * A checkpoint that follows another is a TDB transaction on its file.  The
 * first one, one after a failure, and one for which the file has become too
 * small is a file of its own, which takes the name of the other when it is
 * whole.  Either way there is at every instant one whole checkpoint.
 */
#ifndef HOST_CHECKPOINT_WRITE_H
#define HOST_CHECKPOINT_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xenstored/core/hash.h"
#include "xenstored/host/checkpoint_cut.h"

struct image_walk;
struct tdb_context;
struct written;

struct checkpoint_write {
	const char *rundir;
	struct tdb_context *tdb;	/* NULL: there is none yet */
	struct hash_key key;
	/* The records that are not nodes, as they were written last. */
	struct hash_table index;
	struct written *first;
	uint64_t round;

	/* The job. */
	struct checkpoint_cut cut;
	struct image_walk *walk;
	uint64_t nodes;			/* of the tree */
	bool whole;			/* into a file of its own */
	bool ready;			/* but for the commit */
	uint64_t bytes;			/* keys and values that it stored */
};

void checkpoint_write_init(struct checkpoint_write *w, const char *rundir,
			   const uint64_t hash_key[2]);
void checkpoint_write_fini(struct checkpoint_write *w);

/* A record that the file holds; -ENOMEM. */
int checkpoint_write_holds(struct checkpoint_write *w, const char *key,
			   const void *value, size_t len);
/* What it holds is known no more. */
void checkpoint_write_forget(struct checkpoint_write *w);
/* Has the store outgrown the file's hash table? */
bool checkpoint_write_small(const struct checkpoint_write *w, uint64_t nodes);
/*
 * Does another process hold a lock on the file?  A transaction would wait
 * for it, and a tool that locks it has it as long as it likes.  Tools that
 * open the file to read only (Debian's tdbdump) lock nothing: they hold up
 * nothing, and what they show of a commit's instant may be torn.
 */
bool checkpoint_write_read(const struct checkpoint_write *w);

/*
 * The job, `arg` a struct checkpoint_write: 0, or -errno.  -EAGAIN: somebody
 * reads the file; if `ready` is set all but the commit is done, which another
 * call does, and otherwise nothing was written.
 */
int checkpoint_write_job(void *arg);
/* Give up what was begun; the checkpoint before stands. */
void checkpoint_write_cancel(struct checkpoint_write *w);

#endif
