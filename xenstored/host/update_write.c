// SPDX-License-Identifier: GPL-2.0-or-later
/* Writing the state that goes to the next binary; see update_state.h. */
#include "xenstored/host/update_state.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
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

#define WRITE_ROOM 65536u

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
	struct update_record size = { (uint32_t)strlen(key) + 1,
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
	out_bytes(o, UPDATE_MAGIC, sizeof(UPDATE_MAGIC) - 1);
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
