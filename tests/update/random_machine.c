/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random requests of every kind; see random_machine.h. */
#include "tests/update/random_machine.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

uint64_t random_next(struct random *r)
{
	r->state ^= r->state << 13;
	r->state ^= r->state >> 7;
	r->state ^= r->state << 17;
	return r->state * 0x2545f4914f6cdd1dull;
}

unsigned int random_below(struct random *r, unsigned int n)
{
	return (unsigned int)(random_next(r) >> 33) % n;
}

void random_answer(struct machine *m)
{
	struct machine_ask ask;

	while (machine_ask_peek(m, &ask)) {
		struct machine_input in = { .type = MACHINE_IN_DONE };
		struct machine_input facts = { .type = MACHINE_IN_DOMAIN };

		in.ask = ask.id;
		facts.domid = ask.domid;
		if (ask.domid < RANDOM_DOMAINS)
			facts.flags = MACHINE_DOM_EXISTS;
		facts.instance = ask.domid ? RANDOM_INSTANCE + ask.domid : 0;
		machine_ask_pop(m);
		if (ask.type == MACHINE_ASK_DOMAIN)
			machine_step(m, &facts);
		if (ask.type == MACHINE_ASK_CONTROL)
			in.error = WIRE_EINVAL;
		machine_step(m, &in);
	}
}

struct text {
	char at[512];
	size_t len;
};

__attribute__((format(printf, 2, 3)))
static void text_add(struct text *t, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(t->at + t->len, sizeof(t->at) - t->len, format, ap);
	va_end(ap);
	t->len += (size_t)n + 1;
}

static void some_path(struct random *r, struct text *t)
{
	static const char *const paths[] = {
		"/a", "/a/b", "/a/b/c", "/a/d", "/local/domain/1",
		"/local/domain/1/x", "/local/domain/2", "/local/domain/2/y/z",
		"/local/domain/3/deep/er/still", "x", "x/y", "device",
	};
	unsigned int n = random_below(r, sizeof(paths) / sizeof(paths[0]));

	if (random_below(r, 4))
		text_add(t, "%s", paths[n]);
	else
		text_add(t, "/a/n%u", random_below(r, 40));
}

static void some_perms(struct random *r, struct text *t)
{
	unsigned int n = 1 + random_below(r, 3);

	for (unsigned int i = 0; i < n; i++)
		text_add(t, "%c%u", "nrwb"[random_below(r, 4)],
			 random_below(r, RANDOM_DOMAINS + (i > 0)));
}

static void some_value(struct random *r, struct text *t)
{
	unsigned int n = random_below(r, 60);

	for (unsigned int i = 0; i < n; i++)
		t->at[t->len++] = (char)random_next(r);
}

/* The payload for a random operation, which is returned. */
static uint32_t some_request(struct random *r, bool privileged,
			     struct text *t)
{
	static const uint32_t ops[] = {
		WIRE_WRITE, WIRE_WRITE, WIRE_WRITE, WIRE_MKDIR, WIRE_RM,
		WIRE_SET_PERMS, WIRE_SET_PERMS, WIRE_WATCH, WIRE_WATCH,
		WIRE_UNWATCH, WIRE_TRANSACTION_START, WIRE_TRANSACTION_END,
		WIRE_READ, WIRE_DIRECTORY, WIRE_INTRODUCE, WIRE_SET_TARGET,
		WIRE_SET_QUOTA, WIRE_RELEASE,
	};
	uint32_t op = ops[random_below(r, sizeof(ops) / sizeof(ops[0]))];
	unsigned int domid = 1 + random_below(r, RANDOM_DOMAINS - 1);

	t->len = 0;
	switch (op) {
	case WIRE_WRITE:
		some_path(r, t);
		some_value(r, t);
		break;
	case WIRE_SET_PERMS:
		some_path(r, t);
		some_perms(r, t);
		break;
	case WIRE_WATCH:
	case WIRE_UNWATCH:
		if (random_below(r, 5))
			some_path(r, t);
		else
			text_add(t, "@releaseDomain");
		text_add(t, "tok%u", random_below(r, 3));
		if (op == WIRE_WATCH && !random_below(r, 3))
			text_add(t, "%u", random_below(r, 3));
		break;
	case WIRE_TRANSACTION_START:
		text_add(t, "%s", "");
		break;
	case WIRE_TRANSACTION_END:
		text_add(t, "%s", random_below(r, 3) ? "T" : "F");
		break;
	case WIRE_INTRODUCE:
		text_add(t, "%u", domid);
		text_add(t, "%u", 100 + domid);
		text_add(t, "%u", 7);
		break;
	case WIRE_SET_TARGET:
		text_add(t, "%u", domid);
		text_add(t, "%u", 1 + random_below(r, RANDOM_DOMAINS - 1));
		break;
	case WIRE_SET_QUOTA:
		if (random_below(r, 2))
			text_add(t, "%u", domid);
		text_add(t, "%s", "watches");
		text_add(t, "%u", 100 + random_below(r, 50));
		break;
	case WIRE_RELEASE:
		/* Rarely: it takes much of the past with it. */
		text_add(t, "%u", random_below(r, 10) ? 9999 : domid);
		break;
	default:
		some_path(r, t);
		break;
	}
	return op;
}

