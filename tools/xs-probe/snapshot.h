/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A subtree as it was at one moment: every node's path, value and access
 * list, in order of paths.
 *
 * CONSISTENT	All of it is read inside one transaction.  In proxenos, as in
 *	oxenstored, a transaction is a picture of the store; the C daemon
 *	shows what others write meanwhile, and says so only when the
 *	transaction is committed: then it is read again, at most
 *	SNAPSHOT_TRIES times.
 * OWNERSHIP	The struct is yours, what it points to is freed by
 *	snapshot_free(), which may follow any failure.
 */
#ifndef XS_PROBE_SNAPSHOT_H
#define XS_PROBE_SNAPSHOT_H

#include <stdio.h>

#include "tools/xs-probe/probe.h"

#define SNAPSHOT_TRIES 16

struct snapshot_node {
	char *path;		/* absolute, NUL-ended */
	char *value;		/* `len` bytes and a NUL; NULL with `error` */
	size_t len;
	int error;		/* the value could not be read: -errno */
	char *perms;		/* "n5,r0", the owner first; NULL: unreadable */
};

struct snapshot {
	char *root;		/* the path that was asked for */
	uint64_t time;		/* seconds since 1970 */
	struct snapshot_node *node;
	size_t count;
	size_t bytes;		/* of all values */
	unsigned int unread;	/* directories that could not be listed */
	size_t room;		/* private */
};

/*
 * Read `path` (absolute, no longer than the protocol allows) and all below;
 * `enter`, unless NULL, says into which nodes to go.  0; -EAGAIN: others
 * write faster than it can be read; the error of reading `path` itself; or
 * the connection's error.
 */
int snapshot_read(struct probe *probe, const char *path,
		  bool (*enter)(const char *path), struct snapshot *snap);
void snapshot_free(struct snapshot *snap);

/* The node of that path, or NULL. */
const struct snapshot_node *snapshot_find(const struct snapshot *snap,
					  const char *path);
/* Its value as text; NULL if there is no such node, or no text in it. */
const char *snapshot_text(const struct snapshot *snap, const char *path);
/* The same for the node `name` below `dir`. */
const char *snapshot_child(const struct snapshot *snap, const char *dir,
			   const char *name);
/*
 * Order of paths: a node, all below it, then its next sibling; the root "/"
 * is before all.  As strcmp().
 */
int snapshot_order(const char *a, const char *b);

/* {"path", "value" or "error", "permissions", "size"}; NULL: no memory. */
json_t *snapshot_node_json(const struct snapshot_node *node);
/*
 * Write the whole as one JSON object to `out`, a node a line; 0 or -errno.
 * snapshot_save() makes a file of it that only its owner may read.
 * snapshot_load() reads it back: -errno of the file, or -EBADMSG if there is
 * no snapshot in it; after it, every path is the root's or below that.
 */
int snapshot_print_json(const struct snapshot *snap, FILE *out);
int snapshot_save(const struct snapshot *snap, const char *file);
int snapshot_load(const char *file, struct snapshot *snap);

#endif
