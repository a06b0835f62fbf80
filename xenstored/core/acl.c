/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counted access lists; see acl.h. */
#include "xenstored/core/acl.h"
#include "xenstored/core/pool.h"

#include <string.h>

static size_t acl_size(unsigned int count)
{
	return sizeof(struct acl) + count * sizeof(struct perm);
}

struct acl *acl_new(const struct perm *entry, unsigned int count,
		    uint64_t stamp)
{
	struct acl *a = pool_take(acl_size(count));

	if (!a)
		return NULL;
	a->refs = 1;
	a->count = (uint16_t)count;
	a->stamp = stamp;
	memcpy(a->entry, entry, count * sizeof(*entry));
	return a;
}

struct acl *acl_ref(struct acl *a)
{
	a->refs++;
	return a;
}

void acl_unref(struct acl *a)
{
	if (a && !--a->refs)
		pool_give(a, acl_size(a->count));
}

bool acl_same(const struct acl *a, const struct acl *b)
{
	if (a == b)
		return true;
	if (a->count != b->count)
		return false;
	for (unsigned int i = 0; i < a->count; i++)
		if (a->entry[i].domid != b->entry[i].domid ||
		    a->entry[i].access != b->entry[i].access)
			return false;
	return true;
}
