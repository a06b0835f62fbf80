/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model's steps (docs/model/link.pml, TRACE) done to the C machine.  A
 * step of the model is a whole action of an end; here it is what makes the
 * machine do that: the machine asks for what it wants, and what it asked for
 * reaches the store, and is answered, up to the operation that the step is
 * about.  Operations of one end are done in order, so more may happen than
 * in the model, never less; what the machine does not want is left out.
 */
#include "config.h"

#include "tests/channel/sim.h"

#include <string.h>

enum { ENOUGH = 64 };

/* What was asked for is done up to the first of that type, and answered. */
static void serve(struct sim *s, unsigned int i, enum channel_action_type type)
{
	struct sim_end *e = &s->end[i];
	bool found = false;

	sim_run(s, i, ENOUGH);
	for (unsigned int n = 0; n < ENOUGH && e->ops && !found; n++) {
		found = e->op[0].type == type;
		if (!e->op[0].landed)
			sim_land(s, i);
		sim_answer(s, i);
	}
	sim_run(s, i, ENOUGH);
}

static void do_write(struct sim *s, unsigned int i)
{
	serve(s, i, CHANNEL_DO_WRITE_STATUS);
}

static void do_read(struct sim *s, unsigned int i)
{
	sim_event(s, i, (struct channel_event){ CHANNEL_EV_BELL_STATUS });
	serve(s, i, CHANNEL_DO_READ_PEER);
}

static void do_let_go(struct sim *s, unsigned int i)
{
	sim_let_go(s, i);
	sim_run(s, i, ENOUGH);
}

static void do_suspect(struct sim *s, unsigned int i)
{
	s->troubles++;
	channel_stimulus(&s->end[i].c, CHANNEL_PEER_SILENT, NULL, s->now);
	sim_run(s, i, ENOUGH);
}

/* Leaving before it was up is closing. */
static void do_cancel(struct sim *s, unsigned int i)
{
	struct sim_end *e = &s->end[i];

	if (e->closed)
		return;
	s->troubles++;
	e->closed = true;
	sim_event(s, i, (struct channel_event){ CHANNEL_EV_CLOSE });
	sim_run(s, i, ENOUGH);
}

static void do_put(struct sim *s, unsigned int i)
{
	sim_send(s, i, 1 + sim_below(s, 3000));
	serve(s, i, CHANNEL_DO_WRITE_SLOT);
}

static void do_again(struct sim *s, unsigned int i)
{
	s->now += s->end[i].c.rto;
	serve(s, i, CHANNEL_DO_WRITE_SLOT);
}

static void do_deliver(struct sim *s, unsigned int i)
{
	sim_event(s, i, (struct channel_event){
		.type = CHANNEL_EV_BELL_SLOT, .slot = sim_below(s, SIM_SLOTS) });
	serve(s, i, CHANNEL_DO_READ_SLOT);
	sim_complete(s, i);
}

static void do_save(struct sim *s, unsigned int i)
{
	memcpy(s->old, s->home, sizeof(s->old));
}

static void do_roll_back(struct sim *s, unsigned int i)
{
	sim_restart(s, true);
}

static const struct {
	const char *name;
	void (*act)(struct sim *s, unsigned int i);
} steps[] = {
	{ "WRITE", do_write },
	{ "READ", do_read },
	{ "LET_GO", do_let_go },
	{ "SUSPECT", do_suspect },
	{ "CANCEL", do_cancel },
	{ "CRASH", sim_kill },
	{ "GHOST", sim_ghost },
	{ "PUT", do_put },
	{ "AGAIN", do_again },
	{ "DELIVER", do_deliver },
	{ "SAVE", do_save },
	{ "ROLL_BACK", do_roll_back },
};

bool sim_follow(struct sim *s, const char *step, unsigned int i)
{
	for (size_t n = 0; n < sizeof(steps) / sizeof(steps[0]); n++)
		if (!strcmp(steps[n].name, step)) {
			s->steps++;
			s->now += 100;
			steps[n].act(s, i);
			return true;
		}
	return false;
}
