/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A row of the benchmark: what is prepared on each side, what is measured in
 * turn on each, and what the figures are held against. The rows stand in the
 * tables of row_*.c, in the order of bench.c.
 */
#ifndef BENCH_ROW_H
#define BENCH_ROW_H

#include "tools/xs-bench/link.h"
#include "tools/xs-bench/side.h"

#define ROW_PHASES 4

enum goal_kind {
	GOAL_NONE,
	GOAL_ECHO,	/* ratio to the echo server */
	GOAL_PEER,	/* ratio to the better of the peers */
	GOAL_BASE,	/* ratio to another figure of the same side */
	GOAL_BARE,	/* ratio to ours without a journal */
	GOAL_VALUE,	/* as it is */
};

struct metric {
	const char *name;
	const char *unit;
	bool more;		/* more is better; the goal is a minimum */
	enum goal_kind kind;
	double goal;
	unsigned int base;	/* of GOAL_BASE: index of the other figure */
};

struct row {
	const char *name;
	const char *what;
	unsigned int sides;	/* SIDE_BIT()s */
	bool unstarted;		/* measure starts the daemon itself */
	struct {
		bool (*prepare)(struct side *s);
		bool (*measure)(struct side *s);
		unsigned int turns;
	} phase[ROW_PHASES];
	void (*finish)(struct side *s);
	struct metric metric[SIDE_METRICS + 1];
};

extern const struct row rows_socket[], rows_ring[], rows_transaction[],
	rows_flood[], rows_watch[], rows_domain[], rows_store[],
	rows_growth[], rows_journal[], rows_channel[];

/* Fewer turns and smaller stores: to see that it works. */
extern bool row_quick;

/* n, or a tenth of it when quick. */
unsigned int row_scale(unsigned int n);

/*
 * Clients in a closed loop, what most rows are made of: each sends a batch
 * and the next one when it has all its replies.
 */
struct crowd {
	struct link *link;
	struct batch *batch;		/* one for each link */
	unsigned int *due;		/* replies it waits for */
	uint64_t *count;		/* replies it had */
	unsigned int links;
	unsigned int window;		/* requests in a batch */
	int epoll;			/* -1: rings */
	struct simxen_hub *hub;
	unsigned int *by_domid;
	uint64_t slice_from, slice_count;
};

#define CROWD_SLICE_NS 10000000u

struct crowd *crowd_sockets(struct side *s, unsigned int links,
			    unsigned int window, enum wire_op op);
/* Rings of as many new guests, on one hub; path NULL: each writes its own. */
struct crowd *crowd_rings(struct side *s, unsigned int links,
			  unsigned int window, const char *path,
			  struct link *admin);
void crowd_free(struct crowd *c);
/* Run for that long; requests per second, a sample for each slice. */
bool crowd_run(struct crowd *c, struct side *s, unsigned int metric,
	       uint64_t ns);

/* A look at each, without ever waiting: whoever has its replies goes on. */
bool crowd_spin(struct crowd *c);

/* Time `n` calls of one kind; a sample each, in microseconds. */
bool row_times(struct side *s, struct link *l, unsigned int metric,
	       unsigned int n, enum wire_op op, const char *text,
	       const char *data);

/* This process on another processor than the daemon; and back. */
void row_elsewhere(bool on);

/* Small nodes below /fill, those numbered `from` to `nodes` - 1; pipelined. */
bool row_fill(struct link *l, unsigned int from, unsigned int nodes);

/* side_sample() of the time since `from`, in the unit of so many ns. */
void row_since(struct side *s, unsigned int metric, uint64_t from, double ns);

#endif
