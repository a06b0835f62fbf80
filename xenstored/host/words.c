// SPDX-License-Identifier: GPL-2.0-or-later
/* Records in words; see words.h. */
#include "xenstored/host/words.h"

#include <string.h>
#include <talloc.h>

#include "xenstored/host/meter.h"

static bool words_room(struct words *w, size_t more)
{
	size_t room = w->room ? w->room : 1024;
	char *text;

	if (w->len + more <= w->room)
		return true;
	if (!w->parent || w->over) {
		w->over = true;
		return false;
	}
	while (room < w->len + more)
		room *= 2;
	text = talloc_realloc(w->parent, w->text, char, room);
	if (!text) {
		w->over = true;
		return false;
	}
	w->text = text;
	w->room = room;
	return true;
}

void words_bytes(struct words *w, const char *bytes, size_t len)
{
	if (!words_room(w, len))
		return;
	memcpy(w->text + w->len, bytes, len);
	w->len += len;
}

void words_add(struct words *w, const char *text)
{
	words_bytes(w, text, strlen(text));
}

static void words_digits(struct words *w, uint64_t v)
{
	char digit[20];
	unsigned int n = sizeof(digit);

	do {
		digit[--n] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	words_bytes(w, digit + n, sizeof(digit) - n);
}

void words_number(struct words *w, const char *key, uint64_t v)
{
	words_add(w, key);
	words_digits(w, v);
}

void words_signed(struct words *w, const char *key, int64_t v)
{
	words_add(w, key);
	if (v < 0)
		words_add(w, "-");
	words_digits(w, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

void words_value(struct words *w, const char *key, struct span value)
{
	static const char digit[] = "0123456789ABCDEF";

	words_add(w, key);
	for (size_t i = 0; i < value.len; i++) {
		unsigned char b = (unsigned char)value.at[i];
		char escape[3] = { '%', digit[b >> 4], digit[b & 15] };

		if (b > ' ' && b <= '~' && b != '%')
			words_bytes(w, value.at + i, 1);
		else
			words_bytes(w, escape, sizeof(escape));
	}
}

void words_text(struct words *w, const char *key, const char *value)
{
	words_value(w, key, (struct span){ value, strlen(value) });
}

void words_histogram(struct words *w, const char *key,
		     const struct meter_histogram *m)
{
	static const struct meter_histogram none;
	const char *comma = "";

	if (!m)
		m = &none;
	words_add(w, key);
	words_add(w, "=");
	for (unsigned int i = 0; i < METER_BUCKETS; i++) {
		if (!m->bucket[i])
			continue;
		words_number(w, comma, i);
		words_number(w, ":", m->bucket[i]);
		comma = ",";
	}
	words_add(w, key);
	words_number(w, "_sum_us=", m->sum);
	words_add(w, key);
	words_number(w, "_max_us=", m->max);
}
