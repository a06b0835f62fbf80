/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The instance of a domain: a number by which a domain is told from one that
 * had its id before.  Xen has no such number in all the releases that we
 * run on; it is mixed from the domain's handle (a UUID that the toolstack
 * chooses; a reused one is possible, as for a rebooted guest) and the frame
 * of its shared info page (which Xen allocates; the same frame twice is
 * possible).  Both being the same for two domains in a row is what remains.
 */
#ifndef HOST_INSTANCE_H
#define HOST_INSTANCE_H

#include <stdint.h>

/*
 * Every bit of the three words decides every bit of the result: each is
 * stirred in by a multiply-and-shift round.  Never 0, which says "unknown".
 */
uint64_t instance_mix(const uint8_t handle[16], uint64_t frame);

#endif
