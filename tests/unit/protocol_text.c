/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * protocol/'s parsers against naive second implementations on many random
 * strings.  Every parser gets its input in a block of exactly its length,
 * so that a sanitizer build sees a step beyond the end.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cursor.h"
#include "protocol/path.h"
#include "protocol/perm.h"
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

/* A block of exactly the string's length, without NUL. */
static struct span exact(const char *s, size_t len)
{
	char *p = malloc(len ? len : 1);
	struct span out = { p, len };

	ck_assert_ptr_nonnull(p);
	memcpy(p, s, len);
	return out;
}

static void drop(struct span s)
{
	free((char *)s.at);
}

static size_t random_text(char *to, size_t max, const char *set)
{
	size_t n = below((unsigned int)max), kinds = strlen(set);

	for (size_t i = 0; i < n; i++)
		to[i] = set[below((unsigned int)kinds)];
	to[n] = '\0';
	return n;
}

/* ---------------------------------------------------------------- cursor -- */

START_TEST(strings_are_taken_one_by_one)
{
	for (unsigned int i = 0; i < ROUNDS; i++) {
		char text[40];
		size_t len = below(sizeof(text)), at = 0;
		struct span whole, s;
		struct cursor c;
		unsigned int strings = 0, taken = 0;

		for (size_t k = 0; k < len; k++) {
			text[k] = "\0\0ab"[below(4)];
			strings += !text[k];
		}
		whole = exact(text, len);
		c = cursor_of(whole.at, len);
		ck_assert_uint_eq(cursor_strings(&c), strings);
		while (cursor_string(&c, &s)) {
			ck_assert_ptr_eq(s.at, whole.at + at);
			ck_assert_ptr_null(memchr(s.at, 0, s.len));
			at += s.len + 1;
			ck_assert_int_eq(whole.at[at - 1], 0);
			ck_assert_uint_eq(cursor_left(&c), len - at);
			taken++;
		}
		ck_assert_uint_eq(taken, strings);
		/* A failed step has moved nothing. */
		s = cursor_rest(&c);
		ck_assert_uint_eq(s.len, len - at);
		ck_assert_uint_eq(cursor_left(&c), 0);
		drop(whole);
	}
}
END_TEST

/* By strtoull and nothing shared with the other. */
static bool naive_decimal(const char *s, uint64_t max, uint64_t *out)
{
	if (strspn(s, "0123456789") != strlen(s))
		return false;
	errno = 0;
	*out = *s ? strtoull(s, NULL, 10) : 0;
	return !errno && *out <= max;
}

static void check_decimal(const char *text, uint64_t max)
{
	struct span s = exact(text, strlen(text));
	uint64_t a = 77, b = 77;
	bool good = naive_decimal(text, max, &b);

	ck_assert_msg(span_decimal(s, max, &a) == good,
		      "'%s' max %llu", text, (unsigned long long)max);
	ck_assert_uint_eq(a, good ? b : 77);
	a = 77;
	ck_assert_int_eq(span_number(s, max, &a), good && s.len);
	ck_assert_uint_eq(a, good && s.len ? b : 77);
	drop(s);
}

START_TEST(decimal_limits)
{
	static const char *const texts[] = {
		"", "0", "00", "1", "9", "10", "007", "65535", "65536",
		"4294967295", "4294967296", "18446744073709551615",
		"18446744073709551616", "99999999999999999999",
		"000000000000000000000000000000001", "-1", "+1", " 1", "1 ",
		"0x1", "1a", "a", "/", ":", "1/", "1:",
	};
	static const uint64_t limits[] = { 0, 1, 5, 8, 9, 10, 65535, UINT32_MAX,
					   UINT64_MAX - 1, UINT64_MAX };

	for (size_t i = 0; i < COUNT(texts); i++)
		for (size_t k = 0; k < COUNT(limits); k++)
			check_decimal(texts[i], limits[k]);
}
END_TEST

START_TEST(decimal_random)
{
	for (unsigned int i = 0; i < ROUNDS; i++) {
		char text[32];
		uint64_t max = (uint64_t)below(70000) << below(48);

		random_text(text, 23, below(4) ? "0123456789" : "0129-x ");
		check_decimal(text, max);
		/* The limit itself, and one more. */
		snprintf(text, sizeof(text), "%llu", (unsigned long long)max);
		check_decimal(text, max);
		snprintf(text, sizeof(text), "%llu",
			 (unsigned long long)max + 1);
		check_decimal(text, max);
	}
}
END_TEST

