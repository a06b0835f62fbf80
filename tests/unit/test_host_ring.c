// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The daemon's end of a ring against a page of which the test plays the
 * guest: indices of every shape, wrap-around, and the rules of
 * docs/protocol/ring.md that can be seen in the page alone.
 */
#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "xenstored/host/ring.h"

#define ALL_FEATURES (RING_FEATURE_RECONNECT | RING_FEATURE_ERROR | \
		      RING_FEATURE_WATCH_DEPTH | RING_FEATURE_ANY_DOMID)

static struct ring_page page;
static struct ring ring;
static uint8_t buf[RING_SIZE];
static size_t len;

/* Where indices begin: 0, in the middle, and so that they wrap in the test. */
static const uint32_t starts[] = {
	0, 1, 1023, 1024, 0x7fffffff, 0xfffffffe, 0xfffffc00
};
#define STARTS ((int)(sizeof(starts) / sizeof(starts[0])))

static void begin_at(uint32_t req, uint32_t rsp)
{
	memset(&page, 0, sizeof(page));
	page.req_cons = page.req_prod = req;
	page.rsp_cons = page.rsp_prod = rsp;
	ring_attach(&ring, &page, ALL_FEATURES);
}

static void guest_sends(const void *bytes, size_t n)
{
	ring_copy_in(page.req, page.req_prod, bytes, n);
	page.req_prod += (uint32_t)n;
}

static struct ring_page before;

static void unchanged_indices(void)
{
	ck_assert_uint_eq(page.req_cons, before.req_cons);
	ck_assert_uint_eq(page.req_prod, before.req_prod);
	ck_assert_uint_eq(page.rsp_cons, before.rsp_cons);
	ck_assert_uint_eq(page.rsp_prod, before.rsp_prod);
}

/* Rules 1, 6, 8: what lies in a ring when it is mapped is served. */
START_TEST(attach_takes_indices_as_they_are)
{
	uint32_t at = starts[_i];

	memset(&page, 0, sizeof(page));
	page.req_cons = page.req_prod = at;
	page.rsp_cons = at + 5;
	page.rsp_prod = at + 9;
	guest_sends("request", 7);
	before = page;
	ring_attach(&ring, &page, ALL_FEATURES);
	unchanged_indices();
	ck_assert_uint_eq(page.features, ALL_FEATURES);
	ck_assert_int_eq(ring_look(&ring, buf, &len), RING_BYTES);
	ck_assert_uint_eq(len, 7);
	ck_assert_int_eq(memcmp(buf, "request", 7), 0);
	unchanged_indices();
	ring_consumed(&ring, len);
	ck_assert_uint_eq(page.req_cons, at + 7);
	ck_assert_int_eq(ring_look(&ring, buf, &len), RING_NOTHING);
}
END_TEST

/* Every distance between the guest's producer and our consumer. */
START_TEST(request_distance)
{
	static const struct {
		uint32_t used;
		enum ring_seen seen;
	} shapes[] = {
		{ 0, RING_NOTHING }, { 1, RING_BYTES }, { 1023, RING_BYTES },
		{ 1024, RING_BYTES }, { 1025, RING_BAD },
		{ 0x80000000u, RING_BAD }, { 0xffffffffu, RING_BAD },
	};

	for (int i = 0; i < (int)(sizeof(shapes) / sizeof(shapes[0])); i++) {
		begin_at(starts[_i], starts[_i]);
		page.req_prod += shapes[i].used;
		ck_assert_int_eq(ring_look(&ring, buf, &len), shapes[i].seen);
		ck_assert_uint_eq(len, shapes[i].seen == RING_BYTES ?
				  shapes[i].used : 0);
	}
}
END_TEST

