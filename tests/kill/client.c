// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Blocking and with a thread of its own, so that a job is straight code. One
 * place waits (client_step) and one place parses (client_message); a reply
 * that is not the one due ends the client, for after that nothing it says
 * could be judged.
 */
#include "tests/kill/client.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const struct {
	const char *name;
	enum wire_op wire;
} client_ops[] = {
	[OP_READ] = { "READ", WIRE_READ },
	[OP_WRITE] = { "WRITE", WIRE_WRITE },
	[OP_MKDIR] = { "MKDIR", WIRE_MKDIR },
	[OP_RM] = { "RM", WIRE_RM },
	[OP_DIR] = { "DIR", WIRE_DIRECTORY },
	[OP_SETPERMS] = { "SETPERMS", WIRE_SET_PERMS },
	[OP_GETPERMS] = { "GETPERMS", WIRE_GET_PERMS },
	[OP_START] = { "START", WIRE_TRANSACTION_START },
	[OP_END] = { "END", WIRE_TRANSACTION_END },
	[OP_WATCH] = { "WATCH", WIRE_WATCH },
	[OP_UNWATCH] = { "UNWATCH", WIRE_UNWATCH },
	[OP_SYNC] = { "SYNC", WIRE_GET_DOMAIN_PATH },
	[OP_INTRODUCE] = { "INTRODUCE", WIRE_INTRODUCE },
	[OP_LREAD] = { "LREAD", WIRE_READ },
	[OP_LDIR] = { "LDIR", WIRE_DIRECTORY },
	[OP_LGETPERMS] = { "LGETPERMS", WIRE_GET_PERMS },
};

static void no_hook(void)
{
}

void (*client_hook)(void) = no_hook;

uint64_t client_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* splitmix64; a client's choices depend on the seed and its index only. */
uint32_t client_random(struct client *c, uint32_t below)
{
	uint64_t z = c->random += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (uint32_t)((z ^ z >> 31) >> 32) % below;
}

bool client_init(struct client *c, const char *dir, unsigned int index,
		 uint32_t domid, uint64_t seed)
{
	char path[4096];

	*c = (struct client){ .index = index, .domid = domid };
	c->random = seed * 1000003u + index;
	snprintf(path, sizeof(path), "%s/client.%u", dir, index);
	c->log = fopen(path, "we");
	if (!c->log) {
		perror(path);
		return false;
	}
	setvbuf(c->log, NULL, _IOFBF, 65536);
	return true;
}

void client_fini(struct client *c)
{
	link_disconnect(&c->link);
	if (c->link.guest)
		simxen_guest_detach(c->link.guest);
	fclose(c->log);
}

void client_log(struct client *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(c->log, fmt, ap);
	va_end(ap);
	putc('\n', c->log);
}

void client_fail(struct client *c, const char *fmt, ...)
{
	va_list ap;

	fprintf(c->log, "X %llu ", (unsigned long long)client_now());
	va_start(ap, fmt);
	vfprintf(c->log, fmt, ap);
	va_end(ap);
	putc('\n', c->log);
	c->dead = true;
}

static void client_mark(struct client *c, char mark)
{
	client_log(c, "%c %llu", mark, (unsigned long long)client_now());
}

/* Nothing is due any more; an open transaction is gone. */
static void client_forget(struct client *c)
{
	c->count = 0;
	c->out_len = 0;
	c->in_len = 0;
	c->tx_id = 0;
}

/* ---------------------------------------------------------------- input -- */

static void client_event(struct client *c, const char *payload, uint32_t len)
{
	const char *token = memchr(payload, 0, len);
	struct client_watch *w = c->watch;

	token = token ? token + 1 : "";
	client_log(c, "E %llu %s %s", (unsigned long long)client_now(),
		   payload, token);
	for (unsigned int i = 0; i < c->watches; i++, w++)
		if (!strcmp(w->path, token)) {
			w->dirty = true;
			w->events++;
			return;
		}
}

/* Strings into one, joined by commas; "-" for none. */
static void payload_join(char *payload, uint32_t len, bool list)
{
	while (list && len && !payload[len - 1])
		len--;
	payload[len] = 0;
	for (uint32_t i = 0; i < len; i++)
		if (!payload[i])
			payload[i] = ',';
}

