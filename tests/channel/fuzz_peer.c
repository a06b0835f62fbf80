/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hostile peer and a hostile store against a live end.  The input is a row
 * of moves, each a byte and the bytes it needs: what the peer's nodes show
 * (texts that are nearly right, made from the end's own state, or raw bytes),
 * how late and with what result operations are answered, bells, time, the
 * client's own calls.  Whatever it is, the end keeps its word to the client:
 * up and down alternate, messages come within them, one at a time and not too
 * long, each message sent gets one verdict, in order, before down; what the
 * end writes is in the format; and it never spins.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/channel_core.h"
#include "tests/fuzz/fuzz.h"

enum { SLOTS = 4, OPS = 32, MESSAGES = 16, ACTIONS = 20000, LEASE = 1000 };

struct op {
	enum channel_action_type type;
	unsigned int slot;
};

static struct peer {
	struct channel c;
	uint64_t now;
	const uint8_t *at, *end;	/* the input */
	char st[512], slot[SLOTS][CHANNEL_SLOT_MAX + 8], own[512];
	size_t st_len, slot_len[SLOTS], own_len;
	char generation[4];
	bool dead;
	struct op op[OPS];
	unsigned int ops;
	/* The client. */
	struct px_channel_message message[MESSAGES];
	bool used[MESSAGES];
	uint64_t order[MESSAGES], sent, ended;
	bool up, in_hand, must_let_go, closed, over;
	uint64_t downs, released;
} peer;

static char memory[(2 * SLOTS + 1) * CHANNEL_BODY_MAX + CHANNEL_SLOT_MAX];
static char body[SLOTS * CHANNEL_BODY_MAX];

static void must(int what, const char *text)
{
	if (what)
		return;
	fprintf(stderr, "fuzz_peer: not so: %s\n", text);
	abort();
}

#define MUST(what) must(what, #what)

static uint8_t take(struct peer *p)
{
	return p->at < p->end ? *p->at++ : 0;
}

static size_t take_bytes(struct peer *p, char *to, size_t max)
{
	size_t n = take(p), left = (size_t)(p->end - p->at);

	n = n < left ? n : left;
	n = n < max ? n : max;
	if (n)
		memcpy(to, p->at, n);
	p->at += n;
	return n;
}

static void entropy(void *ctx, uint8_t *random)
{
	memset(random, 7, 16);
}

static void step(struct peer *p, struct channel_event e)
{
	channel_step(&p->c, &e, p->now);
}

/* ------------------------------------------------------------ callbacks -- */

static void saw_done(struct peer *p, const struct channel_action *a)
{
	size_t i = (size_t)(a->message - p->message);

	MUST(p->up && i < MESSAGES && p->used[i]);
	MUST(p->order[i] == p->ended++);
	MUST(a->verdict <= PX_CHANNEL_IN_DOUBT);
	p->used[i] = false;
}

static void saw(struct peer *p, const struct channel_action *a)
{
	MUST(!p->over);
	switch (a->type) {
	case CHANNEL_DO_UP:
		MUST(!p->up && !p->must_let_go);
		p->up = true;
		break;
	case CHANNEL_DO_DOWN:
		MUST(p->up && p->ended == p->sent);
		MUST(a->down.reason != PX_CHANNEL_NONE);
		p->up = p->in_hand = false;
		p->must_let_go = true;
		p->downs++;
		break;
	case CHANNEL_DO_MESSAGE:
		MUST(p->up && !p->in_hand);
		MUST(a->text.len <= sizeof(body));
		/* All of it is there to be read. */
		memcpy(body, a->text.at, a->text.len);
		p->in_hand = true;
		break;
	case CHANNEL_DO_DONE:
		saw_done(p, a);
		break;
	case CHANNEL_DO_RELEASED:
		MUST(!p->up && !p->must_let_go);
		MUST(++p->released <= p->downs);
		break;
	default:
		MUST(a->type == CHANNEL_DO_ENDED && !p->up);
		p->over = true;
	}
}

static void wrote(struct peer *p, const struct channel_action *a)
{
	struct channel_status s;
	struct channel_slot m;

	if (a->type == CHANNEL_DO_WRITE_STATUS) {
		MUST(channel_status_parse(a->text, &s));
		MUST(channel_epoch_is(&s.me, &p->c.me));
		memcpy(p->own, a->text.at, a->text.len);
		p->own_len = a->text.len;
	} else if (a->type == CHANNEL_DO_WRITE_SLOT) {
		MUST(channel_slot_parse(a->text, &m) && a->slot < SLOTS);
	}
}

static void run(struct peer *p, unsigned int most)
{
	struct channel_action a;
	unsigned int n = 0;

	while (n++ < most) {
		channel_action(&p->c, p->ops < OPS, &a, p->now);
		if (a.type == CHANNEL_DO_NOTHING)
			break;
		if (a.type < CHANNEL_DO_WRITE_STATUS) {
			saw(p, &a);
			continue;
		}
		wrote(p, &a);
		p->op[p->ops++] = (struct op){ a.type, a.slot };
	}
	MUST(n < ACTIONS);
	if (n <= most && p->ops < OPS)
		MUST(channel_deadline(&p->c) > p->now || p->over ||
		     p->c.mute);
}

/* ---------------------------------------------------------------- moves -- */

static void move_run(struct peer *p)
{
	run(p, take(p) + 1u);
}

static int result(struct peer *p)
{
	static const int errors[] = { -EAGAIN, -ECONNRESET, -ENOENT, -EACCES,
				      -ENOSPC, -EIO, -EINVAL };
	uint8_t n = take(p);

	return n < 200 ? 0 : errors[n % (sizeof(errors) / sizeof(int))];
}

static struct span text_of(struct peer *p, const struct op *op)
{
	if (op->type == CHANNEL_DO_READ_PEER)
		return (struct span){ p->st, p->st_len };
	if (op->type == CHANNEL_DO_READ_OWN)
		return (struct span){ p->own, p->own_len };
	return (struct span){ p->slot[op->slot % SLOTS],
			      p->slot_len[op->slot % SLOTS] };
}

static void move_answer(struct peer *p)
{
	static const enum channel_event_type answers[] = {
		[CHANNEL_DO_WRITE_STATUS] = CHANNEL_EV_WROTE_STATUS,
		[CHANNEL_DO_WRITE_SLOT] = CHANNEL_EV_WROTE_SLOT,
		[CHANNEL_DO_READ_PEER] = CHANNEL_EV_PEER,
		[CHANNEL_DO_READ_OWN] = CHANNEL_EV_OWN,
		[CHANNEL_DO_READ_SLOT] = CHANNEL_EV_SLOT,
		[CHANNEL_DO_ASK_ALIVE] = CHANNEL_EV_ALIVE,
	};
	struct op op = p->op[0];
	int err = result(p);

	if (!p->ops)
		return;
	memmove(p->op, p->op + 1, --p->ops * sizeof(op));
	step(p, (struct channel_event){
		.type = answers[op.type], .result = err, .slot = op.slot,
		.text = err ? (struct span){ "", 0 } : text_of(p, &op),
		.generation = { p->generation, strlen(p->generation) },
		.alive = !p->dead });
}

static void move_all(struct peer *p)
{
	for (unsigned int n = 0; n < 3; n++) {
		run(p, 64);
		while (p->ops)
			move_answer(p);
	}
}

static struct channel_epoch some_epoch(struct peer *p, uint8_t how)
{
	struct channel_epoch e = { .inc = 1 + how / 16u, .cnt = how % 16u };

	switch (how & 3) {
	case 0: return p->c.me;
	case 1: return p->c.held;
	case 2: return p->c.you;
	default: return e;
	}
}

/* Near what would be right. */
static uint64_t near(struct peer *p, uint64_t n)
{
	uint8_t d = take(p);

	return d < 128 ? n : n + (d & 15u) - (n > 7 ? 8 : 0);
}

static void move_status(struct peer *p)
{
	uint8_t how = take(p);
	struct channel_status s = {
		.me = { .inc = 1, .cnt = how >> 4 },
		.you = some_epoch(p, how & 64 ? take(p) : 0),
		.says = (how >> 2) % CHANNEL_WORDS,
		.next = near(p, p->c.rx + 1), .wanted = near(p, p->c.acked),
		.window = 2 + take(p) % (CHANNEL_SLOTS_MAX - 1),
		.beat = take(p), .lease = 1u + take(p) * 50u,
		.reason = take(p) % PX_CHANNEL_REASONS,
	};

	memcpy(s.generation, how & 32 ? p->generation : "9", 2);
	if (!(how & 1) && channel_epoch_set(&p->c.you))
		s.me = p->c.you;
	p->st_len = channel_status_format(p->st, &s);
	MUST(p->st_len);
}

static void move_slot(struct peer *p)
{
	uint8_t how = take(p);
	unsigned int k = p->c.peer_slots ?
			 (unsigned int)(p->c.rx % p->c.peer_slots) : 0;
	struct channel_slot s = {
		.me = how & 8 ? some_epoch(p, take(p)) : p->c.you,
		.seq = near(p, p->c.rx), .wanted = near(p, p->c.acked),
		.kind = how % CHANNEL_KINDS,
	};
	char *to = p->slot[k % SLOTS];
	size_t n;

	if (!channel_epoch_set(&s.me))
		s.me.inc = 1;
	s.parts = s.kind == CHANNEL_PART ? 2 + take(p) % 31 : 1;
	s.part = s.kind == CHANNEL_PART ? take(p) % s.parts : 0;
	s.body.len = how & 16 ? CHANNEL_BODY_MAX : take(p);
	n = channel_slot_format(to, &s);
	memset(to + n, how & 32 ? 0 : 1, s.body.len);
	take_bytes(p, to + n, s.body.len);
	p->slot_len[k % SLOTS] = n + s.body.len;
}

static void move_raw(struct peer *p)
{
	uint8_t which = take(p);

	if (which & 1)
		p->st_len = take_bytes(p, p->st, sizeof(p->st));
	else if (which & 2)
		p->own_len = take_bytes(p, p->own, sizeof(p->own));
	else
		p->slot_len[which / 4 % SLOTS] =
			take_bytes(p, p->slot[which / 4 % SLOTS], 255);
}

static void move_bell(struct peer *p)
{
	uint8_t which = take(p);

	step(p, (struct channel_event){
		.type = which % (CHANNEL_EV_MOVED + 1), .slot = which / 8 });
	if (which % (CHANNEL_EV_MOVED + 1) == CHANNEL_EV_MOVED)
		p->own_len = 0;
}

static void move_time(struct peer *p)
{
	p->now += (uint64_t)take(p) << (take(p) % 20);
}

static void move_send(struct peer *p)
{
	size_t i = 0, len = (size_t)take(p) * 32;

	while (i < MESSAGES && p->used[i])
		i++;
	if (i == MESSAGES)
		return;
	p->message[i].data = body;
	p->message[i].len = len;
	/* As px_channel_send(): the client has not been told of a down that
	 * is under way, and may try. */
	if (channel_submit(&p->c, &p->message[i], p->now))
		return;
	p->used[i] = true;
	p->order[i] = p->sent++;
}

static void move_client(struct peer *p)
{
	uint8_t what = take(p);

	if (p->in_hand && what & 1) {
		p->in_hand = false;
		step(p, (struct channel_event){ CHANNEL_EV_COMPLETE });
	} else if (p->must_let_go && what & 2) {
		p->must_let_go = false;
		step(p, (struct channel_event){ CHANNEL_EV_LET_GO });
	} else if (what == 0xfc) {
		step(p, (struct channel_event){ CHANNEL_EV_CLOSE });
	}
}

static void move_world(struct peer *p)
{
	uint8_t what = take(p);

	p->dead = what & 1;
	if (what & 2)
		p->generation[0] = (char)('0' + (what >> 4) % 10);
}

static void (*const moves[])(struct peer *p) = {
	move_all, move_run, move_answer, move_status, move_slot, move_raw,
	move_bell, move_time, move_send, move_client, move_world, move_all,
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct span none = { "", 0 };
	struct peer *p = &peer;

	MUST(channel_memory(SLOTS) <= sizeof(memory));
	memset(p, 0, sizeof(*p));
	p->at = bytes;
	p->end = bytes + len;
	p->now = 1000000;
	p->generation[0] = '0';
	channel_start(&p->c, memory, SLOTS, LEASE, 5, none, none, entropy,
		      NULL, p->now);
	while (p->at < p->end)
		moves[take(p) % (sizeof(moves) / sizeof(moves[0]))](p);
	return 0;
}
