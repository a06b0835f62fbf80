// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One row per command.  A reply of words is "OK" with its NUL, as the
 * deployed tools expect it; the probe's is text without one.
 */
#include "xenstored/host/control.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>
#include <unistd.h>

#include "protocol/cursor.h"
#include "xenstored/host/checkpoint.h"
#include "xenstored/host/guest.h"
#include "xenstored/host/log.h"
#include "xenstored/host/meter.h"
#include "xenstored/host/takings.h"
#include "xenstored/host/tap.h"
#include "xenstored/host/trace.h"
#include "xenstored/host/update.h"
#include "xenstored/host/words.h"

#define PROBE_VERSION 1
/* Longest record of the topic `rings`: sixteen numbers with their keys. */
#define PROBE_RECORD_MAX 512

/* The reply being written; too much of it is cut. */
struct reply {
	struct host *host;
	const struct machine_ask *ask;
	size_t len;
};

/* `args` stands behind the command's name; `count` strings are in it. */
typedef uint32_t control_do(struct reply *r, struct cursor *args);

struct control_row {
	const char *name;
	unsigned int least;
	unsigned int most;
	control_do *run;
};

static void reply_add(struct reply *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void reply_add(struct reply *r, const char *format, ...)
{
	size_t room = sizeof(r->host->reply) - r->len;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf((char *)r->host->reply + r->len, room, format, ap);
	va_end(ap);
	if (n > 0)
		r->len += (size_t)n < room ? (size_t)n : room - 1;
}

static uint32_t reply_ok(struct reply *r)
{
	memcpy(r->host->reply, "OK", sizeof("OK"));
	r->len = sizeof("OK");
	return 0;
}

static uint32_t control_run(struct reply *r, const struct control_row *row,
			    struct cursor *args)
{
	unsigned int count = cursor_strings(args);

	if (count < row->least || count > row->most)
		return EINVAL;
	return row->run(r, args);
}

/* ------------------------------------------------ log and memory -- */

static uint32_t control_log(struct reply *r, struct cursor *args)
{
	struct span word;

	cursor_string(args, &word);
	if (span_is(word, "on"))
		trace_switch(r->host->trace, true);
	else if (span_is(word, "off"))
		trace_switch(r->host->trace, false);
	else
		return EINVAL;
	return reply_ok(r);
}

/* The string is in a payload and ends with a NUL there. */
static uint32_t control_logfile(struct reply *r, struct cursor *args)
{
	struct span path;
	int error;

	cursor_string(args, &path);
	if (!path.len)
		return EINVAL;
	error = trace_open(r->host->trace, path.at);
	if (error)
		return (uint32_t)-error;
	log_say(LOG_CONTROL, "messages are traced to %s from now on",
		path.at);
	return reply_ok(r);
}

static FILE *memreport_file(struct host *h, struct cursor *args)
{
	struct span path;
	int fd;

	if (cursor_string(args, &path))
		return path.len ? fopen(path.at, "we") : NULL;
	fd = trace_fd(h->trace);
	if (fd < 0) {
		errno = EBADF;
		return NULL;
	}
	fd = dup(fd);
	return fd < 0 ? NULL : fdopen(fd, "ae");
}

static void memreport_own(struct host *h, FILE *f)
{
	fprintf(f, "xenstored: %u guests, %u clients, %llu passes, "
		"%llu bytes in, %llu bytes out\n", h->guest_count,
		h->client_count, (unsigned long long)h->count.passes,
		(unsigned long long)h->count.in_bytes,
		(unsigned long long)h->count.out_bytes);
}

static uint32_t control_memreport(struct reply *r, struct cursor *args)
{
	FILE *f;

	errno = EINVAL;
	f = memreport_file(r->host, args);
	if (!f)
		return (uint32_t)errno;
	memreport_own(r->host, f);
	talloc_report_full(NULL, f);
	if (ferror(f)) {
		fclose(f);
		return ENOSPC;
	}
	if (fclose(f))
		return (uint32_t)errno;
	return reply_ok(r);
}

/* --------------------------------------------------------- the probe -- */

static void probe_ring(struct reply *r, const struct guest *g)
{
	const struct ring_page *p = g->ring.page;

	reply_add(r, "domid=%u port=%u req_prod=%u req_cons=%u rsp_prod=%u "
		  "rsp_cons=%u features=%u connection=%u error=%u "
		  "evtchn_port=%u notifies_in=%llu notifies_out=%llu "
		  "resets=%llu\n", g->domid, g->port,
		  ring_load_once(&p->req_prod), ring_load_once(&p->req_cons),
		  ring_load_once(&p->rsp_prod), ring_load_once(&p->rsp_cons),
		  ring_load_once(&p->features),
		  ring_load_once(&p->connection), ring_load_once(&p->error),
		  ring_load_once(&p->evtchn_port),
		  (unsigned long long)g->count.notifies_in,
		  (unsigned long long)g->count.notifies_out,
		  (unsigned long long)g->count.resets);
}

/* From `domid` on, the first guest or NULL. */
static const struct guest *probe_next_guest(struct host *h, uint64_t domid)
{
	for (; domid < h->by_domid.size; domid++)
		if (table_get(&h->by_domid, (uint32_t)domid))
			return table_get(&h->by_domid, (uint32_t)domid);
	return NULL;
}

/*
 * The cursor comes first and is known last: records are written behind room
 * for it, and closed up at the end.
 */
static uint32_t probe_rings(struct reply *r, uint64_t cursor)
{
	struct host *h = r->host;
	const struct guest *g = probe_next_guest(h, cursor);
	char next[24];
	size_t room, head;

	room = sizeof(next);
	r->len = room;
	while (g && r->len + PROBE_RECORD_MAX < sizeof(h->reply)) {
		probe_ring(r, g);
		g = probe_next_guest(h, g->domid + 1ull);
	}
	head = (size_t)snprintf(next, sizeof(next), "%u\n",
				g ? g->domid : 0);
	memmove(h->reply + head, h->reply + room, r->len - room);
	memcpy(h->reply, next, head);
	r->len -= room - head;
	return 0;
}

/* A value of a record: see docs/protocol/control.md. */
static void reply_value(struct reply *r, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c > ' ' && c < 0x7f && c != '%')
			reply_add(r, "%c", c);
		else
			reply_add(r, "%%%02X", c);
	}
}

