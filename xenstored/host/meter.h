/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Meters: what the host counts that needs a clock or the wire.  The machine
 * has none of either (xenstored/core/look.h has its counts).
 *
 * Latency is the time from the pass that took a request from its ring or
 * socket to the end of the one that wrote its reply.  The clock is read twice
 * in a pass, at its ends (and once more beside a checkpoint), whatever number of requests is in it; what a
 * connection adds to a turn is a few stores and one look at how many requests
 * the machine has answered it.
 *
 * Everything here is forgotten with the process.
 */
#ifndef HOST_METER_H
#define HOST_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/wire.h"
#include "xenstored/host/host.h"

/* Bucket i begins at METER_FLOOR(i) microseconds: four to an octave. */
#define METER_BUCKETS 96u

struct meter_histogram {
	uint64_t bucket[METER_BUCKETS];
	uint64_t sum, max;
};

/* `n` values of `us`. */
void meter_histogram_add(struct meter_histogram *m, uint64_t us, uint64_t n);
uint64_t meter_histogram_floor(unsigned int bucket);

/* Of one connection; in struct guest and struct client. */
struct meter {
	struct meter_histogram *latency;	/* NULL: not one reply yet */
	uint64_t arrived;	/* its oldest input not answered; 0: none */
	uint64_t latest;	/* its latest input */
	uint64_t answered;	/* replies counted so far */
	uint64_t in_bytes, out_bytes;
	uint64_t errors;
};

struct meter_op {
	uint64_t requests, errors;
};

/* Replies whose time is known when the pass ends. */
#define METER_PENDING 64u

struct meters {
	struct meter_histogram loop;		/* passes */
	struct meter_histogram sockets_latency;
	struct meter_histogram gone;		/* rings that are no more */
	struct meter sockets;			/* all sockets together */
	struct meter_op op[WIRE_OP_COUNT + 1];	/* the last: unknown ones */
	unsigned int op_now;			/* the one executed last */
	struct {
		struct meter_histogram *to;
		uint64_t arrived, replies;
	} pending[METER_PENDING];
	unsigned int pendings;
	uint64_t ended;				/* the pass */
	bool slices;				/* a checkpoint went on */
};

/* A step of the start.  0 or -ENOMEM. */
int meter_open(struct host *h);

/* A connection's meter begins: what was answered before is not its affair. */
void meter_begin(struct host *h, struct meter *m, uint32_t conn);
/* What holds it goes: nothing that is put aside may point to it. */
void meter_end(struct host *h, const struct meter *m);
/* `len` bytes of it are about to be fed; and were written. */
void meter_input(struct host *h, struct meter *m, size_t len);
void meter_output(struct host *h, struct meter *m, size_t len);
/*
 * Its output is being written: replies in it were given now.  The histogram,
 * if it is new, becomes a talloc child of `owner`; NULL: a socket's.
 */
void meter_replies(struct host *h, struct meter *m, uint32_t conn,
		   void *owner);

/* The last reply was an error, to that connection. */
void meter_error(struct host *h, uint32_t conn);

/* A request was executed. */
static inline void meter_request(struct host *h, uint32_t type)
{
	struct meters *all = h->meters;

	all->op_now = type < WIRE_OP_COUNT ? type : WIRE_OP_COUNT;
	all->op[all->op_now].requests++;
}

/* The latencies of all connections together. */
void meter_latency(const struct host *h, struct meter_histogram *out);

/* What a pass owed its connections is written; the clock is read. */
void meter_pass(struct host *h);
/* It is over, with or without a slice of a checkpoint. */
void meter_loop(struct host *h, bool slices);

#endif
