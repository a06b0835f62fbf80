/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the example guests share: one domain of the simxen machine in
 * $SIMXEN_DIR, its ring, and a client of libproxenos on it.  A real guest
 * differs in this file only: there the page is mapped and the event channel
 * bound by its kernel.
 *
 * These programs check every step.  step() prints one line about it and ends
 * the program with status 1 if it went wrong; all else is left to the kernel
 * then.  Every wait has a limit of GUEST_PATIENCE microseconds.
 */
#ifndef EXAMPLES_GUEST_H
#define EXAMPLES_GUEST_H

#include <proxenos/client_call.h>

#include "protocol/wire.h"
#include "tools/simxen/guest.h"

#define GUEST_PATIENCE 10000000

struct guest {
	unsigned int domid;
	struct simxen *machine;
	struct simxen_guest *sim;
	struct ring_page *page;
	/* Only after guest_connect(). */
	struct px_transport_ring transport;
	struct px_client *client;
};

/* "ok <text>" or "FAILED <text>", and the end. */
void step(bool ok, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* A decimal number of the command line, or the end with status 2. */
unsigned long guest_number(const char *text, unsigned long max);

/* Take the domain's page and port.  Ends the program on failure. */
void guest_attach(struct guest *g, unsigned int domid);
/* Open the ring, in whatever state it is, and a client on it. */
void guest_connect(struct guest *g);
/* Give all of it back. */
void guest_leave(struct guest *g);

extern const struct px_ring_ops guest_ring_ops;

/*
 * Requests that wait for their answers: 0 or more, or -errno.  read puts a
 * NUL behind the value; start gives the transaction's id.
 */
ssize_t guest_read(struct guest *g, uint32_t tx, const char *path,
		   char *value, size_t size);
int guest_write(struct guest *g, uint32_t tx, const char *path,
		const char *value);
int64_t guest_start(struct guest *g);
int guest_end(struct guest *g, uint32_t tx, bool commit);

/*
 * A node that is waited for.  guest_follow() sets the watch; guest_until()
 * returns 0 once the node's value is `value` (any value that exists, if that
 * is NULL), looking again at every event, or -ETIMEDOUT.
 */
struct guest_node {
	struct px_client_watch watch;
	int fired;
	unsigned int events;
};

int guest_follow(struct guest *g, struct guest_node *node, const char *path);
int guest_until(struct guest *g, struct guest_node *node, const char *value);

#endif
