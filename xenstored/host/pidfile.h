/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pid file, which is also the lock that keeps a second daemon away.  The
 * lock is held as long as the process lives, so a file left by a dead daemon
 * is no obstacle.
 */
#ifndef HOST_PIDFILE_H
#define HOST_PIDFILE_H

/*
 * Lock `path` and write our process id; call it in the process that stays.
 * The open descriptor, or -EAGAIN if another process holds the lock, or
 * another -errno.
 */
int pidfile_claim(const char *path);
/* At the orderly end: remove the file, give up the lock. */
void pidfile_release(const char *path, int fd);

#endif
