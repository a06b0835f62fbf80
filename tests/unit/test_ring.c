/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's end of the ring's rules, case by case.
 * Test names carry the number of the rule of docs/protocol/ring.md that they
 * are about; the daemon's end is ring_sim.h.
 */
#include <check.h>
#include <stdlib.h>

#include "tests/unit/ring_sim.h"

#define ALL 15u
static void begin(struct sim *sim, struct px_ring *r, uint32_t features,
		  uint32_t base)
{
	sim_init(sim, features, base, base);
	ck_assert_int_eq(px_ring_open(r, &sim->page, &sim_ops, sim,
				      PX_RING_ADOPT), 0);
	ck_assert_int_eq(r->state, PX_RING_CONNECTED);
}

/* What px_ring_open() makes of whatever was left: the header's table. */
static const struct {
	uint32_t features, connection, error, req_used, rsp_used;
	unsigned int flags;
	int ret;
	enum px_ring_state state;
	unsigned int found;
} left[] = {
	/* no bit 0: the old protocol */
	{ 0, 0, 0, 0, 0, 0, 0, PX_RING_CONNECTED, 0 },
	{ 0, 0, 0, 5, 0, 0, 0, PX_RING_CONNECTED, PX_RING_FOUND_REQUESTS },
	{ 0, 0, 0, 0, 9, 0, 0, PX_RING_CONNECTED, PX_RING_FOUND_REPLIES },
	{ 2, 0, 3, 0, 0, 0, PX_RING_EIO, PX_RING_FAILED,
	  PX_RING_FOUND_ERROR },
	{ 0, 0, 3, 0, 0, 0, 0, PX_RING_CONNECTED, 0 },	/* no bit 1 */
	{ 0, 0, 0, 1025, 0, 0, PX_RING_EPROTO, PX_RING_FAILED,
	  PX_RING_FOUND_BROKEN | PX_RING_FOUND_REQUESTS },
	{ 0, 0, 0, 0, 0x80000000, PX_RING_ADOPT, PX_RING_EPROTO,
	  PX_RING_FAILED, PX_RING_FOUND_BROKEN | PX_RING_FOUND_REPLIES },
	{ 0, 1, 0, 0, 0, 0, PX_RING_EAGAIN, PX_RING_RESETTING,
	  PX_RING_FOUND_ASKED },
	{ 0, 1, 0, 0, 0, PX_RING_IGNORE_FIELD, 0, PX_RING_CONNECTED, 0 },
	/* bit 0 */
	{ 1, 0, 0, 0, 0, 0, PX_RING_EAGAIN, PX_RING_RESETTING, 0 },
	{ 1, 0, 0, 0, 0, PX_RING_ADOPT, 0, PX_RING_CONNECTED, 0 },
	{ 0xfffffff1, 0, 0, 0, 0, PX_RING_ADOPT, 0, PX_RING_CONNECTED, 0 },
	{ 1, 1, 0, 0, 0, PX_RING_IGNORE_FIELD, PX_RING_EAGAIN,
	  PX_RING_RESETTING, PX_RING_FOUND_ASKED },
	{ 1, 0xdead, 0, 1025, 77, 0, PX_RING_EAGAIN, PX_RING_RESETTING,
	  PX_RING_FOUND_ASKED },
	{ 3, 0, 2, 0, 0, PX_RING_ADOPT, PX_RING_EAGAIN, PX_RING_RESETTING,
	  PX_RING_FOUND_ERROR },
	{ 1, 0, 0, 0, 100, PX_RING_ADOPT, PX_RING_EAGAIN, PX_RING_RESETTING,
	  PX_RING_FOUND_REPLIES },
	{ 1, 0, 0, 1024, 1024, 0, PX_RING_EAGAIN, PX_RING_RESETTING,
	  PX_RING_FOUND_REQUESTS | PX_RING_FOUND_REPLIES },
	{ 1, 0, 0, 0xffffffff, 0, PX_RING_ADOPT, PX_RING_EAGAIN,
	  PX_RING_RESETTING, PX_RING_FOUND_BROKEN | PX_RING_FOUND_REQUESTS },
};

