/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The public migration stream of xenstore (Xen: docs/designs/
 * xenstore-migration.md, versions 1 and 2) as bytes in memory, from a machine
 * and to one: what a running C daemon hands over to its successor.  With it a
 * host changes over from that daemon to ours and back.
 *
 * What it carries: nodes and their access lists, connections with their
 * partial input and undelivered output, watches, quotas, targets.  What it
 * cannot carry, and what becomes of it, is told in docs/live-update.md:
 *
 *   transactions   not written: released C daemons would take a pending node
 *                  for one of the store.  Read: the transaction stays open,
 *                  its own writes are seen in it, and its commit gets EAGAIN
 *   watch depth    version 1 has none: written as a watch of all levels
 *   lost events    written as the events that would make good for them
 *   told shutdowns told once more
 *
 * The machine knows neither descriptors nor event channels, the stream does;
 * they go through the tables below.
 */
#ifndef CORE_STREAM_H
#define CORE_STREAM_H

#include "xenstored/core/machine.h"

/* Xen's DOMID_INVALID: no target. */
#define STREAM_DOMID_INVALID 0x7ff4u
/* A stream of more records than this is not believed. */
#define STREAM_RECORDS_MAX (1u << 26)

/* ------------------------------------------------------------ writing -- */

/* What the host knows and the machine does not. */
struct stream_host {
	void *arg;
	int32_t socket_fd;		/* that listens; -1: none */
	int32_t evtchn_fd;		/* -1: none */
	/* The socket of that connection, the local port of that domain; -1:
	 * not there, and then the connection is left out. */
	int32_t (*client_fd)(void *arg, uint32_t conn);
	int64_t (*ring_port)(void *arg, uint32_t domid);
};

/* Bytes, in a block that stream_drop() frees; starts zeroed. */
struct stream_out {
	uint8_t *at;
	size_t len, room;
	bool failed;			/* no memory */
};

/*
 * Write the machine.  `version` is 1 (what the C daemon of Xen 4.16 to 4.20
 * loads) or 2.  0, -ENOTSUP for another version, -EBUSY if the host has
 * something to answer or to fetch first, -E2BIG for what no field can hold,
 * -ENOMEM.  *out is to be dropped whatever is returned.
 */
int stream_write(struct machine *m, const struct stream_host *host,
		 unsigned int version, struct stream_out *out);
void stream_drop(struct stream_out *out);

/*
 * What it would lose: the number of open transactions.  `holder`, if not
 * NULL, is called once for each connection that has any.
 */
unsigned int stream_transactions(struct machine *m,
				 void (*holder)(void *arg, uint32_t domid),
				 void *arg);

/* ------------------------------------------------------------ reading -- */

struct stream_client {
	uint32_t conn;
	int32_t fd;
};

struct stream_ring {
	uint32_t domid;
	uint32_t port;			/* local */
};

/* What was in the stream for the host; stream_world_drop() frees it. */
struct stream_world {
	int32_t socket_fd;
	int32_t evtchn_fd;
	struct stream_client *client;
	size_t clients, client_room;
	struct stream_ring *ring;
	size_t rings, ring_room;
	unsigned int transactions;	/* that were open */
	unsigned int unknown;		/* records of unknown type, skipped */
};

/* What the hypervisor says of a domain; false: there is none. */
typedef bool (*stream_facts)(void *arg, uint32_t domid, uint64_t *instance);

/*
 * Make a machine from a stream.  `facts` may be NULL: every domain that is
 * named is believed to be there.  NULL and *error: -EPROTO for what is
 * damaged or impossible, -ENOTSUP for another version or byte order,
 * -ENOMEM; `why` gets a line for the log.  *world is to be dropped whatever
 * is returned; it names no descriptor twice.
 *
 * The domains' flags are those of the stream's time: the host compares them
 * with the hypervisor's before it serves.  Whole requests that lie in the
 * input have not been executed: stream_resume() does that, when the host is
 * ready for what they may ask.
 */
struct machine *stream_read(const struct machine_config *config,
			    const void *bytes, size_t len,
			    stream_facts facts, void *arg,
			    struct stream_world *world, int *error,
			    char why[256]);
void stream_resume(struct machine *m);
void stream_world_drop(struct stream_world *world);

#endif
