/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Directories: whole, in parts, and parts that do not fit together. */
#include "tests/unit/client_script.h"

#include <check.h>
#include <errno.h>
#include <string.h>

#define PART(s) s, sizeof(s) - 1

static struct outcome out;
static struct px_client_list list;
static char names[4096];

static struct rig *rig_listing(size_t size)
{
	struct rig *rig = rig_new(NULL);

	memset(&out, 0, sizeof(out));
	rig_up(rig, NULL);
	ck_assert_int_eq(px_client_list(rig->client, &list, 3, "/d", names,
					size, outcome_done, &out), 0);
	return rig;
}

/* The next request; its offset, or "whole" for a DIRECTORY. */
static void expect(struct rig *rig, struct wire_header *h, const char *offset)
{
	char payload[WIRE_PAYLOAD_MAX + 1];

	ck_assert_int_eq(rig_run(rig), 0);
	ck_assert(script_take(&rig->script, h, payload));
	ck_assert_uint_eq(h->tx_id, 3);
	ck_assert_str_eq(payload, "/d");
	if (!strcmp(offset, "whole")) {
		ck_assert_uint_eq(h->type, WIRE_DIRECTORY);
		return;
	}
	ck_assert_uint_eq(h->type, WIRE_DIRECTORY_PART);
	ck_assert_str_eq(payload + 3, offset);
	ck_assert_uint_eq(h->len, 3 + strlen(offset) + 1);
}

static void ended(struct rig *rig, int result, const char *data, size_t len)
{
	ck_assert_int_eq(rig_run(rig), 0);
	ck_assert_int_eq(out.calls, 1);
	ck_assert_int_eq(out.result, result);
	ck_assert_uint_eq(out.len, len);
	if (len)
		ck_assert_mem_eq(out.data, data, len);
	rig_check_canaries(rig);
}

START_TEST(whole)
{
	struct rig *rig = rig_listing(sizeof(names));
	struct wire_header h;

	expect(rig, &h, "whole");
	script_reply(&rig->script, &h, PART("a\0bc\0"));
	ended(rig, 0, PART("a\0bc\0"));
	ck_assert_mem_eq(names, "a\0bc\0", 5);
}
END_TEST

START_TEST(errors_pass)
{
	struct rig *rig = rig_listing(sizeof(names));
	struct wire_header h;

	expect(rig, &h, "whole");
	if (_i) {
		script_error(&rig->script, &h, "E2BIG");
		expect(rig, &h, "0");
	}
	script_error(&rig->script, &h, "ENOENT");
	ended(rig, -ENOENT, NULL, 0);
}
END_TEST

static struct rig *rig_in_parts(struct wire_header *h, size_t size)
{
	struct rig *rig = rig_listing(size);

	expect(rig, h, "whole");
	script_error(&rig->script, h, "E2BIG");
	expect(rig, h, "0");
	return rig;
}

START_TEST(parts)
{
	struct wire_header h;
	struct rig *rig = rig_in_parts(&h, sizeof(names));

	script_reply(&rig->script, &h, PART("17\0a\0bc\0"));
	expect(rig, &h, "5");
	script_reply(&rig->script, &h, PART("17\0d\0"));
	expect(rig, &h, "7");
	/* The last one brings a name, or nothing more. */
	if (_i) {
		script_reply(&rig->script, &h, PART("17\0e\0\0"));
		ended(rig, 0, PART("a\0bc\0d\0e\0"));
	} else {
		script_reply(&rig->script, &h, PART("17\0\0"));
		ended(rig, 0, PART("a\0bc\0d\0"));
	}
}
END_TEST

START_TEST(empty_meanwhile)
{
	struct wire_header h;
	struct rig *rig = rig_in_parts(&h, sizeof(names));

	script_reply(&rig->script, &h, PART("17\0\0"));
	ended(rig, 0, NULL, 0);
}
END_TEST

