// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who may make others wait, and how long in all: guests that conflict with
 * themselves on purpose, a socket that writes what they read, and time.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/wire.h"
#include "xenstored/core/fair.h"
#include "xenstored/core/machine.h"

#define WRITER (MACHINE_SOCKET_BASE + 1)
#define GUEST 5u

static struct machine *m;
static uint64_t now;

static void feed(struct machine_input in)
{
	ck_assert_int_eq(machine_step(m, &in), 0);
}

static void at(uint64_t time)
{
	now = time;
	feed((struct machine_input){ .type = MACHINE_IN_TIME, .time = now });
}

/* What the host does at once: domains exist, rings can be mapped. */
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

static void send(uint32_t conn, uint32_t op, uint32_t tx, const char *body,
		 size_t len)
{
	char bytes[WIRE_HEADER_SIZE + 256];
	struct wire_header h = { .type = op, .tx_id = tx,
				 .len = (uint32_t)len };

	ck_assert_uint_le(len, 256);
	wire_header_put(bytes, &h);
	memcpy(bytes + WIRE_HEADER_SIZE, body, len);
	feed((struct machine_input){ .type = MACHINE_IN_BYTES, .conn = conn,
				     .data = bytes,
				     .len = WIRE_HEADER_SIZE + len });
	serve();
}

/* The answer, or NULL if it waits. */
static const char *answer(uint32_t conn)
{
	static char text[WIRE_PAYLOAD_MAX + 1];
	struct machine_span piece[1];
	struct wire_header h;

	if (!machine_output(m, conn, piece, 1))
		return NULL;
	h = wire_header_get(piece[0].at);
	memcpy(text, (const char *)piece[0].at + WIRE_HEADER_SIZE, h.len);
	text[h.len] = '\0';
	feed((struct machine_input){ .type = MACHINE_IN_TAKEN, .conn = conn,
				     .len = WIRE_HEADER_SIZE + h.len });
	return text;
}

static const char *ask(uint32_t conn, uint32_t op, uint32_t tx,
		       const char *body, size_t len)
{
	send(conn, op, tx, body, len);
	return answer(conn);
}

#define ASK(conn, op, tx, text) ask(conn, op, tx, text, sizeof(text))

static uint32_t start(uint32_t conn)
{
	const char *id = ASK(conn, WIRE_TRANSACTION_START, 0, "");

	ck_assert_ptr_nonnull(id);
	return (uint32_t)strtoul(id, NULL, 10);
}

/* The guest loses a commit to its own hand. */
static void conflict(void)
{
	static unsigned int times;
	uint32_t tx = start(GUEST);
	char other[16] = "own";
	int len = 4 + snprintf(other + 4, sizeof(other) - 4, "%u", ++times);

	ck_assert_ptr_nonnull(ASK(GUEST, WIRE_READ, tx, "own"));
	ck_assert_ptr_nonnull(ASK(GUEST, WIRE_READ, tx, "/public/x"));
	ck_assert_ptr_nonnull(ASK(GUEST, WIRE_READ, tx, "/private/x"));
	ck_assert_ptr_nonnull(ASK(GUEST, WIRE_READ, tx, "/private/none"));
	ck_assert_str_eq(ASK(GUEST, WIRE_WRITE, tx, "own\0a"), "OK");
	ck_assert_str_eq(ask(GUEST, WIRE_WRITE, 0, other, (size_t)len), "OK");
	ck_assert_str_eq(ASK(GUEST, WIRE_TRANSACTION_END, tx, "T"), "EAGAIN");
}

