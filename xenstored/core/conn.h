/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections: what was read and not yet executed, what was answered and not
 * yet taken.
 *
 * Input is parsed where it lies; only what cannot be executed yet (half a
 * message, or anything while the connection waits) is copied.  Output is a
 * queue of messages.  An undelivered event that equals a new one absorbs it.
 * An event for which there is no room makes its watch `lost`: when there is
 * room again the watch fires on its own path, so that a slow reader misses
 * moments but never the fact of a change.
 */
#ifndef CORE_CONN_H
#define CORE_CONN_H

#include "xenstored/core/access.h"

struct watch;

/* Input held for a connection, in bytes: two whole messages. */
#define CONN_INPUT_MAX (2 * WIRE_MESSAGE_MAX)
/* Replies not taken above which a privileged reader's requests wait. */
#define CONN_REPLIES_MAX (64 * 1024)
#define CONN_SPARE 48
/* What a queued message costs beside its bytes. */
#define CONN_MESSAGE_COST 64

struct message {
	struct message *next;
	struct hash_link link;		/* events that may absorb others */
	struct conn *conn;
	bool event;
	bool indexed;
	uint32_t len;			/* header and payload */
	char bytes[];
};

/* The answer a waiting request was given. */
struct conn_answer {
	uint64_t ask;			/* 0: none awaited */
	bool there;
	bool again;			/* INTRODUCE has begun anew */
	enum machine_ask_type type;
	uint32_t domid;
	uint32_t error;
	uint32_t len;
	char *data;
};

/* What every request touches comes first, so that it is few cache lines. */
struct conn {
	uint32_t id;
	bool ring;
	bool privileged;
	bool dead;			/* gone but for its memory */
	bool failed;			/* a ring not served until reset */
	bool running;			/* a request of it is being executed */
	uint32_t outstanding;		/* replies not wholly taken */
	struct domain *domain;		/* its account; dom0's for sockets */
	uint8_t *in;			/* CONN_INPUT_MAX bytes, or NULL */
	size_t in_len;
	struct message *out, **out_last;
	struct message *spare;		/* room for a short reply */

	struct list in_dirty;
	struct list in_held;		/* waits for a favoured transaction */
	size_t out_sent;		/* of the first message */
	size_t out_bytes;
	size_t reply_bytes;
	struct message *roomy;		/* room for the long one at hand */

	struct conn_answer answer;
	uint64_t requests;
	struct list lost;		/* watches that lost an event */

	struct list in_starved;		/* lost events, and nothing to take */
	uint64_t unread_since;		/* look.h: nothing was taken since */
	struct list transactions;
	uint32_t transaction_count;
	uint32_t transaction_id;	/* last one given */
	struct list in_yielded;		/* goes on when who waits has gone */
	unsigned int conflicts;		/* of late, weighted (fair.c) */
	struct transaction *husk;	/* what the last commit had seen */
	uint64_t favour_after;		/* none for it before that time */

	struct list watches;
	struct list in_machine;
	struct hash_link in_sockets;
	struct list in_tell;
	uint32_t ring_error;		/* why it was given up; 0: by the host */
	uint16_t *absent;		/* domids found not to exist */
	unsigned int absents;
	uint64_t events, merged, lost_events;

	/* For look.h; no state. */
	uint64_t commits_lost;
	uint32_t events_waiting;
};

/* The connection of that id, dead ones excepted. */
struct conn *conn_find(const struct machine *m, uint32_t id);
/* NULL: no memory. */
struct conn *conn_new_socket(struct machine *m, uint32_t id);
struct conn *conn_new_ring(struct machine *m, struct domain *d);
/* All input, output, watches and transactions go; the connection stays. */
void conn_reset(struct machine *m, struct conn *c);
/* It is gone for the world; its memory goes at the end of the step. */
void conn_drop(struct machine *m, struct conn *c);
/* Its other end broke the protocol, or it cannot be served: say so. */
void conn_violation(struct machine *m, struct conn *c, uint32_t code);
/* Free what was dropped. */
void conn_reap(struct machine *m);
void conn_free(struct machine *m, struct conn *c);

struct caller conn_caller(const struct conn *c);

/* Input; 0 or -E2BIG, -ENOMEM. */
int conn_input(struct machine *m, struct conn *c, const void *data,
	       size_t len);
/* Go on with what waits in the input, if nothing is in the way. */
void conn_run(struct machine *m, struct conn *c);
/* True if no further request of it may be started now. */
bool conn_paused(const struct conn *c);
size_t conn_wants(const struct conn *c);

/*
 * Output.  Room for a short reply (CONN_SPARE bytes of payload: an OK, an
 * error, a number) is taken before a request is executed, so that what was
 * done can always be told.  False: no memory.
 */
bool conn_reserve(struct conn *c);
/* Is there room for a reply of that length?  A long one is made here. */
bool conn_has_room(struct conn *c, const struct wire_header *header);
/* False: no memory, nothing queued; never for a short reply. */
bool conn_reply(struct machine *m, struct conn *c,
		const struct wire_header *header, const void *payload);
/* An event on `path` (as the watcher is to see it); never fails. */
void conn_event(struct machine *m, struct watch *w, struct span path,
		bool special);
void conn_taken(struct machine *m, struct conn *c, size_t n);
unsigned int conn_output(const struct conn *c, struct machine_span *spans,
			 unsigned int max);

void conn_dirty(struct machine *m, struct conn *c);
/* The request that waited is done: what it was answered goes. */
void conn_answer_done(struct conn *c);
/* That domain was found not to exist; for the request that waits.  False: no
 * memory. */
bool conn_absent(struct conn *c, uint32_t domid);
/* For a connection that is restored (image.h).  False: cannot be. */
bool conn_restore_answer(struct conn *c, const struct conn_answer *a,
			 struct span data);
bool conn_restore_input(struct conn *c, const void *data, size_t len);
bool conn_restore_message(struct machine *m, struct conn *c,
			  const struct wire_header *h, const void *payload,
			  bool event, bool open);
/* So much of the first message was taken already. */
bool conn_restore_sent(struct machine *m, struct conn *c, uint64_t sent);

/* What is to be told of it: CLOSE or RING_ERROR; and that it was. */
void conn_tell(const struct conn *c, struct machine_ask *out);
void conn_told(struct machine *m, struct conn *c);
/* A ring that was given up: say so once more. */
void conn_tell_again(struct machine *m, struct conn *c);

#endif