static void client_answer(struct client *c, const struct wire_header *h,
			  const char *payload)
{
	const struct client_pending *p = &c->pending[c->first];
	bool failed = h->type == WIRE_ERROR;

	if (!c->count || h->req_id != p->seq ||
	    (!failed && h->type != (uint32_t)client_ops[p->op].wire)) {
		client_fail(c, "reply type %u to %u while %u was due",
			    h->type, h->req_id, c->count ? p->seq : 0);
		return;
	}
	memcpy(c->payload, payload, h->len);
	payload_join(c->payload, h->len, failed || (p->op != OP_READ &&
						    p->op != OP_LREAD));
	c->error = failed ? c->payload : NULL;
	if (p->op == OP_START && !failed) {
		c->tx_seq = p->seq;
		c->tx_id = (uint32_t)strtoul(c->payload, NULL, 10);
	}
	client_log(c, "R %llu %u %s %s", (unsigned long long)client_now(),
		   p->seq, failed ? c->payload : "ok",
		   failed || !c->payload[0] ? "-" : c->payload);
	c->first = (c->first + 1) % CLIENT_PENDING;
	c->count--;
}

/* Take one message off the input: 1, or 0 when it is not whole. A reply ends
 * the turn, so that the caller sees each. */
static int client_message(struct client *c, bool *replied)
{
	char payload[WIRE_PAYLOAD_MAX + 1];
	struct wire_header h;
	size_t size;

	if (c->dead || c->in_len < WIRE_HEADER_SIZE)
		return 0;
	h = wire_header_get(c->in);
	if (h.len > WIRE_PAYLOAD_MAX) {
		client_fail(c, "a payload of %u bytes", h.len);
		return 0;
	}
	size = WIRE_HEADER_SIZE + h.len;
	if (c->in_len < size)
		return 0;
	memcpy(payload, c->in + WIRE_HEADER_SIZE, h.len);
	payload[h.len] = 0;
	c->in_len -= size;
	memmove(c->in, c->in + size, c->in_len);
	if (h.type == WIRE_WATCH_EVENT) {
		client_event(c, payload, h.len);
	} else {
		client_answer(c, &h, payload);
		*replied = true;
	}
	return 1;
}

/* ----------------------------------------------------------- moving on -- */

static bool client_moved(struct client *c, ssize_t n)
{
	if (n == LINK_LOST) {
		client_mark(c, 'D');
		link_disconnect(&c->link);
		client_forget(c);
		c->lost = true;
	} else if (n == LINK_BROKEN) {
		client_fail(c, "ring broken: %s", c->link.why);
	}
	return n > 0;
}

static bool client_push(struct client *c)
{
	ssize_t n;

	if (!c->out_len || c->lost || c->dead)
		return false;
	n = link_put(&c->link, c->out, c->out_len);
	if (!client_moved(c, n))
		return false;
	c->out_len -= (size_t)n;
	memmove(c->out, c->out + n, c->out_len);
	client_hook();
	return true;
}

static bool client_pull(struct client *c)
{
	ssize_t n;

	if (c->lost || c->dead)
		return false;
	n = link_get(&c->link, c->in + c->in_len, sizeof(c->in) - c->in_len);
	if (!client_moved(c, n))
		return false;
	c->in_len += (size_t)n;
	return true;
}

/* Move what can be moved, else wait: true unless ms passed in vain. */
static bool client_step(struct client *c, int ms)
{
	bool moved = client_push(c);

	moved |= client_pull(c);
	if (moved || c->lost || c->dead)
		return true;
	if (ms <= 0)
		return false;
	link_wait(&c->link, c->out_len, ms);
	return client_push(c) | client_pull(c);
}

int client_reply(struct client *c)
{
	uint64_t end = client_now() + CLIENT_STUCK_MS * UINT64_C(1000000);
	bool replied = false;

	while (!replied) {
		if (client_message(c, &replied))
			continue;
		if (c->lost || c->dead)
			return -1;
		if (client_step(c, 1000))
			continue;
		if (client_now() > end)
			client_fail(c, "stuck: no reply to %u, %zu to send",
				    c->pending[c->first].seq, c->out_len);
	}
	return c->dead ? -1 : 0;
}

void client_idle(struct client *c, int ms)
{
	uint64_t end = client_now() + (uint64_t)ms * 1000000u, now;
	bool replied = false;

	while (!c->lost && !c->dead) {
		if (client_message(c, &replied))
			continue;
		now = client_now();
		if (now >= end)
			return;
		client_step(c, (int)((end - now + 999999) / 1000000));
	}
}

