/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What goes out for each request, what comes back, windows and limits. */
#include "tests/unit/client_script.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BYTES(s) s, sizeof(s) - 1

static struct outcome out;

static int ask(struct px_client *c, int which)
{
	static const char *const words[] = { "quota", "set", "nodes" };
	static const struct px_perm perms[] = { { 0, 'n' }, { 65535, 'b' } };

	switch (which) {
	case 0: return px_client_read(c, 7, "/a", outcome_done, &out);
	case 1: return px_client_write(c, 7, "/a", "x\0y", 3, outcome_done,
				       &out);
	case 2: return px_client_mkdir(c, 7, "a/b", outcome_done, &out);
	case 3: return px_client_rm(c, 7, "/a", outcome_done, &out);
	case 4: return px_client_directory(c, 7, "/", outcome_done, &out);
	case 5: return px_client_get_perms(c, 7, "/a", outcome_done, &out);
	case 6: return px_client_set_perms(c, 7, "/a", perms, 2, outcome_done,
					   &out);
	case 7: return px_client_transaction_start(c, outcome_done, &out);
	case 8: return px_client_transaction_end(c, 7, true, outcome_done,
						 &out);
	case 9: return px_client_transaction_end(c, 7, false, outcome_done,
						 &out);
	case 10: return px_client_control(c, words, 3, outcome_done, &out);
	case 11: return px_client_introduce(c, 5, 18446744073709551615ull,
					    4294967295u, outcome_done, &out);
	case 12: return px_client_release(c, 5, outcome_done, &out);
	case 13: return px_client_resume(c, 5, outcome_done, &out);
	case 14: return px_client_get_domain_path(c, 0, outcome_done, &out);
	case 15: return px_client_is_introduced(c, 65535, outcome_done, &out);
	case 16: return px_client_set_target(c, 5, 6, outcome_done, &out);
	case 17: return px_client_get_feature(c, 5, outcome_done, &out);
	case 18: return px_client_set_feature(c, 5, 9, outcome_done, &out);
	case 19: return px_client_get_quota(c, 5, NULL, outcome_done, &out);
	case 20: return px_client_get_quota(c, 5, "nodes", outcome_done, &out);
	case 21: return px_client_set_quota(c, 5, "nodes", 10, outcome_done,
					    &out);
	}
	return -1;
}

static const struct {
	uint32_t type, tx;
	const char *payload;
	size_t len;
} wanted[] = {
	{ WIRE_READ, 7, BYTES("/a\0") },
	{ WIRE_WRITE, 7, BYTES("/a\0x\0y") },
	{ WIRE_MKDIR, 7, BYTES("a/b\0") },
	{ WIRE_RM, 7, BYTES("/a\0") },
	{ WIRE_DIRECTORY, 7, BYTES("/\0") },
	{ WIRE_GET_PERMS, 7, BYTES("/a\0") },
	{ WIRE_SET_PERMS, 7, BYTES("/a\0n0\0b65535\0") },
	{ WIRE_TRANSACTION_START, 0, BYTES("\0") },
	{ WIRE_TRANSACTION_END, 7, BYTES("T\0") },
	{ WIRE_TRANSACTION_END, 7, BYTES("F\0") },
	{ WIRE_CONTROL, 0, BYTES("quota\0set\0nodes\0") },
	{ WIRE_INTRODUCE, 0, BYTES("5\0" "18446744073709551615\0"
				   "4294967295\0") },
	{ WIRE_RELEASE, 0, BYTES("5\0") },
	{ WIRE_RESUME, 0, BYTES("5\0") },
	{ WIRE_GET_DOMAIN_PATH, 0, BYTES("0\0") },
	{ WIRE_IS_DOMAIN_INTRODUCED, 0, BYTES("65535\0") },
	{ WIRE_SET_TARGET, 0, BYTES("5\0" "6\0") },
	{ WIRE_GET_FEATURE, 0, BYTES("5\0") },
	{ WIRE_SET_FEATURE, 0, BYTES("5\0" "9\0") },
	{ WIRE_GET_QUOTA, 0, NULL, 0 },
	{ WIRE_GET_QUOTA, 0, BYTES("5\0nodes\0") },
	{ WIRE_SET_QUOTA, 0, BYTES("5\0nodes\0" "10\0") },
};

