/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine as a stream; see stream.h.  Nodes are written by age: so that a
 * parent comes before its children, as the format wants it, and siblings in
 * the order in which a listing gives them.
 */
#include "xenstored/core/conn.h"
#include "xenstored/core/dir.h"
#include "xenstored/core/domain.h"
#include "xenstored/core/mem.h"
#include "xenstored/core/quota.h"
#include "xenstored/core/stream_format.h"
#include "xenstored/core/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct writing {
	struct machine *m;
	const struct stream_host *host;
	struct stream_out *o;
	unsigned int version;
	uint32_t conn_id;
	int err;
};

static void write_start(struct writing *w)
{
	stream_bytes(w->o, STREAM_IDENT, 8);
	stream_be32(w->o, w->version);
	stream_be32(w->o, 0);
}

static void write_global(struct writing *w)
{
	size_t at = stream_begin(w->o, STREAM_GLOBAL);

	stream_u32(w->o, (uint32_t)w->host->socket_fd);
	stream_u32(w->o, (uint32_t)w->host->evtchn_fd);
	stream_end(w->o, at);
}

/* ------------------------------------------------------------- quotas -- */

static uint32_t quota_word(uint64_t v)
{
	return v > INT32_MAX ? INT32_MAX : (uint32_t)v;
}

static void write_quotas(struct writing *w)
{
	size_t at = stream_begin(w->o, STREAM_QUOTA);

	stream_u16(w->o, QUOTA_COUNT);
	stream_u16(w->o, 0);
	for (int i = 0; i < QUOTA_COUNT; i++)
		stream_u32(w->o, quota_word(w->m->config.quota[i]));
	for (int i = 0; i < QUOTA_COUNT; i++)
		stream_bytes(w->o, quota_table[i].name,
			     strlen(quota_table[i].name) + 1);
	stream_end(w->o, at);
}

static void write_domain(struct writing *w, const struct domain *d)
{
	size_t at = stream_begin(w->o, STREAM_DOMAIN);
	unsigned int n = 0;

	for (int i = 0; i < QUOTA_COUNT; i++)
		n += d->own_limit[i];
	stream_u16(w->o, d->domid);
	stream_u16(w->o, n);
	stream_u32(w->o, w->version > 1 ? d->features : 0);
	for (int i = 0; i < QUOTA_COUNT; i++)
		if (d->own_limit[i])
			stream_u32(w->o, quota_word(d->limit[i]));
	for (int i = 0; i < QUOTA_COUNT; i++)
		if (d->own_limit[i])
			stream_bytes(w->o, quota_table[i].name,
				     strlen(quota_table[i].name) + 1);
	stream_end(w->o, at);
}

static void write_domains(struct writing *w)
{
	const struct machine *m = w->m;

	for (uint32_t i = domain_next(m, 0); i < STATE_DOMAINS;
	     i = domain_next(m, i + 1))
		if (!m->domain[i]->dying && m->domain[i]->introduced)
			write_domain(w, m->domain[i]);
}

/* -------------------------------------------------------- connections -- */

/* The event that tells a watch of all that it lost. */
static void write_lost(struct stream_out *o, const struct watch *watch)
{
	struct span path = watch_path(watch);
	struct wire_header h = { .type = WIRE_WATCH_EVENT };
	uint8_t head[WIRE_HEADER_SIZE];

	h.len = (uint32_t)(path.len + 1 + watch->token_len + 1);
	if (h.len > WIRE_PAYLOAD_MAX)
		return;
	wire_header_put(head, &h);
	stream_bytes(o, head, sizeof(head));
	stream_bytes(o, path.at, path.len);
	stream_u8(o, 0);
	stream_bytes(o, watch->token, watch->token_len);
	stream_u8(o, 0);
}

