/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a scenario's requests say: the payloads, mostly legal, now and then
 * odd, and how often each operation comes.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "tests/property/maker.h"

void maker_put(struct maker *k, const char *s)
{
	size_t n = strlen(s);

	if (k->len + n < sizeof(k->text)) {
		memcpy(k->text + k->len, s, n);
		k->len += n;
	}
}

void maker_end(struct maker *k)
{
	if (k->len < sizeof(k->text))
		k->text[k->len++] = '\0';
}

void maker_number(struct maker *k, unsigned long long v)
{
	char s[24];

	snprintf(s, sizeof(s), "%llu", v);
	maker_put(k, s);
}

static void put_many(struct maker *k, char c, size_t n)
{
	while (n-- && k->len < sizeof(k->text))
		k->text[k->len++] = c;
}

static const char *const odd_paths[] = {
	"", "//", "/a/", "/a//b", "a b", "/\x80", "@", "@introduceDomain",
	"@releaseDomain", "/local/domain/", "/local/domain/x", "a@b", "/a.b",
	"/@", "@releaseDomain/1",
};

static void put_home(struct maker *k)
{
	maker_put(k, "/local/domain/");
	maker_number(k, maker_below(k, 6));
}

static void put_path(struct maker *k)
{
	static const char *const names[] = { "a", "b", "c", "data" };
	unsigned int levels = 1 + maker_below(k, 3);

	if (maker_chance(k, 3)) {
		maker_put(k, odd_paths[maker_below(k, sizeof(odd_paths) /
				       sizeof(odd_paths[0]))]);
		return;
	}
	if (maker_chance(k, 3)) {
		maker_put(k, "/");
		return;
	}
	if (maker_chance(k, 1))
		levels = 30 + maker_below(k, 300);
	switch (maker_below(k, 3)) {
	case 0:
		put_home(k);
		if (maker_chance(k, 20))
			return;
		maker_put(k, "/");
		break;
	case 1:
		maker_put(k, "/");
		break;
	}
	while (levels--) {
		maker_put(k, names[maker_below(k, 4)]);
		if (levels)
			maker_put(k, "/");
	}
	if (maker_chance(k, 1))
		put_many(k, 'x', 2020 + maker_below(k, 2000));
}

static void put_token(struct maker *k)
{
	static const char *const tokens[] = { "t", "u", "" };

	maker_put(k, tokens[maker_below(k, 3)]);
	if (maker_chance(k, 1))
		put_many(k, 'T', 2000 + maker_below(k, 2200));
}

static void put_value(struct maker *k)
{
	unsigned int what = maker_below(k, 100);

	if (what < 10)
		return;
	if (what < 12)
		put_many(k, 'V', 2100 + maker_below(k, 1500));
	else if (what < 14)
		put_many(k, 'w', maker_below(k, 1000));
	else if (what < 20)
		put_many(k, '\0', 1 + maker_below(k, 4));
	else
		maker_number(k, maker_below(k, 4));
}

static void put_domid(struct maker *k)
{
	static const char *const odd[] = { "", "x", "-1", "65536", "32757",
					   "1 ", "007", "65535" };

	if (maker_chance(k, 4))
		maker_put(k, odd[maker_below(k, 8)]);
	else
		maker_number(k, maker_below(k, SCENARIO_DOMIDS));
	maker_end(k);
}

static void put_perms(struct maker *k)
{
	static const char letters[] = "rwbnx";
	unsigned int n = 1 + maker_below(k, maker_chance(k, 10) ? 7 : 3);

	while (n--) {
		char c[2] = { letters[maker_below(k, maker_chance(k, 4) ? 5 : 4)], 0 };

		maker_put(k, c);
		if (maker_chance(k, 5)) {
			maker_put(k, "32757");
			maker_end(k);
		} else {
			put_domid(k);
		}
	}
}

/* -------------------------------------------------------------- requests -- */

static void make_path(struct maker *k)
{
	put_path(k);
	maker_end(k);
}

static void make_write(struct maker *k)
{
	put_path(k);
	maker_end(k);
	put_value(k);
}

static void make_set_perms(struct maker *k)
{
	put_path(k);
	maker_end(k);
	put_perms(k);
}

static void make_part(struct maker *k)
{
	put_path(k);
	maker_end(k);
	maker_number(k, maker_chance(k, 70) ? 0 : maker_below(k, 12));
	maker_end(k);
}

