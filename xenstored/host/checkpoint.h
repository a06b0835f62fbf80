/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checkpoints: the machine's image in a TDB file, so that the journal before
 * it can be dropped (docs/recovery.md).
 *
 * A checkpoint begins between two passes, when the machine waits for nothing:
 * everything but the nodes is written, the journal goes on in a new segment,
 * and a snapshot of the tree is taken.  The nodes that changed since the last
 * checkpoint follow in slices, one a pass.  All of it is one TDB transaction,
 * committed at the end: a death on the way leaves the checkpoint before.
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
 * -ENOENT if there is none, -EPROTO if what is there is no such file.  With
 * `create` one is made, and if that is impossible now it is tried again with
 * each checkpoint: only -ENOMEM is returned.
 */
int checkpoint_open(struct host *h, bool create);
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
 * Between passes: begin one if it is time, or do the next slice.  True: one
 * is under way and wants further slices soon.
 */
bool checkpoint_turn(struct host *h);
/* Do one wholly, now: at start and at an orderly end.  0 or -errno. */
int checkpoint_now(struct host *h);

/* The first segment that counts after the last checkpoint. */
uint64_t checkpoint_segment(const struct host *h);
/* Counters for `probe host`. */
uint64_t checkpoint_count(const struct host *h);
uint64_t checkpoint_age(const struct host *h);
uint64_t checkpoint_journal(const struct host *h);

#endif