static void setup(void)
{
	struct machine_config config;

	machine_config_defaults(&config);
	m = machine_new(&config);
	ck_assert_ptr_nonnull(m);
	at(1000000000);
	feed((struct machine_input){ .type = MACHINE_IN_OPEN,
				     .conn = WRITER });
	ck_assert_str_eq(ASK(WRITER, WIRE_INTRODUCE, 0, "5\0001\0007"), "OK");
	ASK(WRITER, WIRE_WRITE, 0, "/local/domain/5\0");
	ASK(WRITER, WIRE_SET_PERMS, 0, "/local/domain/5\0n5");
	ASK(WRITER, WIRE_WRITE, 0, "/public/x\0001");
	ASK(WRITER, WIRE_SET_PERMS, 0, "/public/x\0r0");
	ASK(WRITER, WIRE_WRITE, 0, "/private/x\0001");
	ck_assert_str_eq(ASK(GUEST, WIRE_WRITE, 0, "own\0001"), "OK");
}

static void teardown(void)
{
	ck_assert_uint_eq(machine_check(m, NULL, NULL), 0);
	machine_free(m);
}

START_TEST(only_what_it_may_read)
{
	uint32_t tx;

	conflict();
	tx = start(GUEST);
	ck_assert_ptr_nonnull(ASK(GUEST, WIRE_READ, tx, "/private/x"));
	/* Forbidden it was, seen that it was: nobody waits for that. */
	ck_assert_str_eq(ASK(WRITER, WIRE_WRITE, 0, "/private/x\0002"), "OK");
	ck_assert_str_eq(ASK(WRITER, WIRE_MKDIR, 0, "/private/none"), "OK");
	ck_assert_str_eq(ASK(WRITER, WIRE_RM, 0, "/private"), "OK");
	/* This is what the favour is for. */
	ck_assert_ptr_null(ASK(WRITER, WIRE_WRITE, 0, "/public/x\0002"));
	ck_assert_str_eq(ASK(GUEST, WIRE_TRANSACTION_END, tx, "F"), "OK");
	ck_assert_str_eq(answer(WRITER), "OK");
}
END_TEST

/*
 * Conflict and favour in a loop for ten seconds, each favour held to the
 * last moment: how much of the time does a writer wait?
 */
static uint64_t waited(bool commit)
{
	const uint64_t tick = FAIR_TIME - 1000, end = now + 10000000;
	uint64_t sum = 0;

	while (now < end) {
		bool waits;
		uint32_t tx;

		conflict();
		tx = start(GUEST);
		send(WRITER, WIRE_WRITE, 0, "/public/x\0002",
		     sizeof("/public/x\0002"));
		waits = !answer(WRITER);
		at(now + tick);
		if (waits)
			sum += tick;
		if (commit)
			ck_assert_str_eq(ASK(GUEST, WIRE_TRANSACTION_END, tx,
					     "T"), "OK");
		else
			ck_assert_str_eq(ASK(GUEST, WIRE_TRANSACTION_END, tx,
					     "F"), "OK");
		if (waits)
			ck_assert_str_eq(answer(WRITER), "OK");
	}
	return sum;
}

START_TEST(a_tenth_at_most)
{
	uint64_t sum = waited(_i);

	ck_assert_uint_gt(sum, 0);
	/* The allowance comes on top, once. */
	ck_assert_uint_le(sum, 10000000 / 10 + 2 * FAIR_TIME);
}
END_TEST

/* Who is quick is favoured each time. */
START_TEST(no_pause_for_the_quick)
{
	for (int i = 0; i < 100; i++) {
		uint32_t tx;

		conflict();
		tx = start(GUEST);
		ck_assert_ptr_null(ASK(WRITER, WIRE_WRITE, 0,
				       "/public/x\0002"));
		at(now + 300);
		ck_assert_str_eq(ASK(GUEST, WIRE_TRANSACTION_END, tx, "T"),
				 "OK");
		ck_assert_str_eq(answer(WRITER), "OK");
		at(now + 3000);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fair");
	TCase *t = tcase_create("favours");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, only_what_it_may_read);
	tcase_add_loop_test(t, a_tenth_at_most, 0, 2);
	tcase_add_test(t, no_pause_for_the_quick);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
