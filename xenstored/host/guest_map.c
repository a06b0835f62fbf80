// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How a ring comes to be served and ceases to be: its page, its event channel
 * and its place in the host; its turns are in guest.c.  What fails on the way
 * leaves nothing behind.
 */
#include "xenstored/host/guest.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>

#include "xenstored/host/evtchn.h"
#include "xenstored/host/fault.h"
#include "xenstored/host/journal.h"
#include "xenstored/host/mapping.h"
#include "xenstored/host/recovery.h"

static void guest_link(struct host *h, struct guest *g)
{
	list_init(&g->ready);
	list_init(&g->out);
	list_init(&g->settle);
	list_init(&g->all);
	list_queue(&h->guests, &g->all);
	h->guest_count++;
	meter_begin(h, &g->meter, g->domid);
	host_timer(h, TIMER_SWEEP, h->now + GUEST_SWEEP_US);
}

static void guest_unlink(struct guest *g)
{
	list_del(&g->ready);
	list_del(&g->out);
	list_del(&g->settle);
	list_del(&g->all);
	g->host->guest_count--;
	meter_end(g->host, &g->meter);
}

/* A first turn, and a notification whatever it finds. */
static void guest_begin(struct guest *g)
{
	g->notify = true;
	list_queue(&g->host->ready, &g->ready);
}

/* The page's own port wins: Xen put it there for a domain built by it. */
static uint32_t guest_remote_port(const struct ring_page *page,
				  const struct machine_ask *ask)
{
	uint32_t port = ring_load_once(&page->evtchn_port);

	return port ? port : ask->port;
}

static int guest_bind(struct guest *g, uint32_t remote)
{
	uint32_t local;
	int error;

	if (!remote)
		return -EINVAL;
	error = evtchn_bind(g->host->evtchn, g->domid, remote, g, &local);
	if (error)
		return error;
	fault_point("bound");
	g->port = local;
	g->remote = remote;
	g->bound = true;
	return 0;
}

static void guest_unbind(struct guest *g)
{
	if (g->bound)
		evtchn_unbind(g->host->evtchn, g->port);
	g->bound = false;
}

void guest_note(struct guest *g)
{
	if (g->host->journal)
		journal_ring(g->host->journal, g->domid, g->port, g->remote,
			     g->ring.req_cons, g->ring.rsp_prod);
}

static int guest_rebind(struct guest *g, const struct machine_ask *ask)
{
	uint32_t remote = guest_remote_port(g->ring.page, ask);
	/* Of a ring taken over from the C daemon the other end is unknown. */
	bool same = g->bound && (remote == g->remote || !g->remote);
	bool had = g->bound;
	uint32_t old = g->port;
	int error;

	if (same)
		guest_unbind(g);
	error = guest_bind(g, remote);
	if (error && same)
		guest_fail(g, RING_ERROR_COMM);
	if (error)
		return error;
	if (had && !same)
		evtchn_unbind(g->host->evtchn, old);
	guest_note(g);
	guest_begin(g);
	return 0;
}

static int guest_attach(struct guest *g, const struct machine_ask *ask)
{
	struct host *h = g->host;
	struct ring_page *page;
	int error;

	error = mapping_get(h->mapping, g->domid, &page);
	if (error)
		return error;
	error = guest_bind(g, guest_remote_port(page, ask));
	if (!error) {
		error = table_set(&h->by_domid, g->domid, g);
		if (!error) {
			ring_attach(&g->ring, page, ask->features);
			return 0;
		}
		guest_unbind(g);
	}
	mapping_put(h->mapping, g->domid, page);
	return error;
}

static int guest_new(struct host *h, const struct machine_ask *ask)
{
	struct guest *g = talloc_zero(h, struct guest);
	int error;

	if (!g)
		return -ENOMEM;
	g->host = h;
	g->domid = ask->domid;
	error = guest_attach(g, ask);
	if (error) {
		talloc_free(g);
		return error;
	}
	guest_link(h, g);
	guest_note(g);
	guest_begin(g);
	return 0;
}

/* The port of a kept handle, or the guest's port bound once more. */
static int guest_resume_port(struct guest *g,
			     const struct recovered_ring *was)
{
	struct host *h = g->host;

	if (was->unbound)
		return 0;
	if (!evtchn_kept(h->evtchn))
		return guest_bind(g, was->remote);
	g->port = was->port;
	g->remote = was->remote;
	g->bound = true;
	return evtchn_adopt(h->evtchn, g->port, g);
}

static int guest_resume(struct guest *g, const struct recovered_ring *was,
			bool failed)
{
	struct host *h = g->host;
	struct ring_page *page;
	int error;

	error = mapping_get(h->mapping, g->domid, &page);
	if (error)
		return error;
	error = guest_resume_port(g, was);
	if (!error)
		error = table_set(&h->by_domid, g->domid, g);
	if (error) {
		guest_unbind(g);
		mapping_put(h->mapping, g->domid, page);
		return error;
	}
	ring_resume(&g->ring, page, machine_features(h->machine, g->domid),
		    was->req_cons, was->rsp_prod, failed);
	return 0;
}

int guest_restore(struct host *h, const struct recovered_ring *was,
		  bool failed)
{
	struct guest *g = talloc_zero(h, struct guest);
	int error;

	if (!g)
		return -ENOMEM;
	g->host = h;
	g->domid = was->domid;
	error = guest_resume(g, was, failed);
	if (error) {
		talloc_free(g);
		return error;
	}
	guest_link(h, g);
	guest_note(g);
	guest_begin(g);
	list_queue(&h->guests_out, &g->out);
	list_queue(&h->settle, &g->settle);
	return 0;
}

uint32_t guest_map(struct host *h, const struct machine_ask *ask)
{
	struct guest *g = guest_of(h, ask->domid);
	int error;

	if (!h->mapping)
		return ENXIO;
	error = g ? guest_rebind(g, ask) : guest_new(h, ask);
	if (error)
		log_say(LOG_RING_NOT_MAPPED, "domain %u, port %u: %s",
			ask->domid, ask->port, strerror(-error));
	else
		log_say(LOG_RING_MAPPED, "domain %u, port %u, features %#x",
			ask->domid, ask->port, ask->features);
	return (uint32_t)-error;
}

static void guest_free(struct guest *g, struct ring_page *page)
{
	struct host *h = g->host;

	guest_unlink(g);
	table_set(&h->by_domid, g->domid, NULL);
	/* Until then Xen keeps a dead domain. */
	mapping_put(h->mapping, g->domid, page);
	talloc_free(g);
}

void guest_unmap(struct host *h, uint32_t domid)
{
	struct guest *g = guest_of(h, domid);
	struct ring_page *page;

	if (!g)
		return;
	page = g->ring.page;
	ring_detach(&g->ring);
	guest_unbind(g);
	guest_free(g, page);
}

/* Ports stay bound: the handle may be kept for who comes next. */
void guest_forget_all(struct host *h)
{
	struct guest *g;

	while (!list_empty(&h->guests)) {
		g = list_of(h->guests.next, struct guest, all);
		guest_free(g, g->ring.page);
	}
}
