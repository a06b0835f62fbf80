/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A peer that writes whatever it likes.  The texts of a channel survive the
 * way back; and an end that is fed the input as its peer's nodes (pieces of
 * it, each behind a byte that says where it lies) neither breaks nor hands
 * out more than a message may be.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/channel_core.h"
#include "tests/fuzz/fuzz.h"

enum { SLOTS = 3, TURNS = 400 };

static void must(int what, const char *text)
{
	if (what)
		return;
	fprintf(stderr, "fuzz_channel: not so: %s\n", text);
	abort();
}

#define MUST(what) must(what, #what)

static void status(struct span text)
{
	struct channel_status s, back;
	char out[CHANNEL_STATUS_MAX];
	size_t len;

	if (!channel_status_parse(text, &s))
		return;
	len = channel_status_format(out, &s);
	MUST(len && len <= sizeof(out));
	MUST(channel_status_parse((struct span){ out, len }, &back));
	MUST(!memcmp(&s, &back, sizeof(s)));
}

static void slot(struct span text)
{
	struct channel_slot s, back;
	static char out[CHANNEL_SLOT_MAX];
	size_t len;

	if (!channel_slot_parse(text, &s))
		return;
	len = channel_slot_format(out, &s);
	MUST(len && len + s.body.len <= sizeof(out));
	if (s.body.len)
		memcpy(out + len, s.body.at, s.body.len);
	MUST(channel_slot_parse((struct span){ out, len + s.body.len },
				&back));
	MUST(channel_epoch_is(&s.me, &back.me) && s.seq == back.seq &&
	     s.wanted == back.wanted && s.kind == back.kind &&
	     s.part == back.part && s.parts == back.parts &&
	     s.body.len == back.body.len);
}

static void entropy(void *ctx, uint8_t *random)
{
	memset(random, 7, 16);
}

/* Answer what the end asks for: its peer's nodes are in `text`. */
static bool turn(struct channel *c, struct span text, uint64_t now)
{
	static const enum channel_event_type answers[] = {
		[CHANNEL_DO_WRITE_STATUS] = CHANNEL_EV_WROTE_STATUS,
		[CHANNEL_DO_WRITE_SLOT] = CHANNEL_EV_WROTE_SLOT,
		[CHANNEL_DO_READ_PEER] = CHANNEL_EV_PEER,
		[CHANNEL_DO_READ_OWN] = CHANNEL_EV_OWN,
		[CHANNEL_DO_READ_SLOT] = CHANNEL_EV_SLOT,
		[CHANNEL_DO_ASK_ALIVE] = CHANNEL_EV_ALIVE,
	};
	struct channel_action a;
	struct channel_event e = { .text = text, .alive = true };

	channel_action(c, true, &a, now);
	switch (a.type) {
	case CHANNEL_DO_NOTHING:
		return false;
	case CHANNEL_DO_MESSAGE:
		MUST(a.text.len <= SLOTS * CHANNEL_BODY_MAX);
		e.type = CHANNEL_EV_COMPLETE;
		break;
	case CHANNEL_DO_DOWN:
		e.type = CHANNEL_EV_LET_GO;
		break;
	case CHANNEL_DO_RELEASED:
	case CHANNEL_DO_UP:
	case CHANNEL_DO_DONE:
	case CHANNEL_DO_ENDED:
		return true;
	default:
		e.type = answers[a.type];
		e.slot = a.slot;
	}
	channel_step(c, &e, now);
	return true;
}

/* Bound as if by chance: the epochs in the input, said to be ours. */
static void befriend(struct channel *c, struct span text)
{
	struct channel_status s;
	struct channel_slot m;

	if (channel_status_parse(text, &s) && channel_epoch_set(&s.you))
		c->me = s.you;
	if (c->state == CHANNEL_UP && channel_slot_parse(text, &m)) {
		c->you = m.me;
		c->rx = m.seq;
		c->parts_had = m.kind == CHANNEL_PART && m.part &&
			       m.part < SLOTS ? m.part : 0;
		c->parts_all = c->parts_had ? m.parts : 0;
		c->whole_len = c->parts_had * CHANNEL_BODY_MAX;
	}
}

static void end(const uint8_t *bytes, size_t len)
{
	static char memory[(2 * SLOTS + 1) * CHANNEL_BODY_MAX +
			   CHANNEL_SLOT_MAX];
	struct span none = { "", 0 };
	struct channel c;
	uint64_t now = 1000000;
	size_t at = 0;

	MUST(channel_memory(SLOTS) <= sizeof(memory));
	memset(memory, 0, sizeof(memory));
	channel_start(&c, memory, SLOTS, 1000, 5, none, none, entropy, NULL,
		      now);
	while (at < len) {
		const uint8_t *next = memchr(bytes + at + 1, bytes[at],
					     len - at - 1);
		size_t n = next ? (size_t)(next - bytes) - at - 1 :
				  len - at - 1;
		struct span text = { (const char *)bytes + at + 1, n };
		struct channel_event bell = { CHANNEL_EV_BELL_STATUS };
		unsigned int turns = 0;

		befriend(&c, text);
		now += (uint64_t)bytes[at] << 12;
		channel_step(&c, &bell, now);
		bell.type = CHANNEL_EV_BELL_SLOT;
		channel_step(&c, &bell, now);
		while (turn(&c, text, now))
			MUST(++turns < TURNS);
		MUST(channel_deadline(&c) > now || c.state == CHANNEL_ENDED ||
		     c.mute);
		at += n + 1;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct span text = { (const char *)bytes + 1, len ? len - 1 : 0 };

	if (!len)
		return 0;
	status(text);
	slot(text);
	end(bytes, len);
	return 0;
}
