/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Event channels between dom0's programs and guests. Errors are Xen's, as
 * the kernel's event device hands them on; all return 0 or more, or -errno.
 */
#ifndef SIMXEN_CHANNEL_H
#define SIMXEN_CHANNEL_H

#include "tools/simxen/machine.h"

/*
 * Bind a fresh dom0 port, owned by sink, to the guest's. The new port is
 * pending at once, because the guest may have sent before anybody listened.
 * -ESRCH: no such domain; -EINVAL: the remote port is closed or bound.
 */
int channel_bind(struct simxen *m, uint64_t sink, unsigned int domid,
		 uint32_t remote);

/* Bind VIRQ_DOM_EXC, which has one owner in the machine; -EEXIST otherwise. */
int channel_bind_virq(struct simxen *m, uint64_t sink);

/* -ENOTCONN: the port is not sink's. The guest's end is unbound again. */
int channel_unbind(struct simxen *m, uint64_t sink, uint32_t port);

/* dom0 to guest. An end that is gone loses the event; that is success. */
int channel_notify(struct simxen *m, uint64_t sink, uint32_t port);

/* Back into service; an event that came meanwhile is delivered now. */
void channel_unmask(struct simxen *m, uint64_t sink, uint32_t port);

/* Guest to dom0: 1 sent, 0 nobody bound. */
int channel_send(struct simxen *m, struct shm_domain *d);

/* Wake the guest's listener; entry is its domid. */
void channel_wake_guest(struct simxen *m, uint32_t domid);

/* VIRQ_DOM_EXC for whoever bound it. */
void channel_raise_virq(struct simxen *m);

/* Locked. The guest's end closes: the other end stays, connected to nobody. */
void channel_close_guest(struct simxen *m, uint32_t domid);

/*
 * Locked. Free every sink of kind whose owner is gone, with its ports or its
 * guests. An event that such an owner was killed while sending is made good.
 */
void channel_reap(struct simxen *m, uint32_t kind);

/*
 * A handle found again by a new program: an event to a guest that was lost
 * with the old one is made good.  The handle's own side is as it was left: a
 * port that was read and not unmasked stays masked, as the kernel has it.
 */
void channel_adopt(struct simxen *m, uint64_t sink);

/* Locked. One call of that kind is made: the errno to fail with, or 0. */
int channel_fault(struct simxen *m, unsigned int domid,
		  enum simxen_fault what);

#endif
