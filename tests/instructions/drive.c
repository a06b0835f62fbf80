// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The machine, driven through one kind of request after the other, for
 * callgrind to count: no clock, no host, a fixed key, so that the counts are
 * the same on every run.  Between drive_begin() and drive_end() is what a row
 * counts; `run` has callgrind empty and write its counters there, and leaves
 * out whatever this file itself spends.
 *
 * Each row prints "ROW name times" in the order of callgrind's dumps.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xenstored/core/machine.h"

#define SOCKET MACHINE_SOCKET_BASE	/* the toolstack */
#define WATCHER (MACHINE_SOCKET_BASE + 1)
#define GUEST 7u
#define NODES 1000u
#define MORE_NODES 50000u
#define WATCHES 10000u

static struct machine *m;
static uint64_t now;
static uint32_t tx;
static char reply[WIRE_PAYLOAD_MAX + 1];
static uint32_t reply_type;

static void drive_fail(const char *what)
{
	fprintf(stderr, "drive: %s: %s\n", what, reply);
	exit(1);
}

static void drive_step(const struct machine_input *in)
{
	if (machine_step(m, in))
		drive_fail("step");
}

/* The hypervisor: all domains exist, all rings can be mapped. */
static void drive_answer(void)
{
	struct machine_ask ask;

	while (machine_ask_peek(m, &ask)) {
		struct machine_input fact = {
			.type = MACHINE_IN_DOMAIN, .domid = ask.domid,
			.flags = MACHINE_DOM_EXISTS, .instance = ask.domid,
		};
		struct machine_input done = {
			.type = MACHINE_IN_DONE, .ask = ask.id,
		};
		enum machine_ask_type type = ask.type;

		machine_ask_pop(m);
		if (type == MACHINE_ASK_DOMAIN)
			drive_step(&fact);
		if (type == MACHINE_ASK_DOMAIN || type == MACHINE_ASK_MAP)
			drive_step(&done);
	}
}

/* Keep the last reply; an event is as good as read. */
static void drive_take(uint32_t conn)
{
	struct machine_input taken = { .type = MACHINE_IN_TAKEN,
				       .conn = conn };
	struct machine_span span[64];
	unsigned int n;

	while ((n = machine_output(m, conn, span, 64))) {
		taken.len = 0;
		for (unsigned int i = 0; i < n; i++) {
			struct wire_header h = wire_header_get(span[i].at);

			taken.len += span[i].len;
			if (h.type == WIRE_WATCH_EVENT)
				continue;
			reply_type = h.type;
			memcpy(reply, (const char *)span[i].at +
			       WIRE_HEADER_SIZE, h.len);
			reply[h.len] = '\0';
		}
		drive_step(&taken);
	}
}

static void drive_pass(const void *bytes, size_t len, uint32_t conn)
{
	struct machine_input time = { .type = MACHINE_IN_TIME,
				      .time = now += 10 };
	struct machine_input in = { .type = MACHINE_IN_BYTES, .conn = conn,
				    .data = bytes, .len = len };
	uint32_t dirty;

	drive_step(&time);
	drive_step(&in);
	drive_answer();
	while (machine_next_dirty(m, &dirty))
		drive_take(dirty);
}

static size_t drive_put(char *at, uint32_t op, const char *body, size_t len)
{
	struct wire_header h = { op, 1, tx, (uint32_t)len };

	wire_header_put(at, &h);
	memcpy(at + WIRE_HEADER_SIZE, body, len);
	return WIRE_HEADER_SIZE + len;
}

static void drive_raw(uint32_t conn, uint32_t op, const char *body, size_t len)
{
	char bytes[WIRE_MESSAGE_MAX];

	drive_pass(bytes, drive_put(bytes, op, body, len), conn);
}

/* `body` with '|' for NUL, and none added.  The reply must not be an error. */
static void drive(uint32_t conn, uint32_t op, const char *body)
{
	char text[256];
	size_t len = strlen(body);

	for (size_t i = 0; i < len; i++)
		text[i] = body[i] == '|' ? '\0' : body[i];
	drive_raw(conn, op, text, len);
	if (reply_type == WIRE_ERROR)
		drive_fail(body);
}

