/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bytes under the stream; see stream_format.h. */
#include "xenstored/core/stream_format.h"
#include "xenstored/core/mem.h"

#include <string.h>

#define STREAM_ROOM 65536
#define STREAM_ALIGN 8

static bool out_room(struct stream_out *o, size_t more)
{
	size_t room = o->room ? o->room : STREAM_ROOM;
	uint8_t *at;

	if (o->failed)
		return false;
	if (more <= o->room - o->len)
		return true;
	while (room - o->len < more)
		room *= 2;
	at = mem_grow(o->at, room);
	if (!at) {
		o->failed = true;
		return false;
	}
	o->at = at;
	o->room = room;
	return true;
}

void stream_drop(struct stream_out *o)
{
	mem_drop(o->at);
	memset(o, 0, sizeof(*o));
}

void stream_bytes(struct stream_out *o, const void *bytes, size_t len)
{
	if (!len || !out_room(o, len))
		return;
	memcpy(o->at + o->len, bytes, len);
	o->len += len;
}

static void little(uint8_t *at, uint32_t v, unsigned int size)
{
	for (unsigned int i = 0; i < size; i++)
		at[i] = (uint8_t)(v >> 8 * i);
}

static void stream_word(struct stream_out *o, uint32_t v, unsigned int size)
{
	uint8_t word[4];

	little(word, v, size);
	stream_bytes(o, word, size);
}

void stream_u8(struct stream_out *o, unsigned int v)
{
	stream_word(o, v, 1);
}

void stream_u16(struct stream_out *o, unsigned int v)
{
	stream_word(o, v, 2);
}

void stream_u32(struct stream_out *o, uint32_t v)
{
	stream_word(o, v, 4);
}

void stream_be32(struct stream_out *o, uint32_t v)
{
	stream_word(o, __builtin_bswap32(v), 4);
}

size_t stream_begin(struct stream_out *o, enum stream_type type)
{
	stream_u32(o, type);
	stream_u32(o, 0);
	return o->len;
}

void stream_end(struct stream_out *o, size_t begun)
{
	static const uint8_t zero[STREAM_ALIGN];

	stream_bytes(o, zero, -(o->len - begun) % STREAM_ALIGN);
	if (!o->failed)
		little(o->at + begun - 4, (uint32_t)(o->len - begun), 4);
}

/* ------------------------------------------------------------ reading -- */

struct span stream_take_bytes(struct stream_in *in, size_t len)
{
	struct span s = { in->c.at, len };

	if (in->failed || len > cursor_left(&in->c)) {
		in->failed = true;
		s.len = 0;
		return s;
	}
	in->c.at += len;
	return s;
}

uint32_t stream_take(struct stream_in *in, unsigned int size)
{
	struct span s = stream_take_bytes(in, size);
	uint32_t v = 0;

	for (size_t i = 0; i < s.len; i++)
		v |= (uint32_t)(uint8_t)s.at[i] << 8 * i;
	return v;
}

uint32_t stream_take_be32(struct stream_in *in)
{
	return __builtin_bswap32(stream_take(in, 4));
}

struct span stream_take_text(struct stream_in *in, size_t len)
{
	struct span s = stream_take_bytes(in, len);

	if (!s.len || s.at[s.len - 1] || memchr(s.at, 0, s.len - 1)) {
		in->failed = true;
		s.len = 0;
		return s;
	}
	s.len--;
	return s;
}
