/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fields of image records; see field.h. */
#include "xenstored/core/field.h"
#include "xenstored/core/acl.h"
#include "xenstored/core/machine.h"
#include "xenstored/core/mem.h"

#include <string.h>

#define DIGITS 20

void field_start(struct field_out *o)
{
	memset(o, 0, sizeof(*o));
}

void field_end(struct field_out *o)
{
	mem_drop(o->text);
	o->text = NULL;
}

static char *field_room(struct field_out *o, size_t more)
{
	size_t room = o->room ? o->room : 256;
	char *text;

	if (o->failed)
		return NULL;
	while (room < o->len + more)
		room *= 2;
	if (room != o->room) {
		text = mem_grow(o->text, room);
		if (!text) {
			o->failed = true;
			return NULL;
		}
		o->text = text;
		o->room = room;
	}
	return o->text + o->len;
}

static void field_raw(struct field_out *o, const void *bytes, size_t len)
{
	char *to = field_room(o, len);

	if (!to)
		return;
	if (len)
		memcpy(to, bytes, len);
	o->len += len;
}

static void field_digits(struct field_out *o, uint64_t v, char after)
{
	char text[DIGITS + 1];
	size_t at = sizeof(text);

	text[--at] = after;
	do {
		text[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	field_raw(o, text + at, sizeof(text) - at);
}

static void field_name(struct field_out *o, const char *name)
{
	field_raw(o, name, strlen(name));
	field_raw(o, "=", 1);
}

void field_number(struct field_out *o, const char *name, uint64_t v)
{
	field_name(o, name);
	field_digits(o, v, ' ');
}

void field_bytes(struct field_out *o, const char *name, const void *bytes,
		 size_t len)
{
	field_name(o, name);
	field_digits(o, len, ':');
	field_raw(o, bytes, len);
	field_raw(o, " ", 1);
}

void field_acl(struct field_out *o, const struct acl *acl)
{
	char text[PERM_TEXT_MAX];

	field_number(o, "made", acl->stamp);
	field_number(o, "entries", acl->count);
	for (unsigned int i = 0; i < acl->count; i++) {
		size_t n = perm_format(text, acl->entry[i]);

		text[n - 1] = ' ';
		field_raw(o, text, n);
	}
}

struct field_in field_of(const void *bytes, size_t len)
{
	struct field_in i = { cursor_of(bytes, len), false };

	return i;
}

static bool take_name(struct field_in *i, const char *name)
{
	size_t n = strlen(name);

	if (i->failed || cursor_left(&i->c) < n + 1 ||
	    memcmp(i->c.at, name, n) || i->c.at[n] != '=') {
		i->failed = true;
		return false;
	}
	i->c.at += n + 1;
	return true;
}

/* Up to and with the byte `after`. */
static struct span take_until(struct field_in *i, char after)
{
	const char *end = memchr(i->c.at, after, cursor_left(&i->c));
	struct span s = { i->c.at, 0 };

	if (i->failed || !end) {
		i->failed = true;
		return s;
	}
	s.len = (size_t)(end - s.at);
	i->c.at = end + 1;
	return s;
}

static uint64_t take_digits(struct field_in *i, char after, uint64_t max)
{
	uint64_t v = 0;

	if (!span_number(take_until(i, after), max, &v))
		i->failed = true;
	return i->failed ? 0 : v;
}

uint64_t field_take_number(struct field_in *i, const char *name, uint64_t max)
{
	return take_name(i, name) ? take_digits(i, ' ', max) : 0;
}

struct span field_take_bytes(struct field_in *i, const char *name, size_t max)
{
	struct span s = { "", 0 };
	size_t len;

	if (!take_name(i, name))
		return s;
	len = (size_t)take_digits(i, ':', max);
	if (i->failed || cursor_left(&i->c) < len + 1 || i->c.at[len] != ' ') {
		i->failed = true;
		return s;
	}
	s.at = i->c.at;
	s.len = len;
	i->c.at += len + 1;
	return s;
}

struct acl *field_take_acl(struct field_in *i)
{
	struct perm entry[WIRE_PAYLOAD_MAX / 2];
	uint64_t stamp = field_take_number(i, "made", UINT64_MAX);
	uint64_t n = field_take_number(i, "entries", WIRE_PAYLOAD_MAX / 2);
	struct acl *acl;

	for (uint64_t k = 0; k < n && !i->failed; k++)
		if (!perm_parse(take_until(i, ' '), &entry[k]))
			i->failed = true;
	if (i->failed || !n) {
		i->failed = true;
		return NULL;
	}
	acl = acl_new(entry, (unsigned int)n, stamp);
	if (!acl)
		i->failed = true;
	return acl;
}

bool field_over(const struct field_in *i)
{
	return !i->failed && !cursor_left(&i->c);
}