START_TEST(reply_distance)
{
	static const uint32_t bad[] = { 1025, 0x80000000u, 0xffffffffu };
	static const uint32_t good[] = { 0, 1, 1023, 1024 };
	struct machine_span span = { "reply", 5 };

	for (int i = 0; i < 4; i++) {
		int room = (int)(1024 - good[i]);

		begin_at(starts[_i], starts[_i]);
		page.rsp_cons -= good[i];
		ck_assert_int_eq(ring_look(&ring, buf, &len), RING_NOTHING);
		ck_assert_int_eq(ring_fill(&ring, &span, 1),
				 room < 5 ? room : 5);
	}
	for (int i = 0; i < 3; i++) {
		begin_at(starts[_i], starts[_i]);
		page.rsp_cons -= bad[i];
		ck_assert_int_eq(ring_look(&ring, buf, &len), RING_BAD);
		ck_assert_int_eq(ring_fill(&ring, &span, 1), -1);
	}
}
END_TEST

START_TEST(no_bytes_without_a_buffer)
{
	begin_at(starts[_i], 0);
	guest_sends("abc", 3);
	ck_assert_int_eq(ring_look(&ring, NULL, &len), RING_NOTHING);
	ck_assert(ring_wants_turn(&ring, true, false));
	ck_assert(!ring_wants_turn(&ring, false, false));
	ck_assert_int_eq(ring_look(&ring, buf, &len), RING_BYTES);
}
END_TEST

/* The guest's index is used as it was read at the turn's beginning. */
START_TEST(one_reading_in_a_turn)
{
	struct machine_span span = { buf, 4 };

	begin_at(0, starts[_i]);
	page.rsp_cons = starts[_i] - 1022;
	ck_assert_int_eq(ring_look(&ring, buf, &len), RING_NOTHING);
	page.rsp_cons = starts[_i] + 12345;
	ck_assert_int_eq(ring_fill(&ring, &span, 1), 2);
	ring_turn_over(&ring);
	ck_assert_int_eq(ring_fill(&ring, &span, 1), -1);
}
END_TEST

/* Output: pieces, cut at the room, shown only by ring_produced(). */
START_TEST(fill_cuts_at_the_room)
{
	static char long_text[3000];
	struct machine_span spans[] = {
		{ "one ", 4 }, { "two ", 4 }, { long_text, sizeof(long_text) },
		{ "never", 5 },
	};
	uint8_t got[RING_SIZE];

	for (size_t i = 0; i < sizeof(long_text); i++)
		long_text[i] = (char)('a' + i % 26);
	begin_at(0, starts[_i]);
	ck_assert_int_eq(ring_fill(&ring, spans, 4), 1024);
	ck_assert_uint_eq(page.rsp_prod, starts[_i]);
	ring_produced(&ring, 1024);
	ck_assert_uint_eq(page.rsp_prod, starts[_i] + 1024);
	ring_copy_out(got, page.rsp, starts[_i], RING_SIZE);
	ck_assert_int_eq(memcmp(got, "one two ", 8), 0);
	ck_assert_int_eq(memcmp(got + 8, long_text, RING_SIZE - 8), 0);
	ring_turn_over(&ring);
	ck_assert_int_eq(ring_fill(&ring, spans, 4), 0);
	ck_assert(!ring_wants_turn(&ring, true, true));
	page.rsp_cons += 3;
	ck_assert(ring_wants_turn(&ring, true, true));
	ring_turn_over(&ring);
	ck_assert_int_eq(ring_fill(&ring, spans, 4), 3);
}
END_TEST

/* Rule 5, in all states: full, half a message, error 2 and 3, at attach. */
static void reset_works(void)
{
	ck_assert_int_eq(ring_look(&ring, buf, &len), RING_RESET);
	ck_assert_uint_eq(len, 0);
	ck_assert(ring_wants_turn(&ring, false, false));
	ring_reset(&ring);
	ck_assert_uint_eq(page.connection, 0);
	ck_assert_uint_eq(page.error, 0);
	ck_assert_uint_eq(page.req_cons, 0);
	ck_assert_uint_eq(page.req_prod, 0);
	ck_assert_uint_eq(page.rsp_cons, 0);
	ck_assert_uint_eq(page.rsp_prod, 0);
	ck_assert_uint_eq(page.features, ALL_FEATURES);
	ck_assert_int_eq(ring_look(&ring, buf, &len), RING_NOTHING);
	guest_sends("new", 3);
	ck_assert_int_eq(ring_look(&ring, buf, &len), RING_BYTES);
	ck_assert_int_eq(memcmp(buf, "new", 3), 0);
	ck_assert_uint_eq(len, 3);
}

