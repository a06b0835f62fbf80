/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inner parts of image_read(), shared by its files; see image.h. */
#ifndef CORE_IMAGE_READ_H
#define CORE_IMAGE_READ_H

#include "xenstored/core/field.h"
#include "xenstored/core/image.h"
#include "xenstored/core/transaction.h"

#define IMAGE_SHARED 256
/* Above anything that is charged, far below what could overflow. */
#define IMAGE_COST_MAX (1ULL << 48)

/* A record with its key taken apart. */
struct image_item {
	const struct image_record *rec;
	unsigned int kind;
	uint32_t number, second;
	uint64_t age;		/* what orders records of one kind */
	struct span path;
	bool parent;		/* has a directory, of generation `children` */
	uint64_t children;
};

struct reading {
	struct machine *m;
	int err;
	char *why;
	unsigned long lacks;	/* failed allocations before it began */
	struct image_item *item;
	size_t items;
	/* Set at the very end, as reading itself makes them grow. */
	uint64_t age, watch_id, owned_id;
	uint64_t *peak;
	struct {
		uint64_t place;
		struct conn *c;
	} *held;
	size_t helds;
	size_t used;		/* records of transactions' trees */
	struct acl *shared[IMAGE_SHARED];
};

int reading_fail(struct reading *r, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The record does not fit; or memory gave out while it was read. */
int reading_damaged(struct reading *r, const struct image_item *item);

int reading_node(struct reading *r, struct image_item *item,
		 struct node **root);
int reading_gen(struct reading *r, struct image_item *item,
		struct node **root);
struct acl *reading_share(struct reading *r, struct acl *acl);
/* It waits for a favoured transaction, at that place of the queue. */
void reading_held(struct reading *r, struct conn *c, uint64_t place);

/* The kind of records with that first word. */
unsigned int reading_kind(const char *word);
/* The first item not before one of that kind and these two numbers; for the
 * kinds that are ordered by them. */
size_t reading_first(const struct reading *r, const struct image_item *like);

/* image_conn.c */
int reading_conn(struct reading *r, struct image_item *item);
int reading_watch(struct reading *r, struct image_item *item);
bool reading_paths(struct reading *r, struct transaction *t,
		   struct field_in *f);

/* image_tx.c */
int reading_transaction(struct reading *r, struct image_item *item);
/* Trees of transactions, accounts, queues, counters. */
int reading_finish(struct reading *r);

#endif