/* --------------------------------------------------------------- output -- */

/* A list in a value is written with commas and sent with NULs. */
static size_t client_body(char *body, enum client_op op, const char *path,
			  const char *value)
{
	size_t len = 0, n = strlen(value);

	if (op != OP_START && op != OP_END) {
		len = strlen(path) + 1;
		memcpy(body, path, len);
	}
	memcpy(body + len, value, n + 1);
	for (char *p = body + len; op != OP_WRITE && *p; p++)
		if (*p == ',')
			*p = 0;
	if (op == OP_WRITE)
		return len + n;
	return op == OP_START || n ? len + n + 1 : len;
}

uint32_t client_send(struct client *c, enum client_op op, bool tx,
		     const char *path, const char *value)
{
	uint8_t *at = c->out + c->out_len;
	struct wire_header h = { .type = client_ops[op].wire };
	struct client_pending *p;

	c->seq++;
	if (c->lost || c->dead)
		return c->seq;
	p = &c->pending[(c->first + c->count++) % CLIENT_PENDING];
	*p = (struct client_pending){ c->seq, op };
	h.req_id = c->seq;
	h.tx_id = tx ? c->tx_id : 0;
	h.len = (uint32_t)client_body((char *)at + WIRE_HEADER_SIZE, op, path,
				      value);
	wire_header_put(at, &h);
	c->out_len += WIRE_HEADER_SIZE + h.len;
	client_log(c, "S %llu %u %s %u %s %s",
		   (unsigned long long)client_now(), c->seq,
		   client_ops[op].name, tx ? c->tx_seq : 0, *path ? path : "-",
		   *value ? value : "-");
	if (op == OP_END)
		c->tx_id = 0;
	client_push(c);
	return c->seq;
}

int client_call(struct client *c, enum client_op op, bool tx,
		const char *path, const char *value)
{
	while (c->count)
		if (client_reply(c))
			return -1;
	client_send(c, op, tx, path, value);
	if (client_reply(c))
		return -1;
	return c->error ? 1 : 0;
}

/* --------------------------------------------------- beginning and end -- */

static void client_watch_all(struct client *c)
{
	for (unsigned int i = 0; i < c->watches; i++)
		if (client_call(c, OP_WATCH, false, c->watch[i].path,
				c->watch[i].path) < 0)
			return;
}

/* Nobody listens while the daemon is down; the path may be gone as well. */
static bool client_connect(struct client *c)
{
	const struct timespec step = { .tv_nsec = 1000000 };
	uint64_t end = client_now() + CLIENT_STUCK_MS * UINT64_C(1000000);

	while (link_connect(&c->link)) {
		if (client_now() > end) {
			client_fail(c, "cannot connect");
			return false;
		}
		nanosleep(&step, NULL);
	}
	client_mark(c, 'C');
	return true;
}

void client_again(struct client *c)
{
	do {
		c->lost = false;
		client_forget(c);
		if (!client_connect(c))
			return;
		client_watch_all(c);
	} while (c->lost && !c->dead);
}

static void client_reset(struct client *c)
{
	uint64_t end = client_now() + CLIENT_STUCK_MS * UINT64_C(1000000);

	client_mark(c, 'Z');
	link_reset(&c->link);
	client_hook();
	while (!link_reset_done(&c->link)) {
		link_wait(&c->link, false, 1000);
		if (client_now() > end) {
			client_fail(c, "stuck: the reset is not done");
			return;
		}
	}
	client_mark(c, 'z');
	client_forget(c);
	client_watch_all(c);
}

void client_renew(struct client *c)
{
	if (c->lost || c->dead)
		return;
	if (c->link.guest) {
		if (link_can_reset(&c->link))
			client_reset(c);
		return;
	}
	client_mark(c, 'V');
	link_disconnect(&c->link);
	client_again(c);
}

void client_look(struct client *c)
{
	for (unsigned int i = 0; i < c->watches; i++) {
		struct client_watch *w = &c->watch[i];

		if (!w->dirty || c->lost || c->dead)
			continue;
		w->dirty = false;
		if (w->look != OP_SYNC &&
		    client_call(c, w->look, false, w->path, "") < 0)
			w->dirty = true;
	}
}
