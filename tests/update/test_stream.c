/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The public stream: random machine -> stream -> machine, and what the stream
 * carries is the same in both; the reader against damaged streams and against
 * want of memory.  `test_stream [SEED [COUNT]]` repeats one run.
 */
#include "tests/update/random_machine.h"
#include "xenstored/core/conn.h"
#include "xenstored/core/dir.h"
#include "xenstored/core/domain.h"
#include "xenstored/core/mem.h"
#include "xenstored/core/stream.h"
#include "xenstored/core/transaction.h"
#include "xenstored/core/watch.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FD_BASE 10
#define PORT_BASE 40

static uint64_t seed;
static unsigned int failures;

__attribute__((format(printf, 1, 2)))
static void fail(const char *format, ...)
{
	va_list ap;

	fprintf(stderr, "seed %llu: ", (unsigned long long)seed);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	failures++;
}

/* --------------------------------------------------- what is carried -- */

struct sheet {
	char *at;
	size_t len, room;
};

__attribute__((format(printf, 2, 3)))
static void sheet_add(struct sheet *s, const char *format, ...)
{
	va_list ap;
	int n;

	if (s->room - s->len < 16384) {
		s->room += 65536;
		s->at = realloc(s->at, s->room);
		if (!s->at)
			exit(99);
	}
	va_start(ap, format);
	n = vsnprintf(s->at + s->len, s->room - s->len, format, ap);
	va_end(ap);
	s->len += (size_t)n;
}

static void sheet_hex(struct sheet *s, const void *bytes, size_t len)
{
	const uint8_t *b = bytes;

	for (size_t i = 0; i < len; i++)
		sheet_add(s, "%02x", b[i]);
}

static void sheet_acl(struct sheet *s, struct machine *m,
		      const struct acl *acl)
{
	for (unsigned int i = 0; i < acl->count; i++)
		if (!i || access_valid(m, acl, i))
			sheet_add(s, " %u:%u", acl->entry[i].domid,
				  acl->entry[i].access);
}

/* Children in the order of a listing. */
static void sheet_node(struct sheet *s, struct machine *m, struct node *n,
		       unsigned int depth)
{
	struct node **list = dir_list(n->dir);

	sheet_add(s, "node %u %.*s", depth, n->name_len, n->data);
	sheet_acl(s, m, n->acl);
	sheet_add(s, " = ");
	sheet_hex(s, node_value(n).at, n->value_len);
	sheet_add(s, "\n");
	for (uint32_t i = 0; list && i < dir_count(n->dir); i++)
		sheet_node(s, m, list[i], depth + 1);
	mem_drop(list);
}

static void sheet_watch(struct sheet *s, const struct watch *w, bool depth)
{
	struct span path = watch_path(w);

	sheet_add(s, "  watch %.*s %.*s %d special %d\n", (int)path.len,
		  path.at, (int)w->token_len, w->token,
		  depth ? (int)w->depth : 0, w->special);
}

/* Undelivered bytes, and those of the events that make good for lost ones. */
static void sheet_output(struct sheet *s, const struct conn *c)
{
	size_t skip = c->out_sent;

	sheet_add(s, "  output ");
	for (const struct message *msg = c->out; msg; msg = msg->next) {
		sheet_hex(s, msg->bytes + skip, msg->len - skip);
		skip = 0;
	}
	list_each(&c->lost, l) {
		struct watch *w = list_entry(l, struct watch, in_lost);
		struct span path = watch_path(w);
		struct wire_header h = { .type = WIRE_WATCH_EVENT };
		uint8_t head[WIRE_HEADER_SIZE];

		h.len = (uint32_t)(path.len + w->token_len + 2);
		wire_header_put(head, &h);
		sheet_hex(s, head, sizeof(head));
		sheet_hex(s, path.at, path.len);
		sheet_add(s, "00");
		sheet_hex(s, w->token, w->token_len);
		sheet_add(s, "00");
	}
	sheet_add(s, "\n");
}

static void sheet_conn(struct sheet *s, const struct conn *c, int end,
		       bool depth)
{
	sheet_add(s, "conn ring %d end %d target %d\n  input ", c->ring, end,
		  c->ring ? c->domain->target : -1);
	sheet_hex(s, c->in, c->in ? c->in_len : 0);
	sheet_add(s, "\n");
	sheet_output(s, c);
	list_each(&c->watches, l)
		sheet_watch(s, list_entry(l, struct watch, in_conn), depth);
}

