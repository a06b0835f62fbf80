/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A change: operations carried out on a tree of one's own, then published as
 * a whole or dropped.  Every modification of the store is one, be it a
 * single WRITE, the replay of a transaction at commit, or the removal of
 * what a dead domain owned; so each is done wholly or not at all, also when
 * a quota or the memory gives out halfway.
 *
 * Operations return 0, a positive wire error, or -ENOMEM.  After an error the
 * tree has the contents it had before; only a change that is to be published
 * must then be dropped, as its list of effects may be ahead of its tree.
 *
 * Publishing cannot fail: everything it needs was allocated before.
 */
#ifndef CORE_CHANGE_H
#define CORE_CHANGE_H

#include "xenstored/core/access.h"

/* What a node costs its owner, in bytes of QUOTA_MEMORY. */
#define CHANGE_NODE_COST 64
uint64_t change_node_cost(const struct node *n);

struct change_delta {
	uint16_t domid;
	int64_t nodes;
	int64_t memory;
};

/* One path that was changed, for watchers; in order of first change. */
struct change_effect {
	struct change_effect *next;
	struct hash_link link;
	bool removed;
	uint16_t inside;	/* length of the path above it below which */
				/* something came or went; 0: nothing did */
	uint16_t len;
	char path[];
};

/* One step of the index of owned nodes, in order. */
struct change_owned {
	struct change_owned *next;
	bool add;
	struct owned *entry;	/* if add: to be put into the index */
	uint16_t domid;
	uint16_t len;
	char path[];		/* if not add */
};

struct change {
	struct machine *m;
	struct node *root;		/* own reference */
	bool effects;			/* false: a transaction's own tree */
	/*
	 * Of one operation, and published if that succeeds: nobody wants the
	 * present tree as it was but those who hold it too.
	 */
	bool single;
	int64_t nodes;
	uint64_t stale;			/* replaced or removed: bytes */
	struct change_delta *delta;
	unsigned int deltas, delta_room, delta_last;
	struct change_effect *first, **last;
	struct hash_table touched;
	struct change_owned *owned_first, **owned_last;
	struct domain *over;		/* who lacked quota, and of what */
	enum quota_id over_row;
};

/* Start from `base`; `effects`: it is meant to be published. */
void change_init(struct change *c, struct machine *m, struct node *base,
		 bool effects);
/* Drop everything; to be called after publishing as well. */
void change_fini(struct change *c);

int change_write(struct change *c, const struct caller *who, struct span path,
		 struct span value);
int change_mkdir(struct change *c, const struct caller *who,
		 struct span path);
int change_rm(struct change *c, const struct caller *who, struct span path);
/* `acl` was made for this call; a reference of its own is taken. */
int change_set_acl(struct change *c, const struct caller *who,
		   struct span path, struct acl *acl);

/* An account of a change that is restored (image.h). */
bool change_restore_account(struct change *c, uint16_t domid, int64_t nodes,
			    int64_t memory);

/* Make it the present tree: accounts, index, then the watchers. */
void change_publish(struct change *c);

/*
 * The error for a path that is not there: ENOENT, or EACCES if `want` is not
 * granted on the nearest existing ancestor.
 */
int change_missing(struct machine *m, struct node *root,
		   const struct caller *who, struct span path,
		   unsigned int want);

#endif
