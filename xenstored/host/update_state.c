// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading the state that another binary hands over; see update_state.h. */
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
#include "xenstored/host/evtchn.h"
#include "xenstored/host/listener.h"

#define KEY_MAX 8192u
#define PATH_LEN_MAX 4096u

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
#define RECORD_LEAST (sizeof(struct update_record) + 2)

static int read_record(struct in *in)
{
	struct update_record size;
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

	in->c.at += sizeof(UPDATE_MAGIC) - 1;
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
	if (cursor_left(&in->c) >= sizeof(UPDATE_MAGIC) - 1 &&
	    !memcmp(in->c.at, UPDATE_MAGIC, sizeof(UPDATE_MAGIC) - 1))
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
