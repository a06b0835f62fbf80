// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Records of different lengths in a ring.  None is split: where the end of
 * the ring has no room for one, a record of size 0 there says to go on at the
 * start.  Positions count bytes for ever; their place is the remainder.
 */
#include "xenstored/host/tap.h"

#include <string.h>
#include <talloc.h>

#define BUFFER_SIZE (1u << 20)

struct tap_buffer {
	uint64_t tail, head;	/* of the oldest record, and of the next */
	uint32_t seq;		/* of the next */
	uint32_t count;
	uint64_t dropped;
	_Alignas(struct tap_record) char bytes[BUFFER_SIZE];
};

_Static_assert(!(BUFFER_SIZE % _Alignof(struct tap_record)), "they line up");

struct tap_buffer *tap_buffer_new(void *parent)
{
	struct tap_buffer *b = talloc(parent, struct tap_buffer);

	if (!b)
		return NULL;
	b->tail = b->head = 0;
	b->seq = 1;
	b->count = 0;
	b->dropped = 0;
	return b;
}

static struct tap_record *at(const struct tap_buffer *b, uint64_t position)
{
	/* Aligned: every size is a multiple of the alignment. */
	return (void *)(uintptr_t)(b->bytes + position % BUFFER_SIZE);
}

/* The room between a position and the ring's end. */
static size_t to_end(uint64_t position)
{
	return BUFFER_SIZE - (size_t)(position % BUFFER_SIZE);
}

/* Is this where one has to go on at the start? */
static uint64_t step_over(const struct tap_buffer *b, uint64_t position)
{
	if (to_end(position) < sizeof(struct tap_record) ||
	    !at(b, position)->size)
		position += to_end(position);
	return position;
}

/* The oldest goes; its place is the room that follows the newest. */
static void buffer_drop(struct tap_buffer *b)
{
	b->tail = step_over(b, b->tail);
	b->tail += at(b, b->tail)->size;
	b->count--;
}

static void buffer_room(struct tap_buffer *b, size_t size)
{
	if (to_end(b->head) < size)
		size += to_end(b->head);
	while (b->count && b->head + size > b->tail + BUFFER_SIZE) {
		buffer_drop(b);
		b->dropped++;
	}
	if (!b->count)
		b->tail = b->head;
}

void tap_buffer_put(struct tap_buffer *b, const struct tap_record *r,
		    const struct tap_bytes *bytes)
{
	size_t align = _Alignof(struct tap_record);
	size_t size = sizeof(*r) + r->path_kept + (size_t)r->request_kept +
		      r->reply_kept;
	char *to;

	size = (size + align - 1) / align * align;
	buffer_room(b, size);
	if (to_end(b->head) < size) {
		if (to_end(b->head) >= sizeof(*r))
			at(b, b->head)->size = 0;
		b->head += to_end(b->head);
	}
	to = (char *)at(b, b->head);
	memcpy(to, r, sizeof(*r));
	at(b, b->head)->size = (uint32_t)size;
	at(b, b->head)->seq = b->seq;
	to += sizeof(*r);
	memcpy(to, bytes->path, r->path_kept);
	memcpy(to + r->path_kept, bytes->request, r->request_kept);
	memcpy(to + r->path_kept + r->request_kept, bytes->reply,
	       r->reply_kept);
	b->head += size;
	b->count++;
	/* 0 is no number: it asks for the oldest. */
	if (!++b->seq)
		b->seq = 1;
}

void tap_buffer_got(struct tap_buffer *b, uint32_t seq)
{
	while (seq && b->count) {
		const struct tap_record *r = at(b, step_over(b, b->tail));

		/* Numbers wrap: what counts is which way is shorter. */
		if ((int32_t)(r->seq - seq) >= 0)
			break;
		buffer_drop(b);
	}
}

const struct tap_record *tap_buffer_next(const struct tap_buffer *b,
					 const struct tap_record *r,
					 struct tap_bytes *bytes)
{
	uint64_t position = b->tail;
	const char *data;

	if (!b->count)
		return NULL;
	if (r) {
		/* Its position from its place: at most one ring from tail. */
		uint64_t place = (uint64_t)((const char *)r - b->bytes);

		position = b->tail + (place + BUFFER_SIZE -
				      b->tail % BUFFER_SIZE) % BUFFER_SIZE +
			   r->size;
	}
	if (position == b->head)
		return NULL;
	position = step_over(b, position);
	r = at(b, position);
	data = (const char *)(r + 1);
	bytes->path = data;
	bytes->request = data + r->path_kept;
	bytes->reply = data + r->path_kept + r->request_kept;
	return r;
}

uint32_t tap_buffer_seq(const struct tap_buffer *b)
{
	return b->seq;
}

uint32_t tap_buffer_count(const struct tap_buffer *b)
{
	return b->count;
}

uint64_t tap_buffer_dropped(const struct tap_buffer *b)
{
	return b->dropped;
}
