// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The pipe's end is the child's end, as far as time is concerned: a child
 * that closes it and goes on is not waited for, it is killed.
 */
#include "xenstored/host/update_child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MILLISECOND 1000000
#define GRACE 200		/* milliseconds between end of output and end */

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ll + ts.tv_nsec / MILLISECOND;
}

_Noreturn static void child_run(int (*run)(void *arg), void *arg, int out,
				pid_t parent)
{
	int null = open("/dev/null", O_RDONLY);
	sigset_t none;

	/* It holds the listening socket: whoever starts next wants that. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Who was dead by then sends nothing. */
	if (getppid() != parent)
		_exit(127);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (null >= 0)
		dup2(null, STDIN_FILENO);
	if (dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0)
		_exit(127);
	_exit(run(arg));
}

/* Read until the end, the deadline, or an error; what is too much is lost. */
static int child_read(int fd, long long due, struct child_result *r)
{
	char surplus[512] = "";

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		size_t room = sizeof(r->text) - 1 - r->len;
		long long left = due - now_ms();
		ssize_t n;

		if (left <= 0)
			return -ETIMEDOUT;
		n = poll(&p, 1, (int)left);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n <= 0)
			continue;
		n = read(fd, room ? r->text + r->len : surplus,
			 room ? room : sizeof(surplus));
		if (n < 0 && errno != EINTR)
			return -errno;
		if (!n)
			return 0;
		if (n > 0 && room)
			r->len += (size_t)n;
	}
}

/* It has closed its output; give it a moment to end as well. */
static void child_gather(pid_t pid, struct child_result *r)
{
	struct timespec step = { 0, MILLISECOND };

	for (int n = 0; n < GRACE && !r->error; n++) {
		pid_t got = waitpid(pid, &r->status, WNOHANG);

		if (got == pid)
			return;
		if (got < 0 && errno != EINTR)
			r->error = -errno;
		nanosleep(&step, NULL);
	}
	kill(pid, SIGKILL);
	while (waitpid(pid, &r->status, 0) < 0 && errno == EINTR)
		;
	if (!r->error)
		r->error = -ETIMEDOUT;
}

void child_try(int (*run)(void *arg), void *arg, unsigned int seconds,
	       struct child_result *r)
{
	long long due = now_ms() + 1000ll * seconds;
	pid_t parent = getpid(), pid;
	int ends[2];

	memset(r, 0, sizeof(*r));
	if (pipe2(ends, O_CLOEXEC)) {
		r->error = -errno;
		return;
	}
	pid = fork();
	if (!pid)
		child_run(run, arg, ends[1], parent);
	if (pid < 0)
		r->error = -errno;
	close(ends[1]);
	if (pid > 0) {
		r->error = child_read(ends[0], due, r);
		child_gather(pid, r);
	}
	close(ends[0]);
	r->text[r->len] = '\0';
}

int child_ok(const struct child_result *r)
{
	return !r->error && WIFEXITED(r->status) && !WEXITSTATUS(r->status);
}
