/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Journal, checkpoints, death and recovery; see sim.h. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

void sim_journal(struct sim *sim, const struct machine_input *in)
{
	size_t n = (size_t)(sim->fed - sim->first);
	struct entry *e;

	sim->journal = model_grow(sim->journal, n, sizeof(*e));
	e = &sim->journal[n];
	e->in = *in;
	e->data = model_copy(in->data, in->data ? in->len : 0);
	e->in.data = in->data ? e->data : NULL;
	sim->fed++;
}

static void journal_drop(struct sim *sim, uint64_t before)
{
	size_t n = (size_t)(before - sim->first);

	for (size_t i = 0; i < n; i++)
		free(sim->journal[i].data);
	memmove(sim->journal, sim->journal + n,
		(size_t)(sim->fed - before) * sizeof(*sim->journal));
	sim->first = before;
}

/* --------------------------------------------------------- checkpoints -- */

static void kept_restart(struct sim *sim)
{
	for (size_t i = sim->kept.count; i--;)
		if (strncmp(sim->kept.rec[i].key, "node ", 5))
			bag_remove(&sim->kept, i);
}

/* What is not a node anew; of the nodes only what is new, changed, gone. */
static int write_difference(struct sim *sim)
{
	struct node *now = image_snapshot(sim->live);
	int error;

	kept_restart(sim);
	error = image_write_rest(sim->live, bag_put, &sim->kept);
	if (!error)
		error = image_write_nodes(sim->live, sim->snapshot, bag_put,
					  &sim->kept);
	image_release(sim->snapshot);
	sim->snapshot = now;
	sim->differences++;
	return error;
}

static void bag_copy(struct bag *to, const struct bag *from)
{
	for (size_t i = 0; i < from->count; i++)
		bag_add(to, from->rec[i].key, from->rec[i].value,
			from->rec[i].len);
}

static void image_drop_first(struct sim *sim)
{
	bag_free(&sim->images[0].bag);
	memmove(&sim->images[0], &sim->images[1],
		--sim->nimages * sizeof(sim->images[0]));
	journal_drop(sim, sim->images[0].at);
}

void sim_checkpoint(struct sim *sim)
{
	struct sim_image image = { .at = sim->fed,
				   .digest = machine_digest(sim->live) };
	int error = bag_write(&image.bag, sim->live);

	if (error == -EBUSY) {
		bag_free(&image.bag);
		return;
	}
	if (!error && random_below(&sim->rnd, 2)) {
		bag_free(&image.bag);
		error = write_difference(sim);
		bag_copy(&image.bag, &sim->kept);
	}
	if (error)
		sim_fail(sim, "writing an image gives %d", error);
	if (sim->nimages == SIM_IMAGES)
		image_drop_first(sim);
	sim->images[sim->nimages++] = image;
}

/* ------------------------------------------------------------ recovery -- */

bool sim_has_answer(const struct machine_ask *ask)
{
	return ask->type == MACHINE_ASK_DOMAIN ||
	       ask->type == MACHINE_ASK_MAP || ask->type == MACHINE_ASK_CONTROL;
}

/* During replay nothing is asked of anybody. */
static void pop_all(struct machine *m)
{
	struct machine_ask ask;

	while (machine_ask_peek(m, &ask))
		machine_ask_pop(m);
}

static void say(void *arg, const char *text)
{
	sim_fail(arg, "machine_check after recovery: %s", text);
}

static void replay(struct sim *sim, struct machine *m, uint64_t from)
{
	for (uint64_t i = from; i < sim->fed && !sim->failure[0]; i++) {
		const struct entry *e = &sim->journal[i - sim->first];
		int error = machine_step(m, &e->in);

		if (error)
			sim_fail(sim, "replayed input %llu gives %d",
				 (unsigned long long)i, error);
		pop_all(m);
		sim->replayed++;
	}
}

void sim_crash(struct sim *sim)
{
	struct sim_image *image =
		&sim->images[random_below(&sim->rnd, sim->nimages)];
	struct machine *m;
	char why[256];
	int error;

	machine_free(sim->live);
	sim->live = NULL;
	sim->crashes++;
	m = bag_read(&image->bag, &sim->s->config, &error, why);
	if (!m) {
		sim_fail(sim, "image_read() gives %d: %s", error, why);
		return;
	}
	sim->live = m;
	if (machine_digest(m) != image->digest)
		sim_fail(sim, "the image has another digest");
	replay(sim, m, image->at);
	machine_ask_again(m);
	machine_check(m, say, sim);
}

void sim_forget(struct sim *sim)
{
	journal_drop(sim, sim->fed);
	free(sim->journal);
	while (sim->nimages)
		bag_free(&sim->images[--sim->nimages].bag);
	bag_free(&sim->kept);
	image_release(sim->snapshot);
}
