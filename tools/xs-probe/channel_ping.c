/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xs-probe channel ping and echo: the two ends of a channel, each a real one
 * of libproxenos, so that what is measured is what programs get.  When they
 * have left they remove what they wrote; an end that never was let go of
 * leaves it there.
 */
#include "tools/xs-probe/channel.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <proxenos/channel.h>
#include <proxenos/client_call.h>

#include "protocol/wire.h"
#include "tools/xs-probe/table.h"

enum { SIZE = 64, ON_THE_WAY = 64, AGAIN = 100000 };

struct endpoint {
	struct probe *probe;
	struct px_channel *channel;
	void *memory;
	uint16_t self, peer;
	const char *name;
	bool up, ended;
	enum px_channel_reason reason;
	uint64_t ups, answered;
};

/* ------------------------------------------------------- both of them -- */

/* "domid" is relative to our own home; a lone dom0 may not have it. */
static uint16_t own_domid(struct probe *probe)
{
	char text[WIRE_PAYLOAD_MAX + 1];
	uint64_t domid;
	ssize_t n = px_client_call_path(probe->client, WIRE_READ, 0, "domid",
					text, sizeof(text), probe->timeout);

	if (n < 0 || px_client_parse_number(text, (size_t)n, 65535, &domid))
		return 0;
	return (uint16_t)domid;
}

static void on_ended(void *arg, enum px_channel_reason reason)
{
	struct endpoint *e = arg;

	e->ended = true;
	e->reason = reason;
}

/* 0, or a probe_exit after a message. */
static int endpoint_open(struct endpoint *e, struct probe *probe, int argc,
			 char **argv, const struct px_channel_callbacks *on)
{
	struct px_channel_options o = {
		.name = argc > 1 ? argv[1] : "echo",
		.lease = (uint32_t)probe->number['l'],
		.on = *on,
	};
	uint64_t peer;
	size_t size;
	int err;

	if (px_client_parse_number(argv[0], strlen(argv[0]), 65535, &peer))
		return probe_usage("not a domid: %s", argv[0]);
	o.self = own_domid(probe);
	o.peer = (uint16_t)peer;
	o.on.ended = on_ended;
	if (o.self == o.peer)
		return probe_usage("domain %u is our own", o.self);
	size = px_channel_size(&o);
	if (!size)
		return probe_usage(probe->flag['l'] && o.lease < 100 ?
				   "a lease of %s ms?  At least 100" :
				   "not a name: %s", probe->flag['l'] &&
				   o.lease < 100 ? probe->value['l'] : o.name);
	e->probe = probe;
	e->self = o.self;
	e->peer = o.peer;
	e->name = o.name;
	e->memory = malloc(size);
	err = e->memory ? px_channel_init(e->memory, size, &o, &e->channel) :
			  -ENOMEM;
	if (!err)
		err = px_channel_open(e->channel, probe->client);
	if (!err)
		return PROBE_FINE;
	free(e->memory);
	e->channel = NULL;
	return probe_failed(probe, "channel", err);
}

/* Until `limit` at the latest, or something has happened. */
static void endpoint_step(struct endpoint *e, uint64_t limit)
{
	struct px_client *client = e->probe->client;
	uint64_t now = px_client_now(), at;
	struct pollfd p = { -1, 0, 0 };
	int more = px_client_process(client, now);

	px_channel_process(e->channel, now);
	if (more >= 0)
		more = px_client_process(client, now);
	at = px_channel_deadline(e->channel);
	if (px_client_deadline(client) < at)
		at = px_client_deadline(client);
	if (limit < at)
		at = limit;
	if (more < 0) {
		/* The daemon went: it may come again. */
		px_client_open(client, &e->probe->transport.base);
		at = now + AGAIN;
	} else {
		p.fd = px_client_fd(client);
		p.events = px_client_poll(client);
	}
	if (more <= 0 && at > now)
		poll(&p, p.fd >= 0, at - now > 500000 ? 500 :
		     (int)((at - now + 999) / 1000));
}

/* Leave, and take our nodes along. */
static void endpoint_close(struct endpoint *e)
{
	char path[80], reply[WIRE_PAYLOAD_MAX + 1];
	uint64_t end;

	if (!e->channel)
		return;
	end = px_client_now() + e->probe->timeout;
	px_channel_close(e->channel);
	while (!e->ended && px_client_now() < end)
		endpoint_step(e, end);
	snprintf(path, sizeof(path), "data/channel/%u/%s", e->peer, e->name);
	if (e->ended && e->reason == PX_CHANNEL_CLOSED)
		px_client_call_path(e->probe->client, WIRE_RM, 0, path, reply,
				    sizeof(reply), e->probe->timeout);
	/* Requests that are not answered yet point into it. */
	px_client_close(e->probe->client);
	free(e->memory);
}

/* --------------------------------------------------------------- ping -- */

struct ping {
	struct endpoint e;
	uint64_t count, sent, lost;
	uint64_t *took;		/* of the answered, in any order */
	struct flight {
		struct px_channel_message message;
		bool used, answered;
		uint64_t seq, at;
		char bytes[SIZE];
	} flight[ON_THE_WAY];
};

