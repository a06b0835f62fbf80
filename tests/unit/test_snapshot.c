// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a guest's open transaction keeps of the store is bounded, and the
 * bound is part of the state: a machine made from an image draws it at the
 * same write.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/wire.h"
#include "xenstored/core/image.h"
#include "xenstored/core/machine.h"
#include "xenstored/core/stale.h"

#define WRITER (MACHINE_SOCKET_BASE + 1)
#define GUEST 5u
#define NODES 64u
#define VALUE 2000u
/* What a write replaces: the value, three nodes, their names and children. */
#define STALE (VALUE + 3 * TREE_NODE_COST + 6 + 8 * (NODES + ROOT))
#define ROOT 4u			/* children of "/" */
/* Writes that make one snapshot too old. */
#define ENOUGH (STALE_MAX / STALE + 1)
/* The same at the end of a chain of nodes with values. */
#define CHAIN 200u
#define ENOUGH_DEEP (STALE_MAX / (CHAIN * (VALUE + TREE_NODE_COST + 9)) + 1)

static struct machine_config config;
static struct machine *m;
static uint64_t number;		/* of the next write */

static void feed(struct machine_input in)
{
	ck_assert_int_eq(machine_step(m, &in), 0);
}

static void serve(void)
{
	struct machine_ask ask;

	while (machine_ask_peek(m, &ask)) {
		machine_ask_pop(m);
		if (ask.type == MACHINE_ASK_DOMAIN)
			feed((struct machine_input){
				.type = MACHINE_IN_DOMAIN,
				.domid = ask.domid, .instance = 1,
				.flags = MACHINE_DOM_EXISTS });
		feed((struct machine_input){ .type = MACHINE_IN_DONE,
					     .ask = ask.id });
	}
}

static const char *ask(uint32_t conn, uint32_t op, uint32_t tx,
		       const char *body, size_t len)
{
	static char bytes[WIRE_MESSAGE_MAX], text[WIRE_PAYLOAD_MAX + 1];
	struct wire_header h = { .type = op, .tx_id = tx,
				 .len = (uint32_t)len };
	struct machine_span piece[1];

	wire_header_put(bytes, &h);
	memcpy(bytes + WIRE_HEADER_SIZE, body, len);
	feed((struct machine_input){ .type = MACHINE_IN_BYTES, .conn = conn,
				     .data = bytes,
				     .len = WIRE_HEADER_SIZE + len });
	serve();
	ck_assert_uint_eq(machine_output(m, conn, piece, 1), 1);
	h = wire_header_get(piece[0].at);
	memcpy(text, (const char *)piece[0].at + WIRE_HEADER_SIZE, h.len);
	text[h.len] = '\0';
	feed((struct machine_input){ .type = MACHINE_IN_TAKEN, .conn = conn,
				     .len = WIRE_HEADER_SIZE + h.len });
	return text;
}

#define ASK(conn, op, tx, text) ask(conn, op, tx, text, sizeof(text))

static uint32_t start(uint32_t conn)
{
	return (uint32_t)strtoul(ASK(conn, WIRE_TRANSACTION_START, 0, ""),
				 NULL, 10);
}

static void writes(uint64_t count)
{
	char body[64 + VALUE];

	while (count--) {
		int n = snprintf(body, 64, "/store/%u",
				 (unsigned int)(number % NODES)) + 1;

		memset(body + n, 'a' + (int)(number++ / NODES % 26), VALUE);
		ck_assert_str_eq(ask(WRITER, WIRE_WRITE, 0, body,
				     (size_t)n + VALUE), "OK");
	}
}

static void setup(void)
{
	machine_config_defaults(&config);
	m = machine_new(&config);
	ck_assert_ptr_nonnull(m);
	feed((struct machine_input){ .type = MACHINE_IN_OPEN,
				     .conn = WRITER });
	ck_assert_str_eq(ASK(WRITER, WIRE_INTRODUCE, 0, "5\0001\0007"), "OK");
	ASK(WRITER, WIRE_WRITE, 0, "/local/domain/5\0");
	ASK(WRITER, WIRE_SET_PERMS, 0, "/local/domain/5\0n5");
	ASK(GUEST, WIRE_WRITE, 0, "own\0001");
	writes(NODES);
	ASK(WRITER, WIRE_WRITE, 0, "/seen\0before");
	ASK(WRITER, WIRE_SET_PERMS, 0, "/seen\0r0");
}

static void teardown(void)
{
	machine_free(m);
}