static int end_of(const struct stream_world *w, uint32_t conn)
{
	for (size_t i = 0; w && i < w->clients; i++)
		if (w->client[i].conn == conn)
			return w->client[i].fd;
	for (size_t i = 0; w && i < w->rings; i++)
		if (w->ring[i].domid == conn)
			return (int)w->ring[i].port;
	if (w)
		return -1;
	return conn < MACHINE_SOCKET_BASE ? PORT_BASE + (int)conn :
	       FD_BASE + (int)(conn - MACHINE_SOCKET_BASE);
}

/* All that a stream of that version carries, in words. */
static char *describe(struct machine *m, const struct stream_world *w,
		      unsigned int version)
{
	struct sheet s = { 0 };

	sheet_node(&s, m, m->root, 0);
	for (int i = 0; i < SPECIAL_COUNT; i++) {
		sheet_add(&s, "special");
		sheet_acl(&s, m, m->special[i]);
		sheet_add(&s, "\n");
	}
	for (int i = 0; i < QUOTA_COUNT; i++)
		sheet_add(&s, "quota %llu\n",
			  (unsigned long long)m->config.quota[i]);
	list_each(&m->conns, l) {
		struct conn *c = list_entry(l, struct conn, in_machine);

		sheet_conn(&s, c, end_of(w, c->id), version > 1);
		for (int i = 0; c->ring && i < QUOTA_COUNT; i++)
			sheet_add(&s, "  limit %llu own %d\n",
				  (unsigned long long)c->domain->limit[i],
				  c->domain->own_limit[i]);
		if (c->ring && version > 1)
			sheet_add(&s, "  features %u\n", c->domain->features);
	}
	return s.at;
}

/* -------------------------------------------------------- round trips -- */

static int32_t test_fd(void *arg, uint32_t conn)
{
	return end_of(NULL, conn);
}

static int64_t test_port(void *arg, uint32_t domid)
{
	return end_of(NULL, domid);
}

static int32_t world_fd(void *arg, uint32_t conn)
{
	return end_of(arg, conn);
}

static int64_t world_port(void *arg, uint32_t domid)
{
	return end_of(arg, domid);
}

static bool test_facts(void *arg, uint32_t domid, uint64_t *instance)
{
	*instance = domid ? RANDOM_INSTANCE + domid : 0;
	return domid < RANDOM_DOMAINS;
}

static bool write_it(struct machine *m, struct stream_world *w,
		     unsigned int version, struct stream_out *out)
{
	struct stream_host host = {
		.arg = w, .socket_fd = 5, .evtchn_fd = 6,
		.client_fd = w ? world_fd : test_fd,
		.ring_port = w ? world_port : test_port,
	};
	int err;

	memset(out, 0, sizeof(*out));
	err = stream_write(m, &host, version, out);
	if (err)
		fail("stream_write: %d", err);
	return !err;
}

static struct machine *read_it(const void *bytes, size_t len,
			       struct stream_world *w, int *error,
			       char why[256])
{
	struct machine_config config;

	machine_config_defaults(&config);
	config.hash_key[1] = 77;
	config.socket_output_max = 2000;
	return stream_read(&config, bytes, len, test_facts, NULL, w, error,
			   why);
}

static void say(void *arg, const char *text)
{
	fail("machine_check: %s", text);
}

static void differ(const char *what, const char *a, const char *b)
{
	size_t at = 0, line = 0;

	while (a[at] && a[at] == b[at]) {
		if (a[at] == '\n')
			line = at + 1;
		at++;
	}
	fail("%s differ:\n-%.200s\n+%.200s", what, a + line, b + line);
}

static void compare(struct machine *a, struct machine *b,
		    const struct stream_world *w, unsigned int version)
{
	char *x = describe(a, NULL, version), *y = describe(b, w, version);

	if (strcmp(x, y))
		differ("machines", x, y);
	free(x);
	free(y);
	if (w->socket_fd != 5 || w->evtchn_fd != 6)
		fail("descriptors are %d and %d", w->socket_fd, w->evtchn_fd);
}

/* A stream of what was read is read and written again, byte for byte. */
static void again(struct machine *m, struct stream_world *w,
		  unsigned int version)
{
	struct stream_out second = { 0 }, third = { 0 };
	struct stream_world w2;
	struct machine *m2;
	char why[256];
	int error;

	if (!write_it(m, w, version, &second))
		goto out;
	m2 = read_it(second.at, second.len, &w2, &error, why);
	if (!m2)
		fail("second read: %s", why);
	else if (write_it(m2, &w2, version, &third) &&
		 (second.len != third.len ||
		  memcmp(second.at, third.at, second.len)))
		fail("a stream changes when read and written");
	machine_free(m2);
	stream_world_drop(&w2);
out:
	stream_drop(&second);
	stream_drop(&third);
}

