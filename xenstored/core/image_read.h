/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inner parts of image_read(), shared by its files; see image.h. */
#ifndef CORE_IMAGE_READ_H
#define CORE_IMAGE_READ_H

#include "xenstored/core/field.h"
#include "xenstored/core/image.h"
#include "xenstored/core/transaction.h"

#define IMAGE_SHARED 256

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
	struct acl *shared[IMAGE_SHARED];
};

int reading_fail(struct reading *r, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int reading_damaged(struct reading *r, const struct image_item *item);

int reading_node(struct reading *r, struct image_item *item,
		 struct node **root);
int reading_gen(struct reading *r, struct image_item *item,
		struct node **root);
struct acl *reading_share(struct reading *r, struct acl *acl);
bool reading_paths(struct reading *r, struct transaction *t,
		   struct field_in *f);
/* It waits for a favoured transaction, at that place of the queue. */
void reading_held(struct reading *r, struct conn *c, uint64_t place);

/* image_tx.c */
int reading_transaction(struct reading *r, struct image_item *item);
/* Trees of transactions, accounts, queues, counters. */
int reading_finish(struct reading *r);

#endif
