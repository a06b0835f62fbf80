/* SPDX-License-Identifier: GPL-2.0-or-later */
/* protocol/'s tables against the public header and against <errno.h>. */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xen/io/xs_wire.h>

#include "protocol/wire.h"
#include "tests/unit/protocol.h"

enum { ROUNDS = 20000 };

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static uint64_t state = 42;

static unsigned int below(unsigned int n)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned int)((state >> 33) % n);
}

/* ------------------------------------------------------------------ wire -- */

START_TEST(header_round_trip)
{
	char bytes[WIRE_HEADER_SIZE + 1];

	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct wire_header a = { below(0x7fffffff), below(0x7fffffff),
					 ~below(0x7fffffff), below(5000) };
		struct wire_header b;

		/* At an odd address too. */
		wire_header_put(bytes + (i & 1), &a);
		b = wire_header_get(bytes + (i & 1));
		ck_assert_mem_eq(&a, &b, sizeof(a));
	}
}
END_TEST

START_TEST(header_is_little_endian)
{
	static const unsigned char bytes[WIRE_HEADER_SIZE] = {
		1, 2, 3, 4, 5, 6, 7, 0x88, 9, 10, 11, 12, 0xff, 0, 0, 0x40
	};
	struct wire_header h = wire_header_get(bytes);

	ck_assert_uint_eq(h.type, 0x04030201);
	ck_assert_uint_eq(h.req_id, 0x88070605);
	ck_assert_uint_eq(h.tx_id, 0x0c0b0a09);
	ck_assert_uint_eq(h.len, 0x400000ff);
}
END_TEST

START_TEST(sizes_are_the_public_ones)
{
	ck_assert_uint_eq(WIRE_HEADER_SIZE, sizeof(struct xsd_sockmsg));
	ck_assert_uint_eq(WIRE_PAYLOAD_MAX, XENSTORE_PAYLOAD_MAX);
	ck_assert_uint_eq(WIRE_ABS_PATH_MAX, XENSTORE_ABS_PATH_MAX);
	ck_assert_uint_eq(WIRE_REL_PATH_MAX, XENSTORE_REL_PATH_MAX);
}
END_TEST

static const struct {
	unsigned int ours, theirs;
	const char *name;
} ops[] = {
	{ WIRE_CONTROL, XS_CONTROL, "CONTROL" },
	{ WIRE_DIRECTORY, XS_DIRECTORY, "DIRECTORY" },
	{ WIRE_READ, XS_READ, "READ" },
	{ WIRE_GET_PERMS, XS_GET_PERMS, "GET_PERMS" },
	{ WIRE_WATCH, XS_WATCH, "WATCH" },
	{ WIRE_UNWATCH, XS_UNWATCH, "UNWATCH" },
	{ WIRE_TRANSACTION_START, XS_TRANSACTION_START, "TRANSACTION_START" },
	{ WIRE_TRANSACTION_END, XS_TRANSACTION_END, "TRANSACTION_END" },
	{ WIRE_INTRODUCE, XS_INTRODUCE, "INTRODUCE" },
	{ WIRE_RELEASE, XS_RELEASE, "RELEASE" },
	{ WIRE_GET_DOMAIN_PATH, XS_GET_DOMAIN_PATH, "GET_DOMAIN_PATH" },
	{ WIRE_WRITE, XS_WRITE, "WRITE" },
	{ WIRE_MKDIR, XS_MKDIR, "MKDIR" },
	{ WIRE_RM, XS_RM, "RM" },
	{ WIRE_SET_PERMS, XS_SET_PERMS, "SET_PERMS" },
	{ WIRE_WATCH_EVENT, XS_WATCH_EVENT, "WATCH_EVENT" },
	{ WIRE_ERROR, XS_ERROR, "ERROR" },
	{ WIRE_IS_DOMAIN_INTRODUCED, XS_IS_DOMAIN_INTRODUCED,
	  "IS_DOMAIN_INTRODUCED" },
	{ WIRE_RESUME, XS_RESUME, "RESUME" },
	{ WIRE_SET_TARGET, XS_SET_TARGET, "SET_TARGET" },
	{ WIRE_RESET_WATCHES, XS_RESET_WATCHES, "RESET_WATCHES" },
	{ WIRE_DIRECTORY_PART, XS_DIRECTORY_PART, "DIRECTORY_PART" },
};

START_TEST(ops_are_the_public_ones)
{
	for (size_t i = 0; i < COUNT(ops); i++) {
		ck_assert_uint_eq(ops[i].ours, ops[i].theirs);
		ck_assert_str_eq(wire_op_name(ops[i].ours), ops[i].name);
	}
	/* The public header of this age ends before the next four. */
	ck_assert_uint_eq(XS_TYPE_COUNT, WIRE_GET_FEATURE);
	ck_assert_str_eq(wire_op_name(23), "GET_FEATURE");
	ck_assert_str_eq(wire_op_name(24), "SET_FEATURE");
	ck_assert_str_eq(wire_op_name(25), "GET_QUOTA");
	ck_assert_str_eq(wire_op_name(26), "SET_QUOTA");
	ck_assert_str_eq(wire_op_name(20), "?");
	ck_assert_str_eq(wire_op_name(27), "?");
	ck_assert_str_eq(wire_op_name(XS_INVALID), "?");
	ck_assert_str_eq(wire_op_name(UINT32_MAX), "?");
}
END_TEST

START_TEST(errors_are_the_public_ones)
{
	size_t n = COUNT(xsd_errors);

	ck_assert_uint_eq(n, 16);
	for (size_t i = 0; i < n; i++) {
		const char *name = xsd_errors[i].errstring;

		ck_assert_str_eq(wire_error_name(xsd_errors[i].errnum), name);
		ck_assert_int_eq(wire_error_number(name, strlen(name)),
				 xsd_errors[i].errnum);
	}
}
END_TEST

START_TEST(other_errors_become_einval)
{
	unsigned int named = 0;

	for (int e = -5; e < 5000; e++) {
		const char *name = wire_error_name(e);

		if (wire_error_number(name, strlen(name)) == e)
			named++;
		else
			ck_assert_str_eq(name, "EINVAL");
	}
	ck_assert_uint_eq(named, 16);
}
END_TEST

START_TEST(error_names_match_whole)
{
	static const char *const none[] = { "", "E", "EINVA", "EINVALX",
					    "einval", "EQUOTA", "EINVAL " };

	for (size_t i = 0; i < COUNT(none); i++)
		ck_assert_int_eq(wire_error_number(none[i], strlen(none[i])),
				 0);
	ck_assert_int_eq(wire_error_number("EINVAL\0", 7), 0);
}
END_TEST

static Suite *protocol_suite(void)
{
	Suite *s = suite_create("protocol");
	TCase *t = tcase_create("wire");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, header_round_trip);
	tcase_add_test(t, header_is_little_endian);
	tcase_add_test(t, sizes_are_the_public_ones);
	tcase_add_test(t, ops_are_the_public_ones);
	tcase_add_test(t, errors_are_the_public_ones);
	tcase_add_test(t, other_errors_become_einval);
	tcase_add_test(t, error_names_match_whole);
	suite_add_tcase(s, t);
	suite_add_tcase(s, protocol_text_case());
	return s;
}

int main(void)
{
	SRunner *r = srunner_create(protocol_suite());
	int failed;

	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