static void round_trip(struct machine *m, unsigned int version)
{
	struct stream_out out;
	struct stream_world w = { 0 };
	struct machine *m2;
	char why[256];
	int error;

	if (!write_it(m, NULL, version, &out)) {
		stream_drop(&out);
		return;
	}
	m2 = read_it(out.at, out.len, &w, &error, why);
	if (!m2) {
		fail("stream_read: %d, %s", error, why);
	} else {
		compare(m, m2, &w, version);
		again(m2, &w, version);
		stream_resume(m2);
		random_answer(m2);
		machine_check(m2, say, NULL);
		machine_free(m2);
	}
	stream_world_drop(&w);
	stream_drop(&out);
}

/* --------------------------------------------------------- mutations -- */

static void mutate(struct random *r, uint8_t *at, size_t *len)
{
	size_t i = random_below(r, (unsigned int)*len), n;

	switch (random_below(r, 6)) {
	case 0:
		at[i] ^= (uint8_t)(1u << random_below(r, 8));
		break;
	case 1:
		at[i] = (uint8_t)random_next(r);
		break;
	case 2:	/* a word: lengths and ids are words */
		i &= ~(size_t)3;
		at[i] = (uint8_t)random_below(r, 20);
		break;
	case 3:
		*len = i + 1;
		break;
	case 4:	/* a piece is gone */
		n = random_below(r, 64);
		if (i + n < *len) {
			memmove(at + i, at + i + n, *len - i - n);
			*len -= n;
		}
		break;
	case 5:	/* a piece stands elsewhere, too */
		n = random_below(r, 64);
		if (i + n < *len)
			memmove(at + random_below(r, (unsigned int)(*len - n)),
				at + i, n);
		break;
	}
}

/* Returns whether a machine was made of it. */
static bool read_damaged(const uint8_t *at, size_t len)
{
	/* A block of exactly that size, so that a step too far is seen. */
	uint8_t *exact = malloc(len ? len : 1);
	struct stream_world w;
	struct machine *m;
	char why[256];
	int error;

	if (!exact)
		exit(99);
	memcpy(exact, at, len);
	m = read_it(exact, len, &w, &error, why);
	free(exact);
	if (m) {
		machine_check(m, say, NULL);
		stream_resume(m);
		random_answer(m);
		machine_check(m, say, NULL);
		machine_free(m);
	} else if ((error != -EPROTO && error != -ENOTSUP) || !why[0]) {
		fail("damaged stream: error %d, why '%s'", error, why);
	}
	stream_world_drop(&w);
	return m;
}

static void damage(struct random *r, struct machine *m, unsigned int times,
		   unsigned int *refused)
{
	struct stream_out out;
	uint8_t *copy;

	if (!write_it(m, NULL, 1 + random_below(r, 2), &out))
		return;
	copy = malloc(out.len);
	if (!copy)
		exit(99);
	for (unsigned int i = 0; i < times; i++) {
		unsigned int n = 1 + random_below(r, 3);
		size_t len = out.len;

		memcpy(copy, out.at, len);
		while (n--)
			mutate(r, copy, &len);
		*refused += !read_damaged(copy, len);
	}
	free(copy);
	stream_drop(&out);
}

/* Every beginning of a stream is refused. */
static void truncate_all(struct machine *m)
{
	struct stream_out out;

	if (!write_it(m, NULL, 1, &out))
		return;
	for (size_t len = 0; len < out.len; len++)
		if (read_damaged(out.at, len))
			fail("%zu of %zu bytes were enough", len, out.len);
	stream_drop(&out);
}

/* Each allocation fails in its turn. */
static void starve(struct machine *m)
{
	struct stream_out out;
	struct stream_world w;
	struct machine *m2 = NULL;
	char why[256];
	int error = 0;

	if (!write_it(m, NULL, 2, &out))
		return;
	for (long n = 0; !m2 && !failures; n++) {
		mem_fail_after(n);
		m2 = read_it(out.at, out.len, &w, &error, why);
		mem_fail_after(-1);
		stream_world_drop(&w);
		if (!m2 && error != -ENOMEM)
			fail("allocation %ld: error %d, %s", n, error, why);
	}
	machine_free(m2);
	stream_drop(&out);
	for (long n = 0; !failures; n++) {
		struct stream_host host = {
			.client_fd = test_fd, .ring_port = test_port,
		};
		struct stream_out o = { 0 };

		mem_fail_after(n);
		error = stream_write(m, &host, 2, &o);
		if (!mem_failed() && !error)
			n = -1;
		mem_fail_after(-1);
		stream_drop(&o);
		if (n < 0)
			break;
		if (error != -ENOMEM)
			fail("writing, allocation %ld: error %d", n, error);
	}
}

/* ----------------------------------------- transactions from elsewhere -- */