static void free_flight(struct flight *f, bool message_done)
{
	/* The channel and the answer: both have to be done with it. */
	f->used = !(message_done && f->answered);
}

static void ping_done(void *arg, struct px_channel_message *m,
		      enum px_channel_verdict verdict)
{
	struct flight *f = arg;

	f->message.arg = NULL;
	free_flight(f, true);
}

static void answered(struct ping *p, struct flight *f)
{
	uint64_t took = px_client_now() - f->at;

	p->took[p->e.answered++] = took;
	f->answered = true;
	free_flight(f, !f->message.arg);
	if (p->e.probe->json || p->e.probe->flag['q'])
		return;
	printf("%d bytes from domain %u: seq=%" PRIu64 " time=%" PRIu64 ".%03"
	       PRIu64 " ms\n", SIZE, p->e.peer, f->seq, took / 1000,
	       took % 1000);
	fflush(stdout);
}

static bool ping_message(void *arg, const void *data, size_t len)
{
	struct ping *p = arg;

	for (size_t i = 0; i < ON_THE_WAY; i++) {
		struct flight *f = &p->flight[i];

		if (f->used && !f->answered && len == SIZE &&
		    !memcmp(f->bytes, data, SIZE)) {
			answered(p, f);
			break;
		}
	}
	return true;
}

static void ping_up(void *arg)
{
	struct ping *p = arg;

	p->e.up = true;
	p->e.ups++;
}

/* What was on its way will not be answered: an epoch is over. */
static bool ping_down(void *arg, const struct px_channel_down *down)
{
	struct ping *p = arg;

	p->e.up = false;
	for (size_t i = 0; i < ON_THE_WAY; i++) {
		struct flight *f = &p->flight[i];

		p->lost += f->used && !f->answered;
		f->used = false;
	}
	if (!p->e.probe->json && down->reason != PX_CHANNEL_CLOSED)
		printf("down: %s\n", px_channel_reason_name(down->reason));
	return true;
}

static void send_one(struct ping *p)
{
	struct flight *f = p->flight;

	while (f < p->flight + ON_THE_WAY && f->used)
		f++;
	if (f == p->flight + ON_THE_WAY)
		return;
	memset(f, 0, sizeof(*f));
	f->seq = p->sent;
	f->at = px_client_now();
	snprintf(f->bytes, SIZE, "xs-probe ping %" PRIu64 " at %" PRIu64,
		 f->seq, f->at);
	f->message = (struct px_channel_message){
		.data = f->bytes, .len = SIZE, .done = ping_done, .arg = f };
	if (px_channel_send(p->e.channel, &f->message))
		return;
	f->used = true;
	p->sent++;
}

/* All were sent and answered, or the time for that is over. */
static void ping_all(struct ping *p)
{
	uint64_t every = (p->e.probe->flag['i'] ? p->e.probe->number['i'] :
			  1000) * 1000;
	uint64_t next = 0, patience = p->e.probe->timeout;
	uint64_t end = px_client_now() + patience;

	while (!channel_interrupted && !p->e.ended) {
		uint64_t now = px_client_now(), limit = end;

		if (p->e.answered + p->lost == p->count || now >= end)
			break;
		/* A pace of 0: the next one when the last was answered. */
		if (p->e.up && p->sent < p->count && now >= next &&
		    (every || p->sent == p->e.answered + p->lost)) {
			send_one(p);
			next = now + every;
			end = now + patience;
		}
		if (p->e.up && p->sent < p->count && every && next < limit)
			limit = next;
		if (limit == next && end < next + patience)
			end = next + patience;
		endpoint_step(&p->e, limit);
	}
}

