// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Each message is its own socket: they are rare, and nothing is to be kept
 * open or noticed when the manager restarts.
 */
#include "xenstored/host/notify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "protocol/cursor.h"
#include "xenstored/host/log.h"

/* A ping may be late by a long pass and still be in time. */
#define WATCHDOG_PINGS 3u
/* Microseconds that a manager may take to make room for a message. */
#define NOTIFY_PATIENCE 100000

static bool notify_address(const char *path, struct sockaddr_un *addr,
			   socklen_t *len)
{
	size_t n = strlen(path);

	if ((path[0] != '/' && path[0] != '@') || n >= sizeof(addr->sun_path))
		return false;
	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(addr->sun_path, path, n);
	if (path[0] == '@')
		addr->sun_path[0] = '\0';
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	return true;
}

static int notify_datagram(const struct sockaddr_un *addr, socklen_t len,
			   const char *text, int passed)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .room = { 0 } };
	struct iovec iov = { (void *)(uintptr_t)text, strlen(text) };
	struct msghdr msg = {
		.msg_name = (void *)(uintptr_t)addr,
		.msg_namelen = len,
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};
	struct timeval patience = { .tv_usec = NOTIFY_PATIENCE };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int error = 0;

	if (fd < 0)
		return errno;
	if (passed >= 0) {
		msg.msg_control = control.room;
		msg.msg_controllen = sizeof(control.room);
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.head), &passed, sizeof(int));
	}
	/*
	 * What is about descriptors must not be lost while the manager is
	 * busy; but one that does not read must not stop the daemon.
	 */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (sendmsg(fd, &msg, MSG_NOSIGNAL) < 0)
		error = errno;
	close(fd);
	return error;
}

void notify_send_fd(const char *text, int fd)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un addr;
	socklen_t len;
	int error;

	if (!path || !*path)
		return;
	error = notify_address(path, &addr, &len) ?
		notify_datagram(&addr, len, text, fd) : EINVAL;
	if (error)
		log_say(LOG_NOTIFY, "cannot tell the service manager %s: %s",
			text, strerror(error));
}

void notify_send(const char *text)
{
	notify_send_fd(text, -1);
}

static bool notify_number(const char *name, uint64_t *n)
{
	const char *text = getenv(name);

	return text && span_number((struct span){ text, strlen(text) },
				   INT64_MAX, n);
}

/* Such a variable may be inherited from a parent that it was meant for. */
static bool notify_for_us(const char *name, bool needed)
{
	uint64_t pid;

	if (!getenv(name))
		return !needed;
	return notify_number(name, &pid) && pid == (uint64_t)getpid();
}

uint64_t notify_watchdog(void)
{
	uint64_t usec;

	if (!notify_for_us("WATCHDOG_PID", false) ||
	    !notify_number("WATCHDOG_USEC", &usec))
		return 0;
	return usec / WATCHDOG_PINGS;
}

uint64_t notify_listen_count(void)
{
	uint64_t count;

	if (!notify_for_us("LISTEN_PID", true) ||
	    !notify_number("LISTEN_FDS", &count))
		return 0;
	return count;
}
