/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A naive reference model of xenstore.
 *
 * It is written to be checked by eye against the rules, never to be fast:
 * the store is a flat array of nodes in order of creation, a transaction is
 * two whole copies of it and the list of requests made inside, watches and
 * queues are arrays, counts are taken by walking everything.  It shares
 * nothing with the machine but the wire constants.
 *
 * The model is told when a request is executed, not how bytes arrive: the
 * harness splits the stream, and decides by what the machine has answered
 * how far each connection has got.  Where the rules leave an answer open
 * (which of two legal outcomes a commit has), the model looks at the
 * machine's answer through struct model_host and only checks that it is one
 * of the legal ones.
 *
 * Memory: the model owns everything it holds; it exits when memory ends.
 */
#ifndef TESTS_PROPERTY_MODEL_H
#define TESTS_PROPERTY_MODEL_H

#include "xenstored/core/machine.h"

/* One entry of an access list. */
struct mperm {
	unsigned int domid;
	char letter;
	uint64_t instance;	/* of the domain when set; 0: was not there */
};

struct mnode {
	char *path;
	char *value;
	size_t len;
	struct mperm *perms;
	unsigned int nperms;
	/* Changed by any change to the value, the list, the child list. */
	uint64_t value_age, perms_age, children_age;
};

struct mstore {
	struct mnode *nodes;	/* in order of creation */
	size_t count, room;
};

/* A path changed by a request or a transaction. */
struct mchange {
	char *path;
	bool removed;		/* with all that was below */
};

struct mchanges {
	struct mchange *list;
	size_t count;
};

struct mrequest {
	struct wire_header header;
	char *payload;
	/* What it answered. */
	uint32_t type;
	char *answer;
	size_t len;
	size_t changes;		/* nodes it changed */
	/* SET_PERMS: refused for an owner who was not there; that he is now
	 * is nothing a transaction has seen of the store. */
	bool no_owner;
	/* SET_PERMS: the instances its entries had. */
	struct mperm *perms;
	unsigned int nperms;
};

/* Something a transaction has seen of the store it started from. */
struct mread {
	char *path;
};

struct mtransaction {
	uint32_t id;
	struct mstore base, own;
	struct mrequest *requests;
	size_t nrequests;
	struct mread *reads;	/* also of what was found missing */
	size_t nreads;
	bool wrote;		/* a change that succeeded */
	bool refused;		/* something inside was refused by a quota */
};

struct mwatch {
	char *path;		/* absolute or special */
	char *token;
	bool relative;
	long depth;		/* -1: any */
};

struct mmessage {
	struct wire_header header;
	char *payload;
	size_t taken;		/* bytes of header and payload delivered */
	bool free_text;		/* the payload is not compared */
	bool free_generation;	/* nor is the first string of this one */
};

struct mconn {
	uint32_t id;
	unsigned int domid;
	uint64_t serial;	/* differs from all other connections' */
	struct mwatch *watches;
	size_t nwatches;
	struct mtransaction *transactions;
	size_t ntransactions;
	uint32_t last_transaction;
	struct mmessage *out;
	size_t nout;
	size_t replies;		/* made since the connection began */
};

struct mdomain {
	unsigned int domid;
	bool exists;		/* as the hypervisor last said */
	bool introduced;
	bool shutdown;		/* has been announced */
	uint64_t instance;
	unsigned int target;	/* 0: none */
	bool has_target;
	uint32_t features;
	uint64_t quota[QUOTA_COUNT];
	bool quota_set[QUOTA_COUNT];
};

struct model_host {
	/* What the hypervisor says of a domain the model asks about. */
	void (*domain)(void *arg, unsigned int domid, uint64_t *instance,
		       unsigned int *flags);
	/* The result of mapping a domain's ring: 0 or a positive errno. */
	int (*map)(void *arg, unsigned int domid);
	/* The machine's answer to the request being executed. */
	const struct mmessage *(*answer)(void *arg);
	void *arg;
};

struct model {
	struct machine_config config;
	struct model_host host;
	struct mstore store;
	struct mconn *conns;
	size_t nconns;
	struct mdomain *domains;
	size_t ndomains;
	uint64_t age, serials;
	bool verbose;		/* print why a commit may not succeed */
};

/* ------------------------------------------------------------ the model -- */

struct model *model_new(const struct machine_config *config,
			const struct model_host *host);
void model_free(struct model *m);

struct mconn *model_open(struct model *m, uint32_t conn, unsigned int domid);
void model_close(struct model *m, uint32_t conn);
struct mconn *model_conn(struct model *m, uint32_t conn);

/* Execute one whole request and queue its answer and its events. */
void model_request(struct model *m, uint32_t conn,
		   const struct wire_header *header, const char *payload);
/* Answer it with an error and do nothing. */
void model_refuse(struct model *m, uint32_t conn,
		  const struct wire_header *header, int error);
