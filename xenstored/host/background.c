// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A pipe carries one byte when the child is ready; its end without a byte
 * means that the child gave up, having said why on standard error.
 */
#include "xenstored/host/background.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int background_wait(int fd)
{
	ssize_t n;
	char byte;

	do
		n = read(fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	return n == 1 ? 0 : 1;
}

int background_start(void)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (pid < 0) {
		int error = -errno;

		close(ends[0]);
		close(ends[1]);
		return error;
	}
	if (pid > 0) {
		close(ends[1]);
		_exit(background_wait(ends[0]));
	}
	close(ends[0]);
	/* Cannot fail: a fresh child leads no process group. */
	setsid();
	return ends[1];
}

void background_ready(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		if (null > STDERR_FILENO)
			close(null);
	}
	/* If the parent has gone there is nobody to tell. */
	if (write(fd, "", 1) < 0)
		errno = 0;
	close(fd);
}
