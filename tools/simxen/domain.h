/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Domains as the other rooms of simxen need them; the rest is in guest.h. */
#ifndef SIMXEN_DOMAIN_H
#define SIMXEN_DOMAIN_H

#include "tools/simxen/machine.h"

/* Every new domain's xenstore port; new_port counts up from it. */
#define DOMAIN_FIRST_PORT 1U

/* Locked. See simxen_domain_add(). */
int domain_add_locked(struct simxen *m, int domid, const uint8_t *handle);

/* Visit up to max listed domains from first on, in order; returns how many. */
typedef void domain_visit(const struct simxen_domain_info *info,
			  unsigned int index, void *arg);
unsigned int domain_list(struct simxen *m, unsigned int first,
			 unsigned int max, domain_visit *visit, void *arg);

/* The page of the domain that now has domid; NULL with errno. */
void *domain_map_page(struct simxen *m, unsigned int domid,
		      uint64_t *instance, int prot);

/* The same as dom0 sees it: refused when dying, and faults apply. */
void *domain_map_foreign(struct simxen *m, unsigned int domid, int prot);

#endif
