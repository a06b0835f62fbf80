// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The physical limit: a daemon that does nothing but hand back the bytes it
 * is given, over the same sockets and rings and with the same system calls
 * that nobody can do without: one epoll_wait() for all that is ready, one
 * recv() and one send() a batch; for rings one read of the event channel
 * device, one unmask and one notification.
 *
 * The one message it understands is INTRODUCE, by which it learns of rings.
 */
#include "tools/xs-bench/echo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <xenevtchn.h>
#include <xengnttab.h>

#include "protocol/ring.h"
#include "protocol/wire.h"

#define ECHO_PORTS 65536u
#define ECHO_EVENTS 512

static struct echo {
	int epoll, listener;
	xenevtchn_handle *evtchn;
	xengnttab_handle *gnttab;
	struct ring_page *ring[ECHO_PORTS];	/* by local port */
	evtchn_port_t fired[1024];
	uint8_t bytes[65536];
} echo;

static bool echo_watch(int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	return fd >= 0 && !epoll_ctl(echo.epoll, EPOLL_CTL_ADD, fd, &ev);
}

static bool echo_listen(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	const char *path = getenv("XENSTORED_PATH");

	if (!path)
		return false;
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	echo.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return echo.listener >= 0 &&
	       !bind(echo.listener, (const struct sockaddr *)&un,
		     sizeof(un)) &&
	       !listen(echo.listener, 1024) && echo_watch(echo.listener);
}

/* domid, frame and port, each with its NUL. */
static void echo_introduce(const char *payload, size_t len)
{
	const char *frame = memchr(payload, 0, len);
	const char *port = frame ? memchr(frame + 1, 0, len -
			(size_t)(frame + 1 - payload)) : NULL;
	uint32_t domid = (uint32_t)strtoul(payload, NULL, 10);
	int local;

	if (!port || payload[len - 1])
		return;
	local = xenevtchn_bind_interdomain(echo.evtchn, domid, (evtchn_port_t)
					   strtoul(port + 1, NULL, 10));
	if (local >= 0 && local < (int)ECHO_PORTS)
		echo.ring[local] = xengnttab_map_grant_ref(echo.gnttab, domid,
				1, PROT_READ | PROT_WRITE);
}

static void echo_client(int fd)
{
	ssize_t n = recv(fd, echo.bytes, sizeof(echo.bytes), MSG_DONTWAIT);
	struct wire_header h;

	if (n <= 0) {
		close(fd);
		return;
	}
	if ((size_t)n > WIRE_HEADER_SIZE) {
		h = wire_header_get(echo.bytes);
		if (h.type == WIRE_INTRODUCE &&
		    (size_t)n == WIRE_HEADER_SIZE + h.len)
			echo_introduce((char *)echo.bytes + WIRE_HEADER_SIZE,
				       h.len);
	}
	if (send(fd, echo.bytes, (size_t)n, MSG_NOSIGNAL) != n)
		close(fd);
}

static void echo_ring(struct ring_page *p, evtchn_port_t port)
{
	uint32_t cons = ring_load_once(&p->req_cons);
	uint32_t prod = ring_load_once(&p->rsp_prod);
	uint32_t used = ring_used(ring_load_acquire(&p->req_prod), cons);
	uint32_t room = ring_room(prod, ring_load_acquire(&p->rsp_cons));

	if (used > room)
		used = room;
	if (!used)
		return;
	ring_copy_out(echo.bytes, p->req, cons, used);
	ring_store_release(&p->req_cons, cons + used);
	ring_copy_in(p->rsp, prod, echo.bytes, used);
	ring_store_release(&p->rsp_prod, prod + used);
	xenevtchn_notify(echo.evtchn, port);
}

static void echo_rings(void)
{
	ssize_t n = read(xenevtchn_fd(echo.evtchn), echo.fired,
			 sizeof(echo.fired));

	n = n > 0 ? n / (ssize_t)sizeof(echo.fired[0]) : 0;
	for (ssize_t i = 0; i < n; i++) {
		evtchn_port_t port = echo.fired[i];

		xenevtchn_unmask(echo.evtchn, port);
		if (port < ECHO_PORTS && echo.ring[port])
			echo_ring(echo.ring[port], port);
	}
}

static void echo_ready(int fd)
{
	if (fd == echo.listener)
		echo_watch(accept4(fd, NULL, NULL, SOCK_CLOEXEC));
	else if (fd == xenevtchn_fd(echo.evtchn))
		echo_rings();
	else
		echo_client(fd);
}

static bool echo_open(void)
{
	struct rlimit rl;
	int fd;

	if (!getrlimit(RLIMIT_NOFILE, &rl)) {
		rl.rlim_cur = rl.rlim_max;
		setrlimit(RLIMIT_NOFILE, &rl);
	}
	echo.epoll = epoll_create1(EPOLL_CLOEXEC);
	echo.evtchn = xenevtchn_open(NULL, 0);
	echo.gnttab = xengnttab_open(NULL, 0);
	if (echo.epoll < 0 || !echo.evtchn || !echo.gnttab)
		return false;
	fd = xenevtchn_fd(echo.evtchn);
	return fcntl(fd, F_SETFL, O_NONBLOCK) >= 0 && echo_watch(fd) &&
	       echo_listen();
}

int echo_main(void)
{
	struct epoll_event ev[ECHO_EVENTS];
	int n;

	if (!echo_open()) {
		perror("echo");
		return 1;
	}
	for (;;) {
		n = epoll_wait(echo.epoll, ev, ECHO_EVENTS, -1);
		for (int i = 0; i < n; i++)
			echo_ready(ev[i].data.fd);
	}
}
