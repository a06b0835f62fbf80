/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Daemons that hang up, lie or talk nonsense. */
#include "tests/unit/client_script.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ASKED 5

static struct outcome out[ASKED];

static struct rig *rig_asked(const struct px_client_options *options)
{
	struct rig *rig = rig_new(options);

	memset(out, 0, sizeof(out));
	rig_up(rig, NULL);
	for (int i = 0; i < ASKED; i++)
		ck_assert_int_eq(px_client_read(rig->client, 0, "/a",
						outcome_done, &out[i]), 0);
	ck_assert_int_eq(rig_run(rig), 0);
	return rig;
}

static void ended_with(int from, int result)
{
	for (int i = from; i < ASKED; i++) {
		ck_assert_int_eq(out[i].calls, 1);
		ck_assert_int_eq(out[i].result, result);
	}
}

/* A reply is 16 + 4 bytes; the daemon dies after any byte of five. */
START_TEST(hang_up_anywhere)
{
	struct rig *rig = rig_asked(NULL);
	struct wire_header h;

	while (script_take(&rig->script, &h, NULL))
		script_reply(&rig->script, &h, "abcd", 4);
	rig->script.in_len = rig->script.in_at + (size_t)_i;
	rig->script.hung_up = true;
	ck_assert_int_eq(rig_run(rig), -ECONNRESET);
	for (int i = 0; i < _i / 20; i++)
		ck_assert_int_eq(out[i].result, 0);
	ended_with(_i / 20, -ECONNRESET);
	ck_assert_int_eq(rig->downs, 1);
	ck_assert_int_eq(rig->reason, -ECONNRESET);
	ck_assert_uint_eq(rig->script.closes, 1);
	ck_assert_uint_eq(px_client_pending(rig->client), 0);
	ck_assert_int_eq(px_client_process(rig->client, 0), -ENOTCONN);
	ck_assert_int_eq(px_client_error(rig->client), -ECONNRESET);
	px_client_close(rig->client);
	ended_with(_i / 20, -ECONNRESET);
	rig_check_canaries(rig);
}
END_TEST

/* The same while requests are still being sent. */
START_TEST(hang_up_while_sending)
{
	struct rig *rig = rig_new(NULL);

	memset(out, 0, sizeof(out));
	rig_up(rig, NULL);
	for (int i = 0; i < ASKED; i++)
		ck_assert_int_eq(px_client_read(rig->client, 0, "/a",
						outcome_done, &out[i]), 0);
	rig->script.send_budget = (size_t)_i;
	rig->script.send_error = -EPIPE;
	ck_assert_int_eq(rig_run(rig), -EPIPE);
	ended_with(0, -ECONNRESET);
	ck_assert_int_eq(rig->reason, -EPIPE);
}
END_TEST

enum lie {
	LIE_ID, LIE_OLD_ID, LIE_ORDER, LIE_TYPE, LIE_UNKNOWN_TYPE,
	LIE_LENGTH, LIE_HUGE, LIE_ERROR_EMPTY, LIE_ERROR_NO_NUL,
	LIE_ERROR_TWO, LIE_ERROR_BINARY, LIE_EVENT_EMPTY, LIE_EVENT_ONE,
	LIE_EVENT_NO_NUL, LIE_TWICE, LIES
};

static void tell(struct script *s, enum lie lie, struct wire_header h)
{
	struct wire_header bad = h;
	char bytes[WIRE_HEADER_SIZE];

	switch (lie) {
	case LIE_ID:
		script_message(s, h.type, h.req_id + 1000, "", 0);
		return;
	case LIE_OLD_ID:
		script_message(s, h.type, h.req_id - 1, "", 0);
		return;
	case LIE_ORDER:
		script_message(s, h.type, h.req_id + 1, "", 0);
		return;
	case LIE_TYPE:
		script_message(s, WIRE_WRITE, h.req_id, "", 0);
		return;
	case LIE_UNKNOWN_TYPE:
		bad.type = WIRE_OP_COUNT;
		break;
	case LIE_LENGTH:
		bad.len = WIRE_PAYLOAD_MAX + 1;
		break;
	case LIE_HUGE:
		bad.len = UINT32_MAX;
		break;
	case LIE_ERROR_EMPTY:
		script_message(s, WIRE_ERROR, h.req_id, "", 0);
		return;
	case LIE_ERROR_NO_NUL:
		script_message(s, WIRE_ERROR, h.req_id, "EIO", 3);
		return;
	case LIE_ERROR_TWO:
		script_message(s, WIRE_ERROR, h.req_id, "EIO\0EIO", 8);
		return;
	case LIE_ERROR_BINARY:
		script_message(s, WIRE_ERROR, h.req_id, "\x01\xff", 3);
		return;
	case LIE_EVENT_EMPTY:
		script_message(s, WIRE_WATCH_EVENT, 0, "", 0);
		return;
	case LIE_EVENT_ONE:
		script_message(s, WIRE_WATCH_EVENT, 0, "/a", 3);
		return;
	case LIE_EVENT_NO_NUL:
		script_message(s, WIRE_WATCH_EVENT, 0, "/a\0tok", 6);
		return;
	default:
		script_message(s, h.type, h.req_id, "", 0);
		script_message(s, h.type, h.req_id, "", 0);
		return;
	}
	wire_header_put(bytes, &bad);
	script_feed(s, bytes, sizeof(bytes));
}

