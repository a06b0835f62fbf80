/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From one binary to the next; see update.h. */
#ifndef HOST_UPDATE_EXEC_H
#define HOST_UPDATE_EXEC_H

#include <stdint.h>

#include "xenstored/host/update_state.h"

/* Longest reason, with its NUL. */
#define UPDATE_WHY_MAX 1024

/*
 * Ask `file` what it is, by running it with --help: ours tells the versions
 * that it takes over, the C daemon is known by its options.  0, or -errno
 * and the reason.
 */
int update_probe(const char *file, enum update_format *format,
		 char why[UPDATE_WHY_MAX]);

/*
 * Go over to `file`, with the arguments in `cmdline` (blanks part them) or,
 * if that is NULL, with our own; ask `ask` is answered there.  Returns only
 * if that failed, with the reason; then nothing has changed.
 */
void update_exec(struct host *h, const char *file, const char *cmdline,
		 enum update_format format, uint64_t ask,
		 char why[UPDATE_WHY_MAX]);

#endif
