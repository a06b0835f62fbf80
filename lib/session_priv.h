/* SPDX-License-Identifier: MIT */
/*
 * An end of a session: session.c is the manual's functions and the order in
 * which things are done, session_talk.c what the two ends say to each other.
 *
 * Nothing is queued but messages: HELLO and RESUME are owed or not, and are
 * put together when they are sent.  What the peer sent is looked at outside
 * the channel's callbacks, so that a message of the peer's stays in the
 * channel's hands until its effect is durable.
 */
#ifndef LIB_SESSION_PRIV_H
#define LIB_SESSION_PRIV_H

#include "lib/session_box.h"

enum {
	SESSION_HELLO = 'H',
	SESSION_RESUME = 'R',
	SESSION_ID_SIZE = 24,		/* as it is sent and stored */
	SESSION_GREETING_SIZE = 1 + SESSION_ID_SIZE + 8,
	SESSION_FRAME = 1792,		/* a slot of the channel */
	SESSION_FRAMES = 32
};
#define SESSION_NUMBER_MAX 0xffffffffffffu

/* A HELLO or a RESUME. */
struct session_greeting {
	bool owed;
	bool busy;		/* the channel has the last one still */
	struct px_channel_message message;
	char text[SESSION_GREETING_SIZE];
};

/* A run of records that the channel has. */
struct session_frame {
	struct px_session *session;
	struct px_channel_message message;
	bool busy;
	uint64_t last;
};

/* What is durable, or is being made so. */
struct session_image {
	struct px_session_id id;
	struct px_session_mark mark;
	uint64_t next;		/* our messages below it */
};

struct px_session {
	struct px_channel *channel;
	struct px_session_options options;
	uint64_t now;
	bool open, busy, kick;
	bool closing;		/* takes nothing more of the peer's */
	bool parting;		/* ... all is saved, the channel closes, too */
	bool over, ended;	/* for the channel; the client was told */
	enum px_channel_reason reason;

	/* Ours. */
	struct px_session_id id;
	struct session_box box;
	uint64_t restored;	/* numbers below were restored */
	bool first_meeting;	/* no RESUME in this life yet */
	struct px_session_message sent;	/* the last given to the channel */
	struct session_frame frames[SESSION_FRAMES];

	/* The peer's. */
	struct px_session_mark mark;
	bool greeted;		/* its HELLO came in this cycle */
	bool forgot;		/* ... and showed that we had more once: */
	uint64_t forgot_last;	/* to be told in RESUME */
	bool in_hand;		/* the channel waits for our completion */
	struct cursor in;	/* what is left of it */

	/* Both. */
	struct session_image saved, saving;
	bool dirty, save_runs;
	bool up, met;
	bool must_let_go;	/* the channel waits, until fault_at */
	uint64_t fault_at;
	unsigned int fault_row;
	uint64_t save_at;	/* `save` failed: not before */
	unsigned int save_row;
	bool last_try;		/* it was made */
	bool refused;		/* by `message`: not before, or with room */
	uint64_t message_at;
	unsigned int message_row;
	struct session_greeting hello, resume;
	int error;
	uint64_t again, saves, faults;
};

/* session.c */
/* An effect, or the mark, is not durable any more. */
void session_dirty(struct px_session *s);
bool session_mark_is_saved(const struct px_session *s);
void session_fresh_id(struct px_session *s, uint64_t count);
void session_delivered(struct px_session *s, uint64_t last);
void session_trouble(struct px_session *s, enum px_session_trouble trouble,
		     uint64_t from, uint64_t to);
/* 100 ms, doubling to 8 s. */
uint64_t session_backoff(unsigned int *row);

/* session_talk.c */
void session_put_id(char *to, const struct px_session_id *id);
struct px_session_id session_get_id(const char *from);
int session_id_order(const struct px_session_id *a,
		     const struct px_session_id *b);
/* A new cycle: nothing is on its way. */
void session_talk_start(struct px_session *s);
/* Look at what is in hand, as far as that is possible now. */
void session_talk_in(struct px_session *s);
/* Send what may be sent. */
void session_talk_out(struct px_session *s);

#endif
