/* SPDX-License-Identifier: MIT */
/*
 * Sessions: messages between two programs, in order and effectively once,
 * also when either program dies and starts again.  A channel (channel.h)
 * promises that for as long as both ends live; a session adds what a death
 * takes away, and for that both ends must keep something durable.  What goes
 * over the channel: docs/protocol/session.md; what is promised:
 * docs/guarantees.md.
 *
 * THE IDEA
 *	A sender numbers its messages from 1; number and session id name a
 *	message for ever.  A receiver stores, together with the effect that a
 *	message has on it and in the same atomic step, the number of the last
 *	one: its mark.  When the two meet again the receiver tells its mark,
 *	and the sender begins behind it.  So no message has its effect twice,
 *	and none is left out.
 *
 * IN SHORT
 *	px_session_init() makes one end of a session, and the end of a channel
 *	under it, in memory of yours.  If there is something durable from
 *	before: px_session_restore(), then px_session_restore_message() for
 *	each message that the peer may not have.  px_session_open() starts.
 *	Then as with a channel: after each px_client_process() call
 *	px_session_process(), and the former once more; poll the client's
 *	descriptor until px_client_deadline() or px_session_deadline().
 *	session_file.h does the durable part in a file.
 *
 * SAVING	The one callback `save` must make durable, all together or
 *	nothing: what `message` has done since the last time, the mark, the
 *	id and the first number of px_session_mine(), and what
 *	px_session_pending() shows.  Only after it has succeeded does anything
 *	leave: messages of yours to the peer, and the news that messages of
 *	the peer's are done.  It is called once for all that has gathered.
 *	So it may also be that an effect is a message: what `message` sends is
 *	saved with the mark.  (Not at both ends: two that only go on when the
 *	other takes what they send stand still when both outboxes are full.)
 *
 * OWNERSHIP	The library allocates nothing.  Memory given to init stays
 *	yours and may be freed after `ended`, or after px_session_abandon().
 *	What you send is copied.  Bytes given to `message` are valid inside it.
 * THREADS	None; a session and its client belong to one thread.
 * BLOCKING	Never, but in your callbacks.
 * UNITS	Bytes; microseconds as in channel.h.
 * ERRORS	0 or a negative errno, named at each function.
 * CALLBACKS	Only inside px_session_process().  They may call anything here
 *	but px_session_process(), px_session_abandon() (both -EBUSY).
 */
#ifndef PROXENOS_SESSION_H
#define PROXENOS_SESSION_H

#include <proxenos/channel.h>

