/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "tools/examples/channel-talk.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/examples/guest.h"

static struct px_client *client;
static struct px_transport *transport;
static volatile sig_atomic_t stop, hurry;

static void on_signal(int number)
{
	if (number == SIGUSR1)
		hurry = 1;
	else
		stop = 1;
}

void *talk_memory(size_t size)
{
	void *memory = size ? calloc(1, size) : NULL;

	if (!memory) {
		fprintf(stderr, "channel: options are not valid\n");
		exit(2);
	}
	return memory;
}

void talk_check(const char *what, int err)
{
	if (!err)
		return;
	fprintf(stderr, "channel: %s: %s\n", what, strerror(-err));
	exit(1);
}

size_t talk_number(char text[24], uint64_t n)
{
	return (size_t)snprintf(text, 24, "%" PRIu64, n);
}

void talk_must_be(const void *data, size_t len, uint64_t n)
{
	char want[24];

	if (len == talk_number(want, n) && !memcmp(want, data, len))
		return;
	printf("wrong: %.*s instead of %s\n", (int)len, (const char *)data,
	       want);
	exit(1);
}

/* --------------------------------------------------------- the channel -- */

static void on_up(void *arg)
{
	struct talk *t = arg;

	puts("up");
	t->ups++;
	if (t->role->up)
		t->role->up(t);
}

static bool on_message(void *arg, const void *data, size_t len)
{
	struct talk *t = arg;

	return t->role->message(t, data, len);
}

static bool on_down(void *arg, const struct px_channel_down *d)
{
	struct talk *t = arg;

	printf("down %s", px_channel_reason_name(d->reason));
	/* Only who sends of his own accord wants to know. */
	if (t->role->counts)
		printf(", %u never sent, %u in doubt", d->never_sent,
		       d->in_doubt);
	putchar('\n');
	if (t->role->down)
		t->role->down(t, d);
	return true;
}

static void on_released(void *arg)
{
	puts("released");
}

static void on_ended(void *arg, enum px_channel_reason reason)
{
	printf("ended %s\n", px_channel_reason_name(reason));
	((struct talk *)arg)->over = true;
}

static void open_channel(struct talk *t)
{
	struct px_channel_options *o = &t->options.channel;
	size_t size;

	o->on = (struct px_channel_callbacks){ on_up, on_message, on_down,
					       on_released, on_ended, t };
	size = px_channel_size(o);
	talk_check("memory", px_channel_init(talk_memory(size), size, o,
					     &t->channel));
	talk_check("open", px_channel_open(t->channel, client));
}

void talk_close(struct talk *t)
{
	if (t->session)
		px_session_close(t->session);
	else
		px_channel_close(t->channel);
}

/* ---------------------------------------------------------- the client -- */

/* The daemon's socket, or a kernel's device. */
static void connect_path(const char *path)
{
	static struct px_transport_unix socket;
	static struct px_transport_device device;
	struct px_client_options options = { .backoff_min = 10000,
					     .backoff_max = 200000 };
	size_t size = px_client_size(&options);

	if (!strncmp(path, "/dev/", 5)) {
		px_transport_device_init(&device, path);
		transport = &device.base;
	} else {
		talk_check(path, px_transport_unix_init(&socket, path));
		transport = &socket.base;
	}
	talk_check("client", px_client_init(talk_memory(size), size, &options,
					    &client));
	talk_check("client", px_client_open(client, transport));
}

static void connect_guest(unsigned int domid)
{
	static struct guest guest;

	guest_attach(&guest, domid);
	guest_connect(&guest);
	client = guest.client;
	transport = &guest.transport.base;
}

/* ------------------------------------------------------------ the loop -- */

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t deadline(const struct talk *t)
{
	uint64_t at = t->session ? px_session_deadline(t->session) :
				   px_channel_deadline(t->channel);

	return earlier(earlier(at, t->wake), px_client_deadline(client));
}

static void wait_for_work(const struct talk *t)
{
	uint64_t now = px_client_now(), at = deadline(t);
	struct pollfd p = { px_client_fd(client), px_client_poll(client), 0 };

	/* A second at most: a signal may come just before poll. */
	if (at > now)
		poll(&p, p.fd >= 0, (int)earlier((at - now + 999) / 1000,
						 1000));
}

bool talk_may(struct talk *t, uint64_t sent)
{
	if (!t->rate || hurry)
		return true;
	t->wake = t->began + sent * 1000000 / t->rate;
	return px_client_now() >= t->wake;
}

static void process(struct talk *t, uint64_t now)
{
	if (t->session)
		px_session_process(t->session, now);
	else
		px_channel_process(t->channel, now);
}

static void turn(struct talk *t)
{
	uint64_t now = px_client_now();

	/* A ring's client does not open again by itself. */
	if (px_client_process(client, now) < 0)
		px_client_open(client, transport);
	process(t, now);
	t->wake = UINT64_MAX;
	if (t->role->work) {
		t->role->work(t);
		process(t, now);
	}
	/* Send what that asked for; 1: more is ready. */
	if (px_client_process(client, now) <= 0 && !t->over)
		wait_for_work(t);
}

/* ---------------------------------------------------- the command line -- */

static _Noreturn void usage(const struct talk_role *role)
{
	fprintf(stderr, "%s [-k FILE] [-r RATE] SOCKET OWN-DOMID PEER-DOMID "
		"NAME%s [LEASE-MS [LOCK]]\n", role->name, role->counts ?
		" COUNT" : "");
	exit(2);
}

static void parse(struct talk *t, int argc, char **argv)
{
	struct px_channel_options *o = &t->options.channel;
	int c;

	while ((c = getopt(argc, argv, "k:r:")) >= 0) {
		if (c == 'k')
			t->keep = optarg;
		else if (c == 'r')
			t->rate = guest_number(optarg, 1000000000);
		else
			usage(t->role);
	}
	t->began = px_client_now();
	argv += optind;
	argc -= optind;
	if (argc < (t->role->counts ? 5 : 4))
		usage(t->role);
	t->socket = *argv++;
	o->self = (uint16_t)guest_number(*argv++, 65535);
	o->peer = (uint16_t)guest_number(*argv++, 65535);
	o->name = *argv++;
	if (t->role->counts)
		t->count = guest_number(*argv++, INT64_MAX);
	o->lease = *argv ? (uint32_t)guest_number(*argv++, UINT32_MAX) : 0;
	o->lock = *argv;
}

void talk_run(struct talk *t, const struct talk_role *role, int argc,
	      char **argv)
{
	bool closing = false;

	t->role = role;
	parse(t, argc, argv);
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	signal(SIGUSR1, on_signal);
	if (strcmp(t->socket, "ring"))
		connect_path(t->socket);
	else
		connect_guest(t->options.channel.self);
	if (t->keep)
		talk_keep_open(t, client);
	else
		open_channel(t);
	while (!t->over) {
		if (stop && !closing) {
			closing = true;
			talk_close(t);
		}
		turn(t);
	}
	px_client_close(client);
}
