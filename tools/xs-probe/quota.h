/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two halves of xs-probe quota: showing (quota_show.c) and setting. */
#ifndef XS_PROBE_QUOTA_H
#define XS_PROBE_QUOTA_H

#include "tools/xs-probe/probe.h"

/* `domid` as given, or NULL for all.  A probe_exit. */
int quota_show(struct probe *probe, const char *domid);

/*
 * A limit: that of one domain, or with NULL the one of all that have none of
 * their own.  0, or a negative errno (-ENOSYS: the daemon cannot be asked).
 */
int quota_get(struct probe *probe, const char *domid, const char *name,
	      uint64_t *limit);
/* One CONTROL command of the stock daemons; as px_client_call(). */
ssize_t quota_control(struct probe *probe, const char *const *words,
		      unsigned int count, char *reply, size_t size);

#endif
