/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who asks, and what an access list grants him (behaviour page,
 * "Permissions and ownership").
 */
#ifndef CORE_ACCESS_H
#define CORE_ACCESS_H

#include "xenstored/core/state.h"

struct caller {
	uint16_t domid;
	bool privileged;
	bool any_domid;		/* ring feature bit 3 is on for it */
	int32_t target;		/* the domain it stands in for, or -1 */
};

/* Beside enum perm_access: may change the access list. */
#define ACCESS_OWNER 4u

/* The daemon itself. */
extern const struct caller access_daemon;

/* PERM_READ, PERM_WRITE and ACCESS_OWNER bits. */
unsigned int access_of(const struct machine *m, const struct caller *who,
		       const struct acl *acl);

/* False for an entry of a domain that died since the list was made. */
bool access_valid(const struct machine *m, const struct acl *acl,
		  unsigned int entry);

#endif
