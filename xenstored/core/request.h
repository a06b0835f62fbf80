/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests: one table, one dispatcher, one reply each.
 *
 * A handler gets a request whose type, privilege and transaction have been
 * judged.  It returns 0 (what it put into the reply is sent), a positive
 * wire error, a negative errno (our failure: the client sees ENOMEM), or
 * REQUEST_WAITS: then it has changed nothing, and is called again from the
 * start when what it waits for has come.
 */
#ifndef CORE_REQUEST_H
#define CORE_REQUEST_H

#include "protocol/path.h"
#include "xenstored/core/transaction.h"

#define REQUEST_WAITS (-65536)

struct request {
	struct machine *m;
	struct conn *c;
	struct wire_header h;
	const char *body;
	struct transaction *tx;		/* NULL: none */
	struct caller who;
	struct watch *fire_after;	/* WATCH: fires after its reply */
	size_t room_used;
	char room[2 * (WIRE_ABS_PATH_MAX + 64)];
};

struct request_row {
	int (*handle)(struct request *r);
	bool privileged;
	bool no_transaction;		/* tx_id is not looked at */
};

extern const struct request_row request_table[WIRE_OP_COUNT];

/* False: it waits, and must be presented again. */
bool request_execute(struct machine *m, struct conn *c,
		     const struct wire_header *h, const void *body);

/* ------------------------------------------------- helpers of handlers -- */

/* Add to the reply; E2BIG when it gets longer than a message may be. */
int reply_bytes(struct request *r, const void *bytes, size_t len);
/* A string with its NUL. */
int reply_string(struct request *r, const char *text);
int reply_format(struct request *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static inline struct cursor request_cursor(const struct request *r)
{
	return cursor_of(r->body, r->h.len);
}

/* The whole body is one string with one NUL, at its end; else EINVAL. */
int request_one(const struct request *r, struct span *out);

/*
 * The absolute form of a path that a client gave, checked against syntax,
 * length and quota; EINVAL if it is not legal.  `special`: a leading '@' is
 * allowed.  `prefix`, if not NULL: how many bytes were put before it.
 */
int request_path(struct request *r, struct span given, bool special,
		 struct span *out, uint16_t *prefix);

/* The tree a request looks at. */
struct node *request_root(const struct request *r);
/* The node, with `want` granted; notes in a transaction what was seen. */
int request_node(struct request *r, struct span path, unsigned int want,
		 unsigned int aspects, struct node **out);

/* Handlers, by file. */
int op_directory(struct request *r);		/* op_read.c */
int op_directory_part(struct request *r);
int op_read(struct request *r);
int op_get_perms(struct request *r);
int op_write(struct request *r);		/* op_write.c */
int op_mkdir(struct request *r);
int op_rm(struct request *r);
int op_set_perms(struct request *r);
int op_watch(struct request *r);		/* op_watch.c */
int op_unwatch(struct request *r);
int op_reset_watches(struct request *r);
int op_transaction_start(struct request *r);	/* op_transaction.c */
int op_transaction_end(struct request *r);
int op_introduce(struct request *r);		/* op_domain.c */
int op_release(struct request *r);
int op_get_domain_path(struct request *r);
int op_is_domain_introduced(struct request *r);
int op_resume(struct request *r);
int op_set_target(struct request *r);
int op_get_feature(struct request *r);		/* op_setting.c */
int op_set_feature(struct request *r);
int op_get_quota(struct request *r);
int op_set_quota(struct request *r);
int op_control(struct request *r);		/* op_control.c */

/* A domid in decimal; EINVAL for anything else. */
int request_domid(struct span s, uint32_t *out);
/*
 * Is there such a domain?  0 and *out the domain if it is known or has now
 * been made known, 0 and NULL if the hypervisor does not know it, or
 * REQUEST_WAITS, -ENOMEM.
 */
int request_domain(struct request *r, uint32_t domid, struct domain **out);

#endif
