/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model's operations that do not work on nodes: watches and domains.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/property/model.h"

struct call {
	struct model *m;
	struct mconn *c;
	const char *payload;
	size_t len;
	unsigned int strings;
};

static struct manswer refuse(int error)
{
	struct manswer a = { .error = error };

	return a;
}

static struct manswer text(const char *s)
{
	struct manswer a = { .data = model_copy(s, strlen(s) + 1),
			     .len = strlen(s) + 1 };

	return a;
}

static struct manswer decimal(uint64_t v)
{
	char s[24];

	snprintf(s, sizeof(s), "%llu", (unsigned long long)v);
	return text(s);
}

static const char *arg(const struct call *k, unsigned int i)
{
	return model_string(k->payload, k->len, i);
}

/* -------------------------------------------------------------- watches -- */

static struct mwatch *find_watch(struct mconn *c, const char *path,
				 const char *token)
{
	for (size_t i = 0; i < c->nwatches; i++)
		if (!strcmp(c->watches[i].path, path) &&
		    !strcmp(c->watches[i].token, token))
			return &c->watches[i];
	return NULL;
}

static int depth_of(struct call *k, long *depth)
{
	struct mdomain *d = model_find_domain(k->m, k->c->domid);
	uint32_t features = d ? d->features : k->m->config.features;
	uint64_t v;

	*depth = -1;
	if (k->strings < 2 || k->strings > 3)
		return WIRE_EINVAL;
	if (k->strings == 2)
		return 0;
	if (!(features & 4) && !model_privileged(k->m, k->c->domid))
		return WIRE_EINVAL;
	if (!model_number(arg(k, 2), UINT32_MAX, &v))
		return WIRE_EINVAL;
	*depth = (long)v;
	return 0;
}

static int set_watch(struct call *k, char *path, long depth)
{
	uint64_t max = model_quota(k->m, k->c->domid, QUOTA_WATCHES);
	struct mconn *c = k->c;
	struct mwatch *w;

	if (find_watch(c, path, arg(k, 1)))
		return WIRE_EEXIST;
	if (!model_privileged(k->m, c->domid) && max && c->nwatches >= max)
		return WIRE_ENOSPC;
	c->watches = model_grow(c->watches, c->nwatches, sizeof(*w));
	w = &c->watches[c->nwatches++];
	w->path = model_copy(path, strlen(path));
	w->token = model_copy(arg(k, 1), strlen(arg(k, 1)));
	w->relative = arg(k, 0)[0] != '/' && arg(k, 0)[0] != '@';
	w->depth = depth;
	return 0;
}

static struct manswer op_watch(struct call *k)
{
	long depth;
	int error = depth_of(k, &depth);
	char *path;

	if (error)
		return refuse(error);
	path = model_path(k->m, k->c, arg(k, 0), true);
	error = path ? set_watch(k, path, depth) : WIRE_EINVAL;
	free(path);
	return refuse(error);
}

static void forget_watch(struct mconn *c, struct mwatch *w)
{
	size_t i = (size_t)(w - c->watches);

	free(w->path);
	free(w->token);
	memmove(w, w + 1, (c->nwatches - i - 1) * sizeof(*w));
	c->nwatches--;
}

static struct manswer op_unwatch(struct call *k)
{
	struct mwatch *w;
	char *path;

	if (k->strings != 2)
		return refuse(WIRE_EINVAL);
	path = model_path(k->m, k->c, arg(k, 0), true);
	if (!path)
		return refuse(WIRE_EINVAL);
	w = find_watch(k->c, path, arg(k, 1));
	free(path);
	if (!w)
		return refuse(WIRE_ENOENT);
	forget_watch(k->c, w);
	return refuse(0);
}

static struct manswer op_reset_watches(struct call *k)
{
	model_forget_watches(k->c);
	model_forget_transactions(k->c);
	return refuse(0);
}

/* -------------------------------------------------------------- domains -- */

static bool domid_of(const char *s, unsigned int *domid)
{
	uint64_t v;

	if (!s || !model_number(s, 65535, &v))
		return false;
	*domid = (unsigned int)v;
	return true;
}

