/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two pages of top beside its table: one row in full, and help. */
#include "tools/xs-probe/top.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tools/xs-probe/party.h"

#define BAR 40

/* Lines are added as long as there is room for them. */
struct page {
	struct top_line *line;
	unsigned int lines;
};

static void add(struct page *p, enum table_mark mark, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void add(struct page *p, enum table_mark mark, const char *format, ...)
{
	va_list ap;

	if (p->lines == TOP_DETAIL_LINES)
		return;
	va_start(ap, format);
	vsnprintf(p->line[p->lines].text, TOP_LINE_MAX, format, ap);
	va_end(ap);
	p->line[p->lines++].mark = mark;
}

/* Of which there is a quota, unless it is that of dom0. */
static const struct {
	enum load_field used, max;
	const char *what;
} quotas[] = {
	{ LOAD_NODES, LOAD_NODES_MAX, "nodes" },
	{ LOAD_MEMORY, LOAD_MEMORY_MAX, "memory" },
	{ LOAD_WATCHES, LOAD_WATCHES_MAX, "watches" },
	{ LOAD_TRANSACTIONS, LOAD_TRANSACTIONS_MAX, "transactions" },
	{ LOAD_OUTSTANDING, LOAD_OUTSTANDING_MAX, "outstanding" },
};

static const struct {
	enum load_field field;
	const char *what;
} counters[] = {
	{ LOAD_REQUESTS, "requests" },
	{ LOAD_ERRORS, "errors" },
	{ LOAD_BYTES_IN, "bytes in" },
	{ LOAD_BYTES_OUT, "bytes out" },
	{ LOAD_EVENTS, "events sent" },
	{ LOAD_MERGED, "events merged" },
	{ LOAD_LOST, "events lost" },
	{ LOAD_CONFLICTS, "conflicts" },
	{ LOAD_REFUSED, "refused" },
	{ LOAD_NOTIFIES_IN, "notified by it" },
	{ LOAD_NOTIFIES_OUT, "notified it" },
	{ LOAD_RESETS, "ring resets" },
};

static void add_quotas(struct page *p, const struct load_row *now)
{
	for (size_t i = 0; i < sizeof(quotas) / sizeof(quotas[0]); i++) {
		uint64_t used = now->n[quotas[i].used];
		uint64_t max = now->n[quotas[i].max];

		if (!max)
			add(p, TABLE_PLAIN, "  %-16s %12" PRIu64,
			    quotas[i].what, used);
		else
			add(p, used >= max ? TABLE_BAD :
			    used >= max - max / 10 ? TABLE_WARN : TABLE_PLAIN,
			    "  %-16s %12" PRIu64 " of %" PRIu64,
			    quotas[i].what, used, max);
	}
}

static void add_counters(struct page *p, const struct top_row *row)
{
	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
		char rate[16];

		top_short(rate, sizeof(rate), row->rate[counters[i].field]);
		add(p, TABLE_PLAIN, "  %-16s %12" PRIu64 "  %5s/s",
		    counters[i].what, row->now->n[counters[i].field], rate);
	}
}

static void add_state(struct page *p, const struct load_row *now)
{
	const uint64_t *n = now->n;
	char time[PARTY_MAX];

	if (now->kind == LOAD_RING)
		add(p, n[LOAD_RING_ERROR] ? TABLE_BAD : TABLE_PLAIN,
		    "  ring: %" PRIu64 " bytes of requests, %" PRIu64
		    " of replies, error %" PRIu64 "%s", n[LOAD_REQ_FILL],
		    n[LOAD_RSP_FILL], n[LOAD_RING_ERROR],
		    n[LOAD_CONNECTION] ? ", reset asked" : "");
	if (n[LOAD_UNREAD]) {
		party_time(time, n[LOAD_UNREAD_US]);
		add(p, n[LOAD_UNREAD_US] > 1000000 ? TABLE_WARN : TABLE_PLAIN,
		    "  it has not taken %" PRIu64 " bytes with %" PRIu64
		    " events; it took none for %s", n[LOAD_UNREAD],
		    n[LOAD_EVENTS_WAITING], time);
	}
	if (n[LOAD_WAITING])
		add(p, TABLE_WARN, "  its requests wait: it does not read, or "
		    "one of them waits for another's transaction");
	if (n[LOAD_SHUTDOWN])
		add(p, TABLE_PLAIN, "  it has shut down");
}

