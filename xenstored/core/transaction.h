/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Transactions: a snapshot to read from, a tree of one's own to write to, a
 * record of what was read, and a log of what was written (behaviour page,
 * "Transactions").
 *
 * Commit compares what was read with the present tree and, if all of it is
 * still true, replays the log there with all checks, as one change.  The own
 * tree is only ever read by its owner; it is never published, so there is
 * one way in which the store changes.
 */
#ifndef CORE_TRANSACTION_H
#define CORE_TRANSACTION_H

#include "xenstored/core/change.h"

/* What of a path was seen; that it exists or not is always part of it. */
enum transaction_aspect {
	SEEN_EXISTS = 1,
	SEEN_VALUE = 2,
	SEEN_ACL = 4,
	SEEN_CHILDREN = 8,
	/* Not seen, but written: a later look at it is at one's own. */
	SEEN_WROTE = 16,
};

struct transaction_path {
	struct transaction_path *next;
	struct hash_link link;
	unsigned int aspects;
	uint16_t len;
	char path[];
};

struct transaction_op {
	struct transaction_op *next;
	uint32_t op;			/* enum wire_op */
	struct acl *acl;
	uint16_t path_len;
	uint16_t value_len;
	char data[];			/* path, then value */
};

struct transaction {
	struct list in_conn;
	struct list in_pinning;		/* a guest's; stale.h */
	struct conn *conn;
	uint32_t id;
	uint64_t fresh;			/* `stale` when its snapshot was made */
	uint64_t began;			/* age of the machine then; no state */
	uint64_t since;			/* when it began; no state */
	int failed;			/* wire error that a commit will get */
	struct node *base;
	struct change own;
	struct hash_table seen;
	struct transaction_path *paths, **last_path;
	unsigned int path_count;
	struct transaction_op *log, **last_op;
	uint64_t cost;			/* charged to its domain's memory */
};

/* NULL: no memory. */
struct transaction *transaction_start(struct machine *m, struct conn *c);
struct transaction *transaction_find(const struct conn *c, uint32_t id);
/* Forget it; what it held is given back. */
void transaction_drop(struct machine *m, struct transaction *t);
/*
 * The same in two steps: after the first only what it saw is left, off the
 * connection's list (fair.h keeps that); NULL is allowed in the second.
 */
void transaction_husk(struct machine *m, struct transaction *t);
void transaction_husk_drop(struct transaction *t);
void transaction_drop_all(struct machine *m, struct conn *c);

/*
 * Note that these aspects of a path were seen in the own tree.  0, ENOSPC
 * (and the transaction will fail) or -ENOMEM (likewise).
 */
int transaction_saw(struct machine *m, struct transaction *t,
		    struct span path, unsigned int aspects);
/* Carry out WRITE, MKDIR, RM or SET_PERMS inside. */
int transaction_do(struct machine *m, struct transaction *t, uint32_t op,
		   struct span path, struct span value, struct acl *acl);
/* One operation on a change; also for those outside of a transaction. */
int transaction_apply(struct change *c, const struct caller *who, uint32_t op,
		      struct span path, struct span value, struct acl *acl);
/*
 * Publish it: 0, EAGAIN, the error it failed with, or -ENOMEM.  It is not
 * dropped.
 */
int transaction_commit(struct machine *m, struct transaction *t);

/*
 * For a machine that is restored (image.h): one without its trees; a husk;
 * what it had seen, and its log, without charging.
 */
struct transaction *transaction_restore(struct machine *m, struct conn *c,
					uint32_t id);
struct transaction *transaction_restore_husk(struct conn *c);
bool transaction_restore_path(struct machine *m, struct transaction *t,
			      struct span path, unsigned int aspects);
bool transaction_restore_op(struct transaction *t, uint32_t op,
			    struct span path, struct span value,
			    struct acl *acl);

struct transaction_path *transaction_path(const struct machine *m,
					  const struct transaction *t,
					  struct span path);

#endif
