// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Meters; see meter.h.  Replies are put aside until the pass ends and then
 * get one time, so that a pass over a thousand guests asks for it once.
 */
#include "xenstored/host/meter.h"

#include <errno.h>
#include <talloc.h>

#include "xenstored/core/look.h"
#include "xenstored/host/client.h"
#include "xenstored/host/guest.h"
#include "xenstored/host/host.h"

void meter_histogram_add(struct meter_histogram *m, uint64_t us, uint64_t n)
{
	unsigned int i = (unsigned int)us, octave;

	if (us >= 4) {
		octave = 62 - (unsigned int)__builtin_clzll(us);
		i = 4 * octave + (unsigned int)(us >> (octave - 1) & 3);
	}
	m->bucket[i < METER_BUCKETS ? i : METER_BUCKETS - 1] += n;
	m->sum += us * n;
	if (us > m->max)
		m->max = us;
}

uint64_t meter_histogram_floor(unsigned int bucket)
{
	return bucket < 4 ? bucket :
		(4ull + bucket % 4) << (bucket / 4 - 1);
}

int meter_open(struct host *h)
{
	h->meters = talloc_zero(h, struct meters);
	if (!h->meters)
		return -ENOMEM;
	h->meters->sockets.latency = &h->meters->sockets_latency;
	return 0;
}

void meter_begin(struct host *h, struct meter *m, uint32_t conn)
{
	bool left;

	m->answered = look_answered(h->machine, conn, &left);
	m->arrived = left ? h->now : 0;
	m->latest = m->arrived;
}

void meter_input(struct host *h, struct meter *m, size_t len)
{
	m->in_bytes += len;
	m->latest = h->now;
	if (!m->arrived)
		m->arrived = h->now;
}

void meter_output(struct host *h, struct meter *m, size_t len)
{
	m->out_bytes += len;
}

static void meter_flush(struct host *h, uint64_t now)
{
	struct meters *all = h->meters;

	for (unsigned int i = 0; i < all->pendings; i++)
		meter_histogram_add(all->pending[i].to,
				    now - all->pending[i].arrived,
				    all->pending[i].replies);
	all->pendings = 0;
}

static void meter_sum(struct meter_histogram *to,
		      const struct meter_histogram *m)
{
	for (unsigned int i = 0; i < METER_BUCKETS; i++)
		to->bucket[i] += m->bucket[i];
	to->sum += m->sum;
	if (m->max > to->max)
		to->max = m->max;
}

void meter_end(struct host *h, const struct meter *m)
{
	if (h->meters->pendings)
		meter_flush(h, host_clock());
	if (m->latency)
		meter_sum(&h->meters->gone, m->latency);
}

void meter_latency(const struct host *h, struct meter_histogram *out)
{
	*out = h->meters->gone;
	meter_sum(out, &h->meters->sockets_latency);
	for (struct list *l = h->guests.next; l != &h->guests; l = l->next) {
		const struct guest *g = list_of(l, struct guest, all);

		if (g->meter.latency)
			meter_sum(out, g->meter.latency);
	}
}

static void meter_pend(struct host *h, struct meter *m, uint64_t replies)
{
	struct meters *all = h->meters;

	if (all->pendings == METER_PENDING)
		meter_flush(h, host_clock());
	all->pending[all->pendings].to = m->latency;
	all->pending[all->pendings].arrived = m->arrived;
	all->pending[all->pendings].replies = replies;
	all->pendings++;
}

/* Where there is no memory for a histogram there is none. */
void meter_replies(struct host *h, struct meter *m, uint32_t conn,
		   void *owner)
{
	uint64_t answered;
	bool left;

	if (!m->arrived)
		return;
	answered = look_answered(h->machine, conn, &left);
	if (answered <= m->answered) {
		m->answered = answered;
		return;
	}
	if (!m->latency)
		m->latency = owner ? talloc_zero(owner,
						 struct meter_histogram) :
				     &h->meters->sockets_latency;
	if (m->latency)
		meter_pend(h, m, answered - m->answered);
	m->answered = answered;
	m->arrived = left ? m->latest : 0;
}

void meter_error(struct host *h, uint32_t conn)
{
	struct meters *all = h->meters;
	struct client *c = client_of(h, conn);
	struct guest *g = conn < MACHINE_SOCKET_BASE ? guest_of(h, conn) :
						       NULL;

	all->op[all->op_now].errors++;
	if (g)
		g->meter.errors++;
	if (conn >= MACHINE_SOCKET_BASE)
		all->sockets.errors++;
	if (c)
		c->meter.errors++;
}

void meter_pass(struct host *h)
{
	h->meters->ended = host_clock();
	meter_flush(h, h->meters->ended);
}

void meter_loop(struct host *h, bool slices)
{
	struct meters *all = h->meters;

	if (slices || all->slices)
		all->ended = host_clock();
	all->slices = slices;
	meter_histogram_add(&all->loop, all->ended - h->now, 1);
}
