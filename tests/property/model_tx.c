/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model's transactions.  One is a copy of the store as it was, a copy to
 * work on, and the list of all requests made inside with their answers.  At
 * commit all requests are done again on a copy of the present store: if any
 * answers differently the commit may not succeed; if nothing it looked at
 * was touched it has to; in between (something was set to what it was
 * before) both are legal and the machine decides.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/property/model.h"

struct mtransaction *model_transaction(struct mconn *c, uint32_t id)
{
	for (size_t i = 0; i < c->ntransactions; i++)
		if (c->transactions[i].id == id)
			return &c->transactions[i];
	return NULL;
}

static void clear(struct mtransaction *t)
{
	mstore_clear(&t->base);
	mstore_clear(&t->own);
	for (size_t i = 0; i < t->nrequests; i++) {
		free(t->requests[i].payload);
		free(t->requests[i].answer);
		free(t->requests[i].perms);
	}
	free(t->requests);
	for (size_t i = 0; i < t->nreads; i++)
		free(t->reads[i].path);
	free(t->reads);
}

void model_forget_transactions(struct mconn *c)
{
	for (size_t i = 0; i < c->ntransactions; i++)
		clear(&c->transactions[i]);
	free(c->transactions);
	c->transactions = NULL;
	c->ntransactions = 0;
}

static void drop(struct mconn *c, struct mtransaction *t)
{
	size_t i = (size_t)(t - c->transactions);

	clear(t);
	memmove(t, t + 1, (c->ntransactions - i - 1) * sizeof(*t));
	c->ntransactions--;
}

void mtransaction_read(struct mtransaction *t, const char *path)
{
	t->reads = model_grow(t->reads, t->nreads, sizeof(*t->reads));
	t->reads[t->nreads++].path = model_copy(path, strlen(path));
}

void mtransaction_note(struct mtransaction *t, struct mplace *p,
		       const struct wire_header *header, const char *payload,
		       const struct manswer *a)
{
	struct mrequest *r;

	t->requests = model_grow(t->requests, t->nrequests, sizeof(*r));
	r = &t->requests[t->nrequests++];
	r->header = *header;
	r->payload = model_copy(payload, header->len);
	r->type = (uint32_t)a->error;
	r->answer = model_copy(a->data, a->data ? a->len : 0);
	r->len = a->data ? a->len : 0;
	r->changes = p->changes->count;
	r->no_owner = p->no_owner;
	r->perms = p->perms;
	r->nperms = p->nperms;
}

struct manswer model_transaction_start(struct mconn *c, struct model *m)
{
	uint64_t max = model_quota(m, c->domid, QUOTA_TRANSACTIONS);
	struct manswer a = { .error = 0 };
	struct mtransaction *t;

	if (!model_privileged(m, c->domid) && max && c->ntransactions >= max) {
		a.error = WIRE_ENOSPC;
		return a;
	}
	c->transactions = model_grow(c->transactions, c->ntransactions,
				     sizeof(*t));
	t = &c->transactions[c->ntransactions++];
	t->id = ++c->last_transaction;
	mstore_copy(&t->base, &m->store);
	mstore_copy(&t->own, &m->store);
	a.data = model_alloc(16);
	a.len = 1 + (size_t)snprintf(a.data, 16, "%u", t->id);
	return a;
}

static bool same_answer(const struct mrequest *r, const struct manswer *a)
{
	size_t len = a->data ? a->len : 0;

	return r->type == (uint32_t)a->error && r->len == len &&
	       (!len || !memcmp(r->answer, a->data, len));
}

/*
 * What came between may have made or removed what RM removed and what MKDIR
 * made: OK tells the client what is so now, not what was so before.
 */
static bool same_changes(const struct mrequest *r, size_t now)
{
	if (r->header.type == WIRE_RM || r->header.type == WIRE_MKDIR)
		return true;
	return now == r->changes;
}

