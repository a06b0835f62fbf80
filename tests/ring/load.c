// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The two tests of the ring that need speed, through the guest library:
 *
 *   load storm ROUNDS REQUESTS DOMID DOMID...
 *	The first domain resets its ring without end in every second round;
 *	meanwhile, and in the rounds between, each of the others has its
 *	requests answered one after the other.  Prints the median over the
 *	rounds of the 99th percentile of a request's time, calm and in the
 *	storm, in nanoseconds, and how many resets there were.
 *   load million COUNT DOMID...
 *	COUNT resets, spread over the domains, each looked at afterwards; one
 *	in 64 finds a watch, a transaction, a reply nobody read and half a
 *	request.  Prints how many and the milliseconds.
 *
 * The machine is $SIMXEN_DIR.  The domains are introduced, and the first node
 * that they ask for may be written by them.  Anything unexpected ends it with
 * a line on standard error and status 1.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <proxenos/ring.h>

#include "protocol/cursor.h"
#include "protocol/ring.h"
#include "protocol/wire.h"
#include "tools/simxen/guest.h"

#define GUESTS_MAX 256u
#define WAIT_MS 1000
#define TRIES 20u
#define FULL_EVERY 64u

struct party {
	unsigned int domid;
	struct simxen_guest *guest;
	struct px_ring ring;
	uint32_t req_id;
};

static struct party party[GUESTS_MAX];
static unsigned int parties;

static _Noreturn void give_up(const struct party *p, const char *what, int ret)
{
	fprintf(stderr, "load: domain %u: %s: %d (page: connection %u, "
		"error %u)\n", p->domid, what, ret,
		p->ring.page ? ring_load_once(&p->ring.page->connection) : 0,
		p->ring.page ? ring_load_once(&p->ring.page->error) : 0);
	exit(EXIT_FAILURE);
}

static int party_notify(void *ctx)
{
	struct party *p = ctx;
	int ret = simxen_guest_notify(p->guest);

	return ret < 0 ? ret : 0;
}

static int party_wait(void *ctx)
{
	struct party *p = ctx;
	int ret = simxen_guest_wait(p->guest, WAIT_MS);

	return ret < 0 ? ret : 0;
}

static const struct px_ring_ops ops = { party_notify, party_wait };

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void party_open(struct party *p, struct simxen *m, unsigned int domid)
{
	int ret;

	p->domid = domid;
	ret = simxen_guest_attach(m, NULL, domid, &p->guest);
	if (ret)
		give_up(p, "cannot attach", ret);
	ret = px_ring_open(&p->ring, simxen_guest_page(p->guest), &ops, p, 0);
	if (ret == PX_RING_EAGAIN)
		ret = px_ring_settle(&p->ring, TRIES);
	if (ret)
		give_up(p, "cannot open the ring", ret);
}

/* ------------------------------------------------------------ requests -- */

static void party_send(struct party *p, uint32_t type, const char *payload,
		       uint32_t len)
{
	struct px_ring_msg msg;
	int ret;

	px_ring_msg_request(&msg, type, ++p->req_id, 0, payload, len);
	while ((ret = px_ring_send(&p->ring, &msg)) == PX_RING_EAGAIN)
		if (px_ring_wait(&p->ring))
			break;
	if (ret)
		give_up(p, "cannot send", ret);
}

static void party_reply(struct party *p, uint32_t type)
{
	static _Thread_local char buf[PX_RING_PAYLOAD_MAX];
	struct px_ring_msg msg;
	uint64_t end = now() + (uint64_t)WAIT_MS * TRIES * 1000000;
	int ret;

	px_ring_msg_init(&msg, buf, sizeof(buf));
	while ((ret = px_ring_recv(&p->ring, &msg)) == PX_RING_EAGAIN)
		if (px_ring_wait(&p->ring) || now() > end)
			break;
	if (ret)
		give_up(p, "no reply", ret);
	if (msg.type != type || msg.req_id != p->req_id)
		give_up(p, "the wrong reply, of type", (int)msg.type);
}

/* --------------------------------------------------------------- storm -- */

enum weather { CALM, STORM, OVER };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static _Atomic int weather;
static _Atomic unsigned long resets;

static void set_weather(int w)
{
	pthread_mutex_lock(&lock);
	weather = w;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static void *storm(void *arg)
{
	struct party *p = arg;
	int ret;

	while (weather != OVER) {
		pthread_mutex_lock(&lock);
		while (weather == CALM)
			pthread_cond_wait(&changed, &lock);
		pthread_mutex_unlock(&lock);
		ret = px_ring_reset(&p->ring);
		if (!ret)
			ret = px_ring_settle(&p->ring, TRIES);
		if (ret)
			give_up(p, "reset", ret);
		resets++;
	}
	return NULL;
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* One round; the 99th percentile. */
static uint64_t measure(uint64_t *sample, unsigned int requests)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < requests; i++) {
		for (unsigned int k = 1; k < parties; k++) {
			uint64_t begin = now();

			if (i % 2)
				party_send(&party[k], WIRE_WRITE, "data\0v", 6);
			else
				party_send(&party[k], WIRE_READ, "data", 5);
			party_reply(&party[k], i % 2 ? WIRE_WRITE : WIRE_READ);
			sample[n++] = now() - begin;
		}
	}
	qsort(sample, n, sizeof(*sample), by_size);
	return sample[n - 1 - n / 100];
}