#ifdef __cplusplus
extern "C" {
#endif

struct px_session;

enum {
	/* Largest message: any peer's window has room for it. */
	PX_SESSION_MESSAGE_MAX = 3571,
	/* Bytes that the outbox needs for each message beside its own. */
	PX_SESSION_OVERHEAD = 13
};

/*
 * Names the messages of one sender.  A later one of the same sender has a
 * greater count; all zeroes is none.
 */
struct px_session_id {
	uint64_t count;
	uint8_t random[16];
};

/* Of the peer's messages the last that we have, and whose they are. */
struct px_session_mark {
	struct px_session_id id;
	uint64_t last;		/* 0: none yet */
};

/* Of our messages the first that the peer may not have. */
struct px_session_mine {
	struct px_session_id id;
	uint64_t first;
};

/* Why numbers of messages begin anew, or are left out. */
enum px_session_trouble {
	/*
	 * The peer's store has lost what it once had: `from` to `to` of OUR
	 * messages, which are not here any more.  The session goes on.
	 */
	PX_SESSION_PEER_FORGOT,
	/*
	 * Our own store has: `from` to `to` of the PEER's messages had their
	 * effect here once, which is lost.  The session goes on.
	 */
	PX_SESSION_WE_FORGOT,
	/*
	 * Our outbox is older than what the peer has had of it (a file from a
	 * backup, a snapshot restored), or was not kept at all.  There is a
	 * new session id; what was sent since this program started is
	 * numbered again from 1, in order, and will arrive.  `from` to `to`,
	 * restored and now dropped, the peer has had; none if from > to.
	 * What was saved later than this store, and had not reached the peer,
	 * is lost and not in these numbers.  If the peer has had nothing that
	 * the store does not know, an older store cannot be told from the
	 * right one: that loss is not reported at all, and the numbers are
	 * given again, to other messages.
	 */
	PX_SESSION_ROLLED_BACK,
	/*
	 * The same, but whether the peer has had `from` to `to` is not known;
	 * they are dropped.
	 */
	PX_SESSION_IN_DOUBT
};

/* "peer-forgot", ... for logs. */
const char *px_session_trouble_name(enum px_session_trouble trouble);

struct px_session_callbacks {
	/*
	 * Both ends have met and know where to go on.  May be NULL; sending
	 * need not wait for it.
	 */
	void (*up)(void *arg);
	/*
	 * The next message of the peer's: have its effect, but not durably
	 * yet.  0, or a negative errno if it cannot have it now, and then no
	 * part of it: the message comes again after 100 ms, doubling to 8 s,
	 * or as soon as the outbox has more room.
	 */
	int (*message)(void *arg, uint64_t number, const void *data,
		       size_t len);
	/*
	 * Make all of it durable; see SAVING.  0; -EINPROGRESS, if
	 * px_session_saved() will follow; another negative errno: it is
	 * called again, later and later, 8 s at most, and meanwhile neither
	 * end of the session goes on.  NULL: nothing is kept, and a restart
	 * of this end is a new session: what it sent may have arrived, what
	 * it got may come again.
	 */
	int (*save)(void *arg, const struct px_session_mark *mark);
	/* The peer has our messages up to `last`, durably.  May be NULL. */
	void (*delivered)(void *arg, uint64_t last);
	/* Something durable was not, see there.  May not be NULL. */
	void (*trouble)(void *arg, enum px_session_trouble trouble,
			uint64_t from, uint64_t to);
	/* The channel is down; comes up again by itself.  May be NULL. */
	void (*down)(void *arg, enum px_channel_reason reason);
	/*
	 * As the channel's: nothing comes any more, and no `save` runs or will
	 * be called.  May be NULL.
	 */
	void (*ended)(void *arg, enum px_channel_reason reason);
	void *arg;
};

struct px_session_options {
	struct px_channel_options channel;	/* its `on` is not looked at */
	size_t outbox;		/* bytes for messages on their way; 0: 65536,
				   at least 4096 */
	struct px_session_callbacks on;
};

/* Bytes for px_session_init(); 0 if the options are not valid. */
size_t px_session_size(const struct px_session_options *options);

/*
 * Make an end in `memory`, aligned like malloc's.  -EINVAL: options that are
 * not valid; -ENOBUFS: less than px_session_size().
 */
int px_session_init(void *memory, size_t size,
		    const struct px_session_options *options,
		    struct px_session **session);

/*
 * What was durable.  -EISCONN: opened already; -EINVAL: a first number of 0
 * or over 2^48, or messages were restored already.
 */
int px_session_restore(struct px_session *session,
		       const struct px_session_mine *mine,
		       const struct px_session_mark *mark);
/*
 * The next of our messages, the first one being number mine->first.
 * -EISCONN; -EMSGSIZE; -EAGAIN: the outbox is smaller than what was saved.
 */
int px_session_restore_message(struct px_session *session, const void *data,
			       size_t len);

/*
 * Start.  As px_channel_open(): -EISCONN, -EBUSY, -ENOSPC, or the errno of
 * opening the lock.  Two processes with one store lose messages: use the
 * lock.
 */
int px_session_open(struct px_session *session, struct px_client *client);

/* Do what can be done now.  0; -EBUSY in a callback; -ENOTCONN: not open. */
int px_session_process(struct px_session *session, uint64_t now);
/* When to call it at the latest; UINT64_MAX: only after the client. */
uint64_t px_session_deadline(const struct px_session *session);

/*
 * Send, whether the peer is there or not.  The number that it has got is in
 * *number, unless that is NULL.  -EAGAIN: the outbox is full, try again after
 * `delivered`; -EMSGSIZE: over PX_SESSION_MESSAGE_MAX or the outbox;
 * -ESHUTDOWN: closed, or ended.
 */
int px_session_send(struct px_session *session, const void *data, size_t len,
		    uint64_t *number);

/*
 * The save that said -EINPROGRESS has ended so: 0 or a negative errno.
 * -EINVAL: there is none.  Not from inside `save`.
 */
int px_session_saved(struct px_session *session, int result);

/* Our id, and the first number that the peer may not have. */
struct px_session_mine px_session_mine(const struct px_session *session);
/* The number that the next message sent will get. */
uint64_t px_session_next(const struct px_session *session);

/* A message on its way.  Zero it to begin at the first. */
struct px_session_message {
	uint64_t number;
	const void *data;	/* until the next call that changes anything */
	size_t len;
	size_t at;		/* the library's */
};

/*
 * Step to the next message that the peer may not have, in the order of their
 * numbers.  False behind the last.
 */
bool px_session_pending(const struct px_session *session,
			struct px_session_message *message);

/*
 * Leave.  Nothing more of the peer's is taken; what is not saved is, with one
 * last `save` if the one under way fails or came too early for it; then down
 * (if up), and ended.  A `save` that said -EINPROGRESS is waited for, so
 * px_session_saved() must come.  What is pending stays so, and in the store;
 * to be sure of it wait for `delivered` first.  0 always.
 */
int px_session_close(struct px_session *session);
/* As px_channel_abandon(): -EBUSY, -EAGAIN. */
int px_session_abandon(struct px_session *session);

struct px_session_status {
	struct px_channel_status channel;
	bool met;		/* up, and both know where to go on */
	int error;		/* the last of `save` or `message`, or 0 */
	struct px_session_mark mark;
	struct px_session_mine mine;
	uint64_t next;		/* the number the next message gets */
	uint64_t again;		/* messages that came a second time */
	uint64_t saves;		/* calls of `save` */
	uint64_t faults;	/* nonsense from the peer */
};

void px_session_status(const struct px_session *session,
		       struct px_session_status *status);

#ifdef __cplusplus
}
#endif
#endif
