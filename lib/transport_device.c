/* SPDX-License-Identifier: MIT */
/* The kernel's xenstore device: a file that messages are written to. */
#include <proxenos/transport.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

static int device_open(struct px_transport *t)
{
	struct px_transport_device *d = (struct px_transport_device *)t;

	t->fd = open(d->path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	return t->fd < 0 ? -errno : 0;
}

static void device_close(struct px_transport *t)
{
	close(t->fd);
	t->fd = -1;
}

static ssize_t device_send(struct px_transport *t, const void *bytes,
			   size_t len)
{
	ssize_t n = write(t->fd, bytes, len);

	if (n >= 0)
		return n;
	return errno == EINTR || errno == EWOULDBLOCK ? -EAGAIN : -errno;
}

static ssize_t device_recv(struct px_transport *t, void *bytes, size_t len)
{
	ssize_t n = read(t->fd, bytes, len);

	if (n >= 0)
		return n;
	return errno == EINTR || errno == EWOULDBLOCK ? -EAGAIN : -errno;
}

static short device_events(struct px_transport *t, bool output)
{
	return POLLIN;
}

void px_transport_device_init(struct px_transport_device *d, const char *path)
{
	memset(d, 0, sizeof(*d));
	d->base.open = device_open;
	d->base.send = device_send;
	d->base.recv = device_recv;
	d->base.close = device_close;
	d->base.events = device_events;
	d->base.fd = -1;
	d->base.flags = PX_TRANSPORT_KERNEL;
	d->path = path ? path : "/dev/xen/xenbus";
}
