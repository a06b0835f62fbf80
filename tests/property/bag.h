/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bag of image records, as a checkpoint would keep them: deep copies, in
 * the order in which they were written.  It owns keys and values, each in a
 * block of its own, so that a sanitizer sees what reads past their ends.
 */
#ifndef TESTS_PROPERTY_BAG_H
#define TESTS_PROPERTY_BAG_H

#include "xenstored/core/image.h"

struct bag {
	struct image_record *rec;
	size_t count, room;
};

/* Put one record: replaces one of that key, deletes it for `len` SIZE_MAX. */
int bag_put(void *bag, const char *key, const void *value, size_t len);
/* Add one without looking whether it is there. */
void bag_add(struct bag *b, const char *key, const void *value, size_t len);
void bag_remove(struct bag *b, size_t which);
void bag_free(struct bag *b);

/* All of a machine; what image_write() returned. */
int bag_write(struct bag *b, struct machine *m);
/* A machine from it; the order of the bag is left alone. */
struct machine *bag_read(const struct bag *b,
			 const struct machine_config *config, int *error,
			 char why[256]);

#endif