/* `len` bytes of the connection's output were delivered. */
void model_taken(struct model *m, uint32_t conn, size_t len);
/* Everything of the connection goes but itself. */
void model_reset(struct model *m, uint32_t conn);

/* The hypervisor says something new of a domain. */
void model_domain(struct model *m, unsigned int domid, unsigned int flags,
		  uint64_t instance);
/* A ring found at start was mapped. */
void model_adopt(struct model *m, unsigned int domid);

/* ----------------------------------------------------- parts of it: store */

void *model_alloc(size_t len);
void *model_grow(void *list, size_t count, size_t size);
char *model_copy(const void *bytes, size_t len);

struct mnode *mstore_find(const struct mstore *s, const char *path);
/* The node or its nearest ancestor that exists. */
struct mnode *mstore_nearest(const struct mstore *s, const char *path);
/* The parent's path in a new string; "/" is its own. */
char *mstore_parent(const char *path);
struct mnode *mstore_add(struct model *m, struct mstore *s, const char *path);
void mstore_remove(struct model *m, struct mstore *s, const char *path);
void mstore_copy(struct mstore *to, const struct mstore *from);
void mstore_clear(struct mstore *s);
bool mstore_below(const char *base, const char *path);
bool mstore_child(const char *parent, const char *path);
size_t mstore_owned(const struct mstore *s, unsigned int domid);
void mnode_value(struct model *m, struct mnode *n, const char *v, size_t len);
void mnode_perms(struct model *m, struct mnode *n, const struct mperm *perms,
		 unsigned int nperms);

/* -------------------------------------------------------- who may do what */

struct mdomain *model_find_domain(struct model *m, unsigned int domid);
struct mdomain *model_get_domain(struct model *m, unsigned int domid);
bool model_privileged(const struct model *m, unsigned int domid);
bool model_entry_live(struct model *m, const struct mperm *p);
/* The letter of what `domid` may do with the node: n, r, w, b, or o. */
char model_access(struct model *m, const struct mnode *n, unsigned int domid);
bool model_may(struct model *m, const struct mnode *n, unsigned int domid,
	       char wanted);
uint64_t model_quota(struct model *m, unsigned int domid, enum quota_id q);

/* ---------------------------------------------------------------- events */

void mchanges_add(struct mchanges *c, const char *path, bool removed);
void mchanges_free(struct mchanges *c);
/* Tell all watchers; `before` is the store before the changes. */
void model_fire(struct model *m, const struct mstore *before,
		const struct mchanges *changes);
void model_fire_special(struct model *m, const char *name,
			unsigned int domid);
void model_event(struct model *m, struct mconn *c, const struct mwatch *w,
		 const char *path);
void model_forget_watches(struct mconn *c);

/* ------------------------------------------------------------- requests */

/* The result of a handler: 0 and an answer, or a positive error. */
struct manswer {
	int error;
	char *data;		/* NULL: "OK" */
	size_t len;
	bool free_text, free_generation;
};

/* Operations that work on a store, inside a transaction or outside. */
struct mplace {
	struct mstore *store;
	struct mchanges *changes;
	struct mtransaction *t;	/* NULL outside */
	/* Done again at commit: the entries it set, as they were then. */
	const struct mrequest *again;
	/* What SET_PERMS set, for a later commit. */
	bool no_owner;
	struct mperm *perms;
	unsigned int nperms;
};

struct manswer model_store_op(struct model *m, struct mconn *c,
			      struct mplace *p,
			      const struct wire_header *header,
			      const char *payload);
struct manswer model_other_op(struct model *m, struct mconn *c,
			      const struct wire_header *header,
			      const char *payload);
bool model_is_store_op(uint32_t type);

/* Parsing, shared by the operations. */
unsigned int model_strings(const char *payload, size_t len);
/* The i-th string; NULL if there is none. */
const char *model_string(const char *payload, size_t len, unsigned int i);
/* Exactly one string, its NUL at the very end; else NULL. */
const char *model_one(const char *payload, size_t len);
bool model_number(const char *s, uint64_t max, uint64_t *out);
/* Absolute form in a new string; NULL if the path is not legal. */
char *model_path(struct model *m, struct mconn *c, const char *s,
		 bool special);

struct mtransaction *model_transaction(struct mconn *c, uint32_t id);
struct manswer model_transaction_start(struct mconn *c, struct model *m);
struct manswer model_transaction_end(struct model *m, struct mconn *c,
				     uint32_t id, bool commit);
void model_forget_transactions(struct mconn *c);
/* Remember a request made inside, and what it answered and changed. */
void mtransaction_note(struct mtransaction *t, struct mplace *p,
		       const struct wire_header *header, const char *payload,
		       const struct manswer *a);
void mtransaction_read(struct mtransaction *t, const char *path);

/* The end of a domain: its nodes, its entries; events follow the order. */
void model_drop_domain(struct model *m, unsigned int domid);
/* The same by RELEASE: the domain lives on, but starts anew here. */
void model_release(struct model *m, unsigned int domid);

#endif
