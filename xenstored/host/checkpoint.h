/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checkpoints: the machine's image in a TDB file, so that the journal before
 * it can be dropped (docs/recovery.md).
 *
 * A checkpoint begins between two passes, when the machine waits for nothing:
 * the cut is taken (everything but the nodes, into memory), the journal goes
 * on in a new segment, and a snapshot holds the tree.  The worker (worker.h)
 * writes the cut and the nodes that changed since the last checkpoint, while
 * the loop serves.  When its result has been taken the journal before the cut
 * is dropped; a death on the way leaves the checkpoint before.
 *
 * One is due when the journal since the last has become eight times as long
 * as what that one had to write, and not below CHECKPOINT_DUE_MIN nor above
 * CHECKPOINT_DUE_MAX: so it costs a small part of what it stands for.  When
 * the worker does not get along (the processor is busy with us), the loop
 * gives it a moment for each piece of journal, and in the end hurries it, so
 * that the journal stays bounded.
 *
 * `tdbdump store.tdb` shows it to people.
 */
#ifndef HOST_CHECKPOINT_H
#define HOST_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/wire.h"

struct host;
struct checkpoint;

/* What stands in the record "host". */
#define CHECKPOINT_FORMAT 1u

/* Longest key: "base <conn> <id> " and a path. */
#define CHECKPOINT_KEY_MAX (WIRE_ABS_PATH_MAX + 64)

/*
 * Open the file in the run directory; sets h->checkpoint.  0 or -errno:
 * -ENOENT if there is none, -EPROTO if what is there is no such file.
 */
int checkpoint_open(struct host *h);
/* The first checkpoint makes the file anew: 0 or -ENOMEM. */
int checkpoint_begin_anew(struct host *h);
void checkpoint_close(struct host *h);

/*
 * Hand out all records of the file: 0, -EPROTO, or what `take` returned.
 * The bytes are valid during the call.
 */
int checkpoint_load(struct host *h,
		    int (*take)(void *arg, const char *key, const void *value,
				size_t len), void *arg);
/*
 * The machine has just been made from these records, and nothing of it has
 * changed yet: the next checkpoint writes what differs.
 */
void checkpoint_seed(struct host *h);

/*
 * Between passes: begin one if it is time, take the result of one that is
 * over.  True: there is something to do that no descriptor will announce.
 */
bool checkpoint_turn(struct host *h);
/*
 * Do one of this moment wholly, now: at start and at an orderly end.  0 or
 * -errno.  One that is being written is waited for first.
 */
int checkpoint_now(struct host *h);
/*
 * Before anything that the machine has said is delivered: if memory was
 * lacking in a step, replay would come out otherwise, and a checkpoint of
 * this moment takes its place (docs/recovery.md).  What cannot be written is
 * told: the journal is broken until the next one.
 */
void checkpoint_firm(struct host *h);
/* Wait for the end of the one that is being written; before an exec(). */
void checkpoint_settle(struct host *h);

/* The first segment that counts after the last checkpoint. */
uint64_t checkpoint_segment(const struct host *h);
/* Counters for `probe host`. */
uint64_t checkpoint_count(const struct host *h);
uint64_t checkpoint_age(const struct host *h);
uint64_t checkpoint_journal(const struct host *h);
/* The longest that one has held up the loop, microseconds. */
uint64_t checkpoint_pause(const struct host *h);

#endif
