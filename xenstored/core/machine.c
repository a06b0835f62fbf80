/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine's face: making one, inputs, outputs; see machine.h. */
#include "xenstored/core/machine.h"
#include "xenstored/core/ask.h"
#include "xenstored/core/conn.h"
#include "xenstored/core/domain.h"
#include "xenstored/core/effect.h"
#include "xenstored/core/fair.h"
#include "xenstored/core/listing.h"
#include "xenstored/core/mem.h"
#include "xenstored/core/notes.h"
#include "xenstored/core/output.h"
#include "xenstored/core/request.h"
#include "xenstored/core/watch.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LOG_LINE_MAX 4400

void state_log(struct machine *m, const char *id, const char *format, ...)
{
	char line[LOG_LINE_MAX];
	va_list ap;

	if (!m->config.log)
		return;
	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	m->config.log(m->config.arg, id, line);
}

/* ------------------------------------------------------------- making -- */

static bool special_init(struct machine *m)
{
	static const struct perm release[] = {
		{ 0, PERM_NONE }, { PERM_ANY_DOMID, PERM_READ },
	};

	m->special[SPECIAL_INTRODUCE] = acl_new(release, 1, m->age);
	m->special[SPECIAL_RELEASE] = acl_new(release, 2, m->age);
	return m->special[SPECIAL_INTRODUCE] && m->special[SPECIAL_RELEASE];
}

static bool tree_init(struct machine *m)
{
	static const struct perm owner = { 0, PERM_NONE };
	struct span none = { "", 0 }, path = { "/tool/xenstored", 15 };
	struct acl *acl = acl_new(&owner, 1, m->age);
	struct change c;
	bool ok;

	if (!acl)
		return false;
	m->root = node_new(none, none, acl, ++m->age);
	acl_unref(acl);
	if (!m->root)
		return false;
	m->nodes = 1;
	domain_charge(domain_find(m, 0), QUOTA_NODES, 1);
	domain_charge(domain_find(m, 0), QUOTA_MEMORY,
		      change_node_cost(m->root));
	change_init(&c, m, m->root, true);
	ok = !change_mkdir(&c, &access_daemon, path);
	if (ok)
		change_publish(&c);
	change_fini(&c);
	return ok;
}

struct machine *machine_bare(const struct machine_config *config)
{
	struct machine *m = mem_new(NULL, struct machine);

	if (!m)
		return NULL;
	m->config = *config;
	m->key.k0 = config->hash_key[0];
	m->key.k1 = config->hash_key[1];
	list_init(&m->reap);
	list_init(&m->conns);
	list_init(&m->dirty);
	list_init(&m->dead);
	list_init(&m->starved);
	list_init(&m->asks);
	list_init(&m->tell);
	list_init(&m->held);
	list_init(&m->pinning);
	list_init(&m->yielded);
	hash_table_init(&m->owned);
	hash_table_init(&m->sockets);
	hash_table_init(&m->events);
	hash_table_init(&m->watch_nodes);
	hash_table_init(&m->watch_index);
	m->config.version = talloc_strdup(m, config->version);
	m->notes = notes_new(m);
	if (!m->config.version || !m->notes || !watch_init(m)) {
		machine_free(m);
		return NULL;
	}
	return m;
}

struct machine *machine_new(const struct machine_config *config)
{
	struct machine *m = machine_bare(config);

	if (!m)
		return NULL;
	/* dom0 first: entries older than a domain do not speak of it. */
	if (!domain_birth(m, 0, 0, MACHINE_DOM_EXISTS) || !special_init(m) ||
	    !tree_init(m)) {
		machine_free(m);
		return NULL;
	}
	return m;
}

void machine_free(struct machine *m)
{
	if (!m)
		return;
	list_each_safe(&m->conns, l) {
		struct conn *c = list_entry(l, struct conn, in_machine);

		conn_drop(m, c);
	}
	for (uint32_t i = domain_next(m, 0); i < STATE_DOMAINS;
	     i = domain_next(m, i + 1))
		domain_free(m, m->domain[i]);
	node_unref(m->root);
	for (int i = 0; i < SPECIAL_COUNT; i++)
		acl_unref(m->special[i]);
	mem_drop(m->watch_root);
	mem_drop(m->watch_special);
	mem_drop(m->match);
	listing_drop(m);
	hash_table_fini(&m->owned);
	hash_table_fini(&m->sockets);
	hash_table_fini(&m->events);
	hash_table_fini(&m->watch_nodes);
	hash_table_fini(&m->watch_index);
	talloc_free(m);
}

