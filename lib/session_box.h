/* SPDX-License-Identifier: MIT */
/*
 * The outbox of a session: messages on their way, in the order of their
 * numbers, as records in a piece of memory used round and round.  A record is
 * what goes over the channel: 'd', the number in 8 bytes, the length in 4,
 * the bytes.  Records lie whole, so that a run of them is a channel's message
 * as it stands and nothing is copied: one that does not fit before the end
 * begins at the start again.
 */
#ifndef LIB_SESSION_BOX_H
#define LIB_SESSION_BOX_H

#include <proxenos/session.h>

#include "protocol/cursor.h"

enum { SESSION_RECORD = 'd' };

struct session_box {
	char *at;
	size_t size;
	size_t head;		/* the oldest record */
	size_t tail;		/* where the next one goes */
	size_t end;		/* of records, once `wrapped`: tail <= head */
	bool wrapped;
	uint64_t first;		/* number of the oldest, or of the next */
	uint64_t next;		/* the number the next one gets */
};

/* Empty, numbers from `first` on. */
void session_box_init(struct session_box *b, void *memory, size_t size,
		      uint64_t first);
/* -EAGAIN: no room. */
int session_box_add(struct session_box *b, const void *data, size_t len);
/* Forget the oldest; there must be one. */
void session_box_drop(struct session_box *b);
/* Give what is there numbers from `first` on. */
void session_box_renumber(struct session_box *b, uint64_t first);

/* Zero: before the oldest.  False, and m untouched, behind the newest. */
bool session_box_step(const struct session_box *b,
		      struct px_session_message *m);
/*
 * Records from number `from` on, in one piece, all below number `limit`, of
 * at most `max` bytes but one record in any case.  *next is the number after
 * them; `hint` is where the search may begin, as a step left it.
 */
struct span session_box_run(const struct session_box *b,
			    struct px_session_message *hint, uint64_t limit,
			    size_t max, uint64_t *next);

/*
 * A record of the peer's: the next in what came.  False at the end, or if it
 * is none (cursor_left() tells which).
 */
bool session_record_next(struct cursor *c, uint64_t *number,
			 struct span *data);

/* Numbers in 8 and 4 bytes, the high one first. */
void session_put64(char *to, uint64_t n);
void session_put32(char *to, uint32_t n);
uint64_t session_get64(const char *from);
uint32_t session_get32(const char *from);

#endif