static size_t differs(const struct model *m, const struct mrequest *r,
		      const struct manswer *a, size_t changes)
{
	if (m->verbose)
		fprintf(stderr, "    done again: %s %s: error %u, now %d; "
			"%zu changes, now %zu\n", wire_op_name(r->header.type),
			r->payload, r->type, a->error, r->changes, changes);
	return 1;
}

/* Do all requests again on `now`; the number that came out differently. */
static size_t again(struct model *m, struct mconn *c, struct mtransaction *t,
		    struct mstore *now, struct mchanges *all)
{
	size_t wrong = 0;

	for (size_t i = 0; i < t->nrequests; i++) {
		const struct mrequest *r = &t->requests[i];
		struct mchanges one = { NULL, 0 };
		struct mplace p = { .store = now, .changes = &one,
				    .again = r };
		struct manswer a;

		if (r->no_owner)
			continue;
		a = model_store_op(m, c, &p, &r->header, r->payload);
		if (!same_answer(r, &a) || !same_changes(r, one.count))
			wrong += differs(m, r, &a, one.count);
		for (size_t k = 0; k < one.count; k++)
			mchanges_add(all, one.list[k].path,
				     one.list[k].removed);
		mchanges_free(&one);
		free(a.data);
	}
	return wrong;
}

static uint64_t touch(const struct mstore *s, const char *path)
{
	const struct mnode *n = mstore_find(s, path);
	uint64_t age;

	if (!n)
		return mstore_nearest(s, path)->perms_age;
	age = n->value_age > n->perms_age ? n->value_age : n->perms_age;
	return age > n->children_age ? age : n->children_age;
}

static bool touched(struct model *m, const struct mtransaction *t)
{
	for (size_t i = 0; i < t->nreads; i++)
		if (touch(&t->base, t->reads[i].path) !=
		    touch(&m->store, t->reads[i].path))
			return true;
	return false;
}

/* The machine's error, if it answered one; else what it should have been. */
static int machine_error(struct model *m, int otherwise)
{
	const struct mmessage *msg = m->host.answer(m->host.arg);
	int error;

	if (!msg || msg->header.type != WIRE_ERROR || !msg->header.len)
		return otherwise;
	error = wire_error_number(msg->payload, msg->header.len - 1);
	return error ? error : otherwise;
}

/* What was made and removed again inside has never been. */
static void take_over(struct model *m, struct mstore *now,
		      const struct mchanges *changes)
{
	struct mchanges real = { NULL, 0 };
	struct mstore before = m->store;

	for (size_t i = 0; i < changes->count; i++) {
		const struct mchange *ch = &changes->list[i];

		if (mstore_find(now, ch->path) ||
		    mstore_find(&before, ch->path))
			mchanges_add(&real, ch->path, ch->removed);
	}
	m->store = *now;
	model_fire(m, &before, &real);
	mstore_clear(&before);
	mchanges_free(&real);
}

static int commit(struct model *m, struct mconn *c, struct mtransaction *t)
{
	struct mchanges changes = { NULL, 0 };
	struct mstore now;
	int error = 0;

	if (t->refused)
		return machine_error(m, WIRE_ENOSPC);
	if (!t->wrote)
		return 0;
	mstore_copy(&now, &m->store);
	if (again(m, c, t, &now, &changes))
		error = machine_error(m, WIRE_EAGAIN);
	else if (touched(m, t) && machine_error(m, 0) == WIRE_EAGAIN)
		error = WIRE_EAGAIN;
	if (error)
		mstore_clear(&now);
	else
		take_over(m, &now, &changes);
	mchanges_free(&changes);
	return error;
}

struct manswer model_transaction_end(struct model *m, struct mconn *c,
				     uint32_t id, bool really)
{
	struct mtransaction *t = model_transaction(c, id);
	struct manswer a = { .error = 0 };

	if (really)
		a.error = commit(m, c, t);
	drop(c, t);
	return a;
}
