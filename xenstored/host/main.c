// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From the command line to the loop and back.  The steps of the start are in
 * a table of their own order; each says in the log what went wrong.  What a
 * step acquired is given up in one place, whatever came of the start.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <talloc.h>
#include <unistd.h>

#include "config.h"
#include "protocol/ring.h"
#include "xenstored/host/aside.h"
#include "xenstored/host/asks.h"
#include "xenstored/host/background.h"
#include "xenstored/host/checkpoint.h"
#include "xenstored/host/client.h"
#include "xenstored/host/evtchn.h"
#include "xenstored/host/guest.h"
#include "xenstored/host/host.h"
#include "xenstored/host/hypervisor.h"
#include "xenstored/host/listener.h"
#include "xenstored/host/descriptors.h"
#include "xenstored/host/journal.h"
#include "xenstored/host/recovery.h"
#include "xenstored/host/limits.h"
#include "xenstored/host/log.h"
#include "xenstored/host/loop.h"
#include "xenstored/host/mapping.h"
#include "xenstored/host/meter.h"
#include "xenstored/host/notify.h"
#include "xenstored/host/pidfile.h"
#include "xenstored/host/settle.h"
#include "xenstored/host/signals.h"
#include "xenstored/host/tap.h"
#include "xenstored/host/trace.h"
#include "xenstored/host/update.h"
#include "xenstored/host/worker.h"

#define EXIT_USAGE 2
/* Descriptors wanted: clients are not to be limited by a shell's default. */
#define FILES_WANTED 65536u

static void main_log(void *arg, const char *id, const char *text)
{
	log_machine(id, text);
}

/* Apart, so that what is not rare has nothing to save. */
static __attribute__((noinline)) void
main_trace_rare(struct host *h, bool in, uint32_t conn,
		const struct wire_header *header, const void *payload)
{
	if (in)
		meter_request(h, header->type);
	else if (header->type == WIRE_ERROR)
		meter_error(h, conn);
	if (h->taps)
		tap_message(h, in, conn, header, payload);
	trace_message(h->trace, in, conn, header, payload);
}

static void main_trace(void *arg, bool in, uint32_t conn,
		       const struct wire_header *header, const void *payload)
{
	struct host *h = arg;

	if (h->taps || (!in && header->type == WIRE_ERROR)) {
		main_trace_rare(h, in, conn, header, payload);
		return;
	}
	if (in)
		meter_request(h, header->type);
	trace_message(h->trace, in, conn, header, payload);
}

static void main_event(void *arg, uint32_t conn, const void *payload,
		       size_t len)
{
	struct host *h = arg;

	if (h->taps)
		tap_event(h, conn, payload, len);
}

/* ----------------------------------------------------- steps of a start -- */

static int start_files(struct host *h)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl))
		return -errno;
	if (rl.rlim_max < FILES_WANTED) {
		struct rlimit more = { FILES_WANTED, FILES_WANTED };

		/* Not everybody may; then what there is has to do. */
		if (!setrlimit(RLIMIT_NOFILE, &more))
			return 0;
	}
	rl.rlim_cur = rl.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &rl) ? -errno : 0;
}

static int start_epoll(struct host *h)
{
	h->epoll = epoll_create1(EPOLL_CLOEXEC);
	return h->epoll < 0 ? -errno : 0;
}

static int start_timer(struct host *h)
{
	h->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK |
				  TFD_CLOEXEC);
	if (h->timer < 0)
		return -errno;
	return host_epoll(h, EPOLL_CTL_ADD, h->timer, EPOLLIN, EPOLL_TIMER,
			  0);
}

static int start_worker(struct host *h)
{
	h->worker = worker_new(h);
	if (!h->worker)
		return -ENOMEM;
	return host_epoll(h, EPOLL_CTL_ADD, worker_fd(h->worker), EPOLLIN,
			  EPOLL_WORKER, 0);
}

static int start_rundir(struct host *h)
{
	if (mkdir(h->options->rundir, 0755) && errno != EEXIST)
		return -errno;
	return 0;
}