static void drive_n(uint32_t op, const char *format, unsigned int n)
{
	char body[256];

	snprintf(body, sizeof(body), format, n, n);
	drive(SOCKET, op, body);
}

static void drive_start(uint32_t conn)
{
	drive(conn, WIRE_TRANSACTION_START, "|");
	tx = (uint32_t)strtoul(reply, NULL, 10);
}

static void drive_end_tx(uint32_t conn, const char *how)
{
	drive(conn, WIRE_TRANSACTION_END, how);
	tx = 0;
}

static void drive_fill(unsigned int from, unsigned int to)
{
	char body[64];

	for (unsigned int i = from; i < to; i++) {
		snprintf(body, sizeof(body), "/fill/%u/node-%u|0123456789",
			 i / 100, i % 100);
		drive(SOCKET, WIRE_WRITE, body);
	}
}

/* ---------------------------------------------------------------- rows -- */

static void read_one(unsigned int i)
{
	drive(SOCKET, WIRE_READ, "/fill/7/node-7|");
}

static void read_guest(unsigned int i)
{
	drive(GUEST, WIRE_READ, "data/mine|");
}

static void read_32(unsigned int i)
{
	char bytes[2 * WIRE_MESSAGE_MAX];
	size_t len = 0;

	for (unsigned int n = 0; n < 32; n++)
		len += drive_put(bytes + len, WIRE_READ, "/fill/7/node-7", 15);
	drive_pass(bytes, len, SOCKET);
}

static void write_same(unsigned int i)
{
	drive(SOCKET, WIRE_WRITE, "/fill/7/node-7|9876543210");
}

static void write_other(unsigned int i)
{
	drive(SOCKET, WIRE_WRITE, i & 1 ? "/fill/7/node-7|short" :
	      "/fill/7/node-7|this is rather longer");
}

static void write_guest(unsigned int i)
{
	drive(GUEST, WIRE_WRITE, "data/mine|value");
}

static void write_new(unsigned int i)
{
	drive_n(WIRE_WRITE, "/new/n%u|value", i);
}

static void mkdir_new(unsigned int i)
{
	drive_n(WIRE_MKDIR, "/new/d%u|", i);
}

static void rm_one(unsigned int i)
{
	drive_n(WIRE_RM, "/new/n%u|", i);
}

static void rm_tree(unsigned int i)
{
	drive_n(WIRE_RM, "/fill/%u|", 9 - i);
}

static void directory(unsigned int i)
{
	drive(SOCKET, WIRE_DIRECTORY, "/fill|");
}

static void directory_part(unsigned int i)
{
	char body[64];

	snprintf(body, sizeof(body), "/fill/6|%u|", 500 * (i & 1));
	drive(SOCKET, WIRE_DIRECTORY_PART, body);
}

static void get_perms(unsigned int i)
{
	drive(SOCKET, WIRE_GET_PERMS, "/fill/7/node-7|");
}

static void set_perms(unsigned int i)
{
	drive(SOCKET, WIRE_SET_PERMS, i & 1 ? "/fill/7/node-7|n0|" :
	      "/fill/7/node-7|n0|r7|");
}

static void watch_set(unsigned int i)
{
	char body[64];

	snprintf(body, sizeof(body), "/watched/%u|token-%u|", i, i);
	drive(WATCHER, WIRE_WATCH, body);
}

static void watch_unset(unsigned int i)
{
	char body[64];

	snprintf(body, sizeof(body), "/watched/%u|token-%u|", i, i);
	drive(WATCHER, WIRE_UNWATCH, body);
}

static void watch_fire(unsigned int i)
{
	drive(SOCKET, WIRE_WRITE, "/fire/one|value");
}

static void watch_fire_100(unsigned int i)
{
	drive(SOCKET, WIRE_WRITE, "/fire/hundred|value");
}

static void reset_watches(unsigned int i)
{
	drive(WATCHER, WIRE_WATCH, "/watched|t|");
	drive(WATCHER, WIRE_RESET_WATCHES, "|");
}

static void tx_cycle(unsigned int i)
{
	drive_start(SOCKET);
	drive(SOCKET, WIRE_READ, "/fill/7/node-7|");
	drive(SOCKET, WIRE_WRITE, "/fill/7/node-8|9876543210");
	drive_end_tx(SOCKET, "T|");
}

