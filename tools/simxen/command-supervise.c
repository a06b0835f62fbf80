// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * simxen supervise: what systemd is for a daemon in production, for tests.
 * One loop; in each turn what the daemon said comes before its death, and
 * both before the tests' questions, so that an answer is never out of date.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/simxen/command.h"
#include "tools/simxen/control.h"
#include "tools/simxen/service.h"

enum { POLL_NOTIFY, POLL_SIGNAL, POLL_STORE, POLL_CONTROL,
       POLL_COUNT = POLL_CONTROL + 1 + CONTROL_PEERS };

struct supervise {
	struct service service;
	struct service_options options;
	struct control control;
	const char *log, *control_path;
	int signals;
};

static const struct option supervise_opts[] = {
	{ "restart-delay", required_argument, NULL, 'd' },
	{ "max-restarts", required_argument, NULL, 'r' },
	{ "watchdog", required_argument, NULL, 'w' },
	{ "fdstore-max", required_argument, NULL, 'f' },
	{ "log", required_argument, NULL, 'l' },
	{ "control", required_argument, NULL, 'c' },
	{ 0 },
};

static bool supervise_number(struct service_options *o, int c)
{
	unsigned long *where = c == 'd' ? &o->restart_delay :
			       c == 'r' ? &o->max_restarts :
			       c == 'w' ? &o->watchdog : &o->fdstore_max;
	unsigned long max = c == 'f' ? 65536 : UINT32_MAX;

	return command_number(optarg, max, where);
}

static int supervise_parse(struct supervise *s, int argc, char **argv)
{
	int c;

	s->options = (struct service_options){
		.restart_delay = 100, .max_restarts = ULONG_MAX,
		.fdstore_max = 4096,
	};
	while ((c = getopt_long(argc, argv, "+", supervise_opts, NULL)) >= 0) {
		if (c == 'l')
			s->log = optarg;
		else if (c == 'c')
			s->control_path = optarg;
		else if (c == '?' || !supervise_number(&s->options, c))
			return command_misuse("bad option or value");
	}
	if (optind == argc)
		return command_misuse("supervise stock, ocaml or a program?");
	s->options.peer = argv[optind];
	s->options.args = argv + optind + 1;
	return 0;
}

/* The daemon writes there too. */
static int supervise_log(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	if (fd < 0)
		return -errno;
	if (dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
		return -errno;
	close(fd);
	return 0;
}

static int supervise_signals(struct supervise *s)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	/* A daemon that names another main process may orphan it. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	return s->signals < 0 ? -errno : 0;
}

static int supervise_open(struct supervise *s)
{
	struct simxen *m = command_machine();
	char path[PATH_MAX + 32];
	int err;

	if (!m)
		return 1;
	snprintf(path, sizeof(path), "%s/supervise", simxen_dir(m));
	err = supervise_signals(s);
	if (!err && s->log)
		err = supervise_log(s->log);
	if (!err)
		err = service_init(&s->service, &s->options, simxen_dir(m));
	if (!err)
		err = control_open(&s->control, s->control_path ?
				   s->control_path : path);
	simxen_close(m);
	return err ? command_fail(err, "supervise") : 0;
}

static void supervise_signal(struct supervise *s)
{
	struct signalfd_siginfo info;

	while (read(s->signals, &info, sizeof(info)) == sizeof(info))
		if (info.ssi_signo != SIGCHLD)
			service_stop(&s->service);
}

static void supervise_wait(struct supervise *s, struct pollfd *pfd)
{
	int64_t us = service_tick(&s->service);

	pfd[POLL_NOTIFY] = (struct pollfd){ s->service.notify, POLLIN, 0 };
	pfd[POLL_SIGNAL] = (struct pollfd){ s->signals, POLLIN, 0 };
	pfd[POLL_STORE] = (struct pollfd){ s->service.fds.epoll, POLLIN, 0 };
	control_poll(&s->control, pfd + POLL_CONTROL);
	if (poll(pfd, POLL_COUNT, us < 0 ? -1 : (int)((us + 999) / 1000)) < 0)
		for (int i = 0; i < POLL_COUNT; i++)
			pfd[i].revents = 0;
}

static int supervise_run(struct supervise *s)
{
	struct pollfd pfd[POLL_COUNT];
	int status;

	while (!service_over(&s->service)) {
		supervise_wait(s, pfd);
		service_notices(&s->service);
		supervise_signal(s);
		service_reap(&s->service);
		control_serve(&s->control, pfd + POLL_CONTROL, &s->service);
	}
	status = s->service.exit_status;
	if (s->service.gave_up)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) :
	       WTERMSIG(status) != SIGTERM;
}

int command_supervise(int argc, char **argv)
{
	static struct supervise s;
	int status = supervise_parse(&s, argc, argv);

	if (status)
		return status;
	status = supervise_open(&s);
	if (status)
		return status;
	status = supervise_run(&s);
	control_close(&s.control);
	service_fini(&s.service);
	return status;
}