START_TEST(a_snapshot_that_is_too_old_goes)
{
	uint32_t first = start(GUEST), second;

	ck_assert_str_eq(ASK(GUEST, WIRE_READ, first, "/seen"), "before");
	ck_assert_str_eq(ASK(GUEST, WIRE_WRITE, first, "own\0002"), "OK");
	ASK(WRITER, WIRE_WRITE, 0, "/seen\0after");
	writes(ENOUGH / 2);
	second = start(GUEST);
	ck_assert_str_eq(ASK(GUEST, WIRE_WRITE, second, "more\0001"), "OK");
	ck_assert_str_eq(ASK(GUEST, WIRE_READ, first, "/seen"), "before");
	writes(ENOUGH / 2 + 1);
	/* It is answered, and comes to nothing. */
	ck_assert_str_eq(ASK(GUEST, WIRE_READ, first, "/seen"), "after");
	ck_assert_str_eq(ASK(GUEST, WIRE_WRITE, first, "own\0003"), "OK");
	ck_assert_str_eq(ASK(GUEST, WIRE_TRANSACTION_END, first, "T"),
			 "EAGAIN");
	ck_assert_str_eq(ASK(GUEST, WIRE_READ, 0, "own"), "1");
	/* The younger one is not concerned. */
	ck_assert_str_eq(ASK(GUEST, WIRE_TRANSACTION_END, second, "T"), "OK");
	ck_assert_uint_eq(machine_check(m, NULL, NULL), 0);
}
END_TEST

START_TEST(toolstacks_take_their_time)
{
	uint32_t tx = start(WRITER);

	ck_assert_str_eq(ASK(WRITER, WIRE_WRITE, tx, "/made\0001"), "OK");
	writes(ENOUGH + 1);
	ck_assert_str_eq(ASK(WRITER, WIRE_TRANSACTION_END, tx, "T"), "OK");
}
END_TEST

static void chain(unsigned int levels, char fill)
{
	char body[2 * CHAIN + 1 + VALUE];

	for (unsigned int i = 0; i < levels; i++)
		memcpy(body + 2 * i, "/d", 2);
	body[2 * levels] = '\0';
	memset(body + 2 * levels + 1, fill, VALUE);
	ck_assert_str_eq(ask(WRITER, WIRE_WRITE, 0, body,
			     2 * levels + 1 + VALUE), "OK");
}

/* All that is copied of the path counts, values too. */
START_TEST(a_long_path_is_more)
{
	uint32_t early, late;

	for (unsigned int i = 1; i <= CHAIN; i++)
		chain(i, 'a');
	early = start(GUEST);
	chain(CHAIN, 'b');
	chain(CHAIN, 'c');
	chain(CHAIN, 'd');
	late = start(GUEST);
	ck_assert_str_eq(ASK(GUEST, WIRE_WRITE, early, "own\0002"), "OK");
	ck_assert_str_eq(ASK(GUEST, WIRE_WRITE, late, "more\0002"), "OK");
	for (unsigned int i = 0; i < ENOUGH_DEEP - 2; i++)
		chain(CHAIN, (char)('e' + i % 20));
	ck_assert_str_eq(ASK(GUEST, WIRE_TRANSACTION_END, early, "T"),
			 "EAGAIN");
	ck_assert_str_eq(ASK(GUEST, WIRE_TRANSACTION_END, late, "T"), "OK");
}
END_TEST

/* ---------------------------------------------------- over an image -- */

struct bag {
	struct image_record *record;
	size_t count;
};

static int put(void *arg, const char *key, const void *value, size_t len)
{
	struct bag *b = arg;
	char *copy = malloc(len + 1);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, value, len);
	b->record = realloc(b->record, (b->count + 1) * sizeof(*b->record));
	ck_assert_ptr_nonnull(b->record);
	b->record[b->count++] = (struct image_record){
		.key = strdup(key), .value = copy, .len = len };
	return 0;
}

static struct machine *again(void)
{
	struct bag b = { NULL, 0 };
	struct machine *made;
	char why[256] = "";
	int error = 0;

	ck_assert_int_eq(image_write(m, put, &b), 0);
	made = image_read(&config, b.record, b.count, &error, why);
	ck_assert_msg(made != NULL, "%s", why);
	for (size_t i = 0; i < b.count; i++) {
		free((void *)(uintptr_t)b.record[i].key);
		free((void *)(uintptr_t)b.record[i].value);
	}
	free(b.record);
	return made;
}

START_TEST(an_image_draws_the_line_at_the_same_write)
{
	uint32_t tx = start(GUEST);
	struct machine *live, *made;
	unsigned int same = 0;

	ck_assert_str_eq(ASK(GUEST, WIRE_READ, tx, "/seen"), "before");
	writes(ENOUGH - 100);
	made = again();
	ck_assert_uint_eq(machine_digest(made), machine_digest(m));
	live = m;
	for (; same < 200; same++) {
		writes(1);
		m = made;
		number--;
		writes(1);
		m = live;
		ck_assert_uint_eq(machine_digest(made), machine_digest(live));
	}
	machine_free(made);
	ck_assert_str_eq(ASK(GUEST, WIRE_WRITE, tx, "own\0002"), "OK");
	ck_assert_str_eq(ASK(GUEST, WIRE_TRANSACTION_END, tx, "T"), "EAGAIN");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("snapshot");
	TCase *tc = tcase_create("snapshot");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_snapshot_that_is_too_old_goes);
	tcase_add_test(tc, a_long_path_is_more);
	tcase_add_test(tc, toolstacks_take_their_time);
	tcase_add_test(tc, an_image_draws_the_line_at_the_same_write);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
