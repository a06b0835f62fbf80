/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine as one process has it open: the mapped table, its lock, and the
 * paths of what lies in the directory. Functions that say 'locked' want the
 * lock held.
 */
#ifndef SIMXEN_MACHINE_H
#define SIMXEN_MACHINE_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/simxen/layout.h"
#include "tools/simxen/wake.h"

struct simxen {
	char *dir;		/* absolute; daemons change directory */
	struct shm_machine *shm;
	struct wake wake;
};

#define MACHINE_PATH 4096

/* dir/room/number in hexadecimal, into buf of MACHINE_PATH bytes. */
void machine_path(const struct simxen *m, char *buf, const char *room,
		  uint64_t number);

/*
 * The lock is robust: when its holder was killed, the table is put in order
 * (the maps are rebuilt, half-made bindings dissolved) before lock returns.
 */
void machine_lock(struct simxen *m);
void machine_unlock(struct simxen *m);

/* Bits of domain_map and port_map; the first set bit at or after from. */
bool machine_bit(const uint64_t *map, unsigned int bit);
void machine_set_bit(uint64_t *map, unsigned int bit, bool value);
int machine_next_bit(const uint64_t *map, unsigned int from,
		     unsigned int count);

#endif
