/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The output queue; see conn.h. */
#include "xenstored/core/output.h"
#include "xenstored/core/domain.h"
#include "xenstored/core/mem.h"
#include "xenstored/core/quota.h"
#include "xenstored/core/watch.h"

#include <string.h>

static uint64_t message_cost(const struct message *msg)
{
	return CONN_MESSAGE_COST + msg->len;
}

static void message_init(struct message *msg, const struct wire_header *header)
{
	memset(msg, 0, sizeof(*msg));
	msg->len = WIRE_HEADER_SIZE + header->len;
	wire_header_put(msg->bytes, header);
}

static struct message *message_new(const struct wire_header *header)
{
	struct message *msg =
		mem_block(sizeof(*msg) + WIRE_HEADER_SIZE + header->len);

	if (msg)
		message_init(msg, header);
	return msg;
}

bool conn_reserve(struct conn *c)
{
	if (!c->spare)
		c->spare = mem_block(sizeof(*c->spare) + WIRE_HEADER_SIZE +
				     CONN_SPARE);
	return c->spare;
}

bool conn_has_room(struct conn *c, const struct wire_header *header)
{
	if (header->len > CONN_SPARE && !c->roomy)
		c->roomy = message_new(header);
	return header->len <= CONN_SPARE || c->roomy;
}

/* The room that was set aside. */
static struct message *reply_new(struct conn *c,
				 const struct wire_header *header)
{
	struct message **room = header->len > CONN_SPARE ? &c->roomy :
		&c->spare;
	struct message *msg = *room;

	if (!msg)
		return message_new(header);
	*room = NULL;
	message_init(msg, header);
	return msg;
}

static void message_queue(struct machine *m, struct conn *c,
			  struct message *msg)
{
	msg->conn = c;
	if (!c->out)
		c->unread_since = m->now;
	c->events_waiting += msg->event;
	*c->out_last = msg;
	c->out_last = &msg->next;
	c->out_bytes += msg->len;
	domain_charge(c->domain, QUOTA_MEMORY, message_cost(msg));
	conn_dirty(m, c);
}

static void message_unindex(struct machine *m, struct message *msg)
{
	if (msg->indexed)
		hash_table_remove(&m->events, &msg->link);
	msg->indexed = false;
}

/* Take the first message off the queue. */
static void message_done(struct machine *m, struct conn *c)
{
	struct message *msg = c->out;

	c->out = msg->next;
	if (!c->out)
		c->out_last = &c->out;
	message_unindex(m, msg);
	c->events_waiting -= msg->event;
	domain_return(c->domain, QUOTA_MEMORY, message_cost(msg));
	if (!msg->event) {
		c->reply_bytes -= msg->len;
		c->outstanding--;
		domain_return(c->domain, QUOTA_OUTSTANDING, 1);
	}
	mem_drop(msg);
}

bool conn_reply(struct machine *m, struct conn *c,
		const struct wire_header *header, const void *payload)
{
	struct message *msg = reply_new(c, header);

	if (!msg)
		return false;
	if (header->len)
		memcpy(msg->bytes + WIRE_HEADER_SIZE, payload, header->len);
	c->reply_bytes += msg->len;
	c->outstanding++;
	domain_charge(c->domain, QUOTA_OUTSTANDING, 1);
	message_queue(m, c, msg);
	return true;
}

/* ------------------------------------------------------------ events -- */

/* Is there room for one more event of that size? */
static bool event_room(const struct machine *m, const struct conn *c,
		       size_t len)
{
	if (c->ring && !c->privileged)
		return domain_may(c->domain, QUOTA_MEMORY,
				  CONN_MESSAGE_COST + len);
	return c->out_bytes + len <= m->config.socket_output_max;
}

static uint64_t event_hash(const struct machine *m, const struct conn *c,
			   const char *payload, size_t len)
{
	return hash_bytes(&m->key, c->id, payload, len);
}

static bool event_queued(const struct machine *m, const struct conn *c,
			 uint64_t hash, const char *payload, size_t len)
{
	struct hash_link *l = hash_table_chain(&m->events, hash);

	for (; l; l = l->next) {
		struct message *msg = hash_entry(l, struct message, link);

		if (l->hash == hash && msg->conn == c &&
		    msg->len == WIRE_HEADER_SIZE + len &&
		    !memcmp(msg->bytes + WIRE_HEADER_SIZE, payload, len))
			return true;
	}
	return false;
}

/* In order of setting; matches come in that order, so mostly at the end. */
static void lost_insert(struct conn *c, struct watch *w)
{
	struct list *at = c->lost.prev;

	while (at != &c->lost &&
	       list_entry(at, struct watch, in_lost)->id > w->id)
		at = at->prev;
	list_append(at->next, &w->in_lost);
}

/*
 * Room comes with what is taken; for one who has nothing to take it comes
 * with memory or quota returned elsewhere, so that is looked at in time.
 */
static void starve(struct machine *m, struct conn *c)
{
	bool starved = !list_empty(&c->lost) && !c->out;

	if (starved == !list_empty(&c->in_starved))
		return;
	if (starved)
		list_append(&m->starved, &c->in_starved);
	else
		list_remove(&c->in_starved);
}