START_TEST(rule1_rule6_open_in_any_state)
{
	struct px_ring r;
	struct sim sim;
	int b;

	for (b = 0; b < N(bases); b++) {
		sim_init(&sim, left[_i].features, bases[b], bases[b]);
		sim.page.connection = left[_i].connection;
		sim.page.error = left[_i].error;
		sim.page.req_prod += left[_i].req_used;
		sim.page.rsp_prod += left[_i].rsp_used;
		ck_assert_int_eq(px_ring_open(&r, &sim.page, &sim_ops, &sim,
					      left[_i].flags), left[_i].ret);
		ck_assert_int_eq(r.state, left[_i].state);
		ck_assert_uint_eq(r.found, left[_i].found);
		if (r.state == PX_RING_RESETTING) {
			ck_assert_uint_gt(sim.notified, 0);
			sim_reset(&sim);
			ck_assert_int_eq(px_ring_poll(&r), 0);
		} else if (r.state == PX_RING_CONNECTED) {
			ck_assert_uint_eq(sim.page.rsp_cons,
					  sim.page.rsp_prod);
			ck_assert_uint_eq(sim.page.connection,
					  left[_i].connection);
		}
	}
}
END_TEST

START_TEST(rule2_rule3_rule7_one_reset)
{
	struct ring_page seen;
	struct px_ring r;
	struct sim sim;

	begin(&sim, &r, ALL, WRAP);
	ck_assert_int_eq(px_ring_reset(&r), 0);
	ck_assert_uint_eq(sim.page.connection, 1);
	ck_assert_uint_eq(sim.notified, 1);
	/* Whatever stands in the page now, only one field counts. */
	memset(&sim.page, 0x5a, offsetof(struct ring_page, connection));
	sim.page.error = 2;
	seen = sim.page;
	ck_assert_int_eq(px_ring_poll(&r), PX_RING_EAGAIN);
	ck_assert_int_eq(px_ring_push(&r, "x", 1), PX_RING_EAGAIN);
	ck_assert_int_eq(px_ring_pull(&r, NULL, 1), PX_RING_EAGAIN);
	ck_assert_int_eq(px_ring_reset(&r), 0);
	ck_assert_uint_eq(sim.notified, 2);
	ck_assert_int_eq(memcmp(&seen, &sim.page, sizeof(seen)), 0);
	sim.page.connection = 77;
	ck_assert_int_eq(px_ring_poll(&r), PX_RING_EAGAIN);
	sim.page.features = ALL;
	sim_reset(&sim);
	/* Done, and the guest has not looked: asking is no second reset. */
	ck_assert_int_eq(px_ring_reset(&r), 0);
	ck_assert_uint_eq(sim.page.connection, 0);
	ck_assert_int_eq(px_ring_poll(&r), 0);
	ck_assert_int_eq(px_ring_push(&r, "x", 1), 1);
	ck_assert_uint_eq(sim.page.req_prod, 1);
	ck_assert_uint_eq(r.epoch, 1);
}
END_TEST

START_TEST(rule2_not_offered_not_written)
{
	struct px_ring r;
	struct sim sim;

	begin(&sim, &r, ALL & ~RING_FEATURE_RECONNECT, 0);
	ck_assert_int_eq(px_ring_reset(&r), PX_RING_EOPNOTSUPP);
	ck_assert_uint_eq(sim.page.connection, 0);
	ck_assert_int_eq(r.state, PX_RING_CONNECTED);
	ck_assert_int_eq(px_ring_close(&r), 0);
	ck_assert_int_eq(px_ring_poll(&r), PX_RING_ENOTCONN);
	ck_assert_int_eq(px_ring_reset(&r), PX_RING_EINVAL);
}
END_TEST

START_TEST(rule5_a_reset_that_left_something)
{
	struct px_ring r;
	struct sim sim;

	begin(&sim, &r, ALL, 0);
	ck_assert_int_eq(px_ring_reset(&r), 0);
	sim_reset(&sim);
	if (_i == 0)
		sim.page.req_prod = 1;
	else if (_i == 1)
		sim.page.rsp_prod = 1;
	else if (_i == 2)
		sim.page.rsp_cons = 1;
	else
		sim.page.error = RING_ERROR_COMM;
	ck_assert_int_eq(px_ring_poll(&r), _i < 3 ? PX_RING_EPROTO :
			 PX_RING_EIO);
	ck_assert_int_eq(r.state, PX_RING_FAILED);
	ck_assert_int_eq(px_ring_reset(&r), 0);
	sim_reset(&sim);
	ck_assert_int_eq(px_ring_poll(&r), 0);
}
END_TEST