static int in_order(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The k-th hundredth of those that were answered, nearest rank. */
static uint64_t rank(const struct ping *p, uint64_t k)
{
	uint64_t n = (p->e.answered * k + 99) / 100;

	return p->took[n ? n - 1 : 0];
}

static json_t *took_json(const struct ping *p, uint64_t k)
{
	return p->e.answered ? json_integer((json_int_t)rank(p, k)) :
			       json_null();
}

static void put_ms(const char *before, uint64_t us)
{
	printf("%s%" PRIu64 ".%03" PRIu64, before, us / 1000, us % 1000);
}

static int summary(struct ping *p)
{
	uint64_t lost = p->sent - p->e.answered;

	qsort(p->took, p->e.answered, sizeof(*p->took), in_order);
	if (p->e.probe->json) {
		probe_json(json_pack(
			"{s:i,s:s,s:I,s:I,s:I,s:o,s:o,s:o,s:o,s:I}",
			"domid", p->e.peer, "name", p->e.name,
			"sent", (json_int_t)p->sent,
			"answered", (json_int_t)p->e.answered,
			"lost", (json_int_t)lost, "min_us", took_json(p, 0),
			"median_us", took_json(p, 50),
			"p99_us", took_json(p, 99),
			"max_us", took_json(p, 100),
			"ups", (json_int_t)p->e.ups));
	} else if (p->sent) {
		printf("--- domain %u, channel %s ---\n%" PRIu64 " sent, %"
		       PRIu64 " answered, %" PRIu64 " lost\n", p->e.peer,
		       p->e.name, p->sent, p->e.answered, lost);
	}
	if (!p->e.probe->json && p->e.answered) {
		put_ms("round trip min/median/p99/max ", rank(p, 0));
		put_ms("/", rank(p, 50));
		put_ms("/", rank(p, 99));
		put_ms("/", rank(p, 100));
		puts(" ms");
	}
	if (!p->e.ups)
		fprintf(stderr, "xs-probe: domain %u does not come to channel "
			"%s; is `xs-probe channel echo %u' running there?\n",
			p->e.peer, p->e.name, p->e.self);
	return p->e.ups && !lost && p->sent ? PROBE_FINE : PROBE_WRONG;
}

int channel_ping(struct probe *probe, int argc, char **argv)
{
	static const struct px_channel_callbacks plain = {
		.up = ping_up, .message = ping_message, .down = ping_down };
	struct px_channel_callbacks on = plain;
	struct ping *p = calloc(1, sizeof(*p));
	int ret;

	if (!p)
		return probe_failed(probe, "channel ping", -ENOMEM);
	on.arg = p;
	p->count = probe->flag['c'] ? probe->number['c'] : 5;
	p->took = calloc(p->count + 1, sizeof(*p->took));
	ret = p->took ? endpoint_open(&p->e, probe, argc, argv, &on) :
			probe_failed(probe, "channel ping", -ENOMEM);
	if (!ret) {
		channel_catch_signals();
		ping_all(p);
		ret = summary(p);
	}
	endpoint_close(&p->e);
	free(p->took);
	free(p);
	return ret;
}

/* --------------------------------------------------------------- echo -- */

struct answer {
	struct echo *echo;
	struct px_channel_message message;
	void *bytes;		/* NULL: free */
};

struct echo {
	struct endpoint e;
	struct answer answer[ON_THE_WAY];
	bool waiting;		/* a message, for a free one */
};

static void say(struct echo *o, const char *event,
		enum px_channel_reason reason)
{
	if (o->e.probe->json)
		probe_json_line(json_pack("{s:s,s:s,s:I}", "event", event,
			"reason", px_channel_reason_name(reason), "answered",
			(json_int_t)o->e.answered));
	else
		printf("%s%s%s, %" PRIu64 " answered so far\n", event,
		       reason ? ": " : "",
		       reason ? px_channel_reason_name(reason) : "",
		       o->e.answered);
	fflush(stdout);
}

static void echo_up(void *arg)
{
	struct echo *o = arg;

	o->e.up = true;
	say(o, "up", PX_CHANNEL_NONE);
}

static struct answer *echo_free(struct echo *o)
{
	for (size_t i = 0; i < ON_THE_WAY; i++)
		if (!o->answer[i].bytes)
			return &o->answer[i];
	return NULL;
}

static void echo_done(void *arg, struct px_channel_message *m,
		      enum px_channel_verdict verdict)
{
	struct answer *a = arg;

	free(a->bytes);
	a->bytes = NULL;
	if (verdict != PX_CHANNEL_DELIVERED)
		return;
	a->echo->e.answered++;
	if (a->echo->waiting)
		px_channel_complete(a->echo->e.channel);
	a->echo->waiting = false;
}

/*
 * Completed at once, so that the acknowledgement rides on the answer; but the
 * last that has room for its answer keeps the next ones away.
 */
static bool echo_message(void *arg, const void *data, size_t len)
{
	struct echo *o = arg;
	struct answer *a = echo_free(o);

	if (!a)
		return true;
	a->bytes = malloc(len + 1);
	if (!a->bytes)
		return true;
	memcpy(a->bytes, data, len);
	a->echo = o;
	a->message = (struct px_channel_message){
		.data = a->bytes, .len = len, .done = echo_done, .arg = a };
	if (px_channel_send(o->e.channel, &a->message)) {
		free(a->bytes);
		a->bytes = NULL;
	}
	o->waiting = !echo_free(o);
	return !o->waiting;
}

static bool echo_down(void *arg, const struct px_channel_down *down)
{
	struct echo *o = arg;

	o->e.up = o->waiting = false;
	say(o, "down", down->reason);
	return true;
}

int channel_echo(struct probe *probe, int argc, char **argv)
{
	static struct echo o;
	static const struct px_channel_callbacks on = {
		.up = echo_up, .message = echo_message, .down = echo_down,
		.arg = &o };
	int ret = endpoint_open(&o.e, probe, argc, argv, &on);

	if (!ret) {
		channel_catch_signals();
		while (!channel_interrupted && !o.e.ended)
			endpoint_step(&o.e, UINT64_MAX);
		/* Not by us: another has this end now, or the nodes went. */
		if (o.e.ended)
			ret = PROBE_WRONG;
	}
	endpoint_close(&o.e);
	if (o.e.ended)
		say(&o, "ended", o.e.reason);
	for (size_t i = 0; i < ON_THE_WAY; i++)
		free(o.answer[i].bytes);
	return ret;
}
