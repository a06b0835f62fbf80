// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The steps of a start, in a table of their own order; each says in the log
 * what went wrong.
 */
#include "xenstored/host/start.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <talloc.h>

#include "config.h"
#include "protocol/ring.h"
#include "xenstored/host/aside.h"
#include "xenstored/host/asks.h"
#include "xenstored/host/checkpoint.h"
#include "xenstored/host/client.h"
#include "xenstored/host/descriptors.h"
#include "xenstored/host/evtchn.h"
#include "xenstored/host/guest.h"
#include "xenstored/host/host.h"
#include "xenstored/host/hypervisor.h"
#include "xenstored/host/journal.h"
#include "xenstored/host/limits.h"
#include "xenstored/host/listener.h"
#include "xenstored/host/log.h"
#include "xenstored/host/mapping.h"
#include "xenstored/host/meter.h"
#include "xenstored/host/notify.h"
#include "xenstored/host/recovery.h"
#include "xenstored/host/settle.h"
#include "xenstored/host/signals.h"
#include "xenstored/host/tap.h"
#include "xenstored/host/trace.h"
#include "xenstored/host/update.h"
#include "xenstored/host/worker.h"

/* Descriptors wanted: clients are not to be limited by a shell's default. */
#define FILES_WANTED 65536u

static void start_log(void *arg, const char *id, const char *text)
{
	log_machine(id, text);
}

/* Apart, so that what is not rare has nothing to save. */
static __attribute__((noinline)) void
start_tell_rare(struct host *h, bool in, uint32_t conn,
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

static void start_tell(void *arg, bool in, uint32_t conn,
		       const struct wire_header *header, const void *payload)
{
	struct host *h = arg;

	if (h->taps || (!in && header->type == WIRE_ERROR)) {
		start_tell_rare(h, in, conn, header, payload);
		return;
	}
	if (in)
		meter_request(h, header->type);
	trace_message(h->trace, in, conn, header, payload);
}

static void start_event(void *arg, uint32_t conn, const void *payload,
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

int start_config(struct host *h)
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
	c->log = start_log;
	c->trace = start_tell;
	c->event = start_event;
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
		journal_cut(h->journal, &error);
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

static bool start_steps(struct host *h)
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

bool start_host(struct host *h)
{
	bool good = start_steps(h);

	recovery_over(h);
	if (!good)
		return false;
	h->watchdog = notify_watchdog();
	if (h->watchdog)
		host_timer(h, TIMER_WATCHDOG, h->now);
	return true;
}
