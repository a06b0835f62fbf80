/* SPDX-License-Identifier: MIT */
/*
 * Control channels between two domains, made of xenstore nodes: messages in
 * order and exactly once, and both ends know whether the other is there.
 * What lies in the store: docs/protocol/channel.md.  What is promised, and
 * what is not: docs/guarantees.md.
 *
 * IN SHORT
 *	Make a client (client.h).  px_channel_size() says how much memory an
 *	end needs, you provide it, px_channel_init() makes an end in it,
 *	px_channel_open() starts it.  From then on, after each
 *	px_client_process(), call px_channel_process(), and the former once
 *	more to send what that asked for; poll the client's
 *	descriptor until px_client_deadline() or px_channel_deadline(),
 *	whichever is earlier.  Everything happens in callbacks, and these
 *	only inside px_channel_process() and px_client_process().
 *
 * CYCLE	up (message | done)* down, again and again, then ended.  After
 *	each down, when the peer can no longer touch what you shared with it
 *	in that cycle, comes released: before the next up, or much later if
 *	the peer hangs; never is also possible, if it hangs for good.
 *	DOWN IS NOT RELEASED: pages the peer may have mapped must stay what
 *	they are until released.
 *
 * OWNERSHIP	The library allocates nothing.  Memory given to init stays
 *	yours and may be freed after ended, or after px_channel_abandon().
 *	A struct px_channel_message and its bytes are the library's from
 *	px_channel_send() to its `done`, and yours again inside that.  Bytes
 *	given to `message` are yours to read until you complete it.
 * THREADS	None, no locks; an end and its client belong to one thread.
 * BLOCKING	Never.  (px_channel_open() opens the lock file, if asked to.)
 * UNITS	Bytes; microseconds of the clock that px_client_process() gets,
 *	which should be CLOCK_BOOTTIME or CLOCK_MONOTONIC; the lease is in
 *	milliseconds, as in the store.
 * ERRORS	0 or a negative errno, named at each function.  Errors of the
 *	store (quota, EACCES) are no errors here: the end tries again, later
 *	and later, 8 s at most, and px_channel_status() tells the errno.
 * COST	In the store, for each end: its directory, st, the slots used so far
 *	(11 nodes in all with 8 slots, and one per peer above), and 3
 *	watches: of a guest's 1000 nodes and 128 watches room for 42 with
 *	their watches, and for about 90 at all.  Nodes stay when an end has
 *	left; they are the program's, or the toolstack's, to remove.
 * CALLBACKS	May call anything here but px_channel_process() (-EBUSY) and
 *	px_channel_abandon() (-EBUSY).
 */
#ifndef PROXENOS_CHANNEL_H
#define PROXENOS_CHANNEL_H

#include <proxenos/client.h>

