/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a trace shows: read from the options, sent to the daemon, and applied
 * here to what comes from a file.
 */
#include "tools/xs-probe/trace.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <proxenos/client_call.h>

#include "protocol/path.h"
#include "protocol/wire.h"

#define WORDS_MAX (3 * TRACE_FILTERS + 2)
#define WORD_MAX (WIRE_ABS_PATH_MAX + 16)

static int read_domain(struct trace_filter *f, struct span word)
{
	uint64_t v = TRACE_SOCKETS;

	if (f->domains == TRACE_FILTERS || (!span_is(word, "sockets") &&
					    !span_number(word, 32751, &v)))
		return probe_usage("--domain: not a domid, nor \"sockets\", "
				   "or too many: %.*s", (int)word.len,
				   word.at);
	f->domain[f->domains++] = (uint32_t)v;
	return 0;
}

static int read_path(struct trace_filter *f, struct span word)
{
	enum path_kind kind = path_kind(word);

	if (f->paths == TRACE_FILTERS ||
	    (kind != PATH_ABSOLUTE && kind != PATH_SPECIAL))
		return probe_usage("--path: not an absolute path, or too many: "
				   "%.*s", (int)word.len, word.at);
	f->path[f->paths++] = word;
	return 0;
}

static bool same_letters(struct span word, const char *name)
{
	return word.len == strlen(name) &&
	       !strncasecmp(word.at, name, word.len);
}

static int read_op(struct trace_filter *f, struct span word)
{
	uint32_t op = 0;

	while (op < WIRE_OP_COUNT && !same_letters(word, wire_op_name(op)))
		op++;
	if (f->ops == TRACE_FILTERS || op == WIRE_OP_COUNT)
		return probe_usage("--op: no operation of xs_wire.h, or too "
				   "many: %.*s", (int)word.len, word.at);
	f->op[f->ops++] = op;
	return 0;
}

static int read_list(struct trace_filter *f, const char *list,
		     int (*read)(struct trace_filter *f, struct span word))
{
	int ret = 0;

	while (list && !ret) {
		size_t len = strcspn(list, ",");

		ret = read(f, (struct span){ list, len });
		list = list[len] ? list + len + 1 : NULL;
	}
	return ret;
}

int trace_filter_options(struct trace_filter *f, const struct probe *probe)
{
	int ret;

	memset(f, 0, sizeof(*f));
	f->slow_us = probe->number['S'] * 1000;
	ret = read_list(f, probe->value['d'], read_domain);
	if (!ret)
		ret = read_list(f, probe->value['p'], read_path);
	return ret ? ret : read_list(f, probe->value['o'], read_op);
}

static bool wants_domain(const struct trace_filter *f, uint32_t conn)
{
	uint32_t party = conn < TRACE_SOCKETS ? conn : TRACE_SOCKETS;

	for (unsigned int i = 0; i < f->domains; i++)
		if (f->domain[i] == party)
			return true;
	return !f->domains;
}

static bool wants_op(const struct trace_filter *f, uint32_t op)
{
	for (unsigned int i = 0; i < f->ops; i++)
		if (f->op[i] == op)
			return true;
	return !f->ops;
}

static bool wants_path(const struct trace_filter *f, struct span path)
{
	for (unsigned int i = 0; i < f->paths; i++)
		if (path.len && path_below(f->path[i], path))
			return true;
	return !f->paths;
}

bool trace_filter_wants(const struct trace_filter *f, const struct traced *t)
{
	return wants_domain(f, t->conn) && wants_op(f, t->op) &&
	       wants_path(f, t->path) && t->latency_us >= f->slow_us;
}

/* The words of the command, one behind the other. */
struct command_words {
	struct px_bytes part[WORDS_MAX + 4];
	char text[WORDS_MAX][WORD_MAX];
	unsigned int parts, texts;
};

static void add_word(struct command_words *w, const char *kind,
		     struct span value)
{
	char *text = w->text[w->texts++];
	int n = snprintf(text, WORD_MAX, "%s=%.*s", kind, (int)value.len,
			 value.at);

	w->part[w->parts++] = (struct px_bytes){ text, (size_t)n + 1 };
}

static void add_number(struct command_words *w, const char *kind, uint64_t v)
{
	char digits[24];
	int n = snprintf(digits, sizeof(digits), "%" PRIu64, v);

	add_word(w, kind, (struct span){ digits, (size_t)n });
}

int trace_filter_start(const struct trace_filter *f, struct probe *probe)
{
	static struct command_words w;
	char reply[WIRE_PAYLOAD_MAX + 1];
	ssize_t n;

	w.parts = w.texts = 0;
	w.part[w.parts++] = (struct px_bytes){ "probe-do", 9 };
	w.part[w.parts++] = (struct px_bytes){ "1", 2 };
	w.part[w.parts++] = (struct px_bytes){ "trace-start", 12 };
	for (unsigned int i = 0; i < f->domains; i++) {
		if (f->domain[i] == TRACE_SOCKETS)
			add_word(&w, "domain",
				 (struct span){ "sockets", 7 });
		else
			add_number(&w, "domain", f->domain[i]);
	}
	for (unsigned int i = 0; i < f->paths; i++)
		add_word(&w, "path", f->path[i]);
	for (unsigned int i = 0; i < f->ops; i++) {
		const char *name = wire_op_name(f->op[i]);

		add_word(&w, "op", (struct span){ name, strlen(name) });
	}
	if (f->slow_us)
		add_number(&w, "slow", f->slow_us);
	if (probe->flag['k'])
		add_number(&w, "keep", probe->number['k']);
	n = px_client_call(probe->client, WIRE_CONTROL, 0, w.part, w.parts,
			   reply, sizeof(reply), probe->timeout);
	return n < 0 ? (int)n : 0;
}
