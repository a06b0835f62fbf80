/* SPDX-License-Identifier: MIT */
/*
 * The shell around the client's pure middle: it moves bytes between the core
 * and a transport, connects, greets (asks for the store's generation), and
 * after a hang-up does so again.  Each call does a bounded piece of work, so
 * that a daemon that never stops talking cannot hold its caller.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "lib/client_priv.h"

#define GENERATION_PATH "/tool/xenstored/generation"
/* Pieces of output and of input per px_client_process(). */
#define TURNS 16
/* An attempt under way is looked at so often even if nothing shows. */
#define ASK_AGAIN 1000000
/* A listener with a full backlog cannot be polled for; ask again. */
#define BUSY_PAUSE 10000

static const struct px_client_options defaults;

static bool options_fill(const struct px_client_options *given,
			 struct px_client_options *o)
{
	*o = given ? *given : defaults;
	if (!o->window)
		o->window = 8;
	if (!o->requests)
		o->requests = o->window > 32 ? o->window : 32;
	if (!o->watches)
		o->watches = 64;
	if (!o->out_bytes)
		o->out_bytes = 32768;
	if (o->backoff_max < o->backoff_min)
		o->backoff_max = o->backoff_min;
	return o->window <= o->requests && o->requests <= 65535 &&
	       o->watches <= 65535 && o->out_bytes >= WIRE_MESSAGE_MAX &&
	       o->out_bytes <= 1u << 30;
}

size_t px_client_size(const struct px_client_options *options)
{
	struct px_client_options o;

	if (!options_fill(options, &o))
		return 0;
	return sizeof(struct px_client) +
	       o.watches * sizeof(struct client_watch_slot) +
	       o.requests * sizeof(struct client_slot) +
	       o.out_bytes + CLIENT_IN_BYTES + 1;
}

static int on_event(void *owner, const char *data, size_t len)
{
	return client_watch_event(owner, data, len);
}

static void on_room(void *owner)
{
	client_watch_pump(owner);
}

int px_client_init(void *memory, size_t size,
		   const struct px_client_options *options,
		   struct px_client **client)
{
	struct px_client_options o;
	struct px_client *c = memory;
	char *at;

	if (!options_fill(options, &o))
		return -EINVAL;
	if (size < px_client_size(&o))
		return -ENOBUFS;
	memset(c, 0, sizeof(*c));
	c->options = o;
	c->watches = (struct client_watch_slot *)(c + 1);
	memset(c->watches, 0, o.watches * sizeof(*c->watches));
	for (unsigned int i = 0; i < o.watches; i++)
		c->watches[i].client = c;
	c->core.slots = (struct client_slot *)(c->watches + o.watches);
	at = (char *)(c->core.slots + o.requests);
	c->core.slot_count = o.requests;
	c->core.window = o.window;
	c->core.out = at;
	c->core.out_size = o.out_bytes;
	c->core.in = at + o.out_bytes;
	c->core.event = on_event;
	c->core.room = on_room;
	c->core.owner = c;
	c->error = 0;
	*client = c;
	return 0;
}

int px_client_open(struct px_client *client, struct px_transport *transport)
{
	if (client->state != CLIENT_CLOSED)
		return -EISCONN;
	client->transport = transport;
	client->state = CLIENT_WAITING;
	client->deadline = 0;
	client->backoff = client->options.backoff_min;
	return 0;
}

/* Leave whatever connection there is; all requests are told. */
static void hang_up(struct px_client *client, enum client_state next)
{
	enum client_state before = client->state;

	client->state = next;
	if (before >= CLIENT_CONNECTING)
		client->transport->close(client->transport);
	if (before >= CLIENT_GREETING) {
		client_watch_again(client);
		client_core_stop(&client->core);
	}
}

void px_client_close(struct px_client *client)
{
	bool busy = client->busy;

	client->busy = true;
	hang_up(client, CLIENT_CLOSED);
	client->busy = busy;
}

static uint64_t later(uint64_t now, uint64_t pause)
{
	return pause < UINT64_MAX - now ? now + pause : UINT64_MAX;
}

/* The connection, or the attempt at one, has failed. */
static void fail(struct px_client *client, int reason, uint64_t now)
{
	bool was_up = client->state == CLIENT_UP;
	bool again = client->options.backoff_min != 0;

	client->error = reason;
	if (reason == -EPROTO)
		client->counters.protocol_errors++;
	client->deadline = later(now, client->backoff);
	if (client->backoff > client->options.backoff_max / 2)
		client->backoff = client->options.backoff_max;
	else
		client->backoff *= 2;
	hang_up(client, again ? CLIENT_WAITING : CLIENT_CLOSED);
	if (was_up && client->options.down)
		client->options.down(client->options.arg, reason);
}

/*
 * The generation is here, or the news that there is none, which counts as
 * "0".  One too long to keep is never equal to another.
 */
static void greet_done(void *arg, int result, const char *data, size_t len)
{
	struct px_client *client = arg;
	enum px_client_up how = PX_CLIENT_FIRST;
	bool same;

	if (result == -ECONNRESET)
		return;
	if (result) {
		data = "0";
		len = 1;
	}
	same = len <= CLIENT_GENERATION_MAX &&
	       len == strlen(client->generation) &&
	       !memcmp(data, client->generation, len);
	if (len > CLIENT_GENERATION_MAX)
		len = 0;
	memcpy(client->generation, data, len);
	client->generation[len] = '\0';
	if (client->greeted)
		how = same ? PX_CLIENT_SAME : PX_CLIENT_LOST;
	client->greeted = true;
	client->state = CLIENT_UP;
	client->backoff = client->options.backoff_min;
	client->counters.connections++;
	client_watch_pump(client);
	if (client->options.up)
		client->options.up(client->options.arg, how);
}