#ifdef __cplusplus
extern "C" {
#endif

struct px_channel;

enum px_channel_reason {
	PX_CHANNEL_NONE,
	PX_CHANNEL_CLOSED,	/* you or the peer closed it */
	PX_CHANNEL_LOST,	/* the peer began anew, or let go of us */
	PX_CHANNEL_SUSPECT,	/* one end was silent for its lease */
	PX_CHANNEL_GONE,	/* the peer's domain is no more */
	PX_CHANNEL_SUPERSEDED,	/* another process has taken this end */
	PX_CHANNEL_REMOVED,	/* somebody removed our nodes */
	PX_CHANNEL_MIGRATED,	/* our domid changed */
	PX_CHANNEL_PROTOCOL,	/* the peer's nodes make no sense */
	PX_CHANNEL_REASONS
};

/* The word the protocol uses: "closed"; "-" for none. */
const char *px_channel_reason_name(enum px_channel_reason reason);

/* What became of a message. */
enum px_channel_verdict {
	PX_CHANNEL_DELIVERED,	/* the peer has completed it */
	PX_CHANNEL_NEVER_SENT,	/* the peer has not seen and will not see it */
	PX_CHANNEL_IN_DOUBT	/* it was in the store; nobody here knows */
};

struct px_channel_message {
	/* Yours to fill in. */
	const void *data;
	size_t len;
	/*
	 * Once for each message sent: in the order of sending, and before
	 * `down` if that is what ended it.  May not be NULL.
	 */
	void (*done)(void *arg, struct px_channel_message *message,
		     enum px_channel_verdict verdict);
	void *arg;
	/* The library's. */
	struct px_channel_message *next;
	size_t at;
	uint64_t last;
	bool begun;
};

struct px_channel_down {
	enum px_channel_reason reason;
	/* Verdicts of the messages that ended with it. */
	unsigned int never_sent;
	unsigned int in_doubt;
	/* In this cycle: messages the peer completed, and we did. */
	uint64_t delivered;
	uint64_t received;
};

struct px_channel_callbacks {
	/* Both ends are there; px_channel_send() works.  May be NULL. */
	void (*up)(void *arg);
	/*
	 * The next message, in order.  true: completed, the peer may be told;
	 * false: px_channel_complete() will follow.  No other message comes
	 * before that, and the peer's window fills up: that is the brake.
	 */
	bool (*message)(void *arg, const void *data, size_t len);
	/*
	 * It is over.  true: you have let go of everything of the peer's;
	 * false: px_channel_let_go() will follow, and until then the peer
	 * holds back what it shared with you.
	 */
	bool (*down)(void *arg, const struct px_channel_down *down);
	/* What was shared in the last cycle is yours alone.  May be NULL. */
	void (*released)(void *arg);
	/*
	 * After px_channel_close(), or where there is no way back (superseded,
	 * removed): nothing comes any more.  Also if the store never was
	 * reached.  May be NULL.
	 */
	void (*ended)(void *arg, enum px_channel_reason reason);
	void *arg;
};

struct px_channel_options {
	const char *name;	/* [a-z0-9-], 1 to 32 of them; copied */
	uint16_t self;		/* our domid, now */
	uint16_t peer;		/* the other's */
	unsigned int slots;	/* 2 to 32; 0 means 8 */
	uint32_t lease;		/* milliseconds, 100 or more; 0: 15000 */
	/*
	 * A file to hold a lock on, so that one process at a time has this
	 * end (made if it is not there); not copied, needed by open only.
	 * NULL: you see to that.
	 */
	const char *lock;
	struct px_channel_callbacks on;
};

/* Bytes for px_channel_init(); 0 if the options are not valid. */
size_t px_channel_size(const struct px_channel_options *options);

/*
 * Make an end in `memory`, aligned like malloc's.  -EINVAL: options that are
 * not valid; -ENOBUFS: less than px_channel_size().
 */
int px_channel_init(void *memory, size_t size,
		    const struct px_channel_options *options,
		    struct px_channel **channel);

/*
 * Start, through this client (it may be down as yet; it must outlive the
 * end; it needs three watches and five requests to spare).  -EISCONN: started
 * already; -EBUSY: another process has the lock; or the errno of opening it;
 * -ENOSPC: the client has no watch left.
 */
int px_channel_open(struct px_channel *channel, struct px_client *client);

/*
 * Do what can be done now.  0, -EBUSY inside a callback, -ENOTCONN if it was
 * never opened.  Call it after px_client_process() and at the deadline.
 */
int px_channel_process(struct px_channel *channel, uint64_t now);
/* When to call it at the latest; UINT64_MAX: only after the client. */
uint64_t px_channel_deadline(const struct px_channel *channel);

/*
 * Send.  -ENOTCONN: not up; -EMSGSIZE: more than px_channel_message_max();
 * -EINVAL: no `done`.  Nothing else: there is no queue to be full, as the
 * message itself is the queue's memory.
 */
int px_channel_send(struct px_channel *channel,
		    struct px_channel_message *message);
/* Largest message: 1792 bytes times the slots in use at both ends. */
size_t px_channel_message_max(const struct px_channel *channel);

/* The message is done with.  -ENOTCONN: not up any more; -EINVAL: none is. */
int px_channel_complete(struct px_channel *channel);
/* After down said false.  -EINVAL: not waited for. */
int px_channel_let_go(struct px_channel *channel);
/*
 * What the peer sent makes no sense to you: down(protocol), and as after any
 * other, up again; with `down` false you say when.  -ENOTCONN: not up.
 */
int px_channel_fault(struct px_channel *channel);

/*
 * Leave for good: down (if up), released (if it was), ended.  Messages that
 * wait get their verdict; to be sure of them wait for their `done` first.
 * A peer that hangs may hold `released`, and so ended, for as long as it
 * likes: px_channel_abandon() is for those who know better.  0 always.
 */
int px_channel_close(struct px_channel *channel);

/*
 * No callback comes after this, the lock is given back, memory may be freed.
 * Shared pages may still be mapped by the peer unless released came.
 * -EBUSY inside a callback.  Closes the client's requests of this end: the
 * client must be closed first, or requests of this end must have ended;
 * -EAGAIN while any is unanswered.
 */
int px_channel_abandon(struct px_channel *channel);

struct px_channel_status {
	const char *state;	/* "hello" "bound" "up" "quiet" "parting"
				   "closing" "ended", "start" before */
	enum px_channel_reason reason;	/* of the last down */
	int error;		/* last errno of a write refused, or 0 */
	int watch_error;	/* a watch was refused so (quota): until it is
				   not, news are found by the poll alone, a
				   sixth of the lease late; or 0 */
	unsigned int window;	/* slots in use; 0 if not up */
	uint64_t next;		/* sequence numbers: sent next, */
	uint64_t acked;		/* first the peer has not completed, */
	uint64_t wanted;	/* received next */
	uint64_t ups, downs;	/* cycles since init */
	uint64_t status_writes;	/* store writes asked for */
	uint64_t slot_writes;
	uint64_t garbage;	/* texts that were not in the format */
	uint64_t stale;		/* refused: another generation, or too old */
};

void px_channel_status(const struct px_channel *channel,
		       struct px_channel_status *status);

#ifdef __cplusplus
}
#endif
#endif
