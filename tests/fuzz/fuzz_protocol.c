/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All parsers of protocol/ on the same bytes: what is accepted must survive
 * the way back, what is a path must come apart into legal names.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cursor.h"
#include "protocol/path.h"
#include "protocol/perm.h"
#include "protocol/wire.h"
#include "tests/fuzz/fuzz.h"

static void must(int what, const char *text)
{
	if (what)
		return;
	fprintf(stderr, "fuzz_protocol: not so: %s\n", text);
	abort();
}

#define MUST(what) must(what, #what)

static void header(const uint8_t *bytes)
{
	struct wire_header h = wire_header_get(bytes);
	uint8_t back[WIRE_HEADER_SIZE];

	wire_header_put(back, &h);
	MUST(!memcmp(bytes, back, sizeof(back)));
	MUST(strlen(wire_op_name(h.type)) > 0);
	MUST(strlen(wire_error_name((int)h.req_id)) > 0);
}

static void absolute(struct span path)
{
	struct span rest = path, name, up = path_parent(path);
	unsigned int names = 0;

	while (path_next(&rest, &name)) {
		MUST(name.len > 0);
		MUST(name.at > path.at);
		MUST(name.at + name.len <= path.at + path.len);
		MUST(!memchr(name.at, '/', name.len));
		names++;
	}
	MUST(path_depth(path) == names);
	MUST(path_below(up, path));
	MUST(path_kind(up) == PATH_ABSOLUTE);
	MUST(path_depth(up) == (names ? names - 1 : 0));
}

static void string(struct span s)
{
	struct perm p, q;
	char text[PERM_TEXT_MAX];
	uint64_t a, b;

	MUST(path_quota_length(s) <= s.len);
	if (path_kind(s) == PATH_ABSOLUTE)
		absolute(s);
	if (perm_parse(s, &p)) {
		struct span back = { text, perm_format(text, p) - 1 };

		MUST(perm_parse(back, &q));
		MUST(q.domid == p.domid && q.access == p.access);
	}
	if (span_number(s, UINT64_MAX, &a)) {
		MUST(span_decimal(s, UINT64_MAX, &b) && a == b);
		MUST(span_decimal(s, a, &b) && a == b);
		MUST(!a || !span_decimal(s, a - 1, &b));
	}
	a = (uint64_t)wire_error_number(s.at, s.len);
	MUST(!a || span_is(s, wire_error_name((int)a)));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct cursor c = cursor_of(bytes, len);
	unsigned int strings = cursor_strings(&c), taken = 0;
	struct span s;

	if (len >= WIRE_HEADER_SIZE)
		header(bytes);
	while (cursor_string(&c, &s)) {
		string(s);
		taken++;
	}
	MUST(taken == strings);
	string(cursor_rest(&c));
	MUST(!cursor_left(&c));
	return 0;
}
