/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model's frame: domains, connections, permissions and the order of
 * checks every request goes through.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/perm.h"
#include "tests/property/model.h"

/* -------------------------------------------------------------- domains -- */

struct mdomain *model_find_domain(struct model *m, unsigned int domid)
{
	for (size_t i = 0; i < m->ndomains; i++)
		if (m->domains[i].domid == domid)
			return &m->domains[i];
	return NULL;
}

/* Known ones as they are; others as the hypervisor tells. */
struct mdomain *model_get_domain(struct model *m, unsigned int domid)
{
	struct mdomain *d = model_find_domain(m, domid);
	unsigned int flags = 0;
	uint64_t instance = 0;

	if (d && d->exists)
		return d;
	m->host.domain(m->host.arg, domid, &instance, &flags);
	if (!d) {
		m->domains = model_grow(m->domains, m->ndomains, sizeof(*d));
		d = &m->domains[m->ndomains++];
		d->domid = domid;
		d->features = m->config.features;
	}
	d->exists = (flags & MACHINE_DOM_EXISTS) &&
		    !(flags & MACHINE_DOM_DYING);
	d->instance = d->exists ? instance : 0;
	return d;
}

bool model_privileged(const struct model *m, unsigned int domid)
{
	return domid == 0 ||
	       (m->config.priv_domid && domid == m->config.priv_domid);
}

bool model_entry_live(struct model *m, const struct mperm *p)
{
	struct mdomain *d;

	if (p->domid == 0 || p->domid >= MACHINE_DOMID_FIRST_RESERVED)
		return true;
	d = model_find_domain(m, p->domid);
	return d && d->exists && d->instance == p->instance && p->instance;
}

static bool stands_for(struct model *m, unsigned int domid, unsigned int other)
{
	struct mdomain *d = model_find_domain(m, domid);

	return d && d->has_target && d->target == other;
}

char model_access(struct model *m, const struct mnode *n, unsigned int domid)
{
	struct mdomain *d = model_find_domain(m, domid);
	uint32_t features = d ? d->features : m->config.features;

	if (model_privileged(m, domid))
		return 'o';
	if (n->perms[0].domid == domid ||
	    stands_for(m, domid, n->perms[0].domid))
		return 'o';
	for (unsigned int i = 1; i < n->nperms; i++) {
		const struct mperm *p = &n->perms[i];

		if (!model_entry_live(m, p))
			continue;
		if (p->domid == domid || stands_for(m, domid, p->domid) ||
		    (p->domid == PERM_ANY_DOMID && (features & 8)))
			return p->letter;
	}
	return n->perms[0].letter;
}

bool model_may(struct model *m, const struct mnode *n, unsigned int domid,
	       char wanted)
{
	char a = model_access(m, n, domid);

	if (a == 'o')
		return true;
	return wanted != 'o' && (a == wanted || a == 'b');
}

uint64_t model_quota(struct model *m, unsigned int domid, enum quota_id q)
{
	struct mdomain *d = model_find_domain(m, domid);

	if (d && d->quota_set[q])
		return d->quota[q];
	return m->config.quota[q];
}

/* Forget that anybody stands for a domain that is gone. */
static void forget_targets(struct model *m, unsigned int domid)
{
	for (size_t i = 0; i < m->ndomains; i++)
		if (m->domains[i].has_target && m->domains[i].target == domid)
			m->domains[i].has_target = false;
}

static void drop_entries(struct model *m, unsigned int domid)
{
	for (size_t i = 0; i < m->store.count; i++) {
		struct mnode *n = &m->store.nodes[i];
		unsigned int kept = 1;

		for (unsigned int k = 1; k < n->nperms; k++)
			if (n->perms[k].domid != domid)
				n->perms[kept++] = n->perms[k];
		n->nperms = kept;
	}
}

/* All nodes below the topmost ones owned by the domain, tops first. */
static char *topmost_owned(struct model *m, unsigned int domid)
{
	const char *best = NULL;

	for (size_t i = 0; i < m->store.count; i++) {
		const struct mnode *n = &m->store.nodes[i];

		if (n->perms[0].domid != domid || n->path[0] != '/' ||
		    !strcmp(n->path, "/"))
			continue;
		if (!best || mstore_below(n->path, best))
			best = n->path;
	}
	return best ? model_copy(best, strlen(best)) : NULL;
}

/* The root stays and changes hands, which is a change to be told. */
static void give_back(struct model *m, unsigned int domid)
{
	bool root = mstore_find(&m->store, "/")->perms[0].domid == domid;
	struct mchanges c = { NULL, 0 };
	struct mstore before;

	mstore_copy(&before, &m->store);
	for (size_t i = 0; i < m->store.count; i++)
		if (m->store.nodes[i].perms[0].domid == domid)
			m->store.nodes[i].perms[0].domid = 0;
	if (root) {
		mstore_find(&m->store, "/")->perms_age = ++m->age;
		mchanges_add(&c, "/", false);
	}
	model_fire(m, &before, &c);
	mstore_clear(&before);
	mchanges_free(&c);
}

