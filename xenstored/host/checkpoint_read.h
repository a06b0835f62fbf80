/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A checkpoint's records on their way back: those of the image are gathered,
 * as image_read() wants them all at once, and the host's own are taken apart.
 * For who goes on from them (recovery.c) and who only looks (replay_load.c).
 */
#ifndef HOST_CHECKPOINT_READ_H
#define HOST_CHECKPOINT_READ_H

#include <stddef.h>
#include <stdint.h>

#include "xenstored/core/image.h"
#include "xenstored/host/limits.h"

struct checkpoint_records {
	struct image_record *record;
	size_t count, room;
};

/* A copy of one; -ENOMEM. */
int checkpoint_gather(struct checkpoint_records *r, const char *key,
		      const void *value, size_t len);
void checkpoint_gathered(struct checkpoint_records *r);	/* done with them */

/* The record "host". */
struct checkpoint_host {
	uint64_t segment;	/* the first that counts */
	uint64_t virq, priv, features, output_max;
	uint64_t restarts;
	uint64_t ids;		/* generation of clients' ids */
	uint64_t boot;		/* host_boot() then; 0: not known */
	uint64_t given[QUOTA_COUNT];	/* limits.h */
};

/* 0, -EPROTO or, of another format, -ENOTSUP. */
int checkpoint_host_read(const void *value, size_t len,
			 struct checkpoint_host *out);

/* A record "ring <domid>"; `digits` is what stands behind the blank. */
struct checkpoint_ring {
	uint64_t domid, port, remote, req_cons, rsp_prod;
};

/* 0 or -EPROTO. */
int checkpoint_ring_read(const char *digits, const void *value, size_t len,
			 struct checkpoint_ring *out);

#endif
