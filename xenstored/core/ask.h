/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the machine asks of the host, and who waits for the answer.  An ask
 * is queued, fetched by the host, and, if it has an answer, kept until
 * MACHINE_IN_DONE.
 */
#ifndef CORE_ASK_H
#define CORE_ASK_H

#include "xenstored/core/state.h"

struct ask {
	struct list in_machine;
	bool fetched;
	bool lacked;		/* DOMAIN: no memory for what was told */
	bool adopt;		/* MAP of a domain found at start */
	struct machine_ask what;
	char data[];
};

/* These have an answer.  0: no memory; else the ask's id. */
uint64_t ask_domain(struct machine *m, struct conn *c, uint32_t domid);
uint64_t ask_map(struct machine *m, struct conn *c, uint32_t domid,
		 uint32_t port, bool adopt);
uint64_t ask_control(struct machine *m, struct conn *c, const void *data,
		     size_t len);

/*
 * An UNMAP has no answer and must not be lost for want of memory, so it is a
 * bit in the machine; CLOSE and RING_ERROR are told by the connection itself
 * (conn.h).  UNMAPs are handed out first: a domain released and introduced
 * again in one pass is unmapped before it is mapped.
 */
void ask_unmap(struct machine *m, uint32_t domid);

/* The ask of that id that was fetched and waits for its answer, or NULL. */
struct ask *ask_find(struct machine *m, uint64_t id);
/* True if somebody waits for facts about that domain. */
bool ask_wanted(const struct machine *m, uint32_t domid);
/* There was no memory for facts about that domain: who waits is to know. */
void ask_lacked(struct machine *m, uint32_t domid);
void ask_free(struct ask *a);

#endif