void model_drop_domain(struct model *m, unsigned int domid)
{
	char *top;

	model_close(m, domid);
	forget_targets(m, domid);
	while ((top = topmost_owned(m, domid))) {
		struct mchanges c = { NULL, 0 };
		struct mstore before;

		mstore_copy(&before, &m->store);
		mstore_remove(m, &m->store, top);
		mchanges_add(&c, top, true);
		model_fire(m, &before, &c);
		mstore_clear(&before);
		mchanges_free(&c);
		free(top);
	}
	give_back(m, domid);
	drop_entries(m, domid);
}

/* Clear all but what the hypervisor said. */
static struct mdomain *begin_again(struct model *m, unsigned int domid)
{
	struct mdomain *d = model_find_domain(m, domid);
	struct mdomain fresh = { .domid = domid, .exists = d->exists,
				 .instance = d->instance,
				 .features = m->config.features };

	*d = fresh;
	return d;
}

void model_release(struct model *m, unsigned int domid)
{
	model_drop_domain(m, domid);
	begin_again(m, domid);
}

void model_domain(struct model *m, unsigned int domid, unsigned int flags,
		  uint64_t instance)
{
	struct mdomain *d = model_find_domain(m, domid);
	bool exists = (flags & MACHINE_DOM_EXISTS) &&
		      !(flags & MACHINE_DOM_DYING);
	bool same = exists && d && d->exists && d->instance == instance;

	if (!d)
		return;
	if (d->exists && !same) {
		bool introduced = d->introduced;

		model_drop_domain(m, domid);
		d = begin_again(m, domid);
		if (introduced)
			model_fire_special(m, "@releaseDomain", domid);
	}
	d->exists = exists;
	d->instance = exists ? instance : 0;
	if (!exists || !d->introduced)
		return;
	if ((flags & MACHINE_DOM_SHUTDOWN) && !d->shutdown) {
		d->shutdown = true;
		model_fire_special(m, "@releaseDomain", domid);
	}
}

void model_adopt(struct model *m, unsigned int domid)
{
	struct mdomain *d = model_get_domain(m, domid);

	d->introduced = true;
	if (!model_conn(m, domid))
		model_open(m, domid, domid);
}

/* ---------------------------------------------------------- connections -- */

struct mconn *model_conn(struct model *m, uint32_t conn)
{
	for (size_t i = 0; i < m->nconns; i++)
		if (m->conns[i].id == conn)
			return &m->conns[i];
	return NULL;
}

struct mconn *model_open(struct model *m, uint32_t conn, unsigned int domid)
{
	struct mconn *c;

	m->conns = model_grow(m->conns, m->nconns, sizeof(*m->conns));
	c = &m->conns[m->nconns++];
	c->id = conn;
	c->domid = domid;
	c->serial = ++m->serials;
	return c;
}

static void forget_output(struct mconn *c)
{
	for (size_t i = 0; i < c->nout; i++)
		free(c->out[i].payload);
	free(c->out);
	c->out = NULL;
	c->nout = 0;
}

void model_reset(struct model *m, uint32_t conn)
{
	struct mconn *c = model_conn(m, conn);

	if (!c)
		return;
	model_forget_watches(c);
	model_forget_transactions(c);
	forget_output(c);
	c->last_transaction = 0;
	c->replies = 0;
}

void model_close(struct model *m, uint32_t conn)
{
	struct mconn *c = model_conn(m, conn);
	size_t i;

	if (!c)
		return;
	model_reset(m, conn);
	i = (size_t)(c - m->conns);
	memmove(c, c + 1, (m->nconns - i - 1) * sizeof(*c));
	m->nconns--;
}

void model_taken(struct model *m, uint32_t conn, size_t len)
{
	struct mconn *c = model_conn(m, conn);

	while (len && c && c->nout) {
		struct mmessage *msg = &c->out[0];
		size_t whole = WIRE_HEADER_SIZE + msg->header.len;

		if (len < whole - msg->taken) {
			msg->taken += len;
			return;
		}
		len -= whole - msg->taken;
		free(msg->payload);
		memmove(msg, msg + 1, (c->nout - 1) * sizeof(*msg));
		c->nout--;
	}
}

/* ------------------------------------------------------------- requests -- */

static struct manswer refuse(int error)
{
	struct manswer a = { .error = error };

	return a;
}

static bool known(uint32_t type)
{
	return type < WIRE_OP_COUNT && type != WIRE_WATCH_EVENT &&
	       type != WIRE_ERROR && type != 20;
}

static bool needs_privilege(uint32_t type)
{
	return type == WIRE_CONTROL || type == WIRE_INTRODUCE ||
	       type == WIRE_RELEASE || type == WIRE_RESUME ||
	       type == WIRE_IS_DOMAIN_INTRODUCED ||
	       type == WIRE_SET_TARGET || type == WIRE_GET_FEATURE ||
	       type == WIRE_SET_FEATURE || type == WIRE_GET_QUOTA ||
	       type == WIRE_SET_QUOTA;
}

