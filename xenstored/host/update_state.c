// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The file is a magic line, then records: two lengths in our own byte order
 * (the file never leaves the host), the key with its NUL, the value.
 */
#include "xenstored/host/update_state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>

#include "xenstored/core/field.h"
#include "xenstored/core/image.h"
#include "xenstored/host/client.h"
#include "xenstored/host/evtchn.h"
#include "xenstored/host/guest.h"
#include "xenstored/host/journal.h"
#include "xenstored/host/listener.h"
#include "xenstored/host/trace.h"

#define MAGIC "proxenos state 1\n"
#define KEY_MAX 8192u
#define WRITE_ROOM 65536u
#define PATH_LEN_MAX 4096u

struct record_size {
	uint32_t key;			/* with its NUL */
	uint32_t value;
};

/* ------------------------------------------------------------ writing -- */

struct out {
	int fd;
	size_t len;
	int error;
	uint8_t room[WRITE_ROOM];
};

static void out_all(struct out *o, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len && !o->error) {
		ssize_t n = write(o->fd, at, len);

		if (n < 0 && errno != EINTR)
			o->error = -errno;
		if (n > 0) {
			at += n;
			len -= (size_t)n;
		}
	}
}

static void out_flush(struct out *o)
{
	out_all(o, o->room, o->len);
	o->len = 0;
}

static void out_bytes(struct out *o, const void *bytes, size_t len)
{
	if (len > sizeof(o->room) - o->len)
		out_flush(o);
	if (len > sizeof(o->room)) {
		out_all(o, bytes, len);
		return;
	}
	memcpy(o->room + o->len, bytes, len);
	o->len += len;
}

static int out_record(void *arg, const char *key, const void *value,
		      size_t len)
{
	struct out *o = arg;
	struct record_size size = { (uint32_t)strlen(key) + 1,
				    (uint32_t)len };

	/* A record that is deleted was never written here. */
	if (len == SIZE_MAX)
		return 0;
	if (len > UPDATE_STATE_MAX)
		return -E2BIG;
	out_bytes(o, &size, sizeof(size));
	out_bytes(o, key, size.key);
	out_bytes(o, value, len);
	return o->error;
}

static int out_field(struct out *o, const char *key, struct field_out *f)
{
	int error = f->failed ? -ENOMEM : out_record(o, key, f->text, f->len);

	f->len = 0;
	return error;
}

/* NULL if tracing is as the command line had it. */
static const char *changed_trace(const struct host *h)
{
	const char *asked = h->options->trace_file;
	const char *path = trace_path(h->trace);

	if (!path || (asked && !strcmp(asked, path) && trace_on(h->trace)))
		return NULL;
	return path;
}

static int write_host(struct host *h, uint64_t ask, struct out *o,
		      struct field_out *f)
{
	const char *trace = changed_trace(h);

	field_number(f, "listener", (uint64_t)listener_fd(h) + 1);
	field_number(f, "ours", listener_ours(h));
	field_number(f, "evtchn", (uint64_t)evtchn_fd(h) + 1);
	field_number(f, "pid", (uint64_t)h->pid_fd + 1);
	field_number(f, "generation", h->generation);
	field_number(f, "segment", h->journal ?
		     journal_number(h->journal) + 1 : 1);
	field_number(f, "ask", ask);
	field_number(f, "tracing", trace_on(h->trace));
	field_bytes(f, "trace", trace ? trace : "", trace ?
		    strlen(trace) + 1 : 0);
	return out_field(o, "host", f);
}

static int write_clients(struct host *h, struct out *o, struct field_out *f)
{
	int error = 0;

	for (uint32_t slot = 0; slot < h->by_slot.size && !error; slot++) {
		const struct client *c = table_get(&h->by_slot, slot);
		char key[32];

		if (!c)
			continue;
		snprintf(key, sizeof(key), "client %u", c->conn);
		field_number(f, "fd", (uint64_t)c->fd);
		error = out_field(o, key, f);
	}
	return error;
}

static int write_rings(struct host *h, struct out *o, struct field_out *f)
{
	int error = 0;

	for (uint32_t id = 0; id < h->by_domid.size && !error; id++) {
		const struct guest *g = table_get(&h->by_domid, id);
		char key[32];

		if (!g)
			continue;
		snprintf(key, sizeof(key), "ring %u", id);
		field_number(f, "port", g->port);
		field_number(f, "remote", g->remote);
		field_number(f, "bound", g->bound);
		field_number(f, "req_cons", g->ring.req_cons);
		field_number(f, "rsp_prod", g->ring.rsp_prod);
		field_number(f, "failed", g->ring.error != RING_ERROR_NONE);
		error = out_field(o, key, f);
	}
	return error;
}

static int write_image(struct host *h, struct machine *m, uint64_t ask,
		       struct out *o)
{
	struct field_out f;
	int error;

