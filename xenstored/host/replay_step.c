// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One record: what recovery.c does with it, and what comes of it gathered as
 * JSON.  Requests and their results come through the machine's trace, events
 * are found in the queues of those whose output changed, asks are fetched.
 */
#include "xenstored/host/replay.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <talloc.h>
#include <unistd.h>

#include "protocol/cursor.h"
#include "xenstored/core/conn.h"
#include "xenstored/core/state.h"

/* A record that does not end is as bad as one that crashes. */
#define CHILD_SECONDS 20u

struct seen {
	struct hash_link link;
	uint32_t conn;
	uint64_t events;
};

static const struct {
	uint32_t type;
	const char *name;
} type_names[] = {
	{ MACHINE_IN_TIME, "time" },
	{ MACHINE_IN_OPEN, "open" },
	{ MACHINE_IN_CLOSE, "close" },
	{ MACHINE_IN_BYTES, "bytes" },
	{ MACHINE_IN_TAKEN, "taken" },
	{ MACHINE_IN_RING_RESET, "ring-reset" },
	{ MACHINE_IN_RING_FAILED, "ring-failed" },
	{ MACHINE_IN_DOMAIN, "domain" },
	{ MACHINE_IN_ADOPT, "adopt" },
	{ MACHINE_IN_DONE, "done" },
	{ MACHINE_IN_IDENTITY, "identity" },
	{ JOURNAL_RING, "ring" },
	{ JOURNAL_VIRQ, "virq" },
};

static const char *const ask_names[] = {
	[MACHINE_ASK_DOMAIN] = "domain",
	[MACHINE_ASK_MAP] = "map",
	[MACHINE_ASK_UNMAP] = "unmap",
	[MACHINE_ASK_CLOSE] = "close",
	[MACHINE_ASK_RING_ERROR] = "ring-error",
	[MACHINE_ASK_CONTROL] = "control",
};

static const char *type_name(uint32_t type)
{
	for (size_t i = 0; i < sizeof(type_names) / sizeof(type_names[0]); i++)
		if (type_names[i].type == type)
			return type_names[i].name;
	return "?";
}

json_t *replay_conn(uint32_t conn)
{
	bool socket = conn >= MACHINE_SOCKET_BASE;

	return json_sprintf("%c%u", socket ? 's' : 'd',
			    socket ? conn - MACHINE_SOCKET_BASE : conn);
}

json_t *replay_bytes(const void *bytes, size_t len)
{
	json_t *text = len ? json_stringn(bytes, len) : json_string("");
	const unsigned char *at = bytes;
	char hex[2 * WIRE_PAYLOAD_MAX + 1];

	if (text)
		return text;
	if (len > WIRE_PAYLOAD_MAX)
		len = WIRE_PAYLOAD_MAX;
	for (size_t i = 0; i < len; i++)
		snprintf(hex + 2 * i, 3, "%02x", at[i]);
	return json_pack("{s:s}", "hex", hex);
}

/* Append to the array of that name in the line. */
static void line_append(struct replay *r, const char *name, json_t *value)
{
	json_t *list = json_object_get(r->line, name);

	if (!list) {
		list = json_array();
		json_object_set_new(r->line, name, list);
	}
	json_array_append_new(list, value);
}

static void line_number(struct replay *r, const char *name, uint64_t v)
{
	json_object_set_new(r->line, name, json_integer((json_int_t)v));
}

/* ------------------------------------------------------------- sinks -- */

void replay_log(void *arg, const char *id, const char *text)
{
	struct replay *r = arg;

	if (r->line)
		line_append(r, "log", json_sprintf("%s: %s", id, text));
}

/* The request, which is told when it is over; its reply follows at once. */
static void trace_request(struct replay *r, uint32_t conn,
			  const struct wire_header *h, const void *payload)
{
	struct cursor c = cursor_of(payload, h->len);
	struct span path = { payload, h->len };
	json_t *request;

	cursor_string(&c, &path);
	request = json_pack("{s:o,s:s,s:I,s:I,s:o}",
		"conn", replay_conn(conn), "op", wire_op_name(h->type),
		"tx", (json_int_t)h->tx_id, "req", (json_int_t)h->req_id,
		"path", replay_bytes(path.at, path.len));
	if (request && cursor_left(&c))
		json_object_set_new(request, "rest",
			replay_bytes(c.at, cursor_left(&c)));
	line_append(r, "requests", request);
	r->requests++;
}

