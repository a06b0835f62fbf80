// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lines, the store at the end and the summary, for people or as one JSON
 * object that is printed piece by piece, as it may be long.
 */
#include "xenstored/host/replay.h"

#include <stdio.h>
#include <string.h>

#include "protocol/perm.h"
#include "xenstored/core/acl.h"
#include "xenstored/core/state.h"

/* Of a value or reply in a line of text. */
#define SHOWN_MAX 60u

/* ---------------------------------------------------------- as text -- */

static void text_bytes(const char *bytes, size_t len, size_t most)
{
	for (size_t i = 0; i < len && i < most; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (c >= ' ' && c <= '~' && c != '"' && c != '\\')
			putchar(c);
		else
			printf("\\%03o", c);
	}
	if (len > most)
		printf("...");
}

static unsigned char nibble(char c)
{
	return (unsigned char)(c >= 'a' ? c - 'a' + 10 : c - '0');
}

/* Of replay_bytes(): pairs of digits, small letters. */
static void text_hex(const char *hex, size_t most)
{
	char bytes[WIRE_PAYLOAD_MAX];
	size_t len = strlen(hex) / 2;

	if (len > sizeof(bytes))
		len = sizeof(bytes);
	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)(nibble(hex[2 * i]) << 4 |
				  nibble(hex[2 * i + 1]));
	text_bytes(bytes, len, most);
}

static void text_value(const json_t *value, size_t most)
{
	const char *hex = json_string_value(json_object_get(value, "hex"));

	if (hex)
		text_hex(hex, most);
	else
		text_bytes(json_string_value(value),
			   json_string_length(value), most);
}

static void text_of(const json_t *object, const char *key)
{
	text_value(json_object_get(object, key), WIRE_ABS_PATH_MAX);
}

static long long number_of(const json_t *object, const char *key)
{
	return (long long)json_integer_value(json_object_get(object, key));
}

static void text_request(const json_t *line, const json_t *q)
{
	const char *of = json_string_value(json_object_get(q, "conn"));
	const char *conn = json_string_value(json_object_get(line, "conn"));
	const json_t *rest = json_object_get(q, "rest");
	const json_t *error = json_object_get(q, "error");
	const json_t *reply = json_object_get(q, "reply");

	/* That of another one, which had waited. */
	if (of && (!conn || strcmp(of, conn)))
		printf("%s ", of);
	printf("%s tx=%lld ", json_string_value(json_object_get(q, "op")),
	       number_of(q, "tx"));
	text_of(q, "path");
	if (rest) {
		printf(" \"");
		text_value(rest, SHOWN_MAX);
		putchar('"');
	}
	if (error) {
		printf(" = ");
		text_value(error, SHOWN_MAX);
	} else if (reply) {
		printf(" = \"");
		text_value(reply, SHOWN_MAX);
		putchar('"');
	} else {
		printf(", no reply");
	}
}

static void text_event(const json_t *line, const json_t *e)
{
	printf("event ");
	text_of(e, "conn");
	putchar(' ');
	text_of(e, "path");
	putchar(' ');
	text_of(e, "token");
}

static void text_ask(const json_t *line, const json_t *a)
{
	printf("ask ");
	text_of(a, "ask");
	putchar(' ');
	text_of(a, "of");
}

static void text_log(const json_t *line, const json_t *l)
{
	text_value(l, SIZE_MAX);
}

static const struct {
	const char *name;
	void (*print)(const json_t *line, const json_t *item);
} parts[] = {
	{ "requests", text_request },
	{ "events", text_event },
	{ "asks", text_ask },
	{ "log", text_log },
};

static const char *const numbers[] = {
	"bytes", "ask", "errno", "flags", "req_cons", "rsp_prod", "merged",
};

static void text_line(const json_t *line)
{
	const char *conn = json_string_value(json_object_get(line, "conn"));
	const json_t *under = json_object_get(line, "under_execution");
	long long us = number_of(line, "time_us");
	const char *before = ": ";

	printf("%c%7lld %7lld.%06lld %-6s %s", under ? '!' : ' ',
	       number_of(line, "n"), us / 1000000, us % 1000000,
	       conn ? conn : "-",
	       json_string_value(json_object_get(line, "type")));
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (json_object_get(line, numbers[i]))
			printf(" %s=%lld", numbers[i],
			       number_of(line, numbers[i]));
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		const json_t *list = json_object_get(line, parts[i].name);

		for (size_t n = 0; n < json_array_size(list); n++) {
			printf("%s", before);
			parts[i].print(line, json_array_get(list, n));
			before = "; ";
		}
	}
	if (under) {
		printf("%sUNDER EXECUTION AT DEATH, ", before);
		text_value(under, SIZE_MAX);
	}
	putchar('\n');
}

void replay_print_line(struct replay *r)
{
	if (!r->json) {
		text_line(r->line);
		return;
	}
	printf("%s", r->printed ? ",\n" : "\n");
	json_dumpf(r->line, stdout, JSON_COMPACT);
	r->printed = true;
}

void replay_print_start(struct replay *r)
{
	if (r->json)
		printf("{\"records\": [");
}

/* --------------------------------------------------------- the store -- */