START_TEST(every_request)
{
	struct rig *rig = rig_new(NULL);
	struct wire_header h;
	char payload[WIRE_PAYLOAD_MAX + 1];

	rig_up(rig, NULL);
	memset(&out, 0, sizeof(out));
	ck_assert_int_eq(ask(rig->client, _i), 0);
	ck_assert_int_eq(rig_run(rig), 0);
	ck_assert(script_take(&rig->script, &h, payload));
	ck_assert_uint_eq(h.type, wanted[_i].type);
	ck_assert_uint_eq(h.tx_id, wanted[_i].tx);
	ck_assert_uint_eq(h.len, wanted[_i].len);
	if (h.len)
		ck_assert_mem_eq(payload, wanted[_i].payload, h.len);
	ck_assert_int_eq(out.calls, 0);
	script_reply(&rig->script, &h, "v\0w", 3);
	ck_assert_int_eq(rig_run(rig), 0);
	ck_assert_int_eq(out.calls, 1);
	ck_assert_int_eq(out.result, 0);
	ck_assert_uint_eq(out.len, 3);
	ck_assert_mem_eq(out.data, "v\0w", 4);

	/* And refused: every name that the wire has. */
	for (int error = 1; error <= 106; error++) {
		const char *name = wire_error_name(error);

		if (wire_error_number(name, strlen(name)) != error)
			continue;
		ck_assert_int_eq(ask(rig->client, _i), 0);
		ck_assert_int_eq(rig_run(rig), 0);
		ck_assert(script_take(&rig->script, &h, payload));
		out.calls = 0;
		script_error(&rig->script, &h, name);
		ck_assert_int_eq(rig_run(rig), 0);
		ck_assert_int_eq(out.calls, 1);
		ck_assert_int_eq(out.result, -error);
		ck_assert_uint_eq(out.len, 0);
	}
	rig_check_canaries(rig);
}
END_TEST

START_TEST(refused_arguments)
{
	static const struct px_perm bad[] = { { 0, 'x' }, { 0, 0 } };
	static const uint32_t types[] = {
		WIRE_WATCH, WIRE_UNWATCH, WIRE_RESET_WATCHES,
		WIRE_WATCH_EVENT, WIRE_ERROR, WIRE_OP_COUNT, UINT32_MAX,
	};
	static char big[WIRE_PAYLOAD_MAX];
	struct rig *rig = rig_new(NULL);
	struct px_client *c = rig->client;
	struct px_bytes parts[2] = { { big, sizeof(big) }, { big, SIZE_MAX } };

	ck_assert_int_eq(px_client_read(c, 0, "/", NULL, NULL), -ENOTCONN);
	rig_up(rig, NULL);
	ck_assert_int_eq(px_client_open(c, &rig->script.base), -EISCONN);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		ck_assert_int_eq(px_client_request(c, types[i], 0, NULL, 0,
						   NULL, NULL), -EINVAL);
	ck_assert_int_eq(px_client_set_perms(c, 0, "/", bad, 1, NULL, NULL),
			 -EINVAL);
	ck_assert_int_eq(px_client_set_perms(c, 0, "/", bad + 1, 1, NULL,
					     NULL), -EINVAL);
	ck_assert_int_eq(px_client_set_perms(c, 0, "/", bad, 0, NULL, NULL),
			 -EINVAL);
	ck_assert_int_eq(px_client_control(c, NULL, 0, NULL, NULL), -EINVAL);
	ck_assert_int_eq(px_client_write(c, 0, "/a", big, sizeof(big) - 2,
					 NULL, NULL), -E2BIG);
	ck_assert_int_eq(px_client_request(c, WIRE_WRITE, 0, parts, 2, NULL,
					   NULL), -E2BIG);
	ck_assert_uint_eq(px_client_pending(c), 0);
	ck_assert_int_eq(px_client_write(c, 0, "/a", big, sizeof(big) - 3,
					 NULL, NULL), 0);
}
END_TEST

START_TEST(init_limits)
{
	struct px_client_options o = { .window = 9, .requests = 8 };
	static _Alignas(16) char memory[64];
	struct px_client *c;

	ck_assert_uint_eq(px_client_size(&o), 0);
	ck_assert_int_eq(px_client_init(memory, 0, &o, &c), -EINVAL);
	o = (struct px_client_options){ .out_bytes = WIRE_MESSAGE_MAX - 1 };
	ck_assert_uint_eq(px_client_size(&o), 0);
	o = (struct px_client_options){ .watches = 65536 };
	ck_assert_uint_eq(px_client_size(&o), 0);
	ck_assert_int_eq(px_client_init(memory, sizeof(memory), NULL, &c),
			 -ENOBUFS);
}
END_TEST