	field_start(&f);
	out_bytes(o, MAGIC, sizeof(MAGIC) - 1);
	error = write_host(h, ask, o, &f);
	if (!error)
		error = write_clients(h, o, &f);
	if (!error)
		error = write_rings(h, o, &f);
	field_end(&f);
	return error ? error : image_write(m, out_record, o);
}

static int32_t stream_fd(void *arg, uint32_t conn)
{
	const struct client *c = client_of(arg, conn);

	return c ? c->fd : -1;
}

static int64_t stream_port(void *arg, uint32_t domid)
{
	const struct guest *g = guest_of(arg, domid);

	return g ? (int64_t)g->port : -1;
}

static int write_stream(struct host *h, struct machine *m,
			unsigned int version, struct out *o)
{
	struct stream_host host = {
		.arg = h, .client_fd = stream_fd, .ring_port = stream_port,
		.socket_fd = listener_fd(h), .evtchn_fd = evtchn_fd(h),
	};
	struct stream_out s = { 0 };
	int error = stream_write(m, &host, version, &s);

	if (!error)
		out_bytes(o, s.at, s.len);
	stream_drop(&s);
	return error;
}

int update_write(struct host *h, struct machine *m, enum update_format format,
		 uint64_t ask, int fd)
{
	struct out *o = talloc_zero(NULL, struct out);
	int error;

	if (!o)
		return -ENOMEM;
	o->fd = fd;
	if (format == UPDATE_IMAGE)
		error = write_image(h, m, ask, o);
	else
		error = write_stream(h, m, format == UPDATE_STREAM2 ? 2 : 1,
				     o);
	if (!error) {
		out_flush(o);
		error = o->error;
	}
	talloc_free(o);
	return error;
}

/* ------------------------------------------------------------ reading -- */

struct in {
	struct update_state *s;
	const struct machine_config *config;
	struct cursor c;
	struct image_record *record;	/* of the machine */
	size_t records;
	char *why;
};

static int damaged(struct in *in, const char *what)
{
	snprintf(in->why, 256, "the state is damaged: %s", what);
	return -EPROTO;
}

/* A descriptor, as one more than it is; -1 for none. */
static int take_fd(struct field_in *f, const char *name)
{
	return (int)field_take_number(f, name, INT32_MAX) - 1;
}

static uint32_t take_word(struct field_in *f, const char *name)
{
	return (uint32_t)field_take_number(f, name, UINT32_MAX);
}

static int read_host(struct in *in, uint32_t id, struct field_in *f)
{
	struct update_state *s = in->s;
	struct span trace;

	s->listener = take_fd(f, "listener");
	s->listener_ours = field_take_number(f, "ours", 1);
	s->evtchn = take_fd(f, "evtchn");
	s->pid = take_fd(f, "pid");
	s->generation = (uint32_t)field_take_number(f, "generation",
						    UINT32_MAX);
	s->segment = field_take_number(f, "segment", UINT64_MAX);
	s->ask = field_take_number(f, "ask", UINT64_MAX);
	s->tracing = field_take_number(f, "tracing", 1);
	trace = field_take_bytes(f, "trace", PATH_LEN_MAX);
	if (trace.len && trace.at[trace.len - 1])
		return -EPROTO;
	s->trace = trace.len ? talloc_strdup(s, trace.at) : NULL;
	return trace.len && !s->trace ? -ENOMEM : 0;
}

static int read_client(struct in *in, uint32_t id, struct field_in *f)
{
	struct update_state *s = in->s;
	struct stream_client *more;

	/* As many as the descriptors that there can be: grown in steps. */
	if (!(s->clients % 1024)) {
		more = talloc_realloc(s, s->client, struct stream_client,
				      s->clients + 1024);
		if (!more)
			return -ENOMEM;
		s->client = more;
	}
	s->client[s->clients++] = (struct stream_client){
		id, (int32_t)field_take_number(f, "fd", INT32_MAX)
	};
	return 0;
}

static int read_ring(struct in *in, uint32_t id, struct field_in *f)
{
	struct update_state *s = in->s;
	struct update_ring *more;

	if (!(s->rings % 1024)) {
		more = talloc_realloc(s, s->ring, struct update_ring,
				      s->rings + 1024);
		if (!more)
			return -ENOMEM;
		s->ring = more;
	}
	more = &s->ring[s->rings++];
	memset(more, 0, sizeof(*more));
	more->domid = id;
	more->placed = true;
	more->port = take_word(f, "port");
	more->remote = take_word(f, "remote");
	more->bound = field_take_number(f, "bound", 1);
	more->req_cons = take_word(f, "req_cons");
	more->rsp_prod = take_word(f, "rsp_prod");
	more->failed = field_take_number(f, "failed", 1);
	return 0;
}

