/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watches: a trie of watched paths beside the store.  To fire for a path is
 * to walk down its names; every watch met on the way is one on an ancestor.
 * The cost is depth and matches, whatever the number of watches.
 *
 * All matching watches of one change fire in the order in which they were
 * set.
 */
#ifndef CORE_WATCH_H
#define CORE_WATCH_H

#include "xenstored/core/state.h"

/*
 * What a watch costs its domain beside path and token, in bytes: itself, and
 * the places that the trie has for the names of its path.
 */
#define WATCH_COST 160
#define WATCH_LEVEL_COST 128
uint64_t watch_cost(struct span path, struct span token);

/* One name of the trie; there while it or something below is watched. */
struct watch_node {
	struct hash_link link;		/* by parent's id and name */
	struct watch_node *parent;
	struct list in_parent, below;
	struct list watches;
	uint64_t id;
	uint16_t len;
	char name[];
};

struct watch {
	struct conn *conn;
	struct watch_node *at;
	struct list in_node, in_conn, in_lost;
	struct hash_link index;		/* by connection, place and token */
	uint64_t id;			/* order of setting */
	int32_t depth;			/* levels below, or -1: all */
	bool special;
	uint16_t prefix;		/* of path: hidden from the watcher */
	uint16_t path_len;
	uint16_t token_len;
	char *path;			/* absolute or special */
	char *token;
	char data[];
};

/* The path as its watcher gave it. */
struct span watch_path(const struct watch *w);

/* The watch of that connection with that path and token, or NULL. */
struct watch *watch_find(const struct machine *m, const struct conn *c,
			 struct span path, struct span token);
/*
 * Set one; `path` is absolute (its first `prefix` bytes were not given by
 * the client) or special.  NULL: no memory.  No event is sent.
 */
struct watch *watch_add(struct machine *m, struct conn *c, struct span path,
			uint16_t prefix, struct span token, int32_t depth);
void watch_drop(struct machine *m, struct watch *w);
void watch_drop_all(struct machine *m, struct conn *c);

/*
 * `path` was changed by going from the tree `old` to the present one; if
 * `removed`, all that was below it and is there no more fires the watches
 * set exactly on it.
 */
void watch_fire(struct machine *m, struct node *old, struct span path,
		bool removed);
void watch_fire_special(struct machine *m, enum special_id what,
			uint32_t domid);

/* The special path with an access list that this is, or -1. */
int watch_special_id(struct span path);
extern const char *const watch_special_name[SPECIAL_COUNT];

bool watch_init(struct machine *m);

#endif
