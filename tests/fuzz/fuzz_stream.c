/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Raw bytes from one connection into a machine that has others: two sockets,
 * dom0's ring, three guests with nodes, watches and an open transaction, and a
 * second privileged domain, which may release itself.
 * The first byte of the input says who speaks (a socket, dom0, a guest, the
 * stub domain of another guest, the privileged domain) and in what pieces, the
 * rest is what it says.
 *
 * Then: the machine is consistent, what it sent is whole messages, and a
 * guest that had no part in it is still served.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "xenstored/core/machine.h"

enum { GUESTS = 4, PRIVILEGED = 4, SPANS = 256 };

static void wrong(void *arg, const char *text)
{
	fprintf(stderr, "fuzz_stream: %s\n", text);
	abort();
}

static void step(struct machine *m, const struct machine_input *in)
{
	if (machine_step(m, in))
		wrong(NULL, "machine_step() failed");
}

/* Say of an asked domain that it is there if it is one of ours. */
static void tell(struct machine *m, uint32_t domid)
{
	struct machine_input in = { .type = MACHINE_IN_DOMAIN,
				    .domid = domid };

	if (domid <= GUESTS) {
		in.flags = MACHINE_DOM_EXISTS;
		in.instance = domid + 1;
	}
	step(m, &in);
}

static void answer_all(struct machine *m)
{
	struct machine_ask ask;

	while (machine_ask_peek(m, &ask)) {
		struct machine_input in = { .type = MACHINE_IN_DONE,
					    .ask = ask.id };
		enum machine_ask_type type = ask.type;

		machine_ask_pop(m);
		if (type == MACHINE_ASK_DOMAIN)
			tell(m, ask.domid);
		else if (type == MACHINE_ASK_MAP)
			in.error = ask.domid <= GUESTS ? 0 : 22;
		else if (type != MACHINE_ASK_CONTROL)
			continue;
		step(m, &in);
	}
}

/* Take everything; the number of replies among it. */
static unsigned int take_all(struct machine *m, uint32_t conn)
{
	struct machine_span spans[SPANS];
	struct machine_input in = { .type = MACHINE_IN_TAKEN, .conn = conn };
	unsigned int replies = 0, n;
	static char text[1 << 20];

	while ((n = machine_output(m, conn, spans, SPANS))) {
		size_t len = 0, at = 0;

		for (unsigned int i = 0; i < n; i++) {
			if (spans[i].len > sizeof(text) - len)
				break;
			memcpy(text + len, spans[i].at, spans[i].len);
			len += spans[i].len;
		}
		while (len - at >= WIRE_HEADER_SIZE) {
			struct wire_header h = wire_header_get(text + at);

			if (h.len > WIRE_PAYLOAD_MAX)
				wrong(NULL, "a message too long");
			if (len - at < WIRE_HEADER_SIZE + h.len)
				break;
			at += WIRE_HEADER_SIZE + h.len;
			replies += h.type != WIRE_WATCH_EVENT;
		}
		if (!at)
			wrong(NULL, "output without a whole message");
		in.len = at;
		step(m, &in);
	}
	return replies;
}

static void send_bytes(struct machine *m, uint32_t conn, const void *data,
		       size_t len, size_t piece)
{
	const char *at = data;

	while (len) {
		struct machine_input in = { .type = MACHINE_IN_BYTES,
					    .conn = conn, .data = at };
		size_t wants = machine_wants(m, conn);

		if (!wants)
			return;
		in.len = len < piece ? len : piece;
		in.len = in.len < wants ? in.len : wants;
		step(m, &in);
		at += in.len;
		len -= in.len;
		answer_all(m);
		if (!machine_wants(m, conn))
			take_all(m, conn);
	}
}

static void request(struct machine *m, uint32_t conn, uint32_t type,
		    const char *payload, size_t len)
{
	struct wire_header h = { type, 1, 0, (uint32_t)len };
	char text[WIRE_HEADER_SIZE];

	wire_header_put(text, &h);
	send_bytes(m, conn, text, sizeof(text), SIZE_MAX);
	send_bytes(m, conn, payload, len, SIZE_MAX);
	take_all(m, conn);
}

#define REQUEST(m, conn, type, text) \
	request(m, conn, type, text, sizeof(text) - 1)

static const uint32_t conns[] = { MACHINE_SOCKET_BASE, MACHINE_SOCKET_BASE + 1,
				  0, 1, 2, 3, PRIVILEGED };

enum { CONNS = sizeof(conns) / sizeof(conns[0]) };

static struct machine *set_up(void)
{
	struct machine_input in = { .type = MACHINE_IN_OPEN };
	struct machine_config config;
	struct machine *m;
	uint32_t tool = MACHINE_SOCKET_BASE;

