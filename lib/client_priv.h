/* SPDX-License-Identifier: MIT */
/*
 * What the files of the client share: the struct behind struct px_client.
 * client.c keeps the connection, client_watch.c the watches,
 * client_request.c and client_list.c only put requests together.
 */
#ifndef LIB_CLIENT_PRIV_H
#define LIB_CLIENT_PRIV_H

#include "lib/client_core.h"

enum client_state {
	CLIENT_CLOSED,
	CLIENT_WAITING,		/* for `deadline`, then connect */
	CLIENT_CONNECTING,
	CLIENT_GREETING,	/* asked for the generation */
	CLIENT_UP,
};

enum client_watch_state {
	CLIENT_WATCH_FREE,
	CLIENT_WATCH_WANTED,	/* WATCH is to be sent */
	CLIENT_WATCH_SENT,	/* answered or not */
};

struct client_watch_slot {
	struct px_client *client;
	struct px_client_watch *watch;
	uint32_t serial;	/* tells a slot's users apart in the token */
	/* WATCH requests unanswered; the last one is the present user's. */
	uint32_t asked;
	enum client_watch_state state;
};

#define CLIENT_GENERATION_MAX 64

struct px_client {
	struct client_core core;
	struct px_client_options options;
	struct px_transport *transport;
	enum client_state state;
	bool busy;		/* inside px_client_process() */
	bool greeted;		/* has been up before */
	int error;
	uint64_t deadline;	/* of WAITING and CONNECTING */
	uint64_t backoff;	/* the next pause */
	char generation[CLIENT_GENERATION_MAX + 1];
	struct client_watch_slot *watches;
	unsigned int wanted;	/* watches in CLIENT_WATCH_WANTED */
	struct px_client_counters counters;
};

/* Send WATCH for whatever is wanted, as far as there is room. */
void client_watch_pump(struct px_client *client);
/* A new connection: everything is wanted again. */
void client_watch_again(struct px_client *client);
/* An event's payload to its watch; -EPROTO if malformed. */
int client_watch_event(struct px_client *client, const char *data, size_t len);

#endif
