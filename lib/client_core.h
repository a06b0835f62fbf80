/* SPDX-License-Identifier: MIT */
/*
 * The pure middle of the client: requests become bytes to send, bytes
 * received become results and events.  No I/O, no clock, no allocation: all
 * memory is given, so a test or a fuzzer drives it byte by byte.
 *
 * Requests stand in a queue in the order they were made, with their bytes in
 * a byte queue beside it.  Only the first `window` of them may be given to
 * the transport; the others wait.  As the daemon answers in order, the reply
 * that arrives always belongs to the head of the queue, or the daemon is
 * broken.
 */
#ifndef LIB_CLIENT_CORE_H
#define LIB_CLIENT_CORE_H

#include <proxenos/client.h>

#include "protocol/wire.h"

/* Holds any message whole, and another; one byte more for a final NUL. */
#define CLIENT_IN_BYTES (2 * WIRE_MESSAGE_MAX)

struct client_slot {
	uint64_t end;		/* where its bytes end, as out_put counts */
	uint32_t req_id;
	uint32_t type;
	int refused;		/* the transport's error for it, or 0 */
	px_client_done *done;
	void *arg;
};

struct client_core {
	/* All set by the owner before client_core_start(). */
	char *out;		/* out_size bytes */
	size_t out_size;
	char *in;		/* CLIENT_IN_BYTES + 1 */
	struct client_slot *slots;
	unsigned int slot_count;
	unsigned int window;
	bool kernel;		/* PX_TRANSPORT_KERNEL */
	/* An event; -EPROTO if its payload is malformed. */
	int (*event)(void *owner, const char *data, size_t len);
	/* A slot came free; called before that request's callback. */
	void (*room)(void *owner);
	void *owner;

	/* The core's own; zero at first. */
	bool open;
	uint32_t epoch;		/* changes when a connection ends */
	uint32_t next_id;
	uint64_t out_put;	/* bytes ever queued */
	uint64_t out_taken;	/* of these, given to the transport */
	unsigned int first;	/* the oldest unanswered request */
	unsigned int used;
	size_t in_len;
	uint64_t requests;
	uint64_t replies;
};

/* A new connection: empty queues, requests are accepted. */
void client_core_start(struct client_core *core);
/*
 * The connection is over: every request ends with -ECONNRESET, once, oldest
 * first, and none is accepted until the next start.
 */
void client_core_stop(struct client_core *core);

/* Queue a request; errors as px_client_request(). */
int client_core_submit(struct client_core *core, uint32_t type, uint32_t tx,
		       const struct px_bytes *parts, unsigned int count,
		       px_client_done *done, void *arg);

/* Bytes that may be sent now, in one piece; 0 if there are none. */
size_t client_core_output(const struct client_core *core, const char **bytes);
/* The first n of them were sent. */
void client_core_sent(struct client_core *core, size_t n);
/* The transport refused the message it was given; it ends with `error`. */
void client_core_refused(struct client_core *core, int error);

/* Where to put bytes received, and how many fit (never 0). */
size_t client_core_space(struct client_core *core, char **at);
/* So many were put there.  0 or -EPROTO; callbacks run inside. */
int client_core_received(struct client_core *core, size_t n);

#endif