/* ------------------------------------------------------------- inputs -- */

static int in_time(struct machine *m, const struct machine_input *in)
{
	if (in->time <= m->now)
		return 0;
	if (!m->now)
		m->started = in->time;
	m->now = in->time;
	fair_tick(m);
	output_tick(m);
	return 0;
}

static int in_open(struct machine *m, const struct machine_input *in)
{
	if (in->conn < MACHINE_SOCKET_BASE || conn_find(m, in->conn))
		return 0;
	return conn_new_socket(m, in->conn) ? 0 : -ENOMEM;
}

static int in_close(struct machine *m, const struct machine_input *in)
{
	struct conn *c = conn_find(m, in->conn);

	if (c && !c->ring)
		conn_drop(m, c);
	return 0;
}

static int in_bytes(struct machine *m, const struct machine_input *in)
{
	struct conn *c = conn_find(m, in->conn);

	return c ? conn_input(m, c, in->data, in->len) : 0;
}

static int in_taken(struct machine *m, const struct machine_input *in)
{
	struct conn *c = conn_find(m, in->conn);

	if (c)
		conn_taken(m, c, in->len);
	return 0;
}

static int in_ring_reset(struct machine *m, const struct machine_input *in)
{
	struct conn *c = conn_find(m, in->conn);

	if (!c || !c->ring)
		return 0;
	conn_reset(m, c);
	c->failed = false;
	c->ring_error = 0;
	list_remove(&c->in_tell);
	return 0;
}

static int in_ring_failed(struct machine *m, const struct machine_input *in)
{
	struct conn *c = conn_find(m, in->conn);

	if (!c || !c->ring)
		return 0;
	conn_reset(m, c);
	c->failed = true;
	c->ring_error = 0;
	list_remove(&c->in_tell);
	return 0;
}

static int in_domain(struct machine *m, const struct machine_input *in)
{
	int err;

	if (in->domid >= MACHINE_DOMID_FIRST_RESERVED)
		return 0;
	err = domain_facts(m, in->domid, in->flags, in->instance,
			   ask_wanted(m, in->domid));
	if (err)
		ask_lacked(m, in->domid);
	return err;
}

static int in_adopt(struct machine *m, const struct machine_input *in)
{
	struct domain *d = domain_live(m, in->domid);

	if (in->domid >= MACHINE_DOMID_FIRST_RESERVED || (d && d->introduced))
		return 0;
	if (!d && !domain_birth(m, in->domid, in->instance,
				MACHINE_DOM_EXISTS))
		return -ENOMEM;
	return ask_map(m, NULL, in->domid, in->port, true) ? 0 : -ENOMEM;
}

/* Nobody waits for this mapping any more. */
static void orphan_map(struct machine *m, const struct machine_input *in,
		       const struct ask *a)
{
	struct domain *d = domain_live(m, a->what.domid);

	if (in->error)
		return;
	if (a->adopt && d && !domain_introduced(m, d->domid, a->what.port))
		return;
	if (!d || !d->introduced)
		ask_unmap(m, a->what.domid);
}

static int answer_take(struct conn *c, const struct machine_input *in,
		       const struct ask *a)
{
	c->answer.ask = 0;
	c->answer.there = true;
	c->answer.type = a->what.type;
	c->answer.domid = a->what.domid;
	c->answer.error = a->lacked ? WIRE_ENOMEM : in->error;
	c->answer.len = 0;
	if (!in->len || in->error)
		return 0;
	c->answer.data = mem_block(in->len);
	if (!c->answer.data) {
		c->answer.error = WIRE_ENOMEM;
		return 0;
	}
	memcpy(c->answer.data, in->data, in->len);
	c->answer.len = (uint32_t)in->len;
	return 0;
}

static int in_done(struct machine *m, const struct machine_input *in)
{
	struct ask *a = ask_find(m, in->ask);
	struct conn *c;

	if (!a || in->len > WIRE_PAYLOAD_MAX)
		return 0;
	c = a->adopt ? NULL : conn_find(m, a->what.conn);
	if (c && c->answer.ask == in->ask) {
		answer_take(c, in, a);
		ask_free(a);
		conn_run(m, c);
		return 0;
	}
	if (a->what.type == MACHINE_ASK_MAP)
		orphan_map(m, in, a);
	ask_free(a);
	return 0;
}

