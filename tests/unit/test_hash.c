// SPDX-License-Identifier: GPL-2.0-or-later
/* The intrusive hash table, also without memory; and counted access lists. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "xenstored/core/acl.h"
#include "xenstored/core/hash.h"
#include "xenstored/core/mem.h"

#define ITEMS 5000

struct item {
	struct hash_link link;
	unsigned int number;
	bool in;
};

static const struct hash_key key = { 1, 2 };
static struct item items[ITEMS];

static uint64_t hash_of(unsigned int number)
{
	/* A few share one hash: chains must tell them apart. */
	number /= 3;
	return hash_bytes(&key, 7, &number, sizeof(number));
}

static struct item *find(const struct hash_table *t, unsigned int number)
{
	uint64_t hash = hash_of(number);
	struct hash_link *l;

	for (l = hash_table_chain(t, hash); l; l = l->next) {
		struct item *item = hash_entry(l, struct item, link);

		if (l->hash == hash && item->number == number)
			return item;
	}
	return NULL;
}

static void table_check(const struct hash_table *t)
{
	size_t in = 0;

	for (unsigned int i = 0; i < ITEMS; i++) {
		ck_assert_ptr_eq(find(t, i), items[i].in ? &items[i] : NULL);
		in += items[i].in;
	}
	ck_assert_uint_eq(t->count, in);
}

/* _i: 0 with memory, 1 with every growth failing. */
START_TEST(adds_finds_removes)
{
	struct hash_table t;
	uint64_t random = 1;

	memset(items, 0, sizeof(items));
	hash_table_init(&t);
	for (unsigned int step = 0; step < 40000; step++) {
		struct item *item;

		random = random * 6364136223846793005u + 1;
		item = &items[(random >> 33) % (_i ? 200 : ITEMS)];
		item->number = (unsigned int)(item - items);
		if (item->in) {
			hash_table_remove(&t, &item->link);
		} else {
			if (_i)
				mem_fail_after(0);
			hash_table_add(&t, &item->link, hash_of(item->number));
			mem_fail_after(-1);
		}
		item->in = !item->in;
		if (step % 8000 == 0)
			table_check(&t);
	}
	table_check(&t);
	/* It grew with memory and did not without. */
	ck_assert_int_eq(t.mask == 0, _i);
	for (unsigned int i = 0; i < ITEMS; i++)
		if (items[i].in)
			hash_table_remove(&t, &items[i].link);
	ck_assert_uint_eq(t.count, 0);
	hash_table_fini(&t);
}
END_TEST

START_TEST(key_number_and_bytes_matter)
{
	struct hash_key other = { 1, 3 };
	uint64_t h = hash_bytes(&key, 7, "name", 4);

	ck_assert_uint_eq(h, hash_bytes(&key, 7, "name", 4));
	ck_assert_uint_ne(h, hash_bytes(&other, 7, "name", 4));
	ck_assert_uint_ne(h, hash_bytes(&key, 8, "name", 4));
	ck_assert_uint_ne(h, hash_bytes(&key, 7, "nam", 3));
	ck_assert_uint_ne(h, hash_bytes(&key, 7, "name\0", 5));
	ck_assert_uint_ne(hash_bytes(&key, 7, "12345678", 8),
			  hash_bytes(&key, 7, "12345679", 8));
}
END_TEST

START_TEST(access_lists_are_counted_and_compared)
{
	struct perm entry[] = { { .domid = 5 }, { .domid = 6 } };
	struct acl *a = acl_new(entry, 2, 10), *b = acl_new(entry, 2, 11), *c;

	entry[1].domid = 7;
	c = acl_new(entry, 2, 10);
	ck_assert_uint_eq(acl_owner(a), 5);
	/* A copy was made: changing `entry` changed nothing. */
	ck_assert_uint_eq(a->entry[1].domid, 6);
	ck_assert(acl_same(a, b));
	ck_assert(!acl_same(a, c));
	ck_assert_ptr_eq(acl_ref(a), a);
	acl_unref(a);
	ck_assert_uint_eq(a->refs, 1);
	acl_unref(a);
	acl_unref(b);
	acl_unref(c);
	mem_fail_after(0);
	ck_assert_ptr_null(acl_new(entry, 1, 1));
	mem_fail_after(-1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("hash");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 30);
	tcase_add_loop_test(t, adds_finds_removes, 0, 2);
	tcase_add_test(t, key_number_and_bytes_matter);
	tcase_add_test(t, access_lists_are_counted_and_compared);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
