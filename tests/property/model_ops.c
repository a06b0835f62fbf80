/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The operations on nodes, as the model understands them.  Each works on the
 * store it is given: the present one, a transaction's own, or the present
 * one at commit, when a transaction's requests are done again.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/perm.h"
#include "tests/property/model.h"

struct op {
	struct model *m;
	struct mconn *c;
	struct mplace *p;
	const char *payload;
	size_t len;
	char *path;
};

static struct manswer refuse(int error)
{
	struct manswer a = { .error = error };

	return a;
}

static struct manswer okay(void)
{
	return refuse(0);
}

static void saw(struct op *o, const char *path)
{
	if (o->p->t)
		mtransaction_read(o->p->t, path);
}

/* The error a node gives that is not there, or may not be touched. */
static int cannot(struct op *o, struct mnode *n, char wanted)
{
	if (!n) {
		n = mstore_nearest(o->p->store, o->path);
		/* Who may write there may know that it is not there. */
		wanted = wanted == 'o' ? 'w' : wanted;
		return model_may(o->m, n, o->c->domid, wanted) ? WIRE_ENOENT :
								 WIRE_EACCES;
	}
	return model_may(o->m, n, o->c->domid, wanted) ? 0 : WIRE_EACCES;
}

static struct manswer op_read(struct op *o)
{
	struct mnode *n = mstore_find(o->p->store, o->path);
	struct manswer a = refuse(cannot(o, n, 'r'));

	saw(o, o->path);
	if (a.error)
		return a;
	a.data = model_copy(n->value, n->len);
	a.len = n->len;
	return a;
}

static struct manswer children(struct op *o)
{
	struct mnode *n = mstore_find(o->p->store, o->path);
	struct manswer a = refuse(cannot(o, n, 'r'));

	saw(o, o->path);
	if (a.error)
		return a;
	a.data = model_copy("", 0);
	for (size_t i = 0; i < o->p->store->count; i++) {
		const char *path = o->p->store->nodes[i].path;
		const char *name = strrchr(path, '/');
		char *more;

		if (!mstore_child(o->path, path))
			continue;
		name++;
		more = model_alloc(a.len + strlen(name) + 1);
		memcpy(more, a.data, a.len);
		memcpy(more + a.len, name, strlen(name));
		a.len += strlen(name) + 1;
		free(a.data);
		a.data = more;
	}
	return a;
}

static struct manswer op_directory(struct op *o)
{
	return children(o);
}

/*
 * The generation is the machine's to choose: one digit stands for it here
 * and is not compared.
 */
static struct manswer op_directory_part(struct op *o)
{
	const char *number = model_string(o->payload, o->len, 1);
	struct manswer all, a;
	uint64_t offset;
	size_t end;

	if (!model_number(number, UINT32_MAX, &offset))
		return refuse(WIRE_EINVAL);
	all = children(o);
	if (all.error)
		return all;
	a = okay();
	a.free_generation = true;
	a.data = model_alloc(all.len + 4);
	a.data[0] = '0';
	a.len = 2;
	end = all.len;
	if (offset < end) {
		memcpy(a.data + 2, all.data + offset, end - offset);
		a.len += end - offset;
	}
	a.len++;
	free(all.data);
	return a;
}

static struct manswer op_get_perms(struct op *o)
{
	struct mnode *n = mstore_find(o->p->store, o->path);
	struct manswer a;
	int error;

	if (o->path[0] == '@') {
		if (!n)
			return refuse(WIRE_ENOENT);
		error = model_may(o->m, n, o->c->domid, 'r') ? 0 : WIRE_EACCES;
	} else {
		error = cannot(o, n, 'r');
		saw(o, o->path);
	}
	a = refuse(error);
	if (error)
		return a;
	a.data = model_alloc(n->nperms * PERM_TEXT_MAX);
	for (unsigned int i = 0; i < n->nperms; i++)
		a.len += 1 + (size_t)snprintf(a.data + a.len, PERM_TEXT_MAX,
					      "%c%u", n->perms[i].letter,
					      n->perms[i].domid);
	return a;
}

/* ------------------------------------------------------------- changes -- */