START_TEST(whole_words)
{
	static const char *const words[] = { "", "T", "F", "TF", "print" };

	for (size_t i = 0; i < COUNT(words); i++) {
		struct span s = exact(words[i], strlen(words[i]));

		for (size_t k = 0; k < COUNT(words); k++)
			ck_assert_int_eq(span_is(s, words[k]), i == k);
		drop(s);
	}
}
END_TEST

/* ----------------------------------------------------------------- paths -- */

static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-/_@";

static enum path_kind naive_kind(const char *s)
{
	size_t n = strlen(s);

	if (!n || n > 3072 || strspn(s, letters) != n || strstr(s, "//") ||
	    (n > 1 && s[n - 1] == '/') || !strcmp(s, "@"))
		return PATH_BAD;
	return *s == '@' ? PATH_SPECIAL : *s == '/' ? PATH_ABSOLUTE :
						      PATH_RELATIVE;
}

static void check_names(const char *text)
{
	char *copy = strdup(text), *save = NULL, *want;
	struct span rest = exact(text, strlen(text)), whole = rest, name;
	unsigned int depth = 0;

	ck_assert_ptr_nonnull(copy);
	/* strtok_r skips nothing here: no name is empty. */
	want = strtok_r(copy, "/", &save);
	while (path_next(&rest, &name)) {
		ck_assert_ptr_nonnull(want);
		ck_assert_uint_eq(name.len, strlen(want));
		ck_assert_mem_eq(name.at, want, name.len);
		want = strtok_r(NULL, "/", &save);
		depth++;
	}
	ck_assert_ptr_null(want);
	ck_assert_uint_eq(path_depth(whole), depth);
	free(copy);
	drop(whole);
}

static void check_parent(const char *text)
{
	struct span s = exact(text, strlen(text)), up = path_parent(s);
	const char *slash = strrchr(text, '/');
	size_t want = slash == text ? 1 : (size_t)(slash - text);

	ck_assert_ptr_eq(up.at, s.at);
	ck_assert_uint_eq(up.len, want);
	ck_assert(path_below(up, s));
	ck_assert_int_eq(path_below(s, up), s.len == up.len);
	drop(s);
}

static void check_path(const char *text)
{
	struct span s = exact(text, strlen(text));
	enum path_kind want = naive_kind(text);

	ck_assert_msg(path_kind(s) == want, "'%s'", text);
	drop(s);
	if (want == PATH_ABSOLUTE) {
		check_names(text);
		check_parent(text);
	}
}

START_TEST(path_kinds)
{
	static const char *const texts[] = {
		"", "/", "//", "/a", "a", "a/", "/a/", "a//b", "//a", "@",
		"@a", "a@b", "/@", "/@a", "@releaseDomain/1", "@/", "-", "_",
		"/a b", "/a.b", "/a\n", "/\x80", "/a~", "/local/domain/",
		"/local/domain/5/", "/local/domain/5",
	};

	for (size_t i = 0; i < COUNT(texts); i++)
		check_path(texts[i]);
}
END_TEST

START_TEST(every_character)
{
	for (int c = 1; c < 256; c++) {
		char text[4] = { '/', (char)c, 'a', 0 };

		check_path(text);
		check_path(text + 1);
	}
	/* NUL is no character of a path. */
	ck_assert_int_eq(path_kind((struct span){ "/\0a", 3 }), PATH_BAD);
}
END_TEST

START_TEST(path_random)
{
	char text[32];

	for (unsigned int i = 0; i < ROUNDS; i++) {
		random_text(text, 24, below(3) ? "ab/" : "ab/@-_.9 ");
		check_path(text);
	}
}
END_TEST

START_TEST(path_longest)
{
	char text[WIRE_ABS_PATH_MAX + 3];

	memset(text, 'a', sizeof(text));
	text[0] = '/';
	text[WIRE_ABS_PATH_MAX] = '\0';
	check_path(text);
	ck_assert_int_eq(naive_kind(text), PATH_ABSOLUTE);
	text[WIRE_ABS_PATH_MAX] = 'a';
	text[WIRE_ABS_PATH_MAX + 1] = '\0';
	check_path(text);
	ck_assert_int_eq(naive_kind(text), PATH_BAD);
}
END_TEST

