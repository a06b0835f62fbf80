/* SPDX-License-Identifier: GPL-2.0-or-later */
/* WRITE, MKDIR, RM, SET_PERMS: in a transaction, or as a change at once. */
#include "xenstored/core/conn.h"
#include "xenstored/core/domain.h"
#include "xenstored/core/fair.h"
#include "xenstored/core/quota.h"
#include "xenstored/core/request.h"
#include "xenstored/core/watch.h"

#include <errno.h>

static int alter(struct request *r, struct span path, struct span value,
		 struct acl *acl)
{
	struct change c;
	int err;

	if (r->tx) {
		err = transaction_do(r->m, r->tx, r->h.type, path, value,
				     acl);
		return err ? err : reply_string(r, "OK");
	}
	if (fair_hold_change(r->m, r->c, r->h.type, path))
		return REQUEST_WAITS;
	change_init(&c, r->m, r->m->root, true);
	c.single = true;
	err = transaction_apply(&c, &r->who, r->h.type, path, value, acl);
	if (!err)
		change_publish(&c);
	else if (err == WIRE_ENOSPC && c.over)
		domain_refused(r->m, c.over, c.over_row, path);
	change_fini(&c);
	return err ? err : reply_string(r, "OK");
}

/* A quota on the request itself: in a transaction it fails the commit. */
static int refuse(struct request *r, enum quota_id row, struct span path)
{
	domain_refused(r->m, r->c->domain, row, path);
	if (r->tx && !r->tx->failed)
		r->tx->failed = WIRE_ENOSPC;
	return WIRE_ENOSPC;
}

static bool within(const struct request *r, enum quota_id row, uint64_t n)
{
	return r->who.privileged ||
	       quota_allows(r->c->domain->limit[row], n);
}

/* May it write there at all, be it the node or something below it? */
static bool may_write(struct request *r, struct span path)
{
	struct node *n = tree_nearest(&r->m->key, request_root(r), path, NULL);

	return access_of(r->m, &r->who, n->acl) & PERM_WRITE;
}

int op_write(struct request *r)
{
	struct cursor c = request_cursor(r);
	struct span given, path, value;
	int err;

	if (!cursor_string(&c, &given))
		return WIRE_EINVAL;
	value = cursor_rest(&c);
	err = request_path(r, given, false, &path, NULL);
	if (err)
		return err;
	if (!within(r, QUOTA_NODE_SIZE, value.len) && may_write(r, path))
		return refuse(r, QUOTA_NODE_SIZE, path);
	return alter(r, path, value, NULL);
}

static int one_path(struct request *r, struct span *path)
{
	struct span given;
	int err = request_one(r, &given);

	return err ? err : request_path(r, given, false, path, NULL);
}

int op_mkdir(struct request *r)
{
	struct span path, nothing = { "", 0 };
	int err = one_path(r, &path);

	return err ? err : alter(r, path, nothing, NULL);
}

int op_rm(struct request *r)
{
	struct span path, nothing = { "", 0 };
	int err = one_path(r, &path);

	if (err)
		return err;
	return path.len == 1 ? WIRE_EINVAL : alter(r, path, nothing, NULL);
}

/* --------------------------------------------------------- set_perms -- */

static int parse_perms(struct cursor *c, struct perm *entry,
		       unsigned int *count)
{
	struct span s;

	for (*count = 0; cursor_string(c, &s); (*count)++)
		if (!perm_parse(s, &entry[*count]))
			return WIRE_EINVAL;
	return *count ? 0 : WIRE_EINVAL;
}

/*
 * Make known every domain named, so that the list is older than none of
 * them; the owner must be there.
 */
static int know_domains(struct request *r, const struct perm *entry,
			unsigned int count)
{
	struct domain *d;
	int err;

	for (unsigned int i = 0; i < count; i++) {
		if (entry[i].domid == PERM_ANY_DOMID && i)
			continue;
		err = request_domain(r, entry[i].domid, &d);
		if (err)
			return err;
		if (!d && !i)
			return WIRE_ENOENT;
	}
	return 0;
}

static int set_special(struct request *r, struct span path, struct acl *acl)
{
	int special = watch_special_id(path);
	struct acl **at = &r->m->special[special];

	acl_unref(*at);
	*at = acl_ref(acl);
	return reply_string(r, "OK");
}

/* Whether the caller may at all, before anybody is asked about domains. */
static int may_set(struct request *r, struct span path, struct perm owner)
{
	const struct acl *acl;
	struct node *n;
	int err, special;

	if (path.at[0] == '@') {
		special = watch_special_id(path);
		if (special < 0)
			return WIRE_ENOENT;
		acl = r->m->special[special];
	} else {
		err = request_node(r, path, PERM_WRITE | ACCESS_OWNER,
				   SEEN_ACL, &n);
		if (err)
			return err;
		acl = n->acl;
	}
	if (!(access_of(r->m, &r->who, acl) & ACCESS_OWNER))
		return WIRE_EACCES;
	if (!r->who.privileged && owner.domid != acl_owner(acl))
		return WIRE_EPERM;
	return 0;
}

int op_set_perms(struct request *r)
{
	struct cursor c = request_cursor(r);
	struct perm entry[WIRE_PAYLOAD_MAX / 2];
	struct span given, path, nothing = { "", 0 };
	unsigned int count;
	struct acl *acl;
	int err;

	if (!cursor_string(&c, &given))
		return WIRE_EINVAL;
	err = parse_perms(&c, entry, &count);
	if (!err)
		err = request_path(r, given, true, &path, NULL);
	if (err)
		return err;
	if (!within(r, QUOTA_NODE_PERMISSIONS, count))
		return refuse(r, QUOTA_NODE_PERMISSIONS, path);
	err = may_set(r, path, entry[0]);
	if (!err)
		err = know_domains(r, entry, count);
	if (err)
		return err;
	acl = acl_new(entry, count, ++r->m->age);
	if (!acl)
		return -ENOMEM;
	err = path.at[0] == '@' ? set_special(r, path, acl) :
				  alter(r, path, nothing, acl);
	acl_unref(acl);
	return err;
}
