/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Going into the background.  The parent stays until the daemon serves (or
 * could not start), so that a script may use the socket as soon as the
 * command returns, and sees its exit status.
 */
#ifndef HOST_BACKGROUND_H
#define HOST_BACKGROUND_H

/*
 * Fork.  Returns in the child only: the descriptor for background_ready().
 * The parent waits and exits, 0 if the child became ready, else 1.  -errno
 * if there is no child.
 */
int background_start(void);
/* Let the parent go, and the terminal. */
void background_ready(int fd);

#endif