static int start_trace(struct host *h)
{
	h->trace = trace_new(h);
	if (!h->trace)
		return -ENOMEM;
	if (!h->options->trace_file)
		return 0;
	return trace_open(h->trace, h->options->trace_file);
}

static int start_config(struct host *h)
{
	struct machine_config *c = &h->config;

	memcpy(c->quota, h->options->quota, sizeof(c->quota));
	if (getrandom(c->hash_key, sizeof(c->hash_key), 0) !=
	    sizeof(c->hash_key))
		return -EIO;
	c->priv_domid = h->options->priv_domid;
	c->features = RING_FEATURE_RECONNECT | RING_FEATURE_ERROR |
		      RING_FEATURE_WATCH_DEPTH | RING_FEATURE_ANY_DOMID;
	c->version = PACKAGE_VERSION;
	c->log = main_log;
	c->trace = main_trace;
	c->event = main_event;
	c->arg = h;
	return 0;
}

/* What another process left behind, or an empty store. */
static int start_store(struct host *h)
{
	int error = h->resumed ? 0 : recovery_load(h);

	if (error || h->machine)
		return error;
	h->machine = machine_new(&h->config);
	return h->machine ? 0 : -ENOMEM;
}

/*
 * Without room for a segment the daemon serves all the same; but what is in
 * the files is then no longer what it serves, and must not be loaded again.
 */
static void start_segment(struct host *h, uint64_t number, int error)
{
	struct journal_reader *before;
	int missing;

	before = journal_open(h, h->options->rundir, number - 1, NULL,
			      &missing);
	if (before && error)
		journal_spoil(before);
	else if (before)
		journal_follows(before);
	talloc_free(before);
}

/* From here on every input is recorded. */
static int start_journal(struct host *h)
{
	uint64_t number = h->recovery ? h->recovery->segment :
			  h->resumed ? update_segment(h) : 1;
	struct journal_doubt doubt = { 0, 0 };
	int error;

	if (h->options->no_journal)
		return 0;
	if (h->recovery)
		doubt = h->recovery->doubt;

	/* Left over from a life that ended differently: not to be replayed. */
	journal_clear(h->options->rundir, NULL, number, UINT64_MAX);
	h->journal = journal_new(h, h->options->rundir, number, &doubt,
				 &error);
	if (!h->journal)
		return error;
	while (error == -ENOSPC && aside_yield(h->options->rundir))
		journal_rotate(h->journal, &error);
	start_segment(h, number, error);
	if (h->evtchn)
		journal_virq(h->journal, evtchn_virq(h->evtchn));
	if (h->resumed)
		update_journal(h);
	return 0;
}

static int start_identity(struct host *h)
{
	static const char digit[] = "0123456789abcdef";
	struct machine_input in = { .type = MACHINE_IN_IDENTITY };
	unsigned char random[16];
	char text[2 * sizeof(random)];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return -EIO;
	for (size_t i = 0; i < sizeof(random); i++) {
		text[2 * i] = digit[random[i] >> 4];
		text[2 * i + 1] = digit[random[i] & 15];
	}
	in.data = text;
	in.len = sizeof(text);
	host_feed(h, &in);
	return 0;
}

static int start_keep(struct host *h)
{
	settle_keep(h);
	return 0;
}

static int start_xen(struct host *h)
{
	int error;

	if (h->options->no_domain_init)
		return 0;
	error = h->hypervisor ? 0 : hypervisor_open(h);
	if (!error)
		error = evtchn_open(h);
	if (!error)
		error = mapping_open(h);
	return error;
}

/* The store of another binary in this process, which is asked of domains. */
static int start_update(struct host *h)
{
	int error = 0;

	if (!h->options->live_update)
		return 0;
	if (!h->options->no_domain_init)
		error = hypervisor_open(h);
	return error ? error : update_load(h);
}

