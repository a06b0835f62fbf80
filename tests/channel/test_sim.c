/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random schedules for two ends: see sim.h.
 *
 *   test_sim [--seed S] [--runs N] [--seconds T]
 *   test_sim --follow FILE
 *
 * Each run is made from one number, which is printed when something does not
 * hold.  --seconds ends the runs early when the machine is slow.  --follow:
 * the steps in FILE, which are walks of the model: tests/channel/refine.
 */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/channel/sim.h"

enum { STEPS = 6000, REST_STEPS = 40000 };

static struct sim sim;
static unsigned long ups, delivered;

static void traffic(struct sim *s, unsigned int i)
{
	static const unsigned int sizes[] = { 0, 1, 64, 300, 1792, SIM_BYTES };
	unsigned int kind = sim_below(s, 6);

	if (kind < 5 || !sim_below(s, 4))
		sim_send(s, i, sizes[kind] ? sim_below(s, sizes[kind]) + 1 :
					     0);
}

static void ordinary(struct sim *s, unsigned int i)
{
	struct sim_end *e = &s->end[i];

	switch (sim_below(s, 8)) {
	case 0:
	case 1:
		sim_run(s, i, 1 + sim_below(s, 4));
		break;
	case 2:
	case 3:
		sim_land(s, i);
		break;
	case 4:
	case 5:
		sim_answer(s, i);
		break;
	case 6:
		sim_bell(s, i);
		break;
	default:
		if (e->frozen)
			break;
		sim_complete(s, i);
		sim_let_go(s, i);
	}
	s->now += sim_below(s, 2000);
}

/* A client that closed begins again as a new process. */
static void reopen(struct sim *s, unsigned int i)
{
	sim_reborn(s, i);
	if (s->end[i].ended)
		sim_start(s, i);
}

/* No more troubles: everybody gets a turn, time goes on. */
static bool rest(struct sim *s)
{
	s->refuse = false;
	for (unsigned int i = 0; i < 2; i++)
		s->end[i].frozen = s->end[i].dead;
	for (unsigned int n = 0; n < REST_STEPS; n++) {
		bool quiet = true;

		s->steps++;
		for (unsigned int i = 0; i < 2; i++) {
			struct sim_end *e = &s->end[i];

			sim_ghost(s, i);
			sim_run(s, i, 8);
			quiet &= !sim_land(s, i) & !sim_answer(s, i);
			sim_bell(s, i);
			sim_complete(s, i);
			sim_let_go(s, i);
			reopen(s, i);
			quiet &= e->c.state == CHANNEL_UP && e->up &&
				 !e->c.queue && !e->c.sent &&
				 !e->c.done && !e->in_hand && !e->c.in_full &&
				 e->c.rx == s->end[1 - i].c.acked;
		}
		if (quiet && channel_epoch_is(&s->end[0].c.me,
					      &s->end[1].c.you))
			return true;
		s->now += 5000;
	}
	return false;
}

static void at_rest(struct sim *s)
{
	SIM_MUST(s, rest(s));
	sim_at_rest(s);
	for (unsigned int i = 0; i < 2; i++)
		for (unsigned int k = 0; k < s->end[i].cycles; k++) {
			ups++;
			delivered += s->end[i].cycle[k].completed;
		}
}

static void run(uint64_t seed)
{
	struct sim *s = &sim;
	unsigned int calm;

	sim_begin(s, seed);
	calm = 20 + sim_below(s, 400);
	for (unsigned int n = 0; n < STEPS; n++) {
		unsigned int i = sim_below(s, 2);

		s->steps++;
		ordinary(s, i);
		if (!sim_below(s, 6))
			traffic(s, i);
		if (!sim_below(s, calm))
			sim_trouble(s, i);
		if (s->ghost_there[i] && !sim_below(s, 150))
			sim_ghost(s, i);
		reopen(s, i);
	}
	at_rest(s);
}

/* "@ STEP END UP UP": cuts off the step's name; false if it is none. */
static bool step_of(char *line, char **step, unsigned int number[3])
{
	char *rest = line;

	if (strncmp(line, "@ ", 2))
		return false;
	rest += 2;
	*step = strsep(&rest, " ");
	for (unsigned int n = 0; n < 3 && rest; n++)
		number[n] = (unsigned int)strtoul(rest, &rest, 10);
	return rest && number[0] < 2;
}

/* What is no step ends a walk. */
static int follow(const char *path)
{
	FILE *f = fopen(path, "r");
	unsigned long walks = 0, steps = 0, agreed = 0;
	char line[128], *step;
	unsigned int n[3];

	if (!f) {
		perror(path);
		return 1;
	}
	sim_begin(&sim, 1);
	while (fgets(line, sizeof(line), f)) {
		if (step_of(line, &step, n)) {
			SIM_MUST(&sim, sim_follow(&sim, step, n[0]));
			reopen(&sim, 0);
			reopen(&sim, 1);
			agreed += sim.end[0].up == n[1] &&
				  sim.end[1].up == n[2];
			steps++;
		} else if (sim.steps) {
			at_rest(&sim);
			sim_begin(&sim, ++walks + 1);
		}
	}
	fclose(f);
	printf("test_sim: %lu walks of the model, %lu steps, both ends as "
	       "there after %lu\n", walks, steps, agreed);
	return walks && steps ? 0 : 1;
}

int main(int argc, char **argv)
{
	static const struct option names[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "runs", required_argument, NULL, 'r' },
		{ "seconds", required_argument, NULL, 't' },
		{ "follow", required_argument, NULL, 'f' },
		{ NULL, 0, NULL, 0 }
	};
	unsigned long runs = 2000, n, steps = 0;
	uint64_t seed = 1;
	time_t until = time(NULL) + 60;
	bool all;
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (c == 's')
			seed = strtoull(optarg, NULL, 10);
		else if (c == 'r')
			runs = strtoul(optarg, NULL, 10);
		else if (c == 't')
			until = time(NULL) + strtol(optarg, NULL, 10);
		else if (c == 'f')
			return follow(optarg);
		else
			return 2;
	}
	for (n = 0; n < runs && time(NULL) < until; n++) {
		run(seed + n);
		steps += sim.steps;
	}
	printf("test_sim: %lu runs, %lu steps, %lu times up, %lu messages\n",
	       n, steps, ups, delivered);
	all = sim_trouble_print();
	return delivered && (all || n < 100) ? 0 : 1;
}