static void request(struct machine *m, uint32_t conn, uint32_t op,
		    uint32_t tx, const void *body, size_t len)
{
	struct machine_input in = { .type = MACHINE_IN_BYTES, .conn = conn };
	struct wire_header h = { .type = op, .tx_id = tx,
				 .len = (uint32_t)len };
	uint8_t bytes[256];

	wire_header_put(bytes, &h);
	memcpy(bytes + WIRE_HEADER_SIZE, body, len);
	in.data = bytes;
	in.len = WIRE_HEADER_SIZE + len;
	machine_step(m, &in);
	random_answer(m);
}

static bool answered(struct machine *m, uint32_t conn, uint32_t op,
		     const char *body, size_t len)
{
	struct machine_input in = { .type = MACHINE_IN_TAKEN, .conn = conn };
	struct machine_span span;
	struct wire_header h;
	bool as_wanted;

	if (machine_output(m, conn, &span, 1) != 1)
		return false;
	h = wire_header_get(span.at);
	as_wanted = h.type == op && h.len == len &&
		!memcmp((const char *)span.at + WIRE_HEADER_SIZE, body, len);
	in.len = span.len;
	machine_step(m, &in);
	return as_wanted;
}

/* Two records of another writer's, put in before the end. */
static const uint8_t pending_records[] = {
	4, 0, 0, 0, 8, 0, 0, 0,	1, 0, 0, 0, 9, 0, 0, 0,
	5, 0, 0, 0, 32, 0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0,
	3, 0, 3, 0, 3, 0, 1, 0, 'n', 0, 0, 0, '/', 'p', 0, 'n', 'e', 'w',
	0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0,
};

static void transactions(void)
{
	struct machine_input in = { .type = MACHINE_IN_OPEN };
	uint32_t conn = MACHINE_SOCKET_BASE;
	struct machine_config config;
	struct stream_world w;
	struct stream_out out;
	struct machine *m, *m2;
	uint8_t *bytes;
	char why[256];
	int error;

	machine_config_defaults(&config);
	m = machine_new(&config);
	if (!m)
		exit(99);
	in.conn = conn;
	machine_step(m, &in);
	if (!write_it(m, NULL, 1, &out))
		return;
	bytes = malloc(out.len + sizeof(pending_records));
	if (!bytes)
		exit(99);
	memcpy(bytes, out.at, out.len - 8);
	memcpy(bytes + out.len - 8, pending_records, sizeof(pending_records));
	m2 = read_it(bytes, out.len - 8 + sizeof(pending_records), &w, &error,
		     why);
	if (!m2) {
		fail("a pending transaction: %s", why);
	} else {
		if (w.transactions != 1)
			fail("%u transactions", w.transactions);
		request(m2, conn, WIRE_READ, 9, "/p", 3);
		if (!answered(m2, conn, WIRE_READ, "new", 3))
			fail("a pending write is not seen inside");
		request(m2, conn, WIRE_READ, 0, "/p", 3);
		if (!answered(m2, conn, WIRE_ERROR, "ENOENT", 7))
			fail("a pending write is seen outside");
		request(m2, conn, WIRE_TRANSACTION_END, 9, "T", 2);
		if (!answered(m2, conn, WIRE_ERROR, "EAGAIN", 7))
			fail("an unjudged transaction was not sent back");
		request(m2, conn, WIRE_TRANSACTION_START, 0, "", 1);
		if (!answered(m2, conn, WIRE_TRANSACTION_START, "1048577", 8))
			fail("a new id could be an old one");
		machine_check(m2, say, NULL);
	}
	machine_free(m2);
	machine_free(m);
	stream_world_drop(&w);
	stream_drop(&out);
	free(bytes);
}

/* -------------------------------------------------------------- whole -- */

static void one_seed(unsigned int *refused)
{
	struct random r = { seed * 0x9e3779b97f4a7c15ull + 1 };
	struct machine *m = random_machine(&r, 30 + random_below(&r, 400));

	if (!m)
		exit(99);
	machine_check(m, say, NULL);
	round_trip(m, 1);
	round_trip(m, 2);
	damage(&r, m, 20, refused);
	if (seed % 64 == 1)
		truncate_all(m);
	if (seed % 64 == 2)
		starve(m);
	machine_free(m);
}

int main(int argc, char **argv)
{
	unsigned long long first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	unsigned long long count = argc > 2 ? strtoull(argv[2], NULL, 10) :
				   argc > 1 ? 1 : 120;
	unsigned int refused = 0;

	transactions();
	for (seed = first; seed < first + count && !failures; seed++)
		one_seed(&refused);
	printf("test_stream: %llu machines, %u damaged streams refused, "
	       "%u failures\n", count, refused, failures);
	if (count >= 100 && !refused)
		fail("no damaged stream was refused");
	return failures ? 1 : 0;
}
