// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Taps; see tap.h.  The machine tells of a request when it is done and then
 * of its reply, so a request is put aside for a moment; what of it no tap
 * wants is not copied.
 */
#include "xenstored/host/tap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>
#include <time.h>

#include "protocol/path.h"
#include "xenstored/host/client.h"
#include "xenstored/host/guest.h"
#include "xenstored/host/host.h"
#include "xenstored/host/tap_filter.h"
#include "xenstored/host/words.h"

#define TAP_IDLE 10000000u	/* microseconds without a reader */

struct tap {
	uint32_t conn;
	uint64_t read_at;
	struct tap_filter filter;
	struct tap_buffer *buffer;
};

struct taps {
	struct tap *tap[TAPS_MAX];
	uint64_t dropped;	/* by those that are gone */
	/* The request whose reply is awaited. */
	unsigned int wanted;	/* a bit for each tap; 0: by none */
	struct tap_record r;
	char path[TAP_PATH_MAX];
	char request[TAP_KEEP_MAX];
};

static void tap_end(struct host *h, unsigned int i)
{
	struct taps *taps = h->taps;

	taps->dropped += tap_buffer_dropped(taps->tap[i]->buffer);
	TALLOC_FREE(taps->tap[i]);
	taps->wanted &= ~(1u << i);
}

static struct tap *tap_of(struct host *h, uint32_t conn, unsigned int *i)
{
	for (*i = 0; h->taps && *i < TAPS_MAX; (*i)++)
		if (h->taps->tap[*i] && h->taps->tap[*i]->conn == conn)
			return h->taps->tap[*i];
	return NULL;
}

unsigned int tap_count(const struct host *h)
{
	unsigned int n = 0;

	for (unsigned int i = 0; h->taps && i < TAPS_MAX; i++)
		n += h->taps->tap[i] != NULL;
	return n;
}

uint64_t tap_dropped(const struct host *h)
{
	uint64_t n = h->taps ? h->taps->dropped : 0;

	for (unsigned int i = 0; h->taps && i < TAPS_MAX; i++)
		if (h->taps->tap[i])
			n += tap_buffer_dropped(h->taps->tap[i]->buffer);
	return n;
}

/* ------------------------------------------------------------ actions -- */

uint32_t tap_stop(struct host *h, uint32_t conn)
{
	unsigned int i;

	if (!tap_of(h, conn, &i))
		return ENOENT;
	tap_end(h, i);
	return 0;
}

/* The bits of all taps; those that nobody reads any more end. */
static unsigned int taps_alive(struct host *h)
{
	unsigned int alive = 0;

	for (unsigned int i = 0; i < TAPS_MAX; i++) {
		struct tap *t = h->taps->tap[i];

		if (t && h->now - t->read_at > TAP_IDLE)
			tap_end(h, i);
		else if (t)
			alive |= 1u << i;
	}
	return alive;
}

uint32_t tap_start(struct host *h, uint32_t conn, struct cursor *args)
{
	struct tap *t = talloc_zero(h, struct tap);
	unsigned int i;
	uint32_t error;

	if (!h->taps)
		h->taps = talloc_zero(h, struct taps);
	if (!t || !h->taps) {
		talloc_free(t);
		return ENOMEM;
	}
	error = tap_filter_read(&t->filter, t, args);
	if (!error) {
		taps_alive(h);
		tap_stop(h, conn);
		for (i = 0; i < TAPS_MAX && h->taps->tap[i]; i++)
			;
		error = i == TAPS_MAX ? EBUSY : 0;
	}
	if (!error) {
		t->buffer = tap_buffer_new(t);
		error = t->buffer ? 0 : ENOMEM;
	}
	if (error) {
		talloc_free(t);
		return error;
	}
	t->conn = conn;
	t->read_at = h->now;
	h->taps->tap[i] = t;
	return 0;
}

/* -------------------------------------------------------------- pages -- */

static void record_put(struct words *w, const struct tap_record *r,
		       const struct tap_bytes *bytes)
{
	bool socket = r->conn >= MACHINE_SOCKET_BASE;

	words_number(w, "seq=", r->seq);
	words_number(w, " time_us=", r->time_us);
	words_number(w, " conn=", r->conn);
	words_number(w, " domid=", socket ? 0 : r->conn);
	words_text(w, " op=", wire_op_name(r->op));
	words_number(w, " req=", r->req);
	words_number(w, " tx=", r->tx);
	words_number(w, " latency_us=", r->latency_us);
	words_text(w, " result=", r->result == TAP_NO_RESULT ? "-" :
		   r->result ? wire_error_name((int)r->result) : "OK");
	words_number(w, " request_len=", r->request_len);
	words_number(w, " reply_len=", r->reply_len);
	words_value(w, " path=", (struct span){ bytes->path, r->path_kept });
	words_value(w, " request=",
		    (struct span){ bytes->request, r->request_kept });
	words_value(w, " reply=",
		    (struct span){ bytes->reply, r->reply_kept });
	words_add(w, "\n");
}

