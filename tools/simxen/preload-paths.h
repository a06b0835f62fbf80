/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which file stands in for which. The kernel's files lie in root/; the
 * directories that daemons have compiled in lie in the machine, so that a
 * daemon that cannot be told otherwise stays inside it too.
 */
#ifndef SIMXEN_PRELOAD_PATHS_H
#define SIMXEN_PRELOAD_PATHS_H

#include <limits.h>

/*
 * The path to use in place of path: itself, or buf with the stand-in. Touches
 * neither errno nor the machine, and costs two comparisons for most paths.
 */
const char *preload_path(const char *path, char buf[PATH_MAX]);

#endif
