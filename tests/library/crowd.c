/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many ends of channels in one process, on one client: c0, c1 ... to the same
 * peer.  "echo" answers every message; "ask" sends one after the other and
 * counts answers.  A line whenever the sums have changed:
 *
 *   up N refused N unwatched N least N fewest N
 *
 * ends that are up; ends that are not and were refused something by a quota;
 * ends that lack a watch; the fewest answers of those that are up and never
 * were refused anything, and of all that are up (one at the edge may have its
 * status and no slot).  SIGUSR2 opens the rest, behind the first FIRST of
 * them; SIGUSR1 closes the first twenty.  Ends with SIGTERM.
 *
 *   crowd ask|echo SOCKET|ring OWN-DOMID PEER-DOMID FIRST COUNT LEASE-MS
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <proxenos/channel.h>

#include "tools/examples/guest.h"

enum { CROWD_MAX = 128, LEAVERS = 20, TEXT_MAX = 16, EVERY = 100000 };

struct member {
	struct px_channel *channel;
	struct px_channel_message message;
	char name[16], text[TEXT_MAX];
	size_t len;
	bool up, closed;
	bool busy;		/* the message is the channel's */
	bool waiting;		/* ask: for the answer; echo: to complete */
	unsigned int answers;
};

static struct member crowd[CROWD_MAX];
static struct px_client *client;
static bool asks;
static volatile sig_atomic_t leave, more, stop;

static void on_signal(int number)
{
	if (number == SIGUSR1)
		leave = 1;
	else if (number == SIGUSR2)
		more = 1;
	else
		stop = 1;
}

static void check(const char *what, int err)
{
	if (!err)
		return;
	fprintf(stderr, "crowd: %s: %s\n", what, strerror(-err));
	exit(1);
}

static void done(void *arg, struct px_channel_message *message,
		 enum px_channel_verdict verdict)
{
	struct member *m = arg;

	m->busy = false;
	if (asks || !m->waiting || verdict != PX_CHANNEL_DELIVERED)
		return;
	m->waiting = false;
	px_channel_complete(m->channel);
}

static void send(struct member *m)
{
	m->message = (struct px_channel_message){
		.data = m->text, .len = m->len, .done = done, .arg = m };
	m->busy = !px_channel_send(m->channel, &m->message);
}

static void ask(struct member *m)
{
	m->len = (size_t)snprintf(m->text, TEXT_MAX, "%u", m->answers);
	send(m);
	m->waiting = m->busy;
}

static void on_up(void *arg)
{
	struct member *m = arg;

	m->up = true;
}

static bool on_message(void *arg, const void *data, size_t len)
{
	struct member *m = arg;

	if (asks) {
		if (len != m->len || memcmp(m->text, data, len))
			check("another answer", -EPROTO);
		m->answers++;
		m->waiting = false;
		return true;
	}
	if (m->busy || len > TEXT_MAX)
		check("a message", -EMSGSIZE);
	memcpy(m->text, data, len);
	m->len = len;
	send(m);
	/* Its asker waits for the answer, so none comes before that is out;
	 * but it may come before we know that it has been taken. */
	m->waiting = m->busy;
	return !m->waiting;
}

static bool on_down(void *arg, const struct px_channel_down *down)
{
	struct member *m = arg;

	m->up = m->waiting = false;
	return true;
}

static void *memory(size_t size)
{
	void *m = size ? calloc(1, size) : NULL;

	check("memory", m ? 0 : -ENOMEM);
	return m;
}

static void open_member(struct member *m, unsigned int n, uint16_t self,
			uint16_t peer, uint32_t lease)
{
	struct px_channel_options o = {
		.name = m->name, .self = self, .peer = peer, .lease = lease,
		.on = { .up = on_up, .message = on_message, .down = on_down,
			.arg = m } };
	size_t size;

	snprintf(m->name, sizeof(m->name), "c%u", n);
	size = px_channel_size(&o);
	check("init", px_channel_init(memory(size), size, &o, &m->channel));
	check("open", px_channel_open(m->channel, client));
}

