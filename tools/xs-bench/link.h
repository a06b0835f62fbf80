/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client's connection, made so that it costs the client as little as can
 * be: one send a batch, one recv a look, replies only counted. On a ring it
 * notifies once a batch; a request always follows what was consumed, so the
 * one notification tells of both, as a driver's does that is kept busy.
 *
 * 0 or a count is success, -1 means that the connection is of no use any
 * more; an error reply of the daemon is a positive errno.
 */
#ifndef BENCH_LINK_H
#define BENCH_LINK_H

#include "protocol/ring.h"
#include "protocol/wire.h"
#include "tools/xs-bench/side.h"

struct link {
	int fd;
	struct simxen_guest *guest;	/* NULL: a socket */
	struct ring_page *page;
	uint32_t req_prod, rsp_cons;
	uint64_t events;		/* watch events that came */
	uint32_t type;			/* of the last reply */
	uint32_t tx;			/* of the last reply */
	uint32_t len;			/* of its payload */
	char payload[WIRE_PAYLOAD_MAX + 1];
	size_t have;			/* bytes of messages not yet whole */
	uint8_t in[65536];
};

/* Requests put behind one another. */
struct batch {
	size_t len;
	uint8_t bytes[65536];
};

/* Payload: text is followed by its NUL; data may be NULL. False: full. */
bool batch_add(struct batch *b, enum wire_op op, uint32_t tx,
	       const char *text, const void *data, size_t len);

int link_open(struct link *l, const struct side *s);
/* The same, again and again until the daemon is there and has answered. */
int link_first(struct link *l, const struct side *s);
/* A guest with a ring that was introduced; its hub, or NULL for an own. */
int link_attach(struct link *l, const struct side *s, struct simxen_hub *hub,
		unsigned int domid);
void link_close(struct link *l);

int link_put(struct link *l, const struct batch *b);
/* Whole replies that are there now; with block at least one of anything. */
int link_take(struct link *l, bool block);
/* All bytes of the batch, and as many replies as it has requests. */
int link_batch(struct link *l, const struct batch *b, unsigned int replies);

/* One request and its reply. */
int link_call(struct link *l, enum wire_op op, uint32_t tx, const char *text,
	      const void *data, size_t len);
int link_write(struct link *l, uint32_t tx, const char *path,
	       const char *value);

/* Add a domain, give it a home and introduce it: its domid, or -1. */
int link_introduce(struct link *admin, const struct side *s);

#endif