uint32_t tap_page(struct host *h, uint32_t conn, uint32_t cursor,
		  size_t *len)
{
	char text[sizeof(h->reply)];
	struct words w = { .text = text,
			   .room = sizeof(text) - sizeof("4294967295\n") };
	const struct tap_record *r = NULL;
	struct tap_bytes bytes;
	unsigned int i;
	struct tap *t = tap_of(h, conn, &i);
	uint32_t next;
	int n;

	if (!t)
		return ENOENT;
	t->read_at = h->now;
	tap_buffer_got(t->buffer, cursor);
	next = tap_buffer_seq(t->buffer);
	words_number(&w, "buffered=", tap_buffer_count(t->buffer));
	words_number(&w, " dropped=", tap_buffer_dropped(t->buffer));
	words_add(&w, "\n");
	while ((r = tap_buffer_next(t->buffer, r, &bytes))) {
		size_t before = w.len;

		record_put(&w, r, &bytes);
		if (w.over) {
			w.len = before;
			next = r->seq;
			break;
		}
	}
	n = snprintf((char *)h->reply, sizeof(h->reply), "%u\n", next);
	memcpy(h->reply + n, w.text, w.len);
	*len = (size_t)n + w.len;
	return 0;
}

/* -------------------------------------------------------------- sinks -- */

static uint64_t tap_time(void)
{
	struct timespec ts;

	/* Cannot fail: the clock is there and ts is ours. */
	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* How long ago what is answered now was taken. */
static uint64_t tap_latency(struct host *h, uint32_t conn)
{
	const struct guest *g = conn < MACHINE_SOCKET_BASE ?
		guest_of(h, conn) : NULL;
	const struct client *c = client_of(h, conn);
	uint64_t arrived = g ? g->meter.arrived : c ? c->meter.arrived : 0;

	return arrived ? host_clock() - arrived : 0;
}

/* Each tap in `wanted`, as far as the record is slow enough for it. */
static void tap_emit(struct host *h, const struct tap_record *r,
		     const struct tap_bytes *bytes, unsigned int wanted)
{
	for (unsigned int i = 0; i < TAPS_MAX; i++) {
		struct tap *t = h->taps->tap[i];
		struct tap_record kept = *r;

		if (!(wanted & 1u << i) || r->latency_us < t->filter.slow)
			continue;
		if (kept.request_kept > t->filter.keep)
			kept.request_kept = t->filter.keep;
		if (kept.reply_kept > t->filter.keep)
			kept.reply_kept = t->filter.keep;
		tap_buffer_put(t->buffer, &kept, bytes);
	}
}

static unsigned int taps_wanting(struct host *h, uint32_t conn, uint32_t op,
				 struct span path)
{
	unsigned int alive = taps_alive(h), wanted = 0;

	for (unsigned int i = 0; i < TAPS_MAX; i++)
		if ((alive & 1u << i) && h->taps->tap[i]->conn != conn &&
		    tap_filter_wants(&h->taps->tap[i]->filter, conn, op, path))
			wanted |= 1u << i;
	/* Not asked again before there is one. */
	if (!alive)
		h->taps->wanted = 0;
	return wanted;
}

static uint16_t kept(size_t len, size_t max)
{
	return (uint16_t)(len < max ? len : max);
}

static void tap_request(struct host *h, uint32_t conn,
			const struct wire_header *header, const char *payload)
{
	struct taps *taps = h->taps;
	char room[TAP_ABSOLUTE_MAX];
	struct span path = tap_path(conn, header->type, payload, header->len,
				    room);

	taps->wanted = taps_wanting(h, conn, header->type, path);
	if (!taps->wanted)
		return;
	taps->r = (struct tap_record){
		.time_us = tap_time(),
		.latency_us = tap_latency(h, conn),
		.conn = conn,
		.op = header->type,
		.req = header->req_id,
		.tx = header->tx_id,
		.result = TAP_NO_RESULT,
		.request_len = header->len,
		.path_kept = kept(path.len, TAP_PATH_MAX),
		.request_kept = kept(header->len, TAP_KEEP_MAX),
	};
	memcpy(taps->path, path.at, taps->r.path_kept);
	memcpy(taps->request, payload, taps->r.request_kept);
}

static void tap_reply(struct host *h, const struct wire_header *header,
		      const char *payload)
{
	struct taps *taps = h->taps;
	struct tap_bytes bytes = { taps->path, taps->request, payload };
	size_t name = header->len ? header->len - 1 : 0;

	taps->r.result = header->type != WIRE_ERROR ? 0 :
		(uint32_t)wire_error_number(payload, name);
	taps->r.reply_len = header->len;
	taps->r.reply_kept = kept(header->len, TAP_KEEP_MAX);
	tap_emit(h, &taps->r, &bytes, taps->wanted);
	taps->wanted = 0;
}

void tap_message(struct host *h, bool in, uint32_t conn,
		 const struct wire_header *header, const void *payload)
{
	struct taps *taps = h->taps;

	if (!in) {
		if (taps->wanted && taps->r.conn == conn)
			tap_reply(h, header, payload);
		return;
	}
	if (taps->wanted) {
		/* Its connection ended with it: there was no reply. */
		struct tap_bytes bytes = { taps->path, taps->request, "" };

		tap_emit(h, &taps->r, &bytes, taps->wanted);
	}
	tap_request(h, conn, header, payload);
}

void tap_event(struct host *h, uint32_t conn, const void *payload,
	       size_t len)
{
	char room[TAP_ABSOLUTE_MAX];
	struct span path = tap_path(conn, WIRE_WATCH_EVENT, payload, len,
				    room);
	unsigned int wanted = taps_wanting(h, conn, WIRE_WATCH_EVENT, path);
	struct tap_bytes bytes = { path.at, "", payload };
	struct tap_record r = {
		.conn = conn,
		.op = WIRE_WATCH_EVENT,
		.result = TAP_NO_RESULT,
		.reply_len = (uint32_t)len,
		.path_kept = kept(path.len, TAP_PATH_MAX),
		.reply_kept = kept(len, TAP_KEEP_MAX),
	};

	if (!wanted)
		return;
	r.time_us = tap_time();
	tap_emit(h, &r, &bytes, wanted);
}
