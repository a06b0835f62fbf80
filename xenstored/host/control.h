/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CONTROL commands that are the host's: what the daemon writes where, its
 * memory, and the two probe topics of docs/protocol/control.md that only the
 * host can answer.  The machine keeps the others and has checked privilege.
 */
#ifndef HOST_CONTROL_H
#define HOST_CONTROL_H

#include <stddef.h>
#include <stdint.h>

struct host;
struct machine_ask;

/*
 * Carry out the command that is asked for.  0, and the reply is h->reply,
 * *out bytes of it; a positive errno; or UPDATE_LATER (update.h).
 */
uint32_t control_command(struct host *h, const struct machine_ask *ask,
			 size_t *out);

#endif