/* Somebody else writes meanwhile, so the log is replayed. */
static void tx_merge(unsigned int i)
{
	uint32_t mine;

	drive_start(SOCKET);
	drive(SOCKET, WIRE_READ, "/fill/7/node-7|");
	drive(SOCKET, WIRE_WRITE, "/fill/7/node-8|9876543210");
	mine = tx;
	tx = 0;
	drive(WATCHER, WIRE_WRITE, "/fill/7/node-9|9876543210");
	tx = mine;
	drive_end_tx(SOCKET, "T|");
}

static void tx_abort(unsigned int i)
{
	drive_start(SOCKET);
	drive(SOCKET, WIRE_READ, "/fill/7/node-7|");
	drive(SOCKET, WIRE_WRITE, "/fill/7/node-8|9876543210");
	drive_end_tx(SOCKET, "F|");
}

static void introduce(unsigned int i)
{
	drive_n(WIRE_INTRODUCE, "%u|1|3|", 100 + i);
}

static void introduced(unsigned int i)
{
	drive_n(WIRE_IS_DOMAIN_INTRODUCED, "%u|", 100 + i);
}

static void domain_path(unsigned int i)
{
	drive_n(WIRE_GET_DOMAIN_PATH, "%u|", 100 + i);
}

static void release(unsigned int i)
{
	drive_n(WIRE_RELEASE, "%u|", 100 + i);
}

/* Ten nodes of its own go with it. */
static void own_ten(unsigned int i)
{
	char body[64];

	snprintf(body, sizeof(body), "%u|1|3|", 300 + i);
	drive(SOCKET, WIRE_INTRODUCE, body);
	for (unsigned int n = 0; n < 10; n++) {
		snprintf(body, sizeof(body), "/local/domain/%u/n%u|value",
			 300 + i, n);
		drive(SOCKET, WIRE_WRITE, body);
	}
	snprintf(body, sizeof(body), "/local/domain/%u|n%u|", 300 + i,
		 300 + i);
	drive(SOCKET, WIRE_SET_PERMS, body);
}

static void death(unsigned int i)
{
	struct machine_input in = { .type = MACHINE_IN_DOMAIN,
				    .domid = 300 + i };
	uint32_t dirty;

	drive_step(&in);
	drive_answer();
	while (machine_next_dirty(m, &dirty))
		drive_take(dirty);
}

static void open_close(unsigned int i)
{
	struct machine_input in = { .type = MACHINE_IN_OPEN,
				    .conn = MACHINE_SOCKET_BASE + 100 + i };
	uint32_t dirty;

	drive_step(&in);
	in.type = MACHINE_IN_CLOSE;
	drive_step(&in);
	while (machine_next_dirty(m, &dirty))
		drive_take(dirty);
}

static void nothing(unsigned int i)
{
}

static void prepare_store(unsigned int i)
{
	struct machine_input open = { .type = MACHINE_IN_OPEN };

	for (open.conn = SOCKET; open.conn <= WATCHER; open.conn++)
		drive_step(&open);
	drive_fill(0, NODES);
	drive(SOCKET, WIRE_INTRODUCE, "7|1|3|");
	drive(SOCKET, WIRE_WRITE, "/local/domain/7/data/mine|value");
	drive(SOCKET, WIRE_SET_PERMS, "/local/domain/7/data|n7|");
	drive(SOCKET, WIRE_SET_PERMS, "/local/domain/7/data/mine|n7|");
	drive(SOCKET, WIRE_WRITE, "/new|");
	drive(SOCKET, WIRE_WRITE, "/fire/one|value");
	drive(SOCKET, WIRE_WRITE, "/fire/hundred|value");
}

static void prepare_watches(unsigned int i)
{
	char body[64];

	drive(WATCHER, WIRE_WATCH, "/fire/one|t|");
	for (unsigned int n = 0; n < 100; n++) {
		snprintf(body, sizeof(body), "/fire/hundred|t%u|", n);
		drive(WATCHER, WIRE_WATCH, body);
	}
}

static void prepare_10000(unsigned int i)
{
	for (unsigned int n = 0; n < WATCHES; n++)
		watch_set(n);
}

