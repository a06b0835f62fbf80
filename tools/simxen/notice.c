// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel says who sent a message (SCM_CREDENTIALS) also when the sender
 * died since, so that what a daemon said last still counts.
 */
#include "tools/simxen/notice.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int notice_open(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	const int on = 1;
	int fd, err;

	if (strlen(path) >= sizeof(un.sun_path))
		return -ENAMETOOLONG;
	memcpy(un.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	unlink(path);
	if (!setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) &&
	    !bind(fd, (const struct sockaddr *)&un, sizeof(un)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static void notice_control(struct notice *n, struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c;
	     c = CMSG_NXTHDR(msg, c)) {
		size_t len = c->cmsg_len - CMSG_LEN(0);

		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_RIGHTS) {
			memcpy(n->fd, CMSG_DATA(c), len);
			n->fds = (unsigned int)(len / sizeof(int));
		} else if (c->cmsg_type == SCM_CREDENTIALS) {
			struct ucred cred;

			memcpy(&cred, CMSG_DATA(c), sizeof(cred));
			n->pid = cred.pid;
		}
	}
}

int notice_receive(int socket, struct notice *n)
{
	_Alignas(struct cmsghdr)
	char control[CMSG_SPACE(sizeof(struct ucred)) +
		     CMSG_SPACE(NOTICE_FDS * sizeof(int))];
	struct iovec iov = { n->text, NOTICE_SIZE };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	ssize_t len = recvmsg(socket, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (len < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	n->pid = 0;
	n->fds = 0;
	n->len = (size_t)len;
	n->text[len] = 0;
	for (char *p = n->text; (p = memchr(p, '\n', (size_t)(n->text + len -
							      p))); p++)
		*p = 0;
	notice_control(n, &msg);
	return 1;
}

const char *notice_value(const struct notice *n, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = n->text; p < n->text + n->len;
	     p += strlen(p) + 1)
		if (!strncmp(p, name, len) && p[len] == '=')
			return p + len + 1;
	return NULL;
}

bool notice_says(const struct notice *n, const char *name, const char *value)
{
	const char *found = notice_value(n, name);

	return found && !strcmp(found, value);
}

void notice_close_fds(struct notice *n)
{
	for (unsigned int i = 0; i < n->fds; i++)
		close(n->fd[i]);
	n->fds = 0;
}