START_TEST(lies)
{
	struct rig *rig = rig_asked(NULL);
	struct wire_header h;

	ck_assert(script_take(&rig->script, &h, NULL));
	tell(&rig->script, (enum lie)_i, h);
	ck_assert_int_eq(rig_run(rig), -EPROTO);
	ended_with(_i == LIE_TWICE, -ECONNRESET);
	ck_assert_int_eq(rig->downs, 1);
	ck_assert_int_eq(rig->reason, -EPROTO);
	ck_assert_uint_eq(rig->script.closes, 1);
	rig_check_canaries(rig);
}
END_TEST

/* A reply to something that nobody asked, or that was not sent yet. */
START_TEST(unasked)
{
	struct rig *rig = rig_new(NULL);
	struct px_client_counters n;

	memset(out, 0, sizeof(out));
	rig_up(rig, NULL);
	if (_i) {
		rig->script.send_max = 0;
		ck_assert_int_eq(px_client_read(rig->client, 0, "/a",
						outcome_done, &out[0]), 0);
	}
	script_message(&rig->script, WIRE_READ, 2, "", 0);
	ck_assert_int_eq(rig_run(rig), -EPROTO);
	ck_assert_int_eq(out[0].calls, _i);
	px_client_count(rig->client, &n);
	ck_assert_uint_eq(n.protocol_errors, 1);
}
END_TEST

/* Longest reply there may be, and an error name of a later age. */
START_TEST(still_legal)
{
	struct rig *rig = rig_asked(NULL);
	struct wire_header h;
	static char big[WIRE_PAYLOAD_MAX];

	memset(big, 'x', sizeof(big));
	ck_assert(script_take(&rig->script, &h, NULL));
	script_reply(&rig->script, &h, big, sizeof(big));
	ck_assert(script_take(&rig->script, &h, NULL));
	script_error(&rig->script, &h, "EQUOTA2");
	ck_assert_int_eq(rig_run(rig), 0);
	ck_assert_uint_eq(out[0].len, sizeof(big));
	ck_assert_mem_eq(out[0].data, big, sizeof(big));
	ck_assert_int_eq(out[1].result, -EINVAL);
	rig_check_canaries(rig);
}
END_TEST

struct meddler {
	struct rig *rig;
	int what, calls;
};

static void meddle(void *arg, int result, const char *data, size_t len)
{
	struct meddler *m = arg;

	m->calls++;
	if (m->what == 0) {
		ck_assert_int_eq(px_client_process(m->rig->client, 0), -EBUSY);
	} else if (m->what == 1) {
		px_client_close(m->rig->client);
		ck_assert_int_eq(px_client_read(m->rig->client, 0, "/", NULL,
						NULL), -ENOTCONN);
	} else if (m->what == 2) {
		px_client_close(m->rig->client);
		ck_assert_int_eq(px_client_open(m->rig->client,
						&m->rig->script.base), 0);
	} else if (result == -ECONNRESET) {
		ck_assert_int_eq(px_client_read(m->rig->client, 0, "/", NULL,
						NULL), -ENOTCONN);
	}
}

/* Callbacks that close, reopen, recurse, and ask anew during a hang-up. */
START_TEST(meddling_callbacks)
{
	struct rig *rig = rig_new(NULL);
	struct meddler m = { rig, _i, 0 };
	struct wire_header h;
	int ret;

	memset(out, 0, sizeof(out));
	rig_up(rig, NULL);
	ck_assert_int_eq(px_client_read(rig->client, 0, "/a", meddle, &m), 0);
	for (int i = 0; i < ASKED; i++)
		ck_assert_int_eq(px_client_read(rig->client, 0, "/a",
						outcome_done, &out[i]), 0);
	rig_run(rig);
	while (_i < 3 && script_take(&rig->script, &h, NULL))
		script_reply(&rig->script, &h, "", 0);
	rig->script.hung_up = _i == 3;
	ret = rig_run(rig);
	ck_assert_int_eq(m.calls, 1);
	ended_with(0, _i == 0 ? 0 : -ECONNRESET);
	ck_assert_int_eq(ret, _i == 1 ? -ENOTCONN : _i == 3 ? -ECONNRESET : 0);
	if (_i == 2) {
		rig->script.hung_up = false;
		ck_assert_int_eq(rig_run(rig), 0);
		ck_assert_uint_eq(rig->script.opens, 2);
	}
	rig_check_canaries(rig);
}
END_TEST

