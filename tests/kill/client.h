/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One client of the load: a connection, requests with replies in order, and
 * a log of everything that it sent and got, for check.py.
 *
 * The log, a line each; T is CLOCK_MONOTONIC in ns, N the number of the
 * request (also its id on the wire), blanks separate, "-" is nothing:
 *
 *   H KIND DOMID		kind ring or socket
 *   S T N OP TX PATH VALUE	about to be sent; TX is the N of the START
 *   R T N RESULT PAYLOAD	its reply; RESULT is "ok" or the error
 *   E T PATH TOKEN		a watch event
 *   C T, V T, D T		connected; hung up by us; hung up on us
 *   Z T, z T			ring reset asked, done
 *   X T TEXT			what must not happen; the client ends there
 *   Q T			it ended as it should
 *
 * PAYLOAD: a value; names or entries of an access list joined by commas.
 */
#ifndef KILL_CLIENT_H
#define KILL_CLIENT_H

#include <stdio.h>

#include "protocol/wire.h"
#include "tests/kill/link.h"

#define CLIENT_PENDING 16	/* most requests without a reply */
#define CLIENT_WATCHES 8
#define CLIENT_STUCK_MS 20000	/* no reply so long: the client is stuck */

enum client_op {
	OP_READ, OP_WRITE, OP_MKDIR, OP_RM, OP_DIR, OP_SETPERMS, OP_GETPERMS,
	OP_START, OP_END, OP_WATCH, OP_UNWATCH, OP_SYNC, OP_INTRODUCE,
	/* The same as READ, DIR, GETPERMS, but made because of an event. */
	OP_LREAD, OP_LDIR, OP_LGETPERMS,
};

struct client_watch {
	char path[64];		/* also the token */
	enum client_op look;	/* what to do on an event; OP_SYNC: nothing */
	bool dirty;		/* an event came since */
	unsigned int events;
};

struct client {
	unsigned int index;
	uint32_t domid;
	struct link link;
	FILE *log;
	uint64_t random;
	bool lost;		/* the connection broke; see client_again() */
	bool dead;		/* an X was written */
	uint32_t seq;		/* of the last request */
	struct client_pending {
		uint32_t seq;
		enum client_op op;
	} pending[CLIENT_PENDING];
	unsigned int first, count;
	struct client_watch watch[CLIENT_WATCHES];
	unsigned int watches;
	/* The last reply. */
	const char *error;	/* NULL: ok */
	char payload[WIRE_PAYLOAD_MAX + 1];
	/* private */
	uint8_t out[CLIENT_PENDING * 256];
	size_t out_len;
	uint8_t in[2 * WIRE_MESSAGE_MAX];
	size_t in_len;
	uint32_t tx_seq;	/* the open transaction: N of its START */
	uint32_t tx_id;		/* and its id; 0: none is open */
	uint64_t names;		/* see jobs.c */
	uint32_t name[16];
	unsigned int live;
};

/* Called after bytes of a request were put before the daemon. */
extern void (*client_hook)(void);

uint64_t client_now(void);
uint32_t client_random(struct client *c, uint32_t below);

/* The log is dir/client.INDEX; false with a message when it cannot be. */
bool client_init(struct client *c, const char *dir, unsigned int index,
		 uint32_t domid, uint64_t seed);
void client_fini(struct client *c);
void client_log(struct client *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Write an X. */
void client_fail(struct client *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Queue and send a request, in the open transaction if tx; its number. path
 * and value are texts. It is for the caller to collect the replies in time:
 * at most CLIENT_PENDING may be due.
 */
uint32_t client_send(struct client *c, enum client_op op, bool tx,
		     const char *path, const char *value);

/*
 * The oldest reply due: 0 with error and payload set, or -1 when the client
 * is lost or dead (nothing is due any more then).
 */
int client_reply(struct client *c);

/* Both, for one request, after collecting all that is due. 0: done and ok;
 * 1: the daemon said error; -1: as above. */
int client_call(struct client *c, enum client_op op, bool tx,
		const char *path, const char *value);

/* Take what comes for ms, without owing or being owed anything. */
void client_idle(struct client *c, int ms);

/* A lost client connects again, however often that takes; sets its watches.
 * Also the first time. */
void client_again(struct client *c);

/* Hang up, or reset the ring, and be as new. */
void client_renew(struct client *c);

/* Look at what events came for. */
void client_look(struct client *c);

#endif
