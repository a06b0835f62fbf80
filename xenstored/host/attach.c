// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A machine that was loaded meets the world again; see recovery.h.  Who died
 * meanwhile is found first, so that nothing of a dead domain is mapped; what
 * the machine thinks is there and is not is told to it as gone.
 */
#include "xenstored/host/recovery.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "xenstored/host/client.h"
#include "xenstored/host/descriptors.h"
#include "xenstored/host/guest.h"
#include "xenstored/host/hypervisor.h"
#include "xenstored/host/journal.h"
#include "xenstored/host/log.h"

static bool doubtful(const struct recovery *r, uint32_t conn)
{
	return conn == r->doubt.receiving || conn == r->doubt.sending;
}

static void attach_client(struct host *h, uint32_t conn)
{
	int fd = descriptors_take_client(conn);

	if (fd >= 0 && doubtful(h->recovery, conn)) {
		close(fd);
		fd = -1;
		h->count.doubtful++;
		descriptors_strike_client(conn);
		log_say(LOG_DOUBT, "client %u was being served", conn);
	}
	if (fd < 0 || client_restore(h, conn, fd))
		host_feed_event(h, MACHINE_IN_CLOSE, conn);
}

static void attach_clients(struct host *h)
{
	uint32_t conn = MACHINE_SOCKET_BASE;
	bool failed;

	while (machine_conn_next(h->machine, &conn, &failed)) {
		attach_client(h, conn);
		conn++;
	}
}

/* A ring that cannot be had again; its domain lives, so this is an error. */
static void attach_lost(struct host *h, uint32_t domid, int error)
{
	log_say(LOG_RING_NOT_MAPPED, "domain %u, found served: %s", domid,
		strerror(-error));
	host_feed_event(h, MACHINE_IN_RING_FAILED, domid);
}

static void attach_rings(struct host *h)
{
	uint32_t conn = 0;
	bool failed;

	while (machine_conn_next(h->machine, &conn, &failed) &&
	       conn < MACHINE_SOCKET_BASE) {
		struct recovered_ring *was =
			table_get(&h->recovery->rings, conn);
		int error = -ENOENT;

		if (was && was->known)
			error = guest_restore(h, was, failed);
		if (error)
			attach_lost(h, conn, error);
		conn++;
	}
}

int recovery_attach(struct host *h)
{
	client_generation_after(h, h->recovery->ids);
	attach_clients(h);
	journal_receiving(h->journal, 0);
	journal_sending(h->journal, 0);
	if (h->hypervisor) {
		hypervisor_refresh(h);
		attach_rings(h);
	}
	h->count.recovered = h->recovery->records;
	h->count.poisoned = h->recovery->poisoned;
	h->count.restarts = h->recovery->restarts + 1;
	return 0;
}
