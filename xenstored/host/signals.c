// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A signalfd, so that nothing of ours runs inside a handler.
 */
#include "xenstored/host/signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <talloc.h>
#include <unistd.h>

#include "xenstored/host/host.h"
#include "xenstored/host/trace.h"

struct signals {
	int fd;
};

static int signals_destroy(struct signals *s)
{
	if (s->fd >= 0)
		close(s->fd);
	return 0;
}

int signals_open(struct host *h)
{
	struct signals *s = talloc(h, struct signals);
	sigset_t set;

	if (!s)
		return -ENOMEM;
	s->fd = -1;
	talloc_set_destructor(s, signals_destroy);
	h->signals = s;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR ||
	    sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	s->fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (s->fd < 0)
		return -errno;
	return host_epoll(h, EPOLL_CTL_ADD, s->fd, EPOLLIN, EPOLL_SIGNALS, 0);
}

void signals_turn(struct host *h)
{
	struct signalfd_siginfo info;

	if (read(h->signals->fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP)
		trace_reopen(h->trace);
	else
		h->ending = true;
}
