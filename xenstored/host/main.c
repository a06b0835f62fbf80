// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From the command line to the loop and back.  What a step of the start
 * (start.c) acquired is given up in one place, whatever came of it.
 */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <talloc.h>
#include <unistd.h>

#include "config.h"
#include "xenstored/host/background.h"
#include "xenstored/host/checkpoint.h"
#include "xenstored/host/client.h"
#include "xenstored/host/guest.h"
#include "xenstored/host/host.h"
#include "xenstored/host/listener.h"
#include "xenstored/host/log.h"
#include "xenstored/host/loop.h"
#include "xenstored/host/notify.h"
#include "xenstored/host/pidfile.h"
#include "xenstored/host/recovery.h"
#include "xenstored/host/settle.h"
#include "xenstored/host/start.h"
#include "xenstored/host/update.h"

#define EXIT_USAGE 2
/* Blocks that are mapped, and free memory that is kept, in bytes. */
#define MAIN_LARGE (512 * 1024)

/* ---------------------------------------------------------- the host -- */

static struct host *host_new(struct options *o)
{
	struct host *h = talloc_zero(NULL, struct host);

	if (!h)
		return NULL;
	h->options = o;
	h->epoll = -1;
	h->timer = -1;
	h->armed = UINT64_MAX;
	for (unsigned int i = 0; i < TIMER_COUNT; i++)
		h->due[i] = UINT64_MAX;
	list_init(&h->ready);
	list_init(&h->deferred);
	list_init(&h->guests_out);
	list_init(&h->clients_out);
	list_init(&h->settle);
	list_init(&h->guests);
	table_init(&h->by_domid, h);
	table_init(&h->by_slot, h);
	machine_config_defaults(&h->config);
	return h;
}

/* Rings keep their pages as they are: whoever comes next goes on there. */
static void host_free(struct host *h)
{
	checkpoint_close(h);
	listener_close(h);
	client_forget_all(h);
	guest_forget_all(h);
	if (h->machine)
		machine_free(h->machine);
	if (h->timer >= 0)
		close(h->timer);
	if (h->epoll >= 0)
		close(h->epoll);
	talloc_free(h);
}

static int host_serve(struct host *h, int background)
{
	int error;

	if (!start_host(h))
		return 1;
	log_say(LOG_READY, "%s %s serves %s", PACKAGE_NAME, PACKAGE_VERSION,
		h->options->socket);
	if (!h->options->no_fork)
		log_to_syslog();
	if (background >= 0)
		background_ready(background);
	notify_send("READY=1");
	error = loop_run(h);
	notify_send("STOPPING=1");
	/* Not needed for what comes next, which the journal would do for. */
	checkpoint_now(h);
	if (error)
		log_say(LOG_LOOP, "cannot wait: %s", strerror(-error));
	else
		log_say(LOG_ENDING, "ending, as asked by a signal");
	return error ? 1 : 0;
}

static void main_ignored(const struct options *o)
{
	if (o->keep_orphans)
		log_say(LOG_OPTION_IGNORED, "--keep-orphans: nodes go with "
			"their domain all the same");
	if (!o->internal_db)
		log_say(LOG_OPTION_IGNORED, "--internal-db=off: the store is "
			"in memory all the same");
}

static bool main_claim(const struct options *o, int *fd)
{
	/* Over an update of ours the lock is kept, and comes with the state. */
	if (!o->pid_file || o->live_update_fd >= 0)
		return true;
	*fd = pidfile_claim(o->pid_file);
	if (*fd >= 0)
		return true;
	if (*fd == -EAGAIN)
		log_say(LOG_ALREADY_RUNNING, "pid file %s: another xenstored "
			"runs", o->pid_file);
	else
		log_say(LOG_PID_FILE, "pid file %s: %s", o->pid_file,
			strerror(-*fd));
	return false;
}

/* --settle: by another daemon's hand, which waits for us. */
static int main_settle(struct options *o)
{
	struct host *h = host_new(o);
	int error = h ? start_config(h) : -ENOMEM;

	/* Nothing is traced that was traced before. */
	if (h) {
		h->config.trace = NULL;
		h->config.event = NULL;
	}
	if (!error)
		error = settle_state(h);
	if (error)
		log_say(LOG_RECOVERY, "the state cannot be settled: %s%s%s",
			strerror(-error), h && h->recovery &&
			h->recovery->why[0] ? ", " : "",
			h && h->recovery ? h->recovery->why : "");
	if (h)
		host_free(h);
	return error ? 1 : 0;
}

/* The daemon itself: -1, or where its parent waits. */
static int main_daemon(struct options *o, int background)
{
	int pid_fd = -1, status = 1;
	struct host *h;

	if (o->output_pid) {
		printf("%ld\n", (long)getpid());
		fflush(stdout);
	}
	if (!main_claim(o, &pid_fd))
		return 1;
	main_ignored(o);
	/* What a checkpoint took for a moment is given back. */
	mallopt(M_MMAP_THRESHOLD, MAIN_LARGE);
	mallopt(M_TRIM_THRESHOLD, MAIN_LARGE);
	/* So that memreport sees everything. */
	talloc_enable_null_tracking();
	h = host_new(o);
	if (h) {
		h->pid_fd = pid_fd;
		status = host_serve(h, background);
		pid_fd = h->pid_fd;
		host_free(h);
	} else {
		log_say(LOG_START_FAILED, "no memory");
	}
	pidfile_release(o->pid_file, pid_fd);
	talloc_disable_null_tracking();
	return status;
}

int main(int argc, char **argv)
{
	struct machine_config defaults;
	static struct options o;
	int background = -1;

	machine_config_defaults(&defaults);
	memcpy(o.quota, defaults.quota, sizeof(o.quota));
	switch (options_parse(&o, argc, argv, stdout, stderr)) {
	case OPTIONS_RUN:
		break;
	case OPTIONS_DONE:
		return 0;
	case OPTIONS_BAD:
		return EXIT_USAGE;
	}
	log_verbose(o.verbose);
	if (o.check_state)
		return update_check(&o);
	if (o.settle)
		return main_settle(&o);
	if (!o.no_fork && !o.live_update) {
		background = background_start();
		if (background < 0) {
			log_say(LOG_START_FAILED, "fork: %s",
				strerror(-background));
			return 1;
		}
	}
	return main_daemon(&o, background);
}
