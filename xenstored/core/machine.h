/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine: all of xenstore's behaviour, and nothing else.
 *
 * It is fed inputs, one at a time, with machine_step(); it answers with
 * output bytes per connection and with things asked of the host.  Given the
 * same configuration and the same inputs it gives the same outputs, bit for
 * bit: it has no clock, no randomness, no I/O, and no order that depends on
 * addresses.  That is what makes a journal of its inputs enough to bring it
 * back after a crash (docs/design.md).
 *
 * Connections.  A ring connection's id is its domain's id (below
 * MACHINE_SOCKET_BASE); it exists from the INTRODUCE that mapped the ring to
 * the domain's release.  A socket connection's id is chosen by the host, at
 * or above MACHINE_SOCKET_BASE, and not reused while the machine knows it.
 *
 * Threads: none; a machine is used by one thread.
 *
 * Errors: functions return 0, or a negative errno that means our own failure
 * (-ENOMEM) with the machine unchanged but for the one connection concerned,
 * which is then closed through MACHINE_ASK_CLOSE or MACHINE_ASK_RING_ERROR.
 * Nothing a client sends makes machine_step() fail.
 */
#ifndef CORE_MACHINE_H
#define CORE_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/wire.h"

struct machine;

#define MACHINE_SOCKET_BASE 65536u
/* First domid that is not an ordinary domain (Xen: DOMID_FIRST_RESERVED). */
#define MACHINE_DOMID_FIRST_RESERVED 32752u

/* Version of the behaviour; a journal is replayed only by its own. */
#ifndef MACHINE_VERSION		/* tests build another one */
#define MACHINE_VERSION 1u
#endif

/* Quotas: one table in quota.c, these are its rows (behaviour page). */
enum quota_id {
	QUOTA_NODES,
	QUOTA_WATCHES,
	QUOTA_OUTSTANDING,
	QUOTA_MEMORY,
	QUOTA_MEMORY_SOFT,
	QUOTA_TRANSACTIONS,
	QUOTA_TRANSACTION_NODES,
	QUOTA_NODE_PERMISSIONS,
	QUOTA_PATH_MAX,
	QUOTA_NODE_SIZE,
	QUOTA_COUNT
};

struct machine_config {
	uint32_t priv_domid;	/* a second privileged domain, or 0 */
	uint64_t hash_key[2];	/* against hash flooding: any random 128 bits */
	uint32_t features;	/* ring feature bits offered to guests */
	uint64_t quota[QUOTA_COUNT];	/* from machine_config_defaults() */
	uint64_t socket_output_max;	/* bytes a socket reader may leave unread */
	const char *version;	/* text for status replies; copied */
	/*
	 * Sinks; each may be NULL, none may call back into the machine.
	 * They are told, they are not asked: what they do is not state.
	 */
	void (*log)(void *arg, const char *id, const char *text);
	void (*trace)(void *arg, bool in, uint32_t conn,
		      const struct wire_header *header, const void *payload);
	/* A watch event was put into a connection's output; may be NULL. */
	void (*event)(void *arg, uint32_t conn, const void *payload,
		      size_t len);
	void *arg;
};

/* Defaults of the behaviour page; no sinks, no key. */
void machine_config_defaults(struct machine_config *config);

/* A new machine with the initial tree; NULL for want of memory. */
struct machine *machine_new(const struct machine_config *config);
void machine_free(struct machine *m);

/* ------------------------------------------------------------- inputs -- */