/* An octave to a line, from the first to the last that has any. */
static void add_latency(struct page *p, const struct histogram *h,
			const char *title)
{
	uint64_t octave[HISTOGRAM_BUCKETS / 4] = { 0 }, most = 0;
	unsigned int first = HISTOGRAM_BUCKETS / 4, last = 0;

	for (unsigned int i = 0; i < HISTOGRAM_BUCKETS; i++)
		octave[i / 4] += h->bucket[i];
	for (unsigned int i = 0; i < HISTOGRAM_BUCKETS / 4; i++) {
		if (!octave[i])
			continue;
		first = i < first ? i : first;
		last = i;
		most = octave[i] > most ? octave[i] : most;
	}
	add(p, TABLE_HEAD, "%s", title);
	if (!most)
		add(p, TABLE_PLAIN, "  none");
	for (unsigned int i = first; i <= last && most; i++) {
		static const char bars[] =
			"########################################";
		char from[PARTY_MAX];

		party_time(from, histogram_floor(4 * i));
		add(p, TABLE_PLAIN, "  from %9s %10" PRIu64 " %.*s", from,
		    octave[i], (int)((octave[i] * BAR + most - 1) / most),
		    bars);
	}
}

/* Each client of the socket, which have one row together. */
static void add_clients(struct page *p, const struct top *top)
{
	struct pages clients;

	add(p, TABLE_HEAD, "Clients (all since they connected)");
	if (pages_read(top->probe, &clients, "clients", "0", 0)) {
		add(p, TABLE_WARN, "  the daemon does not tell");
		pages_free(&clients);
		return;
	}
	for (size_t i = 0; i < clients.count; i++) {
		const struct record *r = &clients.record[i];
		char who[PARTY_MAX];
		uint64_t requests, waiting, watches;

		party_words(who, &clients, party_number(r, "conn"), "?");
		record_number(r, "requests", &requests);
		record_number(r, "events_waiting", &waiting);
		record_number(r, "watches", &watches);
		add(p, waiting ? TABLE_WARN : TABLE_PLAIN, "  %-24s %10" PRIu64
		    " requests %6" PRIu64 " watches %6" PRIu64
		    " events waiting", who, requests, watches, waiting);
	}
	pages_free(&clients);
}

unsigned int top_detail(const struct top *top, const struct top_row *row,
			struct top_line line[TOP_DETAIL_LINES])
{
	struct page p = { line, 0 };
	bool sockets = row->now->kind == LOAD_SOCKETS;

	if (sockets)
		add(&p, TABLE_HEAD, "All clients of the socket");
	else
		add(&p, TABLE_HEAD, "Domain %" PRIu32 "%s%s", row->now->domid,
		    *row->name ? ", " : "", row->name);
	add_state(&p, row->now);
	if (!sockets)
		add_quotas(&p, row->now);
	add(&p, TABLE_HEAD, "In all, and now");
	add_counters(&p, row);
	add_latency(&p, &row->recent, "Replies since the last reading");
	add_latency(&p, &row->now->latency, "Replies in all");
	if (sockets)
		add_clients(&p, top);
	return p.lines;
}

unsigned int top_help(struct top_line line[TOP_DETAIL_LINES])
{
	struct page p = { line, 0 };

	add(&p, TABLE_HEAD, "Keys");
	add(&p, TABLE_PLAIN, "  q          leave");
	add(&p, TABLE_PLAIN, "  up, down   choose a row (k, j; page up, "
	    "page down, home, end)");
	add(&p, TABLE_PLAIN, "  enter      that row in full; again, or "
	    "escape: back");
	add(&p, TABLE_PLAIN, "  < >        sort by the column to the left, to "
	    "the right");
	add(&p, TABLE_PLAIN, "  r          the other way round");
	add(&p, TABLE_PLAIN, "  /          show domids and names with that in "
	    "them only; empty: all");
	add(&p, TABLE_PLAIN, "  + -        look more often, less often");
	add(&p, TABLE_PLAIN, "  space      stand still, go on");
	add(&p, TABLE_PLAIN, "  ?          this page");
	add(&p, TABLE_PLAIN, "%s", "");
	add(&p, TABLE_HEAD, "Columns; a narrow screen has fewer");
	for (unsigned int i = 0; i < top_column_count; i++)
		add(&p, TABLE_PLAIN, "  %-10s %s", top_columns[i].title,
		    top_columns[i].meaning);
	add(&p, TABLE_PLAIN, "%s", "");
	add(&p, TABLE_WARN, "Yellow: at 90 %% of a quota, a reset asked, or "
	    "nothing taken for a second.");
	add(&p, TABLE_BAD, "Red: at a quota, or the ring is out of service.");
	return p.lines;
}