/* Who starts from nothing says so where every domain can read it. */
static int in_identity(struct machine *m, const struct machine_input *in)
{
	static const struct perm all = { 0, PERM_READ };
	static const char name[] = "/tool/xenstored/generation";
	struct span path = { name, sizeof(name) - 1 };
	struct span value = { in->data, in->len };
	struct acl *acl;
	struct change c;
	int err;

	if (in->len > WIRE_PAYLOAD_MAX)
		return -E2BIG;
	acl = acl_new(&all, 1, ++m->age);
	if (!acl)
		return -ENOMEM;
	change_init(&c, m, m->root, true);
	err = change_write(&c, &access_daemon, path, value);
	if (!err)
		err = change_set_acl(&c, &access_daemon, path, acl);
	if (!err)
		change_publish(&c);
	change_fini(&c);
	acl_unref(acl);
	return err;
}

static int (*const inputs[])(struct machine *m,
			     const struct machine_input *in) = {
	[MACHINE_IN_TIME] = in_time,
	[MACHINE_IN_OPEN] = in_open,
	[MACHINE_IN_CLOSE] = in_close,
	[MACHINE_IN_BYTES] = in_bytes,
	[MACHINE_IN_TAKEN] = in_taken,
	[MACHINE_IN_RING_RESET] = in_ring_reset,
	[MACHINE_IN_RING_FAILED] = in_ring_failed,
	[MACHINE_IN_DOMAIN] = in_domain,
	[MACHINE_IN_ADOPT] = in_adopt,
	[MACHINE_IN_DONE] = in_done,
	[MACHINE_IN_IDENTITY] = in_identity,
};

int machine_step(struct machine *m, const struct machine_input *in)
{
	int err;

	if ((unsigned int)in->type >= sizeof(inputs) / sizeof(inputs[0]))
		return -EINVAL;
	if (!list_empty(&m->reap))
		domain_reap(m);
	err = inputs[in->type](m, in);
	fair_release(m);
	if (!list_empty(&m->dead))
		conn_reap(m);
	return err;
}

/* ------------------------------------------------------------ outputs -- */

unsigned int machine_output(struct machine *m, uint32_t conn,
			    struct machine_span *spans, unsigned int max)
{
	struct conn *c = conn_find(m, conn);

	return c ? conn_output(c, spans, max) : 0;
}

size_t machine_wants(struct machine *m, uint32_t conn)
{
	struct conn *c = conn_find(m, conn);

	return c ? conn_wants(c) : 0;
}

bool machine_next_dirty(struct machine *m, uint32_t *conn)
{
	struct conn *c;

	if (list_empty(&m->dirty))
		return false;
	c = list_entry(m->dirty.next, struct conn, in_dirty);
	list_remove(&c->in_dirty);
	*conn = c->id;
	return true;
}

uint64_t machine_deadline(const struct machine *m)
{
	if (!list_empty(&m->reap))
		return m->now;
	return fair_deadline(m);
}

bool machine_domain_next(struct machine *m, uint32_t *domid,
			 uint64_t *instance, uint32_t *flags)
{
	uint32_t i = domain_next(m, *domid);

	while (i < STATE_DOMAINS && m->domain[i]->dying)
		i = domain_next(m, i + 1);
	if (i >= STATE_DOMAINS)
		return false;
	*domid = i;
	*instance = m->domain[i]->instance;
	*flags = m->domain[i]->flags;
	return true;
}

bool machine_conn_next(struct machine *m, uint32_t *conn, bool *failed)
{
	const struct conn *best = NULL;

	list_each(&m->conns, l) {
		const struct conn *c = list_entry(l, struct conn, in_machine);

		if (c->id >= *conn && (!best || c->id < best->id))
			best = c;
	}
	if (!best)
		return false;
	*conn = best->id;
	*failed = best->failed;
	return true;
}

uint32_t machine_features(const struct machine *m, uint32_t domid)
{
	const struct domain *d = domain_live(m, domid);

	return d ? d->features : 0;
}
