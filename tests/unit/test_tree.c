// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The immutable tree against a naive map: what is in it, in which order, and
 * above all that nothing done to the present changes a snapshot, also when
 * memory gives out at any point.
 */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/path.h"
#include "xenstored/core/acl.h"
#include "xenstored/core/mem.h"
#include "xenstored/core/tree.h"

#define NAMES 300
#define SNAPSHOTS 6

static const struct hash_key key = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
static struct acl *acl;

/* The naive map: children in order of creation. */
struct naive {
	unsigned int count;
	struct {
		unsigned int name, value;
	} child[NAMES];
};

struct version {
	struct dir *d;
	struct naive naive;
};

static uint64_t random_state;

static unsigned int below(unsigned int n)
{
	random_state = random_state * 6364136223846793005u +
		       1442695040888963407u;
	return (unsigned int)(random_state >> 33) % n;
}

static struct span text(char *room, size_t size, const char *fmt,
			unsigned int n)
{
	struct span s = { room, 0 };

	s.len = (size_t)snprintf(room, size, "%s%u", fmt, n);
	return s;
}

static struct node *make(unsigned int name, unsigned int value, uint64_t seq)
{
	char a[16], b[16];

	return node_new(text(a, sizeof(a), "n", name),
			text(b, sizeof(b), "v", value), acl, seq);
}

static bool is(struct span s, const char *prefix, unsigned int n)
{
	char room[16];
	struct span t = text(room, sizeof(room), prefix, n);

	return s.len == t.len && !memcmp(s.at, t.at, t.len);
}

static int naive_index(const struct naive *m, unsigned int name)
{
	for (unsigned int i = 0; i < m->count; i++)
		if (m->child[i].name == name)
			return (int)i;
	return -1;
}

/* The two say the same, however one asks. */
static void version_check(const struct version *v)
{
	struct node **list;
	struct dir_iter it;
	unsigned int seen = 0;
	char room[16];

	ck_assert_uint_eq(dir_count(v->d), v->naive.count);
	for (unsigned int i = 0; i < NAMES; i++) {
		struct node *n = dir_find(&key, v->d, text(room, sizeof(room),
							   "n", i));
		int at = naive_index(&v->naive, i);

		ck_assert_int_eq(n != NULL, at >= 0);
		ck_assert(!n || is(node_value(n), "v",
				   v->naive.child[at].value));
	}
	list = dir_list(v->d);
	ck_assert_int_eq(list != NULL, v->naive.count != 0);
	for (unsigned int i = 0; i < v->naive.count; i++)
		ck_assert(is(node_name(list[i]), "n", v->naive.child[i].name));
	mem_drop(list);
	dir_iter_start(&it, v->d);
	while (dir_iter_next(&it))
		seen++;
	ck_assert_uint_eq(seen, v->naive.count);
}

/* A directory dies with its node. */
static void version_drop(struct version *v)
{
	struct node *holder = make(0, 0, 1);

	holder->dir = v->d;
	node_unref(holder);
	memset(v, 0, sizeof(*v));
}

static bool version_add(struct version *v, unsigned int name,
			unsigned int value, uint64_t seq)
{
	struct node *n = make(name, value, seq);

	if (!n)
		return false;
	if (!dir_add(&key, &v->d, n, seq)) {
		node_unref(n);
		return false;
	}
	v->naive.child[v->naive.count].name = name;
	v->naive.child[v->naive.count++].value = value;
	return true;
}

static bool version_remove(struct version *v, unsigned int name, uint64_t gen)
{
	int i = naive_index(&v->naive, name);
	char room[16];

	if (!dir_remove(&key, &v->d, text(room, sizeof(room), "n", name), gen))
		return false;
	v->naive.count--;
	memmove(&v->naive.child[i], &v->naive.child[i + 1],
		(v->naive.count - (unsigned int)i) *
		sizeof(v->naive.child[0]));
	return true;
}

