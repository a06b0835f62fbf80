/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deeds of a scenario as inputs.  It looks at the twin only, and like a host
 * at nothing but its interface; what the clients think is no matter here.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

void sim_gone(struct sim *sim, const struct machine_ask *ask)
{
	for (unsigned int i = 0; i < SCENARIO_CONNS; i++)
		if (sim->places[i].id == ask->conn)
			sim->places[i].tray.len = 0;
}

static void simple(struct sim *sim, enum machine_input_type type,
		   uint32_t conn)
{
	struct machine_input in = { .type = type, .conn = conn };

	sim_feed(sim, &in);
}

/* ------------------------------------------------------- the hypervisor -- */

static bool knows(struct sim *sim, unsigned int domid)
{
	uint64_t instance;
	uint32_t id = domid, flags;

	return machine_domain_next(sim->twin, &id, &instance, &flags) &&
	       id == domid;
}

static void tell(struct sim *sim, unsigned int domid)
{
	struct machine_input in = { .type = MACHINE_IN_DOMAIN,
				    .domid = domid };
	const struct world *w = domid < SCENARIO_DOMIDS ? &sim->world[domid] :
							  NULL;

	if (w && w->exists) {
		in.instance = w->instance;
		in.flags = MACHINE_DOM_EXISTS |
			(w->shutdown ? MACHINE_DOM_SHUTDOWN : 0) |
			(w->dying ? MACHINE_DOM_DYING : 0);
	}
	sim_feed(sim, &in);
}

static void change_world(struct sim *sim, unsigned int domid, size_t to)
{
	struct world *w = &sim->world[domid];

	if (!w->exists && (to == WORLD_SHUTDOWN || to == WORLD_DYING))
		return;
	if (to == WORLD_REBORN ||
	    (to == WORLD_RUNS && (!w->exists || w->dying)))
		w->instance = ++sim->instances;
	w->exists = to != WORLD_GONE;
	w->shutdown = to == WORLD_SHUTDOWN;
	w->dying = to == WORLD_DYING;
	if (knows(sim, domid))
		tell(sim, domid);
}

static uint32_t map(struct sim *sim, uint32_t domid)
{
	const struct world *w = &sim->world[domid % SCENARIO_DOMIDS];

	if (domid >= SCENARIO_DOMIDS || !w->exists || w->dying)
		return ENOENT;
	return domid && !random_below(&sim->rnd, 12) ? EINVAL : 0;
}

static void answer(struct sim *sim, size_t which)
{
	struct sim_ask q = sim->pending[which];
	struct machine_input in = { .type = MACHINE_IN_DONE,
				    .ask = q.ask.id };
	static const char reply[] = "done";

	if (q.ask.type == MACHINE_ASK_DOMAIN)
		tell(sim, q.ask.domid);
	if (q.ask.type == MACHINE_ASK_MAP) {
		in.error = map(sim, q.ask.domid);
	} else if (q.ask.type == MACHINE_ASK_CONTROL) {
		in.data = reply;
		in.len = sizeof(reply);
	}
	sim_feed(sim, &in);
}

/* --------------------------------------------------------- connections -- */

static void feed(struct sim *sim, struct sim_place *p, size_t n)
{
	struct machine_input in = { .type = MACHINE_IN_BYTES, .conn = p->id };
	size_t wants;
	char *copy;

	while (n && p->tray.len && !sim->failure[0]) {
		wants = machine_wants(sim->twin, p->id);
		in.len = p->tray.len < n ? p->tray.len : n;
		in.len = in.len < wants ? in.len : wants;
		if (!in.len)
			return;
		/* A block of its own, so that reading past it is seen. */
		copy = malloc(in.len);
		if (!copy)
			exit(99);
		memcpy(copy, p->tray.at, in.len);
		bytes_drop(&p->tray, in.len);
		in.data = copy;
		n -= in.len;
		sim_feed(sim, &in);
		free(copy);
	}
}

static bool take(struct sim *sim, const struct sim_place *p, size_t n)
{
	struct machine_input in = { .type = MACHINE_IN_TAKEN, .conn = p->id };
	struct machine_span spans[8];
	unsigned int k = machine_output(sim->twin, p->id, spans, 8);

	while (k)
		in.len += spans[--k].len;
	in.len = in.len < n ? in.len : n;
	if (in.len)
		sim_feed(sim, &in);
	return in.len != 0;
}