/* At most `window` requests are with the daemon, whatever is queued. */
START_TEST(window_holds)
{
	struct px_client_options o = { .window = (unsigned int)_i + 1,
				       .requests = 24 };
	struct rig *rig = rig_new(&o);
	struct wire_header h;
	unsigned int with_daemon = 0, answered = 0, accepted = 0;
	int ret;

	rig_up(rig, NULL);
	memset(&out, 0, sizeof(out));
	while (!(ret = px_client_read(rig->client, 0, "/a", outcome_done,
				      &out)))
		accepted++;
	ck_assert_int_eq(ret, -EAGAIN);
	ck_assert_uint_eq(accepted, 24);
	while (answered < accepted) {
		struct wire_header next;
		unsigned int left = accepted - answered;

		ck_assert_int_eq(rig_run(rig), 0);
		while (script_take(&rig->script, &next, NULL)) {
			if (!with_daemon++)
				h = next;
		}
		ck_assert_uint_eq(with_daemon, left < o.window ? left
							       : o.window);
		script_reply(&rig->script, &h, "", 0);
		h.req_id++;
		with_daemon--;
		answered++;
		ck_assert_int_eq(rig_run(rig), 0);
		ck_assert_int_eq(out.calls, (int)answered);
	}
	ck_assert_uint_eq(px_client_pending(rig->client), 0);
	rig_check_canaries(rig);
}
END_TEST

/* Bytes run out before requests do; the queue wraps many times. */
START_TEST(byte_queue)
{
	struct px_client_options o = { .out_bytes = 5000, .window = 2 };
	struct rig *rig = rig_new(&o);
	static char value[3000], payload[WIRE_PAYLOAD_MAX + 1];
	struct wire_header h;

	for (size_t i = 0; i < sizeof(value); i++)
		value[i] = (char)(i * 7 + i / 256);
	rig_up(rig, NULL);
	rig->script.send_max = 333;
	for (int round = 0; round < 50; round++) {
		size_t len = sizeof(value) - (size_t)round;

		memset(&out, 0, sizeof(out));
		rig->script.out_len = rig->script.out_at = 0;
		ck_assert_int_eq(px_client_write(rig->client, 0, "/a", value,
						 len, outcome_done, &out), 0);
		ck_assert_int_eq(px_client_write(rig->client, 0, "/a", value,
						 len, NULL, NULL), -EAGAIN);
		ck_assert_int_eq(rig_run(rig), 0);
		ck_assert(script_take(&rig->script, &h, payload));
		ck_assert_uint_eq(h.len, len + 3);
		ck_assert_mem_eq(payload + 3, value, len);
		script_reply(&rig->script, &h, "OK", 3);
		ck_assert_int_eq(rig_run(rig), 0);
		ck_assert_int_eq(out.calls, 1);
	}
	rig_check_canaries(rig);
}
END_TEST

/* A session in pieces of every size gives the same results. */
START_TEST(fragments)
{
	struct rig *rig = rig_new(NULL);
	static struct outcome o[3];
	struct wire_header h;
	char payload[WIRE_PAYLOAD_MAX + 1];

	rig->script.recv_max = (size_t)_i + 1;
	rig->script.send_max = (size_t)(_i * 5 % 19) + 1;
	memset(o, 0, sizeof(o));
	rig_up(rig, "0123456789abcdef");
	ck_assert_int_eq(px_client_read(rig->client, 0, "/first",
					outcome_done, &o[0]), 0);
	ck_assert_int_eq(px_client_write(rig->client, 0, "/second", "abc", 3,
					 outcome_done, &o[1]), 0);
	ck_assert_int_eq(px_client_directory(rig->client, 0, "/third",
					     outcome_done, &o[2]), 0);
	ck_assert_int_eq(rig_run(rig), 0);
	ck_assert(script_take(&rig->script, &h, payload));
	ck_assert_str_eq(payload, "/first");
	script_reply(&rig->script, &h, "value", 5);
	ck_assert(script_take(&rig->script, &h, payload));
	ck_assert_str_eq(payload, "/second");
	script_error(&rig->script, &h, "EACCES");
	ck_assert(script_take(&rig->script, &h, payload));
	ck_assert_str_eq(payload, "/third");
	script_reply(&rig->script, &h, "a\0b\0", 4);
	ck_assert_int_eq(rig_run(rig), 0);
	ck_assert_int_eq(o[0].calls, 1);
	ck_assert_str_eq(o[0].data, "value");
	ck_assert_int_eq(o[1].calls, 1);
	ck_assert_int_eq(o[1].result, -EACCES);
	ck_assert_int_eq(o[2].calls, 1);
	ck_assert_uint_eq(o[2].len, 4);
	rig_check_canaries(rig);
}
END_TEST