static bool version_replace(struct version *v, unsigned int name,
			    unsigned int value)
{
	int i = naive_index(&v->naive, name);
	struct node **slot, *n;
	char room[16];

	slot = dir_slot(&key, &v->d, text(room, sizeof(room), "n", name));
	if (!slot)
		return false;
	n = make(name, value, (*slot)->seq);
	if (!n)
		return false;
	node_unref(*slot);
	*slot = n;
	v->naive.child[i].value = value;
	return true;
}

static bool version_random(struct version *v, unsigned int fill, uint64_t seq)
{
	unsigned int name = below(NAMES);

	if (naive_index(&v->naive, name) < 0)
		return version_add(v, name, below(1000000), seq);
	if (below(100) < fill)
		return version_replace(v, name, below(1000000));
	return version_remove(v, name, seq);
}

static void setup(void)
{
	struct perm owner = { 0 };

	acl = acl_new(&owner, 1, 1);
}

/* Every list that a node took was given back: no node is left. */
static void teardown(void)
{
	ck_assert_uint_eq(acl->refs, 1);
	acl_unref(acl);
}

START_TEST(random_changes_leave_snapshots_alone)
{
	struct version now = { 0 }, old[SNAPSHOTS] = { 0 };

	random_state = (uint64_t)_i + 1;
	for (uint64_t step = 1; step <= 3000; step++) {
		/* It fills, and empties, and so on. */
		unsigned int fill = step / 500 % 2 ? 5 : 60;
		struct version *v = &old[below(SNAPSHOTS)];

		ck_assert(version_random(&now, fill, step));
		if (below(20) == 0) {
			version_drop(v);
			*v = now;
			if (v->d)
				dir_ref(v->d);
		}
		if (step % 50 == 0) {
			version_check(&now);
			for (unsigned int i = 0; i < SNAPSHOTS; i++)
				version_check(&old[i]);
		}
	}
	version_drop(&now);
	for (unsigned int i = 0; i < SNAPSHOTS; i++) {
		version_check(&old[i]);
		version_drop(&old[i]);
	}
}
END_TEST

/*
 * At each size: every allocation of a change fails once, with and without a
 * snapshot that makes the change copy.
 */
START_TEST(a_failed_change_changes_nothing)
{
	for (unsigned int round = 0; round < 6; round++) {
		struct version now = { 0 }, old = { 0 };
		unsigned int size = (unsigned int)_i;
		bool done = false;
		long n;

		for (unsigned int i = 0; i < size; i++)
			ck_assert(version_add(&now, i, i, i + 1));
		if (round & 1) {
			old = now;
			if (old.d)
				dir_ref(old.d);
		}
		for (n = 0; !done; n++) {
			mem_fail_after(n);
			if (round / 2 == 0)
				done = version_add(&now, 250, 1, 1000);
			else if (!size)
				done = true;
			else if (round / 2 == 1)
				done = version_remove(&now, size / 2, 1000);
			else
				done = version_replace(&now, size / 2, 77);
			ck_assert(done || mem_failed());
			mem_fail_after(-1);
			version_check(&now);
			if (round & 1)
				version_check(&old);
			ck_assert_int_lt(n, 200);
		}
		version_drop(&now);
		version_drop(&old);
	}
}
END_TEST

START_TEST(a_failed_listing_is_no_listing)
{
	struct version now = { 0 };

	for (unsigned int i = 0; i < 40; i++)
		ck_assert(version_add(&now, i, i, i + 1));
	mem_fail_after(0);
	ck_assert_ptr_null(dir_list(now.d));
	ck_assert_int_eq(mem_failed(), 1);
	mem_fail_after(-1);
	version_check(&now);
	version_drop(&now);
}
END_TEST