/* How many nodes are missing on the way, the node itself included. */
static size_t missing(const struct mstore *s, const char *path)
{
	char *at = model_copy(path, strlen(path)), *up;
	size_t n = 0;

	while (!mstore_find(s, at)) {
		n++;
		up = mstore_parent(at);
		free(at);
		at = up;
	}
	free(at);
	return n;
}

static struct mnode *create(struct op *o, const char *path)
{
	char *up = mstore_parent(path);
	struct mnode *parent = mstore_find(o->p->store, up), *n;
	struct mperm *perms;
	unsigned int nperms;

	if (!parent)
		parent = create(o, up);
	nperms = parent->nperms;
	perms = model_alloc(nperms * sizeof(*perms));
	memcpy(perms, parent->perms, nperms * sizeof(*perms));
	if (!model_privileged(o->m, o->c->domid)) {
		perms[0].domid = o->c->domid;
		perms[0].instance =
			model_get_domain(o->m, o->c->domid)->instance;
	}
	n = mstore_add(o->m, o->p->store, path);
	mnode_perms(o->m, n, perms, nperms);
	free(perms);
	free(up);
	return n;
}

/*
 * Inside of a transaction both the nodes of the snapshot and those there now
 * may be counted; where that makes a difference the machine decides.
 */
static bool too_many(struct op *o, uint64_t max)
{
	unsigned int domid = o->c->domid;
	size_t more = missing(o->p->store, o->path);
	size_t own = mstore_owned(o->p->store, domid) + more, now;
	const struct mmessage *msg;

	if (!o->p->t)
		return own > max;
	now = own + mstore_owned(&o->m->store, domid) -
	      mstore_owned(&o->p->t->base, domid);
	if ((own > max) == (now > max))
		return own > max;
	msg = o->m->host.answer(o->m->host.arg);
	return msg && msg->header.type == WIRE_ERROR &&
	       !strncmp(msg->payload, "ENOSPC", 6);
}

static int may_create(struct op *o)
{
	uint64_t max = model_quota(o->m, o->c->domid, QUOTA_NODES);
	struct mnode *near = mstore_nearest(o->p->store, o->path);

	if (!model_may(o->m, near, o->c->domid, 'w'))
		return WIRE_EACCES;
	if (model_privileged(o->m, o->c->domid) || !max)
		return 0;
	return too_many(o, max) ? WIRE_ENOSPC : 0;
}

static struct manswer op_write(struct op *o)
{
	const char *value = o->payload + strlen(o->payload) + 1;
	size_t len = o->len - (size_t)(value - o->payload);
	uint64_t max = model_quota(o->m, o->c->domid, QUOTA_NODE_SIZE);
	struct mnode *n = mstore_find(o->p->store, o->path);
	int error;

	error = n ? cannot(o, n, 'w') : may_create(o);
	if (error)
		return refuse(error);
	if (!model_privileged(o->m, o->c->domid) && max && len > max)
		return refuse(WIRE_ENOSPC);
	if (!n)
		n = create(o, o->path);
	mnode_value(o->m, n, value, len);
	mchanges_add(o->p->changes, o->path, false);
	return okay();
}

static struct manswer op_mkdir(struct op *o)
{
	struct mnode *n = mstore_find(o->p->store, o->path);
	int error = n ? cannot(o, n, 'w') : may_create(o);

	if (n)
		saw(o, o->path);
	if (error || n)
		return refuse(error);
	create(o, o->path);
	mchanges_add(o->p->changes, o->path, false);
	return okay();
}

static struct manswer op_rm(struct op *o)
{
	struct mnode *n = mstore_find(o->p->store, o->path);
	char *up;
	int error;

	if (!strcmp(o->path, "/"))
		return refuse(WIRE_EINVAL);
	error = cannot(o, n, 'w');
	if (!n && error == WIRE_ENOENT) {
		up = mstore_parent(o->path);
		error = mstore_find(o->p->store, up) ? 0 : WIRE_ENOENT;
		free(up);
		saw(o, o->path);
		return refuse(error);
	}
	if (error)
		return refuse(error);
	mstore_remove(o->m, o->p->store, o->path);
	mchanges_add(o->p->changes, o->path, true);
	return okay();
}