enum machine_input_type {
	/*
	 * Time is now `time` (microseconds of a monotonic clock; never goes
	 * back, a smaller value is ignored).  Sent before anything else in a
	 * pass, and when machine_deadline() has come.
	 */
	MACHINE_IN_TIME,
	/* A socket client connected: conn >= MACHINE_SOCKET_BASE. */
	MACHINE_IN_OPEN,
	/* The socket's other end has gone, or its service failed. */
	MACHINE_IN_CLOSE,
	/*
	 * `len` bytes at `data` arrived on `conn`.  The bytes need to stay
	 * only for the duration of the call.  Not more than
	 * machine_wants() said; surplus bytes are refused with -E2BIG.
	 */
	MACHINE_IN_BYTES,
	/* The host handed `len` bytes of `conn`'s output to the reader. */
	MACHINE_IN_TAKEN,
	/*
	 * The guest asked for its ring to be closed and reconnected.  After
	 * this step nothing from before is left: partly read and unstarted
	 * requests, replies, events, watches and transactions are gone.  The
	 * host then clears indices and error, and only then `connection`
	 * (ring page, rule 5).
	 */
	MACHINE_IN_RING_RESET,
	/*
	 * The host stopped serving a ring (bad index, event channel); same
	 * dropping as for a reset, and no bytes are taken until a reset, a
	 * RELEASE + INTRODUCE or the domain's end.
	 */
	MACHINE_IN_RING_FAILED,
	/*
	 * What the hypervisor says of domain `domid` now: `flags` and, if
	 * MACHINE_DOM_EXISTS, `instance`, a number that differs between two
	 * domains that had the same id one after the other.  Sent when it
	 * changed for a domain of machine_domain_next(), and as the answer to
	 * MACHINE_ASK_DOMAIN (before its MACHINE_IN_DONE).
	 */
	MACHINE_IN_DOMAIN,
	/*
	 * A domain found running at start whose ring is to be served: dom0,
	 * or one whose page names its port (dom0less).  The machine asks for
	 * the mapping as for INTRODUCE; `port` 0 leaves it to the page.
	 * `instance` as in MACHINE_IN_DOMAIN; 0: the next one tells it.
	 */
	MACHINE_IN_ADOPT,
	/*
	 * The host finished ask `ask`; `error` 0 or a positive errno; for
	 * CONTROL the reply's payload at `data`, `len` <= WIRE_PAYLOAD_MAX.
	 */
	MACHINE_IN_DONE,
	/*
	 * The generation of the store: `len` bytes of text at `data` become
	 * the value of /tool/xenstored/generation, readable by everybody
	 * (docs/recovery.md).  Fed once, when a store begins.
	 */
	MACHINE_IN_IDENTITY,
};

enum machine_domain_flags {
	MACHINE_DOM_EXISTS = 1,
	MACHINE_DOM_SHUTDOWN = 2,	/* has shut down, may be resumed */
	MACHINE_DOM_DYING = 4,		/* is being torn down: as good as dead */
};

struct machine_input {
	enum machine_input_type type;
	uint32_t conn;
	uint32_t domid;
	uint32_t port;
	uint32_t flags;
	uint32_t error;
	uint64_t instance;
	uint64_t ask;
	uint64_t time;
	const void *data;
	size_t len;
};

/*
 * Execute one input.  Inputs for connections, domains or asks that are not
 * (or no longer) there are ignored, as the world may be a step behind.
 */
int machine_step(struct machine *m, const struct machine_input *in);

/* ------------------------------------------------------------ outputs -- */

struct machine_span {
	const void *at;
	size_t len;
};

/*
 * The undelivered output of a connection, in order, as at most `max` pieces.
 * Returns how many were filled; they stay valid until the next
 * machine_step().  What was delivered is then told by MACHINE_IN_TAKEN.
 */
unsigned int machine_output(struct machine *m, uint32_t conn,
			    struct machine_span *spans, unsigned int max);

/*
 * How many bytes the machine is ready to be given for this connection now;
 * 0 means: do not read from it (a request of it waits, its reader is slow,
 * or it is dead).  At least WIRE_MESSAGE_MAX otherwise.
 */
size_t machine_wants(struct machine *m, uint32_t conn);

/*
 * Connections whose output or appetite changed since they were last returned
 * here: true and the id, each once; false when there are no more.
 */
