/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state that goes from one binary to the next, as one file: the image of
 * the machine and the host's own records, one behind the other, or the public
 * stream where the other one is not ours.  Keys of the host's records are
 *
 *   host              descriptors, ids, tracing
 *   client <conn>     a socket
 *   ring <domid>      a ring: its two ports, indices, whether it failed
 *
 * A checkpoint can stand in for the file: it has the same records.
 */
#ifndef HOST_UPDATE_STATE_H
#define HOST_UPDATE_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "xenstored/core/machine.h"
#include "xenstored/core/stream.h"

struct host;

/* A larger file is not believed. */
#define UPDATE_STATE_MAX (1u << 31)

enum update_format {
	UPDATE_IMAGE,		/* to a binary of ours, of these versions */
	UPDATE_STREAM2,		/* to another one of ours */
	UPDATE_STREAM1,		/* to the C daemon */
};

/*
 * Write the state of the host, with the machine as `m` has it, to a file
 * open for writing; `ask` has been answered in it.  0 or -errno.
 */
int update_write(struct host *h, struct machine *m, enum update_format format,
		 uint64_t ask, int fd);

/* What was read, for the host. */
struct update_ring {
	uint32_t domid;
	uint32_t port;
	uint32_t remote;
	bool bound;
	bool placed;		/* what follows is known */
	uint32_t req_cons;
	uint32_t rsp_prod;
	bool failed;
};

struct update_state {
	struct machine *machine;	/* the caller's from now on */
	bool stream;			/* requests wait for stream_resume() */
	int listener;			/* -1: none */
	bool listener_ours;		/* its name goes when we go */
	int evtchn;			/* -1: none */
	int pid;			/* of the pid file; -1: none */
	uint32_t generation;
	uint64_t segment;		/* the first free one of the journal */
	uint64_t ask;			/* that was answered with OK */
	const char *trace;		/* NULL: as the options say */
	bool tracing;
	struct stream_client *client;
	size_t clients;
	struct update_ring *ring;
	size_t rings;
	unsigned int lost_transactions;
};

/*
 * Read a state of either kind from a file.  NULL and *error: -errno, -EPROTO
 * or -ENOTSUP, with `why` for the log.  talloc_free() frees it, the machine
 * excepted.
 */
struct update_state *update_read(void *parent, int fd,
				 const struct machine_config *config,
				 stream_facts facts, void *arg, int *error,
				 char why[256]);

/*
 * The file: this line, then records, one behind the other: two lengths in our
 * own byte order (the file never leaves the host), the key with its NUL, the
 * value.
 */
#define UPDATE_MAGIC "proxenos state 1\n"

struct update_record {
	uint32_t key;			/* with its NUL */
	uint32_t value;
};

#endif