/* How many allocations a replacement below a snapshot takes. */
static long cost_of_replacing(struct dir **d, unsigned int name)
{
	char room[16];
	struct node **slot = NULL, *n;
	long cost;

	for (cost = 0; !slot; cost++) {
		mem_fail_after(cost);
		slot = dir_slot(&key, d, text(room, sizeof(room), "n", name));
		mem_fail_after(-1);
		ck_assert_int_lt(cost, 1000);
	}
	n = make(name, 5, (*slot)->seq);
	node_unref(*slot);
	*slot = n;
	return cost - 1;
}

START_TEST(a_hundred_thousand_children)
{
	enum { MANY = 100000 };
	struct version now = { 0 }, old;
	struct node **list;
	char room[16];

	for (unsigned int i = 0; i < MANY; i++)
		ck_assert(dir_add(&key, &now.d, make(i, i, i + 1), i + 1));
	ck_assert_uint_eq(dir_count(now.d), MANY);
	list = dir_list(now.d);
	for (unsigned int i = 0; i < MANY; i++)
		ck_assert(is(node_name(list[i]), "n", i));
	mem_drop(list);

	/* A change copies a few branches, not a hundred thousand slots. */
	old.d = dir_ref(now.d);
	ck_assert_int_le(cost_of_replacing(&now.d, MANY / 2), 8);
	ck_assert(is(node_value(dir_find(&key, old.d, text(room, sizeof(room),
			"n", MANY / 2))), "v", MANY / 2));
	ck_assert(is(node_value(dir_find(&key, now.d, text(room, sizeof(room),
			"n", MANY / 2))), "v", 5));

	for (unsigned int i = 0; i < MANY; i += 2)
		ck_assert(dir_remove(&key, &now.d,
				     text(room, sizeof(room), "n", i), i));
	list = dir_list(now.d);
	ck_assert_uint_eq(dir_count(now.d), MANY / 2);
	for (unsigned int i = 0; i < MANY / 2; i++)
		ck_assert(is(node_name(list[i]), "n", 2 * i + 1));
	mem_drop(list);
	ck_assert_uint_eq(dir_count(old.d), MANY);
	for (unsigned int i = 1; i < MANY; i += 2)
		ck_assert(dir_remove(&key, &now.d,
				     text(room, sizeof(room), "n", i), i));
	ck_assert_uint_eq(dir_count(now.d), 0);
	ck_assert_ptr_null(dir_list(now.d));
	version_drop(&now);
	version_drop(&old);
}
END_TEST

/* depth names, each with one child: "/n0/n0/...". */
static struct node *deep_tree(unsigned int depth)
{
	struct node *n = make(0, depth, 1), *up;

	while (depth--) {
		up = make(0, depth, 1);
		ck_assert(dir_add(&key, &up->dir, n, 1));
		n = up;
	}
	return n;
}

static struct span deep_path(char *room, unsigned int depth)
{
	struct span s = { room, 3 * depth };

	for (unsigned int i = 0; i < depth; i++)
		memcpy(room + 3 * i, "/n0", 3);
	return s;
}

static void *free_tree(void *root)
{
	node_unref(root);
	return NULL;
}