static uint64_t random_state;

static uint32_t any(uint32_t below)
{
	random_state = random_state * 6364136223846793005u +
		       1442695040888963407u;
	return (uint32_t)(random_state >> 33) % below;
}

static int asked, ended;

static void count_done(void *arg, int result, const char *data, size_t len)
{
	ended++;
}

static void ignore_event(void *arg, int error, const char *path)
{
	*(int *)arg += 1;
}

/* A message that is often nearly right. */
static void feed_noise(struct rig *rig)
{
	struct wire_header h = { 0 };
	char bytes[WIRE_HEADER_SIZE + 64];
	bool have = any(4) && script_take(&rig->script, &h, NULL);

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(any(3) ? 0x30 + any(10) : any(256));
	if (!have)
		h.req_id = any(40);
	if (!have || !any(8))
		h.type = any(28);
	h.len = any(48);
	if (!any(12))
		h.len = any(5000);
	if (h.type == WIRE_WATCH_EVENT && any(4))
		memcpy(bytes + WIRE_HEADER_SIZE, "/a\0" "0.0", h.len = 7);
	wire_header_put(bytes, &h);
	script_feed(&rig->script, bytes, any(16) && h.len <= 64 ?
		    WIRE_HEADER_SIZE + h.len : 1 + any(sizeof(bytes)));
}

static void noise_once(uint64_t seed)
{
	struct px_client_options o = { .requests = 12, .backoff_min = 1 };
	struct rig *rig;
	struct px_client_watch watch = { .path = "/a", .depth = -1 };
	int events = 0;

	random_state = seed;
	o.window = 1 + any(12);
	rig = rig_new(&o);
	watch.event = ignore_event;
	watch.arg = &events;
	asked = ended = 0;
	ck_assert_int_eq(px_client_open(rig->client, &rig->script.base), 0);
	ck_assert_int_eq(px_client_watch(rig->client, &watch), 0);
	for (int step = 0; step < 200; step++) {
		rig->now += 1000000;
		rig->script.recv_max = 1 + any(200);
		rig->script.send_max = any(100);
		rig->script.hung_up = !any(40);
		if (rig->script.in_len > SCRIPT_BYTES / 2)
			rig->script.in_len = rig->script.in_at = 0;
		if (any(2) && !px_client_read(rig->client, any(3), "/x",
					      count_done, NULL))
			asked++;
		if (!any(20) && px_client_unwatch(rig->client, &watch) == 0)
			ck_assert_int_eq(px_client_watch(rig->client, &watch),
					 0);
		if (any(3))
			feed_noise(rig);
		ck_assert_int_ge(px_client_process(rig->client, rig->now), 0);
		ck_assert_int_le(ended, asked);
		if (!watch.set)
			ck_assert_int_eq(px_client_watch(rig->client, &watch),
					 0);
	}
	px_client_close(rig->client);
	ck_assert_int_eq(ended, asked);
	ck_assert_uint_eq(px_client_pending(rig->client), 0);
	rig_check_canaries(rig);
}

/* Base of this run's seeds; CLIENT_SEED=N runs N and those after it. */
static uint64_t noise_seed;

/* A failure names its iteration: the seed is the printed base plus that. */
START_TEST(noise)
{
	noise_once(noise_seed + (uint64_t)_i);
}
END_TEST

Suite *client_hostile_suite(void)
{
	Suite *suite = suite_create("client: hostile daemons");
	TCase *tc = tcase_create("hostile");
	const char *given = getenv("CLIENT_SEED");

	noise_seed = given ? strtoull(given, NULL, 0)
			   : (uint64_t)time(NULL) * 1000;
	printf("client noise: CLIENT_SEED=%llu\n",
	       (unsigned long long)noise_seed);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, hang_up_anywhere, 0, ASKED * 20);
	tcase_add_loop_test(tc, hang_up_while_sending, 0, ASKED * 19);
	tcase_add_loop_test(tc, lies, 0, LIES);
	tcase_add_loop_test(tc, unasked, 0, 2);
	tcase_add_test(tc, still_legal);
	tcase_add_loop_test(tc, meddling_callbacks, 0, 4);
	tcase_add_loop_test(tc, noise, 0, 500);
	suite_add_tcase(suite, tc);
	return suite;
}