static void write_output(struct stream_out *o, const struct conn *c)
{
	size_t skip = c->out_sent;

	for (const struct message *msg = c->out; msg; msg = msg->next) {
		stream_bytes(o, msg->bytes + skip, msg->len - skip);
		skip = 0;
	}
	list_each(&c->lost, l)
		write_lost(o, list_entry(l, struct watch, in_lost));
}

static void write_spec(struct writing *w, const struct conn *c, int64_t end)
{
	const struct domain *d = c->domain;

	if (!c->ring) {
		stream_u32(w->o, (uint32_t)end);
		stream_u32(w->o, 0);
		return;
	}
	stream_u16(w->o, d->domid);
	stream_u16(w->o, d->target < 0 ? STREAM_DOMID_INVALID :
					 (unsigned int)d->target);
	stream_u32(w->o, (uint32_t)end);
}

static void write_watch(struct writing *w, const struct watch *watch)
{
	bool extended = w->version > 1 && watch->depth >= 0;
	struct span path = watch_path(watch);
	size_t at = stream_begin(w->o, extended ? STREAM_WATCH_EXTENDED :
						  STREAM_WATCH);

	stream_u32(w->o, w->conn_id);
	stream_u16(w->o, (unsigned int)path.len + 1);
	stream_u16(w->o, watch->token_len + 1u);
	if (extended) {
		stream_u16(w->o, watch->depth < (int)STREAM_DEPTH_ALL ?
			   (unsigned int)watch->depth : STREAM_DEPTH_ALL);
		stream_u16(w->o, 0);
	}
	stream_bytes(w->o, path.at, path.len);
	stream_u8(w->o, 0);
	stream_bytes(w->o, watch->token, watch->token_len);
	stream_u8(w->o, 0);
	stream_end(w->o, at);
}

static void write_conn(struct writing *w, const struct conn *c)
{
	const struct stream_host *host = w->host;
	struct stream_out output = { 0 };
	size_t at, in_len = c->in ? c->in_len : 0;
	int64_t end = c->ring ? host->ring_port(host->arg, c->id) :
				host->client_fd(host->arg, c->id);

	if (end < 0)
		return;
	w->conn_id++;
	write_output(&output, c);
	if (in_len > UINT16_MAX || output.len > UINT32_MAX)
		w->err = -E2BIG;
	at = stream_begin(w->o, STREAM_CONNECTION);
	stream_u32(w->o, w->conn_id);
	stream_u16(w->o, c->ring ? STREAM_RING : STREAM_SOCKET);
	stream_u16(w->o, 0);
	write_spec(w, c, end);
	stream_u16(w->o, (unsigned int)in_len);
	stream_u16(w->o, c->out_sent ?
		   (unsigned int)(c->out->len - c->out_sent) : 0);
	stream_u32(w->o, (uint32_t)output.len);
	stream_bytes(w->o, c->in, in_len);
	stream_bytes(w->o, output.at, output.len);
	stream_end(w->o, at);
	w->o->failed |= output.failed;
	stream_drop(&output);
	list_each(&c->watches, l)
		write_watch(w, list_entry(l, struct watch, in_conn));
}

/* -------------------------------------------------------------- nodes -- */

static void write_acl(struct writing *w, const struct acl *acl)
{
	static const char letter[] = {
		[PERM_NONE] = 'n', [PERM_READ] = 'r',
		[PERM_WRITE] = 'w', [PERM_BOTH] = 'b',
	};

	for (unsigned int i = 0; i < acl->count; i++) {
		stream_u8(w->o, (uint8_t)letter[acl->entry[i].access & 3]);
		stream_u8(w->o, access_valid(w->m, acl, i) ? 0 :
							     STREAM_STALE);
		stream_u16(w->o, acl->entry[i].domid);
	}
}

static void write_node(struct writing *w, struct span path,
		       const struct acl *acl, struct span value)
{
	size_t at = stream_begin(w->o, STREAM_NODE);

	stream_u32(w->o, 0);
	stream_u32(w->o, 0);
	stream_u16(w->o, (unsigned int)path.len + 1);
	stream_u16(w->o, (unsigned int)value.len);
	stream_u16(w->o, 0);
	stream_u16(w->o, acl->count);
	write_acl(w, acl);
	stream_bytes(w->o, path.at, path.len);
	stream_u8(w->o, 0);
	stream_bytes(w->o, value.at, value.len);
	stream_end(w->o, at);
}

