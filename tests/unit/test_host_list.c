// SPDX-License-Identifier: GPL-2.0-or-later
/* The lists of turns and the tables of ids. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <talloc.h>

#include "xenstored/host/list.h"
#include "xenstored/host/table.h"

struct item {
	int number;
	struct list link;
};

static int pop(struct list *head)
{
	struct list *l = list_pop(head);

	return l ? list_of(l, struct item, link)->number : -1;
}

START_TEST(turns_in_order_and_only_one)
{
	struct item a = { 1 }, b = { 2 }, c = { 3 };
	struct list head;

	list_init(&head);
	list_init(&a.link);
	list_init(&b.link);
	list_init(&c.link);
	list_queue(&head, &a.link);
	list_queue(&head, &b.link);
	list_queue(&head, &a.link);
	list_queue(&head, &c.link);
	list_del(&b.link);
	list_del(&b.link);
	ck_assert_int_eq(pop(&head), 1);
	ck_assert_int_eq(pop(&head), 3);
	ck_assert_int_eq(pop(&head), -1);
	ck_assert(list_empty(&head));
}
END_TEST

/* Who is queued while a stage empties its list waits for the next stage. */
START_TEST(taken_list_is_apart)
{
	struct item a = { 1 }, b = { 2 };
	struct list head, turns;

	list_init(&head);
	list_init(&a.link);
	list_init(&b.link);
	list_take(&turns, &head);
	ck_assert_int_eq(pop(&turns), -1);
	list_queue(&head, &a.link);
	list_queue(&head, &b.link);
	list_take(&turns, &head);
	ck_assert(list_empty(&head));
	ck_assert_int_eq(pop(&turns), 1);
	list_queue(&head, &a.link);
	ck_assert_int_eq(pop(&turns), 2);
	ck_assert_int_eq(pop(&turns), -1);
	ck_assert_int_eq(pop(&head), 1);
}
END_TEST

START_TEST(table_grows_and_is_bounded)
{
	struct table t;
	int x, y;

	table_init(&t, NULL);
	ck_assert_ptr_null(table_get(&t, 0));
	ck_assert_int_eq(table_set(&t, 5000, NULL), 0);
	ck_assert_uint_eq(t.size, 0);
	ck_assert_int_eq(table_set(&t, 5000, &x), 0);
	ck_assert_int_eq(table_set(&t, 0, &y), 0);
	ck_assert_ptr_eq(table_get(&t, 5000), &x);
	ck_assert_ptr_eq(table_get(&t, 0), &y);
	ck_assert_ptr_null(table_get(&t, 4999));
	ck_assert_ptr_null(table_get(&t, UINT32_MAX));
	ck_assert_int_eq(table_set(&t, TABLE_MAX - 1, &x), 0);
	ck_assert_int_eq(table_set(&t, TABLE_MAX, &x), -ERANGE);
	ck_assert_int_eq(table_set(&t, 5000, NULL), 0);
	ck_assert_ptr_null(table_get(&t, 5000));
	talloc_free(t.at);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("host/list");
	TCase *tc = tcase_create("list");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, turns_in_order_and_only_one);
	tcase_add_test(tc, taken_list_is_apart);
	tcase_add_test(tc, table_grows_and_is_bounded);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
