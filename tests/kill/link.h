/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bytes of one xenstore connection, over a guest's ring or the daemon's
 * socket. Nothing is retried and no event channel is poked to be safe: a
 * wake-up that the daemon owes and does not give shows as a client that is
 * stuck, which is what the test is to find.
 */
#ifndef KILL_LINK_H
#define KILL_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "protocol/ring.h"
#include "tools/simxen/guest.h"

/* Results of link functions beside 0 and counts. */
#define LINK_LOST	(-1)	/* the socket was closed by the other side */
#define LINK_BROKEN	(-2)	/* a ring that says what it must not say */

struct link {
	struct simxen_guest *guest;	/* NULL: a socket */
	struct ring_page *page;
	uint32_t req_prod, rsp_cons;	/* ours; never read back */
	const char *path;		/* of the socket */
	int fd;				/* -1: not connected */
	char why[80];			/* of LINK_BROKEN */
};

void link_ring(struct link *l, struct simxen_guest *guest);
void link_socket(struct link *l, const char *path);

/* Connect a socket; 0, or LINK_LOST when nobody listens now. */
int link_connect(struct link *l);
void link_disconnect(struct link *l);

/* Bytes moved (0: none can be now), LINK_LOST or LINK_BROKEN. */
ssize_t link_put(struct link *l, const void *bytes, size_t len);
ssize_t link_get(struct link *l, void *bytes, size_t len);

/* Until something may have changed, or ms passed. output: there is more to
 * send than there was room for. */
void link_wait(struct link *l, bool output, int ms);

/* A ring's reset: whether the daemon knows it (the stock one does not); ask
 * for it; then 1 when it is done, 0 not yet. */
bool link_can_reset(const struct link *l);
void link_reset(struct link *l);
int link_reset_done(struct link *l);

#endif