static const struct {
	const char *word;
	bool number;
	int (*read)(struct in *in, uint32_t id, struct field_in *f);
} kinds[] = {
	{ "host", false, read_host },
	{ "client ", true, read_client },
	{ "ring ", true, read_ring },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* One of the host's?  0 and *error says how it went, or 1: it is not. */
static int read_own(struct in *in, const struct image_record *r, int *error)
{
	struct field_in f = field_of(r->value, r->len);

	for (size_t i = 0; i < KINDS; i++) {
		size_t len = strlen(kinds[i].word);
		struct span rest = { r->key + len, 0 };
		uint64_t id = 0;

		if (strncmp(r->key, kinds[i].word, len))
			continue;
		rest.len = strlen(rest.at);
		*error = -EPROTO;
		if (kinds[i].number ? span_number(rest, UINT32_MAX, &id) :
				      !rest.len)
			*error = kinds[i].read(in, (uint32_t)id, &f);
		if (!*error && !field_over(&f))
			*error = -EPROTO;
		if (*error == -EPROTO)
			damaged(in, r->key);
		return 0;
	}
	return 1;
}

static const char *take(struct in *in, size_t len)
{
	const char *at = in->c.at;

	if (len > cursor_left(&in->c))
		return NULL;
	in->c.at += len;
	return at;
}

/* Every record takes at least this much of the file. */
#define RECORD_LEAST (sizeof(struct record_size) + 2)

static int read_record(struct in *in)
{
	struct record_size size;
	struct image_record r;
	const char *at = take(in, sizeof(size));
	int error = 0;

	if (!at)
		return damaged(in, "it breaks off");
	memcpy(&size, at, sizeof(size));
	r.key = size.key && size.key <= KEY_MAX ? take(in, size.key) : NULL;
	r.value = r.key ? take(in, size.value) : NULL;
	r.len = size.value;
	if (!r.value || strnlen(r.key, size.key) != size.key - 1)
		return damaged(in, "a record breaks off");
	if (read_own(in, &r, &error))
		in->record[in->records++] = r;
	return error;
}

static int read_image(struct in *in)
{
	int error = 0;

	in->c.at += sizeof(MAGIC) - 1;
	in->record = talloc_array(in->s, struct image_record,
				  cursor_left(&in->c) / RECORD_LEAST + 1);
	if (!in->record)
		return -ENOMEM;
	while (cursor_left(&in->c) && !error)
		error = read_record(in);
	if (error)
		return error;
	in->s->machine = image_read(in->config, in->record, in->records,
				    &error, in->why);
	TALLOC_FREE(in->record);
	return error;
}

static int take_world(struct update_state *s, const struct stream_world *w)
{
	s->stream = true;
	s->segment = 1;
	s->listener = w->socket_fd;
	s->listener_ours = true;
	s->evtchn = w->evtchn_fd;
	s->lost_transactions = w->transactions;
	s->clients = w->clients;
	s->client = talloc_array(s, struct stream_client, w->clients + 1);
	s->rings = w->rings;
	s->ring = talloc_zero_array(s, struct update_ring, w->rings + 1);
	if (!s->client || !s->ring)
		return -ENOMEM;
	for (size_t i = 0; i < w->clients; i++)
		s->client[i] = w->client[i];
	for (size_t i = 0; i < w->rings; i++) {
		s->ring[i].domid = w->ring[i].domid;
		s->ring[i].port = w->ring[i].port;
		s->ring[i].bound = true;
	}
	return 0;
}

static int read_stream(struct in *in, stream_facts facts, void *arg)
{
	struct stream_world world;
	int error;

	in->s->machine = stream_read(in->config, in->c.at,
				     cursor_left(&in->c), facts, arg, &world,
				     &error, in->why);
	if (!error)
		error = take_world(in->s, &world);
	stream_world_drop(&world);
	return error;
}

static int read_either(struct in *in, stream_facts facts, void *arg)
{
	if (cursor_left(&in->c) >= sizeof(MAGIC) - 1 &&
	    !memcmp(in->c.at, MAGIC, sizeof(MAGIC) - 1))
		return read_image(in);
	return read_stream(in, facts, arg);
}

struct update_state *update_read(void *parent, int fd,
				 const struct machine_config *config,
				 stream_facts facts, void *arg, int *error,
				 char why[256])
{
	struct update_state *s = talloc_zero(parent, struct update_state);
	struct in in = { .s = s, .config = config, .why = why };
	struct stat st;
	void *at = NULL;

	why[0] = '\0';
	*error = -ENOMEM;
	if (!s)
		return NULL;
	s->listener = s->evtchn = s->pid = -1;
	*error = fstat(fd, &st) ? -errno : 0;
	if (!*error && (st.st_size <= 0 || st.st_size > UPDATE_STATE_MAX))
		*error = damaged(&in, "its size is impossible");
	if (!*error) {
		at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE,
			  fd, 0);
		*error = at == MAP_FAILED ? -errno : 0;
	}
	if (!*error) {
		in.c = cursor_of(at, (size_t)st.st_size);
		*error = read_either(&in, facts, arg);
		munmap(at, (size_t)st.st_size);
	}
	if (!*error)
		return s;
	if (!why[0])
		snprintf(why, 256, "%s", strerror(-*error));
	if (s->machine)
		machine_free(s->machine);
	talloc_free(s);
	return NULL;
}
