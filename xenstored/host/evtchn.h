/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Event channels, through libxenevtchn: which port belongs to which guest,
 * and which ports fired.  Only guests whose port fired are queued for a
 * turn; the port leads to its guest by a table, not by a walk.
 *
 * Failures are -errno of the library's call.
 */
#ifndef HOST_EVTCHN_H
#define HOST_EVTCHN_H

#include <stdbool.h>
#include <stdint.h>

struct evtchn;
struct guest;
struct host;

/*
 * Open the handle and bind VIRQ_DOM_EXC; sets h->evtchn.  A handle that was
 * kept over the death of its process is gone on with: what it had bound is
 * still bound.
 */
int evtchn_open(struct host *h);
/* The handle's descriptor; -1: there is no hypervisor. */
int evtchn_fd(const struct host *h);
/* Bind VIRQ_DOM_EXC again, or give it up, so that another may have it. */
void evtchn_hold_virq(struct host *h, bool hold);
/* Was it kept? */
bool evtchn_kept(const struct evtchn *e);
/* Local port of VIRQ_DOM_EXC. */
uint32_t evtchn_virq(const struct evtchn *e);
/* A port of a kept handle is this guest's, and fires from now on. */
int evtchn_adopt(struct evtchn *e, uint32_t local, struct guest *g);

/*
 * Bind a local port to `remote` of domain `domid` and let it lead to `g`.
 * *local is set only on success.
 */
int evtchn_bind(struct evtchn *e, uint32_t domid, uint32_t remote,
		struct guest *g, uint32_t *local);
void evtchn_unbind(struct evtchn *e, uint32_t local);
int evtchn_notify(struct evtchn *e, uint32_t local);

/*
 * Take the ports that fired, at most a pass's worth (the device keeps the
 * rest, in order): queue their guests in h->ready.  True if VIRQ_DOM_EXC was
 * among them.
 */
bool evtchn_drain(struct host *h);

#endif
