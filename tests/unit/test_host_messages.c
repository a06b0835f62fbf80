// SPDX-License-Identifier: GPL-2.0-or-later
/* Every id of the log is explained in docs/messages.md, and only once. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xenstored/host/log.h"

static char text[65536];

static void load(void)
{
	FILE *f = fopen(TEST_SRCDIR "/docs/messages.md", "r");
	size_t n;

	ck_assert_ptr_nonnull(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	ck_assert_uint_gt(n, 0);
	text[n] = '\0';
}

START_TEST(every_id_is_explained_once)
{
	load();
	for (int id = 0; id < LOG_COUNT; id++) {
		const char *name = log_id_text((enum log_id)id);
		char row[32];
		char *at;

		ck_assert_ptr_nonnull(name);
		snprintf(row, sizeof(row), "\n| %s |", name);
		at = strstr(text, row);
		ck_assert_msg(at, "%s is not in docs/messages.md", name);
		ck_assert_ptr_null(strstr(at + 1, row));
		for (int other = 0; other < id; other++)
			ck_assert_str_ne(name,
					 log_id_text((enum log_id)other));
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("host/messages");
	TCase *tc = tcase_create("ids");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, every_id_is_explained_once);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
