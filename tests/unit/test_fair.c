// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who may make others wait, and how long in all: guests that conflict with
 * themselves on purpose, a socket that writes what they read, and time.
 * Steps down the tree and names hashed are counted (the linker wraps both):
 * what it takes to find out who is to wait is bounded too.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/wire.h"
#include "xenstored/core/dir.h"
#include "xenstored/core/fair.h"
#include "xenstored/core/machine.h"

#define WRITER (MACHINE_SOCKET_BASE + 1)
#define GUEST 5u

static struct machine *m;
static uint64_t now;
static uint64_t steps;

struct node *__real_dir_find(const struct hash_key *key, const struct dir *d,
			     struct span name);
struct node *__wrap_dir_find(const struct hash_key *key, const struct dir *d,
			     struct span name);
uint64_t __real_hash_bytes(const struct hash_key *key, uint64_t number,
			   const void *bytes, size_t len);
uint64_t __wrap_hash_bytes(const struct hash_key *key, uint64_t number,
			   const void *bytes, size_t len);

struct node *__wrap_dir_find(const struct hash_key *key, const struct dir *d,
			     struct span name)
{
	steps++;
	return __real_dir_find(key, d, name);
}

uint64_t __wrap_hash_bytes(const struct hash_key *key, uint64_t number,
			   const void *bytes, size_t len)
{
	steps++;
	return __real_hash_bytes(key, number, bytes, len);
}

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
	char bytes[WIRE_HEADER_SIZE + WIRE_PAYLOAD_MAX];
	struct wire_header h = { .type = op, .tx_id = tx,
				 .len = (uint32_t)len };

	ck_assert_uint_le(len, WIRE_PAYLOAD_MAX);
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

