// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A checkpoint's records; see checkpoint_read.h.  The host's fields are found
 * by their names, so that a later daemon may write more of them.
 */
#include "xenstored/host/checkpoint_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cursor.h"
#include "xenstored/host/checkpoint.h"

#define GATHER_ROOM 1024u

static bool gather_room(struct checkpoint_records *r)
{
	size_t room = r->room ? 2 * r->room : GATHER_ROOM;
	struct image_record *record;

	if (r->count < r->room)
		return true;
	record = realloc(r->record, room * sizeof(*record));
	if (!record)
		return false;
	r->record = record;
	r->room = room;
	return true;
}

int checkpoint_gather(struct checkpoint_records *r, const char *key,
		      const void *value, size_t len)
{
	size_t key_len = strlen(key) + 1;
	/* One block for both, and no talloc header for each. */
	char *copy = gather_room(r) ? malloc(key_len + len) : NULL;

	if (!copy)
		return -ENOMEM;
	memcpy(copy, key, key_len);
	if (len)
		memcpy(copy + key_len, value, len);
	r->record[r->count++] = (struct image_record){
		.key = copy, .value = copy + key_len, .len = len,
	};
	return 0;
}

void checkpoint_gathered(struct checkpoint_records *r)
{
	for (size_t i = 0; i < r->count; i++)
		free((void *)(uintptr_t)r->record[i].key);
	free(r->record);
	memset(r, 0, sizeof(*r));
}

/* `name=123 ` somewhere in a short text. */
static bool text_number(const void *text, size_t len, const char *name,
			uint64_t *out)
{
	struct cursor c = cursor_of(text, len);
	size_t n = strlen(name);

	while (cursor_left(&c) > n) {
		const char *end = memchr(c.at, ' ', cursor_left(&c));
		struct span s;

		if (!end)
			return false;
		s.at = c.at + n + 1;
		s.len = end > s.at ? (size_t)(end - s.at) : 0;
		if (!memcmp(c.at, name, n) && c.at[n] == '=')
			return span_number(s, UINT64_MAX, out);
		c.at = end + 1;
	}
	return false;
}

/* Newer than the rest: an older daemon did not write them. */
static void host_later(const void *value, size_t len,
		       struct checkpoint_host *out)
{
	char name[48];

	if (!text_number(value, len, "restarts", &out->restarts))
		out->restarts = 0;
	if (!text_number(value, len, "ids", &out->ids))
		out->ids = 0;
	if (!text_number(value, len, "boot", &out->boot))
		out->boot = 0;
	for (int i = 0; i < QUOTA_COUNT; i++) {
		limits_name((enum quota_id)i, name);
		if (!text_number(value, len, name, &out->given[i]))
			out->given[i] = LIMITS_NONE;
	}
}

int checkpoint_host_read(const void *value, size_t len,
			 struct checkpoint_host *out)
{
	uint64_t format;

	if (!text_number(value, len, "format", &format))
		return -EPROTO;
	if (format != CHECKPOINT_FORMAT)
		return -ENOTSUP;
	host_later(value, len, out);
	return text_number(value, len, "segment", &out->segment) &&
	       text_number(value, len, "virq", &out->virq) &&
	       text_number(value, len, "priv", &out->priv) &&
	       text_number(value, len, "features", &out->features) &&
	       text_number(value, len, "output_max", &out->output_max) ?
	       0 : -EPROTO;
}

int checkpoint_ring_read(const char *digits, const void *value, size_t len,
			 struct checkpoint_ring *out)
{
	struct span s = { digits, strlen(digits) };

	return span_number(s, MACHINE_SOCKET_BASE - 1, &out->domid) &&
	       text_number(value, len, "port", &out->port) &&
	       text_number(value, len, "remote", &out->remote) &&
	       text_number(value, len, "req_cons", &out->req_cons) &&
	       text_number(value, len, "rsp_prod", &out->rsp_prod) ?
	       0 : -EPROTO;
}
