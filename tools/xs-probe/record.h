/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The records of the daemon's machine-readable replies (docs/protocol,
 * control): `key=value` pairs separated by one space, bytes outside '!'..'~'
 * and '%' written as %XX.  Unknown keys are kept, for --json shows them.
 */
#ifndef XS_PROBE_RECORD_H
#define XS_PROBE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#define RECORD_FIELDS_MAX 64

struct record_field {
	const char *key;
	const char *value;	/* decoded, NUL-ended */
	size_t len;		/* a value may contain NULs */
};

struct record {
	unsigned int count;
	struct record_field field[RECORD_FIELDS_MAX];
};

/*
 * Split a line (without its newline) and decode it in place; the record
 * points into it.  -EBADMSG: no key, no '=', a bad escape, or a byte that
 * should have been escaped; -E2BIG: more than RECORD_FIELDS_MAX fields.
 */
int record_parse(char *line, struct record *record);

/* A key's field, with its length, for values that may have NULs; or NULL. */
const struct record_field *record_find(const struct record *record,
				       const char *key);
/* The value of a key, NULL if there is none. */
const char *record_text(const struct record *record, const char *key);
/* A decimal value; false, and *number 0, if it is not there or not one. */
bool record_number(const struct record *record, const char *key,
		   uint64_t *number);

/*
 * A new object with all fields: whole decimal numbers, signed or not, as
 * numbers (save for keys that are names or texts), anything else as strings;
 * a value that is not UTF-8 as {"hex": "..."}.  NULL without memory.
 */
json_t *record_json(const struct record *record);
/* Any bytes as a JSON string, or {"hex": ...}; NULL without memory. */
json_t *record_json_bytes(const char *bytes, size_t len);

#endif
