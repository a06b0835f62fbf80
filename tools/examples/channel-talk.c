/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "tools/examples/channel-talk.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/examples/guest.h"

static struct px_client *client;
static struct px_channel *channel;
static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	stop = 1;
}

/* Memory for the life of the program. */
static void *make(size_t size)
{
	void *memory = size ? calloc(1, size) : NULL;

	if (!memory) {
		fprintf(stderr, "channel: options are not valid\n");
		exit(2);
	}
	return memory;
}

/* A guest of the simxen machine, over its ring. */
static void connect_guest(unsigned int domid)
{
	static struct guest guest;

	guest_attach(&guest, domid);
	guest_connect(&guest);
	client = guest.client;
}

static void connect_client(const char *socket)
{
	static struct px_transport_unix transport;
	struct px_client_options options = { .backoff_min = 10000,
					     .backoff_max = 200000 };
	size_t size = px_client_size(&options);

	if (px_transport_unix_init(&transport, socket) ||
	    px_client_init(make(size), size, &options, &client) ||
	    px_client_open(client, &transport.base)) {
		fprintf(stderr, "channel: no client\n");
		exit(1);
	}
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Both want to be called by then, or when the descriptor shows something. */
static void wait_for_work(uint64_t limit)
{
	uint64_t now = px_client_now(), at = limit;
	struct pollfd p = { px_client_fd(client), px_client_poll(client), 0 };

	at = earlier(at, px_client_deadline(client));
	at = earlier(at, px_channel_deadline(channel));
	if (at <= now)
		return;
	poll(&p, p.fd >= 0, (int)earlier((at - now + 999) / 1000, 1000));
}

struct px_channel *channel_talk_open(const char *socket,
				     const struct px_channel_options *options)
{
	size_t size = px_channel_size(options);
	int err;

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	if (strcmp(socket, "ring"))
		connect_client(socket);
	else
		connect_guest(options->self);
	err = px_channel_init(make(size), size, options, &channel);
	if (!err)
		err = px_channel_open(channel, client);
	if (err) {
		fprintf(stderr, "channel: %s\n", strerror(-err));
		exit(1);
	}
	return channel;
}

void channel_talk_run(const bool *over, uint64_t every, void (*tick)(void))
{
	uint64_t next = px_client_now();
	bool closing = false;

	while (!*over) {
		uint64_t now = px_client_now();

		if (stop && !closing) {
			closing = true;
			px_channel_close(channel);
		}
		if (tick && now >= next) {
			tick();
			next = now + every;
		}
		px_client_process(client, now);
		px_channel_process(channel, now);
		wait_for_work(tick ? next : UINT64_MAX);
	}
	px_client_close(client);
}
