/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest's snapshot keeps alive of the store is charged to nobody: it
 * is others who change it.  So the machine counts the bytes of all that was
 * replaced or removed since it began (`stale`: what goes, and for each change
 * the copy of the path to it, tree_own()), and a guest's transaction that has
 * seen more of it than STALE_MAX lets its snapshot go.  It fails with EAGAIN
 * at its end; until then it sees the store as it was when that happened.  All
 * snapshots of guests together hold no more than that, and the store.
 */
#ifndef CORE_STALE_H
#define CORE_STALE_H

#include "xenstored/core/transaction.h"

#define STALE_MAX (128ull << 20)

/* A change was published that made so much stale. */
void stale_publish(struct machine *m, uint64_t bytes);
/* For one that is restored (image.h): so much was stale to it. */
void stale_restore(struct transaction *t, uint64_t stale);

#endif
