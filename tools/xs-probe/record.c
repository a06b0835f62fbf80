/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records, decoded in place: a decoded value is never longer; see record.h. */
#include "tools/xs-probe/record.h"

#include <errno.h>
#include <string.h>

#include "protocol/cursor.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* Decode up to a space or the end; the first byte not taken, or NULL. */
static char *decode(char *at, char **end)
{
	char *out = at;

	while (*at && *at != ' ') {
		if (*at < '!' || *at > '~')
			return NULL;
		if (*at == '%') {
			int high = hex_digit(at[1]);
			int low = high < 0 ? -1 : hex_digit(at[2]);

			if (low < 0)
				return NULL;
			*out++ = (char)(high << 4 | low);
			at += 3;
		} else {
			*out++ = *at++;
		}
	}
	*end = out;
	return at;
}

int record_parse(char *line, struct record *record)
{
	char *at = line;

	record->count = 0;
	while (*at) {
		struct record_field *f = &record->field[record->count];
		char *equals = strchr(at, '='), *end, *next;

		if (!equals || equals == at ||
		    memchr(at, ' ', (size_t)(equals - at)))
			return -EBADMSG;
		if (record->count == RECORD_FIELDS_MAX)
			return -E2BIG;
		next = decode(equals + 1, &end);
		if (!next || (*next && !next[1]))
			return -EBADMSG;
		f->key = at;
		*equals = '\0';
		f->value = equals + 1;
		f->len = (size_t)(end - f->value);
		at = *next ? next + 1 : next;
		*end = '\0';
		record->count++;
	}
	return record->count ? 0 : -EBADMSG;
}

const struct record_field *record_find(const struct record *record,
				       const char *key)
{
	for (unsigned int i = 0; i < record->count; i++)
		if (!strcmp(record->field[i].key, key))
			return &record->field[i];
	return NULL;
}

const char *record_text(const struct record *record, const char *key)
{
	const struct record_field *f = record_find(record, key);

	return f ? f->value : NULL;
}

bool record_number(const struct record *record, const char *key,
		   uint64_t *number)
{
	const struct record_field *f = record_find(record, key);
	struct span s;

	*number = 0;
	if (!f)
		return false;
	s.at = f->value;
	s.len = f->len;
	return span_number(s, UINT64_MAX, number);
}

json_t *record_json_bytes(const char *bytes, size_t len)
{
	json_t *value = json_stringn(bytes, len), *object;
	char *hex;

	if (value)
		return value;
	hex = malloc(2 * len + 1);
	if (!hex)
		return NULL;
	for (size_t i = 0; i < len; i++) {
		hex[2 * i] = "0123456789abcdef"[(unsigned char)bytes[i] >> 4];
		hex[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
	}
	object = json_pack("{s:s#}", "hex", hex, (int)(2 * len));
	free(hex);
	return object;
}

/* These may look like numbers and are not. */
static bool is_text(const char *key)
{
	static const char *const texts[] = {
		"daemon", "version", "path", "quota", "finding", "rundir",
		"token", "request", "reply", "meaning", "latency", "loop",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (!strcmp(key, texts[i]))
			return true;
	return false;
}

/* A whole decimal number, with or without a sign. */
static bool as_integer(struct span s, json_int_t *number)
{
	bool negative = s.len && *s.at == '-';
	uint64_t n;

	if (negative) {
		s.at++;
		s.len--;
	}
	if (!span_number(s, INT64_MAX, &n))
		return false;
	*number = negative ? -(json_int_t)n : (json_int_t)n;
	return true;
}

json_t *record_json(const struct record *record)
{
	json_t *object = json_object();

	for (unsigned int i = 0; object && i < record->count; i++) {
		const struct record_field *f = &record->field[i];
		struct span s = { f->value, f->len };
		json_int_t number;
		json_t *value;

		if (!is_text(f->key) && as_integer(s, &number))
			value = json_integer(number);
		else
			value = record_json_bytes(f->value, f->len);
		if (!value || json_object_set_new(object, f->key, value)) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}
