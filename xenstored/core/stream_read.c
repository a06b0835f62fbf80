/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine from a stream; see stream.h.  One table of records; every body
 * is read through a cursor of its own that ends where the record ends, and
 * must be used up but for the padding.
 */
#include "xenstored/core/stream_read.h"
#include "xenstored/core/conn.h"
#include "xenstored/core/domain.h"
#include "xenstored/core/mem.h"
#include "xenstored/core/quota.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int streaming_fail(struct streaming *s, int err, const char *format, ...)
{
	va_list ap;

	if (!s->err) {
		s->err = err;
		va_start(ap, format);
		vsnprintf(s->why, 256, format, ap);
		va_end(ap);
	}
	return s->err;
}

int streaming_domain(struct streaming *s, uint32_t domid, bool must,
		     struct domain **out)
{
	uint64_t instance = 0;

	*out = domain_find(s->m, domid);
	if (*out || domid >= MACHINE_DOMID_FIRST_RESERVED)
		return 0;
	if (s->facts && !s->facts(s->arg, domid, &instance) && !must)
		return 0;
	*out = domain_birth(s->m, domid, instance, MACHINE_DOM_EXISTS);
	return *out ? 0 : streaming_fail(s, -ENOMEM, "no memory");
}

struct conn *streaming_conn(struct streaming *s, uint32_t id)
{
	size_t low = 0, high = s->ids;

	while (low < high) {
		size_t at = low + (high - low) / 2;

		if (s->id[at].id < id)
			low = at + 1;
		else
			high = at;
	}
	if (low == s->ids || s->id[low].id != id)
		return NULL;
	return conn_find(s->m, s->id[low].conn);
}

/* ------------------------------------------------------------ globals -- */

static int read_global(struct streaming *s)
{
	if (s->globals)
		return streaming_fail(s, -EPROTO, "a second GLOBAL_DATA");
	s->globals = true;
	s->world->socket_fd = (int32_t)stream_take(&s->body, 4);
	s->world->evtchn_fd = (int32_t)stream_take(&s->body, 4);
	return 0;
}

typedef void (*quota_apply)(struct streaming *s, struct domain *d,
			    enum quota_id row, uint32_t value);

static void quota_global(struct streaming *s, struct domain *d,
			 enum quota_id row, uint32_t value)
{
	quota_set_all(s->m, row, value);
}

static void quota_own(struct streaming *s, struct domain *d,
		      enum quota_id row, uint32_t value)
{
	d->limit[row] = value;
	d->own_limit[row] = true;
}

/* `n` values, then as many names; those not known here are passed over. */
static int read_quotas(struct streaming *s, unsigned int n, quota_apply apply,
		       struct domain *d)
{
	struct span values = stream_take_bytes(&s->body, 4 * (size_t)n);
	struct stream_in v = { cursor_of(values.at, values.len), false };

	for (unsigned int i = 0; i < n && !s->body.failed; i++) {
		uint32_t value = stream_take(&v, 4);
		struct span name;
		int row;

		if (!cursor_string(&s->body.c, &name)) {
			s->body.failed = true;
			break;
		}
		row = quota_find(name);
		if (row >= 0 && apply)
			apply(s, d, (enum quota_id)row, value);
	}
	return 0;
}

static int read_quota(struct streaming *s)
{
	unsigned int n = stream_take(&s->body, 2);

	n += stream_take(&s->body, 2);
	return read_quotas(s, n, quota_global, NULL);
}

static int read_domain(struct streaming *s)
{
	uint32_t domid = stream_take(&s->body, 2);
	unsigned int n = stream_take(&s->body, 2);
	uint32_t features = stream_take(&s->body, 4);
	struct domain *d;
	int err = streaming_domain(s, domid, false, &d);

	if (err)
		return err;
	if (d && s->version > 1 && !s->body.failed)
		d->features = features & s->m->config.features;
	return read_quotas(s, n, d ? quota_own : NULL, d);
}

/* -------------------------------------------------------------- whole -- */

static const struct {
	int (*read[PASSES])(struct streaming *s);
	unsigned int since;		/* version of the format */
	size_t surplus;			/* fewer bytes may be left over */
	const char *name;
} records[STREAM_TYPES] = {
	[STREAM_GLOBAL] = { { read_global }, 1, 8, "GLOBAL_DATA" },
	/* Newer C daemons add eight bytes that name the domain's instance. */
	[STREAM_CONNECTION] = { { streaming_connection }, 1, 16,
				"CONNECTION_DATA" },
	[STREAM_WATCH] = { { NULL, streaming_watch }, 1, 8, "WATCH_DATA" },
	[STREAM_TRANSACTION] = { { NULL, streaming_transaction }, 1, 8,
				 "TRANSACTION_DATA" },
	[STREAM_NODE] = { { streaming_node, streaming_pending }, 1, 8,
			  "NODE_DATA" },
	[STREAM_QUOTA] = { { read_quota }, 1, 8, "GLOBAL_QUOTA_DATA" },
	[STREAM_DOMAIN] = { { read_domain }, 1, 8, "DOMAIN_DATA" },
	[STREAM_WATCH_EXTENDED] = { { NULL, streaming_watch_extended }, 2, 8,
				    "WATCH_DATA_EXTENDED" },
};