static void step_request(struct machine *m, struct random *r, uint32_t conn)
{
	char bytes[WIRE_HEADER_SIZE + sizeof(((struct text *)0)->at)];
	struct machine_input in = { .type = MACHINE_IN_BYTES, .conn = conn };
	struct wire_header h = { 0 };
	struct text t;

	h.type = some_request(r, conn >= MACHINE_SOCKET_BASE, &t);
	h.req_id = random_below(r, 1000);
	if (!random_below(r, 3))
		h.tx_id = 1 + random_below(r, 3);
	h.len = (uint32_t)t.len;
	wire_header_put(bytes, &h);
	memcpy(bytes + WIRE_HEADER_SIZE, t.at, t.len);
	in.data = bytes;
	in.len = WIRE_HEADER_SIZE + t.len;
	if (machine_wants(m, conn) < in.len)
		return;
	machine_step(m, &in);
	random_answer(m);
}

static void step_taken(struct machine *m, struct random *r, uint32_t conn)
{
	struct machine_input in = { .type = MACHINE_IN_TAKEN, .conn = conn };
	struct machine_span span[8];
	unsigned int n = machine_output(m, conn, span, 8);
	size_t all = 0;

	for (unsigned int i = 0; i < n; i++)
		all += span[i].len;
	if (!all)
		return;
	in.len = 1 + random_below(r, (unsigned int)all);
	machine_step(m, &in);
	random_answer(m);
}

/* The beginning of a request, so that the connection is in the middle. */
static void step_half(struct machine *m, struct random *r, uint32_t conn)
{
	static const char request[] =
		"\x0b\0\0\0\x2a\0\0\0\0\0\0\0\x08\0\0\0/half\0vv";
	struct machine_input in = { .type = MACHINE_IN_BYTES, .conn = conn };

	in.data = request;
	in.len = 1 + random_below(r, sizeof(request) - 2);
	if (machine_wants(m, conn) < in.len)
		return;
	machine_step(m, &in);
	random_answer(m);
}

static uint32_t some_conn(struct random *r)
{
	unsigned int n = random_below(r, RANDOM_SOCKETS + RANDOM_DOMAINS);

	return n < RANDOM_DOMAINS ? n :
	       MACHINE_SOCKET_BASE + n - RANDOM_DOMAINS;
}

static void begin(struct machine *m)
{
	struct machine_input in = { .type = MACHINE_IN_TIME, .time = 1 };

	machine_step(m, &in);
	in = (struct machine_input){ .type = MACHINE_IN_ADOPT, .port = 3 };
	for (in.domid = 0; in.domid < RANDOM_DOMAINS; in.domid++) {
		in.instance = in.domid ? RANDOM_INSTANCE + in.domid : 0;
		machine_step(m, &in);
		random_answer(m);
	}
	in = (struct machine_input){ .type = MACHINE_IN_OPEN };
	for (uint32_t i = 0; i < RANDOM_SOCKETS; i++) {
		in.conn = MACHINE_SOCKET_BASE + i;
		machine_step(m, &in);
	}
}

struct machine *random_machine(struct random *r, unsigned int steps)
{
	struct machine_config config;
	struct machine *m;

	machine_config_defaults(&config);
	config.hash_key[0] = random_next(r);
	/* So little room that events get lost, too. */
	config.socket_output_max = 2000;
	config.quota[QUOTA_MEMORY] = 20000;
	m = machine_new(&config);
	if (!m)
		return NULL;
	begin(m);
	for (unsigned int i = 0; i < steps; i++) {
		uint32_t conn = some_conn(r);

		if (random_below(r, 3))
			step_request(m, r, conn);
		else
			step_taken(m, r, conn);
	}
	for (unsigned int i = 0; i < 3; i++)
		step_half(m, r, some_conn(r));
	return m;
}
