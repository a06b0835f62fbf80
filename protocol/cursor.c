/* SPDX-License-Identifier: MIT */
/* Bounded parsing; see cursor.h. */
#include "protocol/cursor.h"

bool cursor_string(struct cursor *c, struct span *out)
{
	for (const char *p = c->at; p < c->end; p++) {
		if (*p)
			continue;
		out->at = c->at;
		out->len = (size_t)(p - c->at);
		c->at = p + 1;
		return true;
	}
	return false;
}

struct span cursor_rest(struct cursor *c)
{
	struct span s = { c->at, cursor_left(c) };

	c->at = c->end;
	return s;
}

unsigned int cursor_strings(const struct cursor *c)
{
	unsigned int n = 0;

	for (const char *p = c->at; p < c->end; p++)
		n += !*p;
	return n;
}

bool span_decimal(struct span s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	for (size_t i = 0; i < s.len; i++) {
		unsigned int d = (unsigned char)s.at[i] - (unsigned int)'0';

		if (d > 9 || d > max || v > (max - d) / 10)
			return false;
		v = v * 10 + d;
	}
	if (v > max)
		return false;
	*out = v;
	return true;
}

bool span_number(struct span s, uint64_t max, uint64_t *out)
{
	return s.len && span_decimal(s, max, out);
}

bool span_is(struct span s, const char *word)
{
	size_t i = 0;

	while (i < s.len && word[i] && word[i] == s.at[i])
		i++;
	return i == s.len && !word[i];
}