static void trace_reply(struct replay *r, const struct wire_header *h,
			const void *payload)
{
	json_t *list = json_object_get(r->line, "requests");
	size_t n = json_array_size(list), len = h->len;
	const char *text = payload;
	json_t *request = n ? json_array_get(list, n - 1) : NULL;

	if (!request)
		return;
	if (len && !text[len - 1])
		len--;
	json_object_set_new(request, h->type == WIRE_ERROR ? "error" :
			    "reply", replay_bytes(text, len));
}

void replay_trace(void *arg, bool in, uint32_t conn,
		  const struct wire_header *header, const void *payload)
{
	struct replay *r = arg;

	if (!r->line)
		return;
	if (in)
		trace_request(r, conn, header, payload);
	else
		trace_reply(r, header, payload);
}

/* ------------------------------------------------------------ events -- */

static struct seen *seen_find(struct replay *r, uint32_t conn)
{
	struct hash_link *l = hash_table_chain(&r->seen, conn);
	struct seen *s;

	for (; l; l = l->next)
		if (l->hash == conn)
			return hash_entry(l, struct seen, link);
	s = talloc_zero(NULL, struct seen);
	if (!s)
		return NULL;
	s->conn = conn;
	hash_table_add(&r->seen, &s->link, conn);
	return s;
}

static void event_add(struct replay *r, uint32_t conn,
		      const struct message *msg)
{
	struct cursor c = cursor_of(msg->bytes + WIRE_HEADER_SIZE,
				    msg->len - WIRE_HEADER_SIZE);
	struct span path = { 0 }, token = { 0 };

	cursor_string(&c, &path);
	cursor_string(&c, &token);
	line_append(r, "events", json_pack("{s:o,s:o,s:o}",
		"conn", replay_conn(conn),
		"path", replay_bytes(path.at, path.len),
		"token", replay_bytes(token.at, token.len)));
	r->events++;
}

/* The last ones in its queue, as many as it has counted since. */
static void events_of(struct replay *r, const struct conn *c)
{
	struct seen *s = seen_find(r, c->id);
	uint64_t queued = 0, fresh;

	if (!s)
		return;
	/* Another connection with the same number counts from 0. */
	fresh = c->events < s->events ? c->events : c->events - s->events;
	s->events = c->events;
	if (!fresh || !r->line)
		return;
	for (const struct message *msg = c->out; msg; msg = msg->next)
		queued += msg->event;
	for (const struct message *msg = c->out; msg; msg = msg->next)
		if (msg->event && queued-- <= fresh)
			event_add(r, c->id, msg);
}

static void gather_events(struct replay *r)
{
	uint32_t conn;

	while (machine_next_dirty(r->machine, &conn)) {
		const struct conn *c = conn_find(r->machine, conn);

		if (c)
			events_of(r, c);
	}
}

/* docs/recovery.md, "Replay, exactly", 4. */
static void gather_asks(struct replay *r)
{
	struct machine_ask ask;

	while (machine_ask_peek(r->machine, &ask)) {
		bool conn = ask.type == MACHINE_ASK_CLOSE ||
			    ask.type == MACHINE_ASK_CONTROL;

		if (r->line)
			line_append(r, "asks", json_pack("{s:s,s:o}",
				"ask", ask_names[ask.type], "of",
				replay_conn(conn ? ask.conn : ask.domid)));
		machine_ask_pop(r->machine);
	}
}

/* ------------------------------------------------------- the suspect -- */

