/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Quotas of the command line, over a recovery.  What counts is what the store
 * has: quotas are part of its state, and one that was set while the daemon
 * ran (SET_QUOTA, CONTROL quota) outlives a death.  But an option that was
 * not given so the last time wins: somebody has changed it since.  So each
 * checkpoint's record "host" says what was given, and a start compares.
 */
#ifndef HOST_LIMITS_H
#define HOST_LIMITS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "xenstored/core/quota.h"

struct host;

/* What limits_text() writes at most, with its NUL. */
#define LIMITS_TEXT_MAX (QUOTA_COUNT * 64)
/* Not given. */
#define LIMITS_NONE UINT64_MAX

/*
 * The options as fields of the record "host": `given-nodes=1000 `.  Who only
 * settles a state (settle.h) hands on what stood there.
 */
void limits_text(const struct host *h, char text[LIMITS_TEXT_MAX]);
/* The name of such a field. */
static inline void limits_name(enum quota_id row, char name[48])
{
	snprintf(name, 48, "given-%.32s", quota_table[row].name);
}

/*
 * After a recovery, with the journal in place: what is given now and was
 * not, by `before`, is set, through a connection of the host's own, so that
 * it is recorded as any other request; one line of the log for each.
 */
void limits_apply(struct host *h, const uint64_t before[QUOTA_COUNT]);

#endif
