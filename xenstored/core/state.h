/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine's state: the one struct that the modules of the core share.
 * Each member belongs to the module named beside it, which alone changes it;
 * others read.
 */
#ifndef CORE_STATE_H
#define CORE_STATE_H

#include "xenstored/core/acl.h"
#include "xenstored/core/hash.h"
#include "xenstored/core/list.h"
#include "xenstored/core/machine.h"
#include "xenstored/core/tree.h"

struct conn;
struct domain;
struct notes;

#define STATE_DOMAINS 32768
#define STATE_DOMAIN_WORDS (STATE_DOMAINS / 64)

/* The special paths of the daemon that have access lists. */
enum special_id {
	SPECIAL_INTRODUCE,
	SPECIAL_RELEASE,
	SPECIAL_COUNT
};

struct machine_counts {
	uint64_t requests;
	uint64_t events;
	uint64_t merged;	/* events found queued already */
	uint64_t lost;		/* events replaced by a later one on the watch */
	uint64_t conflicts;	/* commits that failed with EAGAIN */
	uint64_t refused;	/* requests refused for a quota */
	uint64_t held;		/* requests made to wait for fairness */
};

struct machine {
	struct machine_config config;		/* machine.c */
	struct hash_key key;
	uint64_t now;
	uint64_t started;
	/* Grows with every change; stamps nodes, lists, access lists. */
	uint64_t age;

	struct node *root;			/* change.c */
	uint64_t nodes;				/* in the present tree */
	struct acl *special[SPECIAL_COUNT];

	struct domain *domain[STATE_DOMAINS];	/* domain.c */
	uint64_t domain_map[STATE_DOMAIN_WORDS];
	/* Access entries made before this age are void. */
	uint64_t valid_since[STATE_DOMAINS];
	unsigned int domains;
	struct hash_table owned;		/* struct owned */
	uint64_t owned_id;
	struct list reap;			/* dead, not yet cleared away */

	struct hash_table sockets;		/* conn.c */
	struct list conns;
	struct list dirty;
	struct list dead;
	struct list starved;			/* output.c */
	unsigned int socket_count;
	struct hash_table events;		/* undelivered, by content */

	struct watch_node *watch_root;		/* watch.c */
	struct watch_node *watch_special;
	struct hash_table watch_nodes;
	struct hash_table watch_index;
	uint64_t watch_id;
	uint64_t watch_node_id;
	struct watch **match;
	size_t matches, match_room;

	struct list asks;			/* ask.c */
	uint64_t ask_id;
	uint64_t unmap_map[STATE_DOMAIN_WORDS];
	unsigned int unmaps;
	struct list tell;			/* conn.c: CLOSE, RING_ERROR */

	unsigned int transactions;		/* transaction.c */
	struct list pinning;			/* guests', the oldest first */
	uint64_t stale;				/* see stale.h */
	struct transaction *favoured;		/* fair.c */
	uint64_t favour_until;
	uint64_t favour_pause;			/* guests' are weak before */
	struct list held;
	/* Not state: when to look at `held` again; empty between steps. */
	uint64_t held_until;
	struct list yielded;

	bool log_on;				/* op_control.c */
	struct machine_counts counts;

	struct notes *notes;			/* notes.c; no state */

	struct {				/* listing.c; no state */
		uint64_t seq, gen;
		size_t len;
		char *names;
	} listing;

	/* The reply under construction (request.c). */
	size_t reply_len;
	bool reply_over;
	char reply[WIRE_PAYLOAD_MAX];
};

/* A machine without a tree and without domains, for image_read(). */
struct machine *machine_bare(const struct machine_config *config);

/* Tell the log; `id` is explained in docs/messages.md. */
void state_log(struct machine *m, const char *id, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
