/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The passes.  In each, whoever is ready gets one turn: input from all, then
 * what the machine asks, then output to all, then the notifications.
 */
#ifndef HOST_LOOP_H
#define HOST_LOOP_H

struct host;

/*
 * Turn until h->ending.  0, or -errno if waiting itself fails, which it does
 * only by a bug of ours.
 */
int loop_run(struct host *h);

#endif
