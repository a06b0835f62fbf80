// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A hostile guest against a living daemon, on simxen:
 *
 *   ring_hostile SEEDS FIRST HOSTILE VICTIM
 *
 * For each seed the domain HOSTILE writes anything anywhere in its page while
 * the daemon runs, with and without notifying.  Then, while it goes on doing
 * so, the domain VICTIM and a client of the socket must be answered, and what
 * they read must be what they wrote.  Every eighth seed the hostile guest asks
 * for a reset and must be served again.  On failure the seed is printed;
 * SEEDS 1 FIRST that seed repeats it.  The machine is $SIMXEN_DIR.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <proxenos/ring.h>

#include "protocol/cursor.h"
#include "protocol/ring.h"
#include "protocol/wire.h"
#include "tools/simxen/guest.h"

#define WAIT_MS 500
#define TRIES 40u

static uint64_t seed, state;
static struct simxen_guest *hostile;
static union {
	struct ring_page *page;
	uint8_t *bytes;
	uint32_t *words;
} mem;

struct party {
	struct simxen_guest *guest;
	struct px_ring ring;
	uint32_t req_id;
};

static _Noreturn void give_up(const char *what, long n)
{
	fprintf(stderr, "ring_hostile: seed %llu: %s (%ld)\n",
		(unsigned long long)seed, what, n);
	exit(EXIT_FAILURE);
}

#define check(what) do { if (!(what)) give_up(#what, __LINE__); } while (0)

static uint32_t draw(uint32_t below)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)(state * 0x2545f4914f6cdd1dull >> 32) % below;
}

/* -------------------------------------------------------- the hostile -- */

static void set(uint32_t word, uint32_t value)
{
	ring_store_once(&mem.words[512 + word], value);
}

static uint32_t get(uint32_t word)
{
	return ring_load_once(&mem.words[512 + word]);
}

static void scribble(void)
{
	static const uint32_t steps[] = {
		0, 1, 15, 16, 17, 1023, 1024, 1025, 0x80000000u, 0xffffffffu,
	};
	struct wire_header header = { .type = draw(30), .tx_id = draw(3) };
	uint8_t head[WIRE_HEADER_SIZE];

	switch (draw(7)) {
	case 0:
		set(draw(8), get(draw(8)) + steps[draw(10)]);
		break;
	case 1:
		set(draw(8), draw(UINT32_MAX));
		break;
	case 2:
		for (uint32_t n = draw(64); n; n--)
			mem.bytes[draw(4096)] = (uint8_t)draw(256);
		break;
	case 3:		/* something like a request */
		header.len = draw(8) ? draw(300) : draw(UINT32_MAX);
		wire_header_put(head, &header);
		ring_copy_in(mem.page->req, get(1), head, sizeof(head));
		set(1, get(1) + sizeof(head) + draw(200));
		break;
	case 4:
		set(2, get(3) - draw(1030));
		break;
	case 5:
		set(5, draw(3));
		break;
	case 6:
		for (uint32_t n = 0; n < 4; n++)
			set(n, 0);
		break;
	}
	if (draw(3))
		simxen_guest_notify(hostile);
}

/* ------------------------------------------------------ who is served -- */

static int party_notify(void *ctx)
{
	int ret = simxen_guest_notify(((struct party *)ctx)->guest);

	return ret < 0 ? ret : 0;
}

static int party_wait(void *ctx)
{
	int ret = simxen_guest_wait(((struct party *)ctx)->guest, WAIT_MS);

	return ret < 0 ? ret : 0;
}

static const struct px_ring_ops ops = { party_notify, party_wait };

static void party_open(struct party *p, struct simxen_guest *guest)
{
	memset(p, 0, sizeof(*p));
	p->guest = guest;
	if (px_ring_open(&p->ring, simxen_guest_page(guest), &ops, p, 0) ==
	    PX_RING_EAGAIN)
		px_ring_settle(&p->ring, TRIES);
	check(p->ring.state == PX_RING_CONNECTED);
}

static void party_ask(struct party *p, uint32_t op, const char *text,
		      size_t len, const char *want)
{
	char buf[PX_RING_PAYLOAD_MAX];
	struct px_ring_msg msg;
	int ret = 0;

	px_ring_msg_request(&msg, op, ++p->req_id, 0, text, (uint32_t)len);
	for (unsigned int i = 0; i < TRIES; i++) {
		ret = px_ring_send(&p->ring, &msg);
		if (ret != PX_RING_EAGAIN || px_ring_wait(&p->ring))
			break;
	}
	check(!ret);
	px_ring_msg_init(&msg, buf, sizeof(buf));
	for (unsigned int i = 0; i < TRIES; i++) {
		ret = px_ring_recv(&p->ring, &msg);
		if (ret != PX_RING_EAGAIN || px_ring_wait(&p->ring))
			break;
	}
	check(!ret);
	check(msg.type == op && msg.req_id == p->req_id);
	if (want)
		check(msg.len == strlen(want) && !memcmp(buf, want, msg.len));
}

