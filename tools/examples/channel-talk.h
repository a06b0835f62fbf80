/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the two channel examples share, which is all but what they do with a
 * message: the command line, a client on the socket or the ring, the end of
 * a channel or, with -k FILE, of a session that is kept in FILE, the loop
 * around them, and a line for each thing that happens:
 *
 *   up, down REASON, released, ended REASON, trouble NAME FROM TO
 *
 * -r RATE: send so many messages a second, not more, until SIGUSR1 lifts
 * that.  SOCKET "ring" is the ring of a simxen guest, and what begins with /dev/
 * a kernel's device, as programs in a guest have it.  SIGTERM and SIGINT close.
 * One end a process.
 */
#ifndef TOOLS_EXAMPLES_CHANNEL_TALK_H
#define TOOLS_EXAMPLES_CHANNEL_TALK_H

#include <proxenos/session_file.h>

struct talk;

/* What one of the two is. */
struct talk_role {
	const char *name;
	bool counts;		/* COUNT stands behind NAME */
	/* A channel: as in channel.h; up and down may be NULL. */
	void (*up)(struct talk *t);
	bool (*message)(struct talk *t, const void *data, size_t len);
	void (*down)(struct talk *t, const struct px_channel_down *down);
	/* A session: the effect is t->came and what is sent. */
	int (*effect)(struct talk *t, const void *data, size_t len);
	/* Before each wait, and when talk_may() said not yet; may be NULL. */
	void (*work)(struct talk *t);
};

struct talk {
	const struct talk_role *role;
	struct px_session_options options;
	const char *socket, *keep;
	uint64_t count;		/* of the command line */
	uint64_t rate;		/* -r: at most so many a second, or 0 */
	uint64_t began, wake;
	struct px_channel *channel;	/* without -k */
	struct px_session *session;	/* with it */
	struct px_session_file *file;
	uint64_t came;		/* with -k, kept: messages had */
	uint64_t saved;		/* of these, on the disk */
	uint64_t ups;
	bool over;
};

/* The whole program but for its exit status: it ends when `over`. */
void talk_run(struct talk *t, const struct talk_role *role, int argc,
	      char **argv);
/* Leave, once what is under way has been processed. */
void talk_close(struct talk *t);
/* May it send once more, having sent so many since the program began? */
bool talk_may(struct talk *t, uint64_t sent);
/* n in decimal, as messages carry it; its length. */
size_t talk_number(char text[24], uint64_t n);
/* Is it that number?  If not say what it is, and end with status 1. */
void talk_must_be(const void *data, size_t len, uint64_t n);

/* channel-keep.c: make and open the session. */
void talk_keep_open(struct talk *t, struct px_client *client);
/* Memory for the life of the program; ends it for want, or for size 0. */
void *talk_memory(size_t size);
/* err 0: nothing; else a line on stderr and the end, with status 1. */
void talk_check(const char *what, int err);

#endif
