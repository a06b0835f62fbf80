/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The descriptor store that a service manager keeps for its service, with
 * the rules of systemd (sd_notify(3), FDSTORE=1): descriptors live as long as
 * the manager does, one that is there already is not stored twice, one whose
 * peer hung up is dropped unless its owner said FDPOLL=0, and what does not
 * fit is closed.
 */
#ifndef SIMXEN_FDSTORE_H
#define SIMXEN_FDSTORE_H

#include <stdbool.h>
#include <stddef.h>

/* Longest FDNAME, without the NUL; as systemd has it. */
#define FDSTORE_NAME 255

struct fdstore_entry {
	char name[FDSTORE_NAME + 1];
	int fd;
	unsigned int id;	/* tells entries apart in the epoll */
};

struct fdstore {
	struct fdstore_entry *entry;
	unsigned int count, max, last_id;
	int epoll;		/* readable when somebody hung up */
};

enum fdstore_result {
	FDSTORE_KEPT,
	FDSTORE_HAD,		/* the same open file is there; closed */
	FDSTORE_FULL,		/* closed */
	FDSTORE_BAD_NAME,	/* closed */
};

/* Room for max descriptors; 0 keeps none. 0 or -errno. */
int fdstore_init(struct fdstore *s, unsigned int max);
void fdstore_fini(struct fdstore *s);

/* Takes over fd whatever the result. name NULL means "stored". */
enum fdstore_result fdstore_add(struct fdstore *s, const char *name, int fd,
				bool watch);

/* Close all that have that name; how many. */
unsigned int fdstore_remove(struct fdstore *s, const char *name);

/* Close those whose peer hung up; how many. */
unsigned int fdstore_prune(struct fdstore *s);

/*
 * In the child, before exec: descriptors from 3 up become those of the store,
 * in order, and LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES say so (or are not
 * there, where nothing is stored). Whatever else was open at those numbers is
 * gone. 0 or -errno.
 */
int fdstore_hand_over(const struct fdstore *s);

#endif
