// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libxenevtchn. The descriptor is the handle's FIFO: readable when a port is
 * to be taken, four bytes a port, blocking unless the owner says otherwise,
 * inheritable over exec when asked for; all as with /dev/xen/evtchn, except
 * that unmasking goes through xenevtchn_unmask() only.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <xenevtchn.h>

#include "tools/simxen/channel.h"
#include "tools/simxen/preload.h"

struct xenevtchn_handle {
	struct simxen *m;
	uint64_t sink;
	int fd;
};

static xenevtchn_handle *evtchn_new(struct simxen *m, uint64_t sink, int fd)
{
	xenevtchn_handle *h = malloc(sizeof(*h));

	if (h)
		*h = (xenevtchn_handle){ m, sink, fd };
	return h;
}

xenevtchn_handle *xenevtchn_open(struct xentoollog_logger *logger,
				 unsigned int flags)
{
	struct simxen *m = preload_machine();
	xenevtchn_handle *h = NULL;
	uint64_t sink;
	int fd, err;

	if (!m)
		return NULL;
	if (flags & ~XENEVTCHN_NO_CLOEXEC) {
		errno = EINVAL;
		return NULL;
	}
	machine_lock(m);
	channel_reap(m, SHM_HANDLE);
	sink = wake_open(m, SHM_HANDLE,
			 flags & XENEVTCHN_NO_CLOEXEC ? 0 : O_CLOEXEC, &fd);
	err = errno;
	machine_unlock(m);
	if (sink)
		h = evtchn_new(m, sink, fd);
	else
		errno = err;
	return h;
}

xenevtchn_handle *xenevtchn_fdopen(struct xentoollog_logger *logger, int fd,
				   unsigned int flags)
{
	struct simxen *m = preload_machine();
	xenevtchn_handle *h;
	uint64_t sink;

	if (!m)
		return NULL;
	if (flags) {
		errno = EINVAL;
		return NULL;
	}
	machine_lock(m);
	sink = wake_find(m, SHM_HANDLE, fd);
	machine_unlock(m);
	if (!sink)
		return NULL;
	h = evtchn_new(m, sink, fd);
	if (h)
		channel_adopt(m, sink);
	return h;
}

/* Ports go when the last copy of the descriptor goes, perhaps not here. */
int xenevtchn_close(xenevtchn_handle *h)
{
	int err;

	if (!h)
		return 0;
	err = close(h->fd);
	machine_lock(h->m);
	channel_reap(h->m, SHM_HANDLE);
	machine_unlock(h->m);
	free(h);
	return err;
}

int xenevtchn_fd(xenevtchn_handle *h)
{
	return h->fd;
}

int xenevtchn_notify(xenevtchn_handle *h, evtchn_port_t port)
{
	return preload_errno(channel_notify(h->m, h->sink, port));
}

xenevtchn_port_or_error_t
xenevtchn_bind_interdomain(xenevtchn_handle *h, uint32_t domid,
			   evtchn_port_t remote)
{
	return preload_errno(channel_bind(h->m, h->sink, domid, remote));
}

xenevtchn_port_or_error_t xenevtchn_bind_virq(xenevtchn_handle *h,
					      unsigned int virq)
{
	return preload_errno(virq == VIRQ_DOM_EXC ?
			     channel_bind_virq(h->m, h->sink) : -EINVAL);
}

int xenevtchn_unbind(xenevtchn_handle *h, evtchn_port_t port)
{
	return preload_errno(channel_unbind(h->m, h->sink, port));
}

xenevtchn_port_or_error_t xenevtchn_pending(xenevtchn_handle *h)
{
	evtchn_port_t port;
	ssize_t n = read(h->fd, &port, sizeof(port));

	if (n == (ssize_t)sizeof(port))
		return (xenevtchn_port_or_error_t)port;
	if (n >= 0)
		errno = EIO;
	return -1;
}

/* A port closed meanwhile is no error to the kernel's device either. */
int xenevtchn_unmask(xenevtchn_handle *h, evtchn_port_t port)
{
	channel_unmask(h->m, h->sink, port);
	return 0;
}

/* This machine's hypervisor has no more; the real library must not see h. */
xenevtchn_port_or_error_t xenevtchn_bind_unbound_port(xenevtchn_handle *h,
						      uint32_t domid)
{
	return preload_errno(-ENOSYS);
}

int xenevtchn_restrict(xenevtchn_handle *h, domid_t domid)
{
	return preload_errno(-EOPNOTSUPP);
}
