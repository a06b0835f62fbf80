/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TRANSACTION_START, TRANSACTION_END. */
#include "xenstored/core/conn.h"
#include "xenstored/core/domain.h"
#include "xenstored/core/fair.h"
#include "xenstored/core/request.h"

#include <errno.h>

int op_transaction_start(struct request *r)
{
	struct span none = { "/", 1 };
	struct domain *d = r->c->domain;
	struct transaction *t;
	int err;

	if (r->tx)
		return WIRE_EBUSY;
	if (!r->who.privileged && !domain_may(d, QUOTA_TRANSACTIONS, 1)) {
		domain_refused(r->m, d, QUOTA_TRANSACTIONS, none);
		return WIRE_ENOSPC;
	}
	if (fair_hold_start(r->m, r->c))
		return REQUEST_WAITS;
	t = transaction_start(r->m, r->c);
	if (!t)
		return -ENOMEM;
	fair_started(r->m, t);
	err = reply_format(r, "%u", t->id);
	return err ? err : reply_bytes(r, "", 1);
}

int op_transaction_end(struct request *r)
{
	struct transaction *t = r->tx;
	struct span verdict;
	int err = request_one(r, &verdict);

	if (err)
		return err;
	if (!span_is(verdict, "T") && !span_is(verdict, "F"))
		return WIRE_EINVAL;
	if (!t)
		return WIRE_ENOENT;
	if (verdict.at[0] == 'F') {
		transaction_drop(r->m, t);
		return reply_string(r, "OK");
	}
	if (fair_hold_commit(r->m, t))
		return REQUEST_WAITS;
	err = transaction_commit(r->m, t);
	fair_committed(r->m, t, err);
	return err ? err : reply_string(r, "OK");
}
