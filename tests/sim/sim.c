/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One step of both machines, and the comparison after it; see sim.h. */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"
#include "xenstored/core/state.h"

enum { SPANS = 8192 };

void sim_fail(struct sim *sim, const char *format, ...)
{
	va_list args;

	if (sim->failure[0])
		return;
	va_start(args, format);
	vsnprintf(sim->failure, sizeof(sim->failure), format, args);
	va_end(args);
}

/* ------------------------------------------------------------ the asks -- */

static struct sim_place *place_of(struct sim *sim, uint32_t id)
{
	for (unsigned int i = 0; i < SCENARIO_CONNS; i++)
		if (sim->places[i].id == id)
			return &sim->places[i];
	return NULL;
}

static void twin_asks(struct sim *sim)
{
	struct machine_ask ask;

	while (machine_ask_peek(sim->twin, &ask)) {
		struct sim_place *p = place_of(sim, ask.conn);
		struct sim_ask *q;

		if (sim_has_answer(&ask)) {
			sim->pending = model_grow(sim->pending, sim->npending,
						  sizeof(*q));
			q = &sim->pending[sim->npending++];
			q->ask = ask;
			q->data = model_copy(ask.data, ask.data ? ask.len : 0);
		} else if (p) {
			sim_gone(sim, &ask);
			p->error = ask.type == MACHINE_ASK_RING_ERROR ?
				ask.code : 0;
		}
		machine_ask_pop(sim->twin);
	}
}

static bool same_ask(const struct machine_ask *a, const struct sim_ask *q)
{
	return a->id == q->ask.id && a->type == q->ask.type &&
	       a->conn == q->ask.conn && a->domid == q->ask.domid &&
	       a->port == q->ask.port && a->features == q->ask.features &&
	       a->len == q->ask.len &&
	       (!a->len || !memcmp(a->data, q->data, a->len));
}

/*
 * Fetch what the live machine asks: without a crash what the twin has just
 * asked (`from` on), after one all that was ever asked and not answered.
 */
static void live_asks(struct sim *sim, size_t from, bool again)
{
	uint32_t told[SCENARIO_CONNS] = { 0 };
	struct machine_ask ask;

	while (machine_ask_peek(sim->live, &ask)) {
		struct sim_place *p = place_of(sim, ask.conn);

		if (ask.type == MACHINE_ASK_RING_ERROR && p)
			told[p - sim->places] = ask.code;
		if (sim_has_answer(&ask) &&
		    (from >= sim->npending ||
		     !same_ask(&ask, &sim->pending[from++])))
			sim_fail(sim, "ask %llu of type %d was not asked before",
				 (unsigned long long)ask.id, ask.type);
		machine_ask_pop(sim->live);
	}
	if (from != sim->npending)
		sim_fail(sim, "%zu asks are not asked (again)",
			 sim->npending - from);
	for (unsigned int i = 0; again && i < SCENARIO_CONNS; i++) {
		if (told[i] != sim->places[i].error)
			sim_fail(sim, "ring %u was given up for %u, told is %u",
				 sim->places[i].id, sim->places[i].error,
				 told[i]);
		sim->told_again += told[i] != 0;
	}
	sim->asked_again += again ? sim->npending : 0;
}

static void answered(struct sim *sim, uint64_t id)
{
	for (size_t i = 0; i < sim->npending; i++) {
		struct sim_ask *q = &sim->pending[i];

		if (q->ask.id != id)
			continue;
		free(q->data);
		memmove(q, q + 1, (--sim->npending - i) * sizeof(*q));
		return;
	}
}

/* What is known also after death. */
static void published(struct sim *sim, const struct machine_input *in)
{
	struct sim_place *p = place_of(sim, in->conn);

	if (in->type == MACHINE_IN_DONE)
		answered(sim, in->ask);
	if (in->type == MACHINE_IN_RING_RESET ||
	    in->type == MACHINE_IN_RING_FAILED)
		p->error = 0;
}

/* ------------------------------------------------------------ comparing -- */

