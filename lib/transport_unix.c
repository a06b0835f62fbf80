/* SPDX-License-Identifier: MIT */
/*
 * The daemon's unix stream socket.  Connecting one either succeeds at once
 * or, when the listener's backlog is full, fails with EAGAIN and leaves
 * nothing that could be polled; `ready` is there for systems that say
 * EINPROGRESS.
 */
#include <proxenos/transport.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define RUNDIR "/var/run/xenstored"

_Static_assert(sizeof(((struct px_transport_unix *)0)->path) ==
	       sizeof(((struct sockaddr_un *)0)->sun_path),
	       "a path that fits must fit an address");

static void unix_close(struct px_transport *t)
{
	close(t->fd);
	t->fd = -1;
}

static int unix_open(struct px_transport *t)
{
	struct px_transport_unix *u = (struct px_transport_unix *)t;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int error;

	t->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (t->fd < 0)
		return -errno;
	memcpy(address.sun_path, u->path, sizeof(address.sun_path));
	if (!connect(t->fd, (struct sockaddr *)&address, sizeof(address)))
		return 0;
	error = errno;
	if (error == EINPROGRESS)
		return -EINPROGRESS;
	unix_close(t);
	return -error;
}

static int unix_ready(struct px_transport *t)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &error, &len))
		return -errno;
	return -error;
}

static ssize_t unix_send(struct px_transport *t, const void *bytes, size_t len)
{
	ssize_t n = send(t->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n >= 0)
		return n;
	if (errno == EINTR || errno == EWOULDBLOCK)
		return -EAGAIN;
	/* Either way the daemon is gone; one word for it. */
	return errno == EPIPE ? -ECONNRESET : -errno;
}

static ssize_t unix_recv(struct px_transport *t, void *bytes, size_t len)
{
	ssize_t n = recv(t->fd, bytes, len, MSG_DONTWAIT);

	if (n >= 0)
		return n;
	return errno == EINTR || errno == EWOULDBLOCK ? -EAGAIN : -errno;
}

/* dir and "/socket", or dir alone, into the path; false if it is too long. */
static bool path_set(struct px_transport_unix *u, const char *dir,
		     const char *name)
{
	size_t n = strlen(dir), m = strlen(name);

	if (n + m >= sizeof(u->path))
		return false;
	memset(u->path, 0, sizeof(u->path));
	memcpy(u->path, dir, n);
	memcpy(u->path + n, name, m);
	return true;
}

int px_transport_unix_init(struct px_transport_unix *u, const char *path)
{
	const char *dir = getenv("XENSTORED_RUNDIR");
	bool fits;

	memset(u, 0, sizeof(*u));
	u->base.open = unix_open;
	u->base.ready = unix_ready;
	u->base.send = unix_send;
	u->base.recv = unix_recv;
	u->base.close = unix_close;
	u->base.fd = -1;
	if (!path)
		path = getenv("XENSTORED_PATH");
	if (path)
		fits = path_set(u, path, "");
	else
		fits = path_set(u, dir ? dir : RUNDIR, "/socket");
	return fits ? 0 : -ENAMETOOLONG;
}
