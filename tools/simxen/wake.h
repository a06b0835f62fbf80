/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Waking a sink: its FIFO, who may write to it, and whether its owner lives.
 *
 * The owner's descriptor carries an flock. The lock belongs to the open file
 * description, so it survives exec and lives on in a supervisor that was
 * handed the descriptor, and it goes when the last copy is closed, however
 * the holder ended. Whoever can take the lock through another open knows that
 * the owner is gone.
 *
 * Writers open the FIFO for themselves and keep a bounded number of such
 * descriptors (FD_CLOEXEC, numbers moved out of the way of select). They
 * open it for reading too, so that a vanished owner never means SIGPIPE.
 */
#ifndef SIMXEN_WAKE_H
#define SIMXEN_WAKE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define WAKE_CACHE 256

struct simxen;

struct wake {
	pthread_mutex_t lock;	/* of this process, not of the machine */
	struct wake_slot {
		uint64_t sink;
		int fd;
	} slot[WAKE_CACHE];
};

void wake_init(struct wake *wake);
void wake_fini(struct wake *wake);

/*
 * Locked. A new sink of that kind: its id and, in *fd, the owner's
 * descriptor, O_RDWR plus flags (O_CLOEXEC, O_NONBLOCK). 0 with errno set on
 * failure; ENOSPC: every slot is in use.
 */
uint64_t wake_open(struct simxen *m, uint32_t kind, int flags, int *fd);

/* Locked. Find the sink of kind whose FIFO fd is; 0: it is none. */
uint64_t wake_find(struct simxen *m, uint32_t kind, int fd);

/* Locked. True when no descriptor of the owner is open any more. */
bool wake_dead(struct simxen *m, uint64_t sink);

/* Locked. Forget the sink and remove its FIFO. */
void wake_free(struct simxen *m, uint64_t sink);

/* Append an entry; a sink that is gone takes it silently. */
void wake_write(struct simxen *m, uint64_t sink, uint32_t entry);

#endif
