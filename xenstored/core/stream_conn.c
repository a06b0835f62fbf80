/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections and watches of a stream; see stream.h. */
#include "xenstored/core/stream_read.h"
#include "xenstored/core/conn.h"
#include "xenstored/core/domain.h"
#include "xenstored/core/mem.h"
#include "xenstored/core/watch.h"
#include "protocol/path.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/*
 * The stream does not say which transaction ids a client holds that got
 * lost; so that none of them can be taken for a new one, new ids start here.
 */
#define FIRST_TRANSACTION (1u << 20)

/* Room for one more at the end of an array; false: no memory. */
static bool grow(void **at, size_t count, size_t *room, size_t size)
{
	size_t want = *room ? 2 * *room : 64;
	void *more;

	if (count < *room)
		return true;
	more = mem_grow(*at, want * size);
	if (!more)
		return false;
	*at = more;
	*room = want;
	return true;
}

/* ------------------------------------------------------------- output -- */

/*
 * The rest of a message of which `sent` bytes are gone, those as zeros.
 * False: the rest cannot be that of a message of which so much is gone.
 */
static bool rest_fits(struct span rest, unsigned int sent,
		      struct wire_header *h)
{
	uint8_t head[WIRE_HEADER_SIZE] = { 0 };
	size_t shown = WIRE_HEADER_SIZE - sent;

	memcpy(head + sent, rest.at, shown);
	*h = wire_header_get(head);
	h->len = (uint32_t)(rest.len - shown);
	wire_header_put(head, h);
	return h->len <= WIRE_PAYLOAD_MAX &&
	       !memcmp(head + sent, rest.at, shown);
}

/*
 * What is left of a message that has begun to leave.  Where its header ends
 * does not matter to its reader, but our queue holds whole messages: one is
 * made of which the right number of bytes is gone.
 */
static int restore_rest(struct streaming *s, struct conn *c,
			struct span rest)
{
	struct wire_header h = { .type = WIRE_ERROR };
	unsigned int sent = WIRE_HEADER_SIZE;

	if (rest.len > WIRE_PAYLOAD_MAX) {
		for (sent = 1; sent < WIRE_HEADER_SIZE; sent++)
			if (rest_fits(rest, sent, &h))
				break;
		if (sent == WIRE_HEADER_SIZE)
			return streaming_fail(s, -EPROTO, "a half-sent "
					      "message is damaged");
	} else {
		h.len = (uint32_t)rest.len;
	}
	if (conn_restore_message(s->m, c, &h, rest.at + rest.len - h.len,
				 false, false) &&
	    conn_restore_sent(s->m, c, sent))
		return 0;
	return streaming_fail(s, -ENOMEM, "no memory");
}

static bool is_special_event(struct span payload)
{
	return payload.len && payload.at[0] == '@';
}

static int restore_message(struct streaming *s, struct conn *c,
			   struct stream_in *out)
{
	struct span head = stream_take_bytes(out, WIRE_HEADER_SIZE), payload;
	struct wire_header h = { 0 };
	bool event;

	if (!out->failed)
		h = wire_header_get(head.at);
	payload = stream_take_bytes(out, h.len);
	if (out->failed || h.len > WIRE_PAYLOAD_MAX)
		return streaming_fail(s, -EPROTO, "a message that was not "
				      "sent is damaged");
	event = h.type == WIRE_WATCH_EVENT;
	if (conn_restore_message(s->m, c, &h, payload.at, event,
				 event && !is_special_event(payload)))
		return 0;
	return streaming_fail(s, -ENOMEM, "no memory");
}

static int restore_output(struct streaming *s, struct conn *c, size_t partial,
			  size_t len)
{
	struct stream_in out = { cursor_of(NULL, 0), false };
	struct span all = stream_take_bytes(&s->body, len), rest;
	int err = 0;

	if (s->body.failed || partial > len)
		return streaming_fail(s, -EPROTO, "output of a connection is "
				      "damaged");
	out.c = cursor_of(all.at, all.len);
	rest = stream_take_bytes(&out, partial);
	if (partial)
		err = restore_rest(s, c, rest);
	while (cursor_left(&out.c) && !err)
		err = restore_message(s, c, &out);
	return err;
}

/* -------------------------------------------------------- connections -- */

static int note_conn(struct streaming *s, uint32_t id, const struct conn *c)
{
	size_t at = s->ids;

	if (!id || streaming_conn(s, id))
		return streaming_fail(s, -EPROTO, "connection id %u is "
				      "impossible", id);
	if (!grow((void **)&s->id, s->ids, &s->id_room, sizeof(*s->id)))
		return streaming_fail(s, -ENOMEM, "no memory");
	/* Daemons count upwards; in any case the array stays in order. */
	while (at && s->id[at - 1].id > id) {
		s->id[at] = s->id[at - 1];
		at--;
	}
	s->id[at] = (struct stream_id){ id, c->id };
	s->ids++;
	return 0;
}

