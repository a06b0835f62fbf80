/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How tests talk to the supervisor: a stream socket, a line each way.
 *
 *   kill [SIGNAL]	"ok START PID": that start was sent it (default 9)
 *   wait START		"ok START PID" once this start or a later one is ready
 *   status		"ok {...}", JSON
 *   hold, release	"ok": no restarts in between
 *   next NAME=VALUE	"ok": in the environment of the next start only
 *   stop		"ok": the daemon is ended, then the supervisor ends
 *
 * Or "error TEXT". A connection has one request under way at a time.
 */
#ifndef SIMXEN_CONTROL_H
#define SIMXEN_CONTROL_H

#include <poll.h>

#include "tools/simxen/service.h"

#define CONTROL_LINE 1024
#define CONTROL_PEERS 32

struct control {
	int listener;
	struct control_peer {
		int fd;			/* -1: free */
		unsigned long wait;	/* for this start, 0: for none */
		size_t len;
		char line[CONTROL_LINE];
	} peer[CONTROL_PEERS];
	char path[108];
};

/* 0 or -errno. */
int control_open(struct control *c, const char *path);
void control_close(struct control *c);

/* Fill in 1 + CONTROL_PEERS entries; those without a descriptor have -1. */
void control_poll(const struct control *c, struct pollfd *pfd);

/* Serve what those say, and answer those who wait. */
void control_serve(struct control *c, const struct pollfd *pfd,
		   struct service *s);

#endif