/* The transport is connected. */
static int greet(struct px_client *client)
{
	struct px_bytes path = { GENERATION_PATH, sizeof(GENERATION_PATH) };

	client->state = CLIENT_GREETING;
	client->core.kernel = client->transport->flags & PX_TRANSPORT_KERNEL;
	client_core_start(&client->core);
	return client_core_submit(&client->core, WIRE_READ, 0, &path, 1,
				  greet_done, client);
}

/* The outcome of transport->open or ->ready. */
static void connect_step(struct px_client *client, int ret, uint64_t now)
{
	if (!ret)
		ret = greet(client);
	if (!ret)
		return;
	if (ret == -EINPROGRESS && client->transport->ready) {
		client->state = CLIENT_CONNECTING;
		client->deadline = later(now, ASK_AGAIN);
	} else if (ret == -EAGAIN && client->state == CLIENT_WAITING) {
		client->deadline = later(now, BUSY_PAUSE);
	} else {
		fail(client, ret, now);
	}
}

/* True if there may be more to send. */
static bool send_some(struct px_client *client, uint64_t now)
{
	struct px_transport *t = client->transport;
	const char *bytes;
	size_t len = client_core_output(&client->core, &bytes);
	ssize_t n;

	if (!len)
		return false;
	n = t->send(t, bytes, len);
	if (n > 0 && (size_t)n <= len) {
		client_core_sent(&client->core, (size_t)n);
		return true;
	}
	if (n == -EAGAIN || !n)
		return false;
	if (n > 0 || !client->core.kernel)
		fail(client, n > 0 ? -EPROTO : (int)n, now);
	else
		client_core_refused(&client->core, (int)n);
	return client->state >= CLIENT_GREETING;
}

/* True if there may be more to receive. */
static bool receive_some(struct px_client *client, uint64_t now)
{
	struct px_transport *t = client->transport;
	char *at;
	size_t space = client_core_space(&client->core, &at);
	ssize_t n = t->recv(t, at, space);
	int ret;

	if (n == -EAGAIN)
		return false;
	if (n > 0 && (size_t)n <= space)
		ret = client_core_received(&client->core, (size_t)n);
	else
		ret = n < 0 ? (int)n : n ? -EPROTO : -ECONNRESET;
	if (ret) {
		fail(client, ret, now);
		return false;
	}
	return client->state >= CLIENT_GREETING;
}

static int process(struct px_client *client, uint64_t now)
{
	struct px_transport *t = client->transport;
	bool more = true;
	int ret = 0;

	if (client->state >= CLIENT_CONNECTING && t->begin)
		ret = t->begin(t);
	if (ret)
		fail(client, ret, now);
	else if (client->state == CLIENT_WAITING && now >= client->deadline)
		connect_step(client, t->open(t), now);
	else if (client->state == CLIENT_CONNECTING)
		connect_step(client, t->ready(t), now);
	for (int i = 0; more && client->state >= CLIENT_GREETING; i++) {
		uint32_t epoch = client->core.epoch;
		bool sent = send_some(client, now);

		if (epoch != client->core.epoch)
			break;
		more = receive_some(client, now) || sent;
		if (epoch != client->core.epoch)
			break;
		if (more && i + 1 >= TURNS)
			return 1;
	}
	if (client->state == CLIENT_CLOSED)
		return client->error ? client->error : -ENOTCONN;
	return 0;
}

int px_client_process(struct px_client *client, uint64_t now)
{
	int ret;

	if (client->busy)
		return -EBUSY;
	if (client->state == CLIENT_CLOSED)
		return -ENOTCONN;
	client->busy = true;
	ret = process(client, now);
	client->busy = false;
	return ret;
}

int px_client_fd(const struct px_client *client)
{
	return client->state >= CLIENT_CONNECTING ? client->transport->fd : -1;
}

short px_client_poll(const struct px_client *client)
{
	const char *bytes;
	bool output;

	if (client->state < CLIENT_CONNECTING)
		return 0;
	output = client->state == CLIENT_CONNECTING ||
		 client_core_output(&client->core, &bytes);
	if (client->transport->events)
		return client->transport->events(client->transport, output);
	return (short)(output ? POLLIN | POLLOUT : POLLIN);
}

uint64_t px_client_deadline(const struct px_client *client)
{
	const char *bytes;

	if (client->state == CLIENT_WAITING ||
	    client->state == CLIENT_CONNECTING)
		return client->deadline;
	/* Its readiness to write cannot be waited for, so do not. */
	if (client->state >= CLIENT_GREETING && client->core.kernel &&
	    client_core_output(&client->core, &bytes))
		return 0;
	return UINT64_MAX;
}

bool px_client_is_up(const struct px_client *client)
{
	return client->state == CLIENT_UP;
}

unsigned int px_client_pending(const struct px_client *client)
{
	return client->core.used;
}

int px_client_error(const struct px_client *client)
{
	return client->error;
}

void px_client_count(const struct px_client *client,
		     struct px_client_counters *counters)
{
	*counters = client->counters;
	counters->requests = client->core.requests;
	counters->replies = client->core.replies;
}