START_TEST(reset_idle)
{
	begin_at(starts[_i], starts[_i]);
	page.connection = 1;
	reset_works();
}
END_TEST

START_TEST(reset_full_both_ways)
{
	static char full[RING_SIZE];
	struct machine_span span = { full, sizeof(full) };

	begin_at(starts[_i], starts[_i]);
	guest_sends(full, sizeof(full));
	ck_assert_int_eq(ring_fill(&ring, &span, 1), 1024);
	ring_produced(&ring, 1024);
	page.connection = 0xdeadbeef;	/* any value other than 0 */
	reset_works();
}
END_TEST

START_TEST(reset_after_an_error)
{
	begin_at(starts[_i], starts[_i]);
	page.req_prod += 5000;
	ck_assert_int_eq(ring_look(&ring, buf, &len), RING_BAD);
	ring_fail(&ring, RING_ERROR_INDEX);
	ck_assert_uint_eq(page.error, RING_ERROR_INDEX);
	page.req_prod = page.req_cons + 4;
	ck_assert_int_eq(ring_look(&ring, buf, &len), RING_NOTHING);
	ck_assert(!ring_wants_turn(&ring, true, true));
	page.connection = 1;
	reset_works();
}
END_TEST

START_TEST(reset_with_garbage_and_at_attach)
{
	memset(&page, 0xa5, sizeof(page));
	page.evtchn_port = 0;
	page.req_cons = starts[_i];
	ring_attach(&ring, &page, ALL_FEATURES);
	ck_assert_uint_eq(page.features, ALL_FEATURES);
	reset_works();
}
END_TEST

/* Rule 2: with bit 0 not offered, `connection` is nothing to us. */
START_TEST(reset_not_offered)
{
	begin_at(starts[_i], starts[_i]);
	ring_attach(&ring, &page, 0);
	page.connection = 1;
	guest_sends("old", 3);
	ck_assert_int_eq(ring_look(&ring, buf, &len), RING_BYTES);
	ring_fail(&ring, RING_ERROR_PROTOCOL);
	ck_assert_uint_eq(page.error, 0);
	ck_assert_uint_eq(page.connection, 1);
	ck_assert(!ring_wants_turn(&ring, true, true));
}
END_TEST

/* Rule 8: a guest that begins anew without the handshake. */
START_TEST(zeroed_page_is_followed)
{
	begin_at(starts[_i], starts[_i] + 77);
	guest_sends("abcd", 4);
	ck_assert_int_eq(ring_look(&ring, buf, &len), RING_BYTES);
	ring_consumed(&ring, len);
	ring_turn_over(&ring);
	page.req_cons = page.req_prod = page.rsp_cons = page.rsp_prod = 0;
	ck_assert_int_eq(ring_look(&ring, buf, &len), RING_NOTHING);
	guest_sends("xyz", 3);
	ck_assert_int_eq(ring_look(&ring, buf, &len), RING_BYTES);
	ck_assert_uint_eq(len, 3);
	ck_assert_int_eq(memcmp(buf, "xyz", 3), 0);
	ring_consumed(&ring, len);
	ck_assert_uint_eq(page.req_cons, 3);
}
END_TEST

/* Rule 8: output to a guest that zeroed its page and then said nothing. */
START_TEST(zeroed_page_gets_output)
{
	struct machine_span span = { "event", 5 };

	begin_at(starts[_i], starts[_i]);
	page.req_cons = page.req_prod = page.rsp_cons = page.rsp_prod = 0;
	ck_assert_int_eq(ring_fill(&ring, &span, 1), 5);
	ring_produced(&ring, 5);
	ck_assert_uint_eq(page.rsp_prod, 5);
	ck_assert_int_eq(memcmp(page.rsp, "event", 5), 0);
}
END_TEST

