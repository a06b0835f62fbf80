/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The modules that xs-probe's subcommands share. */
#include "tools/xs-probe/histogram.h"
#include "tools/xs-probe/ls.h"
#include "tools/xs-probe/record.h"
#include "tools/xs-probe/ring_words.h"
#include "tools/xs-probe/table.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct record record;
static char line[4096];

static int parse(const char *text)
{
	snprintf(line, sizeof(line), "%s", text);
	return record_parse(line, &record);
}

START_TEST(records)
{
	uint64_t n;

	ck_assert_int_eq(parse("domid=5 path=/a%20b%25 empty= x=%00y"), 0);
	ck_assert_uint_eq(record.count, 4);
	ck_assert_str_eq(record_text(&record, "path"), "/a b%");
	ck_assert_str_eq(record_text(&record, "empty"), "");
	ck_assert_ptr_null(record_text(&record, "domi"));
	ck_assert_uint_eq(record.field[3].len, 2);
	ck_assert_mem_eq(record.field[3].value, "\0y", 3);
	ck_assert(record_number(&record, "domid", &n));
	ck_assert_uint_eq(n, 5);
	ck_assert(!record_number(&record, "path", &n));
	ck_assert(!record_number(&record, "empty", &n));
	ck_assert(!record_number(&record, "none", &n));
	ck_assert_int_eq(parse("n=18446744073709551615 m=18446744073709551616"),
			 0);
	ck_assert(record_number(&record, "n", &n));
	ck_assert(n == UINT64_MAX);
	ck_assert(!record_number(&record, "m", &n));
	ck_assert_uint_eq(n, 0);
	/* A value may hold '='. */
	ck_assert_int_eq(parse("a=b=c"), 0);
	ck_assert_str_eq(record_text(&record, "a"), "b=c");
}
END_TEST

static const char *const bad_records[] = {
	"", "a", "=b", "a b=c", "a=b ", " a=b", "a=b  c=d", "a=%", "a=%4",
	"a=%zz", "a=%4g", "a=\t", "a=\x7f", "a=\xc3\xa4",
};

START_TEST(bad_record)
{
	ck_assert_int_eq(parse(bad_records[_i]), -EBADMSG);
}
END_TEST

START_TEST(many_fields)
{
	size_t n = 0;
	char text[1024];

	for (int i = 0; i < RECORD_FIELDS_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%sk=1",
				      i ? " " : "");
	ck_assert_int_eq(parse(text), 0);
	snprintf(text + n, sizeof(text) - n, " k=1");
	ck_assert_int_eq(parse(text), -E2BIG);
}
END_TEST

START_TEST(record_to_json)
{
	char *text;
	json_t *json;

	ck_assert_int_eq(parse("domid=5 path=12 x=-1 y=- bin=%ff%0a "
			       "u=%c3%a4"), 0);
	json = record_json(&record);
	text = json_dumps(json, JSON_COMPACT);
	ck_assert_str_eq(text, "{\"domid\":5,\"path\":\"12\",\"x\":-1,"
			 "\"y\":\"-\","
			 "\"bin\":{\"hex\":\"ff0a\"},\"u\":\"\xc3\xa4\"}");
	free(text);
	json_decref(json);
}
END_TEST

/* What is printed to a stream, in `line`. */
static FILE *capture(void)
{
	FILE *f = fmemopen(line, sizeof(line), "w");

	memset(line, 0, sizeof(line));
	ck_assert_ptr_nonnull(f);
	return f;
}

static const struct table_column columns[] = {
	{ "NO", true }, { "NAME", false }, { "LAST", false },
};

