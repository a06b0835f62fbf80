/* SPDX-License-Identifier: MIT */
/* The pure middle of the client; see client_core.h. */
#include "lib/client_core.h"

#include <errno.h>
#include <string.h>

#include "protocol/cursor.h"

void client_core_start(struct client_core *core)
{
	core->open = true;
	core->out_put = 0;
	core->out_taken = 0;
	core->first = 0;
	core->used = 0;
	core->in_len = 0;
}

static struct client_slot *slot_at(const struct client_core *core,
				   unsigned int index)
{
	return &core->slots[(core->first + index) % core->slot_count];
}

/* Take the oldest request off the queue and tell its owner. */
static void finish_first(struct client_core *core, int result,
			 const char *data, size_t len)
{
	struct client_slot slot = *slot_at(core, 0);

	core->first = (core->first + 1) % core->slot_count;
	core->used--;
	if (core->open && core->room)
		core->room(core->owner);
	if (slot.done)
		slot.done(slot.arg, result, data, len);
}

void client_core_stop(struct client_core *core)
{
	core->open = false;
	core->epoch++;
	core->in_len = 0;
	while (core->used)
		finish_first(core, -ECONNRESET, "", 0);
	core->out_taken = core->out_put;
}

static void out_append(struct client_core *core, const void *bytes, size_t len)
{
	size_t at = (size_t)(core->out_put % core->out_size);
	size_t till_end = core->out_size - at;
	size_t n = len < till_end ? len : till_end;

	if (!len)
		return;
	memcpy(core->out + at, bytes, n);
	memcpy(core->out, (const char *)bytes + n, len - n);
	core->out_put += len;
}

int client_core_submit(struct client_core *core, uint32_t type, uint32_t tx,
		       const struct px_bytes *parts, unsigned int count,
		       px_client_done *done, void *arg)
{
	char bytes[WIRE_HEADER_SIZE];
	struct wire_header header = { .type = type, .tx_id = tx };
	struct client_slot *slot;
	size_t len = 0;

	if (!core->open)
		return -ENOTCONN;
	for (unsigned int i = 0; i < count; i++) {
		if (parts[i].len > WIRE_PAYLOAD_MAX - len)
			return -E2BIG;
		len += parts[i].len;
	}
	if (core->used == core->slot_count ||
	    core->out_size - (core->out_put - core->out_taken) <
	    WIRE_HEADER_SIZE + len)
		return -EAGAIN;

	/* 0 is left to those who answer without looking at the id. */
	if (!++core->next_id)
		core->next_id = 1;
	header.req_id = core->next_id;
	header.len = (uint32_t)len;
	wire_header_put(bytes, &header);
	out_append(core, bytes, sizeof(bytes));
	for (unsigned int i = 0; i < count; i++)
		out_append(core, parts[i].at, parts[i].len);

	slot = slot_at(core, core->used++);
	slot->end = core->out_put;
	slot->req_id = header.req_id;
	slot->type = type;
	slot->refused = 0;
	slot->done = done;
	slot->arg = arg;
	core->requests++;
	return 0;
}

/*
 * How far the queued bytes may be sent at present, as out_put counts.  A kernel
 * gets one message, and nothing more before its answer.
 */
static uint64_t out_limit(const struct client_core *core)
{
	uint64_t limit = core->out_taken;

	for (unsigned int i = 0; i < core->used && i < core->window; i++) {
		limit = slot_at(core, i)->end;
		if (core->kernel)
			break;
	}
	return limit;
}

size_t client_core_output(const struct client_core *core, const char **bytes)
{
	uint64_t limit = out_limit(core);
	size_t at = (size_t)(core->out_taken % core->out_size);
	size_t till_end = core->out_size - at;
	size_t n;

	if (!core->open || limit <= core->out_taken)
		return 0;
	n = (size_t)(limit - core->out_taken);
	*bytes = core->out + at;
	return n < till_end ? n : till_end;
}