START_TEST(broken_indices_are_an_error)
{
	uint8_t buf[8];
	struct px_ring r;
	struct sim sim;
	int k, way;

	for (k = 0; k < N(shapes); k++) {
		for (way = 0; way < 4; way++) {
			begin(&sim, &r, ALL, bases[_i]);
			if (way == 0)
				sim.page.req_cons -= shapes[k].used;
			else if (way == 1)
				sim.page.rsp_prod += shapes[k].used;
			else if (way == 2)
				sim.page.req_prod += shapes[k].used;
			else
				sim.page.rsp_cons += shapes[k].used;
			/* Backwards, or ours moved, is broken too. */
			if (shapes[k].used == 0 ||
			    (way == 1 && shapes[k].valid))
				continue;
			ck_assert_int_eq(px_ring_pull(&r, buf, sizeof(buf)),
					 PX_RING_EPROTO);
			ck_assert_int_eq(px_ring_push(&r, buf, 1),
					 PX_RING_EPROTO);
			ck_assert_int_eq(r.state, PX_RING_FAILED);
			ck_assert_uint_eq(sim.notified, 0);
		}
	}
}
END_TEST

START_TEST(the_daemons_index_goes_back)
{
	uint8_t buf[100] = { 0 };
	struct px_ring r;
	struct sim sim;

	begin(&sim, &r, ALL, bases[_i]);
	ck_assert_int_eq(sim_give(&sim, buf, sizeof(buf)), 100);
	ck_assert_int_eq(px_ring_pull(&r, buf, 10), 10);
	sim.page.rsp_prod -= 1;
	ck_assert_int_eq(px_ring_pull(&r, buf, 10), PX_RING_EPROTO);

	begin(&sim, &r, ALL, bases[_i]);
	ck_assert_int_eq(px_ring_push(&r, buf, 100), 100);
	ck_assert_int_eq(sim_take(&sim, buf, 50), 50);
	ck_assert_int_eq(px_ring_poll(&r), 0);
	sim.page.req_cons -= 1;
	ck_assert_int_eq(px_ring_poll(&r), PX_RING_EPROTO);
}
END_TEST

START_TEST(rule2_only_when_it_reads_0)
{
	struct px_ring r;
	struct sim sim;

	begin(&sim, &r, ALL, 0);
	sim.page.connection = 77;
	ck_assert_int_eq(px_ring_reset(&r), 0);
	ck_assert_uint_eq(sim.page.connection, 77);
	ck_assert_int_eq(r.state, PX_RING_RESETTING);
}
END_TEST

START_TEST(one_message_at_a_time)
{
	struct px_ring_msg a, b;
	uint8_t buf[8] = { 0 };
	struct px_ring r;
	struct sim sim;

	begin(&sim, &r, ALL, 0);
	ck_assert_int_eq(px_ring_push(&r, (uint8_t[1020]){ 0 }, 1020), 1020);
	px_ring_msg_request(&a, 2, 1, 0, NULL, 0);
	px_ring_msg_request(&b, 2, 2, 0, NULL, 0);
	ck_assert_int_eq(px_ring_send(&r, &a), PX_RING_EAGAIN);
	ck_assert_int_eq(px_ring_send(&r, &b), PX_RING_EBUSY);

	ck_assert_int_eq(sim_give(&sim, buf, sizeof(buf)), 8);
	px_ring_msg_init(&a, buf, sizeof(buf));
	px_ring_msg_init(&b, buf, sizeof(buf));
	ck_assert_int_eq(px_ring_recv(&r, &a), PX_RING_EAGAIN);
	ck_assert_int_eq(px_ring_recv(&r, &b), PX_RING_EBUSY);
}
END_TEST

