/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Life and input of connections; see conn.h. */
#include "xenstored/core/conn.h"
#include "xenstored/core/ask.h"
#include "xenstored/core/domain.h"
#include "xenstored/core/fair.h"
#include "xenstored/core/mem.h"
#include "xenstored/core/notes.h"
#include "xenstored/core/output.h"
#include "xenstored/core/quota.h"
#include "xenstored/core/request.h"
#include "xenstored/core/transaction.h"
#include "xenstored/core/watch.h"

#include <errno.h>
#include <string.h>

struct conn *conn_find(const struct machine *m, uint32_t id)
{
	struct domain *d;
	struct hash_link *l;

	if (id < MACHINE_SOCKET_BASE) {
		d = domain_live(m, id);
		return d ? d->conn : NULL;
	}
	for (l = hash_table_chain(&m->sockets, id); l; l = l->next) {
		struct conn *c = hash_entry(l, struct conn, in_sockets);

		if (c->id == id)
			return c->dead ? NULL : c;
	}
	return NULL;
}

static struct conn *conn_new(struct machine *m, uint32_t id,
			     struct domain *d)
{
	struct conn *c = mem_new(m, struct conn);

	if (!c)
		return NULL;
	c->id = id;
	c->domain = d;
	c->out_last = &c->out;
	list_init(&c->in_dirty);
	list_init(&c->in_tell);
	list_init(&c->in_held);
	list_init(&c->in_yielded);
	list_init(&c->in_starved);
	list_init(&c->watches);
	list_init(&c->lost);
	list_init(&c->transactions);
	list_append(&m->conns, &c->in_machine);
	conn_dirty(m, c);
	return c;
}

struct conn *conn_new_socket(struct machine *m, uint32_t id)
{
	struct conn *c = conn_new(m, id, domain_find(m, 0));

	if (!c)
		return NULL;
	c->privileged = true;
	hash_table_add(&m->sockets, &c->in_sockets, id);
	m->socket_count++;
	return c;
}

struct conn *conn_new_ring(struct machine *m, struct domain *d)
{
	struct conn *c = conn_new(m, d->domid, d);

	if (!c)
		return NULL;
	c->ring = true;
	c->privileged = !d->domid || d->domid == m->config.priv_domid;
	d->conn = c;
	return c;
}

void conn_answer_done(struct conn *c)
{
	mem_drop(c->answer.data);
	memset(&c->answer, 0, sizeof(c->answer));
	mem_drop(c->absent);
	c->absent = NULL;
	c->absents = 0;
}

bool conn_absent(struct conn *c, uint32_t domid)
{
	uint16_t *absent = mem_grow(c->absent,
				    (c->absents + 1) * sizeof(*absent));

	if (!absent)
		return false;
	absent[c->absents++] = (uint16_t)domid;
	c->absent = absent;
	return true;
}

bool conn_restore_answer(struct conn *c, const struct conn_answer *a,
			 struct span data)
{
	c->answer = *a;
	if (!data.len)
		return true;
	c->answer.data = mem_block(data.len);
	if (!c->answer.data)
		return false;
	memcpy(c->answer.data, data.at, data.len);
	c->answer.len = (uint32_t)data.len;
	return true;
}

void conn_reset(struct machine *m, struct conn *c)
{
	fair_leave(m, c);
	transaction_drop_all(m, c);
	watch_drop_all(m, c);
	output_drop(m, c);
	mem_drop(c->in);
	c->in = NULL;
	c->in_len = 0;
	conn_answer_done(c);
	c->conflicts = 0;
	c->transaction_id = 0;
	conn_dirty(m, c);
}

/* Out of every table by which it could be found. */
static void conn_detach(struct machine *m, struct conn *c)
{
	conn_reset(m, c);
	c->dead = true;
	list_remove(&c->in_dirty);
	if (c->ring) {
		if (c->domain && c->domain->conn == c)
			c->domain->conn = NULL;
	} else {
		hash_table_remove(&m->sockets, &c->in_sockets);
		m->socket_count--;
		notes_gone(m, c);
	}
	c->domain = NULL;
	list_remove(&c->in_machine);
}

void conn_drop(struct machine *m, struct conn *c)
{
	if (c->dead)
		return;
	conn_detach(m, c);
	list_remove(&c->in_tell);
	list_append(&m->dead, &c->in_machine);
}

void conn_violation(struct machine *m, struct conn *c, uint32_t code)
{
	if (c->dead || c->failed)
		return;
	if (c->ring) {
		conn_reset(m, c);
		c->failed = true;
		c->ring_error = code;
	} else {
		conn_detach(m, c);
	}
	list_append(&m->tell, &c->in_tell);
}