START_TEST(tables)
{
	struct table t;
	FILE *f = capture();

	table_init(&t, columns, 3);
	table_add(&t, TABLE_PLAIN, "%d", 5);
	table_add(&t, TABLE_WARN, "a");
	table_add(&t, TABLE_PLAIN, "x\ny\033");
	table_add(&t, TABLE_BAD, "%d", 12345);
	table_add(&t, TABLE_PLAIN, "longer");
	table_add(&t, TABLE_PLAIN, "%s", "");
	table_add(&t, TABLE_PLAIN, "cut off");
	ck_assert_int_eq(table_print(&t, f, false), 0);
	fclose(f);
	ck_assert_str_eq(line,
			 "   NO  NAME    LAST\n"
			 "    5  a       x?y?\n"
			 "12345  longer  \n");
	f = capture();
	ck_assert_int_eq(table_print(&t, f, true), 0);
	fclose(f);
	ck_assert_ptr_nonnull(strstr(line, "\033[33ma\033[0m       x?y?\n"));
	ck_assert_ptr_nonnull(strstr(line, "\n\033[31m12345\033[0m  longer"));
	table_free(&t);

	f = capture();
	table_init(&t, columns, 3);
	ck_assert_int_eq(table_print(&t, f, false), 0);
	fclose(f);
	ck_assert_str_eq(line, "NO  NAME  LAST\n");
	ck_assert_str_eq(table_colour(TABLE_BAD, false), "");
	ck_assert_str_ne(table_colour(TABLE_BAD, true), "");
}
END_TEST

START_TEST(escapes)
{
	FILE *f = capture();

	ls_print_escaped(f, "a \"\\\t\n\r\0\x7f\xff~", 11);
	fclose(f);
	ck_assert_str_eq(line, "a \\\"\\\\\\t\\n\\r\\000\\177\\377~");
}
END_TEST

#define PAGE "domid=5 port=3 req_prod=%s req_cons=%s rsp_prod=%s " \
	"rsp_cons=%s features=%s connection=%s error=%s evtchn_port=0"

static const struct {
	const char *field[7];
	bool broken;
	const char *findings[2];	/* how they begin; NULL: no more */
} rings[] = {
	{ { "0", "0", "0", "0", "15", "0", "0" }, false, { NULL } },
	/* Across the wrap of the indices. */
	{ { "100", "4294966372", "5", "4294966280", "15", "0", "0" },
	  false, { NULL } },
	{ { "1024", "0", "0", "0", "15", "0", "0" }, false, { NULL } },
	{ { "1025", "0", "0", "0", "15", "0", "0" }, true,
	  { "the request indices are 1025 apart" } },
	{ { "0", "1", "0", "0", "15", "0", "0" }, true,
	  { "the request indices are 4294967295 apart" } },
	{ { "0", "0", "0", "1", "15", "0", "0" }, true,
	  { "the reply indices are 4294967295 apart" } },
	{ { "0", "0", "1024", "0", "15", "0", "0" }, false,
	  { "the reply ring is full (1024 bytes)" } },
	{ { "0", "0", "0", "0", "15", "1", "0" }, false,
	  { "connection is 1: the guest asked" } },
	{ { "0", "0", "0", "0", "14", "1", "0" }, false,
	  { "connection is 1 but the daemon offers no reset" } },
	{ { "0", "0", "0", "0", "15", "1", "3" }, true,
	  { "error 3: ", "connection is 1" } },
};

START_TEST(ring_findings)
{
	const char *const *v = rings[_i].field;
	struct ring_fields f;
	char text[512], wrong[256];
	unsigned int n = 0;

	snprintf(text, sizeof(text), PAGE, v[0], v[1], v[2], v[3], v[4], v[5],
		 v[6]);
	ck_assert_int_eq(parse(text), 0);
	ck_assert(ring_fields_get(&record, &f));
	ck_assert_int_eq(ring_broken(&f), rings[_i].broken);
	for (; ring_finding(&f, n, wrong, sizeof(wrong)); n++) {
		ck_assert_uint_lt(n, 2);
		ck_assert_ptr_nonnull(rings[_i].findings[n]);
		ck_assert_mem_eq(wrong, rings[_i].findings[n],
				 strlen(rings[_i].findings[n]));
	}
	ck_assert(n == 2 || !rings[_i].findings[n]);
}
END_TEST

