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
#include <stdio.h>

#define EDGES 11u
#define DOMID_BYTES 16

struct family {
	const char *name, *type, *help;
};

static void head(struct metrics_out *out, const struct family *f)
{
	metrics_head(out, f->name, f->type, f->help);
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

static void singles(struct metrics_out *out, const struct pages *pages,
		    const struct single *s, size_t count)
{
	uint64_t n;

	for (size_t i = 0; pages->count && i < count; i++) {
		if (!record_number(pages->record, s[i].key, &n))
			continue;
		head(out, &s[i].f);
		metrics_sample(out, "", NULL, 0, n, s[i].us);
	}
}

static void info(struct metrics_out *out, const struct pages *status)
{
	static const struct family f = { "info", GAUGE,
					 "The daemon's versions." };

	if (!status->count)
		return;
	head(out, &f);
	metrics_sample(out, "", (struct metrics_label[]){
		{ "version", record_text(status->record, "version") ?: "" },
		{ "machine", record_text(status->record, "machine") ?: "" },
	}, 2, 1, false);
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

/* The label of a row, with its words in `text`. */
static struct metrics_label domain_label(char text[DOMID_BYTES],
					 const struct load_row *row)
{
	if (row->kind == LOAD_SOCKETS)
		snprintf(text, DOMID_BYTES, "sockets");
	else
		snprintf(text, DOMID_BYTES, "%" PRIu32, row->domid);
	return (struct metrics_label){ "domain", text };
}

static void domains(struct metrics_out *out, const struct load *load)
{
	size_t count = sizeof(of_domains) / sizeof(of_domains[0]);
	struct metrics_label label;
	char text[DOMID_BYTES];

	for (const struct each *e = of_domains; e < of_domains + count; e++) {
		head(out, &e->f);
		for (size_t i = 0; i < load->count; i++) {
			const struct load_row *row = &load->row[i];

			if ((row->kind == LOAD_SOCKETS && !e->sockets) ||
			    (row->kind == LOAD_NONE && e->ring))
				continue;
			label = domain_label(text, row);
			metrics_sample(out, "", &label, 1, row->n[e->field],
				       e->us);
		}
	}
}

/* ---------------------------------------------------------- histograms -- */

/* `row`: whose, or NULL. */
static void histogram(struct metrics_out *out, const struct histogram *h,
		      const struct load_row *row)
{
	char domain[DOMID_BYTES], edge[32];
	struct metrics_label label[2];
	size_t labels = row ? 1 : 0;
	uint64_t us = 1;

	if (row)
		label[0] = domain_label(domain, row);
	label[labels] = (struct metrics_label){ "le", edge };
	for (unsigned int i = 0; i < EDGES; i++) {
		us *= 4;
		snprintf(edge, sizeof(edge), "%" PRIu64 ".%06u", us / 1000000,
			 (unsigned int)(us % 1000000));
		metrics_sample(out, "_bucket", label, labels + 1,
			       histogram_below(h, us), false);
	}
	snprintf(edge, sizeof(edge), "+Inf");
	metrics_sample(out, "_bucket", label, labels + 1, h->count, false);
	metrics_sample(out, "_sum", label, labels, h->sum, true);
	metrics_sample(out, "_count", label, labels, h->count, false);
}

static void histograms(struct metrics_out *out, const struct metrics *m)
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
		histogram(out, &h, NULL);
	}
	if (m->host.count && histogram_read(&h, m->host.record, "latency")) {
		head(out, &all);
		histogram(out, &h, NULL);
	}
	head(out, &each);
	for (size_t i = 0; i < m->load.count; i++)
		if (m->load.row[i].kind != LOAD_NONE)
			histogram(out, &m->load.row[i].latency,
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

static void listed(struct metrics_out *out, const struct pages *pages,
		   const struct listed *l)
{
	struct metrics_label label[2];
	size_t labels;
	uint64_t n;

	head(out, &l->f);
	for (size_t i = 0; i < pages->count; i++) {
		const struct record *r = &pages->record[i];

		if (!record_number(r, l->value, &n))
			continue;
		for (labels = 0; labels < 2 && l->label[labels]; labels++)
			label[labels] = (struct metrics_label){
				l->label[labels],
				record_text(r, l->key[labels]) ?: "",
			};
		metrics_sample(out, "", label, labels, n, false);
	}
}

void metrics_up(struct metrics_out *out, bool up)
{
	static const struct family f = { "up", GAUGE,
		"1: the daemon answered; 0: it did not, and that is all." };

	head(out, &f);
	metrics_sample(out, "", NULL, 0, up, false);
}

void metrics_print(struct metrics_out *out, const struct metrics *m)
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
