/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The played daemon and the client under test; see client_script.h. */
#include "tests/unit/client_script.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int script_open(struct px_transport *t)
{
	struct script *s = (struct script *)t;

	s->opens++;
	s->out_len = s->out_at = 0;
	if (s->open_result)
		return s->open_result;
	return 0;
}

static void script_close(struct px_transport *t)
{
	struct script *s = (struct script *)t;

	s->closes++;
	s->in_len = s->in_at = 0;
	s->hung_up = false;
}

static ssize_t script_send(struct px_transport *t, const void *bytes,
			   size_t len)
{
	struct script *s = (struct script *)t;
	int error = s->send_error;

	if (!len || s->out_len + len > SCRIPT_BYTES) {
		s->broken = true;
		return -EFAULT;
	}
	if (len > s->send_budget)
		len = s->send_budget;
	if (error && !s->send_budget) {
		s->send_error = 0;
		s->send_budget = SIZE_MAX;
		return error;
	}
	if (len > s->send_max)
		len = s->send_max;
	s->send_budget -= len;
	if (!len)
		return -EAGAIN;
	memcpy(s->out + s->out_len, bytes, len);
	s->out_len += len;
	s->sends++;
	return (ssize_t)len;
}

static ssize_t script_recv(struct px_transport *t, void *bytes, size_t len)
{
	struct script *s = (struct script *)t;
	size_t n = s->in_len - s->in_at;

	if (!len) {
		s->broken = true;
		return -EFAULT;
	}
	if (n > len)
		n = len;
	if (n > s->recv_max)
		n = s->recv_max;
	if (!n)
		return s->hung_up ? 0 : -EAGAIN;
	memcpy(bytes, s->in + s->in_at, n);
	s->in_at += n;
	return (ssize_t)n;
}

void script_init(struct script *s)
{
	memset(s, 0, sizeof(*s));
	s->base.open = script_open;
	s->base.send = script_send;
	s->base.recv = script_recv;
	s->base.close = script_close;
	s->base.fd = -1;
	s->send_max = SIZE_MAX;
	s->send_budget = SIZE_MAX;
	s->recv_max = SIZE_MAX;
}

bool script_take(struct script *s, struct wire_header *h, char *payload)
{
	ck_assert(!s->broken);
	if (s->out_len - s->out_at < WIRE_HEADER_SIZE)
		return false;
	*h = wire_header_get(s->out + s->out_at);
	ck_assert_uint_le(h->len, WIRE_PAYLOAD_MAX);
	if (s->out_len - s->out_at < WIRE_HEADER_SIZE + h->len)
		return false;
	if (payload) {
		memcpy(payload, s->out + s->out_at + WIRE_HEADER_SIZE, h->len);
		payload[h->len] = '\0';
	}
	s->out_at += WIRE_HEADER_SIZE + h->len;
	return true;
}

void script_feed(struct script *s, const void *bytes, size_t len)
{
	ck_assert_uint_le(s->in_len + len, SCRIPT_BYTES);
	memcpy(s->in + s->in_len, bytes, len);
	s->in_len += len;
}

void script_message(struct script *s, uint32_t type, uint32_t id,
		    const void *data, size_t len)
{
	struct wire_header h = { type, id, 0, (uint32_t)len };
	char bytes[WIRE_HEADER_SIZE];

	wire_header_put(bytes, &h);
	script_feed(s, bytes, sizeof(bytes));
	script_feed(s, data, len);
}

void script_reply(struct script *s, const struct wire_header *h,
		  const void *data, size_t len)
{
	script_message(s, h->type, h->req_id, data, len);
}

void script_error(struct script *s, const struct wire_header *h,
		  const char *name)
{
	script_message(s, WIRE_ERROR, h->req_id, name, strlen(name) + 1);
}

void outcome_done(void *arg, int result, const char *data, size_t len)
{
	struct outcome *o = arg;

	o->calls++;
	o->result = result;
	o->len = len;
	/* No check macros here: they allocate, and a test counts that. */
	if (len > WIRE_PAYLOAD_MAX || data[len])
		o->calls += 1000;
	else
		memcpy(o->data, data, len + 1);
}

#define CANARY 64
static struct rig the_rig;
static _Alignas(16) char the_memory[1 << 17];

static void rig_is_up(void *arg, enum px_client_up how)
{
	struct rig *rig = arg;

	rig->ups++;
	rig->how = how;
}

static void rig_is_down(void *arg, int reason)
{
	struct rig *rig = arg;

	rig->downs++;
	rig->reason = reason;
}

struct rig *rig_new(const struct px_client_options *options)
{
	struct rig *rig = &the_rig;

	memset(rig, 0, sizeof(*rig));
	if (options)
		rig->options = *options;
	rig->options.up = rig_is_up;
	rig->options.down = rig_is_down;
	rig->options.arg = rig;
	script_init(&rig->script);
	rig->size = px_client_size(&rig->options);
	ck_assert_uint_gt(rig->size, 0);
	ck_assert_uint_le(rig->size + 2 * CANARY, sizeof(the_memory));
	memset(the_memory, 0x5a, sizeof(the_memory));
	rig->memory = the_memory + CANARY;
	ck_assert_int_eq(px_client_init(rig->memory, rig->size, &rig->options,
					&rig->client), 0);
	return rig;
}

void rig_check_canaries(struct rig *rig)
{
	for (size_t i = 0; i < CANARY; i++) {
		ck_assert_int_eq(the_memory[i], 0x5a);
		ck_assert_int_eq(rig->memory[rig->size + i], 0x5a);
	}
}

int rig_run(struct rig *rig)
{
	int ret = 1;

	for (int i = 0; ret == 1; i++) {
		ck_assert_int_lt(i, 100000);
		ret = px_client_process(rig->client, rig->now);
	}
	return ret;
}

void rig_up(struct rig *rig, const char *generation)
{
	struct wire_header h;
	char payload[WIRE_PAYLOAD_MAX + 1];
	int ups = rig->ups;
	unsigned int opens = rig->script.opens;

	if (!rig->ups)
		ck_assert_int_eq(px_client_open(rig->client,
						&rig->script.base), 0);
	for (int i = 0; i < 4096 && (rig->script.opens == opens ||
				 rig->script.out_len < 43); i++)
		ck_assert_int_ge(px_client_process(rig->client, rig->now), 0);
	ck_assert(script_take(&rig->script, &h, payload));
	ck_assert_uint_eq(h.type, WIRE_READ);
	ck_assert_str_eq(payload, "/tool/xenstored/generation");
	ck_assert(!px_client_is_up(rig->client));
	if (generation)
		script_reply(&rig->script, &h, generation, strlen(generation));
	else
		script_error(&rig->script, &h, "ENOENT");
	ck_assert_int_eq(rig_run(rig), 0);
	ck_assert(px_client_is_up(rig->client));
	ck_assert_int_eq(rig->ups, ups + 1);
}

volatile unsigned long wrapped_allocations;

/* The linker sends the allocator calls of this program's objects here. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

void *__wrap_malloc(size_t size)
{
	wrapped_allocations++;
	return __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	wrapped_allocations++;
	return __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	wrapped_allocations++;
	return __real_realloc(p, size);
}
