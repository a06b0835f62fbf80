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

/*
 * Carry out the command in `payload`.  0, and the reply is h->reply, *out
 * bytes of it; or a positive errno.
 */
uint32_t control_command(struct host *h, const void *payload, size_t len,
			 size_t *out);

#endif