/* The one argument of most of these: a domid and nothing else. */
static bool only_domid(struct call *k, unsigned int *domid)
{
	return domid_of(model_one(k->payload, k->len), domid);
}

static struct mdomain *introduced(struct model *m, unsigned int domid)
{
	struct mdomain *d = model_find_domain(m, domid);

	return d && d->introduced ? d : NULL;
}

static struct manswer op_introduce(struct call *k)
{
	unsigned int domid;
	struct mdomain *d;
	uint64_t port;
	int error;

	if (k->strings < 3 || !domid_of(arg(k, 0), &domid) ||
	    !model_number(arg(k, 2), UINT32_MAX, &port) || !port ||
	    domid >= MACHINE_DOMID_FIRST_RESERVED)
		return refuse(WIRE_EINVAL);
	d = model_get_domain(k->m, domid);
	if (!d->exists)
		return refuse(WIRE_ENOENT);
	error = k->m->host.map(k->m->host.arg, domid);
	if (error)
		return refuse(wire_error_number(wire_error_name(error),
						strlen(wire_error_name(error))));
	if (d->introduced)
		return refuse(0);
	d->introduced = true;
	model_open(k->m, domid, domid);
	model_fire_special(k->m, "@introduceDomain", domid);
	return refuse(0);
}

static struct manswer op_release(struct call *k)
{
	unsigned int domid;

	if (!only_domid(k, &domid) || !domid)
		return refuse(WIRE_EINVAL);
	if (!introduced(k->m, domid))
		return refuse(WIRE_ENOENT);
	model_release(k->m, domid);
	model_fire_special(k->m, "@releaseDomain", domid);
	return refuse(0);
}

static struct manswer op_domain_path(struct call *k)
{
	unsigned int domid;
	char s[32];

	if (!only_domid(k, &domid))
		return refuse(WIRE_EINVAL);
	snprintf(s, sizeof(s), "/local/domain/%u", domid);
	return text(s);
}

static struct manswer op_is_introduced(struct call *k)
{
	unsigned int domid;

	if (!only_domid(k, &domid))
		return refuse(WIRE_EINVAL);
	return text(introduced(k->m, domid) ? "T" : "F");
}

static struct manswer op_resume(struct call *k)
{
	unsigned int domid;

	if (!only_domid(k, &domid) || !domid)
		return refuse(WIRE_EINVAL);
	if (!introduced(k->m, domid))
		return refuse(WIRE_ENOENT);
	introduced(k->m, domid)->shutdown = false;
	return refuse(0);
}

static struct manswer op_set_target(struct call *k)
{
	unsigned int domid, target;
	struct mdomain *d;

	if (k->strings < 2 || !domid_of(arg(k, 0), &domid) ||
	    !domid_of(arg(k, 1), &target) || !domid)
		return refuse(WIRE_EINVAL);
	d = introduced(k->m, domid);
	if (!d || !introduced(k->m, target))
		return refuse(WIRE_ENOENT);
	d->has_target = true;
	d->target = target;
	return refuse(0);
}

/* -------------------------------------------------- features and quotas -- */

static struct manswer op_get_feature(struct call *k)
{
	struct mdomain *d;
	unsigned int domid;

	if (!k->len)
		return decimal(k->m->config.features);
	if (!domid_of(arg(k, 0), &domid))
		return refuse(WIRE_EINVAL);
	d = model_get_domain(k->m, domid);
	return d->exists ? decimal(d->features) : refuse(WIRE_ENOENT);
}

static struct manswer op_set_feature(struct call *k)
{
	struct mdomain *d;
	unsigned int domid;
	uint64_t v;

	if (k->strings < 2 || !domid_of(arg(k, 0), &domid) ||
	    !model_number(arg(k, 1), UINT32_MAX, &v) ||
	    (v & ~(uint64_t)k->m->config.features))
		return refuse(WIRE_EINVAL);
	d = model_get_domain(k->m, domid);
	if (!d->exists)
		return refuse(WIRE_ENOENT);
	if (d->introduced)
		return refuse(WIRE_EBUSY);
	d->features = (uint32_t)v;
	return refuse(0);
}

