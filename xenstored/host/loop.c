// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A pass:
 *
 *   wait for a descriptor or a timer
 *   tell the machine the time
 *   signals, new clients, event channel ports, VIRQ_DOM_EXC
 *   input: one recv of each ready socket, one look at each ready ring
 *   carry out what the machine asks; hand over to another binary, if asked
 *   output: one send to each socket, one copy to each ring that has some
 *   settle: one notification for each ring of which an index moved
 *
 * The work is proportional to what is ready: lists and epoll name it, nothing
 * walks over idle connections.  It is fair: a list is emptied as it was when
 * its stage began, and who is queued meanwhile waits for the next pass; epoll
 * hands a level-triggered descriptor that is still ready out again behind
 * the others.
 */
#include "xenstored/host/loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "xenstored/host/asks.h"
#include "xenstored/host/checkpoint.h"
#include "xenstored/host/client.h"
#include "xenstored/host/evtchn.h"
#include "xenstored/host/guest.h"
#include "xenstored/host/hypervisor.h"
#include "xenstored/host/listener.h"
#include "xenstored/host/meter.h"
#include "xenstored/host/notify.h"
#include "xenstored/host/signals.h"
#include "xenstored/host/update.h"
#include "xenstored/host/worker.h"

#define LOOP_EVENTS 512

/* ------------------------------------------------------------- timers -- */

/* The machine has its time already; its next wish is asked each pass. */
static void loop_machine_due(struct host *h)
{
}

/* update_turn() is in every pass while there is one. */
static void loop_update_due(struct host *h)
{
}

/* As is checkpoint_turn(). */
static void loop_checkpoint_due(struct host *h)
{
}

static void loop_watchdog(struct host *h)
{
	notify_send("WATCHDOG=1");
	host_timer(h, TIMER_WATCHDOG, h->now + h->watchdog);
}

static void (*const timers[TIMER_COUNT])(struct host *h) = {
	[TIMER_MACHINE] = loop_machine_due,
	[TIMER_SWEEP] = guest_sweep,
	[TIMER_DEFERRED] = guest_undefer,
	[TIMER_ACCEPT] = listener_resume,
	[TIMER_DOMAINS] = hypervisor_refresh,
	[TIMER_WATCHDOG] = loop_watchdog,
	[TIMER_UPDATE] = loop_update_due,
	[TIMER_CHECKPOINT] = loop_checkpoint_due,
};

static void loop_timers(struct host *h)
{
	for (unsigned int i = 0; i < TIMER_COUNT; i++) {
		if (h->due[i] > h->now)
			continue;
		h->due[i] = UINT64_MAX;
		timers[i](h);
	}
}

/*
 * A timeout of epoll_wait() would start and stop a timer of the kernel's in
 * each pass.  This one is left running: it is moved only when something is
 * due before it fires, and what moved away costs a pass with nothing to do.
 */
static void loop_arm(struct host *h)
{
	struct itimerspec when = { 0 };
	uint64_t due = UINT64_MAX;

	for (unsigned int i = 0; i < TIMER_COUNT; i++)
		if (h->due[i] < due)
			due = h->due[i];
	if (due >= h->armed)
		return;
	when.it_value.tv_sec = (time_t)(due / 1000000);
	/* All zero would mean never, and the clock's zero is long past. */
	when.it_value.tv_nsec = (long)(due % 1000000) * 1000 + 1;
	/* Cannot fail: the descriptor is there and the time is one. */
	timerfd_settime(h->timer, TFD_TIMER_ABSTIME, &when, NULL);
	h->armed = due;
}

static void loop_fired(struct host *h)
{
	uint64_t times;

	if (read(h->timer, &times, sizeof(times)) == sizeof(times))
		h->armed = UINT64_MAX;
}

/* ------------------------------------------------------------- stages -- */

