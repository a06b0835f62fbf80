/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts, uses, transactions; see look.h. */
#include "xenstored/core/look.h"
#include "xenstored/core/conn.h"
#include "xenstored/core/domain.h"
#include "xenstored/core/transaction.h"

#include <string.h>

uint64_t look_now(const struct machine *m)
{
	return m->now;
}

const struct notes *look_notes(const struct machine *m)
{
	return m->notes;
}

uint64_t look_limit(const struct machine *m, enum quota_id row)
{
	return m->config.quota[row];
}

uint64_t look_answered(const struct machine *m, uint32_t conn, bool *left)
{
	const struct conn *c = conn_find(m, conn);

	*left = c && c->in_len;
	return c ? c->requests : 0;
}

static void look_conn(const struct machine *m, const struct conn *c,
		      struct look_conn *out)
{
	memset(out, 0, sizeof(*out));
	out->id = c->id;
	out->counts.requests = c->requests;
	out->counts.events = c->events;
	out->counts.merged = c->merged;
	out->counts.lost = c->lost_events;
	out->counts.conflicts = c->commits_lost;
	out->events_waiting = c->events_waiting;
	out->unread = c->out_bytes;
	out->unread_us = c->out ? m->now - c->unread_since : 0;
	out->waiting = conn_paused(c);
	out->outstanding = c->outstanding;
	out->transactions = c->transaction_count;
}

bool look_domain(const struct machine *m, uint32_t domid,
		 struct look_domain *out)
{
	uint32_t i = domain_next(m, domid);
	const struct domain *d;

	if (i >= STATE_DOMAINS)
		return false;
	d = m->domain[i];
	memset(out, 0, sizeof(*out));
	out->domid = d->domid;
	out->introduced = d->introduced;
	out->shutdown = d->shutdown_seen;
	out->dying = d->dying;
	out->unlimited = !d->domid;
	out->features = d->features;
	out->target = d->target;
	memcpy(out->used, d->used, sizeof(out->used));
	memcpy(out->limit, d->limit, sizeof(out->limit));
	for (int row = 0; row < QUOTA_COUNT; row++)
		out->refused += d->refused[row];
	if (d->conn)
		look_conn(m, d->conn, &out->ring);
	return true;
}

static void counts_add(struct note_counts *to, const struct note_counts *c)
{
	to->requests += c->requests;
	to->events += c->events;
	to->merged += c->merged;
	to->lost += c->lost;
	to->conflicts += c->conflicts;
}

void look_sockets(const struct machine *m, struct look_conn *out)
{
	memset(out, 0, sizeof(*out));
	out->counts = m->notes->gone;
	list_each(&m->conns, l) {
		const struct conn *c = list_entry(l, struct conn, in_machine);
		struct look_conn one;

		if (c->ring)
			continue;
		look_conn(m, c, &one);
		counts_add(&out->counts, &one.counts);
		out->events_waiting += one.events_waiting;
		out->unread += one.unread;
		if (one.unread_us > out->unread_us)
			out->unread_us = one.unread_us;
		out->waiting |= one.waiting;
		out->outstanding += one.outstanding;
		out->transactions += one.transactions;
	}
}

void look_clients(const struct machine *m,
		  void (*each)(void *arg, const struct look_conn *c),
		  void *arg)
{
	list_each(&m->conns, l) {
		const struct conn *c = list_entry(l, struct conn, in_machine);
		struct look_conn one;

		if (c->ring)
			continue;
		look_conn(m, c, &one);
		list_each(&c->watches, w)
			one.watches++;
		each(arg, &one);
	}
}

void look_transactions(const struct machine *m,
		       void (*each)(void *arg,
				    const struct look_transaction *t),
		       void *arg)
{
	list_each(&m->conns, l) {
		const struct conn *c = list_entry(l, struct conn, in_machine);

		list_each(&c->transactions, i) {
			const struct transaction *t =
				list_entry(i, struct transaction, in_conn);
			struct look_transaction one = {
				.conn = c->id,
				.id = t->id,
				.age_us = m->now - t->since,
				.paths = t->path_count,
				.failed = t->failed,
			};

			for (struct transaction_op *o = t->log; o; o = o->next)
				one.writes++;
			each(arg, &one);
		}
	}
}