/* Two histograms at most: they have room. */
static void probe_meters(struct reply *r)
{
	struct meter_histogram latency;
	struct host *h = r->host;
	struct words w = {
		.text = (char *)h->reply,
		.len = r->len,
		.room = sizeof(h->reply),
	};

	words_histogram(&w, " loop", &h->meters->loop);
	meter_latency(h, &latency);
	words_histogram(&w, " latency", &latency);
	words_number(&w, " tracers=", tap_count(h));
	words_number(&w, " trace_dropped=", tap_dropped(h));
	words_add(&w, "\n");
	r->len = w.len;
}

static uint32_t probe_host(struct reply *r, uint64_t cursor)
{
	struct host *h = r->host;

	reply_add(r, "0\npid=%ld rundir=", (long)getpid());
	reply_value(r, h->options->rundir);
	reply_add(r, " sockets=%u passes=%llu requests_in_bytes=%llu "
		  "replies_out_bytes=%llu tracing=%d logging=%d "
		  "recovered=%llu doubtful=%llu poisoned=%llu "
		  "checkpoints=%llu journal=%llu "
		  "checkpoint_age_us=%llu restarts=%llu "
		  "checkpoint_pause_us=%llu unrepeatable=%llu",
		  h->client_count, (unsigned long long)h->count.passes,
		  (unsigned long long)h->count.in_bytes,
		  (unsigned long long)h->count.out_bytes,
		  trace_on(h->trace), h->options->verbose,
		  (unsigned long long)h->count.recovered,
		  (unsigned long long)h->count.doubtful,
		  (unsigned long long)h->count.poisoned,
		  (unsigned long long)checkpoint_count(h),
		  (unsigned long long)checkpoint_journal(h),
		  (unsigned long long)checkpoint_age(h),
		  (unsigned long long)h->count.restarts,
		  (unsigned long long)checkpoint_pause(h),
		  (unsigned long long)h->count.unrepeatable);
	probe_meters(r);
	return 0;
}

