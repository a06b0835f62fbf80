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
#include <sys/un.h>
#include <unistd.h>

#include "protocol/cursor.h"
#include "xenstored/host/log.h"

#define LISTEN_FDS_START 3
/* A ping may be late by a long pass and still be in time. */
#define WATCHDOG_PINGS 3u

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
			   const char *text)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int error = 0;

	if (fd < 0)
		return errno;
	/* A manager that does not read must not stop the daemon. */
	if (sendto(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL,
		   (const struct sockaddr *)addr, len) < 0)
		error = errno;
	close(fd);
	return error;
}

void notify_send(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un addr;
	socklen_t len;
	int error;

	if (!path || !*path)
		return;
	error = notify_address(path, &addr, &len) ?
		notify_datagram(&addr, len, text) : EINVAL;
	if (error)
		log_say(LOG_NOTIFY, "cannot tell the service manager %s: %s",
			text, strerror(error));
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

int notify_listen_fd(void)
{
	uint64_t count;
	int listening = 0;
	socklen_t len = sizeof(listening);

	if (!notify_for_us("LISTEN_PID", true) ||
	    !notify_number("LISTEN_FDS", &count))
		return -1;
	if (count > 1024)
		return -1;
	for (int fd = LISTEN_FDS_START;
	     fd < LISTEN_FDS_START + (int)count; fd++)
		if (!getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening,
				&len) && listening)
			return fd;
	return -1;
}
