/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GET_FEATURE, SET_FEATURE, GET_QUOTA, SET_QUOTA. */
#include "xenstored/core/conn.h"
#include "xenstored/core/domain.h"
#include "xenstored/core/quota.h"
#include "xenstored/core/request.h"

#include <string.h>

/* All strings of the body, at most `max`; -1 if there are more or others. */
static int strings(const struct request *r, struct span *s, int max)
{
	struct cursor c = request_cursor(r);
	int n = 0;

	while (cursor_left(&c)) {
		if (n == max || !cursor_string(&c, &s[n]))
			return -1;
		n++;
	}
	return n;
}

/* A domain named by a client, which must be there. */
static int named_domain(struct request *r, struct span s,
			struct domain **out)
{
	uint32_t domid;
	int err = request_domid(s, &domid);

	if (!err)
		err = request_domain(r, domid, out);
	return !err && !*out ? WIRE_ENOENT : err;
}

static int reply_number(struct request *r, uint64_t v)
{
	int err = reply_format(r, "%llu", (unsigned long long)v);

	return err ? err : reply_bytes(r, "", 1);
}

int op_get_feature(struct request *r)
{
	struct domain *d;
	struct span s[1];
	int n = strings(r, s, 1), err;

	if (n < 0)
		return WIRE_EINVAL;
	if (!n || !s[0].len)
		return reply_number(r, r->m->config.features);
	err = named_domain(r, s[0], &d);
	return err ? err : reply_number(r, d->features);
}

int op_set_feature(struct request *r)
{
	struct domain *d;
	struct span s[2];
	uint64_t v;
	int err;

	if (strings(r, s, 2) != 2 || !span_number(s[1], UINT32_MAX, &v) ||
	    (v & ~(uint64_t)r->m->config.features))
		return WIRE_EINVAL;
	err = named_domain(r, s[0], &d);
	if (err)
		return err;
	if (d->introduced)
		return WIRE_EBUSY;
	d->features = (uint32_t)v;
	return reply_string(r, "OK");
}

int op_get_quota(struct request *r)
{
	struct domain *d;
	struct span s[2];
	int n = strings(r, s, 2), row, err = 0;

	if (n < 0)
		return WIRE_EINVAL;
	if (!n || (n == 1 && !s[0].len)) {
		for (int i = 0; i < QUOTA_COUNT && !err; i++)
			err = reply_format(r, "%s%s", i ? " " : "",
					   quota_table[i].name);
		return err ? err : reply_bytes(r, "", 1);
	}
	row = quota_find(s[n - 1]);
	if (row < 0)
		return WIRE_EINVAL;
	if (n == 1)
		return reply_number(r, r->m->config.quota[row]);
	err = named_domain(r, s[0], &d);
	return err ? err : reply_number(r, d->limit[row]);
}

int op_set_quota(struct request *r)
{
	struct domain *d;
	struct span s[3];
	int n = strings(r, s, 3), row, err;
	uint64_t v;

	if (n < 2 || (row = quota_find(s[n - 2])) < 0 ||
	    !span_number(s[n - 1], UINT32_MAX, &v))
		return WIRE_EINVAL;
	if (n == 2) {
		quota_set_all(r->m, (enum quota_id)row, v);
		return reply_string(r, "OK");
	}
	err = named_domain(r, s[0], &d);
	if (err)
		return err;
	d->limit[row] = v;
	d->own_limit[row] = true;
	return reply_string(r, "OK");
}
