/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * State that is kept for people: directories failed.<time>/ in the run
 * directory, where <time> is in seconds since 1970.  There are never more
 * than ASIDE_KEPT of them, the oldest goes first; and when the daemon wants
 * room for the state that it serves, they give way altogether.
 */
#ifndef HOST_ASIDE_H
#define HOST_ASIDE_H

#include <stdbool.h>
#include <stdint.h>

#define ASIDE_KEPT 3u
/* Room for the name of such a directory. */
#define ASIDE_NAME_MAX 4200

/*
 * Move store.tdb and all segments of the journal to a new directory, whose
 * name goes to `name`.  What cannot be moved is removed: it must not be
 * found again.  0 or -errno.
 */
int aside_move(const char *rundir, char name[ASIDE_NAME_MAX]);

/*
 * Copy store.tdb and the segments from `first` on, which stay in use.  0, or
 * -errno, and then nothing is left of the copy.
 */
int aside_copy(const char *rundir, uint64_t first, char name[ASIDE_NAME_MAX]);

/* Remove the oldest directory; false if there is none. */
bool aside_yield(const char *rundir);

#endif
