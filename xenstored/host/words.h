/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The records of docs/protocol/control.md put into words: `key=value` pairs
 * and lines.  Numbers have a function of their own, as a walk over thousands
 * of domains is mostly numbers.
 *
 * Text goes into room that grows as a talloc child of `parent`, or, with no
 * parent, into a given buffer.  What finds no room is left out and `over` is
 * set, which is looked at once, at the end.
 */
#ifndef HOST_WORDS_H
#define HOST_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/cursor.h"

struct meter_histogram;

struct words {
	void *parent;		/* NULL: `text` is given and stays */
	char *text;		/* not ended by a NUL */
	size_t len, room;
	bool over;
};

/* Plain text, as a key with its '=' is. */
void words_add(struct words *w, const char *text);
void words_bytes(struct words *w, const char *bytes, size_t len);
/* " key=" is written as given: with its blank, but for a line's first. */
void words_number(struct words *w, const char *key, uint64_t v);
void words_signed(struct words *w, const char *key, int64_t v);
/* Any bytes, escaped. */
void words_value(struct words *w, const char *key, struct span value);
void words_text(struct words *w, const char *key, const char *value);
/* key, key_sum_us and key_max_us. */
void words_histogram(struct words *w, const char *key,
		     const struct meter_histogram *m);

#endif
