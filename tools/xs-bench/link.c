// SPDX-License-Identifier: GPL-2.0-or-later
/* Clients' connections; see link.h. */
#include "tools/xs-bench/link.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* Nothing a daemon does takes longer, at any size that is measured. */
#define LINK_PATIENCE_MS 120000

bool batch_add(struct batch *b, enum wire_op op, uint32_t tx,
	       const char *text, const void *data, size_t len)
{
	size_t text_len = strlen(text) + 1;
	struct wire_header h = { .type = op, .tx_id = tx,
				 .len = (uint32_t)(text_len + len) };

	if (b->len + WIRE_HEADER_SIZE + h.len > sizeof(b->bytes))
		return false;
	wire_header_put(b->bytes + b->len, &h);
	b->len += WIRE_HEADER_SIZE;
	memcpy(b->bytes + b->len, text, text_len);
	if (len)
		memcpy(b->bytes + b->len + text_len, data, len);
	b->len += h.len;
	return true;
}

static int link_connect(struct link *l, const struct side *s)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	memset(l, 0, offsetof(struct link, in));
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", s->socket);
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (l->fd >= 0 && !connect(l->fd, (const struct sockaddr *)&un,
				   sizeof(un)))
		return 0;
	link_close(l);
	return -1;
}

int link_open(struct link *l, const struct side *s)
{
	if (!link_connect(l, s))
		return 0;
	perror(s->socket);
	return -1;
}

int link_first(struct link *l, const struct side *s)
{
	const struct timespec step = { .tv_nsec = 50000 };
	uint64_t end = side_now() + LINK_PATIENCE_MS * 1000000ull;

	while (link_connect(l, s)) {
		if (side_now() > end)
			return -1;
		nanosleep(&step, NULL);
	}
	return link_call(l, WIRE_READ, 0, "/", NULL, 0);
}

int link_attach(struct link *l, const struct side *s, struct simxen_hub *hub,
		unsigned int domid)
{
	int err;

	memset(l, 0, offsetof(struct link, in));
	l->fd = -1;
	err = simxen_guest_attach(s->machine, hub, domid, &l->guest);
	if (err) {
		fprintf(stderr, "guest %u: %s\n", domid, strerror(-err));
		return -1;
	}
	l->page = simxen_guest_page(l->guest);
	l->req_prod = ring_load_once(&l->page->req_prod);
	l->rsp_cons = ring_load_once(&l->page->rsp_cons);
	return 0;
}

void link_close(struct link *l)
{
	if (l->guest)
		simxen_guest_detach(l->guest);
	else if (l->fd >= 0)
		close(l->fd);
	l->guest = NULL;
	l->fd = -1;
}

static int ring_put(struct link *l, const struct batch *b)
{
	struct ring_page *p = l->page;

	if (ring_room(l->req_prod, ring_load_acquire(&p->req_cons)) < b->len)
		return -1;
	l->req_prod += (uint32_t)ring_copy_in(p->req, l->req_prod, b->bytes,
					      b->len);
	ring_store_release(&p->req_prod, l->req_prod);
	return simxen_guest_notify(l->guest) == 1 ? 0 : -1;
}

int link_put(struct link *l, const struct batch *b)
{
	size_t at = 0;

	if (l->guest)
		return ring_put(l, b);
	while (at < b->len) {
		ssize_t n = send(l->fd, b->bytes + at, b->len - at,
				 MSG_NOSIGNAL);

		if (n <= 0)
			return -1;
		at += (size_t)n;
	}
	return 0;
}

static ssize_t ring_get(struct link *l, bool block)
{
	struct ring_page *p = l->page;
	uint32_t used;

	for (;;) {
		used = ring_used(ring_load_acquire(&p->rsp_prod),
				 l->rsp_cons);
		if (used > RING_SIZE)
			return -1;
		if (used || !block)
			break;
		if (simxen_guest_wait(l->guest, LINK_PATIENCE_MS) != 1)
			return -1;
	}
	l->rsp_cons += (uint32_t)ring_copy_out(l->in + l->have, p->rsp,
					       l->rsp_cons, used);
	ring_store_release(&p->rsp_cons, l->rsp_cons);
	/* A full ring may have more behind it: the daemon has to be told. */
	if (used == RING_SIZE)
		simxen_guest_notify(l->guest);
	return used;
}

static ssize_t link_get(struct link *l, bool block)
{
	ssize_t n;

	if (l->guest)
		return ring_get(l, block);
	n = recv(l->fd, l->in + l->have, sizeof(l->in) - l->have,
		 block ? 0 : MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return 0;
	return n > 0 ? n : -1;
}

/* The messages of `in` that are whole: replies counted, the rest kept. */
static int link_parse(struct link *l)
{
	size_t at = 0;
	int replies = 0;

	while (l->have - at >= WIRE_HEADER_SIZE) {
		struct wire_header h = wire_header_get(l->in + at);

		if (h.len > WIRE_PAYLOAD_MAX)
			return -1;
		if (l->have - at < WIRE_HEADER_SIZE + h.len)
			break;
		if (h.type == WIRE_WATCH_EVENT) {
			l->events++;
		} else {
			l->type = h.type;
			l->tx = h.tx_id;
			l->len = h.len;
			memcpy(l->payload, l->in + at + WIRE_HEADER_SIZE,
			       h.len);
			l->payload[h.len] = '\0';
			replies++;
		}
		at += WIRE_HEADER_SIZE + h.len;
	}
	l->have -= at;
	if (l->have && at)
		memmove(l->in, l->in + at, l->have);
	return replies;
}

int link_take(struct link *l, bool block)
{
	ssize_t n = link_get(l, block);

	if (n < 0)
		return -1;
	l->have += (size_t)n;
	return link_parse(l);
}

int link_batch(struct link *l, const struct batch *b, unsigned int replies)
{
	unsigned int got = 0;

	if (link_put(l, b))
		return -1;
	while (got < replies) {
		int n = link_take(l, true);

		if (n < 0)
			return -1;
		got += (unsigned int)n;
	}
	return 0;
}

int link_call(struct link *l, enum wire_op op, uint32_t tx, const char *text,
	      const void *data, size_t len)
{
	static struct batch b;

	b.len = 0;
	if (!batch_add(&b, op, tx, text, data, len) || link_batch(l, &b, 1))
		return -1;
	if (l->type != WIRE_ERROR)
		return 0;
	return wire_error_number(l->payload, strlen(l->payload));
}

int link_write(struct link *l, uint32_t tx, const char *path,
	       const char *value)
{
	return link_call(l, WIRE_WRITE, tx, path, value, strlen(value));
}

int link_introduce(struct link *admin, const struct side *s)
{
	int domid = simxen_domain_add(s->machine, -1, NULL);
	struct simxen_domain_info info;
	char id[16], rest[64], path[64], perm[16];
	int n;

	if (domid < 0 || simxen_domain_info(s->machine, (unsigned int)domid,
					    &info))
		return -1;
	snprintf(id, sizeof(id), "%d", domid);
	n = snprintf(rest, sizeof(rest), "%lu%c%u", SIMXEN_GFN, 0, info.port);
	if (link_call(admin, WIRE_INTRODUCE, 0, id, rest, (size_t)n + 1))
		return -1;
	snprintf(path, sizeof(path), "/local/domain/%d/data", domid);
	n = snprintf(perm, sizeof(perm), "n%d", domid);
	if (link_call(admin, WIRE_WRITE, 0, path, "", 0) ||
	    link_call(admin, WIRE_SET_PERMS, 0, path, perm, (size_t)n + 1))
		return -1;
	return domid;
}