START_TEST(rule9_error_after_the_last_bytes)
{
	struct px_ring r;
	struct sim sim;
	char buf[8];

	begin(&sim, &r, ALL, WRAP);
	ck_assert_int_eq(sim_give(&sim, "reply", 5), 5);
	sim.page.error = RING_ERROR_PROTOCOL;
	ck_assert_int_eq(px_ring_poll(&r), 0);
	ck_assert_int_eq(px_ring_pull(&r, buf, sizeof(buf)), 5);
	ck_assert_int_eq(memcmp(buf, "reply", 5), 0);
	ck_assert_int_eq(px_ring_pull(&r, buf, sizeof(buf)), PX_RING_EIO);
	ck_assert_uint_eq(r.error, RING_ERROR_PROTOCOL);
	ck_assert_int_eq(px_ring_reset(&r), 0);
	sim_reset(&sim);
	ck_assert_int_eq(px_ring_poll(&r), 0);
}
END_TEST

static void reset_at_once(struct sim *sim)
{
	if (sim->page.connection != 0)
		sim_reset(sim);
}

START_TEST(someone_else_asks_and_close)
{
	struct px_ring r;
	struct sim sim;

	begin(&sim, &r, ALL, 5);
	sim.page.connection = 1;
	ck_assert_int_eq(px_ring_poll(&r), PX_RING_ECONNRESET);
	ck_assert_int_eq(px_ring_settle(&r, 3), PX_RING_ETIMEDOUT);
	ck_assert_uint_eq(sim.waited, 3);
	sim.wait_ret = -4;
	ck_assert_int_eq(px_ring_settle(&r, 3), -4);
	sim.wait_ret = 0;
	sim.notify_ret = -9;
	ck_assert_int_eq(px_ring_settle(&r, 3), -9);
	sim.notify_ret = 0;
	sim.on_wait = reset_at_once;
	ck_assert_int_eq(px_ring_settle(&r, 3), 0);
	ck_assert_int_eq(px_ring_close(&r), PX_RING_EAGAIN);
	ck_assert_int_eq(px_ring_close(&r), PX_RING_EAGAIN);
	sim_reset(&sim);
	ck_assert_int_eq(px_ring_close(&r), 0);
	ck_assert_int_eq(r.state, PX_RING_CLOSED);
	ck_assert_uint_eq(sim.resets, 2);

	begin(&sim, &r, ALL, 0);
	sim.notify_ret = -9;
	ck_assert_int_eq(px_ring_push(&r, "x", 1), -9);
	ck_assert_int_eq(r.state, PX_RING_FAILED);
	ck_assert_int_eq(px_ring_poll(&r), -9);
}
END_TEST

/* Send one message through the simulated daemon, which sends it back. */
static int there_and_back(struct sim *sim, struct px_ring *r,
			  struct px_ring_msg *out, struct px_ring_msg *in)
{
	uint8_t buf[RING_SIZE];
	int n, put, sent = PX_RING_EAGAIN, ret = PX_RING_EAGAIN;
	unsigned int i;

	for (i = 0; i < 100 && ret == PX_RING_EAGAIN; i++) {
		if (sent == PX_RING_EAGAIN)
			sent = px_ring_send(r, out);
		n = sim_take(sim, buf, 1 + (i * 311) % RING_SIZE);
		put = sim_give(sim, buf, (size_t)n);
		ck_assert_int_eq(put, n);
		ret = px_ring_recv(r, in);
	}
	ck_assert_int_eq(sent, 0);
	return ret;
}

START_TEST(messages_of_every_size)
{
	static const uint32_t lens[] = { 0, 1, 1007, 1008, 1009, 2048, 4096 };
	uint8_t payload[4096], got[4096];
	struct px_ring_msg out, in;
	struct px_ring r;
	struct sim sim;
	int i;

	for (i = 0; i < (int)sizeof(payload); i++)
		payload[i] = (uint8_t)(i ^ i >> 8);
	begin(&sim, &r, ALL, bases[_i]);
	for (i = 0; i < N(lens); i++) {
		px_ring_msg_request(&out, 11, 0x01020304, 7, payload, lens[i]);
		px_ring_msg_init(&in, got, sizeof(got));
		ck_assert_int_eq(there_and_back(&sim, &r, &out, &in), 0);
		ck_assert_uint_eq(in.type, 11);
		ck_assert_uint_eq(in.req_id, 0x01020304);
		ck_assert_uint_eq(in.tx_id, 7);
		ck_assert_uint_eq(in.len, lens[i]);
		ck_assert_int_eq(memcmp(got, payload, lens[i]), 0);

		/* A short buffer takes its part; the next is unharmed. */
		memset(got, SIM_GUARD, sizeof(got));
		px_ring_msg_request(&out, 2, 1, 0, payload, lens[i]);
		px_ring_msg_init(&in, got, 100);
		ck_assert_int_eq(there_and_back(&sim, &r, &out, &in),
				 lens[i] > 100 ? PX_RING_EMSGSIZE : 0);
		ck_assert_uint_eq(got[100], SIM_GUARD);
	}
	px_ring_msg_request(&out, 2, 1, 0, payload, 4097);
	ck_assert_int_eq(px_ring_send(&r, &out), PX_RING_EMSGSIZE);
	ck_assert_uint_eq(sim.page.req_prod, r.req_prod);
}
END_TEST

