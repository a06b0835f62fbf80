/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The topic `load` as numbers, for top and metrics: one row for each domain,
 * and one for all clients of the socket.
 */
#ifndef XS_PROBE_LOAD_H
#define XS_PROBE_LOAD_H

#include "tools/xs-probe/histogram.h"
#include "tools/xs-probe/pages.h"

/* Numbers of a row; the table in load.c has their keys. */
enum load_field {
	LOAD_INTRODUCED, LOAD_SHUTDOWN, LOAD_DYING,
	LOAD_NODES, LOAD_NODES_MAX,
	LOAD_MEMORY, LOAD_MEMORY_MAX,
	LOAD_WATCHES, LOAD_WATCHES_MAX,
	LOAD_TRANSACTIONS, LOAD_TRANSACTIONS_MAX,
	LOAD_OUTSTANDING, LOAD_OUTSTANDING_MAX,
	LOAD_REFUSED,
	LOAD_REQUESTS, LOAD_ERRORS,
	LOAD_EVENTS, LOAD_MERGED, LOAD_LOST,
	LOAD_CONFLICTS,
	LOAD_EVENTS_WAITING, LOAD_UNREAD, LOAD_UNREAD_US, LOAD_WAITING,
	LOAD_BYTES_IN, LOAD_BYTES_OUT,
	LOAD_REQ_FILL, LOAD_RSP_FILL,
	LOAD_CONNECTION, LOAD_RING_ERROR,
	LOAD_NOTIFIES_IN, LOAD_NOTIFIES_OUT, LOAD_RESETS,
	LOAD_CLIENTS,
	LOAD_FIELDS
};

extern const char *const load_key[LOAD_FIELDS];

enum load_kind { LOAD_NONE, LOAD_RING, LOAD_SOCKETS };

struct load_row {
	uint32_t domid;
	enum load_kind kind;
	uint64_t n[LOAD_FIELDS];
	struct histogram latency;
};

struct load {
	uint64_t when;		/* px_client_now() */
	struct load_row *row;
	size_t count;
};

/* As pages_read(); free it in any case. */
int load_read(struct probe *probe, struct load *load);
void load_free(struct load *load);
/* The same domain (or the sockets) at another time, or NULL. */
const struct load_row *load_same(const struct load *load,
				 const struct load_row *row);

#endif
