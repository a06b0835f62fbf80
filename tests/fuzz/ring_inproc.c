// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The host's ring service with the machine behind it, in one process: guest.c
 * and ring.c as they are, event channels and mappings that are variables, a
 * clock that the test sets.  Fast enough for a million resets and for
 * thousands of hostile guests, and each failure is repeated by its seed:
 *
 *   ring_inproc [SEEDS [FIRST]]
 *
 * A hostile guest writes anything anywhere in its page between the passes and
 * in their middle (where the daemon notifies).  After each of its steps another
 * guest's request must be answered; at the end its own ring must be mended by
 * the handshake, and the machine's accounts must be right.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include <proxenos/ring.h>

#include "protocol/cursor.h"
#include "xenstored/host/client.h"
#include "xenstored/host/evtchn.h"
#include "xenstored/host/guest.h"
#include "xenstored/host/journal.h"
#include "xenstored/host/mapping.h"

#define DOMAINS 4u
#define HOSTILE 1u
#define VICTIM 2u
#define SOCKET MACHINE_SOCKET_BASE

static struct host *h;
static union {
	struct ring_page page;
	uint8_t bytes[4096];
	uint32_t words[1024];
} pages[DOMAINS];
static bool told[DOMAINS];
static uint64_t state;
static bool scribbling;
static uint64_t seed;

static _Noreturn void give_up(const char *what, long n)
{
	fprintf(stderr, "ring_inproc: seed %llu: %s (%ld)\n",
		(unsigned long long)seed, what, n);
	exit(EXIT_FAILURE);
}

#define check(what) do { if (!(what)) give_up(#what, __LINE__); } while (0)

/* xorshift64*: the same everywhere. */
static uint32_t draw(uint32_t below)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)(state * 0x2545f4914f6cdd1dull >> 32) % below;
}

/* --------------------------------------------------- the world, faked -- */

static void scribble(void);

int evtchn_bind(struct evtchn *e, uint32_t domid, uint32_t remote,
		struct guest *g, uint32_t *local)
{
	*local = domid;
	return 0;
}

void evtchn_unbind(struct evtchn *e, uint32_t local)
{
}

int evtchn_notify(struct evtchn *e, uint32_t local)
{
	told[local] = true;
	if (scribbling && local == HOSTILE && !draw(3))
		scribble();
	return 0;
}

bool evtchn_kept(const struct evtchn *e)
{
	return false;
}

int evtchn_adopt(struct evtchn *e, uint32_t local, struct guest *g)
{
	return -1;
}

/* There is no journal here: nobody may come to it. */
int journal_news(struct journal *j)
{
	give_up(__func__, 0);
}

bool journal_broken(const struct journal *j)
{
	give_up(__func__, 0);
}

int journal_input(struct journal *j, const struct machine_input *in)
{
	give_up(__func__, 0);
}

int journal_ring(struct journal *j, uint32_t domid, uint32_t port,
		 uint32_t remote, uint32_t req_cons, uint32_t rsp_prod)
{
	give_up(__func__, (long)domid);
}

void journal_executed(struct journal *j)
{
	give_up(__func__, 0);
}

void *journal_buffer(struct journal *j)
{
	give_up(__func__, 0);
}

struct client *client_of(const struct host *host, uint32_t conn)
{
	return NULL;
}

int mapping_get(struct mapping *m, uint32_t domid, struct ring_page **page)
{
	*page = &pages[domid].page;
	return 0;
}

void mapping_put(struct mapping *m, uint32_t domid, struct ring_page *page)
{
}

static void notify(uint32_t domid)
{
	struct guest *g = guest_of(h, domid);

	if (g)
		list_queue(&h->ready, &g->ready);
}

/* ------------------------------------------------------------ a pass -- */

static void feed_time(void)
{
	struct machine_input in = { .type = MACHINE_IN_TIME, .time = h->now };

	host_feed(h, &in);
}

static void feed_domain(uint32_t domid)
{
	struct machine_input in = {
		.type = MACHINE_IN_DOMAIN, .domid = domid,
		.flags = MACHINE_DOM_EXISTS, .instance = domid,
	};

	host_feed(h, &in);
}

