/* SPDX-License-Identifier: MIT */
/* The outbox: session_box.h says what lies where. */
#include "config.h"

#include "lib/session_box.h"

#include <errno.h>
#include <string.h>

enum { HEAD = PX_SESSION_OVERHEAD };

void session_put64(char *to, uint64_t n)
{
	for (int i = 7; i >= 0; i--, n >>= 8)
		to[i] = (char)(n & 255);
}

void session_put32(char *to, uint32_t n)
{
	for (int i = 3; i >= 0; i--, n >>= 8)
		to[i] = (char)(n & 255);
}

uint64_t session_get64(const char *from)
{
	uint64_t n = 0;

	for (int i = 0; i < 8; i++)
		n = n << 8 | (uint8_t)from[i];
	return n;
}

uint32_t session_get32(const char *from)
{
	uint32_t n = 0;

	for (int i = 0; i < 4; i++)
		n = n << 8 | (uint8_t)from[i];
	return n;
}

void session_box_init(struct session_box *b, void *memory, size_t size,
		      uint64_t first)
{
	memset(b, 0, sizeof(*b));
	b->at = memory;
	b->size = size;
	b->first = b->next = first;
}

static size_t record_size(const struct session_box *b, size_t at)
{
	return HEAD + session_get32(b->at + at + 9);
}

/* Where a record that needs so much goes; false if nowhere. */
static bool find_room(struct session_box *b, size_t need)
{
	if (b->wrapped)
		return b->head - b->tail >= need;
	if (b->size - b->tail >= need)
		return true;
	if (b->head < need)
		return false;
	b->end = b->tail;
	b->tail = 0;
	b->wrapped = true;
	return true;
}

int session_box_add(struct session_box *b, const void *data, size_t len)
{
	char *at;

	if (!find_room(b, HEAD + len))
		return -EAGAIN;
	at = b->at + b->tail;
	at[0] = SESSION_RECORD;
	session_put64(at + 1, b->next++);
	session_put32(at + 9, (uint32_t)len);
	if (len)
		memcpy(at + HEAD, data, len);
	b->tail += HEAD + len;
	return 0;
}

void session_box_drop(struct session_box *b)
{
	b->head += record_size(b, b->head);
	b->first++;
	if (b->first == b->next) {
		b->head = b->tail = 0;
		b->wrapped = false;
	} else if (b->wrapped && b->head == b->end) {
		b->head = 0;
		b->wrapped = false;
	}
}

bool session_box_step(const struct session_box *b,
		      struct px_session_message *m)
{
	bool begin = !m->number || m->number < b->first;
	uint64_t number = begin ? b->first : m->number + 1;
	size_t at = b->head;

	if (number >= b->next)
		return false;
	if (!begin)
		at = m->at + record_size(b, m->at);
	if (b->wrapped && at == b->end)
		at = 0;
	m->number = number;
	m->at = at;
	m->len = session_get32(b->at + at + 9);
	m->data = b->at + at + HEAD;
	return true;
}

void session_box_renumber(struct session_box *b, uint64_t first)
{
	struct px_session_message m = { 0 };
	uint64_t number = first;

	while (session_box_step(b, &m))
		session_put64(b->at + m.at + 1, number++);
	b->first = first;
	b->next = number;
}

struct span session_box_run(const struct session_box *b,
			    struct px_session_message *hint, uint64_t limit,
			    size_t max, uint64_t *next)
{
	struct px_session_message m = *hint;
	struct span run = { NULL, 0 };

	while (session_box_step(b, &m) && m.number < limit) {
		const char *at = b->at + m.at;

		if (run.len && (at != run.at + run.len ||
				run.len + HEAD + m.len > max))
			break;
		if (!run.len)
			run.at = at;
		run.len += HEAD + m.len;
		*hint = m;
		*next = m.number + 1;
	}
	return run;
}

bool session_record_next(struct cursor *c, uint64_t *number,
			 struct span *data)
{
	size_t len;

	if (cursor_left(c) < HEAD || c->at[0] != SESSION_RECORD)
		return false;
	len = session_get32(c->at + 9);
	if (len > cursor_left(c) - HEAD)
		return false;
	*number = session_get64(c->at + 1);
	*data = (struct span){ c->at + HEAD, len };
	c->at += HEAD + len;
	return true;
}
