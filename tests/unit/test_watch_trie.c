// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The trie of watches against a plain list of them: which are there, which
 * fire for a change and in which order, and that the trie is as large as its
 * watches need and no larger, also after memory gave out.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/wire.h"
#include "xenstored/core/conn.h"
#include "xenstored/core/mem.h"
#include "xenstored/core/watch.h"

#define MANY 60
#define CONN (MACHINE_SOCKET_BASE + 1)

/* In order of setting. */
struct naive {
	struct watch *w;
	char path[32];
	char token[16];
	int depth;
};

static struct machine *m;
static struct conn *c;
static struct naive naive[MANY];
static unsigned int count;
static uint64_t random_state;

static unsigned int below(unsigned int n)
{
	random_state = random_state * 6364136223846793005u +
		       1442695040888963407u;
	return (unsigned int)(random_state >> 33) % n;
}

static struct span span(const char *s)
{
	struct span out = { s, strlen(s) };

	return out;
}

/* One to four names of two letters: many share their beginnings. */
static void random_path(char path[32])
{
	unsigned int names = 1 + below(4);

	path[0] = 0;
	for (unsigned int i = 0; i < names; i++)
		snprintf(path + 2 * i, 32 - 2 * i, "/%c",
			 (char)('a' + below(2)));
}

static void step(enum machine_input_type type, size_t len)
{
	struct machine_input in = { .type = type, .conn = CONN, .len = len };

	ck_assert_int_eq(machine_step(m, &in), 0);
}

static void setup(void)
{
	struct machine_config config;

	machine_config_defaults(&config);
	config.hash_key[0] = 11;
	m = machine_new(&config);
	ck_assert_ptr_nonnull(m);
	step(MACHINE_IN_OPEN, 0);
	c = conn_find(m, CONN);
	ck_assert_ptr_nonnull(c);
	count = 0;
}

static void teardown(void)
{
	ck_assert_uint_eq(machine_check(m, NULL, NULL), 0);
	machine_free(m);
}

/* Take the output, which must be this watch's event next. */
static size_t event_is(const char *out, size_t left, const char *path,
		       const char *token)
{
	size_t a = strlen(path) + 1, b = strlen(token) + 1;
	struct wire_header h;

	ck_assert_uint_ge(left, WIRE_HEADER_SIZE + a + b);
	h = wire_header_get(out);
	ck_assert_uint_eq(h.type, WIRE_WATCH_EVENT);
	ck_assert_uint_eq(h.len, a + b);
	ck_assert_str_eq(out + WIRE_HEADER_SIZE, path);
	ck_assert_str_eq(out + WIRE_HEADER_SIZE + a, token);
	return WIRE_HEADER_SIZE + a + b;
}

/* `path` is at `top` or below: how many levels; -1 if not. */
static int levels_below(const char *path, const char *top)
{
	size_t n = strlen(top);

	if (strncmp(path, top, n) != 0 || (path[n] && path[n] != '/'))
		return -1;
	return (int)(strlen(path) - n) / 2;
}

static void fire_and_compare(const char *path)
{
	static char out[1 << 16];
	struct machine_span piece[MANY + 1];
	unsigned int pieces;
	size_t len = 0, at = 0;

	watch_fire(m, m->root, span(path), false);
	pieces = machine_output(m, CONN, piece, MANY + 1);
	for (unsigned int i = 0; i < pieces; i++) {
		memcpy(out + len, piece[i].at, piece[i].len);
		len += piece[i].len;
	}
	for (unsigned int i = 0; i < count; i++) {
		int n = levels_below(path, naive[i].path);

		if (n < 0 || (naive[i].depth >= 0 && n > naive[i].depth))
			continue;
		at += event_is(out + at, len - at, path, naive[i].token);
	}
	ck_assert_uint_eq(at, len);
	if (len)
		step(MACHINE_IN_TAKEN, len);
}