static int start_listener(struct host *h)
{
	if (h->resumed)
		return update_listener(h);
	return listener_open(h, descriptors_take_listener());
}

/* Rings are mapped before anybody is told that the daemon is ready. */
static int start_world(struct host *h)
{
	int error = 0;

	host_feed_time(h);
	if (h->resumed)
		error = update_resume(h);
	else if (h->recovery)
		error = recovery_attach(h);
	if (!error && h->recovery)
		limits_apply(h, h->recovery->given);
	if (!error && h->hypervisor)
		error = hypervisor_adopt(h);
	while (!error && asks_carry_out(h))
		;
	descriptors_drop_rest();
	return error;
}

/*
 * What was recovered stands in the files of the process before and in our
 * journal, until there is room; a store that has just begun stands nowhere.
 */
static void start_first(struct host *h, bool same)
{
	int error;

	do
		error = checkpoint_now(h);
	while (error == -ENOSPC && aside_yield(h->options->rundir));
	if (error) {
		if (!same)
			journal_break(h->journal, error);
		return;
	}
	settle_forget(h);
	/* What the lives before have left of their journals. */
	journal_clear(h->options->rundir, NULL, 0, checkpoint_segment(h));
}

/* A death from here on finds a checkpoint. */
static int start_checkpoint(struct host *h)
{
	uint64_t began = h->now;
	bool same = h->recovery || (h->resumed && update_same_store(h));
	int error = same ? 0 : start_identity(h);

	if (!error)
		start_first(h, same);
	TALLOC_FREE(h->resumed);
	if (error || !h->recovery)
		return error;
	log_say(LOG_RECOVERED, "%llu inputs replayed, %u rings, %u clients, "
		"%llu clients in doubt, %llu ms",
		(unsigned long long)h->count.recovered, h->guest_count,
		h->client_count, (unsigned long long)h->count.doubtful,
		(unsigned long long)(host_clock() - began) / 1000);
	talloc_free(h->recovery);
	h->recovery = NULL;
	return 0;
}

static const struct start_step {
	int (*run)(struct host *h);
	enum log_id id;
	const char *what;
} steps[] = {
	{ start_files, LOG_START_FAILED, "limit on open files" },
	{ meter_open, LOG_START_FAILED, "counters" },
	{ start_epoll, LOG_START_FAILED, "epoll" },
	{ start_timer, LOG_START_FAILED, "timer" },
	{ start_worker, LOG_START_FAILED, "worker" },
	{ signals_open, LOG_START_FAILED, "signals" },
	{ start_trace, LOG_START_FAILED, "trace file" },
	{ start_rundir, LOG_START_FAILED, "run directory" },
	{ start_config, LOG_START_FAILED, "random numbers" },
	{ start_update, LOG_START_FAILED, "the state to go on from" },
	{ start_listener, LOG_SOCKET, "socket" },
	{ start_store, LOG_START_FAILED, "the store" },
	{ start_keep, LOG_KEEP, "a copy of the binary" },
	{ start_xen, LOG_NO_HYPERVISOR, "no Xen here (or no right to use "
	  "it); --no-domain-init does without" },
	{ start_journal, LOG_START_FAILED, "the journal" },
	{ start_world, LOG_NO_HYPERVISOR, "dom0's ring" },
	{ start_checkpoint, LOG_START_FAILED, "first checkpoint" },
};

static bool host_steps(struct host *h)
{
	h->now = host_clock();
	descriptors_receive();
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		int error = steps[i].run(h);

		if (!error)
			continue;
		log_say(error == -EADDRINUSE ? LOG_ALREADY_RUNNING :
			steps[i].id, "%s: %s", steps[i].what,
			strerror(-error));
		return false;
	}
	return true;
}

static bool host_start(struct host *h)
{
	bool good = host_steps(h);

	recovery_over(h);
	if (!good)
		return false;
	h->watchdog = notify_watchdog();
	if (h->watchdog)
		host_timer(h, TIMER_WATCHDOG, h->now);
	return true;
}

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

	if (!host_start(h))
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