/* A guest that has to pay waits, and the machine says how long. */
static uint32_t start(uint32_t conn)
{
	const char *id = ASK(conn, WIRE_TRANSACTION_START, 0, "");

	while (!id) {
		uint64_t until = machine_deadline(m);

		ck_assert_uint_gt(until, now);
		ck_assert_uint_le(until, now + 2 * FAIR_PAUSE);
		at(until);
		id = answer(conn);
	}
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
	/* On top the allowance, once, and a favour begun at either end. */
	ck_assert_uint_le(sum, 10000000 / 10 + 3 * FAIR_TIME);
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

/* ------------------------------------------------------------- a crowd -- */

#define CROWD 64u
#define FIRST 10u		/* domid of the crowd's first guest */

static const char write_x[] = "/public/x\0001", write_y[] = "/public/y\0001";

/* One who does transactions, a request at a time. */
struct actor {
	uint32_t conn;
	uint64_t dawdle;	/* time before each END */
	uint32_t tx;
	unsigned int step;
	uint64_t since;		/* of the request that is due */
	bool due;
	unsigned int tries, most, commits;
	uint64_t longest;	/* a request waited */
};

static void introduce_crowd(void)
{
	for (uint32_t d = FIRST; d < FIRST + CROWD; d++) {
		char body[16];
		int len = snprintf(body, sizeof(body), "%u%c1%c7", d, 0, 0);

		ck_assert_str_eq(ask(WRITER, WIRE_INTRODUCE, 0, body,
				     (size_t)len + 1), "OK");
	}
	ASK(WRITER, WIRE_SET_PERMS, 0, "/public/x\0b0");
	ASK(WRITER, WIRE_WRITE, 0, "/public/y\0001");
	ASK(WRITER, WIRE_SET_PERMS, 0, "/public/y\0b0");
}

static void actor_answered(struct actor *a, const char *text)
{
	if (now - a->since > a->longest)
		a->longest = now - a->since;
	a->due = false;
	a->step = (a->step + 1) % 4;
	if (a->step == 1)
		a->tx = (uint32_t)strtoul(text, NULL, 10);
	if (a->step)
		return;
	a->tries++;
	if (a->tries > a->most)
		a->most = a->tries;
	if (strcmp(text, "OK"))
		return;
	a->tries = 0;
	a->commits++;
}

static void actor_send(struct actor *a)
{
	a->due = true;
	a->since = now;
	switch (a->step) {
	case 0:
		send(a->conn, WIRE_TRANSACTION_START, 0, "", 1);
		break;
	case 1:
		send(a->conn, WIRE_READ, a->tx, write_x, 10);
		break;
	case 2:
		send(a->conn, WIRE_WRITE, a->tx, write_y, sizeof(write_y) - 1);
		break;
	case 3:
		send(a->conn, WIRE_TRANSACTION_END, a->tx, "T", 2);
		break;
	}
}

static void actor_turn(struct actor *a)
{
	const char *text;

	if (!a->due && (a->step < 3 || now >= a->since + a->dawdle))
		actor_send(a);
	text = a->due ? answer(a->conn) : NULL;
	if (text)
		actor_answered(a, text);
}

/* Everybody writes what it reads, whenever the last write was answered. */
static void hammer(const struct actor *a, uint32_t conn, bool *due)
{
	static unsigned int n;
	char body[32];
	int len;

	if (conn == a->conn)
		return;
	if (!*due) {
		len = snprintf(body, sizeof(body), "/public/x%c%u", 0, n++);
		send(conn, WIRE_WRITE, 0, body, (size_t)len);
	}
	*due = !answer(conn);
}

/* Four tries at the most, and no wait that is longer than a pause. */
START_TEST(against_a_crowd)
{
	static const struct {
		uint32_t victim;
		bool guests;
	} kind[] = {
		{ WRITER, true }, { FIRST, true }, { FIRST, false },
	};
	struct actor a = { .conn = kind[_i].victim };
	bool due[CROWD + 1] = { false };

	introduce_crowd();
	while (a.commits < 100) {
		at(now + 200);
		actor_turn(&a);
		for (unsigned int i = 0; i < CROWD && kind[_i].guests; i++)
			hammer(&a, FIRST + i, &due[i]);
		if (!kind[_i].guests)
			hammer(&a, WRITER, &due[CROWD]);
		ck_assert_uint_le(a.tries, 4);
		ck_assert_uint_lt(now, 1000000000 + 100 * FAIR_PAUSE);
	}
	ck_assert_uint_le(a.most, 4);
	ck_assert_uint_gt(a.most, 1);
	ck_assert_uint_le(a.longest, 2 * FAIR_PAUSE + FAIR_TIME);
}
END_TEST

/* All of them do transactions on the same nodes: they take turns. */
START_TEST(a_crowd_takes_turns)
{
	struct actor a[CROWD] = { { 0 } };
	unsigned int least = UINT32_MAX, sum = 0, most = 0;

	introduce_crowd();
	for (unsigned int i = 0; i < CROWD; i++)
		a[i].conn = FIRST + i;
	for (unsigned int turn = 0; turn < 10000; turn++) {
		at(now + 100);
		for (unsigned int i = 0; i < CROWD; i++)
			actor_turn(&a[i]);
	}
	for (unsigned int i = 0; i < CROWD; i++) {
		sum += a[i].commits;
		least = a[i].commits < least ? a[i].commits : least;
		most = a[i].most > most ? a[i].most : most;
	}
	ck_assert_uint_le(most, 4);
	ck_assert_uint_ge(least * CROWD, sum / 2);
	/* Four turns each, one after the other. */
	ck_assert_uint_ge(sum, 10000 / 4 / 2);
}
END_TEST

/*
 * All of the crowd hold their favours to the last.  A privileged connection
 * never waits for longer than one of them: with its writes for a tenth of the
 * time in all, and its transactions get through.
 */
START_TEST(a_crowd_that_dawdles)
{
	struct actor a[CROWD] = { { 0 } }, me = { .conn = WRITER };
	const uint32_t plain = WRITER + 1;
	uint64_t since = 0, longest = 0, sum = 0, begin;
	bool due = false;

	feed((struct machine_input){ .type = MACHINE_IN_OPEN,
				     .conn = plain });
	introduce_crowd();
	for (unsigned int i = 0; i < CROWD; i++) {
		a[i].conn = FIRST + i;
		a[i].dawdle = FAIR_TIME - 2000;
	}
	for (begin = now; now < begin + 10000000;) {
		at(now + 500);
		for (unsigned int i = 0; i < CROWD; i++)
			actor_turn(&a[i]);
		if (_i) {
			actor_turn(&me);
			continue;
		}
		if (!due)
			since = now;
		hammer(&me, plain, &due);
		if (!due && now - since > longest)
			longest = now - since;
		sum += due ? 500 : 0;
	}
	ck_assert_uint_le(me.most, 4);
	ck_assert_uint_le(me.longest, FAIR_TIME + 500);
	ck_assert_uint_le(longest, FAIR_TIME + 500);
	ck_assert_uint_le(sum, 10000000 / 10 + 3 * FAIR_TIME);
	ck_assert_uint_gt(_i ? me.commits : sum, 100);
}
END_TEST

/* Who commits and starts again in one piece does not overtake. */
START_TEST(no_overtaking)
{
	char piece[2 * WIRE_HEADER_SIZE + 3];
	struct wire_header h = { .type = WIRE_TRANSACTION_END, .len = 2 };
	uint32_t tx, id;

	introduce_crowd();
	for (id = FIRST; id < FIRST + 2; id++) {
		tx = start(id);
		ASK(id, WIRE_READ, tx, "/public/x");
		send(id, WIRE_WRITE, tx, write_y, sizeof(write_y) - 1);
		ck_assert_str_eq(answer(id), "OK");
		send(WRITER, WIRE_WRITE, 0, write_x, sizeof(write_x) - 1 - (id & 1));
		ck_assert_str_eq(answer(WRITER), "OK");
		ck_assert_str_eq(ASK(id, WIRE_TRANSACTION_END, tx, "T"),
				 "EAGAIN");
	}
	tx = start(FIRST);
	ck_assert_ptr_null(ASK(FIRST + 1, WIRE_TRANSACTION_START, 0, ""));
	h.tx_id = tx;
	wire_header_put(piece, &h);
	memcpy(piece + WIRE_HEADER_SIZE, "T", 2);
	h = (struct wire_header){ .type = WIRE_TRANSACTION_START, .len = 1 };
	wire_header_put(piece + WIRE_HEADER_SIZE + 2, &h);
	piece[sizeof(piece) - 1] = '\0';
	feed((struct machine_input){ .type = MACHINE_IN_BYTES, .conn = FIRST,
				     .data = piece, .len = sizeof(piece) });
	ck_assert_str_eq(answer(FIRST), "OK");
	ck_assert_ptr_null(answer(FIRST));
	ck_assert_str_eq(answer(FIRST + 1), "2");
	/* The second one is favoured until it has ended, then the first. */
	ck_assert_str_eq(ASK(FIRST + 1, WIRE_TRANSACTION_END, 2, "T"), "OK");
	ck_assert_str_eq(answer(FIRST), "3");
}
END_TEST

/* ---------------------------------------------------------------- work -- */

#define DEEP 300u	/* levels there, and as many missing */
#define ENTRIES 100u

/* "p/p/...", so many levels of them, and a name and a value of one digit. */
static size_t deep(char *to, unsigned int levels, unsigned int digit)
{
	for (unsigned int i = 0; i < levels; i++) {
		to[2 * i] = 'p';
		to[2 * i + 1] = '/';
	}
	to[2 * levels] = (char)('0' + digit);
	to[2 * levels + 1] = '\0';
	to[2 * levels + 2] = '1';
	return 2 * levels + 3;
}

/* A log of deep paths, of which only the last entry has to wait. */
START_TEST(a_deep_commit_is_cheap)
{
	char body[4 * DEEP + 32];
	uint32_t tx, mine;

	introduce_crowd();
	ASK(WRITER, WIRE_WRITE, 0, "/local/domain/10\0");
	ASK(WRITER, WIRE_SET_PERMS, 0, "/local/domain/10\0n10");
	ck_assert_str_eq(ask(FIRST, WIRE_WRITE, 0, body,
			     deep(body, DEEP, 0)), "OK");
	mine = start(FIRST);
	for (unsigned int i = 0; i < ENTRIES; i++)
		ck_assert_str_eq(ask(FIRST, WIRE_WRITE, mine, body,
				     deep(body, 2 * DEEP, i % 7)), "OK");
	send(FIRST, WIRE_WRITE, mine, write_x, sizeof(write_x) - 1);
	ck_assert_str_eq(answer(FIRST), "OK");
	conflict();
	tx = start(GUEST);
	steps = 0;
	ck_assert_ptr_null(ASK(FIRST, WIRE_TRANSACTION_END, mine, "T"));
	ck_assert_uint_gt(steps, ENTRIES * DEEP);
	ck_assert_uint_lt(steps, (ENTRIES + 1) * (DEEP + 32));
	ck_assert_str_eq(ASK(GUEST, WIRE_TRANSACTION_END, tx, "T"), "OK");
	ck_assert_str_eq(answer(FIRST), "OK");
}
END_TEST

/* What was seen has gone since: whoever makes it again waits. */
START_TEST(what_is_made_on_the_way)
{
	static const struct {
		const char *path;
		bool waits;
	} make[] = {
		{ "/public/d/a/b", true }, { "/public/d/a/b/c/e", true },
		{ "/public/d/a", false }, { "/public/d/a/bb/c", false },
		{ "/public/d/a/c", false }, { "/public/d/b", false },
	};
	const char *done;
	uint32_t tx;

	ASK(WRITER, WIRE_MKDIR, 0, "/public/d");
	ASK(WRITER, WIRE_SET_PERMS, 0, "/public/d\0r0");
	ASK(WRITER, WIRE_MKDIR, 0, "/public/d/a/b");
	tx = start(GUEST);
	ck_assert_ptr_nonnull(ASK(GUEST, WIRE_READ, tx, "/public/d/a/b"));
	ck_assert_ptr_nonnull(ASK(GUEST, WIRE_READ, tx, "own"));
	ck_assert_str_eq(ASK(GUEST, WIRE_WRITE, tx, "own\0a"), "OK");
	ck_assert_str_eq(ASK(GUEST, WIRE_WRITE, 0, "own\0b"), "OK");
	ck_assert_str_eq(ASK(GUEST, WIRE_TRANSACTION_END, tx, "T"), "EAGAIN");
	ck_assert_str_eq(ASK(WRITER, WIRE_RM, 0, "/public/d/a"), "OK");
	tx = start(GUEST);
	done = ask(WRITER, WIRE_MKDIR, 0, make[_i].path,
		   strlen(make[_i].path) + 1);
	ck_assert_int_eq(!done, make[_i].waits);
	ck_assert_str_eq(ASK(GUEST, WIRE_TRANSACTION_END, tx, "F"), "OK");
	if (make[_i].waits)
		ck_assert_str_eq(answer(WRITER), "OK");
}
END_TEST

/* It has asked for much that is forbidden: only some of it is looked up. */
START_TEST(a_removal_is_cheap)
{
	char path[32];
	uint32_t tx;

	conflict();
	tx = start(GUEST);
	for (unsigned int i = 0; i < 3 * FAIR_LOOKS; i++) {
		int len = snprintf(path, sizeof(path), "/private/x/%u", i);

		ask(GUEST, WIRE_READ, tx, path, (size_t)len + 1);
	}
	steps = 0;
	ck_assert_str_eq(ASK(WRITER, WIRE_RM, 0, "/private"), "OK");
	ck_assert_uint_gt(steps, 3 * FAIR_LOOKS);
	ck_assert_uint_lt(steps, 3 * FAIR_LOOKS + 200);
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
	tcase_add_loop_test(t, against_a_crowd, 0, 3);
	tcase_add_test(t, a_crowd_takes_turns);
	tcase_add_loop_test(t, a_crowd_that_dawdles, 0, 2);
	tcase_add_test(t, no_overtaking);
	tcase_add_test(t, a_deep_commit_is_cheap);
	tcase_add_loop_test(t, what_is_made_on_the_way, 0, 6);
	tcase_add_test(t, a_removal_is_cheap);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
