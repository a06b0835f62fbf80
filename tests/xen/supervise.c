// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What systemd is for the daemon, in a dom0 too small for systemd: starts it
 * again whenever it ends, keeps the descriptors that it sends with FDSTORE=1
 * and hands them to the next one.  What was sent before a death is taken
 * before the next start.  simxen's supervisor can do more, and needs simxen.
 *
 *	supervise PIDFILE SOCKET PROGRAM [ARGUMENT...]
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#define KEPT_MAX 256
#define NAME_MAX_LEN 63
#define FIRST_FD 3

struct kept {
	int fd;
	char name[NAME_MAX_LEN + 1];
};

static struct kept kept[KEPT_MAX];
static unsigned int kept_count;

static int notify_open(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return -1;
	return fd;
}

static void kept_remove(const char *name)
{
	unsigned int left = 0;

	for (unsigned int i = 0; i < kept_count; i++) {
		if (strcmp(kept[i].name, name))
			kept[left++] = kept[i];
		else
			close(kept[i].fd);
	}
	kept_count = left;
}

/* The value of NAME=VALUE\n in text, into name; false if there is none. */
static bool line_value(const char *text, const char *key, char *value)
{
	const char *at = strstr(text, key);
	size_t len;

	if (!at)
		return false;
	at += strlen(key);
	len = strcspn(at, "\n");
	if (len > NAME_MAX_LEN)
		return false;
	memcpy(value, at, len);
	value[len] = '\0';
	return true;
}

static int control_fd(struct msghdr *msg)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	int fd = -1;

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

/* One message; false when there is none. */
static bool notice_take(int notify)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	char text[1024], name[NAME_MAX_LEN + 1];
	struct iovec iov = { text, sizeof(text) - 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(notify, &msg, MSG_CMSG_CLOEXEC);
	int fd;

	if (n < 0)
		return false;
	text[n] = '\0';
	fd = control_fd(&msg);
	if (!line_value(text, "FDNAME=", name)) {
		if (fd >= 0)
			close(fd);
	} else if (strstr(text, "FDSTOREREMOVE=1")) {
		kept_remove(name);
	} else if (fd >= 0 && kept_count < KEPT_MAX) {
		kept[kept_count].fd = fd;
		memcpy(kept[kept_count++].name, name, sizeof(name));
	}
	return true;
}

/* The child's own: the descriptors from 3 on, and their names. */
static void hand_over(void)
{
	char names[KEPT_MAX * (NAME_MAX_LEN + 1) + 1] = "", number[16];
	int above = FIRST_FD + (int)kept_count, fd[KEPT_MAX];
	size_t len = 0;

	/* Out of the way first: they may lie where others shall be. */
	for (unsigned int i = 0; i < kept_count; i++)
		fd[i] = fcntl(kept[i].fd, F_DUPFD_CLOEXEC, above);
	for (unsigned int i = 0; i < kept_count; i++) {
		dup2(fd[i], FIRST_FD + (int)i);
		len += (size_t)snprintf(names + len, sizeof(names) - len,
					"%s%s", i ? ":" : "", kept[i].name);
	}
	if (!kept_count)
		return;
	snprintf(number, sizeof(number), "%u", kept_count);
	setenv("LISTEN_FDS", number, 1);
	setenv("LISTEN_FDNAMES", names, 1);
	snprintf(number, sizeof(number), "%d", (int)getpid());
	setenv("LISTEN_PID", number, 1);
}

static pid_t start(const char *pidfile, char **argv)
{
	char next[256];
	pid_t pid = fork();
	sigset_t none;
	FILE *f;

	if (!pid) {
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		hand_over();
		execvp(argv[0], argv);
		_exit(127);
	}
	snprintf(next, sizeof(next), "%s.new", pidfile);
	f = fopen(next, "w");
	if (f) {
		fprintf(f, "%d\n", (int)pid);
		fclose(f);
		rename(next, pidfile);
	}
	return pid;
}

static void supervise(int notify, int signals, const char *pidfile,
		      char **argv)
{
	struct pollfd p[] = { { notify, POLLIN, 0 }, { signals, POLLIN, 0 } };
	struct signalfd_siginfo info;
	int status;

	start(pidfile, argv);
	while (poll(p, 2, -1) >= 0 || errno == EINTR) {
		while (notice_take(notify))
			;
		if (read(signals, &info, sizeof(info)) < 0 ||
		    waitpid(-1, &status, WNOHANG) <= 0)
			continue;
		while (notice_take(notify))
			;
		printf("ended with status %#x, %u descriptors kept\n",
		       (unsigned int)status, kept_count);
		fflush(stdout);
		start(pidfile, argv);
	}
}

int main(int argc, char **argv)
{
	sigset_t chld;
	int notify, signals;

	if (argc < 4)
		return 2;
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	signals = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
	notify = notify_open(argv[2]);
	if (signals < 0 || notify < 0)
		return 1;
	setenv("NOTIFY_SOCKET", argv[2], 1);
	supervise(notify, signals, argv[1], argv + 3);
	return 1;
}
