// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The topics load, clients, limits and ops: the machine's counts beside the
 * host's, in one record for each domain or client, so that who looks at them
 * has not to put them together from different moments.
 */
#include "xenstored/host/takings.h"

#include <errno.h>
#include <sys/socket.h>

#include "xenstored/core/look.h"
#include "xenstored/core/quota.h"
#include "xenstored/host/client.h"
#include "xenstored/host/guest.h"
#include "xenstored/host/meter.h"
#include "xenstored/host/words.h"

static void put_counts(struct words *w, const struct look_conn *c,
		       const struct meter *m)
{
	words_number(w, " requests=", c->counts.requests);
	words_number(w, " errors=", m->errors);
	words_number(w, " events=", c->counts.events);
	words_number(w, " merged=", c->counts.merged);
	words_number(w, " lost=", c->counts.lost);
	words_number(w, " conflicts=", c->counts.conflicts);
	words_number(w, " events_waiting=", c->events_waiting);
	words_number(w, " unread=", c->unread);
	words_number(w, " unread_us=", c->unread_us);
	words_number(w, " waiting=", c->waiting);
	words_number(w, " bytes_in=", m->in_bytes);
	words_number(w, " bytes_out=", m->out_bytes);
}

static void put_quotas(struct words *w, const struct look_domain *d)
{
	for (int i = 0; i < QUOTA_COUNT; i++) {
		if (!quota_table[i].counted)
			continue;
		words_add(w, " ");
		words_add(w, quota_table[i].name);
		words_number(w, "=", d->used[i]);
		words_add(w, " ");
		words_add(w, quota_table[i].name);
		words_number(w, "_max=", d->unlimited ? 0 : d->limit[i]);
	}
	words_number(w, " refused=", d->refused);
}

static void put_ring(struct words *w, const struct guest *g)
{
	const struct ring_page *p = g->ring.page;
	uint32_t req = ring_load_once(&p->req_prod) -
		       ring_load_once(&p->req_cons);
	uint32_t rsp = ring_load_once(&p->rsp_prod) -
		       ring_load_once(&p->rsp_cons);

	words_number(w, " req_fill=", req);
	words_number(w, " rsp_fill=", rsp);
	words_number(w, " connection=", ring_load_once(&p->connection));
	words_number(w, " error=", ring_load_once(&p->error));
	words_number(w, " notifies_in=", g->count.notifies_in);
	words_number(w, " notifies_out=", g->count.notifies_out);
	words_number(w, " resets=", g->count.resets);
}

static void put_domain(struct host *h, struct words *w,
		       const struct look_domain *d)
{
	const struct guest *g = guest_of(h, d->domid);
	static const struct meter none;

	words_number(w, "domid=", d->domid);
	words_add(w, g ? " kind=ring" : " kind=none");
	words_number(w, " introduced=", d->introduced);
	words_number(w, " shutdown=", d->shutdown);
	words_number(w, " dying=", d->dying);
	words_number(w, " features=", d->features);
	words_signed(w, " target=", d->target);
	put_quotas(w, d);
	put_counts(w, &d->ring, g ? &g->meter : &none);
	if (g)
		put_ring(w, g);
	words_histogram(w, " latency", g ? g->meter.latency : NULL);
	words_add(w, "\n");
}

uint32_t topic_load(struct host *h, struct words *w, struct span about)
{
	struct look_domain d;
	struct look_conn c;

	for (uint32_t domid = 0; look_domain(h->machine, domid, &d);
	     domid = d.domid + 1u)
		put_domain(h, w, &d);
	look_sockets(h->machine, &c);
	words_add(w, "domid=0 kind=sockets");
	words_number(w, " clients=", h->client_count);
	put_counts(w, &c, &h->meters->sockets);
	words_number(w, " outstanding=", c.outstanding);
	words_number(w, " transactions=", c.transactions);
	words_histogram(w, " latency", h->meters->sockets.latency);
	words_add(w, "\n");
	return 0;
}

struct client_list {
	struct host *host;
	struct words *w;
};

static void put_client(void *arg, const struct look_conn *c)
{
	struct client_list *l = arg;
	const struct client *client = client_of(l->host, c->id);
	struct ucred peer = { .pid = 0, .uid = 0 };
	socklen_t len = sizeof(peer);

	if (!client)
		return;
	/* One that was kept over a restart still tells who connected it. */
	(void)getsockopt(client->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len);
	words_number(l->w, "conn=", c->id);
	words_number(l->w, " pid=", (uint64_t)peer.pid);
	words_number(l->w, " uid=", peer.uid);
	put_counts(l->w, c, &client->meter);
	words_number(l->w, " outstanding=", c->outstanding);
	words_number(l->w, " transactions=", c->transactions);
	words_number(l->w, " watches=", c->watches);
	words_add(l->w, "\n");
}

uint32_t topic_clients(struct host *h, struct words *w, struct span about)
{
	struct client_list l = { h, w };

	look_clients(h->machine, put_client, &l);
	return 0;
}

uint32_t topic_limits(struct host *h, struct words *w, struct span about)
{
	for (int i = 0; i < QUOTA_COUNT; i++) {
		words_text(w, "quota=",
			   quota_known_as((enum quota_id)i));
		words_number(w, " limit=", look_limit(h->machine,
						      (enum quota_id)i));
		words_number(w, " initial=", quota_table[i].initial);
		words_number(w, " counted=", quota_table[i].counted);
		words_text(w, " meaning=", quota_table[i].text);
		words_add(w, "\n");
	}
	return 0;
}

uint32_t topic_ops(struct host *h, struct words *w, struct span about)
{
	for (unsigned int i = 0; i <= WIRE_OP_COUNT; i++) {
		const struct meter_op *op = &h->meters->op[i];

		if (!op->requests)
			continue;
		words_text(w, "op=", i < WIRE_OP_COUNT ? wire_op_name(i) :
			   "unknown");
		words_number(w, " requests=", op->requests);
		words_number(w, " errors=", op->errors);
		words_add(w, "\n");
	}
	return 0;
}