/* Is the machine alive and well behind it?  If not, `verdict` says why. */
static void try_suspect(struct replay *r, const struct machine_input *in)
{
	int status = 0;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (!child) {
		alarm(CHILD_SECONDS);
		machine_step(r->machine, in);
		gather_asks(r);
		_exit(0);
	}
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	r->fatal = status != 0;
	if (child < 0)
		snprintf(r->verdict, sizeof(r->verdict), "it was not tried "
			 "apart, as there is no process to be had");
	else if (!status)
		snprintf(r->verdict, sizeof(r->verdict),
			 "executed again it does no harm");
	else if (WIFSIGNALED(status))
		snprintf(r->verdict, sizeof(r->verdict),
			 "executed again it ends the machine: %s",
			 WTERMSIG(status) == SIGALRM ? "it does not return" :
			 strsignal(WTERMSIG(status)));
	else
		snprintf(r->verdict, sizeof(r->verdict),
			 "executed again it ends the machine: status %d",
			 WEXITSTATUS(status));
}

/* What the daemon does instead of executing it a third time. */
static struct machine_input instead_of(const struct machine_input *was)
{
	struct machine_input in = { .conn = was->conn, .domid = was->conn };

	in.type = was->conn < MACHINE_SOCKET_BASE ? MACHINE_IN_RING_FAILED :
		  MACHINE_IN_CLOSE;
	return in;
}

/* -------------------------------------------------------- the record -- */

static bool of_domain(uint32_t type)
{
	return type == MACHINE_IN_DOMAIN || type == MACHINE_IN_ADOPT ||
	       type == JOURNAL_RING;
}

static void line_begin(struct replay *r, const struct journal_record *rec)
{
	const struct machine_input *in = &rec->in;

	r->line = json_pack("{s:I,s:I,s:s}", "n", (json_int_t)r->records,
		"segment", (json_int_t)r->segment, "type",
		type_name(rec->type));
	if (of_domain(rec->type))
		json_object_set_new(r->line, "conn",
				    replay_conn(rec->domid));
	else if (rec->type != MACHINE_IN_TIME && rec->type != JOURNAL_VIRQ &&
		 rec->type != MACHINE_IN_DONE &&
		 rec->type != MACHINE_IN_IDENTITY)
		json_object_set_new(r->line, "conn", replay_conn(in->conn));
	if (rec->type == MACHINE_IN_BYTES || rec->type == MACHINE_IN_TAKEN)
		line_number(r, "bytes", in->len);
	if (rec->type == MACHINE_IN_DONE) {
		line_number(r, "ask", in->ask);
		line_number(r, "errno", in->error);
	} else if (rec->type == MACHINE_IN_DOMAIN) {
		line_number(r, "flags", in->flags);
	} else if (rec->type == JOURNAL_RING) {
		line_number(r, "req_cons", rec->req_cons);
		line_number(r, "rsp_prod", rec->rsp_prod);
	}
}

void replay_step(struct replay *r, struct journal_reader *j,
		 const struct journal_record *rec)
{
	struct machine_input in = rec->in;
	uint64_t merged = r->machine->counts.merged;

	r->records++;
	line_begin(r, rec);
	if (rec->type < JOURNAL_RING && journal_at_suspect(j)) {
		r->reached = true;
		try_suspect(r, &in);
		json_object_set_new(r->line, "under_execution",
				    json_string(r->verdict));
		if (r->fatal)
			in = instead_of(&in);
	}
	if (rec->type == MACHINE_IN_OPEN) {
		struct seen *s = seen_find(r, in.conn);

		if (s)
			s->events = 0;
	}
	if (rec->type < JOURNAL_RING)
		machine_step(r->machine, &in);
	line_number(r, "time_us", r->machine->now);
	gather_events(r);
	if (r->machine->counts.merged != merged)
		line_number(r, "merged", r->machine->counts.merged - merged);
	gather_asks(r);
}

void replay_step_start(struct replay *r)
{
	uint32_t conn = 0;
	bool failed;

	hash_table_init(&r->seen);
	while (machine_conn_next(r->machine, &conn, &failed)) {
		const struct conn *c = conn_find(r->machine, conn++);

		if (c)
			events_of(r, c);
	}
	gather_events(r);
}

void replay_step_end(struct replay *r)
{
	for (size_t i = 0; i <= r->seen.mask; i++)
		while (r->seen.bucket[i]) {
			struct seen *s = hash_entry(r->seen.bucket[i],
						    struct seen, link);

			hash_table_remove(&r->seen, &s->link);
			talloc_free(s);
		}
	hash_table_fini(&r->seen);
}
