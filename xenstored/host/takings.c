// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Walks over topics; see takings.h.  A cursor is a walk's number and that of
 * the page within it: one that was given to another walk is found out.  The
 * page before the present one may be asked for again, as a client does that
 * lost its reply; the last one not, as the walk is freed with it: most are of
 * one page, and would stand in the way of others.
 */
#include "xenstored/host/takings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

#include "xenstored/host/host.h"
#include "xenstored/host/words.h"

#define TAKINGS 8u
#define TAKING_LIFE 10000000u	/* microseconds */
#define PAGE_BITS 20
#define PAGE_MASK ((1u << PAGE_BITS) - 1)
#define WALK_MASK ((1u << (32 - PAGE_BITS)) - 1)

struct taking {
	uint32_t conn;
	uint32_t walk;
	uint32_t page;		/* the next one's number */
	uint64_t when;
	char *text;
	size_t len, before, at;	/* the page before begins, the next one does */
};

struct takings {
	struct taking *taking[TAKINGS];
	uint32_t walk;		/* last number given */
};

static const struct {
	const char *name;
	uint32_t (*take)(struct host *h, struct words *w, struct span about);
	bool about;
} topics[] = {
	{ "load", topic_load },
	{ "clients", topic_clients },
	{ "limits", topic_limits },
	{ "ops", topic_ops },
	{ "transactions", topic_transactions },
	{ "conflicts", topic_conflicts },
	{ "refusals", topic_refusals },
	{ "who", topic_who, true },
};

/* What nobody comes back for; and the oldest, if there is no free place. */
static struct taking **taking_slot(struct host *h)
{
	struct taking **oldest = &h->takings->taking[0];

	for (unsigned int i = 0; i < TAKINGS; i++) {
		struct taking **t = &h->takings->taking[i];

		if (*t && h->now - (*t)->when > TAKING_LIFE)
			TALLOC_FREE(*t);
		if (!*t || (*oldest && (*t)->when < (*oldest)->when))
			oldest = t;
	}
	TALLOC_FREE(*oldest);
	return oldest;
}

static struct taking **taking_find(struct host *h, uint32_t conn,
				   uint32_t walk)
{
	for (unsigned int i = 0; i < TAKINGS; i++) {
		struct taking *t = h->takings->taking[i];

		if (t && t->walk == walk && t->conn == conn)
			return &h->takings->taking[i];
	}
	return NULL;
}

/* How many whole lines of what begins at `text` fit into `room` bytes. */
static size_t whole_lines(const char *text, size_t len, size_t room)
{
	const char *end;

	if (len <= room)
		return len;
	end = memrchr(text, '\n', room);
	return end ? (size_t)(end - text) + 1 : 0;
}

static size_t page_put(struct host *h, uint32_t next, const char *text,
		       size_t len)
{
	int n = snprintf((char *)h->reply, sizeof(h->reply), "%u\n", next);

	if (len)
		memcpy(h->reply + n, text, len);
	return (size_t)n + len;
}

/* The next page of one; the last one frees it. */
static size_t taking_page(struct host *h, struct taking **slot)
{
	struct taking *t = *slot;
	size_t room = sizeof(h->reply) - sizeof("4294967295\n");
	size_t put, len = t->len > t->at ?
		whole_lines(t->text + t->at, t->len - t->at, room) : 0;

	t->before = t->at;
	t->at += len;
	t->page++;
	/* A record has room in a page; one that has not would end the walk. */
	if (t->at < t->len && len)
		return page_put(h, t->walk << PAGE_BITS | t->page,
				t->text + t->before, len);
	put = page_put(h, 0, len ? t->text + t->before : NULL, len);
	TALLOC_FREE(*slot);
	return put;
}

static uint32_t takings_next(struct host *h, uint32_t conn, uint32_t cursor,
			     size_t *len)
{
	struct taking **slot = h->takings ?
		taking_find(h, conn, cursor >> PAGE_BITS) : NULL;
	uint32_t page = cursor & PAGE_MASK;

	if (!slot)
		return EAGAIN;
	if (page + 1 == (*slot)->page && page) {
		(*slot)->at = (*slot)->before;
		(*slot)->page--;
	}
	if (page != (*slot)->page)
		return EAGAIN;
	*len = taking_page(h, slot);
	return 0;
}

static uint32_t takings_first(struct host *h, uint32_t conn, unsigned int row,
			      struct span about, size_t *len)
{
	struct taking **slot = taking_slot(h);
	struct words w = { 0 };
	uint32_t error;

	*slot = talloc_zero(h->takings, struct taking);
	if (!*slot)
		return ENOMEM;
	w.parent = *slot;
	error = topics[row].take(h, &w, about);
	if (!error && w.over)
		error = ENOMEM;
	if (error) {
		TALLOC_FREE(*slot);
		return error;
	}
	h->takings->walk = (h->takings->walk + 1) & WALK_MASK;
	if (!h->takings->walk)
		h->takings->walk = 1;
	(*slot)->conn = conn;
	(*slot)->walk = h->takings->walk;
	(*slot)->when = h->now;
	(*slot)->text = w.text;
	(*slot)->len = w.len;
	*len = taking_page(h, slot);
	return 0;
}

uint32_t takings_page(struct host *h, uint32_t conn, struct span topic,
		      uint32_t cursor, size_t *len)
{
	const char *equals = memchr(topic.at, '=', topic.len);
	struct span name = topic, about = { "", 0 };

	if (equals) {
		name.len = (size_t)(equals - topic.at);
		about.at = equals + 1;
		about.len = topic.len - name.len - 1;
	}
	if (!h->takings)
		h->takings = talloc_zero(h, struct takings);
	if (!h->takings)
		return ENOMEM;
	for (unsigned int i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
		if (!span_is(name, topics[i].name))
			continue;
		if ((equals != NULL) != topics[i].about)
			return EINVAL;
		return cursor ? takings_next(h, conn, cursor, len) :
			takings_first(h, conn, i, about, len);
	}
	return ENOENT;
}