/* Everything but clients, which are not to be closed under the events. */
static void loop_world(struct host *h, const struct epoll_event *events,
		       int count)
{
	bool domains = false;

	for (int i = 0; i < count; i++) {
		switch ((enum host_source)(events[i].data.u64 >> 32)) {
		case EPOLL_CLIENT:
			break;
		case EPOLL_LISTENER:
			listener_accept(h);
			break;
		case EPOLL_EVTCHN:
			domains = evtchn_drain(h);
			break;
		case EPOLL_SIGNALS:
			signals_turn(h);
			break;
		case EPOLL_TIMER:
			loop_fired(h);
			break;
		case EPOLL_WORKER:
			worker_heard(h->worker);
			break;
		}
	}
	if (domains)
		hypervisor_refresh(h);
}

static void loop_clients(struct host *h, const struct epoll_event *events,
			 int count)
{
	for (int i = 0; i < count; i++) {
		uint64_t data = events[i].data.u64;
		struct client *c;

		if (data >> 32 != EPOLL_CLIENT)
			continue;
		/* One that was closed in this very pass is not found. */
		c = client_of(h, (uint32_t)data);
		if (c)
			client_turn(c, events[i].events);
	}
}

static void loop_guests(struct host *h)
{
	struct list turns, *item;

	list_take(&turns, &h->ready);
	while ((item = list_pop(&turns)))
		guest_turn(list_of(item, struct guest, ready));
}

/* Whose output or appetite changed: a guest's or a client's affair. */
static void loop_queue_outputs(struct host *h)
{
	struct client *c;
	struct guest *g;
	uint32_t conn;

	while (machine_next_dirty(h->machine, &conn)) {
		g = conn < MACHINE_SOCKET_BASE ? guest_of(h, conn) : NULL;
		c = client_of(h, conn);
		if (g)
			guest_changed(g);
		else if (c && c->full)
			client_changed(c);
		else if (c)
			list_queue(&h->clients_out, &c->out);
	}
}

static void loop_outputs(struct host *h)
{
	struct list guests, clients, *item;

	loop_queue_outputs(h);
	list_take(&guests, &h->guests_out);
	list_take(&clients, &h->clients_out);
	while ((item = list_pop(&guests))) {
		checkpoint_firm(h);
		guest_output(list_of(item, struct guest, out));
	}
	while ((item = list_pop(&clients))) {
		checkpoint_firm(h);
		client_output(list_of(item, struct client, out));
	}
}

/*
 * That output was taken may have changed an appetite, or left more output:
 * the next pass has to know before it waits.
 */
static void loop_settle(struct host *h)
{
	struct list guests, *item;
	struct client *c;
	struct guest *g;
	uint32_t conn;

	while (machine_next_dirty(h->machine, &conn)) {
		g = conn < MACHINE_SOCKET_BASE ? guest_of(h, conn) : NULL;
		c = client_of(h, conn);
		if (g)
			guest_changed(g);
		else if (c)
			client_changed(c);
	}
	list_take(&guests, &h->settle);
	while ((item = list_pop(&guests)))
		guest_settle(list_of(item, struct guest, settle));
}

/* True: there is work that no descriptor will announce. */
static bool loop_pass(struct host *h, const struct epoll_event *events,
		      int count)
{
	bool asks, slices;

	h->count.passes++;
	host_feed_time(h);
	loop_timers(h);
	loop_world(h, events, count);
	loop_clients(h, events, count);
	loop_guests(h);
	asks = asks_carry_out(h);
	if (h->update)
		update_turn(h);
	loop_outputs(h);
	loop_settle(h);
	meter_pass(h);
	slices = checkpoint_turn(h);
	meter_loop(h, slices);
	return slices || asks || !list_empty(&h->ready) ||
	       !list_empty(&h->guests_out) || !list_empty(&h->clients_out);
}

int loop_run(struct host *h)
{
	struct epoll_event events[LOOP_EVENTS];
	bool more = true;

	while (!h->ending) {
		int count;

		h->due[TIMER_MACHINE] = machine_deadline(h->machine);
		loop_arm(h);
		count = epoll_wait(h->epoll, events, LOOP_EVENTS,
				   more ? 0 : -1);
		if (count < 0 && errno != EINTR)
			return -errno;
		more = loop_pass(h, events, count < 0 ? 0 : count);
	}
	return 0;
}