static size_t node_path(const struct tree_walk *w, char *path, size_t room)
{
	size_t len = 0;

	for (unsigned int i = 1; i <= w->depth; i++) {
		struct span name = node_name(tree_walk_at(w, i));

		if (len + 1 + name.len > room)
			break;
		path[len++] = '/';
		memcpy(path + len, name.at, name.len);
		len += name.len;
	}
	if (!len)
		path[len++] = '/';
	return len;
}

static void store_node(struct replay *r, const struct node *n,
		       const char *path, size_t len)
{
	struct span value = node_value(n);
	json_t *perms = json_array();
	char text[PERM_TEXT_MAX];
	json_t *object;

	for (unsigned int i = 0; i < n->acl->count; i++) {
		perm_format(text, n->acl->entry[i]);
		json_array_append_new(perms, json_string(text));
		if (!r->json)
			printf("%s%s", i ? "," : "(", text);
	}
	if (!r->json) {
		printf(") ");
		text_bytes(path, len, SIZE_MAX);
		printf(" = \"");
		text_bytes(value.at, value.len, SIZE_MAX);
		printf("\"\n");
		json_decref(perms);
		return;
	}
	object = json_pack("{s:o,s:o,s:o}", "path", replay_bytes(path, len),
		"value", replay_bytes(value.at, value.len), "permissions",
		perms);
	printf("%s", len == 1 ? "\n" : ",\n");
	json_dumpf(object, stdout, JSON_COMPACT);
	json_decref(object);
}

static void print_store(struct replay *r)
{
	char path[WIRE_ABS_PATH_MAX + 1];
	struct tree_walk w;
	struct node *n;

	if (r->json)
		printf(",\n\"store\": [");
	tree_walk_start(&w, r->machine->root);
	while ((n = tree_walk_next(&w)))
		store_node(r, n, path, node_path(&w, path, sizeof(path)));
	if (w.failed)
		replay_wrong(r, "the store is not whole, for want of memory");
	tree_walk_end(&w);
	if (r->json)
		printf("\n]");
}

/* ------------------------------------------------------- the summary -- */

static void say_finding(void *arg, const char *text)
{
	json_array_append_new(arg, json_string(text));
}

static json_t *conn_or_null(uint32_t conn)
{
	return conn ? replay_conn(conn) : json_null();
}

static json_t *summary(const struct replay *r, json_t *findings)
{
	const struct machine *m = r->machine;
	const struct journal_death *d = &r->death;

	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:i,s:i,s:i,s:b,s:o,s:o,"
		"s:i,s:o,s:o}",
		"records", (json_int_t)r->records,
		"first_segment", (json_int_t)r->first,
		"end_segment", (json_int_t)r->segment,
		"requests", (json_int_t)r->requests,
		"events", (json_int_t)r->events,
		"nodes", (json_int_t)m->nodes,
		"domains", (int)m->domains,
		"sockets", (int)m->socket_count,
		"transactions", (int)m->transactions,
		"journal_broken", (int)d->broken,
		"receiving", conn_or_null(d->doubt.receiving),
		"sending", conn_or_null(d->doubt.sending),
		"deaths_before", (int)d->deaths,
		"under_execution", r->reached ? json_string(r->verdict) :
			json_null(),
		"findings", json_incref(findings));
}

static void text_doubt(const char *what, const json_t *conn)
{
	if (json_is_null(conn))
		return;
	printf("in doubt: ");
	text_value(conn, SIZE_MAX);
	printf(", the daemon was %s it\n", what);
}

static void text_summary(const struct replay *r, const json_t *s)
{
	const json_t *findings = json_object_get(s, "findings");

	printf("\n%lld records from journal.%lld on: %lld requests, %lld "
	       "events\n", number_of(s, "records"),
	       number_of(s, "first_segment"), number_of(s, "requests"),
	       number_of(s, "events"));
	printf("then there are: %lld nodes, %lld domains, %lld sockets, %lld "
	       "open transactions\n", number_of(s, "nodes"),
	       number_of(s, "domains"), number_of(s, "sockets"),
	       number_of(s, "transactions"));
	text_doubt("receiving from", json_object_get(s, "receiving"));
	text_doubt("sending to", json_object_get(s, "sending"));
	if (r->reached)
		printf("under execution at death: record %lld, %lld deaths "
		       "at it before this one; %s\n", number_of(s, "records"),
		       number_of(s, "deaths_before"), r->verdict);
	if (r->death.broken)
		printf("the journal is not whole: it could not be written any "
		       "more (XSD040)\n");
	for (size_t i = 0; i < json_array_size(findings); i++) {
		printf("wrong: ");
		text_value(json_array_get(findings, i), SIZE_MAX);
		putchar('\n');
	}
	printf("%zu finding%s\n", json_array_size(findings),
	       json_array_size(findings) == 1 ? "" : "s");
}

int replay_print_end(struct replay *r, int status)
{
	json_t *findings = json_array();
	unsigned int wrong = machine_check(r->machine, say_finding, findings);
	json_t *s = summary(r, findings);

	if (r->json)
		printf("\n]");
	if (r->store)
		print_store(r);
	if (r->json) {
		printf(",\n\"summary\": ");
		json_dumpf(s, stdout, JSON_INDENT(2));
		printf("\n}\n");
	} else {
		text_summary(r, s);
	}
	json_decref(s);
	json_decref(findings);
	if (wrong || r->fatal || r->death.broken)
		return REPLAY_WRONG;
	return status;
}
