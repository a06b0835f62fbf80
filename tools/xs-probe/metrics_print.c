/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Families of metrics, by tables: those with one value, out of `status` and
 * `host`; those with a value for each domain, out of `load`; histograms; and
 * the few that have a topic of their own.  All samples of a family stand
 * together, as the format wants it.
 *
 * A domain is the label `domain`, its domid, or "sockets" for all clients of
 * the socket.  Times are seconds.  A histogram has twelve buckets, at powers
 * of four microseconds, where the daemon's have an edge too: values are whole
 * microseconds, rounded down, so that "less than" is what `le` means.
 */
#include "tools/xs-probe/metrics.h"

#include <inttypes.h>
#include <string.h>

#define PREFIX "proxenos_"
#define EDGES 11u

struct family {
	const char *name, *type, *help;
};

static void head(FILE *out, const struct family *f)
{
	fprintf(out, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n",
		f->name, f->help, f->name, f->type);
}

/* The value of a label. */
static void label(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n')
			fputs("\\n", out);
		else if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else if (*text >= ' ' && *text <= '~')
			fputc(*text, out);
		else
			fputc('?', out);
	}
}

/* A number; microseconds as seconds. */
static void value(FILE *out, uint64_t n, bool us)
{
	if (us)
		fprintf(out, "%" PRIu64 ".%06u\n", n / 1000000,
			(unsigned int)(n % 1000000));
	else
		fprintf(out, "%" PRIu64 "\n", n);
}

/* ------------------------------------------------------ of the daemon -- */

#define COUNTER "counter"
#define GAUGE "gauge"

static const struct single {
	struct family f;
	const char *key;
	bool us;
} of_status[] = {
	{ { "uptime_seconds", GAUGE, "Since the store began." }, "uptime_us",
	  true },
	{ { "nodes", GAUGE, "Nodes in the store." }, "nodes" },
	{ { "domains", GAUGE, "Domains known." }, "domains" },
	{ { "clients", GAUGE, "Programs connected to the socket." },
	  "sockets" },
	{ { "watches", GAUGE, "Watches set." }, "watches" },
	{ { "transactions", GAUGE, "Transactions open." }, "transactions" },
	{ { "requests_total", COUNTER, "Requests answered." }, "requests" },
	{ { "events_total", COUNTER, "Watch events sent." }, "events" },
	{ { "events_merged_total", COUNTER,
	    "Watch events that equalled one which waited." }, "merged" },
	{ { "events_lost_total", COUNTER,
	    "Watch events that a full reader lost; made good later." },
	  "lost" },
	{ { "conflicts_total", COUNTER,
	    "Commits that failed with EAGAIN." }, "conflicts" },
	{ { "refused_total", COUNTER, "Requests refused by a quota." },
	  "refused" },
	{ { "held_total", COUNTER,
	    "Requests that waited for another's transaction." }, "held" },
};

static const struct single of_host[] = {
	{ { "passes_total", COUNTER, "Passes of the daemon's loop." },
	  "passes" },
	{ { "received_bytes_total", COUNTER, "Bytes received." },
	  "requests_in_bytes" },
	{ { "sent_bytes_total", COUNTER, "Bytes sent." },
	  "replies_out_bytes" },
	{ { "journal_bytes", GAUGE,
	    "Input that a death now would have executed again." },
	  "journal" },
	{ { "checkpoints_total", COUNTER, "Checkpoints written." },
	  "checkpoints" },
	{ { "checkpoint_age_seconds", GAUGE, "Since the last checkpoint." },
	  "checkpoint_age_us", true },
	{ { "restarts_total", COUNTER,
	    "Starts that went on where a process had ended." }, "restarts" },
	{ { "recovered_inputs", GAUGE,
	    "Inputs executed again at this process' start." }, "recovered" },
	{ { "doubtful_clients", GAUGE,
	    "Clients closed at its start, in doubt." }, "doubtful" },
	{ { "poisoned_inputs", GAUGE,
	    "Inputs left out at its start, that had killed it twice." },
	  "poisoned" },
	{ { "tracers", GAUGE, "Traces under way." }, "tracers" },
	{ { "trace_dropped_total", COUNTER,
	    "Records that readers of traces missed." }, "trace_dropped" },
};

static void singles(FILE *out, const struct pages *pages,
		    const struct single *s, size_t count)
{
	uint64_t n;

	for (size_t i = 0; pages->count && i < count; i++) {
		if (!record_number(pages->record, s[i].key, &n))
			continue;
		head(out, &s[i].f);
		fprintf(out, PREFIX "%s ", s[i].f.name);
		value(out, n, s[i].us);
	}
}