static void carry_out(void)
{
	struct machine_ask ask;

	while (machine_ask_peek(h->machine, &ask)) {
		struct machine_input in = {
			.type = MACHINE_IN_DONE, .ask = ask.id,
		};

		switch (ask.type) {
		case MACHINE_ASK_DOMAIN:
			feed_domain(ask.domid);
			break;
		case MACHINE_ASK_MAP:
			in.error = guest_map(h, &ask);
			break;
		case MACHINE_ASK_UNMAP:
			guest_unmap(h, ask.domid);
			break;
		case MACHINE_ASK_RING_ERROR:
			guest_ring_error(h, ask.domid, ask.code);
			break;
		case MACHINE_ASK_CLOSE:
		case MACHINE_ASK_CONTROL:
			give_up("an ask nobody can cause", (long)ask.type);
		}
		machine_ask_pop(h->machine);
		host_feed(h, &in);
	}
}

static void changed(void)
{
	uint32_t conn;

	while (machine_next_dirty(h->machine, &conn)) {
		struct guest *g = conn < DOMAINS ? guest_of(h, conn) : NULL;

		if (g)
			guest_changed(g);
	}
}

/* As in loop.c, of which this is the part that is about guests. */
static void pass(void)
{
	struct list upcoming, *item;

	feed_time();
	if (h->due[TIMER_DEFERRED] <= h->now) {
		h->due[TIMER_DEFERRED] = UINT64_MAX;
		guest_undefer(h);
	}
	list_take(&upcoming, &h->ready);
	while ((item = list_pop(&upcoming)))
		guest_turn(list_of(item, struct guest, ready));
	carry_out();
	changed();
	list_take(&upcoming, &h->guests_out);
	while ((item = list_pop(&upcoming)))
		guest_output(list_of(item, struct guest, out));
	changed();
	list_take(&upcoming, &h->settle);
	while ((item = list_pop(&upcoming)))
		guest_settle(list_of(item, struct guest, settle));
}

static void say(uint32_t op, const void *data, size_t len)
{
	static uint8_t msg[WIRE_MESSAGE_MAX];
	struct wire_header header = { .type = op, .len = (uint32_t)len };
	struct machine_span span;

	wire_header_put(msg, &header);
	memcpy(msg + WIRE_HEADER_SIZE, data, len);
	host_feed_bytes(h, SOCKET, msg, WIRE_HEADER_SIZE + len);
	while (machine_output(h->machine, SOCKET, &span, 1))
		host_feed_taken(h, SOCKET, span.len);
}

static void adopt(uint32_t domid)
{
	struct machine_input in = {
		.type = MACHINE_IN_ADOPT, .domid = domid, .port = 1,
		.instance = domid,
	};
	char text[64];
	int n;

	host_feed(h, &in);
	carry_out();
	n = snprintf(text, sizeof(text), "/local/domain/%u", domid);
	say(WIRE_MKDIR, text, (size_t)n + 1);
	n += 1 + snprintf(text + n + 1, sizeof(text) - (size_t)n - 1, "n%u",
			  domid);
	say(WIRE_SET_PERMS, text, (size_t)n + 1);
}

static void world_new(void)
{
	h = talloc_zero(NULL, struct host);
	check(h);
	check(!meter_open(h));
	h->now = 1000000;
	h->mapping = (struct mapping *)h;	/* never looked into */
	for (unsigned int i = 0; i < TIMER_COUNT; i++)
		h->due[i] = UINT64_MAX;
	list_init(&h->ready);
	list_init(&h->deferred);
	list_init(&h->guests_out);
	list_init(&h->clients_out);
	list_init(&h->settle);
	list_init(&h->guests);
	table_init(&h->by_domid, h);
	machine_config_defaults(&h->config);
	h->config.version = "test";
	h->machine = machine_new(&h->config);
	check(h->machine);
	feed_time();
	host_feed_event(h, MACHINE_IN_OPEN, SOCKET);
	memset(pages, 0, sizeof(pages));
	for (uint32_t domid = 0; domid < DOMAINS; domid++)
		adopt(domid);
	pass();
}

static void say_finding(void *arg, const char *text)
{
	fprintf(stderr, "ring_inproc: %s\n", text);
}