static void report(unsigned int count)
{
	static char last[128];
	char line[128];
	unsigned int up = 0, refused = 0, unwatched = 0;
	unsigned int least = UINT32_MAX, fewest = UINT32_MAX;

	for (unsigned int i = 0; i < count; i++) {
		struct px_channel_status s;

		px_channel_status(crowd[i].channel, &s);
		if (crowd[i].closed)
			continue;
		up += crowd[i].up;
		/* The C daemon says ENOSPC, the OCaml one EQUOTA or EDQUOT. */
		refused += !crowd[i].up && s.error && s.error != -EACCES;
		unwatched += s.watch_error != 0;
		if (crowd[i].up && crowd[i].answers < fewest)
			fewest = crowd[i].answers;
		if (crowd[i].up && !s.error && crowd[i].answers < least)
			least = crowd[i].answers;
	}
	snprintf(line, sizeof(line), "up %u refused %u unwatched %u least %u "
		 "fewest %u", up, refused, unwatched,
		 least == UINT32_MAX ? 0 : least,
		 fewest == UINT32_MAX ? 0 : fewest);
	if (strcmp(line, last))
		puts(line);
	memcpy(last, line, sizeof(last));
}

static uint64_t process(unsigned int count, uint64_t now)
{
	uint64_t at = now + EVERY;

	px_client_process(client, now);
	for (unsigned int i = 0; i < count; i++) {
		struct member *m = &crowd[i];

		if (leave && i < LEAVERS && !m->closed) {
			m->closed = true;
			px_channel_close(m->channel);
		}
		px_channel_process(m->channel, now);
		/* One message at a time. */
		if (asks && m->up && !m->busy && !m->waiting && !m->closed)
			ask(m);
	}
	while (px_client_process(client, now) > 0)
		;
	for (unsigned int i = 0; i < count; i++)
		if (px_channel_deadline(crowd[i].channel) < at)
			at = px_channel_deadline(crowd[i].channel);
	if (px_client_deadline(client) < at)
		at = px_client_deadline(client);
	return at;
}

static void connect_ring(unsigned int domid,
			 const struct px_client_options *options)
{
	static struct guest guest;
	size_t size = px_client_size(options);

	guest_attach(&guest, domid);
	guest_connect(&guest);
	/* The same ring, by a client with room for all of them. */
	px_client_close(guest.client);
	check("client", px_client_init(memory(size), size, options, &client));
	check("client", px_client_open(client, &guest.transport.base));
}

static void connect_socket(const char *path,
			   const struct px_client_options *options)
{
	static struct px_transport_unix transport;
	size_t size = px_client_size(options);

	check(path, px_transport_unix_init(&transport, path));
	check("client", px_client_init(memory(size), size, options, &client));
	check("client", px_client_open(client, &transport.base));
}

int main(int argc, char **argv)
{
	struct px_client_options options = {
		.watches = 3 * CROWD_MAX, .requests = 256,
		.backoff_min = 10000, .out_bytes = 1 << 20 };
	unsigned int first, count, opened = 0, self, peer;
	uint64_t next = 0;
	uint32_t lease;

	if (argc != 8)
		return 2;
	asks = !strcmp(argv[1], "ask");
	self = (unsigned int)guest_number(argv[3], 65535);
	peer = (unsigned int)guest_number(argv[4], 65535);
	count = (unsigned int)guest_number(argv[6], CROWD_MAX);
	first = (unsigned int)guest_number(argv[5], count);
	lease = (uint32_t)guest_number(argv[7], 600000);
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGUSR1, on_signal);
	signal(SIGUSR2, on_signal);
	signal(SIGTERM, on_signal);
	if (!strcmp(argv[2], "ring"))
		connect_ring(self, &options);
	else
		connect_socket(argv[2], &options);
	while (!stop) {
		struct pollfd p = { -1, 0, 0 };
		uint64_t now, at;

		for (; opened < (more ? count : first); opened++)
			open_member(&crowd[opened], opened, (uint16_t)self,
				    (uint16_t)peer, lease);
		now = px_client_now();
		at = process(opened, now);
		if (now >= next) {
			report(opened);
			next = now + EVERY;
		}
		p.fd = px_client_fd(client);
		p.events = px_client_poll(client);
		if (at > now)
			poll(&p, p.fd >= 0, (int)((at - now + 999) / 1000));
	}
	return 0;
}
