/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A channel between dom0, on the socket, and a guest, on its ring, both ends
 * in this process and driven by one loop: what is measured is the library's
 * work at both ends, the daemon's, and nothing else.  An end that is frozen
 * is one that the loop leaves out.
 */
#ifndef BENCH_CHANNEL_H
#define BENCH_CHANNEL_H

#include <proxenos/channel.h>

#include "tools/xs-bench/link.h"

enum { PAIR_POOL = 256, PAIR_LEN = 1000 };

struct pair_end {
	struct pair *pair;
	bool there, frozen;
	struct px_client *client;
	struct px_channel *channel;
	struct px_transport_unix socket;
	struct px_transport_ring ring;
	struct simxen_guest *guest;
	unsigned int self, peer;
	bool up, released;
	enum px_channel_reason reason;	/* of the last down */
	uint64_t down_at, up_at;	/* ns */
	uint64_t received, came_at;
	struct px_channel_message pool[PAIR_POOL];
	struct px_channel_message *spare;
	/* Messages of this length, as many as there is room for; 0: none. */
	size_t len;
	unsigned int most;		/* of them at a time */
	bool echo;			/* each that comes is answered */
};

struct pair {
	struct side *side;
	struct link admin;
	unsigned int domid;
	uint32_t lease;
	struct pair_end end[2];		/* dom0, the guest */
};

/* A daemon's side with a pair that is up. */
bool pair_open(struct pair *p, struct side *s, uint32_t lease);
void pair_close(struct pair *p);

/* An end is gone as by kill -9, or begins. */
void pair_kill(struct pair *p, unsigned int end);
bool pair_start(struct pair *p, unsigned int end);

/* One turn of the loop; waits for ns at most, if there is nothing to do. */
void pair_turn(struct pair *p, uint64_t ns);
/* Until *flag is `want`, for a minute at most. */
bool pair_until(struct pair *p, const bool *flag, bool want);
bool pair_send(struct pair_end *e, size_t len);

/* Store writes that both ends have asked for. */
uint64_t pair_writes(const struct pair *p);

#endif
