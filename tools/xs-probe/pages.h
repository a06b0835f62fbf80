/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A topic of the daemon's machine-readable CONTROL family, read to its end
 * page by page.
 */
#ifndef XS_PROBE_PAGES_H
#define XS_PROBE_PAGES_H

#include "tools/xs-probe/probe.h"
#include "tools/xs-probe/record.h"

struct pages {
	struct record *record;
	size_t count;
	/* private: the pages that the records point into */
	char **text;
	size_t texts;
};

/*
 * All records of a topic, starting at `cursor` ("0" for all).  `limit`: stop
 * after the page that brings so many, 0 for no limit.  Results: 0; -ENOSYS:
 * the daemon does not know the family, so it is not proxenos; -ENOENT: it is,
 * but of another age, and has no such topic; -EACCES: we may not ask;
 * -EBADMSG: the reply is not what docs/protocol says; -ENOMEM; or the
 * connection's error.  Free it in any case.
 */
int pages_read(struct probe *probe, struct pages *pages, const char *topic,
	       const char *cursor, size_t limit);
/*
 * One page more, of a topic that has no end (`trace`): the records are added,
 * and *cursor moves on.  Results as above.
 */
#define PAGES_CURSOR_MAX 64
int pages_next(struct probe *probe, struct pages *pages, const char *topic,
	       char cursor[PAGES_CURSOR_MAX]);
void pages_free(struct pages *pages);

/* The record whose `domid` is this one, or NULL. */
const struct record *pages_domain(const struct pages *pages, uint64_t domid);

/* An array of all records as objects; NULL without memory. */
json_t *pages_json(const struct pages *pages);

#endif