/* Distinct places that lead to a watch; "/a/b" and "/a" share one. */
static unsigned int naive_places(void)
{
	static char seen[4 * MANY][32];
	unsigned int places = 0, k;

	for (unsigned int i = 0; i < count; i++) {
		for (size_t n = 2; n <= strlen(naive[i].path); n += 2) {
			char *s = seen[places];

			memcpy(s, naive[i].path, n);
			s[n] = 0;
			for (k = 0; strcmp(seen[k], s) != 0; k++)
				;
			places += k == places;
		}
	}
	return places;
}

static void compare(void)
{
	for (unsigned int i = 0; i < count; i++)
		ck_assert_ptr_eq(watch_find(m, c, span(naive[i].path),
					    span(naive[i].token)), naive[i].w);
	ck_assert_uint_eq(m->watch_nodes.count, naive_places());
	ck_assert_uint_eq(m->watch_index.count, count);
}

static void add(const char *path, unsigned int number, int depth)
{
	struct naive *n = &naive[count];

	snprintf(n->path, sizeof(n->path), "%s", path);
	snprintf(n->token, sizeof(n->token), "t%u", number);
	n->depth = depth;
	ck_assert_ptr_null(watch_find(m, c, span(n->path), span(n->token)));
	n->w = watch_add(m, c, span(n->path), 0, span(n->token), depth);
	ck_assert_ptr_nonnull(n->w);
	count++;
}

static void drop(unsigned int i)
{
	watch_drop(m, naive[i].w);
	count--;
	memmove(&naive[i], &naive[i + 1], (count - i) * sizeof(naive[0]));
}

START_TEST(random_watches)
{
	char path[32];

	random_state = (uint64_t)_i + 1;
	for (unsigned int k = 0; k < 2000; k++) {
		random_path(path);
		if (count < MANY && below(100) < (k / 300 % 2 ? 30 : 60))
			add(path, k, (int)below(4) - 1);
		else if (count)
			drop(below(count));
		compare();
		random_path(path);
		fire_and_compare(path);
	}
	while (count)
		drop(below(count));
	compare();
	ck_assert_uint_eq(m->watch_nodes.count, 0);
}
END_TEST

START_TEST(no_memory_no_watch_no_trace)
{
	long n, refused = 0;
	bool hit = true;

	/* So many that the hash tables have grown and need not now. */
	add("/a", 0, -1);
	add("/b", 1, -1);
	add("/b/a", 2, -1);
	for (n = 0; hit; n++) {
		struct watch *w;

		mem_fail_after(n);
		w = watch_add(m, c, span("/a/b/a/b"), 0, span("new"), -1);
		hit = mem_failed();
		mem_fail_after(-1);
		refused += !w;
		ck_assert_int_eq(!w, hit);
		if (w)
			watch_drop(m, w);
		compare();
		ck_assert_int_lt(n, 50);
	}
	/* Three places and the watch itself. */
	ck_assert_int_eq(refused, 4);
}
END_TEST

/* Collecting matches needs memory; without it none may be lost. */
START_TEST(no_memory_still_every_event)
{
	for (unsigned int i = 0; i < 40; i++)
		add("/a", i, -1);
	for (long n = 0; n < 3; n++) {
		struct machine_span piece[MANY];
		size_t len = 0;
		unsigned int pieces;

		mem_drop(m->match);
		m->match = NULL;
		m->match_room = 0;
		mem_fail_after(0);
		watch_fire(m, m->root, span("/a/b"), false);
		ck_assert_int_eq(mem_failed(), 1);
		mem_fail_after(-1);
		pieces = machine_output(m, CONN, piece, MANY);
		for (unsigned int i = 0; i < pieces; i++)
			len += piece[i].len;
		ck_assert_uint_eq(pieces, 40);
		step(MACHINE_IN_TAKEN, len);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("watch_trie");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_loop_test(t, random_watches, 0, 6);
	tcase_add_test(t, no_memory_no_watch_no_trace);
	tcase_add_test(t, no_memory_still_every_event);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
