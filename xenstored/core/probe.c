/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Probe pages; see probe.h.  The cursor line goes first but is known last,
 * so records are written behind room for it, and the page is closed up.
 */
#include "xenstored/core/probe.h"
#include "xenstored/core/conn.h"
#include "xenstored/core/domain.h"
#include "xenstored/core/quota.h"

#include <stdio.h>
#include <string.h>

#define CURSOR_ROOM 12		/* "4294967295\n" and a NUL */

static void page_start(struct request *r)
{
	r->m->reply_len = CURSOR_ROOM;
}

static void page_end(struct request *r, uint32_t next)
{
	struct machine *m = r->m;
	char text[CURSOR_ROOM];
	size_t n = (size_t)snprintf(text, sizeof(text), "%u\n", next);

	memcpy(m->reply, text, n);
	memmove(m->reply + n, m->reply + CURSOR_ROOM,
		m->reply_len - CURSOR_ROOM);
	m->reply_len -= CURSOR_ROOM - n;
	m->reply_over = false;
}

/* False, and the page as before, if the record does not fit. */
static bool record_fits(struct request *r, size_t before)
{
	if (!r->m->reply_over)
		return true;
	r->m->reply_len = before;
	return false;
}

static unsigned long long big(uint64_t v)
{
	return (unsigned long long)v;
}

static void reply_escaped(struct request *r, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char b = (unsigned char)text[i];

		if (b > ' ' && b <= '~' && b != '%')
			reply_bytes(r, text + i, 1);
		else
			reply_format(r, "%%%02X", b);
	}
}

static void topic_status(struct request *r, uint32_t cursor)
{
	struct machine *m = r->m;
	uint64_t watches = 0;

	for (uint32_t i = domain_next(m, 0); i < STATE_DOMAINS;
	     i = domain_next(m, i + 1))
		watches += m->domain[i]->used[QUOTA_WATCHES];
	reply_format(r, "daemon=proxenos version=");
	reply_escaped(r, m->config.version, strlen(m->config.version));
	reply_format(r, " machine=%u uptime_us=%llu nodes=%llu domains=%u"
		     " sockets=%u watches=%llu transactions=%u requests=%llu"
		     " events=%llu merged=%llu lost=%llu conflicts=%llu"
		     " refused=%llu held=%llu\n", MACHINE_VERSION,
		     big(m->now - m->started), big(m->nodes), m->domains,
		     m->socket_count, big(watches), m->transactions,
		     big(m->counts.requests), big(m->counts.events),
		     big(m->counts.merged), big(m->counts.lost),
		     big(m->counts.conflicts), big(m->counts.refused),
		     big(m->counts.held));
	page_end(r, 0);
}

static uint64_t refused_sum(const struct domain *d)
{
	uint64_t n = 0;

	for (int i = 0; i < QUOTA_COUNT; i++)
		n += d->refused[i];
	return n;
}

static void domain_record(struct request *r, const struct domain *d)
{
	const struct conn *c = d->conn;
	static const struct conn none;

	if (!c)
		c = &none;
	reply_format(r, "domid=%u introduced=%d shutdown=%d features=%u"
		     " target=%d", d->domid, d->introduced, d->shutdown_seen,
		     d->features, d->target);
	for (int i = 0; i < QUOTA_COUNT; i++)
		if (quota_table[i].counted)
			reply_format(r, " %s=%llu %s_max=%llu",
				     quota_table[i].name, big(d->used[i]),
				     quota_table[i].name,
				     d->domid ? big(d->limit[i]) : 0);
	reply_format(r, " requests=%llu events=%llu merged=%llu lost=%llu"
		     " refused=%llu waiting=%d\n", big(c->requests),
		     big(c->events), big(c->merged), big(c->lost_events),
		     big(refused_sum(d)), d->conn && conn_paused(d->conn));
}

static void topic_domains(struct request *r, uint32_t cursor)
{
	struct machine *m = r->m;
	size_t before;

	for (uint32_t i = domain_next(m, cursor); i < STATE_DOMAINS;
	     i = domain_next(m, i + 1)) {
		before = m->reply_len;
		domain_record(r, m->domain[i]);
		if (record_fits(r, before))
			continue;
		page_end(r, i);
		return;
	}
	page_end(r, 0);
}

static void topic_quotas(struct request *r, uint32_t cursor)
{
	struct machine *m = r->m;
	size_t before;

	for (uint32_t i = domain_next(m, cursor); i < STATE_DOMAINS;
	     i = domain_next(m, i + 1)) {
		struct domain *d = m->domain[i];

		before = m->reply_len;
		for (int row = 0; row < QUOTA_COUNT; row++)
			if (d->refused[row])
				reply_format(r, "domid=%u quota=%s limit=%llu"
					     " refused=%llu\n", d->domid,
					     quota_known_as(row),
					     big(d->limit[row]),
					     big(d->refused[row]));
		if (record_fits(r, before))
			continue;
		page_end(r, i);
		return;
	}
	page_end(r, 0);
}

static void record_finding(void *arg, const char *text)
{
	struct request *r = arg;
	size_t before = r->m->reply_len;

	reply_format(r, "finding=");
	reply_escaped(r, text, strlen(text));
	reply_format(r, "\n");
	/* Room is kept for the last line; the log has them all. */
	if (r->m->reply_over || r->m->reply_len > WIRE_PAYLOAD_MAX - 64) {
		r->m->reply_len = before;
		r->m->reply_over = false;
	}
}

static void topic_check(struct request *r, uint32_t cursor)
{
	unsigned int n = machine_check(r->m, record_finding, r);

	reply_format(r, "findings=%u\n", n);
	page_end(r, 0);
}

static const struct {
	const char *name;
	void (*page)(struct request *r, uint32_t cursor);
} topics[] = {
	{ "status", topic_status },
	{ "domains", topic_domains },
	{ "quotas", topic_quotas },
	{ "check", topic_check },
};

bool probe_topic(struct request *r, struct span topic, uint32_t cursor)
{
	for (unsigned int i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
		if (!span_is(topic, topics[i].name))
			continue;
		page_start(r);
		topics[i].page(r, cursor);
		return true;
	}
	return false;
}