void conn_tell(const struct conn *c, struct machine_ask *out)
{
	out->conn = c->id;
	out->type = c->ring ? MACHINE_ASK_RING_ERROR : MACHINE_ASK_CLOSE;
	out->code = c->ring_error;
	out->domid = c->ring ? c->id : 0;
}

void conn_told(struct machine *m, struct conn *c)
{
	list_remove(&c->in_tell);
	if (c->dead)
		list_append(&m->dead, &c->in_machine);
}

void conn_tell_again(struct machine *m, struct conn *c)
{
	if (c->ring && c->failed && c->ring_error && list_empty(&c->in_tell))
		list_append(&m->tell, &c->in_tell);
}

void conn_free(struct machine *m, struct conn *c)
{
	list_remove(&c->in_machine);
	list_remove(&c->in_tell);
	list_remove(&c->in_starved);
	talloc_free(c);
}

void conn_reap(struct machine *m)
{
	list_each_safe(&m->dead, l) {
		struct conn *c = list_entry(l, struct conn, in_machine);

		if (!c->running)
			conn_free(m, c);
	}
}

struct caller conn_caller(const struct conn *c)
{
	struct caller who = {
		.domid = c->domain->domid,
		.privileged = c->privileged,
		.any_domid = c->domain->features & 8,
		.target = c->ring ? c->domain->target : -1,
	};

	return who;
}

void conn_dirty(struct machine *m, struct conn *c)
{
	if (!c->dead && list_empty(&c->in_dirty))
		list_append(&m->dirty, &c->in_dirty);
}

/* ------------------------------------------------------------- input -- */

bool conn_paused(const struct conn *c)
{
	if (c->dead || c->failed || c->answer.ask || !list_empty(&c->in_held))
		return true;
	if (c->privileged)
		return c->reply_bytes >= CONN_REPLIES_MAX;
	return !quota_allows(c->domain->limit[QUOTA_OUTSTANDING],
			     c->outstanding + 1u);
}

size_t conn_wants(const struct conn *c)
{
	struct wire_header h;

	if (conn_paused(c))
		return 0;
	if (c->in_len >= WIRE_HEADER_SIZE) {
		h = wire_header_get(c->in);
		if (c->in_len >= WIRE_HEADER_SIZE + h.len)
			return 0;
	}
	return CONN_INPUT_MAX - c->in_len;
}

/*
 * Execute the whole messages at `bytes`, as long as nothing is in the way.
 * Returns how many bytes were used up.
 */
static size_t conn_execute(struct machine *m, struct conn *c,
			   const uint8_t *bytes, size_t len)
{
	size_t used = 0;

	while (len - used >= WIRE_HEADER_SIZE && !conn_paused(c)) {
		struct wire_header h = wire_header_get(bytes + used);

		if (h.len > WIRE_PAYLOAD_MAX) {
			conn_violation(m, c, 3);
			return len;
		}
		if (len - used < WIRE_HEADER_SIZE + h.len)
			break;
		if (used && fair_due(m)) {
			fair_yield(m, c);
			break;
		}
		if (!request_execute(m, c, &h,
				     bytes + used + WIRE_HEADER_SIZE))
			break;
		used += WIRE_HEADER_SIZE + h.len;
	}
	return c->dead || c->failed ? len : used;
}

static bool input_keep(struct conn *c, const void *data, size_t len)
{
	if (!len)
		return true;
	if (!c->in)
		c->in = mem_block(CONN_INPUT_MAX);
	if (!c->in)
		return false;
	memcpy(c->in + c->in_len, data, len);
	c->in_len += len;
	return true;
}

bool conn_restore_input(struct conn *c, const void *data, size_t len)
{
	return input_keep(c, data, len);
}

void conn_run(struct machine *m, struct conn *c)
{
	uint8_t *in = c->in;
	size_t used;

	/* A reset or drop from within must not free what is being read. */
	if (!in || c->running)
		return;
	c->running = true;
	c->in = NULL;
	used = conn_execute(m, c, in, c->in_len);
	c->running = false;
	if (c->dead || c->failed || used >= c->in_len) {
		mem_drop(in);
		c->in_len = 0;
	} else {
		c->in_len -= used;
		memmove(in, in + used, c->in_len);
		c->in = in;
	}
	conn_dirty(m, c);
}

int conn_input(struct machine *m, struct conn *c, const void *data,
	       size_t len)
{
	bool waiting = c->in_len;
	size_t used = 0;

	if (c->failed)
		return 0;
	if (len > conn_wants(c))
		return -E2BIG;
	if (!waiting) {
		c->running = true;
		used = conn_execute(m, c, data, len);
		c->running = false;
		if (c->dead || c->failed)
			return 0;
	}
	if (!input_keep(c, (const uint8_t *)data + used, len - used)) {
		conn_violation(m, c, 3);
		return -ENOMEM;
	}
	if (waiting)
		conn_run(m, c);
	else
		conn_dirty(m, c);
	return 0;
}