/* Rule 8: Linux skips replies that it finds left over. */
START_TEST(consumer_moved_ahead)
{
	struct machine_span span = { "replies", 7 };

	begin_at(starts[_i], starts[_i]);
	ck_assert_int_eq(ring_fill(&ring, &span, 1), 7);
	ring_produced(&ring, 7);
	page.rsp_cons = page.rsp_prod;
	ring_turn_over(&ring);
	ck_assert_int_eq(ring_look(&ring, buf, &len), RING_NOTHING);
	ck_assert_int_eq(ring_fill(&ring, &span, 1), 7);
}
END_TEST

/* The guest's scribbling over our indices alone does not lead us. */
START_TEST(own_indices_are_ours)
{
	begin_at(starts[_i], starts[_i]);
	guest_sends("12345", 5);
	page.req_cons = starts[_i] + 4;
	page.rsp_prod = starts[_i] + 1000;
	ck_assert_int_eq(ring_look(&ring, buf, &len), RING_BYTES);
	ck_assert_uint_eq(len, 5);
	ring_consumed(&ring, len);
	ck_assert_uint_eq(page.req_cons, starts[_i] + 5);
}
END_TEST

/* Rule 9: RELEASE mends, for the INTRODUCE that follows. */
START_TEST(detach_mends)
{
	begin_at(starts[_i], starts[_i]);
	page.req_prod += 1025;
	ck_assert_int_eq(ring_look(&ring, buf, &len), RING_BAD);
	ring_fail(&ring, RING_ERROR_INDEX);
	ck_assert_uint_eq(page.error, RING_ERROR_INDEX);
	ring_detach(&ring);
	ck_assert_uint_eq(page.error, 0);
	ck_assert_uint_eq(page.req_cons | page.req_prod | page.rsp_cons |
			  page.rsp_prod, 0);
	ring_attach(&ring, &page, ALL_FEATURES);
	ck_assert_int_eq(ring_look(&ring, buf, &len), RING_NOTHING);
}
END_TEST

START_TEST(detach_leaves_a_sound_ring)
{
	begin_at(starts[_i], starts[_i]);
	guest_sends("stays", 5);
	before = page;
	ring_detach(&ring);
	ck_assert_int_eq(memcmp(&before, &page, sizeof(page)), 0);
}
END_TEST

/* Rule 2: the builder's 1 ends with INTRODUCE, and later ones are nothing. */
START_TEST(not_offered_is_cleared_at_attach)
{
	begin_at(starts[_i], starts[_i]);
	page.connection = 7;
	ring_attach(&ring, &page, RING_FEATURE_ERROR);
	ck_assert_uint_eq(page.connection, 0);
	ck_assert_uint_eq(page.req_cons, starts[_i]);
	page.connection = 7;
	ck_assert_int_eq(ring_look(&ring, buf, &len), RING_NOTHING);
	ck_assert_uint_eq(page.connection, 7);
}
END_TEST

/* The guest's own bits are gone after a reset (rules 1, 4). */
START_TEST(reset_restores_the_features)
{
	begin_at(starts[_i], starts[_i]);
	page.features = 0xffff0000;
	page.connection = 1;
	reset_works();
}
END_TEST

static _Atomic bool moving;

static void *mover(void *arg)
{
	const uint32_t shapes[] = { 0, 1, 1023, 1024, 1025, 0x80000000u,
				    0xffffffffu };
	unsigned int i = 0;

	while (moving) {
		ring_store_once(&page.req_prod, shapes[i++ % 7]);
		ring_store_once(&page.rsp_cons, 0u - shapes[i % 7]);
		ring_store_once(&page.connection, i % 11 == 0);
		ring_store_once(&page.req_cons, shapes[i % 5]);
	}
	return NULL;
}

/*
 * All of the guest's words in motion while they are read: what comes out of a
 * look is one reading, judged, and never more than a ring.
 */
