/* SPDX-License-Identifier: MIT */
/* Groups and entries of a session's file; see session_log.h. */
#include "config.h"

#include "lib/session_log.h"

#include <string.h>

/* CRC-32 of IEEE 802.3, four bits at a time: 16 words instead of 256. */
uint32_t session_crc(uint32_t crc, const char *bytes, size_t len)
{
	static const uint32_t nibble[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
		0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
		0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};

	crc = ~crc;
	for (size_t i = 0; i < len; i++) {
		crc ^= (uint8_t)bytes[i];
		crc = crc >> 4 ^ nibble[crc & 15];
		crc = crc >> 4 ^ nibble[crc & 15];
	}
	return ~crc;
}

void session_group_begin(struct session_group *g, char *buffer)
{
	g->at = buffer;
	g->len = SESSION_LOG_HEAD;
}

void session_group_id(struct session_group *g, char type,
		      const struct px_session_id *id, uint64_t number)
{
	g->at[g->len] = type;
	session_put_id(g->at + g->len + 1, id);
	session_put64(g->at + g->len + 1 + SESSION_ID_SIZE, number);
	g->len += SESSION_GREETING_SIZE;
}

void session_group_first(struct session_group *g, uint64_t first)
{
	g->at[g->len] = 'F';
	session_put64(g->at + g->len + 1, first);
	g->len += 9;
}

void session_group_bytes(struct session_group *g, char type, uint64_t number,
			 const void *bytes, size_t len)
{
	g->at[g->len++] = type;
	if (type == SESSION_RECORD) {
		session_put64(g->at + g->len, number);
		g->len += 8;
	}
	session_put32(g->at + g->len, (uint32_t)len);
	g->len += 4;
	if (len)
		memcpy(g->at + g->len, bytes, len);
	g->len += len;
}

size_t session_group_end(struct session_group *g, uint64_t number)
{
	session_put32(g->at, (uint32_t)(g->len - SESSION_LOG_HEAD));
	session_put64(g->at + 8, number);
	session_put32(g->at + 4, session_crc(0, g->at + 8, g->len - 8));
	return g->len;
}

void session_head(const char *head, size_t *len, uint32_t *crc)
{
	*len = session_get32(head);
	*crc = session_get32(head + 4);
}

static bool take_bytes(struct cursor *c, size_t at, struct span *bytes)
{
	size_t len;

	if (cursor_left(c) < at + 4)
		return false;
	len = session_get32(c->at + at);
	if (len > cursor_left(c) - at - 4)
		return false;
	*bytes = (struct span){ c->at + at + 4, len };
	c->at += at + 4 + len;
	return true;
}

bool session_entry_next(struct cursor *c, struct session_entry *e)
{
	size_t left = cursor_left(c);

	if (!left)
		return false;
	memset(e, 0, sizeof(*e));
	e->type = c->at[0];
	if (e->type == 'F' && left >= 9) {
		e->number = session_get64(c->at + 1);
		c->at += 9;
		return true;
	}
	if ((e->type == 'S' || e->type == 'M') &&
	    left >= SESSION_GREETING_SIZE) {
		e->id = session_get_id(c->at + 1);
		e->number = session_get64(c->at + 1 + SESSION_ID_SIZE);
		c->at += SESSION_GREETING_SIZE;
		return true;
	}
	if (e->type == SESSION_RECORD)
		return session_record_next(c, &e->number, &e->bytes);
	return e->type == 'A' && take_bytes(c, 1, &e->bytes);
}