static void info(FILE *out, const struct pages *status)
{
	static const struct family f = { "info", GAUGE,
					 "The daemon's versions." };

	if (!status->count)
		return;
	head(out, &f);
	fprintf(out, PREFIX "info{version=\"");
	label(out, record_text(status->record, "version") ?: "");
	fprintf(out, "\",machine=\"");
	label(out, record_text(status->record, "machine") ?: "");
	fprintf(out, "\"} 1\n");
}

/* ------------------------------------------------------- of each domain -- */

static const struct each {
	struct family f;
	enum load_field field;
	bool sockets;		/* the clients of the socket have it too */
	bool ring;		/* only where there is a ring */
	bool us;
} of_domains[] = {
	{ { "domain_requests_total", COUNTER, "Requests answered." },
	  LOAD_REQUESTS, true },
	{ { "domain_errors_total", COUNTER, "Replies that were errors." },
	  LOAD_ERRORS, true },
	{ { "domain_received_bytes_total", COUNTER,
	    "Bytes received from it." }, LOAD_BYTES_IN, true },
	{ { "domain_sent_bytes_total", COUNTER, "Bytes given to it." },
	  LOAD_BYTES_OUT, true },
	{ { "domain_events_total", COUNTER, "Watch events sent to it." },
	  LOAD_EVENTS, true },
	{ { "domain_events_merged_total", COUNTER,
	    "Watch events for it that equalled one which waited." },
	  LOAD_MERGED, true },
	{ { "domain_events_lost_total", COUNTER,
	    "Watch events that it lost; made good later." }, LOAD_LOST,
	  true },
	{ { "domain_events_waiting", GAUGE,
	    "Watch events that it has not taken." }, LOAD_EVENTS_WAITING,
	  true },
	{ { "domain_unread_bytes", GAUGE,
	    "Bytes of replies and events that it has not taken." },
	  LOAD_UNREAD, true },
	{ { "domain_unread_seconds", GAUGE,
	    "For how long it has taken none of them." }, LOAD_UNREAD_US,
	  true, false, true },
	{ { "domain_conflicts_total", COUNTER,
	    "Its commits that failed with EAGAIN." }, LOAD_CONFLICTS, true },
	{ { "domain_transactions", GAUGE, "Its open transactions." },
	  LOAD_TRANSACTIONS, true },
	{ { "domain_transactions_limit", GAUGE, "Its quota; 0: none." },
	  LOAD_TRANSACTIONS_MAX },
	{ { "domain_outstanding", GAUGE,
	    "Replies that it has not taken." }, LOAD_OUTSTANDING, true },
	{ { "domain_outstanding_limit", GAUGE, "Its quota; 0: none." },
	  LOAD_OUTSTANDING_MAX },
	{ { "domain_nodes", GAUGE, "Nodes that it owns." }, LOAD_NODES },
	{ { "domain_nodes_limit", GAUGE, "Its quota; 0: none." },
	  LOAD_NODES_MAX },
	{ { "domain_memory_bytes", GAUGE, "Memory charged to it." },
	  LOAD_MEMORY },
	{ { "domain_memory_limit_bytes", GAUGE, "Its quota; 0: none." },
	  LOAD_MEMORY_MAX },
	{ { "domain_watches", GAUGE, "Its watches." }, LOAD_WATCHES },
	{ { "domain_watches_limit", GAUGE, "Its quota; 0: none." },
	  LOAD_WATCHES_MAX },
	{ { "domain_refused_total", COUNTER,
	    "Its requests that a quota refused." }, LOAD_REFUSED },
	{ { "domain_ring_request_bytes", GAUGE,
	    "Bytes of requests in its ring, of 1024." }, LOAD_REQ_FILL,
	  false, true },
	{ { "domain_ring_reply_bytes", GAUGE,
	    "Bytes of replies in its ring, of 1024." }, LOAD_RSP_FILL, false,
	  true },
	{ { "domain_ring_error", GAUGE,
	    "Not 0: its ring is out of service." }, LOAD_RING_ERROR, false,
	  true },
	{ { "domain_ring_resets_total", COUNTER, "Resets of its ring." },
	  LOAD_RESETS, false, true },
};

static void domain_label(FILE *out, const struct load_row *row)
{
	if (row->kind == LOAD_SOCKETS)
		fprintf(out, "domain=\"sockets\"");
	else
		fprintf(out, "domain=\"%" PRIu32 "\"", row->domid);
}

static void domains(FILE *out, const struct load *load)
{
	size_t count = sizeof(of_domains) / sizeof(of_domains[0]);

	for (const struct each *e = of_domains; e < of_domains + count; e++) {
		head(out, &e->f);
		for (size_t i = 0; i < load->count; i++) {
			const struct load_row *row = &load->row[i];

			if ((row->kind == LOAD_SOCKETS && !e->sockets) ||
			    (row->kind == LOAD_NONE && e->ring))
				continue;
			fprintf(out, PREFIX "%s{", e->f.name);
			domain_label(out, row);
			fprintf(out, "} ");
			value(out, row->n[e->field], e->us);
		}
	}
}