/* 200,000 levels in 128 KiB: less than a byte of stack for each. */
START_TEST(freed_without_recursion)
{
	struct node *root = deep_tree(200000);
	pthread_attr_t attr;
	pthread_t thread;

	ck_assert_int_eq(pthread_attr_init(&attr), 0);
	ck_assert_int_eq(pthread_attr_setstacksize(&attr, 128 * 1024), 0);
	ck_assert_int_eq(pthread_create(&thread, &attr, free_tree, root), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	pthread_attr_destroy(&attr);
}
END_TEST

START_TEST(deepest_path)
{
	enum { DEPTH = 1000 };
	struct node *root = deep_tree(DEPTH), *snapshot, **slot, *n;
	static char room[3 * DEPTH];
	struct span path = deep_path(room, DEPTH), at;
	struct span value = { "changed", 7 };
	struct tree_walk w;
	unsigned int seen = 0;

	n = tree_find(&key, root, path);
	ck_assert(n && is(node_value(n), "v", DEPTH));
	snapshot = node_ref(root);
	slot = tree_own(&key, &root, path, NULL);
	ck_assert_ptr_nonnull(slot);
	ck_assert(node_set_value(slot, value));
	ck_assert(is(node_value(tree_find(&key, snapshot, path)), "v", DEPTH));
	n = tree_find(&key, root, path);
	ck_assert(n && node_value(n).len == 7);

	tree_walk_start(&w, root);
	while ((n = tree_walk_next(&w)))
		ck_assert_uint_eq(w.depth, seen++);
	ck_assert(!w.failed);
	tree_walk_end(&w);
	ck_assert_uint_eq(seen, DEPTH + 1);

	path.len -= 3;
	ck_assert_ptr_eq(tree_nearest(&key, root, path, &at),
			 tree_find(&key, root, path));
	ck_assert_uint_eq(at.len, path.len);
	node_unref(snapshot);
	node_unref(root);
}
END_TEST

START_TEST(owning_that_fails_shares_on)
{
	struct node *root = deep_tree(20), *snapshot = node_ref(root);
	char room[60];
	struct span path = deep_path(room, 20);
	struct node **slot = NULL;
	long n;

	for (n = 0; !slot; n++) {
		mem_fail_after(n);
		slot = tree_own(&key, &root, path, NULL);
		mem_fail_after(-1);
		ck_assert(is(node_value(tree_find(&key, root, path)), "v",
			     20));
		ck_assert(is(node_value(tree_find(&key, snapshot, path)), "v",
			     20));
	}
	/* A node and a directory for each level had to be copied; the n-th
	 * try added n of them to what earlier ones had. */
	ck_assert_int_ge(n * (n - 1) / 2, 2 * 20);
	ck_assert_ptr_ne(tree_find(&key, root, path),
			 tree_find(&key, snapshot, path));
	node_unref(root);
	node_unref(snapshot);
}
END_TEST

START_TEST(a_change_shares_the_rest)
{
	struct node *root = make(0, 0, 1), *snapshot, *a, *b;
	struct span path_a = { "/n1", 3 }, path_b = { "/n2", 3 };

	ck_assert(dir_add(&key, &root->dir, make(1, 1, 2), 1));
	ck_assert(dir_add(&key, &root->dir, make(2, 2, 3), 1));
	snapshot = node_ref(root);
	ck_assert_ptr_nonnull(tree_own(&key, &root, path_a, NULL));
	a = tree_find(&key, root, path_a);
	b = tree_find(&key, root, path_b);
	ck_assert_ptr_ne(a, tree_find(&key, snapshot, path_a));
	ck_assert_ptr_eq(b, tree_find(&key, snapshot, path_b));
	node_unref(root);
	node_unref(snapshot);
}
END_TEST

START_TEST(a_walk_without_memory_says_so)
{
	struct node *root = deep_tree(100);
	unsigned int failures = 0;

	for (long n = 0; n < 3; n++) {
		struct tree_walk w;

		mem_fail_after(n);
		tree_walk_start(&w, root);
		while (tree_walk_next(&w))
			;
		ck_assert_int_eq(w.failed, mem_failed());
		failures += w.failed;
		mem_fail_after(-1);
		tree_walk_end(&w);
	}
	ck_assert_uint_eq(failures, 3);
	node_unref(root);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tree");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, random_changes_leave_snapshots_alone, 0, 8);
	tcase_add_loop_test(t, a_failed_change_changes_nothing, 0, 48);
	tcase_add_test(t, a_failed_listing_is_no_listing);
	tcase_add_test(t, a_hundred_thousand_children);
	tcase_add_test(t, freed_without_recursion);
	tcase_add_test(t, deepest_path);
	tcase_add_test(t, owning_that_fails_shares_on);
	tcase_add_test(t, a_change_shares_the_rest);
	tcase_add_test(t, a_walk_without_memory_says_so);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