START_TEST(path_quota)
{
	static const struct {
		const char *text;
		size_t len;
	} cases[] = {
		{ "/", 1 }, { "a/b", 3 }, { "/a", 2 },
		{ "/local/domain", 13 }, { "/local/domain/", 14 },
		{ "/local/domain/5", 15 }, { "/local/domain/5/", 0 },
		{ "/local/domain/5/a", 1 }, { "/local/domain/12345/a/b", 3 },
		{ "/local/domain/1234567890/ab", 2 },
		{ "/local/domain/x/a", 17 }, { "/local/domain/5x/a", 18 },
		{ "/local/domain//a", 16 }, { "/local/domains/5/a", 18 },
		{ "local/domain/5/a", 16 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct span s = exact(cases[i].text, strlen(cases[i].text));

		ck_assert_msg(path_quota_length(s) == cases[i].len, "'%s'",
			      cases[i].text);
		drop(s);
	}
}
END_TEST

static bool naive_below(const char *base, const char *path)
{
	char with[64];

	if (!strcmp(base, "/") || !strcmp(base, path))
		return true;
	snprintf(with, sizeof(with), "%s/", base);
	return !strncmp(with, path, strlen(with));
}

START_TEST(below_random)
{
	unsigned int yes = 0;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		char a[16] = "/", b[16] = "/";
		struct span sa, sb;
		bool want;

		random_text(a + 1, 6, "a/");
		random_text(b + 1, 9, "a/");
		if (naive_kind(a) != PATH_ABSOLUTE ||
		    naive_kind(b) != PATH_ABSOLUTE)
			continue;
		sa = exact(a, strlen(a));
		sb = exact(b, strlen(b));
		want = naive_below(a, b);
		ck_assert_msg(path_below(sa, sb) == want, "%s %s", a, b);
		yes += want;
		drop(sa);
		drop(sb);
	}
	ck_assert_uint_gt(yes, 100);
}
END_TEST

/* --------------------------------------------------------------- entries -- */

START_TEST(perm_round_trip)
{
	for (unsigned int domid = 0; domid < 65536; domid++) {
		for (uint8_t access = 0; access < 4; access++) {
			struct perm a = { (uint16_t)domid, access }, b;
			char text[PERM_TEXT_MAX], want[16];
			size_t n = perm_format(text, a);
			struct span s = exact(text, n - 1);

			snprintf(want, sizeof(want), "%c%u", "nrwb"[access],
				 domid);
			ck_assert_str_eq(text, want);
			ck_assert_uint_eq(n, strlen(want) + 1);
			ck_assert(perm_parse(s, &b));
			ck_assert_uint_eq(b.domid, domid);
			ck_assert_uint_eq(b.access, access);
			drop(s);
		}
	}
}
END_TEST

START_TEST(perm_random)
{
	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct perm p = { 7, 7 };
		char text[16];
		struct span s;
		uint64_t v;
		bool want;

		random_text(text, 9, below(3) ? "nrwb0123456789" : "nrwbx-R 5");
		want = text[0] && strchr("nrwb", text[0]) && text[1] &&
		       naive_decimal(text + 1, 65535, &v);
		s = exact(text, strlen(text));
		ck_assert_msg(perm_parse(s, &p) == want, "'%s'", text);
		ck_assert_uint_eq(p.domid, want ? v : 7);
		drop(s);
	}
}
END_TEST

TCase *protocol_text_case(void)
{
	TCase *t = tcase_create("text");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, strings_are_taken_one_by_one);
	tcase_add_test(t, decimal_limits);
	tcase_add_test(t, decimal_random);
	tcase_add_test(t, whole_words);
	tcase_add_test(t, path_kinds);
	tcase_add_test(t, every_character);
	tcase_add_test(t, path_random);
	tcase_add_test(t, path_longest);
	tcase_add_test(t, path_quota);
	tcase_add_test(t, below_random);
	tcase_add_test(t, perm_round_trip);
	tcase_add_test(t, perm_random);
	return t;
}
