// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Hypercalls through the page that Xen filled in.  No event is ever taken:
 * whoever waits gives the processor away and looks again, which is allowed by
 * px_ring's wait() and needs neither a callback nor the shared page.
 */
#include "tests/xen/guest/xen.h"

#include <xen/xen.h>
#include <xen/event_channel.h>
#include <xen/sched.h>

#define PAGE_SHIFT 12
#define HYPERCALL_SIZE 32

extern uint8_t hypercall_page[];

static evtchn_port_t store_port;

static long hypercall(unsigned int number, unsigned long a, const void *b)
{
	uint8_t *entry = hypercall_page + number * HYPERCALL_SIZE;
	long ret;

	__asm__ volatile("call *%[entry]"
			 : "=a" (ret), "+D" (a), "+S" (b)
			 : [entry] "r" (entry)
			 : "rcx", "r11", "r10", "r8", "r9", "rdx", "memory");
	return ret;
}

/* The builder names a machine frame; Xen's table tells ours. */
struct ring_page *xen_start(const struct start_info *info)
{
	const uint64_t *frames = (const uint64_t *)MACH2PHYS_VIRT_START;

	store_port = info->store_evtchn;
	return (struct ring_page *)(frames[info->store_mfn] << PAGE_SHIFT);
}

int xen_notify(void *ctx)
{
	struct evtchn_send send = { .port = store_port };

	return (int)hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send,
			      &send);
}

int xen_wait(void *ctx)
{
	return (int)hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
}

void xen_end(int reason)
{
	struct sched_shutdown end = {
		.reason = reason ? SHUTDOWN_crash : SHUTDOWN_poweroff,
	};

	for (;;)
		hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &end);
}
