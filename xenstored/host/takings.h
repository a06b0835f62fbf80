/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Topics that are taken at once (docs/protocol/control.md): all records are
 * written when the first page is asked for, and the pages that follow are cut
 * from that, so that they tell of one moment.
 *
 * What is left of a walk is kept for the connection that began it, for ten
 * seconds, and for the eight latest walks; it is freed with its last page.
 */
#ifndef HOST_TAKINGS_H
#define HOST_TAKINGS_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/cursor.h"

struct host;
struct words;

/*
 * A page of that topic into h->reply, *len bytes of it.  0, ENOENT (no such
 * topic), EINVAL (its argument, or the cursor), EAGAIN (the walk of that
 * cursor is gone) or ENOMEM.
 */
uint32_t takings_page(struct host *h, uint32_t conn, struct span topic,
		      uint32_t cursor, size_t *len);

/* The topics, in topic_*.c: all their records; 0 or EINVAL. */
uint32_t topic_load(struct host *h, struct words *w, struct span about);
uint32_t topic_clients(struct host *h, struct words *w, struct span about);
uint32_t topic_limits(struct host *h, struct words *w, struct span about);
uint32_t topic_ops(struct host *h, struct words *w, struct span about);
uint32_t topic_transactions(struct host *h, struct words *w,
			    struct span about);
uint32_t topic_conflicts(struct host *h, struct words *w, struct span about);
uint32_t topic_refusals(struct host *h, struct words *w, struct span about);
uint32_t topic_who(struct host *h, struct words *w, struct span about);

#endif