START_TEST(moved_while_being_read)
{
	struct machine_span span = { buf, sizeof(buf) };
	unsigned int seen[4] = { 0 };
	pthread_t thread;

	begin_at(0, 0);
	moving = true;
	ck_assert_int_eq(pthread_create(&thread, NULL, mover, NULL), 0);
	for (unsigned int i = 0; i < 20000 || !seen[RING_BYTES] ||
	     !seen[RING_RESET] || !seen[RING_BAD]; i++) {
		enum ring_seen s = ring_look(&ring, buf, &len);
		int filled;

		/* On one processor the other has to get it. */
		if (i % 64 == 0)
			sched_yield();
		seen[s]++;
		ck_assert(s == RING_BYTES ? len > 0 && len <= RING_SIZE :
			  len == 0);
		filled = ring_fill(&ring, &span, 1);
		ck_assert_int_ge(filled, -1);
		ck_assert_int_le(filled, (int)RING_SIZE);
		ring_turn_over(&ring);
		ring_attach(&ring, &page, ALL_FEATURES);
		ring.req_cons = ring.rsp_prod = 0;
	}
	moving = false;
	pthread_join(thread, NULL);
}
END_TEST

/*
 * Garbage anywhere, thousands of seeds: never more bytes than a ring holds,
 * never a move of an index that was not asked for, a reset always works.
 */
START_TEST(hostile_page)
{
	struct machine_span span = { "0123456789", 10 };

	for (unsigned int seed = 0; seed < 20000; seed++) {
		uint32_t words[8];
		enum ring_seen seen;

		srandom(seed);
		begin_at((uint32_t)random() * 3, (uint32_t)random() * 3);
		memcpy(words, &page.req_cons, sizeof(words));
		for (int i = 0; i < 6; i++)
			if (i != 4 && random() % 3 == 0)
				words[i] += (uint32_t)random() %
					    (random() % 2 ? 2048 : UINT32_MAX);
		memcpy(&page.req_cons, words, sizeof(words));
		seen = ring_look(&ring, buf, &len);
		ck_assert_uint_le(len, RING_SIZE);
		ck_assert(seen == RING_BYTES ? len > 0 : len == 0);
		ck_assert(seen == RING_RESET || !page.connection);
		ck_assert_int_le(ring_fill(&ring, &span, 1), 10);
		page.connection = 1;
		reset_works();
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("host/ring");
	TCase *tc = tcase_create("ring");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, attach_takes_indices_as_they_are, 0, STARTS);
	tcase_add_loop_test(tc, request_distance, 0, STARTS);
	tcase_add_loop_test(tc, reply_distance, 0, STARTS);
	tcase_add_loop_test(tc, no_bytes_without_a_buffer, 0, STARTS);
	tcase_add_loop_test(tc, one_reading_in_a_turn, 0, STARTS);
	tcase_add_loop_test(tc, fill_cuts_at_the_room, 0, STARTS);
	tcase_add_loop_test(tc, reset_idle, 0, STARTS);
	tcase_add_loop_test(tc, reset_full_both_ways, 0, STARTS);
	tcase_add_loop_test(tc, reset_after_an_error, 0, STARTS);
	tcase_add_loop_test(tc, reset_with_garbage_and_at_attach, 0, STARTS);
	tcase_add_loop_test(tc, reset_not_offered, 0, STARTS);
	tcase_add_loop_test(tc, zeroed_page_is_followed, 0, STARTS);
	tcase_add_loop_test(tc, zeroed_page_gets_output, 0, STARTS);
	tcase_add_loop_test(tc, consumer_moved_ahead, 0, STARTS);
	tcase_add_loop_test(tc, own_indices_are_ours, 0, STARTS);
	tcase_add_loop_test(tc, detach_mends, 0, STARTS);
	tcase_add_loop_test(tc, detach_leaves_a_sound_ring, 0, STARTS);
	tcase_add_loop_test(tc, not_offered_is_cleared_at_attach, 0, STARTS);
	tcase_add_loop_test(tc, reset_restores_the_features, 0, STARTS);
	tcase_add_test(tc, moved_while_being_read);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, hostile_page);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
