/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the halves of the stream's reader share. */
#ifndef CORE_STREAM_READ_H
#define CORE_STREAM_READ_H

#include "xenstored/core/change.h"
#include "xenstored/core/stream_format.h"

enum stream_pass {
	PASS_STORE,
	PASS_REST,
	PASSES
};

struct stream_id {
	uint32_t id;			/* in the stream */
	uint32_t conn;			/* in the machine */
};

struct streaming {
	struct machine *m;
	struct stream_world *world;
	struct stream_in in;		/* of the whole stream */
	struct stream_in body;		/* of the record being read */
	unsigned int version;
	stream_facts facts;
	void *arg;
	bool begun;			/* `change` is in use */
	struct change change;		/* all nodes, published at once */
	bool globals;
	struct stream_id *id;		/* by stream id, in order */
	size_t ids, id_room;
	int err;
	char *why;
};

/* Note why there will be no machine; returns `err`. */
int streaming_fail(struct streaming *s, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * The account of a domain that is named.  `must`: there is one even if the
 * hypervisor knows of none.  *out is NULL for a domain that does not exist.
 */
int streaming_domain(struct streaming *s, uint32_t domid, bool must,
		     struct domain **out);
/* The connection of that stream id, or NULL. */
struct conn *streaming_conn(struct streaming *s, uint32_t id);

/* One record of each kind; 0, or what streaming_fail() returned. */
int streaming_connection(struct streaming *s);	/* stream_conn.c */
int streaming_watch(struct streaming *s);
int streaming_watch_extended(struct streaming *s);
int streaming_transaction(struct streaming *s);	/* stream_node.c */
int streaming_node(struct streaming *s);	/* of the store */
int streaming_pending(struct streaming *s);	/* of a transaction */

#endif
