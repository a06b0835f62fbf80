/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The example guests' common part; guest.h says what and why. */
#include "tools/examples/guest.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void step(bool ok, const char *fmt, ...)
{
	va_list ap;

	fputs(ok ? "ok " : "FAILED ", stdout);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
	if (!ok)
		exit(1);
}

unsigned long guest_number(const char *text, unsigned long max)
{
	uint64_t n;

	if (px_client_parse_number(text, strlen(text), max, &n) < 0) {
		fprintf(stderr, "'%s' is not a number up to %lu\n", text, max);
		exit(2);
	}
	return n;
}

/* An event sent to nobody is lost, as on Xen; that is no failure. */
static int ring_notify(void *ctx)
{
	struct guest *g = ctx;
	int ret = simxen_guest_notify(g->sim);

	return ret < 0 ? ret : 0;
}

static int ring_wait(void *ctx)
{
	struct guest *g = ctx;
	int ret = simxen_guest_wait(g->sim, 100);

	return ret < 0 ? ret : 0;
}

const struct px_ring_ops guest_ring_ops = { ring_notify, ring_wait };

static int ring_event(void *ctx)
{
	struct guest *g = ctx;
	int ret = simxen_guest_wait(g->sim, 0);

	return ret < 0 ? ret : 0;
}

void guest_attach(struct guest *g, unsigned int domid)
{
	int err;

	memset(g, 0, sizeof(*g));
	g->domid = domid;
	err = simxen_open(NULL, &g->machine);
	if (err)
		step(false, "join the machine in $SIMXEN_DIR: %s",
		     strerror(-err));
	err = simxen_guest_attach(g->machine, NULL, domid, &g->sim);
	if (err)
		step(false, "become domain %u: %s", domid, strerror(-err));
	g->page = simxen_guest_page(g->sim);
}

void guest_connect(struct guest *g)
{
	size_t size = px_client_size(NULL);
	void *memory = malloc(size);
	int err;

	if (!memory)
		step(false, "memory for a client");
	px_transport_ring_init(&g->transport, g->page, &guest_ring_ops, g, 0,
			       simxen_guest_fd(g->sim), ring_event);
	err = px_client_init(memory, size, NULL, &g->client);
	if (!err)
		err = px_client_open(g->client, &g->transport.base);
	if (!err)
		err = px_client_wait_up(g->client, GUEST_PATIENCE);
	if (err)
		step(false, "domain %u connects its ring: %s", g->domid,
		     strerror(-err));
}

void guest_leave(struct guest *g)
{
	if (g->client)
		px_client_close(g->client);
	free(g->client);
	simxen_guest_detach(g->sim);
	simxen_close(g->machine);
}

ssize_t guest_read(struct guest *g, uint32_t tx, const char *path,
		   char *value, size_t size)
{
	return px_client_call_path(g->client, WIRE_READ, tx, path, value,
				   size, GUEST_PATIENCE);
}

int guest_write(struct guest *g, uint32_t tx, const char *path,
		const char *value)
{
	struct px_bytes parts[] = {
		{ path, strlen(path) + 1 }, { value, strlen(value) },
	};
	char reply[8];
	ssize_t n = px_client_call(g->client, WIRE_WRITE, tx, parts, 2, reply,
				   sizeof(reply), GUEST_PATIENCE);

	return n < 0 ? (int)n : 0;
}

int64_t guest_start(struct guest *g)
{
	char reply[16];
	uint64_t tx;
	ssize_t n = px_client_call_path(g->client, WIRE_TRANSACTION_START, 0,
					"", reply, sizeof(reply),
					GUEST_PATIENCE);

	if (n < 0)
		return n;
	n = px_client_parse_number(reply, n, UINT32_MAX, &tx);
	return n < 0 ? n : (int64_t)tx;
}

int guest_end(struct guest *g, uint32_t tx, bool commit)
{
	char reply[8];
	ssize_t n = px_client_call_path(g->client, WIRE_TRANSACTION_END, tx,
					commit ? "T" : "F", reply,
					sizeof(reply), GUEST_PATIENCE);

	return n < 0 ? (int)n : 0;
}

static void node_event(void *arg, int error, const char *path)
{
	struct guest_node *node = arg;

	if (error)
		step(false, "watch %s: %s", node->watch.path,
		     strerror(-error));
	node->fired = 1;
	node->events++;
}

int guest_follow(struct guest *g, struct guest_node *node, const char *path)
{
	memset(node, 0, sizeof(*node));
	node->watch.path = path;
	node->watch.depth = -1;
	node->watch.event = node_event;
	node->watch.arg = node;
	return px_client_watch(g->client, &node->watch);
}

int guest_until(struct guest *g, struct guest_node *node, const char *value)
{
	uint64_t end = px_client_now() + GUEST_PATIENCE;
	char now[256];
	ssize_t n;
	int err;

	for (;;) {
		uint64_t at = px_client_now();

		err = px_client_wait(g->client, &node->fired,
				     at < end ? end - at : 0);
		if (err)
			return err;
		node->fired = 0;
		n = guest_read(g, 0, node->watch.path, now, sizeof(now));
		if (n < 0 && n != -ENOENT)
			return (int)n;
		if (n >= 0 && (!value || !strcmp(now, value)))
			return 0;
	}
}
