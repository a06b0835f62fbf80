/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of a service to its manager: datagrams of NAME=VALUE lines, with
 * descriptors beside them, as sd_notify(3) has them.
 */
#ifndef SIMXEN_NOTICE_H
#define SIMXEN_NOTICE_H

#include <stdbool.h>
#include <sys/types.h>

#define NOTICE_SIZE 4096	/* of the text; as systemd has it */
#define NOTICE_FDS 253		/* SCM_MAX_FD of the kernel */

struct notice {
	pid_t pid;		/* of the sender */
	char text[NOTICE_SIZE + 1];	/* lines, each ended by NUL */
	size_t len;
	int fd[NOTICE_FDS];	/* the receiver's to close */
	unsigned int fds;
};

/* A bound socket at path (replaced if there), or -errno. */
int notice_open(const char *path);

/* Receive one: 1, 0 when there is none, -errno. fd's are close-on-exec. */
int notice_receive(int socket, struct notice *n);

/* The value of the first line NAME=, or NULL. */
const char *notice_value(const struct notice *n, const char *name);

/* Is there a line "NAME=value"? */
bool notice_says(const struct notice *n, const char *name, const char *value);

void notice_close_fds(struct notice *n);

#endif
