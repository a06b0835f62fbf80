// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ports are unmasked when all that fired were read, and before the first of
 * their rings is looked at.  So a guest that notifies without end has its
 * port read once a pass, like everybody's; and a notification that comes
 * during the look sets the port pending again, so that none is lost.
 *
 * A process that died between the two leaves a port of a kept handle masked,
 * of which no one would hear again.  So each port that is adopted is unmasked,
 * which does nothing to one that is not masked; what was not yet read is read
 * before, as the kernel has no room for a port that is listed twice.
 */
#include "xenstored/host/evtchn.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <talloc.h>
#include <time.h>
#include <unistd.h>
#include <xenevtchn.h>

#include "xenstored/host/descriptors.h"
#include "xenstored/host/fault.h"
#include "xenstored/host/guest.h"
#include "xenstored/host/host.h"
#include "xenstored/host/journal.h"
#include "xenstored/host/log.h"
#include "xenstored/host/update_state.h"
#include "xenstored/host/recovery.h"

/* What a service manager may take to close a descriptor: microseconds. */
#define EVTCHN_PATIENCE 5000000u
/* Ports read in one pass. */
#define EVTCHN_BATCH 1024u
#define EVTCHN_NO_PORT UINT32_MAX
/* Local ports that a domain may have (Xen's EVTCHN_FIFO_NR_CHANNELS). */
#define EVTCHN_PORTS (1u << 17)

struct evtchn {
	xenevtchn_handle *handle;
	struct table guests;		/* by local port */
	uint32_t virq;
	bool kept;
	bool swept;			/* nothing is left over in it */
	bool struck;			/* another handle is being closed */
	evtchn_port_t fired[EVTCHN_BATCH];	/* of this pass */
};

static int evtchn_destroy(struct evtchn *e)
{
	if (e->handle)
		xenevtchn_close(e->handle);
	return 0;
}

/*
 * The handle of the process before, if the records tell enough of what it
 * has bound; else one of our own, and the other one's bindings go with it.
 */
static void evtchn_handle_open(struct host *h, struct evtchn *e)
{
	int fd = descriptors_take("evtchn");

	if (h->resumed && h->resumed->evtchn >= 0) {
		/* Of this very process; its ports are bound. */
		e->handle = xenevtchn_fdopen(NULL, h->resumed->evtchn, 0);
		e->kept = e->handle;
		return;
	}

	if (fd >= 0 && h->recovery && h->recovery->virq != EVTCHN_NO_PORT) {
		e->handle = xenevtchn_fdopen(NULL, fd, 0);
		e->kept = e->handle;
	}
	if (e->kept) {
		e->virq = h->recovery->virq;
		return;
	}
	if (fd >= 0) {
		close(fd);
		descriptors_strike("evtchn");
		e->struck = true;
	}
	e->handle = xenevtchn_open(NULL, 0);
}

/*
 * There is one owner of the VIRQ.  A handle that was struck has it until the
 * service manager has closed its copy, which nobody tells us of.
 */
static int evtchn_bind_virq(struct evtchn *e)
{
	struct timespec step = { 0, 1000000 };
	uint64_t due = host_clock() + EVTCHN_PATIENCE;
	int port;

	for (;;) {
		port = xenevtchn_bind_virq(e->handle, VIRQ_DOM_EXC);
		if (port >= 0 || errno != EEXIST || !e->struck ||
		    host_clock() > due)
			return port >= 0 ? port : errno ? -errno : -EIO;
		nanosleep(&step, NULL);
	}
}

static void evtchn_unmask(struct evtchn *e, uint32_t port)
{
	if (xenevtchn_unmask(e->handle, port))
		log_say(LOG_EVTCHN, "cannot unmask port %u", port);
}

/*
 * All that fired in one call, which xenevtchn_pending() does not give: the
 * device hands out as many ports as there is room for.  What it keeps makes
 * its descriptor ready again in the next pass; so does an interrupted call.
 */
static unsigned int evtchn_read(struct evtchn *e)
{
	ssize_t n = read(xenevtchn_fd(e->handle), e->fired, sizeof(e->fired));

	return n > 0 ? (unsigned int)n / sizeof(e->fired[0]) : 0;
}

/* Nothing is lost: each ring is looked at, and the domains are, in any case. */
static void evtchn_forget_fired(struct evtchn *e)
{
	while (evtchn_read(e) == EVTCHN_BATCH)
		;
}

