/* SPDX-License-Identifier: MIT */
/*
 * The watches of a client.  The caller's structs hang in a table; a token is
 * the place in the table and a serial number, so that an event finds its
 * watch in one step and an event that was under way when its watch was taken
 * back is recognised and dropped.  Setting a watch is only noted here as
 * wanted; the pump sends it when there is room, which is also all that a
 * reconnect needs.
 */
#include <errno.h>
#include <string.h>

#include "lib/client_priv.h"
#include "protocol/cursor.h"

/* "<slot>.<serial>" in hex, with NUL. */
#define TOKEN_MAX 18

static size_t put_hex(char *out, uint32_t v)
{
	size_t digits = 1;

	while (digits < 8 && v >> (4 * digits))
		digits++;
	for (size_t i = 0; i < digits; i++)
		out[i] = "0123456789abcdef"[(v >> (4 * (digits - 1 - i))) & 15];
	return digits;
}

static size_t token_put(char *token, uint32_t slot, uint32_t serial)
{
	size_t n = put_hex(token, slot);

	token[n++] = '.';
	n += put_hex(token + n, serial);
	token[n++] = '\0';
	return n;
}

static bool get_hex(const char **at, const char *end, uint32_t *v)
{
	const char *start = *at;

	*v = 0;
	for (; *at < end && *at - start < 8; (*at)++) {
		char c = **at;

		if (c >= '0' && c <= '9')
			*v = *v << 4 | (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			*v = *v << 4 | (uint32_t)(c - 'a' + 10);
		else
			break;
	}
	return *at != start;
}

static bool token_get(struct span token, uint32_t *slot, uint32_t *serial)
{
	const char *at = token.at, *end = token.at + token.len;

	if (!get_hex(&at, end, slot) || at == end || *at++ != '.')
		return false;
	return get_hex(&at, end, serial) && at == end;
}

static struct client_watch_slot *slot_of(struct px_client *client,
					 const struct px_client_watch *watch)
{
	struct client_watch_slot *slot;

	if (!watch->set || watch->slot >= client->options.watches)
		return NULL;
	slot = &client->watches[watch->slot];
	return slot->watch == watch ? slot : NULL;
}

static void slot_free(struct client_watch_slot *slot)
{
	if (slot->state == CLIENT_WATCH_WANTED)
		slot->client->wanted--;
	slot->watch->set = 0;
	slot->watch = NULL;
	slot->state = CLIENT_WATCH_FREE;
	slot->serial++;
}

static void watch_done(void *arg, int result, const char *data, size_t len)
{
	struct client_watch_slot *slot = arg;
	struct px_client_watch *watch = slot->watch;

	slot->asked--;
	if (!result || result == -ECONNRESET || slot->asked ||
	    slot->state != CLIENT_WATCH_SENT)
		return;
	slot_free(slot);
	watch->event(watch->arg, result, NULL);
}

static unsigned int watch_parts(struct px_bytes *parts, char *token,
				const struct px_client_watch *watch,
				uint32_t serial)
{
	parts[0].at = watch->path;
	parts[0].len = strlen(watch->path) + 1;
	parts[1].at = token;
	parts[1].len = token_put(token, watch->slot, serial);
	return 2;
}

static int send_watch(struct px_client *client, struct client_watch_slot *slot)
{
	char token[TOKEN_MAX], digits[10], depth[11];
	struct px_bytes parts[3];
	unsigned int n = watch_parts(parts, token, slot->watch, slot->serial);
	int ret;

	if (slot->watch->depth >= 0) {
		unsigned int v = (unsigned int)slot->watch->depth;
		size_t len = 0;

		do {
			digits[len++] = (char)('0' + v % 10);
			v /= 10;
		} while (v);
		for (size_t i = 0; i < len; i++)
			depth[i] = digits[len - 1 - i];
		depth[len++] = '\0';
		parts[n].at = depth;
		parts[n++].len = len;
	}
	ret = client_core_submit(&client->core, WIRE_WATCH, 0, parts, n,
				 watch_done, slot);
	if (ret)
		return ret;
	slot->asked++;
	slot->state = CLIENT_WATCH_SENT;
	client->wanted--;
	return 0;
}

void client_watch_pump(struct px_client *client)
{
	if (client->state != CLIENT_UP)
		return;
	for (unsigned int i = 0; client->wanted && i < client->options.watches;
	     i++) {
		struct client_watch_slot *slot = &client->watches[i];

		if (slot->state == CLIENT_WATCH_WANTED &&
		    send_watch(client, slot))
			return;
	}
}

void client_watch_again(struct px_client *client)
{
	for (unsigned int i = 0; i < client->options.watches; i++) {
		struct client_watch_slot *slot = &client->watches[i];

		if (slot->state != CLIENT_WATCH_SENT)
			continue;
		slot->state = CLIENT_WATCH_WANTED;
		client->wanted++;
	}
}

int client_watch_event(struct px_client *client, const char *data, size_t len)
{
	struct cursor c = cursor_of(data, len);
	struct client_watch_slot *slot;
	struct span path, token;
	uint32_t index, serial;

	if (!cursor_string(&c, &path) || !cursor_string(&c, &token))
		return -EPROTO;
	if (!token_get(token, &index, &serial) ||
	    index >= client->options.watches) {
		client->counters.stray_events++;
		return 0;
	}
	slot = &client->watches[index];
	if (slot->state != CLIENT_WATCH_SENT || slot->serial != serial) {
		client->counters.stray_events++;
		return 0;
	}
	client->counters.events++;
	slot->watch->event(slot->watch->arg, 0, path.at);
	return 0;
}

int px_client_watch(struct px_client *client, struct px_client_watch *watch)
{
	if (!watch->path || !*watch->path || !watch->event ||
	    strlen(watch->path) > WIRE_ABS_PATH_MAX)
		return -EINVAL;
	if (slot_of(client, watch))
		return -EEXIST;
	for (unsigned int i = 0; i < client->options.watches; i++) {
		struct client_watch_slot *slot = &client->watches[i];

		if (slot->state != CLIENT_WATCH_FREE)
			continue;
		slot->watch = watch;
		slot->state = CLIENT_WATCH_WANTED;
		watch->slot = i;
		watch->set = 1;
		client->wanted++;
		client_watch_pump(client);
		return 0;
	}
	return -ENOSPC;
}

int px_client_unwatch(struct px_client *client, struct px_client_watch *watch)
{
	struct client_watch_slot *slot = slot_of(client, watch);
	struct px_bytes parts[2];
	char token[TOKEN_MAX];
	int ret;

	if (!slot)
		return -ENOENT;
	if (client->state == CLIENT_UP && slot->state == CLIENT_WATCH_SENT) {
		watch_parts(parts, token, watch, slot->serial);
		ret = client_core_submit(&client->core, WIRE_UNWATCH, 0,
					 parts, 2, NULL, NULL);
		if (ret == -EAGAIN)
			return ret;
	}
	slot_free(slot);
	return 0;
}
