/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the machine asks of the host.
 */
#ifndef HOST_ASKS_H
#define HOST_ASKS_H

#include <stdbool.h>

struct host;

/* Carry out what was asked, oldest first; true if some is left to do. */
bool asks_carry_out(struct host *h);

#endif