static int evtchn_start(struct host *h, struct evtchn *e)
{
	int fd, flags, port;

	evtchn_handle_open(h, e);
	if (!e->handle)
		return errno ? -errno : -EIO;
	fd = xenevtchn_fd(e->handle);
	/* Nobody else reads it, but a read that waits would stop everything. */
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	if (e->kept)
		evtchn_forget_fired(e);
	if (e->virq == EVTCHN_NO_PORT) {
		port = evtchn_bind_virq(e);
		if (port < 0)
			return port;
		e->virq = (uint32_t)port;
		descriptors_push("evtchn", fd);
	} else {
		evtchn_unmask(e, e->virq);
	}
	return host_epoll(h, EPOLL_CTL_ADD, fd, EPOLLIN, EPOLL_EVTCHN, 0);
}

int evtchn_fd(const struct host *h)
{
	return h->evtchn ? xenevtchn_fd(h->evtchn->handle) : -1;
}

void evtchn_hold_virq(struct host *h, bool hold)
{
	struct evtchn *e = h->evtchn;
	int port = 0;

	if (!e || hold == (e->virq != EVTCHN_NO_PORT))
		return;
	if (hold)
		port = xenevtchn_bind_virq(e->handle, VIRQ_DOM_EXC);
	else if (xenevtchn_unbind(e->handle, e->virq))
		port = -1;
	e->virq = hold && port >= 0 ? (uint32_t)port : EVTCHN_NO_PORT;
	if (port < 0)
		log_say(LOG_EVTCHN, "VIRQ_DOM_EXC: %s", strerror(errno));
	else if (hold && h->journal)
		journal_virq(h->journal, e->virq);
}

bool evtchn_kept(const struct evtchn *e)
{
	return e->kept;
}

uint32_t evtchn_virq(const struct evtchn *e)
{
	return e->virq;
}

int evtchn_adopt(struct evtchn *e, uint32_t local, struct guest *g)
{
	int error = table_set(&e->guests, local, g);

	if (!error)
		evtchn_unmask(e, local);
	return error;
}

int evtchn_open(struct host *h)
{
	struct evtchn *e = talloc_zero(h, struct evtchn);
	int error;

	if (!e)
		return -ENOMEM;
	e->virq = EVTCHN_NO_PORT;
	table_init(&e->guests, e);
	talloc_set_destructor(e, evtchn_destroy);
	error = evtchn_start(h, e);
	if (error) {
		talloc_free(e);
		return error;
	}
	h->evtchn = e;
	return 0;
}

/*
 * Give up what a kept handle has bound and no guest has: the process before
 * died between binding it and recording that, or between the record of an
 * UNMAP and carrying it out.  A walk over all ports there may be, so only for
 * one whose other end cannot be bound otherwise.
 */
static void evtchn_sweep(struct evtchn *e)
{
	for (uint32_t port = 1; port < EVTCHN_PORTS; port++) {
		if (port == e->virq || table_get(&e->guests, port))
			continue;
		/* ENOTCONN: no port of this handle; EINVAL: no port at all. */
		if (xenevtchn_unbind(e->handle, port) && errno == EINVAL)
			return;
	}
}

static int evtchn_connect(struct evtchn *e, uint32_t domid, uint32_t remote)
{
	int port = xenevtchn_bind_interdomain(e->handle, domid, remote);

	if (port >= 0 || errno != EINVAL || !e->kept || e->swept)
		return port;
	e->swept = true;
	evtchn_sweep(e);
	return xenevtchn_bind_interdomain(e->handle, domid, remote);
}

int evtchn_bind(struct evtchn *e, uint32_t domid, uint32_t remote,
		struct guest *g, uint32_t *local)
{
	int port = evtchn_connect(e, domid, remote);
	int error;

	if (port < 0)
		return errno ? -errno : -EIO;
	error = table_set(&e->guests, (uint32_t)port, g);
	if (error) {
		xenevtchn_unbind(e->handle, (evtchn_port_t)port);
		return error;
	}
	*local = (uint32_t)port;
	return 0;
}

void evtchn_unbind(struct evtchn *e, uint32_t local)
{
	table_set(&e->guests, local, NULL);
	if (xenevtchn_unbind(e->handle, local))
		log_say(LOG_EVTCHN, "cannot unbind port %u", local);
}

int evtchn_notify(struct evtchn *e, uint32_t local)
{
	if (!xenevtchn_notify(e->handle, local))
		return 0;
	return errno ? -errno : -EIO;
}

static void evtchn_fired(struct host *h, struct guest *g)
{
	if (!g)
		return;
	g->count.notifies_in++;
	list_queue(&h->ready, &g->ready);
}

bool evtchn_drain(struct host *h)
{
	struct evtchn *e = h->evtchn;
	unsigned int count = evtchn_read(e);
	bool virq = false;

	if (count)
		fault_point("fired");
	for (unsigned int i = 0; i < count; i++) {
		evtchn_port_t port = e->fired[i];

		evtchn_unmask(e, port);
		if (port == e->virq)
			virq = true;
		else
			evtchn_fired(h, table_get(&e->guests, port));
	}
	return virq;
}
