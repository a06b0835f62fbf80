// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The rules are systemd's, for a unit with Type=notify, NotifyAccess=main,
 * Restart=always. The one that matters most for recovery: what a daemon sent
 * before it died is taken before its death is acted upon, so that a
 * descriptor once sent is kept. Should the supervisor be killed, so is the
 * daemon; a test that fails leaves nothing running.
 */
#include "tools/simxen/service.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/simxen/command.h"
#include "tools/simxen/notice.h"

int64_t service_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

void service_log(const char *fmt, ...)
{
	int64_t now = service_now();
	va_list ap;

	printf("supervise: %lld.%06lld ", (long long)(now / 1000000),
	       (long long)(now % 1000000));
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

int service_init(struct service *s, const struct service_options *options,
		 const char *dir)
{
	int err;

	*s = (struct service){ .options = options, .notify = -1,
			       .watchdog = (int64_t)options->watchdog,
			       .start_due = service_now() };
	err = fdstore_init(&s->fds, (unsigned int)options->fdstore_max);
	if (err)
		return err;
	snprintf(s->path, sizeof(s->path), "%s/notify", dir);
	s->notify = notice_open(s->path);
	return s->notify < 0 ? s->notify : 0;
}

void service_fini(struct service *s)
{
	if (s->notify >= 0) {
		close(s->notify);
		unlink(s->path);
	}
	fdstore_fini(&s->fds);
	free(s->next_env);
}

/* ------------------------------------------------------------- notices -- */

static void service_store(struct service *s, struct notice *n)
{
	static const char *const said[] = {
		[FDSTORE_KEPT] = "kept", [FDSTORE_HAD] = "had already",
		[FDSTORE_FULL] = "refused: the store is full",
		[FDSTORE_BAD_NAME] = "refused: bad name",
	};
	const char *name = notice_value(n, "FDNAME");
	bool watch = !notice_says(n, "FDPOLL", "0");

	for (unsigned int i = 0; i < n->fds; i++) {
		enum fdstore_result r = fdstore_add(&s->fds, name, n->fd[i],
						    watch);

		service_log("descriptor %s %s", name ? name : "stored",
			    said[r]);
	}
	n->fds = 0;
}

static void say_ready(struct service *s, const char *value)
{
	if (strcmp(value, "1") || s->ready == s->starts)
		return;
	s->ready = s->starts;
	service_log("start %lu ready", s->starts);
}

static void say_status(struct service *s, const char *value)
{
	snprintf(s->status, sizeof(s->status), "%s", value);
}

static void say_stopping(struct service *s, const char *value)
{
	service_log("start %lu is stopping", s->starts);
}

static void say_main_pid(struct service *s, const char *value)
{
	unsigned long pid;

	if (!command_number(value, INT32_MAX, &pid) || !pid ||
	    kill((pid_t)pid, 0))
		return;
	service_log("main process %lu", pid);
	s->pid = (pid_t)pid;
}

static void say_watchdog(struct service *s, const char *value)
{
	if (!strcmp(value, "trigger"))
		s->watchdog_due = service_now();
	else if (!strcmp(value, "1") && s->watchdog)
		s->watchdog_due = service_now() + s->watchdog;
}

static void say_watchdog_usec(struct service *s, const char *value)
{
	unsigned long us;

	if (!command_number(value, UINT32_MAX, &us) || !us)
		return;
	s->watchdog = (int64_t)us;
	s->watchdog_due = service_now() + s->watchdog;
}

static const struct {
	const char *name;
	void (*say)(struct service *s, const char *value);
} service_words[] = {
	{ "READY", say_ready },
	{ "STATUS", say_status },
	{ "STOPPING", say_stopping },
	{ "MAINPID", say_main_pid },
	{ "WATCHDOG", say_watchdog },
	{ "WATCHDOG_USEC", say_watchdog_usec },
};

static void service_hear(struct service *s, struct notice *n)
{
	const char *name = notice_value(n, "FDNAME");

	for (size_t i = 0; i < sizeof(service_words) /
			       sizeof(service_words[0]); i++) {
		const char *value = notice_value(n, service_words[i].name);

		if (value)
			service_words[i].say(s, value);
	}
	if (notice_says(n, "FDSTOREREMOVE", "1") && name)
		service_log("descriptor %s removed (%u)", name,
			    fdstore_remove(&s->fds, name));
	else if (notice_says(n, "FDSTORE", "1"))
		service_store(s, n);
}

/* A BARRIER=1 is answered by closing its descriptor, as all left over are. */
void service_notices(struct service *s)
{
	struct notice n;
	int got;

	while ((got = notice_receive(s->notify, &n)) > 0) {
		if (n.pid == s->pid && s->pid)
			service_hear(s, &n);
		else
			service_log("a message of process %ld, which is not "
				    "the daemon, ignored", (long)n.pid);
		notice_close_fds(&n);
	}
	if (got)
		service_log("cannot receive: %s", strerror(-got));
}

/* -------------------------------------------------------- life and death -- */

/* What the parent was told of a manager of its own is not for the daemon. */
static int service_environment(struct service *s)
{
	char number[32];
	int err = setenv("NOTIFY_SOCKET", s->path, 1);

	unsetenv("WATCHDOG_PID");
	unsetenv("WATCHDOG_USEC");
	if (s->options->watchdog) {
		snprintf(number, sizeof(number), "%ld", (long)getpid());
		err = err || setenv("WATCHDOG_PID", number, 1);
		snprintf(number, sizeof(number), "%lu", s->options->watchdog);
		err = err || setenv("WATCHDOG_USEC", number, 1);
	}
	if (s->next_env)
		err = err || putenv(s->next_env);
	return err;
}

static void service_child(struct service *s, pid_t parent)
{
	sigset_t none;
	int err;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	err = service_environment(s);
	if (!err)
		err = fdstore_hand_over(&s->fds);
	if (err)
		command_fail(err, "handing over");
	else
		command_become(s->options->peer, s->options->args);
	_exit(127);
}

static void service_start(struct service *s)
{
	pid_t parent = getpid();

	fdstore_prune(&s->fds);
	s->start_due = 0;
	fflush(stdout);
	s->pid = fork();
	if (!s->pid)
		service_child(s, parent);
	s->starts++;
	s->status[0] = 0;
	s->watchdog = (int64_t)s->options->watchdog;
	s->watchdog_due = s->watchdog ? service_now() + s->watchdog : 0;
	free(s->next_env);
	s->next_env = NULL;
	if (s->pid < 0) {
		service_log("fork: %s", strerror(errno));
		s->pid = 0;
		s->start_due = service_now() + 100000;
		return;
	}
	service_log("start %lu is process %ld, %u descriptors", s->starts,
		    (long)s->pid, s->fds.count);
}

static void service_died(struct service *s, int status)
{
	s->pid = 0;
	s->deaths++;
	s->watchdog_due = 0;
	s->exit_status = status;
	service_log("start %lu ended: %s %d", s->starts,
		    WIFSIGNALED(status) ? "signal" : "status",
		    WIFSIGNALED(status) ? WTERMSIG(status) :
		    WEXITSTATUS(status));
	if (s->stopping)
		return;
	if (s->starts > s->options->max_restarts) {
		service_log("no restart: %lu were allowed",
			    s->options->max_restarts);
		s->gave_up = true;
		return;
	}
	s->start_due = service_now() +
		       (int64_t)s->options->restart_delay * 1000;
}

void service_reap(struct service *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		service_notices(s);
		if (pid == s->pid)
			service_died(s, status);
	}
}

int64_t service_tick(struct service *s)
{
	int64_t now = service_now(), due = INT64_MAX;
	unsigned int gone = fdstore_prune(&s->fds);

	if (gone)
		service_log("%u descriptors hung up", gone);
	if (s->watchdog_due && s->watchdog_due <= now) {
		service_log("watchdog: no sign of life");
		s->watchdog_due = 0;
		service_signal(s, SIGABRT);
	}
	if (s->start_due && s->start_due <= now && !s->held && !s->stopping)
		service_start(s);
	if (s->watchdog_due && s->watchdog_due < due)
		due = s->watchdog_due;
	if (s->start_due && !s->held && s->start_due < due)
		due = s->start_due;
	if (due == INT64_MAX)
		return -1;
	return due > now ? due - now : 0;
}

bool service_over(const struct service *s)
{
	return s->gave_up || (s->stopping && !s->pid);
}

int service_signal(struct service *s, int sig)
{
	return s->pid && !kill(s->pid, sig) ? 0 : -ESRCH;
}

void service_stop(struct service *s)
{
	s->stopping = true;
	s->start_due = 0;
	service_signal(s, SIGTERM);
	service_signal(s, SIGCONT);
}

void service_hold(struct service *s, bool hold)
{
	s->held = hold;
}
