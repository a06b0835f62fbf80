/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Evaluation of access lists; see access.h. */
#include "xenstored/core/access.h"

const struct caller access_daemon = { .privileged = true, .target = -1 };

bool access_valid(const struct machine *m, const struct acl *acl,
		  unsigned int entry)
{
	uint16_t domid = acl->entry[entry].domid;

	return domid >= STATE_DOMAINS || acl->stamp >= m->valid_since[domid];
}

static bool is_caller(const struct caller *who, uint16_t domid)
{
	return domid == who->domid || (int32_t)domid == who->target;
}

unsigned int access_of(const struct machine *m, const struct caller *who,
		       const struct acl *acl)
{
	if (who->privileged)
		return PERM_BOTH | ACCESS_OWNER;
	if (is_caller(who, acl_owner(acl)) && access_valid(m, acl, 0))
		return PERM_BOTH | ACCESS_OWNER;
	for (unsigned int i = 1; i < acl->count; i++) {
		uint16_t domid = acl->entry[i].domid;

		if (domid == PERM_ANY_DOMID ? who->any_domid :
		    is_caller(who, domid) && access_valid(m, acl, i))
			return acl->entry[i].access;
	}
	return acl->entry[0].access;
}