static uint32_t probe_trace(struct reply *r, uint64_t cursor)
{
	return tap_page(r->host, r->ask->conn, (uint32_t)cursor, &r->len);
}

static const struct {
	const char *topic;
	uint32_t (*run)(struct reply *r, uint64_t cursor);
} topics[] = {
	{ "rings", probe_rings },
	{ "host", probe_host },
	{ "trace", probe_trace },
};

static uint32_t control_probe(struct reply *r, struct cursor *args)
{
	struct span version, topic, at;
	uint64_t n, cursor;

	cursor_string(args, &version);
	cursor_string(args, &topic);
	cursor_string(args, &at);
	if (!span_number(version, PROBE_VERSION, &n) || n != PROBE_VERSION ||
	    !span_number(at, UINT32_MAX, &cursor))
		return EINVAL;
	for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++)
		if (span_is(topic, topics[i].topic))
			return topics[i].run(r, cursor);
	return takings_page(r->host, r->ask->conn, topic, (uint32_t)cursor,
			    &r->len);
}

static uint32_t do_ring_reset(struct reply *r, struct cursor *args)
{
	struct span text;
	uint64_t domid;
	uint32_t error;

	cursor_string(args, &text);
	if (!span_number(text, MACHINE_DOMID_FIRST_RESERVED - 1, &domid))
		return EINVAL;
	error = guest_mend(r->host, (uint32_t)domid);
	if (!error)
		log_say(LOG_CONTROL, "domain %u: ring reset on request",
			(uint32_t)domid);
	return error ? error : reply_ok(r);
}

static uint32_t do_trace_start(struct reply *r, struct cursor *args)
{
	uint32_t error = tap_start(r->host, r->ask->conn, args);

	return error ? error : reply_ok(r);
}

static uint32_t do_trace_stop(struct reply *r, struct cursor *args)
{
	uint32_t error = tap_stop(r->host, r->ask->conn);

	return error ? error : reply_ok(r);
}

static const struct control_row actions[] = {
	{ "ring-reset", 1, 1, do_ring_reset },
	{ "trace-start", 0, 14, do_trace_start },
	{ "trace-stop", 0, 0, do_trace_stop },
};

static uint32_t control_probe_do(struct reply *r, struct cursor *args)
{
	struct span version, action;
	uint64_t n;

	cursor_string(args, &version);
	cursor_string(args, &action);
	if (!span_number(version, PROBE_VERSION, &n) || n != PROBE_VERSION)
		return EINVAL;
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (span_is(action, actions[i].name))
			return control_run(r, &actions[i], args);
	return ENOENT;
}

/* ------------------------------------------------------ the commands -- */

static uint32_t control_update(struct reply *r, struct cursor *args)
{
	const char *text;
	uint32_t error = update_command(r->host, r->ask->conn, r->ask->id,
					args, &text);

	if (error)
		return error;
	reply_add(r, "%s", text);
	/* With its NUL, which reply_add() has written. */
	r->len++;
	return 0;
}

static const struct control_row rows[] = {
	{ "log", 1, 1, control_log },
	{ "logfile", 1, 1, control_logfile },
	{ "memreport", 0, 1, control_memreport },
	{ "live-update", 1, 16, control_update },
	{ "probe", 3, 3, control_probe },
	{ "probe-do", 2, 16, control_probe_do },
};

uint32_t control_command(struct host *h, const struct machine_ask *ask,
			 size_t *out)
{
	struct cursor args = cursor_of(ask->data, ask->len);
	struct reply r = { .host = h, .ask = ask };
	struct span name;
	uint32_t error;

	if (!cursor_string(&args, &name))
		return EINVAL;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!span_is(name, rows[i].name))
			continue;
		error = control_run(&r, &rows[i], &args);
		*out = r.len;
		return error;
	}
	return EINVAL;
}
