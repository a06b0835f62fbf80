// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ring's half keeps the rules of docs/protocol/ring.md as a plain guest
 * does: notify after each move of an index, wait for events, look again.
 */
#include "tests/kill/link.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void link_ring(struct link *l, struct simxen_guest *guest)
{
	*l = (struct link){ .guest = guest, .fd = -1 };
	l->page = simxen_guest_page(guest);
	l->req_prod = ring_load_once(&l->page->req_prod);
	l->rsp_cons = ring_load_once(&l->page->rsp_cons);
}

void link_socket(struct link *l, const char *path)
{
	*l = (struct link){ .path = path, .fd = -1 };
}

int link_connect(struct link *l)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	if (l->guest)
		return 0;
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", l->path);
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (l->fd >= 0 && !connect(l->fd, (const struct sockaddr *)&un,
				   sizeof(un)))
		return 0;
	link_disconnect(l);
	return LINK_LOST;
}

void link_disconnect(struct link *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

/* What no recovery may show to a guest that did not ask for a reset. */
static bool ring_sound(struct link *l)
{
	struct ring_page *p = l->page;
	uint32_t cons = ring_load_acquire(&p->req_cons);
	uint32_t prod = ring_load_acquire(&p->rsp_prod);
	uint32_t error = ring_load_once(&p->error);

	if (!error && ring_valid(l->req_prod, cons) &&
	    ring_valid(prod, l->rsp_cons))
		return true;
	snprintf(l->why, sizeof(l->why), "error=%u,req=%u/%u,rsp=%u/%u",
		 error, cons, l->req_prod, l->rsp_cons, prod);
	return false;
}

static ssize_t ring_put(struct link *l, const void *bytes, size_t len)
{
	struct ring_page *p = l->page;
	uint32_t room;

	if (!ring_sound(l))
		return LINK_BROKEN;
	room = ring_room(l->req_prod, ring_load_acquire(&p->req_cons));
	len = ring_copy_in(p->req, l->req_prod, bytes,
			   len < room ? len : room);
	if (!len)
		return 0;
	l->req_prod += (uint32_t)len;
	ring_store_release(&p->req_prod, l->req_prod);
	simxen_guest_notify(l->guest);
	return (ssize_t)len;
}

static ssize_t ring_get(struct link *l, void *bytes, size_t len)
{
	struct ring_page *p = l->page;
	uint32_t used;

	if (!ring_sound(l))
		return LINK_BROKEN;
	used = ring_used(ring_load_acquire(&p->rsp_prod), l->rsp_cons);
	len = ring_copy_out(bytes, p->rsp, l->rsp_cons,
			    len < used ? len : used);
	if (!len)
		return 0;
	l->rsp_cons += (uint32_t)len;
	ring_store_release(&p->rsp_cons, l->rsp_cons);
	simxen_guest_notify(l->guest);
	return (ssize_t)len;
}

static ssize_t socket_result(ssize_t n)
{
	if (n > 0)
		return n;
	return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : LINK_LOST;
}

ssize_t link_put(struct link *l, const void *bytes, size_t len)
{
	if (l->guest)
		return ring_put(l, bytes, len);
	return socket_result(send(l->fd, bytes, len,
				  MSG_DONTWAIT | MSG_NOSIGNAL));
}

ssize_t link_get(struct link *l, void *bytes, size_t len)
{
	if (l->guest)
		return ring_get(l, bytes, len);
	return socket_result(recv(l->fd, bytes, len, MSG_DONTWAIT));
}

void link_wait(struct link *l, bool output, int ms)
{
	struct pollfd pfd = { l->fd, POLLIN, 0 };

	if (l->guest) {
		simxen_guest_wait(l->guest, ms);
		return;
	}
	if (output)
		pfd.events |= POLLOUT;
	poll(&pfd, 1, ms);
}

bool link_can_reset(const struct link *l)
{
	return ring_load_once(&l->page->features) & RING_FEATURE_RECONNECT;
}

void link_reset(struct link *l)
{
	ring_store_release(&l->page->connection, RING_RECONNECT);
	simxen_guest_notify(l->guest);
}

int link_reset_done(struct link *l)
{
	if (ring_load_acquire(&l->page->connection) != RING_CONNECTED)
		return 0;
	l->req_prod = 0;
	l->rsp_cons = 0;
	return 1;
}
