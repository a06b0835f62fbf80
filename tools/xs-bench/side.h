/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A side of a comparison: one daemon on a simxen machine of its own, and the
 * samples that were taken of it. All sides of a row run at the same time and
 * take turns at being measured, so that whatever the host does meanwhile it
 * does to all of them.
 *
 * Functions that return bool say on standard error what failed.
 */
#ifndef BENCH_SIDE_H
#define BENCH_SIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tools/simxen/guest.h"

enum side_id {
	SIDE_OURS,
	SIDE_BARE,	/* ours with --no-journal */
	SIDE_STOCK,
	SIDE_OCAML,
	SIDE_ECHO,
	SIDE_COUNT
};

#define SIDE_BIT(id) (1u << (id))
#define SIDE_PEERS (SIDE_BIT(SIDE_OURS) | SIDE_BIT(SIDE_STOCK) | \
		    SIDE_BIT(SIDE_OCAML))
#define SIDE_ALL (SIDE_PEERS | SIDE_BIT(SIDE_ECHO))
#define SIDE_JOURNAL (SIDE_BIT(SIDE_OURS) | SIDE_BIT(SIDE_BARE))

extern const char *const side_names[SIDE_COUNT];

/* Most figures of one row. */
#define SIDE_METRICS 8

struct samples {
	double *value;
	size_t count, room;
};

struct side {
	enum side_id id;
	bool up;
	pid_t pid;
	char dir[64];
	char socket[96];
	struct simxen *machine;
	void *priv;		/* the row's, until it ends */
	struct samples metric[SIDE_METRICS];
};

/* Programs, found once beside this one or given by options. */
struct side_programs {
	char self[4096];
	char simxen[4096];
	char ours[4096];
	int cpu;		/* daemon and client run there; -1: anywhere */
};

extern struct side_programs side_programs;

/* A fresh machine with its daemon, answering; and the end of both. */
bool side_start(struct side *s, enum side_id id);
void side_stop(struct side *s);

/* The same in two steps, for rows that measure the start. */
bool side_machine(struct side *s, enum side_id id);
bool side_exec(struct side *s);
void side_kill(struct side *s);

/*
 * Wait until the daemon does nothing any more, like writing down what it was
 * given; not longer than a minute, and then it is measured as it is.
 */
bool side_settle(const struct side *s);

/*
 * Resident bytes of the daemon; `own` without what it shares, which is above
 * all the files of its state on tmpfs.
 */
double side_resident(const struct side *s, bool own);

void side_sample(struct side *s, unsigned int metric, double value);
void side_forget(struct side *s);

/* Nanoseconds of the monotonic clock. */
uint64_t side_now(void);

#endif