static uint64_t median(uint64_t *value, unsigned int n)
{
	qsort(value, n, sizeof(*value), by_size);
	return value[n / 2];
}

static int run_storm(unsigned int rounds, unsigned int requests)
{
	uint64_t *calm = calloc(rounds, sizeof(*calm));
	uint64_t *wild = calloc(rounds, sizeof(*wild));
	uint64_t *sample = calloc((size_t)requests * GUESTS_MAX,
				  sizeof(*sample));
	pthread_t thread;

	if (!calm || !wild || !sample || parties < 2 || !rounds || !requests)
		return EXIT_FAILURE;
	for (unsigned int k = 1; k < parties; k++) {
		party_send(&party[k], WIRE_WRITE, "data\0v", 6);
		party_reply(&party[k], WIRE_WRITE);
	}
	if (pthread_create(&thread, NULL, storm, &party[0]))
		return EXIT_FAILURE;
	for (unsigned int i = 0; i < rounds; i++) {
		set_weather(CALM);
		calm[i] = measure(sample, requests);
		set_weather(STORM);
		wild[i] = measure(sample, requests);
	}
	set_weather(OVER);
	pthread_join(thread, NULL);
	printf("%llu %llu %lu\n",
	       (unsigned long long)median(calm, rounds),
	       (unsigned long long)median(wild, rounds), resets);
	free(calm);
	free(wild);
	free(sample);
	return EXIT_SUCCESS;
}

/* ------------------------------------------------------------- million -- */

/* Something of every kind that a reset has to drop. */
static void build_up(struct party *p)
{
	uint8_t half[WIRE_HEADER_SIZE] = { WIRE_WRITE };
	int ret;

	party_send(p, WIRE_TRANSACTION_START, "", 1);
	party_reply(p, WIRE_TRANSACTION_START);
	party_send(p, WIRE_WATCH, "data\0t", 7);
	party_reply(p, WIRE_WATCH);
	half[12] = 200;
	ret = px_ring_push(&p->ring, half, sizeof(half));
	if (ret != (int)sizeof(half))
		give_up(p, "half a request", ret);
}

static void finish(struct party *p)
{
	const struct ring_page *page = p->ring.page;
	int ret = px_ring_settle(&p->ring, TRIES);

	if (ret)
		give_up(p, "reset", ret);
	if (ring_load_once(&page->req_cons) | ring_load_once(&page->req_prod) |
	    ring_load_once(&page->rsp_cons) | ring_load_once(&page->rsp_prod) |
	    ring_load_once(&page->error))
		give_up(p, "the page is not clear", 0);
}

static int run_million(unsigned long count)
{
	uint64_t begin = now();
	unsigned long done = 0;
	int ret;

	for (unsigned long turn = 0; done < count; turn++) {
		for (unsigned int k = 0; k < parties; k++) {
			if (turn % FULL_EVERY == k)
				build_up(&party[k]);
			ret = px_ring_reset(&party[k].ring);
			if (ret)
				give_up(&party[k], "cannot ask", ret);
		}
		for (unsigned int k = 0; k < parties; k++, done++)
			finish(&party[k]);
	}
	printf("%lu %llu\n", done,
	       (unsigned long long)(now() - begin) / 1000000);
	return EXIT_SUCCESS;
}

/* ---------------------------------------------------------------- main -- */

static unsigned int number(const char *text)
{
	uint64_t n;

	if (!text || !span_number((struct span){ text, strlen(text) },
				  1000000000, &n)) {
		fprintf(stderr, "load: not a number: %s\n", text ? text : "");
		exit(2);
	}
	return (unsigned int)n;
}

int main(int argc, char **argv)
{
	bool stormy = argc > 1 && !strcmp(argv[1], "storm");
	int first = stormy ? 4 : 3;
	struct simxen *m;
	int ret;

	if (argc <= first || (!stormy && strcmp(argv[1], "million"))) {
		fprintf(stderr, "usage: load storm ROUNDS REQUESTS DOMID... | "
			"million COUNT DOMID...\n");
		return 2;
	}
	ret = simxen_open(NULL, &m);
	if (ret) {
		fprintf(stderr, "load: no machine: %s\n", strerror(-ret));
		return EXIT_FAILURE;
	}
	for (int i = first; i < argc && parties < GUESTS_MAX; i++)
		party_open(&party[parties++], m, number(argv[i]));
	ret = stormy ? run_storm(number(argv[2]), number(argv[3])) :
		       run_million(number(argv[2]));
	for (unsigned int k = 0; k < parties; k++)
		simxen_guest_detach(party[k].guest);
	simxen_close(m);
	return ret;
}