static const struct {
	const char *name;
	enum quota_id id;
} quotas[] = {
	{ "nodes", QUOTA_NODES },
	{ "watches", QUOTA_WATCHES },
	{ "transactions", QUOTA_TRANSACTIONS },
	{ "transaction-nodes", QUOTA_TRANSACTION_NODES },
	{ "permissions", QUOTA_NODE_PERMISSIONS },
	{ "node-permissions", QUOTA_NODE_PERMISSIONS },
	{ "path-max", QUOTA_PATH_MAX },
	{ "node-size", QUOTA_NODE_SIZE },
	{ "outstanding", QUOTA_OUTSTANDING },
	{ "memory", QUOTA_MEMORY },
	{ "memory-soft", QUOTA_MEMORY_SOFT },
};

static bool quota_named(const char *s, enum quota_id *q)
{
	for (size_t i = 0; i < sizeof(quotas) / sizeof(quotas[0]); i++) {
		if (!strcmp(quotas[i].name, s)) {
			*q = quotas[i].id;
			return true;
		}
	}
	return false;
}

static struct manswer op_get_quota(struct call *k)
{
	unsigned int domid;
	enum quota_id q;

	if (!k->len || (k->len == 1 && k->strings == 1)) {
		struct manswer a = text("");

		a.free_text = true;
		return a;
	}
	if (!k->strings || !quota_named(arg(k, k->strings - 1), &q))
		return refuse(WIRE_EINVAL);
	if (k->strings == 1)
		return decimal(k->m->config.quota[q]);
	if (!domid_of(arg(k, 0), &domid))
		return refuse(WIRE_EINVAL);
	if (!model_get_domain(k->m, domid)->exists)
		return refuse(WIRE_ENOENT);
	return decimal(model_quota(k->m, domid, q));
}

static struct manswer op_set_quota(struct call *k)
{
	struct mdomain *d;
	unsigned int domid;
	enum quota_id q;
	uint64_t v;

	if (k->strings < 2 || k->strings > 3 ||
	    !quota_named(arg(k, k->strings - 2), &q) ||
	    !model_number(arg(k, k->strings - 1), UINT32_MAX, &v))
		return refuse(WIRE_EINVAL);
	if (k->strings == 2) {
		k->m->config.quota[q] = v;
		return refuse(0);
	}
	if (!domid_of(arg(k, 0), &domid))
		return refuse(WIRE_EINVAL);
	d = model_get_domain(k->m, domid);
	if (!d->exists)
		return refuse(WIRE_ENOENT);
	d->quota[q] = v;
	d->quota_set[q] = true;
	return refuse(0);
}

/* What CONTROL answers is the host's or for people: any text will do. */
static struct manswer op_control(struct call *k)
{
	const struct mmessage *msg = k->m->host.answer(k->m->host.arg);
	struct manswer a = text("");

	a.free_text = true;
	if (msg && msg->header.type == WIRE_ERROR && msg->header.len)
		a.error = wire_error_number(msg->payload, msg->header.len - 1);
	return a;
}

/* ---------------------------------------------------------------- table -- */

static const struct {
	uint32_t type;
	struct manswer (*run)(struct call *k);
} ops[] = {
	{ WIRE_WATCH, op_watch },
	{ WIRE_UNWATCH, op_unwatch },
	{ WIRE_RESET_WATCHES, op_reset_watches },
	{ WIRE_INTRODUCE, op_introduce },
	{ WIRE_RELEASE, op_release },
	{ WIRE_GET_DOMAIN_PATH, op_domain_path },
	{ WIRE_IS_DOMAIN_INTRODUCED, op_is_introduced },
	{ WIRE_RESUME, op_resume },
	{ WIRE_SET_TARGET, op_set_target },
	{ WIRE_GET_FEATURE, op_get_feature },
	{ WIRE_SET_FEATURE, op_set_feature },
	{ WIRE_GET_QUOTA, op_get_quota },
	{ WIRE_SET_QUOTA, op_set_quota },
	{ WIRE_CONTROL, op_control },
};

struct manswer model_other_op(struct model *m, struct mconn *c,
			      const struct wire_header *header,
			      const char *payload)
{
	struct call k = { m, c, payload, header->len,
			  model_strings(payload, header->len) };

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (ops[i].type == header->type)
			return ops[i].run(&k);
	return refuse(WIRE_ENOSYS);
}
