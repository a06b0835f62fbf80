/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random schedules for two ends: see sim.h.
 *
 *   test_sim [--seed S] [--runs N] [--seconds T]
 *
 * Each run is made from one number, which is printed when something does not
 * hold.  --seconds ends the runs early when the machine is slow.
 */
#include "config.h"

#include <errno.h>
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

static void close_end(struct sim *s, unsigned int i)
{
	if (s->end[i].frozen || s->end[i].closed)
		return;
	s->end[i].closed = true;
	s->troubles++;
	sim_event(s, i, (struct channel_event){ CHANNEL_EV_CLOSE });
}

static void freeze(struct sim *s, unsigned int i)
{
	struct sim_end *e = &s->end[i];

	if (e->frozen && s->now < e->wake_at)
		return;
	e->frozen = !e->frozen;
	e->wake_at = s->now + sim_below(s, 3 * SIM_LEASE * 1000);
	s->troubles++;
}

/* Once in a while. */
static void trouble(struct sim *s, unsigned int i)
{
	switch (sim_below(s, 16)) {
	case 0:
		sim_kill(s, i);
		break;
	case 1:
		sim_kill(s, i);
		if (!sim_below(s, 2))
			sim_kill(s, 1 - i);
		break;
	case 2:
	case 3:
		freeze(s, i);
		break;
	case 4:
		sim_restart(s, false);
		break;
	case 5:
		memcpy(s->old, s->home, sizeof(s->old));
		break;
	case 6:
		sim_restart(s, true);
		break;
	case 7:
		s->refuse = !s->refuse;
		s->refuse_error = sim_below(s, 2) ? -EDQUOT : -EACCES;
		break;
	case 8:
		s->now += sim_below(s, SIM_LEASE * 1000);
		s->troubles += 2;
		break;
	case 9:
		close_end(s, i);
		if (!sim_below(s, 2))
			close_end(s, 1 - i);
		break;
	case 10:
		sim_move(s, i);
		break;
	default:
		s->now += sim_below(s, 100000);
	}
}

/* A client that closed begins again as a new process. */
static void reopen(struct sim *s, unsigned int i)
{
	if (s->end[i].ended)
		sim_start(s, i);
}

/* No more troubles: everybody gets a turn, time goes on. */
static bool rest(struct sim *s)
{
	s->refuse = false;
	s->end[0].frozen = s->end[1].frozen = false;
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
			trouble(s, i);
		if (s->ghost_there[i] && !sim_below(s, 150))
			sim_ghost(s, i);
		reopen(s, i);
	}
	SIM_MUST(s, rest(s));
	sim_at_rest(s);
	for (unsigned int i = 0; i < 2; i++)
		for (unsigned int k = 0; k < s->end[i].cycles; k++) {
			ups++;
			delivered += s->end[i].cycle[k].completed;
		}
}

int main(int argc, char **argv)
{
	static const struct option names[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "runs", required_argument, NULL, 'r' },
		{ "seconds", required_argument, NULL, 't' },
		{ NULL, 0, NULL, 0 }
	};
	unsigned long runs = 2000, n, steps = 0;
	uint64_t seed = 1;
	time_t until = time(NULL) + 60;
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (c == 's')
			seed = strtoull(optarg, NULL, 10);
		else if (c == 'r')
			runs = strtoul(optarg, NULL, 10);
		else if (c == 't')
			until = time(NULL) + strtol(optarg, NULL, 10);
		else
			return 2;
	}
	for (n = 0; n < runs && time(NULL) < until; n++) {
		run(seed + n);
		steps += sim.steps;
	}
	printf("test_sim: %lu runs, %lu steps, %lu times up, %lu messages\n",
	       n, steps, ups, delivered);
	return n && delivered ? 0 : 1;
}
