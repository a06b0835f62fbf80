/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Points at which a test lets the daemon die, so that no window is left to
 * luck (docs/recovery.md).  Only in builds with --enable-faults: the n-th
 * passing of the point that XENSTORED_DIE_AT=<point>:<n> names ends the
 * process as SIGKILL would.  XENSTORED_DIE_ON=<text> is a bug that a client
 * can reach: bytes with that text kill the daemon while they are executed.
 * XENSTORED_LACK_ON=<text>:<n> has the core's n-th allocation fail (0 is the
 * first) while such bytes are executed.
 */
#ifndef HOST_FAULT_H
#define HOST_FAULT_H

#include "config.h"

struct machine_input;

#ifdef ENABLE_FAULTS
void fault_point(const char *name);
void fault_input(const struct machine_input *in);
#else
static inline void fault_point(const char *name)
{
	(void)name;
}
static inline void fault_input(const struct machine_input *in)
{
	(void)in;
}
#endif

#endif