START_TEST(ring_records)
{
	struct ring_fields f;

	ck_assert_int_eq(parse("domid=5 port=3 req_prod=1"), 0);
	ck_assert(!ring_fields_get(&record, &f));
	snprintf(line, sizeof(line), PAGE, "4294967296", "0", "0", "0", "0",
		 "0", "0");
	ck_assert_int_eq(record_parse(line, &record), 0);
	ck_assert(!ring_fields_get(&record, &f));
	ck_assert_ptr_null(ring_error_words(0));
	ck_assert_str_ne(ring_error_words(1), ring_error_words(2));
	ck_assert_ptr_nonnull(ring_error_words(UINT32_MAX));
}
END_TEST

START_TEST(histograms)
{
	struct histogram h, before, since;

	ck_assert_int_eq(parse("t=0:1,4:2,12:1,95:1 t_sum_us=99 t_max_us=31"),
			 0);
	ck_assert(histogram_read(&before, &record, "t"));
	ck_assert_uint_eq(before.count, 5);
	ck_assert_uint_eq(before.sum, 99);
	ck_assert_uint_eq(before.max, 31);
	/* 12 is [16, 20): an edge at 16 and none at 17. */
	ck_assert_uint_eq(histogram_below(&before, 1), 1);
	ck_assert_uint_eq(histogram_below(&before, 4), 1);
	ck_assert_uint_eq(histogram_below(&before, 16), 3);
	ck_assert_uint_eq(histogram_below(&before, 32), 4);
	ck_assert_int_eq(parse("t=0:1,4:2,12:5,95:1 t_sum_us=171"), 0);
	ck_assert(histogram_read(&h, &record, "t"));
	histogram_since(&since, &before, &h);
	ck_assert_uint_eq(since.count, 4);
	ck_assert_uint_eq(since.sum, 72);
	ck_assert(histogram_quantile(&since, 500) == 18);
	ck_assert(histogram_quantile(&since, 1000) == 20);
	/* It began anew: all there is came since. */
	histogram_since(&since, &h, &before);
	ck_assert_uint_eq(since.count, 5);
	histogram_add(&since, &h);
	ck_assert_uint_eq(since.count, 14);
	ck_assert_int_eq(parse("t= u=5"), 0);
	ck_assert(histogram_read(&h, &record, "t"));
	ck_assert(histogram_quantile(&h, 500) == 0);
	ck_assert(!histogram_read(&h, &record, "none"));
}
END_TEST

/* The edges are where the daemon's are: four to an octave. */
START_TEST(histogram_edges)
{
	for (unsigned int i = 0; i + 1 < HISTOGRAM_BUCKETS; i++) {
		uint64_t from = histogram_floor(i), to = histogram_floor(i + 1);

		ck_assert_uint_lt(from, to);
		if (i >= 4)
			ck_assert_uint_le((to - from) * 4, from);
	}
	ck_assert_uint_eq(histogram_floor(0), 0);
	ck_assert_uint_eq(histogram_floor(40), 2048);
}
END_TEST

static const char *const bad_histograms[] = {
	"t=0", "t=0:", "t=:1", "t=0:1,", "t=,0:1", "t=96:1", "t=0:x",
	"t=0:1,,1:1", "t=-1:1",
};

START_TEST(bad_histogram)
{
	struct histogram h;

	ck_assert_int_eq(parse(bad_histograms[_i]), 0);
	ck_assert(!histogram_read(&h, &record, "t"));
	ck_assert_uint_eq(h.count, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("xs-probe: shared modules");
	TCase *tc = tcase_create("modules");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, records);
	tcase_add_loop_test(tc, bad_record, 0,
			    sizeof(bad_records) / sizeof(bad_records[0]));
	tcase_add_test(tc, many_fields);
	tcase_add_test(tc, record_to_json);
	tcase_add_test(tc, tables);
	tcase_add_test(tc, escapes);
	tcase_add_loop_test(tc, ring_findings, 0,
			    sizeof(rings) / sizeof(rings[0]));
	tcase_add_test(tc, ring_records);
	tcase_add_test(tc, histograms);
	tcase_add_test(tc, histogram_edges);
	tcase_add_loop_test(tc, bad_histogram, 0, sizeof(bad_histograms) /
			    sizeof(bad_histograms[0]));
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