static int read_record(struct streaming *s, enum stream_pass pass,
		       uint32_t type)
{
	int err;

	if (type >= STREAM_TYPES || records[type].since > s->version) {
		s->world->unknown += pass == PASS_STORE;
		return 0;
	}
	if (!records[type].read[pass])
		return 0;
	err = records[type].read[pass](s);
	if (err)
		return err;
	if (s->body.failed || cursor_left(&s->body.c) >= records[type].surplus)
		return streaming_fail(s, -EPROTO, "a %s record is damaged",
				      records[type].name);
	return 0;
}

static int read_header(struct streaming *s)
{
	struct span ident = stream_take_bytes(&s->in, 8);
	uint32_t flags;

	s->version = stream_take_be32(&s->in);
	flags = stream_take_be32(&s->in);
	if (s->in.failed || !span_is(ident, STREAM_IDENT))
		return streaming_fail(s, -EPROTO, "this is no stream");
	if (s->version != 1 && s->version != 2)
		return streaming_fail(s, -ENOTSUP, "version %u of the stream "
				      "is not known", s->version);
	if (flags & STREAM_BIG_ENDIAN)
		return streaming_fail(s, -ENOTSUP, "the stream is of a big "
				      "endian machine");
	if (flags)
		return streaming_fail(s, -EPROTO, "unknown flags %#x", flags);
	return 0;
}

static int read_records(struct streaming *s, enum stream_pass pass)
{
	for (unsigned int n = 0; n < STREAM_RECORDS_MAX; n++) {
		uint32_t type = stream_take(&s->in, 4);
		uint32_t len = stream_take(&s->in, 4);
		struct span body = stream_take_bytes(&s->in, len);
		int err;

		if (s->in.failed)
			return streaming_fail(s, -EPROTO, "the stream breaks "
					      "off in record %u", n);
		stream_take_bytes(&s->in, -(size_t)len % 8);
		if (type == STREAM_END)
			return len ? streaming_fail(s, -EPROTO, "the END "
						    "record is damaged") : 0;
		s->body = (struct stream_in){
			cursor_of(body.at, body.len), false
		};
		err = read_record(s, pass, type);
		if (err)
			return err;
	}
	return streaming_fail(s, -EPROTO, "too many records");
}

/* The nodes that a new machine has are not those of the stream. */
static int clear_tree(struct streaming *s)
{
	struct span path = { "/tool", 5 };

	change_init(&s->change, s->m, s->m->root, true);
	s->begun = true;
	if (change_rm(&s->change, &access_daemon, path))
		return streaming_fail(s, -ENOMEM, "no memory");
	return 0;
}

static int fd_compare(const void *a, const void *b)
{
	const struct stream_client *x = a, *y = b;

	return x->fd < y->fd ? -1 : x->fd > y->fd;
}

/* A descriptor that two would own would be closed under one of them. */
static int check_fds(struct streaming *s)
{
	struct stream_world *w = s->world;
	bool twice = w->socket_fd >= 0 && w->socket_fd == w->evtchn_fd;

	if (w->clients)
		qsort(w->client, w->clients, sizeof(*w->client), fd_compare);
	for (size_t i = 0; i < w->clients; i++)
		twice |= w->client[i].fd == w->socket_fd ||
			 w->client[i].fd == w->evtchn_fd ||
			 (i && w->client[i].fd == w->client[i - 1].fd);
	if (twice)
		return streaming_fail(s, -EPROTO, "a descriptor is named "
				      "twice");
	return 0;
}

/*
 * Twice over the records: the store and the connections first, published
 * while nobody watches; then what is about the store.
 */
static int read_all(struct streaming *s)
{
	struct stream_in first;
	int err = read_header(s);

	if (err)
		return err;
	first = s->in;
	err = clear_tree(s);
	if (!err)
		err = read_records(s, PASS_STORE);
	if (!err && !s->globals)
		err = streaming_fail(s, -EPROTO, "there is no GLOBAL_DATA");
	if (!err)
		err = check_fds(s);
	if (err)
		return err;
	change_publish(&s->change);
	s->in = first;
	return read_records(s, PASS_REST);
}

struct machine *stream_read(const struct machine_config *config,
			    const void *bytes, size_t len,
			    stream_facts facts, void *arg,
			    struct stream_world *world, int *error,
			    char why[256])
{
	struct streaming s = {
		.world = world, .facts = facts, .arg = arg, .why = why,
		.in = { cursor_of(bytes, len), false },
	};

	memset(world, 0, sizeof(*world));
	world->socket_fd = world->evtchn_fd = -1;
	why[0] = '\0';
	s.m = machine_new(config);
	if (!s.m)
		streaming_fail(&s, -ENOMEM, "no memory");
	else
		read_all(&s);
	if (s.begun)
		change_fini(&s.change);
	mem_drop(s.id);
	*error = s.err;
	if (!s.err)
		return s.m;
	machine_free(s.m);
	return NULL;
}

void stream_resume(struct machine *m)
{
	list_each_safe(&m->conns, l)
		conn_run(m, list_entry(l, struct conn, in_machine));
}

void stream_world_drop(struct stream_world *world)
{
	mem_drop(world->client);
	mem_drop(world->ring);
	memset(world, 0, sizeof(*world));
	world->socket_fd = world->evtchn_fd = -1;
}