START_TEST(changed_meanwhile)
{
	struct wire_header h;
	struct rig *rig = rig_in_parts(&h, sizeof(names));

	script_reply(&rig->script, &h, PART("17\0a\0"));
	expect(rig, &h, "2");
	script_reply(&rig->script, &h, PART("18\0x\0\0"));
	expect(rig, &h, "0");
	script_reply(&rig->script, &h, PART("18\0y\0"));
	expect(rig, &h, "2");
	script_reply(&rig->script, &h, PART("18\0z\0\0"));
	ended(rig, 0, PART("y\0z\0"));
}
END_TEST

START_TEST(changes_forever)
{
	struct wire_header h;
	struct rig *rig = rig_in_parts(&h, sizeof(names));

	for (int i = 0; i < 16; i++) {
		script_reply(&rig->script, &h, PART("1\0a\0"));
		expect(rig, &h, "2");
		script_reply(&rig->script, &h, PART("2\0a\0"));
		expect(rig, &h, "0");
	}
	script_reply(&rig->script, &h, PART("1\0a\0"));
	expect(rig, &h, "2");
	script_reply(&rig->script, &h, PART("2\0a\0"));
	ended(rig, -EAGAIN, NULL, 0);
}
END_TEST

static const struct {
	const char *bytes;
	size_t len;
} nonsense[] = {
	{ PART("") }, { PART("17") }, { PART("17\0") }, { PART("\0a\0\0") },
	{ PART("x\0a\0\0") }, { PART("17\0a") },
	{ PART("123456789012345678901234\0a\0\0") },
};

START_TEST(senseless_parts)
{
	struct wire_header h;
	struct rig *rig = rig_in_parts(&h, sizeof(names));

	script_reply(&rig->script, &h, nonsense[_i].bytes, nonsense[_i].len);
	ended(rig, -EBADMSG, NULL, 0);
}
END_TEST

START_TEST(senseless_whole)
{
	struct rig *rig = rig_listing(sizeof(names));
	struct wire_header h;

	expect(rig, &h, "whole");
	script_reply(&rig->script, &h, PART("a\0b"));
	ended(rig, -EBADMSG, NULL, 0);
}
END_TEST

START_TEST(no_room)
{
	struct wire_header h;
	struct rig *rig = rig_in_parts(&h, 3);

	memset(names, '#', sizeof(names));
	script_reply(&rig->script, &h, PART("17\0a\0"));
	expect(rig, &h, "2");
	script_reply(&rig->script, &h, PART("17\0bc\0\0"));
	ended(rig, -ENOBUFS, NULL, 0);
	ck_assert_mem_eq(names, "a\0##", 4);
}
END_TEST

START_TEST(hang_up_between)
{
	struct wire_header h;
	struct rig *rig = rig_in_parts(&h, sizeof(names));

	if (_i)
		script_reply(&rig->script, &h, PART("17\0a\0"));
	rig->script.hung_up = true;
	ck_assert_int_eq(rig_run(rig), -ECONNRESET);
	ck_assert_int_eq(out.calls, 1);
	ck_assert_int_eq(out.result, -ECONNRESET);
}
END_TEST

Suite *client_list_suite(void)
{
	Suite *suite = suite_create("client: directories");
	TCase *tc = tcase_create("lists");

	tcase_add_test(tc, whole);
	tcase_add_loop_test(tc, errors_pass, 0, 2);
	tcase_add_loop_test(tc, parts, 0, 2);
	tcase_add_test(tc, empty_meanwhile);
	tcase_add_test(tc, changed_meanwhile);
	tcase_add_test(tc, changes_forever);
	tcase_add_loop_test(tc, senseless_parts, 0,
			    sizeof(nonsense) / sizeof(nonsense[0]));
	tcase_add_test(tc, senseless_whole);
	tcase_add_test(tc, no_room);
	tcase_add_loop_test(tc, hang_up_between, 0, 2);
	suite_add_tcase(suite, tc);
	return suite;
}