/* Cut a request and a reply off at every byte (rule 6). */
START_TEST(rule6_reset_at_every_byte)
{
	uint8_t payload[44] = { 0 }, got[64], stream[60] = { 0 };
	struct px_ring_msg out, in;
	struct px_ring r;
	struct sim sim;
	int cut, n;

	for (cut = 1; cut < 60; cut++) {
		begin(&sim, &r, ALL, WRAP - 1024);
		/* Leave room, and bytes, for `cut` only. */
		n = px_ring_push(&r, (uint8_t[1024]){ 0 },
				 RING_SIZE - (size_t)cut);
		ck_assert_int_eq(n, (int)RING_SIZE - cut);
		px_ring_msg_request(&out, 2, 1, 0, payload, sizeof(payload));
		ck_assert_int_eq(px_ring_send(&r, &out), PX_RING_EAGAIN);
		ck_assert_int_eq(px_ring_push(&r, "x", 1), PX_RING_EBUSY);
		stream[12] = 44;
		ck_assert_int_eq(sim_give(&sim, stream, (size_t)cut), cut);
		px_ring_msg_init(&in, got, sizeof(got));
		ck_assert_int_eq(px_ring_recv(&r, &in), PX_RING_EAGAIN);
		ck_assert_int_eq(px_ring_pull(&r, got, 1), PX_RING_EBUSY);

		ck_assert_int_eq(px_ring_reset(&r), 0);
		sim_reset(&sim);
		ck_assert_int_eq(px_ring_send(&r, &out), PX_RING_ECONNRESET);
		ck_assert_int_eq(px_ring_recv(&r, &in), PX_RING_ECONNRESET);
		px_ring_msg_request(&out, 2, 1, 0, payload, sizeof(payload));
		px_ring_msg_init(&in, got, sizeof(got));
		ck_assert_int_eq(there_and_back(&sim, &r, &out, &in), 0);
	}
}
END_TEST

START_TEST(a_reply_too_long)
{
	uint8_t header[16] = { 2 }, got[16];
	struct px_ring_msg in;
	struct px_ring r;
	struct sim sim;

	begin(&sim, &r, ALL, WRAP);
	header[12] = 1;
	header[_i] |= 0x10;	/* 4097, or far more */
	ck_assert_int_eq(sim_give(&sim, header, 16), 16);
	px_ring_msg_init(&in, got, sizeof(got));
	ck_assert_int_eq(px_ring_recv(&r, &in), PX_RING_EPROTO);
	ck_assert_int_eq(r.state, PX_RING_FAILED);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ring");
	TCase *tcase = tcase_create("rules");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tcase, rule1_rule6_open_in_any_state, 0, N(left));
	tcase_add_test(tcase, rule2_rule3_rule7_one_reset);
	tcase_add_test(tcase, rule2_not_offered_not_written);
	tcase_add_loop_test(tcase, rule5_a_reset_that_left_something, 0, 4);
	tcase_add_loop_test(tcase, broken_indices_are_an_error, 0, N(bases));
	tcase_add_loop_test(tcase, the_daemons_index_goes_back, 0, N(bases));
	tcase_add_test(tcase, rule2_only_when_it_reads_0);
	tcase_add_test(tcase, one_message_at_a_time);
	tcase_add_test(tcase, rule9_error_after_the_last_bytes);
	tcase_add_test(tcase, someone_else_asks_and_close);
	tcase_add_loop_test(tcase, messages_of_every_size, 0, N(bases));
	tcase_add_test(tcase, rule6_reset_at_every_byte);
	tcase_add_loop_test(tcase, a_reply_too_long, 13, 16);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
