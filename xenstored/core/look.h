/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looking into the machine from outside: counts and uses, open transactions,
 * who is concerned with a path.  For the host, which shows them to xs-probe
 * (docs/protocol/control.md).
 *
 * Nothing here changes anything, allocates, or fails.  What is found is
 * handed to a function while the machine stands still; pointers in it are
 * valid during that call, and it must not call back into the machine.
 */
#ifndef CORE_LOOK_H
#define CORE_LOOK_H

#include "protocol/cursor.h"
#include "xenstored/core/machine.h"
#include "xenstored/core/notes.h"

/* Of one connection, or of all sockets together. */
struct look_conn {
	uint32_t id;
	struct note_counts counts;
	uint32_t events_waiting;	/* events not taken */
	uint64_t unread;		/* bytes of output not taken */
	uint64_t unread_us;		/* for how long none was */
	bool waiting;			/* its requests are not looked at */
	uint32_t outstanding;		/* replies not taken */
	uint32_t transactions;
	uint32_t watches;		/* look_clients() alone counts them */
};

struct look_domain {
	uint16_t domid;
	bool introduced, shutdown, dying;
	bool unlimited;			/* no quota holds for it */
	uint32_t features;
	int32_t target;
	uint64_t used[QUOTA_COUNT];
	uint64_t limit[QUOTA_COUNT];
	uint64_t refused;
	struct look_conn ring;		/* zero without one */
};

struct look_transaction {
	uint32_t conn;
	uint32_t id;
	uint64_t age_us;
	uint32_t paths;			/* looked at or written */
	uint32_t writes;
	bool failed;
	bool read, written;		/* look_holders(): that path */
};

struct look_watch {
	uint32_t conn;
	struct span path;		/* absolute, or special */
	struct span token;
	int32_t depth;			/* levels below; -1: all */
};

/* The machine's clock, to which the notes' times belong. */
uint64_t look_now(const struct machine *m);
const struct notes *look_notes(const struct machine *m);
/* The limit of domains that have none of their own. */
uint64_t look_limit(const struct machine *m, enum quota_id row);

/*
 * The number of requests that a connection was answered since it began, and
 * whether some of what it sent is not executed yet.  0 if it is not there.
 */
uint64_t look_answered(const struct machine *m, uint32_t conn, bool *left);

/* The first known domain with an id >= domid; false at the end. */
bool look_domain(const struct machine *m, uint32_t domid,
		 struct look_domain *out);
/* All sockets, those that are gone included. */
void look_sockets(const struct machine *m, struct look_conn *out);
/* Each socket's connection, in order of connecting. */
void look_clients(const struct machine *m,
		  void (*each)(void *arg, const struct look_conn *c),
		  void *arg);
/* Every open transaction. */
void look_transactions(const struct machine *m,
		       void (*each)(void *arg,
				    const struct look_transaction *t),
		       void *arg);

/* ------------------------------------------------------- look_path.c -- */

/* False: no such node. */
bool look_node(const struct machine *m, struct span path, uint16_t *owner);
/* Each watch that a change of exactly this path fires, if it may see it. */
void look_watches(const struct machine *m, struct span path,
		  void (*each)(void *arg, const struct look_watch *w),
		  void *arg);
/* Each open transaction that looked at this path or wrote it. */
void look_holders(const struct machine *m, struct span path,
		  void (*each)(void *arg, const struct look_transaction *t),
		  void *arg);

#endif