static void read_output(struct machine *m, uint32_t conn, struct bytes *to)
{
	static struct machine_span spans[SPANS];
	unsigned int n = machine_output(m, conn, spans, SPANS);

	for (unsigned int i = 0; i < n; i++)
		bytes_add(to, spans[i].at, spans[i].len);
}

static void compare_conn(struct sim *sim, uint32_t conn)
{
	struct bytes a = { NULL, 0, 0 }, b = { NULL, 0, 0 };

	read_output(sim->twin, conn, &a);
	read_output(sim->live, conn, &b);
	if (a.len != b.len || (a.len && memcmp(a.at, b.at, a.len)))
		sim_fail(sim, "connection %u: other output", conn);
	if (machine_wants(sim->twin, conn) != machine_wants(sim->live, conn))
		sim_fail(sim, "connection %u: another appetite", conn);
	bytes_free(&a);
	bytes_free(&b);
}

static void compare_domains(struct sim *sim)
{
	uint32_t a = 0, b = 0, fa, fb;
	uint64_t ia, ib;

	for (;; a++, b++) {
		bool more = machine_domain_next(sim->twin, &a, &ia, &fa);

		if (more != machine_domain_next(sim->live, &b, &ib, &fb) ||
		    (more && (a != b || ia != ib || fa != fb)))
			sim_fail(sim, "other domains are known");
		if (!more || sim->failure[0])
			return;
	}
}

static void compare(struct sim *sim)
{
	for (unsigned int i = 0; i < SCENARIO_CONNS; i++)
		compare_conn(sim, sim->places[i].id);
	compare_domains(sim);
	if (machine_deadline(sim->twin) != machine_deadline(sim->live))
		sim_fail(sim, "another deadline");
	if (machine_digest(sim->twin) != machine_digest(sim->live))
		sim_fail(sim, "another digest");
}

/* ---------------------------------------------------------------- steps -- */

/* Where in a step death comes. */
enum death { NEVER, UNPUBLISHED, PUBLISHED, EXECUTED, FETCHED, DEATHS };

static void step(struct sim *sim, struct machine *m,
		 const struct machine_input *in)
{
	int error = machine_step(m, in);

	if (error)
		sim_fail(sim, "input of type %d gives %d", in->type, error);
}

void sim_feed(struct sim *sim, const struct machine_input *in)
{
	enum death death = sim->nimages ? random_below(&sim->rnd, DEATHS) :
					  NEVER;
	size_t before;

	if (sim->failure[0])
		return;
	if (death == UNPUBLISHED) {
		sim_crash(sim);
		if (sim->failure[0])
			return;
		live_asks(sim, 0, true);
	}
	sim_journal(sim, in);
	published(sim, in);
	before = sim->npending;
	step(sim, sim->twin, in);
	twin_asks(sim);
	if (death != PUBLISHED)
		step(sim, sim->live, in);
	if (death == FETCHED)
		live_asks(sim, before, false);
	if (death >= PUBLISHED)
		sim_crash(sim);
	if (sim->failure[0])
		return;
	live_asks(sim, death >= PUBLISHED ? 0 : before, death >= PUBLISHED);
	compare(sim);
	if (!sim->nimages || !random_below(&sim->rnd, 8))
		sim_checkpoint(sim);
}

bool sim_run(struct sim *sim, const struct scenario *s)
{
	memset(sim, 0, sizeof(*sim));
	sim->s = s;
	sim->rnd = s->seed ^ 0xdead;
	sim->twin = machine_new(&s->config);
	sim->live = machine_new(&s->config);
	if (!sim->twin || !sim->live)
		return false;
	sim_checkpoint(sim);
	sim_begin(sim);
	for (size_t i = 0; i < s->count && !sim->failure[0]; i++)
		sim_do(sim, &s->deeds[i]);
	for (unsigned int i = 0; i < SCENARIO_CONNS; i++)
		bytes_free(&sim->places[i].tray);
	for (size_t i = 0; i < sim->npending; i++)
		free(sim->pending[i].data);
	free(sim->pending);
	sim->conflicts = sim->twin->counts.conflicts;
	sim->held = sim->twin->counts.held;
	sim_forget(sim);
	machine_free(sim->twin);
	machine_free(sim->live);
	return !sim->failure[0];
}
