/* SPDX-License-Identifier: MIT */
/*
 * Paths of the store (behaviour page, "Paths").  A path here is a span
 * without NUL.  Characters are [A-Za-z0-9-/_@]; no empty name, no trailing
 * '/' but for "/" itself.  A special path starts with '@' and names an event
 * of the daemon, not a node.
 */
#ifndef PROTOCOL_PATH_H
#define PROTOCOL_PATH_H

#include "protocol/cursor.h"

enum path_kind {
	PATH_BAD,	/* not a legal path */
	PATH_ABSOLUTE,	/* starts with '/' */
	PATH_RELATIVE,	/* relative to the caller's /local/domain/<id> */
	PATH_SPECIAL,	/* starts with '@' */
};

/* What a path is; it is PATH_BAD if longer than WIRE_ABS_PATH_MAX. */
enum path_kind path_kind(struct span path);

/*
 * The length of `path` that counts against a guest's path-max quota: without
 * a leading "/local/domain/<digits>/".
 */
size_t path_quota_length(struct span path);

/*
 * Step through the names of an absolute path.  `rest` starts as the whole
 * path; each call puts the next name into *name and moves on.  False when no
 * name is left ("/" has none).
 */
bool path_next(struct span *rest, struct span *name);

/* Number of names in an absolute path: 0 for "/". */
unsigned int path_depth(struct span path);

/* The parent of an absolute path other than "/"; "/" is its own. */
struct span path_parent(struct span path);

/* True if `path` is `base` or lies below it (both absolute). */
bool path_below(struct span base, struct span path);

#endif
