/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Access lists: immutable, counted, shared by all nodes that inherited them.
 *
 * A list carries the age of the store when it was made.  A domain that dies
 * makes every entry for its id that is older void, by one comparison and
 * without a walk over the store; so does the birth of the next domain with
 * that id (behaviour page: "a new domain with the same id gets nothing").
 */
#ifndef CORE_ACL_H
#define CORE_ACL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/perm.h"

struct acl {
	uint32_t refs;
	uint16_t count;		/* at least 1: the owner */
	uint64_t stamp;		/* age of the store when made */
	struct perm entry[];
};

/* A list with one reference; NULL for want of memory. */
struct acl *acl_new(const struct perm *entry, unsigned int count,
		    uint64_t stamp);
struct acl *acl_ref(struct acl *a);
void acl_unref(struct acl *a);
static inline uint16_t acl_owner(const struct acl *a)
{
	return a->entry[0].domid;
}
/* Same entries in the same order; the age does not matter. */
bool acl_same(const struct acl *a, const struct acl *b);

#endif
