/* SPDX-License-Identifier: GPL-2.0-or-later */
/* WATCH, UNWATCH, RESET_WATCHES. */
#include "xenstored/core/conn.h"
#include "xenstored/core/domain.h"
#include "xenstored/core/request.h"
#include "xenstored/core/watch.h"

#include <errno.h>

#define FEATURE_DEPTH 4u

static int watch_quota(struct request *r, struct span path,
		       struct span token)
{
	struct domain *d = r->c->domain;

	if (r->who.privileged)
		return 0;
	if (!domain_may(d, QUOTA_WATCHES, 1)) {
		domain_refused(r->m, d, QUOTA_WATCHES, path);
		return WIRE_ENOSPC;
	}
	if (!domain_may(d, QUOTA_MEMORY, watch_cost(path, token))) {
		domain_refused(r->m, d, QUOTA_MEMORY, path);
		return WIRE_ENOSPC;
	}
	return 0;
}

int op_watch(struct request *r)
{
	struct cursor c = request_cursor(r);
	unsigned int strings = cursor_strings(&c);
	struct span given, token, depth, path;
	uint64_t levels = UINT64_MAX;
	uint16_t prefix;
	struct watch *w;
	int err;

	if (strings != 2 &&
	    !(strings == 3 && (r->c->domain->features & FEATURE_DEPTH)))
		return WIRE_EINVAL;
	cursor_string(&c, &given);
	cursor_string(&c, &token);
	if (strings == 3 && (!cursor_string(&c, &depth) ||
			     !span_number(depth, INT32_MAX, &levels)))
		return WIRE_EINVAL;
	err = request_path(r, given, true, &path, &prefix);
	if (err)
		return err;
	if (watch_find(r->m, r->c, path, token))
		return WIRE_EEXIST;
	err = watch_quota(r, path, token);
	if (err)
		return err;
	w = watch_add(r->m, r->c, path, prefix, token,
		      strings == 3 ? (int32_t)levels : -1);
	if (!w)
		return -ENOMEM;
	r->fire_after = w;
	return reply_string(r, "OK");
}

int op_unwatch(struct request *r)
{
	struct cursor c = request_cursor(r);
	struct span given, token, path;
	struct watch *w;
	int err;

	if (cursor_strings(&c) != 2)
		return WIRE_EINVAL;
	cursor_string(&c, &given);
	cursor_string(&c, &token);
	err = request_path(r, given, true, &path, NULL);
	if (err)
		return err;
	w = watch_find(r->m, r->c, path, token);
	if (!w)
		return WIRE_ENOENT;
	watch_drop(r->m, w);
	return reply_string(r, "OK");
}

int op_reset_watches(struct request *r)
{
	watch_drop_all(r->m, r->c);
	transaction_drop_all(r->m, r->c);
	return reply_string(r, "OK");
}
