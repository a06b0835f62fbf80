/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text of image records: fields written one after the other into a
 * growing buffer, and read back strictly in the same order (image.h).
 */
#ifndef CORE_FIELD_H
#define CORE_FIELD_H

#include "protocol/cursor.h"

struct acl;

struct field_out {
	char *text;
	size_t len, room;
	bool failed;		/* no memory: what is there is worthless */
};

void field_start(struct field_out *o);
void field_end(struct field_out *o);
void field_number(struct field_out *o, const char *name, uint64_t v);
void field_bytes(struct field_out *o, const char *name, const void *bytes,
		 size_t len);
/* Entries and age of an access list. */
void field_acl(struct field_out *o, const struct acl *acl);

struct field_in {
	struct cursor c;
	bool failed;		/* not what was expected; values read are 0 */
};

struct field_in field_of(const void *bytes, size_t len);
uint64_t field_take_number(struct field_in *i, const char *name, uint64_t max);
/* Points into the record. */
struct span field_take_bytes(struct field_in *i, const char *name, size_t max);
/* A new list, or NULL with `failed` set (also for want of memory). */
struct acl *field_take_acl(struct field_in *i);
/* True if nothing failed and nothing is left. */
bool field_over(const struct field_in *i);

#endif
