/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the hypervisor knows of domains, told to the machine as it needs it:
 * about one domain when it asks, about all that changed when VIRQ_DOM_EXC
 * says that something did.
 *
 * Two domains that had the same id one after the other are told apart by
 * their instance; see instance.h.
 */
#ifndef HOST_HYPERVISOR_H
#define HOST_HYPERVISOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct host;
struct hypervisor;

/* Sets h->hypervisor; 0 or -errno: no Xen here, or no right to ask it. */
int hypervisor_open(struct host *h);

/*
 * Feed MACHINE_IN_DOMAIN for one domain.  0 or a positive errno; without a
 * hypervisor only dom0 exists.
 */
uint32_t hypervisor_tell(struct host *h, uint32_t domid);
/*
 * Compare the hypervisor's list with what the machine knows and feed what
 * changed: one pass over both, as both are in order of domid.  If the list
 * cannot be read, what was not compared stays as it is, and TIMER_DOMAINS
 * is set to try again.
 */
void hypervisor_refresh(struct host *h);
/*
 * At start: dom0, and every domain that is not served yet, runs and whose ring page names its
 * event channel (built by Xen itself, without a toolstack), are fed as
 * MACHINE_IN_ADOPT.  0 or -errno: dom0's port cannot be found.
 */
int hypervisor_adopt(struct host *h);

#endif
