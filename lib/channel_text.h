/* SPDX-License-Identifier: MIT */
/*
 * The two texts of a channel, a status line and a slot, to values and back:
 * docs/protocol/channel.md.  No state, no allocation, no clock.  What is
 * formatted parses to the same values; what parses may have carried keys we
 * do not know, and these are lost.
 */
#ifndef LIB_CHANNEL_TEXT_H
#define LIB_CHANNEL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/cursor.h"

enum {
	CHANNEL_STATUS_MAX = 256,	/* bytes of a status line */
	CHANNEL_HEADER_MAX = 208,	/* of a slot's header, newline too */
	CHANNEL_BODY_MAX = 1792,	/* of a slot's body */
	CHANNEL_SLOT_MAX = CHANNEL_HEADER_MAX + CHANNEL_BODY_MAX,
	CHANNEL_SLOTS_MIN = 2,
	CHANNEL_SLOTS_MAX = 32,
	CHANNEL_GENERATION_MAX = 32	/* characters of a generation */
};

/* No number in either text is larger: a status line always fits. */
#define CHANNEL_NUMBER_MAX 0xffffffffffffu
#define CHANNEL_COUNT_MAX 99999999u	/* cnt of an epoch */

/*
 * One life of one end, ordered by (inc, cnt), unique by the random part.  All zeroes is no epoch: an inc is never 0.
 */
struct channel_epoch {
	uint64_t inc;
	uint32_t cnt;
	uint8_t random[16];
};

bool channel_epoch_is(const struct channel_epoch *a,
		      const struct channel_epoch *b);
/*
 * Negative, 0 or positive.  The random part decides between two processes
 * that began in the same second without a lock: any order does, as long as
 * everybody sees the same.
 */
int channel_epoch_order(const struct channel_epoch *a,
			const struct channel_epoch *b);
static inline bool channel_epoch_set(const struct channel_epoch *e)
{
	return e->inc != 0;
}

/* What an end says of itself in `s`. */
enum channel_word {
	CHANNEL_SAYS_HELLO,
	CHANNEL_SAYS_BOUND,
	CHANNEL_SAYS_UP,
	CHANNEL_SAYS_QUIET,
	CHANNEL_WORDS
};

struct channel_status {
	struct channel_epoch me;
	struct channel_epoch you;	/* none: "-" */
	enum channel_word says;
	char generation[CHANNEL_GENERATION_MAX + 1];
	uint64_t next;			/* t: sequence number sent next */
	uint64_t wanted;		/* a: sequence number wanted next */
	unsigned int window;		/* w: slots, 2..32 */
	uint64_t beat;			/* h */
	uint32_t lease;			/* l: milliseconds, not 0 */
	uint64_t features;		/* f */
	unsigned int reason;		/* r: enum px_channel_reason */
};

enum channel_kind {
	CHANNEL_ONE,		/* "m": the body is a message */
	CHANNEL_MANY,		/* "b": messages, each behind its length */
	CHANNEL_PART,		/* "f": a fragment */
	CHANNEL_KINDS
};

struct channel_slot {
	struct channel_epoch me;
	uint64_t seq;
	uint64_t wanted;
	enum channel_kind kind;
	unsigned int part, parts;	/* fragment i of n; 0 of 1 if whole */
	struct span body;		/* lies in what was parsed */
};

/* Bytes written, without a NUL; `to` has room for CHANNEL_STATUS_MAX. */
size_t channel_status_format(char *to, const struct channel_status *s);
/* False, and *s is not to be used, if this is no status line of ours. */
bool channel_status_parse(struct span text, struct channel_status *s);

/* The header alone; the body follows it.  Room: CHANNEL_HEADER_MAX. */
size_t channel_slot_format(char *to, const struct channel_slot *s);
bool channel_slot_parse(struct span text, struct channel_slot *s);

/*
 * A body of kind CHANNEL_MANY: the next message, false at the end or when
 * what is left is no message (cursor_left() tells which).
 */
bool channel_many_next(struct cursor *c, struct span *message);

#endif
