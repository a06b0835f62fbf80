// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * When descriptors run out, accepting pauses for a moment instead of being
 * tried in every pass; clients wait in the kernel's queue meanwhile, and the
 * end of any client wakes it.
 */
#include "xenstored/host/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <talloc.h>
#include <time.h>
#include <unistd.h>

#include "xenstored/host/client.h"
#include "xenstored/host/descriptors.h"
#include "xenstored/host/log.h"

#define ACCEPT_BATCH 64u
#define ACCEPT_PAUSE 100000u	/* microseconds */
#define BACKLOG 1024
/* How long another's socket may still be heard of, microseconds. */
#define LEFT_OVER_US 500000u

struct listener {
	int fd;
	const char *path;	/* NULL: not ours to remove */
	struct log_limit limit;
};

static int listener_address(const char *path, struct sockaddr_un *addr)
{
	size_t len = strlen(path);

	if (len >= sizeof(addr->sun_path))
		return -ENAMETOOLONG;
	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(addr->sun_path, path, len);
	return 0;
}

/* A socket's name that nobody listens on is left over and may go. */
static int listener_remove(const char *path)
{
	struct stat st;

	if (lstat(path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	return unlink(path) ? -errno : 0;
}

static int listener_clear(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			0);
	int error;

	if (fd < 0)
		return -errno;
	error = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) ?
		errno : EISCONN;
	close(fd);
	switch (error) {
	case ECONNREFUSED:
		return listener_remove(addr->sun_path);
	case ENOENT:
		return 0;
	case EISCONN:
	case EAGAIN:
		return -EADDRINUSE;
	default:
		return -error;
	}
}

/*
 * A daemon that was killed in a live update leaves a child for a moment, which
 * dies with it but has the socket until then.  Another daemon stays.
 */
static int listener_clear_soon(const struct sockaddr_un *addr)
{
	const struct timespec step = { .tv_nsec = 1000000 };
	uint64_t end = host_clock() + LEFT_OVER_US;
	int error;

	while ((error = listener_clear(addr)) == -EADDRINUSE &&
	       host_clock() < end)
		nanosleep(&step, NULL);
	return error;
}

static int listener_bind(int fd, const struct sockaddr_un *addr)
{
	mode_t mask = umask(0177);
	int error = bind(fd, (const struct sockaddr *)addr, sizeof(*addr)) ?
		    -errno : 0;

	umask(mask);
	if (!error && listen(fd, BACKLOG))
		error = -errno;
	return error;
}

static int listener_make(const char *path, int *out)
{
	struct sockaddr_un addr;
	int error, fd;

	error = listener_address(path, &addr);
	if (!error)
		error = listener_clear_soon(&addr);
	if (error)
		return error;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	error = listener_bind(fd, &addr);
	if (error) {
		close(fd);
		return error;
	}
	*out = fd;
	return 0;
}

static int listener_take_over(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	return 0;
}

int listener_open(struct host *h, int fd)
{
	struct listener *l = talloc_zero(h, struct listener);
	int error;

	if (!l)
		return -ENOMEM;
	l->fd = fd;
	if (fd >= 0) {
		error = listener_take_over(fd);
	} else {
		error = listener_make(h->options->socket, &l->fd);
		l->path = error ? NULL : h->options->socket;
		if (!error)
			descriptors_push("listen", l->fd);
	}
	h->listener = l;
	if (!error)
		error = host_epoll(h, EPOLL_CTL_ADD, l->fd, EPOLLIN,
				   EPOLL_LISTENER, 0);
	if (error)
		listener_close(h);
	return error;
}

int listener_adopt(struct host *h, int fd, bool ours)
{
	int error = listener_open(h, fd);

	if (!error && ours)
		h->listener->path = h->options->socket;
	return error;
}

int listener_fd(const struct host *h)
{
	return h->listener ? h->listener->fd : -1;
}

bool listener_ours(const struct host *h)
{
	return h->listener && h->listener->path;
}

static void listener_listen(struct host *h, uint32_t interest)
{
	/* Cannot fail: the descriptor is there, nothing is allocated. */
	(void)host_epoll(h, EPOLL_CTL_MOD, h->listener->fd, interest,
			 EPOLL_LISTENER, 0);
}

/* Of the errors of accept4() those that concern us, not the one client. */
static bool listener_starved(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS ||
	       error == ENOMEM;
}

static void listener_pause(struct host *h, int error)
{
	log_limited(&h->listener->limit, h->now, LOG_NO_FILES,
		    "cannot accept a client: %s", strerror(error));
	listener_listen(h, 0);
	host_timer(h, TIMER_ACCEPT, h->now + ACCEPT_PAUSE);
}

void listener_accept(struct host *h)
{
	for (unsigned int n = 0; n < ACCEPT_BATCH; n++) {
		int fd = accept4(h->listener->fd, NULL, NULL,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);
		int error = fd < 0 ? errno : -client_new(h, fd);

		if (listener_starved(error)) {
			listener_pause(h, error);
			return;
		}
		if (error == EAGAIN)
			return;
	}
}

void listener_resume(struct host *h)
{
	listener_listen(h, EPOLLIN);
}

void listener_close(struct host *h)
{
	struct listener *l = h->listener;

	if (!l)
		return;
	if (l->fd >= 0)
		close(l->fd);
	/* A socket that is kept for the next one keeps its name. */
	if (l->path && !descriptors_kept())
		unlink(l->path);
	talloc_free(l);
	h->listener = NULL;
}
