// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The thread beside the loop; see worker.h.
 *
 * `state` passes from one thread to the other: who finds it IDLE or DONE is
 * the loop, who finds it GIVEN is the worker.  Both sleep on descriptors and
 * there is no lock: on a busy host the worker may be put aside for long at
 * any point, and must not hold then what the loop wants.
 */
#include "xenstored/host/worker.h"

#include <errno.h>
#include <linux/capability.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <talloc.h>
#include <time.h>
#include <unistd.h>

/* One turn on the processor, when hurried. */
#define WORKER_TURN_NS 200000u
/* And how much nicer than the loop it is then. */
#define WORKER_NICE 10

enum worker_state {
	WORKER_IDLE,
	WORKER_GIVEN,
	WORKER_DONE,
	WORKER_END
};

struct worker {
	pthread_t thread;
	bool there;			/* the thread is */
	atomic_bool hurried;		/* a wish, before the policy is it */
	atomic_int tid;			/* 0: not yet known */
	int patient;			/* policy when nobody hurries it */
	int fd;				/* written when a job has ended */
	int given;			/* and when there is one */
	atomic_int state;
	worker_job *job;
	void *arg;
	int result;
};

/* Cannot fail: counters of 64 bits, read before they are written again. */
static void worker_say(struct worker *w, enum worker_state state)
{
	atomic_store(&w->state, state);
	(void)eventfd_write(state == WORKER_DONE ? w->fd : w->given, 1);
}

/* It is owed little for the time that it had to wait. */
static int worker_nice(void)
{
	int nice = getpriority(PRIO_PROCESS, 0) + WORKER_NICE;

	return nice < 19 ? nice : 19;
}

/*
 * Whose turn is long is not taken from the processor before its end, be the
 * loop awake or not: kernels that let a thread say so (6.12) are told that
 * its turns are short.
 */
static void worker_policy(const struct worker *w, int policy)
{
	int tid = atomic_load(&w->tid);
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} attr = {
		.size = sizeof(attr),
		.policy = (uint32_t)policy,
		.nice = worker_nice(),
		.runtime = policy == SCHED_IDLE ? 0 : WORKER_TURN_NS,
	};

	/* A wish: without it the work is done all the same.  0 is the loop. */
	if (tid)
		(void)syscall(SYS_sched_setattr, tid, &attr, 0);
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;

	atomic_store(&w->tid, gettid());
	worker_policy(w, w->patient);
	/* Whoever was too early for us, or whom we have just overruled. */
	if (atomic_load(&w->hurried))
		worker_policy(w, SCHED_OTHER);
	for (;;) {
		eventfd_t jobs;

		/* Blocks until there is something. */
		if (eventfd_read(w->given, &jobs) && errno != EINTR)
			return NULL;
		switch (atomic_load(&w->state)) {
		case WORKER_GIVEN:
			w->result = w->job(w->arg);
			worker_say(w, WORKER_DONE);
			break;
		case WORKER_END:
			return NULL;
		}
	}
}

static int worker_end(struct worker *w)
{
	if (w->there) {
		worker_wait(w, UINT64_MAX);
		worker_say(w, WORKER_END);
		pthread_join(w->thread, NULL);
	}
	if (w->fd >= 0)
		close(w->fd);
	if (w->given >= 0)
		close(w->given);
	return 0;
}

/*
 * Who cannot take SCHED_IDLE back might wait for ever on a busy host: the
 * kernel takes it for a nice value of 20 that is lowered (LimitNICE in the
 * unit).
 */
static int worker_patience(void)
{
	struct rlimit nice;
	bool may;

	may = !geteuid() && prctl(PR_CAPBSET_READ, CAP_SYS_NICE, 0, 0, 0) == 1;
	if (!may && !getrlimit(RLIMIT_NICE, &nice))
		may = nice.rlim_cur >= (rlim_t)(20 - worker_nice());
	return may ? SCHED_IDLE : SCHED_BATCH;
}

struct worker *worker_new(const void *parent)
{
	struct worker *w = talloc_zero(parent, struct worker);

	if (!w)
		return NULL;
	w->patient = worker_patience();
	talloc_set_destructor(w, worker_end);
	w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	w->given = eventfd(0, EFD_CLOEXEC);
	if (w->fd < 0 || w->given < 0)
		TALLOC_FREE(w);
	return w;
}

int worker_fd(const struct worker *w)
{
	return w->fd;
}

/* The thread inherits the mask that is set while it is made. */
static bool worker_there(struct worker *w)
{
	sigset_t all, before;

	if (w->there)
		return true;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	w->there = !pthread_create(&w->thread, NULL, worker_main, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return w->there;
}

void worker_start(struct worker *w, worker_job *job, void *arg)
{
	w->job = job;
	w->arg = arg;
	if (worker_there(w)) {
		worker_say(w, WORKER_GIVEN);
		return;
	}
	w->result = job(arg);
	worker_say(w, WORKER_DONE);
}

bool worker_busy(const struct worker *w)
{
	return atomic_load(&w->state) != WORKER_IDLE;
}

void worker_heard(struct worker *w)
{
	eventfd_t ends;

	/* The state comes first: it may have been taken without a call. */
	(void)eventfd_read(w->fd, &ends);
}

bool worker_take(struct worker *w, int *result)
{
	if (atomic_load(&w->state) != WORKER_DONE)
		return false;
	*result = w->result;
	if (atomic_exchange(&w->hurried, false))
		worker_policy(w, w->patient);
	atomic_store(&w->state, WORKER_IDLE);
	return true;
}

/* The descriptor is not read here: it wakes the loop as well. */
void worker_wait(struct worker *w, uint64_t us)
{
	struct timespec most = { .tv_sec = (time_t)(us / 1000000),
				 .tv_nsec = (long)(us % 1000000) * 1000 };
	struct pollfd p = { .fd = w->fd, .events = POLLIN };

	while (atomic_load(&w->state) == WORKER_GIVEN) {
		/* Left over from a result that was taken without a call. */
		worker_heard(w);
		if (atomic_load(&w->state) != WORKER_GIVEN)
			break;
		if (ppoll(&p, 1, us == UINT64_MAX ? NULL : &most, NULL) == 0)
			return;
	}
}

void worker_hurry(struct worker *w)
{
	/* In this order: worker_main() looks at it after its first policy. */
	if (!atomic_exchange(&w->hurried, true))
		worker_policy(w, SCHED_OTHER);
}
