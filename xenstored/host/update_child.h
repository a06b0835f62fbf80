/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Children that try what this process is about to do: with a deadline, their
 * output bounded and read through a pipe, and ended if they are late.
 */
#ifndef HOST_UPDATE_CHILD_H
#define HOST_UPDATE_CHILD_H

#include <stddef.h>

struct child_result {
	int error;		/* -errno: there was no child, or it is late */
	int status;		/* as of waitpid() */
	size_t len;
	char text[4096];	/* what it said, NUL-terminated */
};

/*
 * Fork; the child calls `run` with standard output and error in the pipe and
 * standard input from /dev/null, and exits with what it returns.  The caller
 * waits until it has ended, or `seconds`.
 */
void child_try(int (*run)(void *arg), void *arg, unsigned int seconds,
	       struct child_result *result);

/* True if it ended by itself with status 0. */
int child_ok(const struct child_result *result);

#endif