	machine_config_defaults(&config);
	config.quota[QUOTA_NODES] = 20;
	config.priv_domid = PRIVILEGED;
	m = machine_new(&config);
	if (!m)
		exit(99);
	in.conn = tool;
	step(m, &in);
	in.conn = tool + 1;
	step(m, &in);
	in.type = MACHINE_IN_ADOPT;
	step(m, &in);
	answer_all(m);
	REQUEST(m, tool, WIRE_INTRODUCE, "1\0001\0001\000");
	REQUEST(m, tool, WIRE_INTRODUCE, "2\0001\0001\000");
	REQUEST(m, tool, WIRE_INTRODUCE, "3\0001\0001\000");
	REQUEST(m, tool, WIRE_INTRODUCE, "4\0001\0001\000");
	REQUEST(m, tool, WIRE_MKDIR, "/local/domain/1\000");
	REQUEST(m, tool, WIRE_SET_PERMS, "/local/domain/1\000n1\000");
	REQUEST(m, tool, WIRE_MKDIR, "/local/domain/2\000");
	REQUEST(m, tool, WIRE_SET_PERMS, "/local/domain/2\000n2\000r1\000");
	REQUEST(m, tool, WIRE_MKDIR, "/local/domain/3\000");
	REQUEST(m, tool, WIRE_SET_PERMS, "/local/domain/3\000b3\000");
	REQUEST(m, tool, WIRE_SET_TARGET, "3\0002\000");
	REQUEST(m, 1, WIRE_WATCH, "a\000t\000");
	REQUEST(m, 1, WIRE_WRITE, "a/b\000v");
	REQUEST(m, 1, WIRE_TRANSACTION_START, "\000");
	REQUEST(m, 2, WIRE_WATCH, "/local\000t\000");
	REQUEST(m, 2, WIRE_WRITE, "a/b\000v");
	REQUEST(m, 3, WIRE_TRANSACTION_START, "\000");
	REQUEST(m, tool + 1, WIRE_WATCH, "/\000t\000");
	REQUEST(m, tool + 1, WIRE_WATCH, "@releaseDomain\000t\000");
	return m;
}

/* Is the guest served?  It has been if it was not released by anybody. */
static void still_served(struct machine *m, uint32_t conn)
{
	struct wire_header h = { WIRE_GET_DOMAIN_PATH, 9, 0, 2 };
	char text[WIRE_HEADER_SIZE + 2] = { 0 };

	take_all(m, conn);
	if (!machine_wants(m, conn))
		wrong(NULL, "an uninvolved connection is not served");
	wire_header_put(text, &h);
	text[WIRE_HEADER_SIZE] = '1';
	send_bytes(m, conn, text, sizeof(text), SIZE_MAX);
	if (take_all(m, conn) != 1)
		wrong(NULL, "an uninvolved connection gets no reply");
}

static bool privileged(unsigned int who)
{
	return who < 3 || conns[who] == PRIVILEGED;
}

/* It releases itself: gone without a reply, and nothing of it is left. */
static void releases_itself(struct machine *m)
{
	size_t before;

	REQUEST(m, PRIVILEGED, WIRE_WATCH, "@releaseDomain\000t\000");
	REQUEST(m, PRIVILEGED, WIRE_TRANSACTION_START, "\000");
	before = machine_wants(m, PRIVILEGED);
	REQUEST(m, PRIVILEGED, WIRE_RELEASE, "4\000");
	if (!before || machine_wants(m, PRIVILEGED) ||
	    take_all(m, PRIVILEGED))
		wrong(NULL, "who released himself is served");
	REQUEST(m, MACHINE_SOCKET_BASE, WIRE_INTRODUCE, "4\0001\0001\000");
	still_served(m, PRIVILEGED);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	unsigned int who = len ? bytes[0] % CONNS : 0;
	size_t piece = len && bytes[0] & 0x80 ? 1u + (bytes[0] >> 3) % 16u :
						SIZE_MAX;
	struct machine *m = set_up();

	if (len)
		send_bytes(m, conns[who], bytes + 1, len - 1, piece);
	answer_all(m);
	if (machine_check(m, wrong, NULL))
		abort();
	/* An unprivileged speaker cannot have taken anybody's service. */
	for (unsigned int i = 0; i < CONNS; i++)
		if (i != who && (!privileged(who) || i < 3))
			still_served(m, conns[i]);
	/* If it is there and not in the middle of a message or a queue. */
	if (!privileged(who))
		releases_itself(m);
	if (machine_check(m, wrong, NULL))
		abort();
	machine_free(m);
	return 0;
}
