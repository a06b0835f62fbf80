/* SPDX-License-Identifier: MIT */
/*
 * A bounded cursor over a payload: the one way in which input is parsed.
 * It never looks past `end`, never writes, and a failed step moves nothing.
 */
#ifndef PROTOCOL_CURSOR_H
#define PROTOCOL_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor {
	const char *at;
	const char *end;
};

/* A piece of the payload; not NUL-terminated, owned by the payload. */
struct span {
	const char *at;
	size_t len;
};

static inline struct cursor cursor_of(const void *bytes, size_t len)
{
	struct cursor c = { bytes, (const char *)bytes + len };

	return c;
}

static inline size_t cursor_left(const struct cursor *c)
{
	return (size_t)(c->end - c->at);
}

/*
 * Take the bytes up to the next NUL and step over the NUL.  False, and
 * nothing moved, if no NUL is left.
 */
bool cursor_string(struct cursor *c, struct span *out);
/* Take all that is left. */
struct span cursor_rest(struct cursor *c);
/* How many NULs are left. */
unsigned int cursor_strings(const struct cursor *c);

/*
 * A whole string of decimal digits, without sign or blanks, not above `max`.
 * The empty string is 0 (as the deployed daemons read it; behaviour page,
 * "Paths").  False, and *out untouched, for anything else.
 */
bool span_decimal(struct span s, uint64_t max, uint64_t *out);
/* As span_decimal, but the empty string is refused. */
bool span_number(struct span s, uint64_t max, uint64_t *out);
/* Equal to a NUL-terminated word. */
bool span_is(struct span s, const char *word);

#endif