void client_core_sent(struct client_core *core, size_t n)
{
	core->out_taken += n;
}

/* Requests that the transport refused end when their turn comes. */
static void finish_refused(struct client_core *core)
{
	uint32_t epoch = core->epoch;

	for (unsigned int n = core->used; n && core->used; n--) {
		const struct client_slot *slot = slot_at(core, 0);

		if (epoch != core->epoch || !slot->refused)
			return;
		finish_first(core, slot->refused, "", 0);
	}
}

void client_core_refused(struct client_core *core, int error)
{
	for (unsigned int i = 0; i < core->used; i++) {
		struct client_slot *slot = slot_at(core, i);

		if (slot->end <= core->out_taken)
			continue;
		slot->refused = error;
		core->out_taken = slot->end;
		break;
	}
	finish_refused(core);
}

size_t client_core_space(struct client_core *core, char **at)
{
	*at = core->in + core->in_len;
	return CLIENT_IN_BYTES - core->in_len;
}

/* The negative errno an error reply stands for; 0 if it is not one. */
static int error_of(const char *data, size_t len)
{
	struct cursor c = cursor_of(data, len);
	struct span name;
	int error;

	if (!cursor_string(&c, &name) || !name.len || cursor_left(&c))
		return 0;
	for (size_t i = 0; i < name.len; i++)
		if (!((name.at[i] >= 'A' && name.at[i] <= 'Z') ||
		      (name.at[i] >= '0' && name.at[i] <= '9')))
			return 0;
	error = wire_error_number(name.at, name.len);
	return error ? -error : -EINVAL;
}

/* A kernel answers these itself, without the request's id. */
static bool forgets_id(uint32_t type)
{
	return type == WIRE_WATCH || type == WIRE_UNWATCH ||
	       type == WIRE_TRANSACTION_END;
}

static int take_reply(struct client_core *core, const struct wire_header *h,
		      const char *data)
{
	const struct client_slot *slot;
	int error = 0;

	if (!core->used)
		return -EPROTO;
	slot = slot_at(core, 0);
	if (slot->end > core->out_taken)
		return -EPROTO;
	if (h->req_id != slot->req_id &&
	    !(core->kernel && !h->req_id && forgets_id(slot->type)))
		return -EPROTO;
	if (h->type == WIRE_ERROR) {
		error = error_of(data, h->len);
		if (!error)
			return -EPROTO;
	} else if (h->type != slot->type) {
		return -EPROTO;
	}
	core->replies++;
	if (error)
		finish_first(core, error, "", 0);
	else
		finish_first(core, 0, data, h->len);
	return 0;
}

/* One whole message; its last byte may be followed by the next message. */
static int take_message(struct client_core *core, const struct wire_header *h,
			char *data)
{
	uint32_t epoch = core->epoch;
	char after = data[h->len];
	int ret;

	data[h->len] = '\0';
	if (h->type == WIRE_WATCH_EVENT)
		ret = core->event(core->owner, data, h->len);
	else
		ret = take_reply(core, h, data);
	data[h->len] = after;
	if (!ret && epoch == core->epoch)
		finish_refused(core);
	return ret;
}

int client_core_received(struct client_core *core, size_t n)
{
	uint32_t epoch = core->epoch;
	size_t at = 0;
	int ret;

	core->in_len += n;
	while (core->in_len - at >= WIRE_HEADER_SIZE) {
		struct wire_header h = wire_header_get(core->in + at);

		if (h.len > WIRE_PAYLOAD_MAX || h.type >= WIRE_OP_COUNT)
			return -EPROTO;
		if (core->in_len - at - WIRE_HEADER_SIZE < h.len)
			break;
		at += WIRE_HEADER_SIZE;
		ret = take_message(core, &h, core->in + at);
		if (epoch != core->epoch)
			return 0;
		if (ret)
			return ret;
		at += h.len;
	}
	core->in_len -= at;
	memmove(core->in, core->in + at, core->in_len);
	return 0;
}
