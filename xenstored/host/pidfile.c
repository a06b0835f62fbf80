// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A POSIX lock belongs to the process, not to the descriptor, hence "in the
 * process that stays".
 */
#include "xenstored/host/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static int pidfile_write(int fd)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	ssize_t n;

	if (ftruncate(fd, 0))
		return -errno;
	n = pwrite(fd, text, (size_t)len, 0);
	if (n < 0)
		return -errno;
	return n == len ? 0 : -ENOSPC;
}

int pidfile_claim(const char *path)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	int error;

	if (fd < 0)
		return -errno;
	if (fcntl(fd, F_SETLK, &lock))
		error = errno == EACCES ? -EAGAIN : -errno;
	else
		error = pidfile_write(fd);
	if (error) {
		close(fd);
		return error;
	}
	return fd;
}

void pidfile_release(const char *path, int fd)
{
	if (fd < 0)
		return;
	unlink(path);
	close(fd);
}
