/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What goes wrong in the world, each once in a while, and how often it did.
 * See sim.h.
 */
#include "config.h"

#include "tests/channel/sim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void kill_one(struct sim *s, unsigned int i)
{
	sim_kill(s, i);
}

static void kill_both(struct sim *s, unsigned int i)
{
	sim_kill(s, i);
	sim_kill(s, 1 - i);
}

static void freeze(struct sim *s, unsigned int i)
{
	struct sim_end *e = &s->end[i];

	if (e->dead || (e->frozen && s->now < e->wake_at))
		return;
	e->frozen = !e->frozen;
	e->wake_at = s->now + sim_below(s, 3 * SIM_LEASE * 1000);
	s->troubles++;
}

static void restart(struct sim *s, unsigned int i)
{
	sim_restart(s, false);
}

static void save(struct sim *s, unsigned int i)
{
	memcpy(s->old, s->home, sizeof(s->old));
}

static void roll_back(struct sim *s, unsigned int i)
{
	sim_restart(s, true);
}

static void quota(struct sim *s, unsigned int i)
{
	s->refuse = !s->refuse;
	s->refuse_error = -EDQUOT;
}

static void eacces(struct sim *s, unsigned int i)
{
	s->refuse = !s->refuse;
	s->refuse_error = -EACCES;
}

/* Everybody, the daemon too. */
static void stall(struct sim *s, unsigned int i)
{
	s->now += sim_below(s, SIM_LEASE * 1000);
	s->troubles += 2;
}

static void close_one(struct sim *s, unsigned int i)
{
	if (s->end[i].frozen || s->end[i].closed)
		return;
	s->end[i].closed = true;
	s->troubles++;
	sim_event(s, i, (struct channel_event){ CHANNEL_EV_CLOSE });
}

/* At once: neither has seen the other leave. */
static void close_both(struct sim *s, unsigned int i)
{
	close_one(s, i);
	close_one(s, 1 - i);
}

static const struct {
	const char *name;
	void (*act)(struct sim *s, unsigned int i);
} kinds[] = {
	{ "process killed", kill_one },
	{ "both killed", kill_both },
	{ "frozen or woken", freeze },
	{ "frozen or woken", freeze },
	{ "daemon restarted", restart },
	{ "store saved", save },
	{ "store rolled back", roll_back },
	{ "quota", quota },
	{ "EACCES", eacces },
	{ "stall", stall },
	{ "one closes", close_one },
	{ "both close at once", close_both },
	{ "migration", sim_move },
	{ "domain destroyed", sim_destroy },
	{ "snapshot taken", sim_snapshot },
	{ "snapshot restored", sim_restore },
	{ "late write", sim_late },
	{ "garbage", sim_garbage },
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]), MORE = 8 };

static unsigned long counts[KINDS];

void sim_trouble(struct sim *s, unsigned int i)
{
	unsigned int kind = sim_below(s, KINDS + MORE);

	if (kind >= KINDS) {
		s->now += sim_below(s, 100000);
		return;
	}
	counts[kind]++;
	kinds[kind].act(s, i);
}

bool sim_trouble_print(void)
{
	bool all = true;

	for (unsigned int k = 0; k < KINDS; k++) {
		printf("%s%s %lu", k ? ", " : "  ", kinds[k].name, counts[k]);
		all &= counts[k] != 0;
	}
	putchar('\n');
	return all;
}
