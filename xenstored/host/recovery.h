/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Going on where a daemon died (or was stopped): the last checkpoint, the
 * journal since, and then the world as it is now (docs/recovery.md).
 *
 * What cannot be used is never guessed at: the files are moved aside, kept
 * for a post-mortem, and the store begins anew with another generation.
 */
#ifndef HOST_RECOVERY_H
#define HOST_RECOVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "xenstored/host/journal.h"
#include "xenstored/host/table.h"

struct host;

/* How a ring stood, by the records. */
struct recovered_ring {
	uint32_t domid;
	uint32_t port;		/* local, of the handle that was open then */
	uint32_t remote;
	uint32_t req_cons;
	uint32_t rsp_prod;
	bool unbound;		/* it had no port */
	bool known;
};

struct recovery {
	struct table rings;	/* struct recovered_ring, by domid */
	uint32_t virq;		/* local port, UINT32_MAX: none */
	uint64_t first;		/* segment that the checkpoint names */
	uint64_t segment;	/* the first free one */
	uint32_t machine;	/* version that wrote the last one looked at */
	struct journal_doubt doubt;	/* sockets whose bytes are in doubt */
	uint64_t records;	/* replayed */
	uint64_t poisoned;	/* not executed a third time */
	uint64_t restarts;	/* as this one, before */
	uint32_t ids;		/* generation of clients' ids (client.h) */
	uint64_t given[QUOTA_COUNT];	/* by its command line (limits.h) */
	char why[256];		/* more about what cannot be used */
};

/*
 * Load and replay, by a binary of the journal's own version if it must be
 * (settle.h); sets h->machine and h->recovery if there was a state.
 * 0, also if there is none to be had; -errno if not even a fresh start can
 * be made, or the state may be usable another time (-ENOMEM).
 */
int recovery_load(struct host *h);
/*
 * Bring the machine and the world together: clients and their descriptors,
 * rings and their pages.  For a machine that was loaded.  0 or -errno.
 */
int recovery_attach(struct host *h);

/*
 * The start is over, whether it came to serve or ended in order: it has not
 * died of the state.
 */
void recovery_over(const struct host *h);

struct recovered_ring *recovery_ring(struct recovery *r, uint32_t domid);
void recovery_why(struct recovery *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* ------------------------------------------------------------- replay -- */

/*
 * Execute the journal from the segment named on.  0, or -EPROTO (damaged or
 * missing), -ENODATA (its writer could not write all of it), -ESTALE (another
 * version of the machine or the format), -ENOMEM.
 */
int replay_journal(struct host *h, struct recovery *r);
/* There is no input in it. */
bool replay_nothing(struct host *h, struct recovery *r);
/* Asks of the past, which the dead process has carried out. */
void replay_asks(struct host *h, struct recovery *r);

#endif
