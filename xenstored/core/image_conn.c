/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections and watches from their records; see image.h. */
#include "xenstored/core/conn.h"
#include "xenstored/core/domain.h"
#include "xenstored/core/image_read.h"
#include "xenstored/core/output.h"
#include "xenstored/core/watch.h"
#include "protocol/path.h"

#include <errno.h>

static bool read_message(struct conn *c, struct reading *r,
			 struct field_in *f)
{
	bool event = field_take_number(f, "event", 1);
	bool open = field_take_number(f, "open", 1);
	struct span s = field_take_bytes(f, "bytes", WIRE_MESSAGE_MAX);
	struct wire_header h;

	if (f->failed || s.len < WIRE_HEADER_SIZE)
		return false;
	h = wire_header_get(s.at);
	return h.len == s.len - WIRE_HEADER_SIZE &&
	       conn_restore_message(r->m, c, &h, s.at + WIRE_HEADER_SIZE,
				    event, open);
}

bool reading_paths(struct reading *r, struct transaction *t,
		   struct field_in *f)
{
	uint64_t n;

	t->cost = field_take_number(f, "cost", IMAGE_COST_MAX);
	n = field_take_number(f, "paths", UINT32_MAX);
	domain_charge(t->conn->domain, QUOTA_MEMORY, t->cost);
	while (n-- && !f->failed) {
		unsigned int aspects = (unsigned int)
			field_take_number(f, "seen", 31);
		struct span path = field_take_bytes(f, "path",
						    WIRE_ABS_PATH_MAX);

		if (f->failed || path_kind(path) != PATH_ABSOLUTE ||
		    !transaction_restore_path(r->m, t, path, aspects))
			return false;
	}
	return !f->failed;
}

static bool read_answer(struct conn *c, struct field_in *f)
{
	struct conn_answer a = { .again = field_take_number(f, "again", 1) };
	struct span data = { NULL, 0 };

	a.there = field_take_number(f, "answer", 1);
	if (a.there) {
		a.type = (enum machine_ask_type)
			field_take_number(f, "type", MACHINE_ASK_CONTROL);
		a.domid = (uint32_t)field_take_number(f, "domid", 65535);
		a.error = (uint32_t)field_take_number(f, "error", UINT32_MAX);
		data = field_take_bytes(f, "data", WIRE_PAYLOAD_MAX);
	}
	return !f->failed && conn_restore_answer(c, &a, data);
}

static bool read_absent(struct conn *c, struct field_in *f)
{
	uint64_t n = field_take_number(f, "absent", WIRE_PAYLOAD_MAX);

	while (n-- && !f->failed)
		if (!conn_absent(c, (uint32_t)field_take_number(f, "domid",
								65535)))
			return false;
	return !f->failed;
}

static bool read_husk(struct reading *r, struct conn *c, struct field_in *f)
{
	if (!field_take_number(f, "husk", 1))
		return !f->failed;
	c->husk = transaction_restore_husk(c);
	return c->husk && reading_paths(r, c->husk, f);
}

static struct conn *conn_make(struct reading *r, uint32_t id)
{
	struct domain *d;

	/* A socket is dom0's. */
	if (conn_find(r->m, id) || !domain_find(r->m, 0))
		return NULL;
	if (id >= MACHINE_SOCKET_BASE)
		return conn_new_socket(r->m, id);
	d = domain_live(r->m, id);
	return d && d->introduced ? conn_new_ring(r->m, d) : NULL;
}

int reading_conn(struct reading *r, struct image_item *item)
{
	struct field_in f = field_of(item->rec->value, item->rec->len);
	struct conn *c = conn_make(r, item->number);
	struct span input;
	uint64_t messages, sent;

	if (!c)
		return reading_damaged(r, item);
	field_take_number(&f, "order", UINT64_MAX);
	c->failed = field_take_number(&f, "failed", 1);
	c->ring_error = (uint32_t)field_take_number(&f, "error", UINT32_MAX);
	c->transaction_id = (uint32_t)
		field_take_number(&f, "transaction_id", UINT32_MAX);
	c->conflicts = (unsigned int)
		field_take_number(&f, "conflicts", UINT32_MAX);
	c->favour_after = field_take_number(&f, "favour_after", UINT64_MAX);
	reading_held(r, c, field_take_number(&f, "held", UINT32_MAX));
	c->requests = field_take_number(&f, "requests", UINT64_MAX);
	c->events = field_take_number(&f, "events", UINT64_MAX);
	c->merged = field_take_number(&f, "merged", UINT64_MAX);
	c->lost_events = field_take_number(&f, "lost", UINT64_MAX);
	input = field_take_bytes(&f, "input", CONN_INPUT_MAX);
	if (!conn_restore_input(c, input.at, input.len))
		return reading_fail(r, -ENOMEM, "no memory");
	sent = field_take_number(&f, "sent", WIRE_MESSAGE_MAX);
	messages = field_take_number(&f, "messages", UINT32_MAX);
	while (messages-- && !f.failed)
		if (!read_message(c, r, &f))
			f.failed = true;
	if (f.failed || !conn_restore_sent(r->m, c, sent) ||
	    !read_answer(c, &f) || !read_absent(c, &f) ||
	    !read_husk(r, c, &f) || !field_over(&f))
		return reading_damaged(r, item);
	return 0;
}

int reading_watch(struct reading *r, struct image_item *item)
{
	struct field_in f = field_of(item->rec->value, item->rec->len);
	struct conn *c = conn_find(r->m, (uint32_t)
		field_take_number(&f, "conn", UINT32_MAX));
	int64_t depth = (int64_t)field_take_number(&f, "depth",
						   1ULL << 31) - 1;
	uint16_t prefix = (uint16_t)field_take_number(&f, "prefix", 64);
	uint64_t lost = field_take_number(&f, "lost", UINT32_MAX);
	struct span path = field_take_bytes(&f, "path", WIRE_ABS_PATH_MAX);
	struct span token = field_take_bytes(&f, "token", WIRE_PAYLOAD_MAX);
	enum path_kind kind = path_kind(path);
	struct watch *w;

	if (!field_over(&f) || !c || prefix >= path.len ||
	    (kind != PATH_ABSOLUTE && kind != PATH_SPECIAL) ||
	    watch_find(r->m, c, path, token))
		return reading_damaged(r, item);
	w = watch_add(r->m, c, path, prefix, token, (int32_t)depth);
	if (!w)
		return reading_fail(r, -ENOMEM, "no memory");
	w->id = item->age;
	if (lost)
		output_restore_lost(r->m, w);
	return 0;
}
