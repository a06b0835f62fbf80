/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the modules of the host share: the machine, the time of the pass, who
 * is to have a turn, and the one door through which the machine is fed.
 *
 * One thread, and a worker that has no part in this (worker.h).  Everything
 * here is reached from loop.c, one pass after the other; nothing blocks but
 * epoll_wait() there.
 *
 * Order of a connection's turn, kept by every module so that a journal can
 * stand in host_feed(): input copied, fed (recorded, executed), then given
 * back to the sender; output copied, MACHINE_IN_TAKEN fed, then shown to the
 * reader.
 */
#ifndef HOST_HOST_H
#define HOST_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xenstored/core/machine.h"
#include "xenstored/host/list.h"
#include "xenstored/host/options.h"
#include "xenstored/host/table.h"

/* Bytes received from one connection in one turn; also of a ring. */
#define HOST_INPUT_MAX 8192u
_Static_assert(HOST_INPUT_MAX >= WIRE_MESSAGE_MAX, "a message fits");
/* Pieces of output sent in one turn. */
#define HOST_SPANS_MAX 64u

struct checkpoint;
struct evtchn;
struct host;
struct hypervisor;
struct journal;
struct listener;
struct mapping;
struct meters;
struct recovery;
struct signals;
struct takings;
struct taps;
struct trace;
struct update;
struct update_state;
struct worker;

/* What is due at a time; loop.c knows what each row does. */
enum host_timer {
	TIMER_MACHINE,		/* machine_deadline() */
	TIMER_SWEEP,		/* slow sweep over the rings */
	TIMER_DEFERRED,		/* rings whose resets are held back */
	TIMER_ACCEPT,		/* file descriptors ran out: try again */
	TIMER_DOMAINS,		/* the hypervisor's list could not be read */
	TIMER_WATCHDOG,		/* systemd wants a sign of life */
	TIMER_UPDATE,		/* a live update waits for its moment */
	TIMER_CHECKPOINT,	/* one that could not be written: try again */
	TIMER_COUNT
};

/* Counters since the start; `probe host`. */
struct host_counters {
	uint64_t passes;
	uint64_t in_bytes;
	uint64_t out_bytes;
	uint64_t failures;	/* machine_step() failed for want of memory */
	uint64_t doubtful;	/* sockets closed after a death in a call */
	uint64_t recovered;	/* inputs replayed at the start */
	uint64_t poisoned;	/* inputs not executed a third time */
	uint64_t restarts;	/* starts that went on; kept in checkpoints */
	uint64_t unrepeatable;	/* times that a step had lacked memory */
};

struct host {
	struct options *options;
	struct machine *machine;
	struct machine_config config;
	int epoll;
	bool ending;

	uint64_t now;			/* of this pass, microseconds */
	uint64_t due[TIMER_COUNT];	/* UINT64_MAX: not set */
	int timer;			/* descriptor that wakes for them */
	uint64_t armed;			/* when it will; UINT64_MAX: not */
	uint64_t watchdog;		/* interval; 0: not watched */

	struct list ready;		/* guests that are to have a turn */
	struct list deferred;		/* guests whose reset has to wait */
	struct list guests_out;		/* guests with new output */
	struct list clients_out;	/* sockets with new output */
	struct list settle;		/* guests that had a turn */
	struct list guests;		/* all; the sweep rotates it */
	struct table by_domid;		/* struct guest */
	struct table by_slot;		/* struct client */
	unsigned int guest_count;
	unsigned int client_count;
	uint32_t next_slot;		/* of client.c */
	uint32_t generation;

	struct worker *worker;
	unsigned long lacks;		/* mem_lacks() that was dealt with */
	struct journal *journal;	/* NULL: not yet, or not to be had */
	struct checkpoint *checkpoint;
	struct recovery *recovery;	/* while starting from a state */
	struct evtchn *evtchn;		/* these three NULL: no hypervisor */
	struct mapping *mapping;
	struct hypervisor *hypervisor;
	struct listener *listener;
	struct meters *meters;
	struct takings *takings;	/* NULL: nobody looked yet */
	struct taps *taps;		/* NULL: nobody traces the wire */
	struct signals *signals;
	struct trace *trace;
	struct update *update;		/* NULL: nobody asked for one */
	struct update_state *resumed;	/* during a start that takes over */
	int pid_fd;			/* of the pid file; -1: none */

	struct host_counters count;
	uint8_t input[HOST_INPUT_MAX];
	uint8_t reply[WIRE_PAYLOAD_MAX];	/* of a CONTROL command */
};

/*
 * The one door: every input of the machine passes here, in order.  A failure
 * (want of memory) is counted and logged; the machine has by then asked for
 * whatever must follow from it.
 */
void host_feed(struct host *h, const struct machine_input *in);

/*
 * Where the bytes of a turn are to be put, HOST_INPUT_MAX of them: their
 * place in the journal, so that they are copied once.
 */
void *host_input(struct host *h);

/* Bytes of a turn, and output that was taken. */
void host_feed_bytes(struct host *h, uint32_t conn, const void *data,
		     size_t len);
void host_feed_taken(struct host *h, uint32_t conn, size_t len);
/* An input that is no more than its type and a connection. */
void host_feed_event(struct host *h, enum machine_input_type type,
		     uint32_t conn);

/* A pass begins: take the time and tell it. */
void host_feed_time(struct host *h);

/*
 * Which boot of the host this is, 64 random bits of Linux's boot_id; 0 if that
 * cannot be read.  What a run directory holds from another one is of domains
 * that are gone.
 */
uint64_t host_boot(void);

/* Microseconds of CLOCK_MONOTONIC. */
uint64_t host_clock(void);
/* Set a timer to `when`, unless it is due earlier. */
void host_timer(struct host *h, enum host_timer timer, uint64_t when);

/* What an epoll event is about: EPOLL_CLIENT carries the connection. */
enum host_source {
	EPOLL_CLIENT,
	EPOLL_LISTENER,
	EPOLL_EVTCHN,
	EPOLL_SIGNALS,
	EPOLL_TIMER,
	EPOLL_WORKER,
};

/* epoll_ctl() in one line; 0 or -errno. */
int host_epoll(struct host *h, int op, int fd, uint32_t events,
	       enum host_source source, uint32_t conn);

#endif