bool machine_next_dirty(struct machine *m, uint32_t *conn);

enum machine_ask_type {
	/* Tell what the hypervisor knows of `domid`: IN_DOMAIN, IN_DONE. */
	MACHINE_ASK_DOMAIN,
	/*
	 * Map grant 1 of `domid`, bind event channel `port` (the page's own
	 * evtchn_port wins if not 0), set the feature bits `features` in the
	 * page, leave the indices alone.  If it was mapped already, bind the
	 * event channel anew.  IN_DONE with 0 or the errno, nothing changed.
	 */
	MACHINE_ASK_MAP,
	/* Unmap and unbind; clear `error` first if set.  No answer. */
	MACHINE_ASK_UNMAP,
	/* Close this socket; its unsent output is discarded.  No answer. */
	MACHINE_ASK_CLOSE,
	/* Set the ring's error field to `code`, notify, stop.  No answer. */
	MACHINE_ASK_RING_ERROR,
	/*
	 * A CONTROL command that is the host's: `data` is the payload of the
	 * request.  IN_DONE with 0 and the reply, or the errno.
	 */
	MACHINE_ASK_CONTROL,
};

struct machine_ask {
	uint64_t id;			/* for MACHINE_IN_DONE */
	enum machine_ask_type type;
	uint32_t conn;
	uint32_t domid;
	uint32_t port;
	uint32_t features;
	uint32_t code;			/* RING_ERROR: enum of ring.h */
	const void *data;		/* valid until machine_ask_pop() */
	size_t len;
};

/*
 * The oldest thing asked of the host and not yet fetched; false if none.
 * *out stays valid until machine_ask_pop().  An ask with an answer is
 * answered by MACHINE_IN_DONE any time after; until then the connection that
 * caused it waits, the others go on.
 */
bool machine_ask_peek(struct machine *m, struct machine_ask *out);
void machine_ask_pop(struct machine *m);

/*
 * For a machine brought back by image and replay (docs/recovery.md), whose
 * host has died with what it had been asked: asks that were fetched and not
 * answered are to be fetched again, with their ids, and each ring that the
 * machine gave up is told its MACHINE_ASK_RING_ERROR again.
 */
void machine_ask_again(struct machine *m);

/* When MACHINE_IN_TIME is wanted at the latest; UINT64_MAX: no hurry. */
uint64_t machine_deadline(const struct machine *m);

/*
 * Walk the domains the machine knows (introduced, or named in an access
 * list): the first with an id >= *domid goes to *domid and its last known
 * instance and flags to the others; false at the end.  The host compares
 * them with the hypervisor's list when VIRQ_DOM_EXC fires.
 */
bool machine_domain_next(struct machine *m, uint32_t *domid,
			 uint64_t *instance, uint32_t *flags);

/*
 * Walk the connections: the first with an id >= *conn goes to *conn; `failed`
 * tells of a ring that is not served until it is reset.  False at the end.
 * Linear in their number: for starts, not for passes.
 */
bool machine_conn_next(struct machine *m, uint32_t *conn, bool *failed);

/* Feature bits offered to a domain; 0 for an unknown one. */
uint32_t machine_features(const struct machine *m, uint32_t domid);

/* -------------------------------------------------------- inspection -- */

/*
 * Verify the whole machine: every node's charges summed against every
 * domain's account, the index of owned nodes against the tree, the watch
 * trie against the connections, list against counter.  Writes one line per
 * finding through `say`; returns the number of findings.  O(store).
 */
unsigned int machine_check(struct machine *m,
			   void (*say)(void *arg, const char *text), void *arg);

/*
 * A digest of everything that decides future behaviour (store, access lists,
 * transactions, watches, queues, accounts); two machines with equal digests
 * answer alike.  For tests of determinism and recovery.  O(store).
 */
uint64_t machine_digest(struct machine *m);

#endif