static void prepare_directory(unsigned int i)
{
	char body[64];

	for (unsigned int n = 0; n < NODES; n++) {
		snprintf(body, sizeof(body), "/fill/6/node-%u|value", n);
		drive(SOCKET, WIRE_WRITE, body);
	}
}

/* All of a directory that has changed; it is sorted once. */
static void directory_anew(unsigned int i)
{
	char body[64];

	drive_n(WIRE_WRITE, "/list/new-%u|", i);
	for (unsigned int at = 0; at < 80000; at += 4000) {
		snprintf(body, sizeof(body), "/list|%u|", at);
		drive(SOCKET, WIRE_DIRECTORY_PART, body);
	}
}

static void prepare_list(unsigned int i)
{
	for (unsigned int n = 0; n < WATCHES; n++)
		drive_n(WIRE_WRITE, "/list/c%05u|v", n);
}

static void prepare_many(unsigned int i)
{
	drive_fill(NODES, MORE_NODES);
}

static const struct {
	const char *name;
	void (*run)(unsigned int i);
	unsigned int times;
	void (*prepare)(unsigned int i);
	unsigned int prepares;
} rows[] = {
	{ "read", read_one, 100, prepare_store, 1 },
	{ "read-by-guest", read_guest, 100, nothing, 1 },
	{ "read-32-at-once", read_32, 10, nothing, 1 },
	{ "write", write_same, 100, nothing, 1 },
	{ "write-other-length", write_other, 100, nothing, 1 },
	{ "write-by-guest", write_guest, 100, nothing, 1 },
	{ "write-creates", write_new, 100, nothing, 1 },
	{ "mkdir", mkdir_new, 100, nothing, 1 },
	{ "rm", rm_one, 100, nothing, 1 },
	{ "get-perms", get_perms, 100, nothing, 1 },
	{ "set-perms", set_perms, 100, nothing, 1 },
	{ "directory", directory, 100, nothing, 1 },
	{ "directory-part-of-1000", directory_part, 10, prepare_directory, 1 },
	{ "directory-of-10000-anew", directory_anew, 2, prepare_list, 1 },
	{ "watch", watch_set, 100, nothing, 1 },
	{ "unwatch", watch_unset, 100, nothing, 1 },
	{ "reset-watches", reset_watches, 100, nothing, 1 },
	{ "watch-fires", watch_fire, 100, prepare_watches, 1 },
	{ "100-watches-fire", watch_fire_100, 10, nothing, 1 },
	{ "transaction", tx_cycle, 100, nothing, 1 },
	{ "transaction-merged", tx_merge, 100, nothing, 1 },
	{ "transaction-aborted", tx_abort, 100, nothing, 1 },
	{ "introduce", introduce, 100, nothing, 1 },
	{ "is-introduced", introduced, 100, nothing, 1 },
	{ "domain-path", domain_path, 100, nothing, 1 },
	{ "release", release, 100, nothing, 1 },
	{ "death-of-owner-of-11", death, 100, own_ten, 100 },
	{ "open-and-close", open_close, 100, nothing, 1 },
	{ "rm-of-100-nodes", rm_tree, 2, nothing, 1 },
	{ "write-beside-10000-watches", write_same, 100, prepare_10000, 1 },
	{ "write-among-50000-nodes", write_same, 100, prepare_many, 1 },
	{ "read-among-50000-nodes", read_one, 100, nothing, 1 },
};

/* callgrind is told by their names; they must not be inlined or merged. */
__attribute__((noipa)) void drive_begin(unsigned int row);
__attribute__((noipa)) void drive_end(unsigned int row);

void drive_begin(unsigned int row)
{
}

void drive_end(unsigned int row)
{
	printf("ROW %s %u\n", rows[row].name, rows[row].times);
}

int main(void)
{
	struct machine_config config;

	machine_config_defaults(&config);
	config.version = "drive";
	config.hash_key[0] = 1;
	config.hash_key[1] = 2;
	m = machine_new(&config);
	if (!m)
		return 1;
	for (unsigned int r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		for (unsigned int i = 0; i < rows[r].prepares; i++)
			rows[r].prepare(i);
		drive_begin(r);
		for (unsigned int i = 0; i < rows[r].times; i++)
			rows[r].run(i);
		drive_end(r);
	}
	machine_free(m);
	return 0;
}
