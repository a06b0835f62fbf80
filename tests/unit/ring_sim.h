/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A daemon's end of a ring for unit tests, driven step by step.
 *
 * It keeps its own two indices as the real one does, writes only the daemon's
 * fields and takes the steps of a reset (rule 5) one at a time, so that a test
 * can look, or die, between any two.  The page has a guard on either side.
 */
#ifndef TESTS_UNIT_RING_SIM_H
#define TESTS_UNIT_RING_SIM_H

#include <stdint.h>
#include <string.h>

#include "protocol/ring.h"
#include "proxenos/ring.h"

#define SIM_GUARD 0xa5
#define SIM_RESET_STEPS 6

#define WRAP 0xfffffffau	/* six bytes before 2^32 */

/* producer - consumer, every shape: 0, 1, 1023 and 1024 are a ring's. */
static const struct {
	uint32_t used;
	bool valid;
} shapes[] __attribute__((unused)) = {
	{ 0, true }, { 1, true }, { 1023, true }, { 1024, true },
	{ 1025, false }, { 2048, false }, { 0x7fffffff, false },
	{ 0x80000000, false }, { 0x80000001, false }, { 0xfffffc00, false },
	{ 0xffffffff, false },
};

static const uint32_t bases[] __attribute__((unused)) = {
	0, 1, 1023, 1024, 0x7ffffff0, 0x80000000, 0xfffffc00, WRAP,
};

#define N(a) ((int)(sizeof(a) / sizeof((a)[0])))

struct sim {
	uint8_t before[64];
	struct ring_page page;
	uint8_t after[64];

	uint32_t req_cons, rsp_prod;	/* the daemon's own */
	unsigned int step;		/* of the reset under way */
	unsigned int resets;		/* done */
	unsigned int notified, waited;
	int notify_ret, wait_ret;
	void (*on_wait)(struct sim *sim);
	void *user;
};

static inline int sim_notify(void *ctx)
{
	struct sim *sim = ctx;

	sim->notified++;
	return sim->notify_ret;
}

static inline int sim_wait(void *ctx)
{
	struct sim *sim = ctx;

	sim->waited++;
	if (sim->on_wait != NULL)
		sim->on_wait(sim);
	return sim->wait_ret;
}

static const struct px_ring_ops sim_ops = {
	.notify = sim_notify,
	.wait = sim_wait,
};

/* An empty ring whose directions begin at these indices. */
static inline void sim_init(struct sim *sim, uint32_t features, uint32_t req,
			    uint32_t rsp)
{
	memset(sim, 0, sizeof(*sim));
	memset(sim->before, SIM_GUARD, sizeof(sim->before));
	memset(sim->after, SIM_GUARD, sizeof(sim->after));
	memset(sim->page.req, 0x11, sizeof(sim->page.req));
	memset(sim->page.rsp, 0x22, sizeof(sim->page.rsp));
	sim->page.req_cons = sim->page.req_prod = sim->req_cons = req;
	sim->page.rsp_cons = sim->page.rsp_prod = sim->rsp_prod = rsp;
	sim->page.features = features;
}

static inline bool sim_guards_hold(const struct sim *sim)
{
	size_t i;

	for (i = 0; i < sizeof(sim->before); i++)
		if (sim->before[i] != SIM_GUARD || sim->after[i] != SIM_GUARD)
			return false;
	return true;
}

/* Up to len request bytes; the count, or -1 for indices that cannot be. */
static inline int sim_take(struct sim *sim, void *buf, size_t len)
{
	uint32_t prod = ring_load_acquire(&sim->page.req_prod);
	size_t n;

	if (!ring_valid(prod, sim->req_cons))
		return -1;
	n = ring_used(prod, sim->req_cons);
	n = len < n ? len : n;
	ring_copy_out(buf, sim->page.req, sim->req_cons, n);
	sim->req_cons += (uint32_t)n;
	ring_store_release(&sim->page.req_cons, sim->req_cons);
	return (int)n;
}

/* Up to len reply bytes. */
static inline int sim_give(struct sim *sim, const void *buf, size_t len)
{
	uint32_t cons = ring_load_acquire(&sim->page.rsp_cons);
	size_t n;

	if (!ring_valid(sim->rsp_prod, cons))
		return -1;
	n = ring_room(sim->rsp_prod, cons);
	n = len < n ? len : n;
	ring_copy_in(sim->page.rsp, sim->rsp_prod, buf, n);
	sim->rsp_prod += (uint32_t)n;
	ring_store_release(&sim->page.rsp_prod, sim->rsp_prod);
	return (int)n;
}

/* One step of the reset that is asked; true when it was the last. */
static inline bool sim_reset_step(struct sim *sim)
{
	uint32_t *const fields[] = {
		&sim->page.req_cons, &sim->page.req_prod,
		&sim->page.rsp_cons, &sim->page.rsp_prod, &sim->page.error,
		&sim->page.connection,
	};

	sim->req_cons = 0;
	sim->rsp_prod = 0;
	ring_store_release(fields[sim->step], 0);
	if (++sim->step < SIM_RESET_STEPS)
		return false;
	sim->step = 0;
	sim->resets++;
	return true;
}

static inline void sim_reset(struct sim *sim)
{
	while (!sim_reset_step(sim))
		;
}

#endif /* TESTS_UNIT_RING_SIM_H */