static void receive(int fd, void *to, size_t len)
{
	for (size_t got = 0; got < len;) {
		ssize_t n = recv(fd, (uint8_t *)to + got, len - got, 0);

		check(n > 0);
		got += (size_t)n;
	}
}

static void socket_ask(int fd, uint32_t op, const char *text, size_t len,
		       const char *want)
{
	uint8_t msg[WIRE_MESSAGE_MAX];
	struct wire_header header = { .type = op, .len = (uint32_t)len,
				      .req_id = (uint32_t)seed };

	wire_header_put(msg, &header);
	memcpy(msg + WIRE_HEADER_SIZE, text, len);
	len += WIRE_HEADER_SIZE;
	check(send(fd, msg, len, MSG_NOSIGNAL) == (ssize_t)len);
	receive(fd, msg, WIRE_HEADER_SIZE);
	header = wire_header_get(msg);
	check(header.type == op && header.req_id == (uint32_t)seed);
	check(header.len <= WIRE_PAYLOAD_MAX);
	receive(fd, msg, header.len);
	if (want)
		check(header.len == strlen(want) &&
		      !memcmp(msg, want, header.len));
}

static int socket_open(const char *dir)
{
	struct timeval patience = { .tv_sec = WAIT_MS * TRIES / 1000 };
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	int n = snprintf(to.sun_path, sizeof(to.sun_path), "%s/run/socket",
			 dir);

	check(fd >= 0 && n > 0 && n < (int)sizeof(to.sun_path));
	check(!connect(fd, (struct sockaddr *)&to, sizeof(to)));
	check(!setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
			  sizeof(patience)));
	return fd;
}

/* ---------------------------------------------------------------- main -- */

static void one(struct party *victim, int fd)
{
	struct party healed;
	char text[64];
	int n;

	state = seed * 0x9e3779b97f4a7c15ull + 1;
	for (uint32_t steps = 10 + draw(60); steps; steps--)
		scribble();
	n = snprintf(text, sizeof(text), "data%c%llu", 0,
		     (unsigned long long)seed);
	party_ask(victim, WIRE_WRITE, text, (size_t)n, NULL);
	scribble();
	party_ask(victim, WIRE_READ, "data", 5, text + 5);
	n = snprintf(text, sizeof(text), "/fuzz%c%llu", 0,
		     (unsigned long long)seed);
	socket_ask(fd, WIRE_WRITE, text, (size_t)n, NULL);
	scribble();
	socket_ask(fd, WIRE_READ, "/fuzz", 6, text + 6);
	if (seed % 8)
		return;
	/* The page's owner puts the bits right that it may have cleared. */
	set(4, RING_FEATURE_RECONNECT | RING_FEATURE_ERROR);
	party_open(&healed, hostile);
	party_ask(&healed, WIRE_WRITE, "data\0v", 6, NULL);
	party_ask(&healed, WIRE_READ, "data", 5, "v");
}

static uint64_t number(const char *text)
{
	uint64_t n;

	check(span_number((struct span){ text, strlen(text) }, UINT32_MAX, &n));
	return n;
}

int main(int argc, char **argv)
{
	struct simxen_guest *guest;
	struct party victim;
	struct simxen *m;
	uint64_t seeds;
	int fd;

	if (argc != 5) {
		fprintf(stderr,
			"usage: ring_hostile SEEDS FIRST HOSTILE VICTIM\n");
		return 2;
	}
	seeds = number(argv[1]);
	check(!simxen_open(NULL, &m));
	check(!simxen_guest_attach(m, NULL, (unsigned int)number(argv[3]),
				   &hostile));
	check(!simxen_guest_attach(m, NULL, (unsigned int)number(argv[4]),
				   &guest));
	mem.page = simxen_guest_page(hostile);
	party_open(&victim, guest);
	fd = socket_open(simxen_dir(m));
	seed = number(argv[2]);
	for (uint64_t i = 0; i < seeds; i++, seed++)
		one(&victim, fd);
	printf("%llu seeds\n", (unsigned long long)seeds);
	close(fd);
	simxen_guest_detach(guest);
	simxen_guest_detach(hostile);
	simxen_close(m);
	return EXIT_SUCCESS;
}