/* What the allocator is asked for while `call` runs; check itself asks too. */
#define SPEND(call) do { \
	unsigned long before_ = wrapped_allocations; \
	call; \
	spent += wrapped_allocations - before_; \
} while (0)

static void forget(void *arg, int result, const char *data, size_t len)
{
}

START_TEST(allocates_nothing)
{
	struct rig *rig = rig_new(NULL);
	struct wire_header h;
	static struct px_client_list list;
	static char names[64];
	void *volatile proof = NULL;
	unsigned long spent = 0;

	SPEND(proof = malloc((size_t)_i + 1));
	ck_assert_uint_eq(spent, 1);
	free(proof);
	spent = 0;
	SPEND(px_client_init(rig->memory, rig->size, &rig->options,
			     &rig->client));
	rig_up(rig, NULL);
	for (int i = 0; i < 22; i++) {
		SPEND(ask(rig->client, i));
		SPEND(px_client_process(rig->client, 0));
		ck_assert(script_take(&rig->script, &h, NULL));
		script_reply(&rig->script, &h, "", 0);
		SPEND(px_client_process(rig->client, 0));
	}
	SPEND(px_client_list(rig->client, &list, 0, "/", names,
			     sizeof(names), forget, NULL));
	SPEND(px_client_process(rig->client, 0));
	SPEND(px_client_close(rig->client));
	ck_assert_uint_eq(spent, 0);
}
END_TEST

START_TEST(reply_parsers)
{
	struct px_perm p;
	uint64_t v = 9;
	size_t at = 0;

	ck_assert_int_eq(px_client_parse_number("12", 3, 12, &v), 0);
	ck_assert_uint_eq(v, 12);
	ck_assert_int_eq(px_client_parse_number("0", 1, 12, &v), 0);
	ck_assert_uint_eq(v, 0);
	v = 9;
	ck_assert_int_eq(px_client_parse_number("13", 2, 12, &v), -EINVAL);
	ck_assert_int_eq(px_client_parse_number("", 1, 12, &v), -EINVAL);
	ck_assert_int_eq(px_client_parse_number("", 0, 12, &v), -EINVAL);
	ck_assert_int_eq(px_client_parse_number("1\0", 3, 12, &v), -EINVAL);
	ck_assert_int_eq(px_client_parse_number("-1", 2, 12, &v), -EINVAL);
	ck_assert_uint_eq(v, 9);

	ck_assert_str_eq(px_client_next_string("a\0\0b", 4, &at), "a");
	ck_assert_str_eq(px_client_next_string("a\0\0b", 4, &at), "");
	ck_assert_ptr_null(px_client_next_string("a\0\0b", 4, &at));
	ck_assert_uint_eq(at, 3);

	ck_assert_int_eq(px_client_parse_perm("b65535", &p), 0);
	ck_assert_uint_eq(p.domid, 65535);
	ck_assert_int_eq(p.access, 'b');
	ck_assert_int_eq(px_client_parse_perm("b65536", &p), -EINVAL);
	ck_assert_int_eq(px_client_parse_perm("r", &p), -EINVAL);
	ck_assert_int_eq(px_client_parse_perm("", &p), -EINVAL);
	ck_assert_int_eq(px_client_parse_perm("x5", &p), -EINVAL);
}
END_TEST

Suite *client_request_suite(void)
{
	Suite *suite = suite_create("client: requests");
	TCase *tc = tcase_create("requests");

	tcase_add_loop_test(tc, every_request, 0,
			    sizeof(wanted) / sizeof(wanted[0]));
	tcase_add_test(tc, refused_arguments);
	tcase_add_test(tc, init_limits);
	tcase_add_loop_test(tc, window_holds, 0, 24);
	tcase_add_test(tc, byte_queue);
	tcase_add_loop_test(tc, fragments, 0, 80);
	tcase_add_test(tc, allocates_nothing);
	tcase_add_test(tc, reply_parsers);
	suite_add_tcase(suite, tc);
	return suite;
}