static void world_end(void)
{
	check(!machine_check(h->machine, say_finding, NULL));
	guest_forget_all(h);
	machine_free(h->machine);
	talloc_free(h);
}

/* ----------------------------------------------------- guests that work -- */

struct party {
	uint32_t domid;
	struct px_ring ring;
	uint32_t req_id;
};

static int party_notify(void *ctx)
{
	notify(((struct party *)ctx)->domid);
	return 0;
}

/* Waiting is letting the daemon run; and time goes on. */
static int party_wait(void *ctx)
{
	h->now += 2500;
	pass();
	return 0;
}

static const struct px_ring_ops ops = { party_notify, party_wait };

static void party_open(struct party *p, uint32_t domid)
{
	memset(p, 0, sizeof(*p));
	p->domid = domid;
	if (px_ring_open(&p->ring, &pages[domid].page, &ops, p, 0) ==
	    PX_RING_EAGAIN)
		px_ring_settle(&p->ring, 2000);
	check(p->ring.state == PX_RING_CONNECTED);
}

static void party_ask(struct party *p, uint32_t op, const char *text,
		      uint32_t len, const char *want)
{
	char buf[PX_RING_PAYLOAD_MAX];
	struct px_ring_msg msg;
	int ret;

	px_ring_msg_request(&msg, op, ++p->req_id, 0, text, len);
	check(!px_ring_send(&p->ring, &msg));
	px_ring_msg_init(&msg, buf, sizeof(buf));
	for (int i = 0; i < 50; i++) {
		ret = px_ring_recv(&p->ring, &msg);
		if (ret != PX_RING_EAGAIN)
			break;
		pass();
	}
	check(!ret);
	check(msg.type == op && msg.req_id == p->req_id);
	if (want)
		check(msg.len == strlen(want) && !memcmp(buf, want, msg.len));
}

static void party_works(struct party *p)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "data%c%u", 0, p->req_id);

	party_ask(p, WIRE_WRITE, text, (uint32_t)n, NULL);
	party_ask(p, WIRE_READ, "data", 5, text + 5);
}

/* -------------------------------------------------------------- hostile -- */

static uint32_t nasty(uint32_t about)
{
	static const uint32_t steps[] = {
		0, 1, 15, 16, 17, 1023, 1024, 1025, 0x80000000u, 0xffffffffu,
	};

	if (!draw(6))
		return draw(UINT32_MAX);
	return about + (draw(2) ? steps[draw(10)] : 0u - steps[draw(10)]);
}

static void scribble(void)
{
	struct ring_page *page = &pages[HOSTILE].page;
	uint32_t at;

	switch (draw(9)) {
	case 0:		/* a word of the fields */
		at = draw(8);
		pages[HOSTILE].words[512 + at] =
			nasty(pages[HOSTILE].words[512 + draw(8)]);
		break;
	case 1:		/* bytes anywhere */
		for (at = draw(64); at; at--)
			pages[HOSTILE].bytes[draw(4096)] = (uint8_t)draw(256);
		break;
	case 2:		/* producer ahead */
		page->req_prod = page->req_cons + draw(1030);
		break;
	case 3:		/* consumer along */
		page->rsp_cons = page->rsp_prod - draw(1030);
		break;
	case 4:
		page->connection = draw(4) ? 1 : draw(UINT32_MAX);
		break;
	case 5:		/* a header that may be one */
		at = ring_mask(page->req_cons) / 4 * 4;
		if (at > 1000)
			break;
		pages[HOSTILE].words[at / 4] = draw(28);
		pages[HOSTILE].words[at / 4 + 2] = draw(3);
		pages[HOSTILE].words[at / 4 + 3] = draw(8) ? draw(900) :
							     draw(UINT32_MAX);
		page->req_prod = page->req_cons + draw(1025);
		break;
	case 6:		/* begin anew without the handshake */
		page->req_cons = page->req_prod = 0;
		page->rsp_cons = page->rsp_prod = 0;
		break;
	case 7:		/* all of it */
		memset(pages[HOSTILE].bytes, (int)draw(256), 4096);
		break;
	case 8:		/* two fields changed for each other */
		at = page->req_prod;
		page->req_prod = page->rsp_prod;
		page->rsp_prod = at;
		break;
	}
}