static void event_lost(struct machine *m, struct watch *w)
{
	struct conn *c = w->conn;

	c->lost_events++;
	m->counts.lost++;
	if (list_empty(&w->in_lost))
		lost_insert(c, w);
	starve(m, c);
}

static bool event_send(struct machine *m, struct watch *w, struct span path,
		       bool special)
{
	struct wire_header h = { .type = WIRE_WATCH_EVENT };
	char payload[WIRE_PAYLOAD_MAX];
	struct conn *c = w->conn;
	struct message *msg;
	uint64_t hash;

	h.len = (uint32_t)(path.len + 1 + w->token_len + 1);
	if (h.len > WIRE_PAYLOAD_MAX)
		return true;
	memcpy(payload, path.at, path.len);
	payload[path.len] = '\0';
	memcpy(payload + path.len + 1, w->token, w->token_len);
	payload[h.len - 1] = '\0';
	hash = event_hash(m, c, payload, h.len);
	if (!special && event_queued(m, c, hash, payload, h.len)) {
		c->merged++;
		m->counts.merged++;
		return true;
	}
	if (!event_room(m, c, WIRE_HEADER_SIZE + h.len))
		return false;
	msg = message_new(&h);
	if (!msg)
		return false;
	memcpy(msg->bytes + WIRE_HEADER_SIZE, payload, h.len);
	msg->event = true;
	message_queue(m, c, msg);
	if (!special) {
		hash_table_add(&m->events, &msg->link, hash);
		msg->indexed = true;
	}
	c->events++;
	m->counts.events++;
	if (m->config.event)
		m->config.event(m->config.arg, c->id, payload, h.len);
	return true;
}

void conn_event(struct machine *m, struct watch *w, struct span path,
		bool special)
{
	if (w->conn->dead || w->conn->failed)
		return;
	/* What it lost comes first, and covers this one as well. */
	if (!list_empty(&w->in_lost) || !event_send(m, w, path, special))
		event_lost(m, w);
}

void output_make_good(struct machine *m, struct conn *c)
{
	list_each_safe(&c->lost, l) {
		struct watch *w = list_entry(l, struct watch, in_lost);

		if (!event_send(m, w, watch_path(w), w->special))
			break;
		list_remove(&w->in_lost);
	}
	starve(m, c);
}

/* A look at the account before anything is made; there may be many. */
static bool starved_room(const struct machine *m, const struct conn *c)
{
	const struct watch *w = list_entry(c->lost.next, struct watch,
					   in_lost);

	return list_empty(&c->lost) ||
	       event_room(m, c, WIRE_HEADER_SIZE + watch_path(w).len + 1 +
			  w->token_len + 1);
}

void output_tick(struct machine *m)
{
	list_each_safe(&m->starved, l) {
		struct conn *c = list_entry(l, struct conn, in_starved);

		if (c->out)
			list_remove(&c->in_starved);
		else if (starved_room(m, c))
			output_make_good(m, c);
	}
}

/* --------------------------------------------------------- delivery -- */

unsigned int conn_output(const struct conn *c, struct machine_span *spans,
			 unsigned int max)
{
	const struct message *msg = c->out;
	size_t skip = c->out_sent;
	unsigned int n = 0;

	for (; msg && n < max; msg = msg->next, skip = 0) {
		spans[n].at = msg->bytes + skip;
		spans[n].len = msg->len - skip;
		n++;
	}
	return n;
}

void conn_taken(struct machine *m, struct conn *c, size_t n)
{
	c->unread_since = m->now;
	while (n && c->out) {
		size_t left = c->out->len - c->out_sent;

		if (n < left) {
			c->out_sent += n;
			c->out_bytes -= n;
			/* It has begun to leave: nothing merges with it. */
			message_unindex(m, c->out);
			break;
		}
		n -= left;
		c->out_bytes -= left;
		c->out_sent = 0;
		message_done(m, c);
	}
	output_make_good(m, c);
	conn_dirty(m, c);
	conn_run(m, c);
}

void output_drop(struct machine *m, struct conn *c)
{
	while (c->out)
		message_done(m, c);
	list_remove(&c->in_starved);
	c->out_sent = 0;
	c->out_bytes = 0;
	mem_drop(c->spare);
	mem_drop(c->roomy);
	c->spare = c->roomy = NULL;
}

bool conn_restore_message(struct machine *m, struct conn *c,
			  const struct wire_header *h, const void *payload,
			  bool event, bool open)
{
	struct message *msg;

	if (!event)
		return !open && conn_reply(m, c, h, payload);
	msg = message_new(h);
	if (!msg)
		return false;
	if (h->len)
		memcpy(msg->bytes + WIRE_HEADER_SIZE, payload, h->len);
	msg->event = true;
	message_queue(m, c, msg);
	if (open) {
		hash_table_add(&m->events, &msg->link,
			       event_hash(m, c, payload, h->len));
		msg->indexed = true;
	}
	return true;
}

bool conn_restore_sent(struct machine *m, struct conn *c, uint64_t sent)
{
	if (!sent)
		return true;
	if (!c->out || sent >= c->out->len)
		return false;
	c->out_sent = sent;
	c->out_bytes -= sent;
	return true;
}

void output_restore_lost(struct machine *m, struct watch *w)
{
	list_append(&w->conn->lost, &w->in_lost);
	starve(m, w->conn);
}
