/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The image: a machine's whole state as records of key and value, and a
 * machine made again from them.  It is what a checkpoint stores and a live
 * update hands over; machine_digest() of the two machines is the same.
 *
 * Keys and values are text that a person can read (tdbdump), with lengths
 * before whatever may hold any byte: `name=123 ` is a number, `name=3:abc `
 * a string of three bytes.  Fields stand in a fixed order; reading is strict.
 *
 *   machine                      ages, clock, limits, counters
 *   age <domid>                  access entries older than this are void
 *   domain <domid>               one known domain
 *   node <path>                  one node of the present tree
 *   conn <id>                    a connection, its input and output
 *   watch <id>                   a watch
 *   tx <conn> <id>               a transaction, what it saw, its log
 *   base <conn> <id> <path>      its snapshot, where unlike the present tree
 *   own <conn> <id> <path>       its own tree, where unlike its snapshot
 *
 * A machine that waits for the host (asks not answered, UNMAP, CLOSE or
 * RING_ERROR not fetched) has no image: the host answers first.
 */
#ifndef CORE_IMAGE_H
#define CORE_IMAGE_H

#include "xenstored/core/machine.h"

/*
 * Version of the records.  MACHINE_VERSION stands beside it for people: an
 * image is read by every machine that knows its records, whatever it does
 * with them.
 */
#define IMAGE_VERSION 1u

/*
 * Takes one record; the bytes are valid during the call.  `len` SIZE_MAX
 * means: delete it.  0, or a negative errno that ends the writing.
 */
typedef int (*image_put)(void *arg, const char *key, const void *value,
			 size_t len);

/* Write all records.  0, -EBUSY if the host has not answered, -ENOMEM, or
 * what `put` returned. */
int image_write(struct machine *m, image_put put, void *arg);

/* Everything but the nodes of the present tree, which are many. */
int image_write_rest(struct machine *m, image_put put, void *arg);

/*
 * The nodes of the present tree that are not as in the snapshot `since`
 * (from image_snapshot(); NULL: all of them), and deletions of those that
 * are gone.
 */
struct node;
int image_write_nodes(struct machine *m, struct node *since, image_put put,
		      void *arg);
/*
 * The same in steps of about `budget` nodes, of the tree as it was when the
 * walk began.  1: there is more, 0: done, or a negative errno.
 *
 * The steps may be made in another thread than the machine's, from the return
 * of image_walk_new() on: they look at nothing but the two trees, which
 * nobody changes while the walk holds them, and write no reference count.
 * Beginning and end are the machine's thread's.
 */
struct image_walk;
struct image_walk *image_walk_new(struct machine *m, struct node *since);
int image_walk_step(struct image_walk *w, unsigned int budget, image_put put,
		    void *arg);
void image_walk_free(struct image_walk *w);

/* A reference on the present tree; and letting it go. */
struct node *image_snapshot(struct machine *m);
void image_release(struct node *snapshot);
/*
 * Letting it go bit by bit, as there may be a million nodes that nobody else
 * holds: what dies is put on `rest` (NULL at first), and freed from there by
 * image_free_some(), about `budget` nodes a call; true if there are more.
 */
void image_release_later(struct node *snapshot, struct node **rest);
bool image_free_some(struct node **rest, unsigned int budget);
/* How many nodes the present tree has. */
uint64_t image_nodes(const struct machine *m);

/* One record for reading; the bytes stay valid until image_read() is over. */
struct image_record {
	const char *key;
	const void *value;
	size_t len;
};

/*
 * Make a machine from records in any order (the array is sorted in place).
 * Sinks, version text and features come from `config`, everything else from
 * the image.  NULL and *error: -EPROTO for records that are damaged or do
 * not belong together, -ENOTSUP for another version, -ENOMEM; `why` gets a
 * line for the log.
 */
struct machine *image_read(const struct machine_config *config,
			   struct image_record *records, size_t count,
			   int *error, char why[256]);

#endif
