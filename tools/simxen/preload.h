/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the preloaded library share. They answer in the names of
 * libxenctrl, libxenevtchn, libxengnttab, libxenforeignmemory and libc; this
 * is the one place that knows which machine the process runs on.
 *
 * Nothing here runs at load time: an interposed function may be the first
 * thing that ever runs in a process, before any constructor and before a
 * sanitizer has set itself up, so all is found on first use.
 */
#ifndef SIMXEN_PRELOAD_H
#define SIMXEN_PRELOAD_H

#include "tools/simxen/machine.h"

/* The machine of $SIMXEN_DIR, or NULL with errno ENOENT and the like. */
struct simxen *preload_machine(void);

/* Its directory, "" when there is none; does not open the machine. */
const char *preload_dir(void);

/* -errno as the Xen libraries report: -1 and errno. 0 and up unchanged. */
int preload_errno(int err);

#endif
