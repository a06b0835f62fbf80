/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Domains, their accounts, and the index of what they own.
 *
 * A domain is known from the moment it is named (introduced, or put into an
 * access list) to its death; only a known domain has an account.  Charges
 * are made to the account of a node's owner, of a connection's domain; the
 * sum is verified by machine_check().
 *
 * The index holds, of the nodes a guest owns, those whose parent it does not
 * own: removing these subtrees is all that its death costs.
 */
#ifndef CORE_DOMAIN_H
#define CORE_DOMAIN_H

#include "xenstored/core/state.h"

/* What every request touches comes first, as in struct conn. */
struct domain {
	uint16_t domid;
	bool introduced;
	bool shutdown_seen;	/* @releaseDomain was sent; until RESUME */
	bool dying;		/* dead, but not yet cleared away */
	bool tell;		/* its end is to be told to watchers */
	bool soft_warned;
	uint32_t flags;		/* last facts: MACHINE_DOM_* */
	uint64_t instance;
	int32_t target;
	uint32_t port;
	uint32_t features;	/* offered to it */
	struct conn *conn;	/* its ring, if introduced */
	uint64_t peak_memory;
	uint64_t used[QUOTA_COUNT];	/* rows with `counted` only */
	uint64_t limit[QUOTA_COUNT];
	uint64_t refused[QUOTA_COUNT];
	bool own_limit[QUOTA_COUNT];	/* set for it alone */
	uint64_t log_after;	/* no quota line in the log before */
	struct list owned;	/* struct owned */
	struct list in_reap;
};

/* One entry of the index of owned nodes. */
struct owned {
	uint64_t id;		/* order of coming into the index */
	struct list in_domain;
	struct hash_link in_table;
	uint16_t domid;
	uint16_t len;
	char path[];
};

/* A known domain, be it alive or waiting to be cleared away. */
static inline struct domain *domain_find(const struct machine *m,
					 uint32_t domid)
{
	return domid < STATE_DOMAINS ? m->domain[domid] : NULL;
}

/* A known domain that lives. */
static inline struct domain *domain_live(const struct machine *m,
					 uint32_t domid)
{
	struct domain *d = domain_find(m, domid);

	return d && !d->dying ? d : NULL;
}

/*
 * Make a domain known.  What was said of its id before is void from now.
 * NULL: no memory, or not an ordinary domain's id.
 */
struct domain *domain_birth(struct machine *m, uint32_t domid,
			    uint64_t instance, uint32_t flags);
/* The record alone, for one that is restored (image.h). */
struct domain *domain_new(struct machine *m, uint32_t domid,
			  uint64_t instance, uint32_t flags);
/*
 * It has died, or was released: nodes, access, connection and account go,
 * watchers are told.  Never fails: what memory does not suffice for is tried
 * again by domain_reap(), and until then no domain with that id is born.
 */
void domain_death(struct machine *m, struct domain *d);
/* Go on with the clearing away that could not be done before. */
void domain_reap(struct machine *m);
/* Frees one for good, without events; for the machine's own end. */
void domain_free(struct machine *m, struct domain *d);

/*
 * Its ring is mapped: from here on it has a connection, and watchers are
 * told if it had none.  0 or -ENOMEM.
 */
int domain_introduced(struct machine *m, uint32_t domid, uint32_t port);

/* Facts from the hypervisor; `wanted`: make it known if it lives. */
int domain_facts(struct machine *m, uint32_t domid, uint32_t flags,
		 uint64_t instance, bool wanted);

/* The next known domid >= domid; STATE_DOMAINS if none. */
uint32_t domain_next(const struct machine *m, uint32_t domid);

/* Charge and return; an account never goes below 0. */
void domain_charge(struct domain *d, enum quota_id row, uint64_t n);
void domain_return(struct domain *d, enum quota_id row, uint64_t n);
/* Would `more` of it be within the limit?  Privileged domains have none. */
bool domain_may(const struct domain *d, enum quota_id row, uint64_t more);
/* Count a refusal and log it, at most once a second and domain. */
void domain_refused(struct machine *m, struct domain *d, enum quota_id row,
		    struct span path);

/* The index of owned nodes. */
struct owned *owned_find(const struct machine *m, uint16_t domid,
			 struct span path);
struct owned *owned_new(uint16_t domid, struct span path);
void owned_add(struct machine *m, struct owned *o);
void owned_remove(struct machine *m, uint16_t domid, struct span path);
void owned_free(struct machine *m, struct owned *o);

#endif