static void make_watch(struct maker *k)
{
	static const char *const special[] = { "@introduceDomain",
		"@releaseDomain", "@releaseDomain/1", "@releaseDomain/2" };

	if (maker_chance(k, 15))
		maker_put(k, special[maker_below(k, 4)]);
	else
		put_path(k);
	maker_end(k);
	put_token(k);
	maker_end(k);
	if (maker_chance(k, 20)) {
		maker_number(k, maker_below(k, 3));
		maker_end(k);
	}
}

static void make_unwatch(struct maker *k)
{
	put_path(k);
	maker_end(k);
	put_token(k);
	maker_end(k);
}

static void make_nothing(struct maker *k)
{
	maker_end(k);
}

static void make_end(struct maker *k)
{
	maker_put(k, maker_chance(k, 80) ? "T" : maker_chance(k, 80) ? "F" : "x");
	maker_end(k);
}

static void make_introduce(struct maker *k)
{
	put_domid(k);
	maker_put(k, "1");
	maker_end(k);
	maker_number(k, maker_chance(k, 95) ? 1 + maker_below(k, 4) : 0);
	maker_end(k);
}

static void make_domid(struct maker *k)
{
	put_domid(k);
}

static void make_two_domids(struct maker *k)
{
	put_domid(k);
	put_domid(k);
}

static void make_set_feature(struct maker *k)
{
	put_domid(k);
	maker_number(k, maker_below(k, 20));
	maker_end(k);
}

static void put_quota(struct maker *k)
{
	static const char *const names[] = { "nodes", "watches",
		"transactions", "node-size", "path-max", "nonsense" };

	maker_put(k, names[maker_below(k, 6)]);
	maker_end(k);
}

static void make_get_quota(struct maker *k)
{
	if (maker_chance(k, 50))
		put_domid(k);
	put_quota(k);
}

static void make_set_quota(struct maker *k)
{
	put_domid(k);
	maker_put(k, maker_chance(k, 50) ? "nodes" : "watches");
	maker_end(k);
	maker_number(k, 3 + maker_below(k, 30));
	maker_end(k);
}

static void make_control(struct maker *k)
{
	static const char *const words[] = { "print", "check", "nonsense",
					     "help", "" };

	maker_put(k, words[maker_below(k, 5)]);
	maker_end(k);
	maker_put(k, "x");
	maker_end(k);
}

static const struct {
	uint32_t type;
	unsigned int weight;
	void (*make)(struct maker *k);
} kinds[] = {
	{ WIRE_READ, 8, make_path },
	{ WIRE_WRITE, 22, make_write },
	{ WIRE_MKDIR, 8, make_path },
	{ WIRE_RM, 8, make_path },
	{ WIRE_DIRECTORY, 6, make_path },
	{ WIRE_DIRECTORY_PART, 3, make_part },
	{ WIRE_GET_PERMS, 4, make_path },
	{ WIRE_SET_PERMS, 12, make_set_perms },
	{ WIRE_WATCH, 8, make_watch },
	{ WIRE_UNWATCH, 3, make_unwatch },
	{ WIRE_RESET_WATCHES, 1, make_nothing },
	{ WIRE_TRANSACTION_START, 6, make_nothing },
	{ WIRE_TRANSACTION_END, 6, make_end },
	{ WIRE_INTRODUCE, 4, make_introduce },
	{ WIRE_RELEASE, 1, make_domid },
	{ WIRE_GET_DOMAIN_PATH, 1, make_domid },
	{ WIRE_IS_DOMAIN_INTRODUCED, 1, make_domid },
	{ WIRE_RESUME, 1, make_domid },
	{ WIRE_SET_TARGET, 2, make_two_domids },
	{ WIRE_GET_FEATURE, 1, make_domid },
	{ WIRE_SET_FEATURE, 1, make_set_feature },
	{ WIRE_GET_QUOTA, 1, make_get_quota },
	{ WIRE_SET_QUOTA, 1, make_set_quota },
	{ WIRE_CONTROL, 1, make_control },
	{ WIRE_WATCH_EVENT, 1, make_unwatch },
	{ 20, 1, make_nothing },
	{ 65535, 1, make_nothing },
};

uint32_t maker_payload(struct maker *k)
{
	unsigned int total = 0, at, i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		total += kinds[i].weight;
	at = maker_below(k, total);
	for (i = 0; at >= kinds[i].weight; i++)
		at -= kinds[i].weight;
	k->len = 0;
	kinds[i].make(k);
	if (maker_chance(k, 1) && k->len)
		k->len--;
	if (k->len > WIRE_PAYLOAD_MAX)
		k->len = WIRE_PAYLOAD_MAX;
	return kinds[i].type;
}