struct node_place {
	const struct node *n;
	size_t path;			/* in the text of all paths */
	size_t len;
};

struct places {
	struct node_place *at;
	size_t count;
	struct stream_out text;
};

static int place_compare(const void *a, const void *b)
{
	uint64_t x = ((const struct node_place *)a)->n->seq;
	uint64_t y = ((const struct node_place *)b)->n->seq;

	return x < y ? -1 : x > y;
}

/* The path of the node that a walk from the root stands on. */
static void place_path(struct stream_out *text, const struct tree_walk *walk,
		       const struct node *n)
{
	if (!walk->depth)
		stream_u8(text, '/');
	for (unsigned int d = 1; d <= walk->depth; d++) {
		const struct node *at = d < walk->depth ?
					tree_walk_at(walk, d) : n;

		stream_u8(text, '/');
		stream_bytes(text, at->data, at->name_len);
	}
}

static void places_collect(struct writing *w, struct places *p)
{
	struct tree_walk walk;
	struct node *n;

	p->at = mem_block((w->m->nodes + 1) * sizeof(*p->at));
	if (!p->at) {
		w->err = -ENOMEM;
		return;
	}
	tree_walk_start(&walk, w->m->root);
	while (p->count < w->m->nodes && (n = tree_walk_next(&walk))) {
		struct node_place *place = &p->at[p->count++];

		place->n = n;
		place->path = p->text.len;
		place_path(&p->text, &walk, n);
		place->len = p->text.len - place->path;
	}
	if (walk.failed || p->text.failed)
		w->err = -ENOMEM;
	tree_walk_end(&walk);
}

static void write_nodes(struct writing *w)
{
	struct places p = { 0 };

	places_collect(w, &p);
	if (!w->err)
		qsort(p.at, p.count, sizeof(*p.at), place_compare);
	for (size_t i = 0; i < p.count && !w->err; i++) {
		struct span path = {
			(const char *)p.text.at + p.at[i].path, p.at[i].len
		};

		write_node(w, path, p.at[i].n->acl, node_value(p.at[i].n));
	}
	mem_drop(p.at);
	stream_drop(&p.text);
}

static void write_specials(struct writing *w)
{
	struct span none = { "", 0 };

	for (int i = 0; i < SPECIAL_COUNT; i++) {
		struct span path = { watch_special_name[i],
				     strlen(watch_special_name[i]) };

		write_node(w, path, w->m->special[i], none);
	}
}

/* -------------------------------------------------------------- whole -- */

int stream_write(struct machine *m, const struct stream_host *host,
		 unsigned int version, struct stream_out *out)
{
	struct writing w = { m, host, out, version, 0, 0 };

	if (version != 1 && version != 2)
		return -ENOTSUP;
	if (!list_empty(&m->asks) || !list_empty(&m->tell) || m->unmaps ||
	    !list_empty(&m->reap))
		return -EBUSY;
	write_start(&w);
	write_global(&w);
	write_quotas(&w);
	list_each(&m->conns, l)
		write_conn(&w, list_entry(l, struct conn, in_machine));
	write_domains(&w);
	write_specials(&w);
	write_nodes(&w);
	stream_end(out, stream_begin(out, STREAM_END));
	if (out->failed)
		w.err = -ENOMEM;
	return w.err;
}

unsigned int stream_transactions(struct machine *m,
				 void (*holder)(void *arg, uint32_t domid),
				 void *arg)
{
	list_each(&m->conns, l) {
		const struct conn *c = list_entry(l, struct conn, in_machine);

		if (holder && c->transaction_count)
			holder(arg, c->domain->domid);
	}
	return m->transactions;
}