static bool parse_perms(struct op *o, struct mperm **list, unsigned int *count)
{
	const char *s;
	uint64_t domid;

	*list = NULL;
	*count = 0;
	while ((s = model_string(o->payload, o->len, *count + 1))) {
		struct mperm *p;

		if (!s[0] || !strchr("nrwb", s[0]) || !s[1] ||
		    !model_number(s + 1, 65535, &domid))
			return false;
		*list = model_grow(*list, *count, sizeof(**list));
		p = &(*list)[(*count)++];
		p->letter = s[0];
		p->domid = (unsigned int)domid;
	}
	return *count != 0;
}

static bool is_domain(unsigned int domid)
{
	return domid < MACHINE_DOMID_FIRST_RESERVED;
}

static int set_perms(struct op *o, struct mperm *list, unsigned int count)
{
	uint64_t max = model_quota(o->m, o->c->domid, QUOTA_NODE_PERMISSIONS);
	bool guest = !model_privileged(o->m, o->c->domid);
	struct mnode *n = mstore_find(o->p->store, o->path);
	int error;

	if (guest && max && count > max)
		return WIRE_ENOSPC;
	if (o->path[0] == '@' && !n)
		return WIRE_ENOENT;
	error = cannot(o, n, 'o');
	if (error)
		return error;
	if (guest && list[0].domid != n->perms[0].domid)
		return WIRE_EPERM;
	for (unsigned int i = 0; i < count; i++)
		list[i].instance = list[i].domid && is_domain(list[i].domid) ?
			model_get_domain(o->m, list[i].domid)->instance : 0;
	o->p->no_owner = list[0].domid && !list[0].instance;
	if (o->p->no_owner)
		return WIRE_ENOENT;
	/* Done again at commit: that domain must still be the same. */
	if (o->p->again && o->p->again->nperms &&
	    o->p->again->perms[0].instance != list[0].instance)
		return WIRE_ENOENT;
	for (unsigned int i = 1; o->p->again && i < o->p->again->nperms; i++)
		list[i].instance = o->p->again->perms[i].instance;
	o->p->perms = list;
	o->p->nperms = count;
	mnode_perms(o->m, n, list, count);
	if (o->path[0] == '/')
		mchanges_add(o->p->changes, o->path, false);
	return 0;
}

static struct manswer op_set_perms(struct op *o)
{
	struct mperm *list;
	unsigned int count;
	int error = WIRE_EINVAL;

	if (parse_perms(o, &list, &count))
		error = set_perms(o, list, count);
	if (o->p->perms != list || !o->p->t)
		free(list);
	return refuse(error);
}

/* ---------------------------------------------------------------- table -- */

static const struct {
	uint32_t type;
	unsigned int strings;	/* at least; 0: exactly one, NUL at the end */
	bool special;
	struct manswer (*run)(struct op *o);
} ops[] = {
	{ WIRE_READ, 0, false, op_read },
	{ WIRE_DIRECTORY, 0, false, op_directory },
	{ WIRE_DIRECTORY_PART, 2, false, op_directory_part },
	{ WIRE_GET_PERMS, 0, true, op_get_perms },
	{ WIRE_WRITE, 1, false, op_write },
	{ WIRE_MKDIR, 0, false, op_mkdir },
	{ WIRE_RM, 0, false, op_rm },
	{ WIRE_SET_PERMS, 2, true, op_set_perms },
};

bool model_is_store_op(uint32_t type)
{
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (ops[i].type == type)
			return true;
	return false;
}

struct manswer model_store_op(struct model *m, struct mconn *c,
			      struct mplace *p,
			      const struct wire_header *header,
			      const char *payload)
{
	struct op o = { m, c, p, payload, header->len, NULL };
	struct manswer a;
	size_t i = 0;

	while (ops[i].type != header->type)
		i++;
	if (ops[i].strings ?
	    model_strings(payload, header->len) < ops[i].strings :
	    !model_one(payload, header->len))
		return refuse(WIRE_EINVAL);
	o.path = model_path(m, c, payload, ops[i].special);
	if (!o.path)
		return refuse(WIRE_EINVAL);
	a = ops[i].run(&o);
	/* A refusal tells something as well. */
	if (a.error)
		saw(&o, o.path);
	free(o.path);
	return a;
}
