/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * INTRODUCE, RELEASE, GET_DOMAIN_PATH, IS_DOMAIN_INTRODUCED, RESUME,
 * SET_TARGET.
 */
#include "xenstored/core/ask.h"
#include "xenstored/core/conn.h"
#include "xenstored/core/domain.h"
#include "xenstored/core/request.h"
#include "xenstored/core/watch.h"

#include <errno.h>

static int one_domid(const struct request *r, uint32_t *out)
{
	struct span s;
	int err = request_one(r, &s);

	return err ? err : request_domid(s, out);
}

/*
 * The ring was mapped.  Was the domain released meanwhile, or did it die, its
 * UNMAP may have come before or after, and who has that id now is not known:
 * once more from the start, with nothing mapped.
 */
static int mapped(struct request *r, uint32_t domid, uint32_t port)
{
	struct conn *from = r->c;
	int err = (int)from->answer.error;

	if (err)
		return err;
	if (!domain_live(r->m, domid)) {
		ask_unmap(r->m, domid);
		if (from->answer.again)
			return WIRE_ENOENT;
		from->answer.again = true;
		from->answer.there = false;
		from->absents = 0;
		return REQUEST_WAITS;
	}
	err = domain_introduced(r->m, domid, port);
	if (err)
		ask_unmap(r->m, domid);
	return err ? err : reply_string(r, "OK");
}

int op_introduce(struct request *r)
{
	struct cursor c = request_cursor(r);
	struct span s[3];
	struct domain *d;
	struct conn *from = r->c;
	uint32_t domid;
	uint64_t port;
	int err;

	for (unsigned int i = 0; i < 3; i++)
		if (!cursor_string(&c, &s[i]))
			return WIRE_EINVAL;
	err = request_domid(s[0], &domid);
	if (err)
		return err;
	/* s[1] is the frame, which nobody needs: grant 1 is mapped. */
	if (!span_decimal(s[2], UINT32_MAX, &port) || !port ||
	    domid >= MACHINE_DOMID_FIRST_RESERVED)
		return WIRE_EINVAL;
	if (from->answer.there && from->answer.type == MACHINE_ASK_MAP) {
		err = mapped(r, domid, (uint32_t)port);
		if (err != REQUEST_WAITS)
			return err;
	}
	err = request_domain(r, domid, &d);
	if (err)
		return err;
	/* A domain unknown to the hypervisor cannot be mapped: ask for why. */
	from->answer.ask = ask_map(r->m, from, domid, (uint32_t)port, false);
	return from->answer.ask ? REQUEST_WAITS : -ENOMEM;
}

/* The guest that is named alone; not dom0, which nobody may release. */
static int introduced_guest(const struct request *r, struct domain **out)
{
	uint32_t domid;
	int err = one_domid(r, &domid);

	if (err)
		return err;
	if (!domid)
		return WIRE_EINVAL;
	*out = domain_live(r->m, domid);
	return *out && (*out)->introduced ? 0 : WIRE_ENOENT;
}

int op_release(struct request *r)
{
	struct domain *d;
	int err = introduced_guest(r, &d);

	if (err)
		return err;
	domain_death(r->m, d);
	return reply_string(r, "OK");
}

int op_get_domain_path(struct request *r)
{
	uint32_t domid;
	int err = one_domid(r, &domid);

	if (!err)
		err = reply_format(r, "/local/domain/%u", domid);
	return err ? err : reply_bytes(r, "", 1);
}

int op_is_domain_introduced(struct request *r)
{
	struct domain *d;
	uint32_t domid;
	int err = one_domid(r, &domid);

	if (err)
		return err;
	d = domain_live(r->m, domid);
	return reply_string(r, d && d->introduced ? "T" : "F");
}

int op_resume(struct request *r)
{
	struct domain *d;
	int err = introduced_guest(r, &d);

	if (err)
		return err;
	d->shutdown_seen = false;
	/* No event tells that it runs again; the next shutdown is news. */
	d->flags &= ~(uint32_t)MACHINE_DOM_SHUTDOWN;
	return reply_string(r, "OK");
}

int op_set_target(struct request *r)
{
	struct cursor c = request_cursor(r);
	struct domain *d, *t;
	struct span s[2];
	uint32_t domid, target;
	int err;

	if (!cursor_string(&c, &s[0]) || !cursor_string(&c, &s[1]))
		return WIRE_EINVAL;
	err = request_domid(s[0], &domid);
	if (!err)
		err = request_domid(s[1], &target);
	if (err)
		return err;
	if (!domid)
		return WIRE_EINVAL;
	d = domain_live(r->m, domid);
	t = domain_live(r->m, target);
	if (!d || !t || !d->introduced || !t->introduced)
		return WIRE_ENOENT;
	d->target = (int32_t)target;
	return reply_string(r, "OK");
}
