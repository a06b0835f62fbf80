/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading `load`; see load.h. */
#include "tools/xs-probe/load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <proxenos/client_call.h>

const char *const load_key[LOAD_FIELDS] = {
	[LOAD_INTRODUCED] = "introduced",
	[LOAD_SHUTDOWN] = "shutdown",
	[LOAD_DYING] = "dying",
	[LOAD_NODES] = "nodes",
	[LOAD_NODES_MAX] = "nodes_max",
	[LOAD_MEMORY] = "memory",
	[LOAD_MEMORY_MAX] = "memory_max",
	[LOAD_WATCHES] = "watches",
	[LOAD_WATCHES_MAX] = "watches_max",
	[LOAD_TRANSACTIONS] = "transactions",
	[LOAD_TRANSACTIONS_MAX] = "transactions_max",
	[LOAD_OUTSTANDING] = "outstanding",
	[LOAD_OUTSTANDING_MAX] = "outstanding_max",
	[LOAD_REFUSED] = "refused",
	[LOAD_REQUESTS] = "requests",
	[LOAD_ERRORS] = "errors",
	[LOAD_EVENTS] = "events",
	[LOAD_MERGED] = "merged",
	[LOAD_LOST] = "lost",
	[LOAD_CONFLICTS] = "conflicts",
	[LOAD_EVENTS_WAITING] = "events_waiting",
	[LOAD_UNREAD] = "unread",
	[LOAD_UNREAD_US] = "unread_us",
	[LOAD_WAITING] = "waiting",
	[LOAD_BYTES_IN] = "bytes_in",
	[LOAD_BYTES_OUT] = "bytes_out",
	[LOAD_REQ_FILL] = "req_fill",
	[LOAD_RSP_FILL] = "rsp_fill",
	[LOAD_CONNECTION] = "connection",
	[LOAD_RING_ERROR] = "error",
	[LOAD_NOTIFIES_IN] = "notifies_in",
	[LOAD_NOTIFIES_OUT] = "notifies_out",
	[LOAD_RESETS] = "resets",
	[LOAD_CLIENTS] = "clients",
};

static bool read_row(struct load_row *row, const struct record *r)
{
	const char *kind = record_text(r, "kind");
	uint64_t domid;

	if (!kind || !record_number(r, "domid", &domid) || domid > 65535)
		return false;
	row->domid = (uint32_t)domid;
	row->kind = !strcmp(kind, "ring") ? LOAD_RING :
		    !strcmp(kind, "sockets") ? LOAD_SOCKETS : LOAD_NONE;
	for (unsigned int i = 0; i < LOAD_FIELDS; i++)
		record_number(r, load_key[i], &row->n[i]);
	histogram_read(&row->latency, r, "latency");
	return true;
}

int load_read(struct probe *probe, struct load *load)
{
	struct pages pages;
	int ret;

	memset(load, 0, sizeof(*load));
	load->when = px_client_now();
	ret = pages_read(probe, &pages, "load", "0", 0);
	if (!ret) {
		load->row = calloc(pages.count + 1, sizeof(*load->row));
		ret = load->row ? 0 : -ENOMEM;
	}
	for (size_t i = 0; !ret && i < pages.count; i++)
		ret = read_row(&load->row[load->count++], &pages.record[i]) ?
			0 : -EBADMSG;
	pages_free(&pages);
	return ret;
}

void load_free(struct load *load)
{
	free(load->row);
	memset(load, 0, sizeof(*load));
}

/* Both are in the order of domids: a bisection would do, but for sockets. */
const struct load_row *load_same(const struct load *load,
				 const struct load_row *row)
{
	for (size_t i = 0; i < load->count; i++)
		if (load->row[i].domid == row->domid &&
		    (load->row[i].kind == LOAD_SOCKETS) ==
		    (row->kind == LOAD_SOCKETS))
			return &load->row[i];
	return NULL;
}