/* ---------------------------------------------------------- histograms -- */

/* `row`: whose, or NULL. */
static void histogram(FILE *out, const char *name, const struct histogram *h,
		      const struct load_row *row)
{
	uint64_t us = 1;

	for (unsigned int i = 0; i <= EDGES; i++) {
		fprintf(out, PREFIX "%s_bucket{", name);
		if (row) {
			domain_label(out, row);
			fputc(',', out);
		}
		us *= 4;
		if (i == EDGES)
			fprintf(out, "le=\"+Inf\"} %" PRIu64 "\n", h->count);
		else
			fprintf(out, "le=\"%" PRIu64 ".%06u\"} %" PRIu64 "\n",
				us / 1000000, (unsigned int)(us % 1000000),
				histogram_below(h, us));
	}
	fprintf(out, PREFIX "%s_sum", name);
	if (row) {
		fputc('{', out);
		domain_label(out, row);
		fputc('}', out);
	}
	fputc(' ', out);
	value(out, h->sum, true);
	fprintf(out, PREFIX "%s_count", name);
	if (row) {
		fputc('{', out);
		domain_label(out, row);
		fputc('}', out);
	}
	fprintf(out, " %" PRIu64 "\n", h->count);
}

static void histograms(FILE *out, const struct metrics *m)
{
	static const struct family loop = { "loop_seconds", "histogram",
		"Time of a pass of the daemon's loop." };
	static const struct family all = { "latency_seconds", "histogram",
		"Time from a request to its reply, of all connections." };
	static const struct family each = { "domain_latency_seconds",
		"histogram", "Time from a request to its reply." };
	struct histogram h;

	if (m->host.count && histogram_read(&h, m->host.record, "loop")) {
		head(out, &loop);
		histogram(out, loop.name, &h, NULL);
	}
	if (m->host.count && histogram_read(&h, m->host.record, "latency")) {
		head(out, &all);
		histogram(out, all.name, &h, NULL);
	}
	head(out, &each);
	for (size_t i = 0; i < m->load.count; i++)
		if (m->load.row[i].kind != LOAD_NONE)
			histogram(out, each.name, &m->load.row[i].latency,
				  &m->load.row[i]);
}

/* --------------------------------------------------- topics of their own -- */

/* A sample for each record: up to two labels and the value, by their keys. */
static const struct listed {
	struct family f;
	const char *label[2], *key[2];
	const char *value;
} of_ops[] = {
	{ { "op_requests_total", COUNTER, "Requests answered, by operation." },
	  { "op" }, { "op" }, "requests" },
	{ { "op_errors_total", COUNTER,
	    "Replies that were errors, by operation." }, { "op" }, { "op" },
	  "errors" },
};

static const struct listed of_limits[] = {
	{ { "quota_limit", GAUGE,
	    "Limit of domains that have none of their own; 0: none." },
	  { "quota" }, { "quota" }, "limit" },
};

static const struct listed of_quotas[] = {
	{ { "quota_refused_total", COUNTER,
	    "Requests refused, by domain and quota." },
	  { "domain", "quota" }, { "domid", "quota" }, "refused" },
};

static void listed(FILE *out, const struct pages *pages,
		   const struct listed *l)
{
	uint64_t n;

	head(out, &l->f);
	for (size_t i = 0; i < pages->count; i++) {
		const struct record *r = &pages->record[i];

		if (!record_number(r, l->value, &n))
			continue;
		fprintf(out, PREFIX "%s{", l->f.name);
		for (size_t k = 0; k < 2 && l->label[k]; k++) {
			fprintf(out, "%s%s=\"", k ? "," : "", l->label[k]);
			label(out, record_text(r, l->key[k]) ?: "");
			fputc('"', out);
		}
		fprintf(out, "} %" PRIu64 "\n", n);
	}
}

void metrics_up(FILE *out, bool up)
{
	static const struct family f = { "up", GAUGE,
		"1: the daemon answered; 0: it did not, and that is all." };

	head(out, &f);
	fprintf(out, PREFIX "up %d\n", up);
}

void metrics_print(FILE *out, const struct metrics *m)
{
	info(out, &m->status);
	singles(out, &m->status, of_status,
		sizeof(of_status) / sizeof(of_status[0]));
	singles(out, &m->host, of_host, sizeof(of_host) / sizeof(of_host[0]));
	listed(out, &m->ops, &of_ops[0]);
	listed(out, &m->ops, &of_ops[1]);
	listed(out, &m->limits, of_limits);
	listed(out, &m->quotas, of_quotas);
	domains(out, &m->load);
	histograms(out, m);
}
