// SPDX-License-Identifier: GPL-2.0-or-later
/* Closed loops; see row.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tools/xs-bench/row.h"

#define CROWD_EVENTS 512
#define CROWD_PATIENCE_MS 20000

static struct crowd *crowd_new(unsigned int links, unsigned int window)
{
	struct crowd *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->links = links;
	c->window = window;
	c->epoll = -1;
	c->link = calloc(links, sizeof(*c->link));
	c->batch = calloc(links, sizeof(*c->batch));
	c->due = calloc(links, sizeof(*c->due));
	c->count = calloc(links, sizeof(*c->count));
	if (c->link && c->batch && c->due && c->count) {
		for (unsigned int i = 0; i < links; i++)
			c->link[i].fd = -1;
		return c;
	}
	crowd_free(c);
	return NULL;
}

void crowd_free(struct crowd *c)
{
	if (!c)
		return;
	for (unsigned int i = 0; c->link && i < c->links; i++)
		link_close(&c->link[i]);
	simxen_hub_close(c->hub);
	if (c->epoll >= 0)
		close(c->epoll);
	free(c->link);
	free(c->batch);
	free(c->due);
	free(c->count);
	free(c->by_domid);
	free(c);
}

static bool crowd_fail(struct crowd *c, const struct side *s,
		       const char *what)
{
	fprintf(stderr, "%s: %s\n", side_names[s->id], what);
	crowd_free(c);
	return false;
}

static bool crowd_socket(struct crowd *c, struct side *s, unsigned int n,
			 enum wire_op op)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = n };
	struct link *l = &c->link[n];
	char path[32];

	snprintf(path, sizeof(path), "/bench/%u", n);
	if (link_open(l, s) || link_write(l, 0, path, "value"))
		return false;
	for (unsigned int i = 0; i < c->window; i++)
		if (!batch_add(&c->batch[n], op, 0, path, "value",
			       op == WIRE_WRITE ? 5 : 0))
			return false;
	return !epoll_ctl(c->epoll, EPOLL_CTL_ADD, l->fd, &ev);
}

struct crowd *crowd_sockets(struct side *s, unsigned int links,
			    unsigned int window, enum wire_op op)
{
	struct crowd *c = crowd_new(links, window);

	if (!c)
		return NULL;
	c->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (unsigned int n = 0; n < links; n++)
		if (!crowd_socket(c, s, n, op)) {
			crowd_fail(c, s, "cannot connect all");
			return NULL;
		}
	return c;
}

static bool crowd_ring(struct crowd *c, struct side *s, unsigned int n,
		       const char *path, struct link *admin)
{
	int domid = link_introduce(admin, s);
	char own[64];

	if (domid < 0 || link_attach(&c->link[n], s, c->hub,
				     (unsigned int)domid))
		return false;
	c->by_domid[domid] = n;
	snprintf(own, sizeof(own), "/local/domain/%d/data", domid);
	for (unsigned int i = 0; i < c->window; i++)
		if (!batch_add(&c->batch[n], WIRE_WRITE, 0, path ? path : own,
			       "value", 5))
			return false;
	return true;
}

struct crowd *crowd_rings(struct side *s, unsigned int links,
			  unsigned int window, const char *path,
			  struct link *admin)
{
	struct crowd *c = crowd_new(links, window);

	if (!c)
		return NULL;
	c->by_domid = calloc(SIMXEN_MAX_DOMID + 1, sizeof(*c->by_domid));
	if (!c->by_domid || simxen_hub_open(s->machine, &c->hub)) {
		crowd_fail(c, s, "no hub");
		return NULL;
	}
	for (unsigned int n = 0; n < links; n++)
		if (!crowd_ring(c, s, n, path, admin)) {
			crowd_fail(c, s, "cannot introduce all guests");
			return NULL;
		}
	return c;
}

static bool crowd_next(struct crowd *c, unsigned int n)
{
	c->due[n] = c->window;
	return !link_put(&c->link[n], &c->batch[n]);
}

static bool crowd_look(struct crowd *c, unsigned int n, bool on)
{
	int got = link_take(&c->link[n], false);

	if (got < 0 || (unsigned int)got > c->due[n])
		return false;
	c->due[n] -= (unsigned int)got;
	c->count[n] += (unsigned int)got;
	c->slice_count += (unsigned int)got;
	return c->due[n] || !on || !got || crowd_next(c, n);
}

static bool crowd_sockets_turn(struct crowd *c, bool on)
{
	struct epoll_event ev[CROWD_EVENTS];
	int n = epoll_wait(c->epoll, ev, CROWD_EVENTS, CROWD_PATIENCE_MS);

	for (int i = 0; i < n; i++)
		if (!crowd_look(c, ev[i].data.u32, on))
			return false;
	return n > 0;
}

static bool crowd_rings_turn(struct crowd *c, bool on)
{
	int domid;

	if (simxen_hub_wait(c->hub, CROWD_PATIENCE_MS) != 1)
		return false;
	while ((domid = simxen_hub_next(c->hub)) >= 0)
		if (!crowd_look(c, c->by_domid[domid], on))
			return false;
	return true;
}

static bool crowd_turn(struct crowd *c, bool on)
{
	return c->hub ? crowd_rings_turn(c, on) : crowd_sockets_turn(c, on);
}

bool crowd_spin(struct crowd *c)
{
	for (unsigned int n = 0; n < c->links; n++)
		if (c->due[n] ? !crowd_look(c, n, true) : !crowd_next(c, n))
			return false;
	return true;
}

static bool crowd_waits(const struct crowd *c)
{
	for (unsigned int n = 0; n < c->links; n++)
		if (c->due[n])
			return true;
	return false;
}

static void crowd_slice(struct crowd *c, struct side *s, unsigned int metric,
			uint64_t now)
{
	double ns = (double)(now - c->slice_from);

	if (ns < CROWD_SLICE_NS)
		return;
	side_sample(s, metric, (double)c->slice_count * 1e9 / ns);
	c->slice_from = now;
	c->slice_count = 0;
}

bool crowd_run(struct crowd *c, struct side *s, unsigned int metric,
	       uint64_t ns)
{
	uint64_t end = side_now() + ns;
	bool ok = true;

	c->slice_from = side_now();
	c->slice_count = 0;
	for (unsigned int n = 0; n < c->links && ok; n++)
		ok = crowd_next(c, n);
	while (ok && side_now() < end) {
		ok = crowd_turn(c, true);
		crowd_slice(c, s, metric, side_now());
	}
	while (ok && crowd_waits(c))
		ok = crowd_turn(c, false);
	if (!ok)
		fprintf(stderr, "%s: a client got no answer\n",
			side_names[s->id]);
	return ok;
}