static int add_ring(struct streaming *s, struct conn **out)
{
	struct stream_world *w = s->world;
	uint32_t domid = stream_take(&s->body, 2);
	uint32_t target = stream_take(&s->body, 2);
	uint32_t port = stream_take(&s->body, 4);
	struct domain *d;
	int err = streaming_domain(s, domid, true, &d);

	if (err)
		return err;
	if (!d || d->introduced || s->body.failed)
		return streaming_fail(s, -EPROTO, "the ring of domain %u is "
				      "impossible", domid);
	if (!grow((void **)&w->ring, w->rings, &w->ring_room,
		  sizeof(*w->ring)))
		return streaming_fail(s, -ENOMEM, "no memory");
	*out = conn_new_ring(s->m, d);
	if (!*out)
		return streaming_fail(s, -ENOMEM, "no memory");
	d->introduced = true;
	d->port = port;
	d->target = target >= MACHINE_DOMID_FIRST_RESERVED ? -1 :
							     (int32_t)target;
	w->ring[w->rings++] = (struct stream_ring){ domid, port };
	return 0;
}

static int add_socket(struct streaming *s, struct conn **out)
{
	struct stream_world *w = s->world;
	int32_t fd = (int32_t)stream_take(&s->body, 4);
	uint32_t id = MACHINE_SOCKET_BASE + (uint32_t)w->clients;

	stream_take(&s->body, 4);
	if (fd < 0 || s->body.failed)
		return streaming_fail(s, -EPROTO, "socket %d is impossible",
				      fd);
	if (!grow((void **)&w->client, w->clients, &w->client_room,
		  sizeof(*w->client)))
		return streaming_fail(s, -ENOMEM, "no memory");
	*out = conn_new_socket(s->m, id);
	if (!*out)
		return streaming_fail(s, -ENOMEM, "no memory");
	w->client[w->clients++] = (struct stream_client){ id, fd };
	return 0;
}

int streaming_connection(struct streaming *s)
{
	uint32_t id = stream_take(&s->body, 4);
	uint32_t type = stream_take(&s->body, 2);
	size_t in_len, partial, out_len;
	struct span input;
	struct conn *c;
	int err;

	stream_take(&s->body, 2);
	if (type != STREAM_RING && type != STREAM_SOCKET)
		return streaming_fail(s, -EPROTO, "connection type %u is not "
				      "known", type);
	err = type == STREAM_RING ? add_ring(s, &c) : add_socket(s, &c);
	if (!err)
		err = note_conn(s, id, c);
	if (err)
		return err;
	c->transaction_id = FIRST_TRANSACTION;
	in_len = stream_take(&s->body, 2);
	partial = stream_take(&s->body, 2);
	out_len = stream_take(&s->body, 4);
	input = stream_take_bytes(&s->body, in_len);
	if (s->body.failed || input.len > CONN_INPUT_MAX)
		return streaming_fail(s, -EPROTO, "input of a connection is "
				      "damaged");
	if (!conn_restore_input(c, input.at, input.len))
		return streaming_fail(s, -ENOMEM, "no memory");
	return restore_output(s, c, partial, out_len);
}

/* ------------------------------------------------------------ watches -- */

static int add_watch(struct streaming *s, struct conn *c, struct span given,
		     struct span token, int32_t depth)
{
	enum path_kind kind = path_kind(given);
	char room[WIRE_ABS_PATH_MAX + 64];
	struct span path = given;
	uint16_t prefix = 0;

	if (kind == PATH_RELATIVE) {
		prefix = (uint16_t)snprintf(room, sizeof(room),
					    "/local/domain/%u/",
					    c->domain->domid);
		memcpy(room + prefix, given.at, given.len);
		path = (struct span){ room, prefix + given.len };
	}
	if (kind == PATH_BAD || path.len > WIRE_ABS_PATH_MAX ||
	    token.len > WIRE_PAYLOAD_MAX || watch_find(s->m, c, path, token))
		return streaming_fail(s, -EPROTO, "the watch \"%.*s\" is "
				      "impossible", (int)given.len,
				      given.at);
	if (!watch_add(s->m, c, path, prefix, token, depth))
		return streaming_fail(s, -ENOMEM, "no memory");
	return 0;
}

static int read_watch(struct streaming *s, bool extended)
{
	struct conn *c = streaming_conn(s, stream_take(&s->body, 4));
	size_t path_len = stream_take(&s->body, 2);
	size_t token_len = stream_take(&s->body, 2);
	uint32_t depth = STREAM_DEPTH_ALL;
	struct span path, token;

	if (extended) {
		depth = stream_take(&s->body, 2);
		stream_take(&s->body, 2);
	}
	path = stream_take_text(&s->body, path_len);
	token = stream_take_text(&s->body, token_len);
	if (s->body.failed || !c)
		return streaming_fail(s, -EPROTO, "a watch is damaged, or of "
				      "no connection");
	return add_watch(s, c, path, token, depth == STREAM_DEPTH_ALL ? -1 :
			 (int32_t)depth);
}

int streaming_watch(struct streaming *s)
{
	return read_watch(s, false);
}

int streaming_watch_extended(struct streaming *s)
{
	return read_watch(s, true);
}