static void test_hostile(uint64_t with)
{
	struct party victim, healed;
	uint32_t steps;

	seed = with;
	state = with * 0x9e3779b97f4a7c15ull + 1;
	world_new();
	party_open(&victim, VICTIM);
	scribbling = true;
	for (steps = 1 + draw(40); steps; steps--) {
		for (uint32_t n = 1 + draw(4); n; n--)
			scribble();
		if (draw(4))
			notify(HOSTILE);
		h->now += draw(3000);
		pass();
		party_works(&victim);
	}
	scribbling = false;
	/* Rules 5 and 6: whatever it did, the handshake mends it. */
	pages[HOSTILE].page.connection = 1;
	notify(HOSTILE);
	for (int i = 0; i < 1000 && pages[HOSTILE].page.connection; i++) {
		h->now += 2500;
		pass();
	}
	check(!pages[HOSTILE].page.connection);
	check(!(pages[HOSTILE].page.req_cons | pages[HOSTILE].page.req_prod |
		pages[HOSTILE].page.rsp_cons | pages[HOSTILE].page.rsp_prod |
		pages[HOSTILE].page.error));
	party_open(&healed, HOSTILE);
	party_works(&healed);
	party_works(&victim);
	world_end();
}

/* -------------------------------------------------------------- resets -- */

static void build_up(struct party *p)
{
	uint8_t half[WIRE_HEADER_SIZE] = { WIRE_WRITE, [12] = 200 };

	party_ask(p, WIRE_TRANSACTION_START, "", 1, NULL);
	check(px_ring_push(&p->ring, half, sizeof(half)) == sizeof(half));
	pass();
}

static void test_million(uint64_t count)
{
	struct party p;
	size_t blocks, size;

	seed = 0;
	world_new();
	party_open(&p, HOSTILE);
	build_up(&p);
	check(!px_ring_reset(&p.ring) && !px_ring_settle(&p.ring, 100));
	blocks = talloc_total_blocks(NULL);
	size = talloc_total_size(h->machine);
	for (uint64_t i = 0; i < count; i++) {
		if (i % 64 == 0)
			build_up(&p);
		check(!px_ring_reset(&p.ring));
		h->now += 5000;
		check(!px_ring_settle(&p.ring, 100));
	}
	check(talloc_total_blocks(NULL) == blocks);
	check(talloc_total_size(h->machine) == size);
	check(guest_of(h, HOSTILE)->count.resets >= count);
	party_works(&p);
	world_end();
}

/* Rule 7: above the ration it waits, in a list and not in a loop. */
static void test_deferred(uint64_t more)
{
	struct party p, other;
	uint64_t before, done;

	seed = 0;
	world_new();
	party_open(&other, VICTIM);
	party_open(&p, HOSTILE);
	before = guest_of(h, HOSTILE)->count.resets;
	for (done = 0; done < 100000; done++) {
		check(!px_ring_reset(&p.ring));
		pass();
		if (pages[HOSTILE].page.connection)
			break;
		check(!px_ring_poll(&p.ring));
	}
	check(done > 10 && done < 10000);
	for (uint64_t i = 0; i < more; i++) {
		notify(HOSTILE);
		party_works(&other);
		check(pages[HOSTILE].page.connection);
		pass();
		check(list_empty(&h->ready));
	}
	check(guest_of(h, HOSTILE)->count.resets == before + done);
	check(!px_ring_settle(&p.ring, 100));
	party_works(&p);
	world_end();
}

static uint64_t number(const char *text)
{
	uint64_t n;

	check(span_number((struct span){ text, strlen(text) }, UINT32_MAX, &n));
	return n;
}

int main(int argc, char **argv)
{
	uint64_t seeds = argc > 1 ? number(argv[1]) : 3000;
	uint64_t first = argc > 2 ? number(argv[2]) : 1;

	for (uint64_t i = 0; i < seeds; i++)
		test_hostile(first + i);
	printf("%llu hostile guests\n", (unsigned long long)seeds);
	if (argc > 1)
		return EXIT_SUCCESS;
	test_deferred(1000);
	test_million(1000000);
	printf("a million resets\n");
	return EXIT_SUCCESS;
}
