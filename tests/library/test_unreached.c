/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ends of channels and sessions whose store is never reached, and the errors
 * of using them wrongly: no daemon is needed for any of it.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <proxenos/session.h>

#define CHECK(what) \
	do { if (!(what)) failed(#what, __LINE__); } while (0)

static _Noreturn void failed(const char *what, int line)
{
	fprintf(stderr, "FAILED: %s, line %d\n", what, line);
	exit(1);
}

static struct px_transport_unix transport;
static struct px_client *client;
static struct px_channel *channel;
static unsigned int ends;
static enum px_channel_reason last;
static char lock[] = "/tmp/test_unreached.XXXXXX";

static bool on_message(void *arg, const void *data, size_t len)
{
	failed("no message", __LINE__);
}

static bool on_down(void *arg, const struct px_channel_down *down)
{
	failed("never was up", __LINE__);
}

static void on_ended(void *arg, enum px_channel_reason reason)
{
	ends++;
	last = reason;
	/* Whatever is asked for in a callback but these two. */
	CHECK(px_channel_process(channel, 0) == -EBUSY);
	CHECK(px_channel_abandon(channel) == -EBUSY);
	CHECK(px_channel_close(channel) == 0);
}

static const struct px_channel_options options = {
	.name = "x", .peer = 1, .lock = lock,
	.on = { .message = on_message, .down = on_down, .ended = on_ended },
};

static void *memory(size_t size)
{
	void *m = calloc(1, size);

	CHECK(size && m);
	return m;
}

static void make_client(void)
{
	struct px_client_options o = { .backoff_min = 1000 };
	size_t size = px_client_size(&o);

	CHECK(!px_transport_unix_init(&transport, "/nonexistent/socket"));
	CHECK(!px_client_init(memory(size), size, &o, &client));
}

static void make_channel(void)
{
	size_t size = px_channel_size(&options);

	CHECK(!px_channel_init(memory(size), size, &options, &channel));
	CHECK(!px_channel_open(channel, client));
	ends = 0;
}

static void drop_channel(void)
{
	CHECK(!px_channel_abandon(channel));
	free(channel);
}

/* The client was never opened: there is nothing to wait for. */
static void client_closed(void)
{
	make_channel();
	CHECK(!px_channel_process(channel, 1) && !ends);
	CHECK(!px_channel_close(channel));
	CHECK(px_channel_deadline(channel) == 0);
	CHECK(!px_channel_process(channel, 2));
	CHECK(ends == 1 && last == PX_CHANNEL_CLOSED);
	CHECK(px_channel_deadline(channel) == UINT64_MAX);
	/* Once, and the lock is free again. */
	CHECK(!px_channel_close(channel));
	CHECK(!px_channel_process(channel, 3) && ends == 1);
	drop_channel();
}

/* The first attempt fails: before, it is waited for. */
static void no_daemon(void)
{
	CHECK(!px_client_open(client, &transport.base));
	make_channel();
	CHECK(!px_channel_close(channel));
	CHECK(!px_channel_process(channel, 1) && !ends);
	CHECK(!px_client_process(client, 1));
	CHECK(px_client_error(client) == -ENOENT);
	CHECK(!px_channel_process(channel, 1) && ends == 1);
	drop_channel();
	px_client_close(client);
}

static void wrong_use(void)
{
	struct px_channel_message m = { .data = "", .len = 0 };
	struct px_channel *second;
	struct px_channel_status s;
	size_t size = px_channel_size(&options);

	CHECK(px_channel_init(NULL, size - 1, &options, &channel) ==
	      -ENOBUFS);
	CHECK(!px_channel_init(memory(size), size, &options, &second));
	CHECK(px_channel_process(second, 0) == -ENOTCONN);
	make_channel();
	CHECK(px_channel_open(channel, client) == -EISCONN);
	CHECK(px_channel_open(second, client) == -EBUSY);
	CHECK(px_channel_send(channel, &m) == -EINVAL);
	m.done = (void (*)(void *, struct px_channel_message *,
			   enum px_channel_verdict))abort;
	CHECK(px_channel_send(channel, &m) == -ENOTCONN);
	CHECK(px_channel_complete(channel) == -ENOTCONN);
	CHECK(px_channel_fault(channel) == -ENOTCONN);
	CHECK(px_channel_let_go(channel) == -EINVAL);
	px_channel_status(channel, &s);
	CHECK(!strcmp(s.state, "start") && !s.error && !s.watch_error);
	drop_channel();
	/* The lock is given back. */
	CHECK(!px_channel_open(second, client));
	CHECK(!px_channel_abandon(second));
	free(second);
}

static void bad_options(void)
{
	static const char *const names[] = {
		"", "A", "a b", "a/b", "a_b",
		"123456789012345678901234567890123" };
	struct px_channel_options o = options;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		o.name = names[i];
		CHECK(!px_channel_size(&o));
	}
	o = options;
	o.slots = 1;
	CHECK(!px_channel_size(&o));
	o.slots = 33;
	CHECK(!px_channel_size(&o));
	o = options;
	o.lease = 99;
	CHECK(!px_channel_size(&o));
	o = options;
	o.on.message = NULL;
	CHECK(!px_channel_size(&o));
	o = options;
	o.on.down = NULL;
	CHECK(!px_channel_size(&o));
}

/* As many as the client has watches for, and not one in between. */
static void watches(void)
{
	struct px_client_options o = { .watches = 5 };
	struct px_channel_options unlocked = options;
	struct px_channel *c[2];
	struct px_client *small;
	size_t size = px_client_size(&o);
	void *at = memory(size);

	unlocked.lock = NULL;
	CHECK(!px_client_init(at, size, &o, &small));
	size = px_channel_size(&unlocked);
	for (int i = 0; i < 2; i++)
		CHECK(!px_channel_init(memory(size), size, &unlocked, &c[i]));
	CHECK(!px_channel_open(c[0], small));
	CHECK(px_channel_open(c[1], small) == -ENOSPC);
	CHECK(!px_channel_abandon(c[0]));
	CHECK(!px_channel_open(c[1], small));
	CHECK(!px_channel_abandon(c[1]));
	free(c[0]);
	free(c[1]);
	free(at);
}

int main(void)
{
	int fd = mkstemp(lock);

	CHECK(fd >= 0);
	close(fd);
	make_client();
	client_closed();
	no_daemon();
	wrong_use();
	bad_options();
	watches();
	free(client);
	unlink(lock);
	puts("ok");
	return 0;
}
