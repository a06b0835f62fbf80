/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cut: what a checkpoint says beside the nodes, taken at one moment into
 * memory of its own, so that the machine can go on while it is written.
 */
#ifndef HOST_CHECKPOINT_CUT_H
#define HOST_CHECKPOINT_CUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct host;

/* Records, one behind the other; checkpoint_cut_next() takes them apart. */
struct checkpoint_cut {
	char *bytes;
	size_t len, room;
};

struct checkpoint_record {
	const char *key;	/* ends in NUL */
	const void *value;
	size_t len;
};

/*
 * Take it: the image without its nodes, and the rings.  0, -EBUSY if the
 * machine waits for the host, -ENOMEM.
 */
int checkpoint_cut_take(struct host *h, struct checkpoint_cut *cut);
/* And the record "host", which names the segment that counts from here. */
int checkpoint_cut_host(struct host *h, struct checkpoint_cut *cut,
			uint64_t segment);
/* The record at *at, which moves on; false at the end.  Starts with 0. */
bool checkpoint_cut_next(const struct checkpoint_cut *cut, size_t *at,
			 struct checkpoint_record *out);
void checkpoint_cut_free(struct checkpoint_cut *cut);

#endif
