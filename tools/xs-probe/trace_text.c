/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A record of the wire from words, into a line, and as JSON. */
#include "tools/xs-probe/trace.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "protocol/wire.h"
#include "tools/xs-probe/ls.h"

#define VALUE_MAX 60u	/* bytes of a value in a line */

static struct span field_span(const struct record *r, const char *key)
{
	const struct record_field *f = record_find(r, key);

	return f ? (struct span){ f->value, f->len } :
		   (struct span){ "", 0 };
}

static uint32_t op_number(const char *name)
{
	uint32_t op = 0;

	while (op < WIRE_OP_COUNT && strcmp(name, wire_op_name(op)))
		op++;
	return op;
}

static uint32_t result_number(const char *name)
{
	int error = wire_error_number(name, strlen(name));

	if (!strcmp(name, "OK"))
		return 0;
	return error ? (uint32_t)error : TRACE_NO_RESULT;
}

static uint32_t small(const struct record *r, const char *key)
{
	uint64_t v;

	return record_number(r, key, &v) && v <= UINT32_MAX ? (uint32_t)v : 0;
}

bool trace_record(struct traced *t, const struct record *r)
{
	const char *op = record_text(r, "op");
	const char *result = record_text(r, "result");

	if (!op || !result || !record_number(r, "time_us", &t->time_us))
		return false;
	record_number(r, "latency_us", &t->latency_us);
	t->conn = small(r, "conn");
	t->op = op_number(op);
	t->req = small(r, "req");
	t->tx = small(r, "tx");
	t->result = result_number(result);
	t->request_len = small(r, "request_len");
	t->reply_len = small(r, "reply_len");
	t->path = field_span(r, "path");
	t->request = field_span(r, "request");
	t->reply = field_span(r, "reply");
	return true;
}

static const char *result_name(const struct traced *t)
{
	if (t->result == TRACE_NO_RESULT)
		return "-";
	return t->result ? wire_error_name((int)t->result) : "OK";
}

/* What is behind the first NUL. */
static struct span behind(struct span s)
{
	const char *nul = s.len ? memchr(s.at, '\0', s.len) : NULL;

	if (!nul)
		return (struct span){ "", 0 };
	return (struct span){ nul + 1, (size_t)(s.at + s.len - nul) - 1 };
}

/* What is of interest beside the path; whether it is a value, or words. */
static struct span value_of(const struct traced *t, bool *there)
{
	*there = true;
	switch (t->op) {
	case WIRE_WRITE:
	case WIRE_WATCH:
	case WIRE_UNWATCH:
	case WIRE_SET_PERMS:
		return behind(t->request);
	case WIRE_WATCH_EVENT:
		return behind(t->reply);
	case WIRE_READ:
	case WIRE_DIRECTORY:
	case WIRE_GET_PERMS:
	case WIRE_TRANSACTION_START:
		*there = !t->result;
		return t->reply;
	case WIRE_MKDIR:
	case WIRE_RM:
	case WIRE_DIRECTORY_PART:
	case WIRE_RESET_WATCHES:
		*there = false;
		return t->request;
	default:
		return t->request;
	}
}

static void print_value(FILE *out, const struct traced *t)
{
	bool there, cut;
	struct span value = value_of(t, &there);

	if (!there)
		return;
	/* One NUL at the end belongs to the wire, not to the value. */
	if (t->op != WIRE_WRITE && t->op != WIRE_READ && value.len &&
	    !value.at[value.len - 1])
		value.len--;
	cut = value.len > VALUE_MAX;
	if (cut)
		value.len = VALUE_MAX;
	fputs(" \"", out);
	ls_print_escaped(out, value.at, value.len);
	fputs(cut ? "\"..." : "\"", out);
}

void trace_text_head(FILE *out)
{
	fprintf(out, "%-15s  %-7s  %-19s  %9s  %-9s  %s\n", "TIME", "WHO",
		"OP", "TOOK us", "RESULT", "TX PATH VALUE");
}

void trace_text(FILE *out, const struct traced *t)
{
	time_t seconds = (time_t)(t->time_us / 1000000);
	bool socket = t->conn >= TRACE_SOCKETS;
	char clock[16] = "-", who[16], took[24] = "-";
	struct tm tm;

	if (localtime_r(&seconds, &tm))
		strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	snprintf(who, sizeof(who), "%c%" PRIu32, socket ? 's' : 'd',
		 socket ? t->conn - TRACE_SOCKETS : t->conn);
	if (t->op != WIRE_WATCH_EVENT)
		snprintf(took, sizeof(took), "%" PRIu64, t->latency_us);
	fprintf(out, "%s.%06u  %-7s  %-19s  %9s  %-9s ", clock,
		(unsigned int)(t->time_us % 1000000), who,
		wire_op_name(t->op), took, result_name(t));
	if (t->tx)
		fprintf(out, " tx=%" PRIu32, t->tx);
	if (t->path.len) {
		fputc(' ', out);
		ls_print_escaped(out, t->path.at, t->path.len);
	}
	print_value(out, t);
	fputc('\n', out);
}

json_t *trace_json(const struct traced *t)
{
	bool socket = t->conn >= TRACE_SOCKETS;

	return json_pack("{s:I,s:I,s:I,s:s,s:I,s:I,s:I,s:s,s:I,s:I,s:o,s:o,"
			 "s:o}",
			 "time_us", (json_int_t)t->time_us,
			 "conn", (json_int_t)t->conn,
			 "domid", (json_int_t)(socket ? 0 : t->conn),
			 "op", wire_op_name(t->op),
			 "req", (json_int_t)t->req,
			 "tx", (json_int_t)t->tx,
			 "latency_us", (json_int_t)t->latency_us,
			 "result", result_name(t),
			 "request_len", (json_int_t)t->request_len,
			 "reply_len", (json_int_t)t->reply_len,
			 "path", record_json_bytes(t->path.at, t->path.len),
			 "request", record_json_bytes(t->request.at,
						      t->request.len),
			 "reply", record_json_bytes(t->reply.at,
						    t->reply.len));
}