/* Also if it changed nothing: RM of what is not there. */
static bool writes(uint32_t type)
{
	return type == WIRE_WRITE || type == WIRE_MKDIR || type == WIRE_RM ||
	       type == WIRE_SET_PERMS;
}

static struct manswer in_place(struct model *m, struct mconn *c,
			       struct mtransaction *t,
			       const struct wire_header *h, const char *payload)
{
	struct mchanges changes = { NULL, 0 };
	struct mplace p = { .changes = &changes };
	struct mstore before;
	struct manswer a;

	if (t) {
		p.store = &t->own;
		p.t = t;
		a = model_store_op(m, c, &p, h, payload);
		t->wrote = t->wrote || (!a.error && writes(h->type));
		t->refused = t->refused || a.error == WIRE_ENOSPC;
		mtransaction_note(t, &p, h, payload, &a);
	} else {
		mstore_copy(&before, &m->store);
		p.store = &m->store;
		a = model_store_op(m, c, &p, h, payload);
		model_fire(m, &before, &changes);
		mstore_clear(&before);
	}
	mchanges_free(&changes);
	return a;
}

static struct manswer execute(struct model *m, struct mconn *c,
			      const struct wire_header *h, const char *payload)
{
	struct mtransaction *t = NULL;
	const char *s;

	if (!known(h->type))
		return refuse(WIRE_ENOSYS);
	if (needs_privilege(h->type) && !model_privileged(m, c->domid))
		return refuse(WIRE_EACCES);
	if (h->tx_id && h->type != WIRE_WATCH && h->type != WIRE_UNWATCH) {
		t = model_transaction(c, h->tx_id);
		if (!t)
			return refuse(WIRE_ENOENT);
	}
	if (h->type == WIRE_TRANSACTION_START)
		return t ? refuse(WIRE_EBUSY) : model_transaction_start(c, m);
	if (h->type == WIRE_TRANSACTION_END) {
		s = model_one(payload, h->len);
		if (!s || (strcmp(s, "T") && strcmp(s, "F")))
			return refuse(WIRE_EINVAL);
		if (!t)
			return refuse(WIRE_ENOENT);
		return model_transaction_end(m, c, h->tx_id, s[0] == 'T');
	}
	if (model_is_store_op(h->type))
		return in_place(m, c, t, h, payload);
	return model_other_op(m, c, h, payload);
}

static void reply(struct mconn *c, const struct wire_header *h,
		  struct manswer *a)
{
	struct mmessage *msg;
	const char *name;

	if (!a->error && a->len > WIRE_PAYLOAD_MAX)
		a->error = WIRE_E2BIG;
	c->out = model_grow(c->out, c->nout, sizeof(*c->out));
	msg = &c->out[c->nout++];
	msg->header = *h;
	if (a->error) {
		name = wire_error_name(a->error);
		msg->header.type = WIRE_ERROR;
		msg->header.len = (uint32_t)strlen(name) + 1;
		msg->payload = model_copy(name, strlen(name) + 1);
		free(a->data);
	} else {
		msg->header.len = (uint32_t)(a->data ? a->len : 3);
		msg->payload = a->data ? a->data : model_copy("OK", 3);
		msg->free_text = a->free_text;
		msg->free_generation = a->free_generation;
	}
	c->replies++;
}

void model_refuse(struct model *m, uint32_t conn,
		  const struct wire_header *header, int error)
{
	struct manswer a = refuse(error);

	reply(model_conn(m, conn), header, &a);
}

static void first_event(struct model *m, struct mconn *c)
{
	const struct mwatch *w = &c->watches[c->nwatches - 1];

	model_event(m, c, w, w->path);
}

void model_request(struct model *m, uint32_t conn,
		   const struct wire_header *header, const char *payload)
{
	struct mconn *c = model_conn(m, conn);
	struct manswer a = execute(m, c, header, payload);
	bool set = header->type == WIRE_WATCH && !a.error;

	/* INTRODUCE may have moved the array. */
	c = model_conn(m, conn);
	if (!c) {
		free(a.data);
		return;
	}
	reply(c, header, &a);
	if (set)
		first_event(m, c);
}

/* ---------------------------------------------------------- begin and end */

static void plant(struct model *m, const char *path, char letter)
{
	struct mperm p[2] = { { 0, 'n', 0 }, { PERM_ANY_DOMID, letter, 0 } };

	mnode_perms(m, mstore_add(m, &m->store, path), p, letter ? 2 : 1);
}

struct model *model_new(const struct machine_config *config,
			const struct model_host *host)
{
	struct model *m = model_alloc(sizeof(*m));

	m->config = *config;
	m->host = *host;
	plant(m, "/", 0);
	plant(m, "/tool", 0);
	plant(m, "/tool/xenstored", 0);
	plant(m, "@introduceDomain", 0);
	plant(m, "@releaseDomain", 'r');
	return m;
}

void model_free(struct model *m)
{
	while (m->nconns)
		model_close(m, m->conns[0].id);
	mstore_clear(&m->store);
	free(m->conns);
	free(m->domains);
	free(m);
}