static void open_or_close(struct sim *sim, struct sim_place *p)
{
	p->tray.len = 0;
	if (machine_wants(sim->twin, p->id)) {
		simple(sim, MACHINE_IN_CLOSE, p->id);
		return;
	}
	simple(sim, MACHINE_IN_CLOSE, p->id);
	p->id = MACHINE_SOCKET_BASE + sim->sockets++;
	p->error = 0;
	simple(sim, MACHINE_IN_OPEN, p->id);
}

static void reset(struct sim *sim, struct sim_place *p,
		  enum machine_input_type type)
{
	if (p->id >= MACHINE_SOCKET_BASE)
		return;
	p->tray.len = 0;
	simple(sim, type, p->id);
}

static void put(struct sim_place *p, const struct wire_header *h,
		const void *payload, size_t len)
{
	char header[WIRE_HEADER_SIZE];

	if (p->tray.len > SIM_TRAY_MAX)
		return;
	wire_header_put(header, h);
	bytes_add(&p->tray, header, sizeof(header));
	bytes_add(&p->tray, payload, len);
}

static void overlong(struct sim *sim, struct sim_place *p, size_t len)
{
	struct wire_header h = { WIRE_READ, 1, 0, (uint32_t)len };

	put(p, &h, NULL, 0);
	feed(sim, p, SIZE_MAX);
}

static void advance(struct sim *sim, uint64_t by)
{
	struct machine_input in = { .type = MACHINE_IN_TIME,
				    .time = sim->time += by };

	sim_feed(sim, &in);
}

static bool drain_pass(struct sim *sim)
{
	bool moved = sim->npending != 0;

	while (sim->npending && !sim->failure[0])
		answer(sim, 0);
	for (unsigned int i = 0; i < SCENARIO_CONNS; i++) {
		struct sim_place *p = &sim->places[i];
		size_t before = p->tray.len;

		feed(sim, p, SIZE_MAX);
		moved |= before != p->tray.len;
		moved |= take(sim, p, SIZE_MAX);
	}
	return moved && !sim->failure[0];
}

static void drain(struct sim *sim)
{
	for (unsigned int pass = 0; drain_pass(sim); pass++) {
		advance(sim, 1000000);
		if (pass > 10000)
			sim_fail(sim, "drain does not come to an end");
	}
}

void sim_do(struct sim *sim, const struct deed *d)
{
	struct sim_place *p = &sim->places[d->conn];

	switch (d->type) {
	case DEED_REQUEST:
		put(p, &d->header, d->payload, d->header.len);
		break;
	case DEED_FEED:
		feed(sim, p, d->n);
		break;
	case DEED_TAKE:
		take(sim, p, d->n);
		break;
	case DEED_ANSWER:
		for (size_t n = d->n; n && sim->npending; n--)
			answer(sim, random_below(&sim->rnd,
					(unsigned int)sim->npending));
		break;
	case DEED_WORLD:
		change_world(sim, d->domid, d->n);
		break;
	case DEED_OPEN:
		open_or_close(sim, p);
		break;
	case DEED_RESET:
		reset(sim, p, MACHINE_IN_RING_RESET);
		break;
	case DEED_FAIL:
		reset(sim, p, MACHINE_IN_RING_FAILED);
		break;
	case DEED_OVERLONG:
		overlong(sim, p, d->n);
		break;
	case DEED_TIME:
		advance(sim, d->n);
		break;
	case DEED_DRAIN:
		drain(sim);
		break;
	}
	while (sim->s->answers_at_once && sim->npending && !sim->failure[0])
		answer(sim, 0);
}

void sim_begin(struct sim *sim)
{
	sim->world[0].exists = true;
	sim->world[0].instance = ++sim->instances;
	for (unsigned int i = 0; i < SCENARIO_CONNS; i++) {
		struct sim_place *p = &sim->places[i];

		p->id = i - SCENARIO_SOCKETS;
		if (i >= SCENARIO_SOCKETS)
			continue;
		p->id = MACHINE_SOCKET_BASE + sim->sockets++;
		simple(sim, MACHINE_IN_OPEN, p->id);
	}
	simple(sim, MACHINE_IN_ADOPT, 0);
	while (sim->npending && !sim->failure[0])
		answer(sim, 0);
}
