/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Births, deaths and accounts of domains; see domain.h. */
#include "xenstored/core/domain.h"
#include "xenstored/core/ask.h"
#include "xenstored/core/change.h"
#include "xenstored/core/conn.h"
#include "xenstored/core/mem.h"
#include "xenstored/core/notes.h"
#include "xenstored/core/quota.h"
#include "xenstored/core/watch.h"

#include <errno.h>
#include <string.h>

#define LOG_INTERVAL 1000000	/* microseconds */

static void map_set(struct machine *m, uint32_t domid, bool there)
{
	uint64_t bit = 1ULL << (domid % 64);

	if (there)
		m->domain_map[domid / 64] |= bit;
	else
		m->domain_map[domid / 64] &= ~bit;
}

uint32_t domain_next(const struct machine *m, uint32_t domid)
{
	uint32_t word = domid / 64;
	uint64_t bits;

	if (domid >= STATE_DOMAINS)
		return STATE_DOMAINS;
	bits = m->domain_map[word] & (~0ULL << (domid % 64));
	while (!bits) {
		if (++word == STATE_DOMAIN_WORDS)
			return STATE_DOMAINS;
		bits = m->domain_map[word];
	}
	return word * 64 + (uint32_t)__builtin_ctzll(bits);
}

struct domain *domain_new(struct machine *m, uint32_t domid,
			  uint64_t instance, uint32_t flags)
{
	struct domain *d = mem_new(m, struct domain);

	if (!d)
		return NULL;
	d->domid = (uint16_t)domid;
	d->instance = instance;
	d->flags = flags;
	d->target = -1;
	d->features = m->config.features;
	memcpy(d->limit, m->config.quota, sizeof(d->limit));
	list_init(&d->owned);
	list_init(&d->in_reap);
	m->domain[domid] = d;
	map_set(m, domid, true);
	m->domains++;
	return d;
}

struct domain *domain_birth(struct machine *m, uint32_t domid,
			    uint64_t instance, uint32_t flags)
{
	struct domain *d;

	if (domid >= MACHINE_DOMID_FIRST_RESERVED)
		return NULL;
	if (m->domain[domid])
		domain_reap(m);
	if (m->domain[domid])
		return NULL;
	d = domain_new(m, domid, instance, flags);
	if (d)
		m->valid_since[domid] = ++m->age;
	return d;
}

void domain_free(struct machine *m, struct domain *d)
{
	list_each_safe(&d->owned, l)
		owned_free(m, list_entry(l, struct owned, in_domain));
	list_remove(&d->in_reap);
	map_set(m, d->domid, false);
	m->domain[d->domid] = NULL;
	m->domains--;
	talloc_free(d);
}

/* What its owner also owned right below the root goes with him. */
static int root_children(struct change *c, uint16_t owner)
{
	struct node **list = dir_list(c->root->dir);
	uint32_t count = dir_count(c->root->dir);
	char path[WIRE_ABS_PATH_MAX + 1] = "/";
	int err = count && !list ? -ENOMEM : 0;

	/* The nodes stay as long as the present tree has them. */
	for (uint32_t i = 0; i < count && err >= 0; i++) {
		struct span s = { path, 1u + list[i]->name_len };

		if (acl_owner(list[i]->acl) != owner)
			continue;
		memcpy(path + 1, list[i]->data, list[i]->name_len);
		err = change_rm(c, &access_daemon, s);
	}
	mem_drop(list);
	return err;
}

/* The root cannot go: it becomes dom0's. */
static int root_inherit(struct change *c)
{
	struct span path = { "/", 1 };
	struct acl *old = c->root->acl, *acl;
	uint16_t owner = acl_owner(old);
	int err = root_children(c, owner);

	if (err < 0)
		return err;
	acl = acl_new(old->entry, old->count, ++c->m->age);
	if (!acl)
		return -ENOMEM;
	acl->entry[0].domid = 0;
	err = change_set_acl(c, &access_daemon, path, acl);
	acl_unref(acl);
	return err;
}

/* Remove all it owns.  False: no memory, nothing was removed. */
static bool domain_clear(struct machine *m, struct domain *d)
{
	struct change c;
	int err = 0;

	m->notes->conn = NOTES_DAEMON;
	m->notes->op = WIRE_RM;
	change_init(&c, m, m->root, true);
	list_each(&d->owned, l) {
		struct owned *o = list_entry(l, struct owned, in_domain);
		struct span path = { o->path, o->len };

		err = path.len == 1 ? root_inherit(&c) :
			change_rm(&c, &access_daemon, path);
		if (err < 0)
			break;
	}
	if (err >= 0)
		change_publish(&c);
	change_fini(&c);
	return err >= 0;
}

static void domain_bury(struct machine *m, struct domain *d)
{
	uint32_t domid = d->domid;
	bool tell = d->tell;

	if (!domain_clear(m, d))
		return;
	for (uint32_t i = domain_next(m, 0); i < STATE_DOMAINS;
	     i = domain_next(m, i + 1))
		if (m->domain[i]->target == (int32_t)domid)
			m->domain[i]->target = -1;
	m->valid_since[domid] = ++m->age;
	domain_free(m, d);
	if (tell)
		watch_fire_special(m, SPECIAL_RELEASE, domid);
}

void domain_death(struct machine *m, struct domain *d)
{
	if (d->dying)
		return;
	d->dying = true;
	d->tell = d->introduced;
	list_append(&m->reap, &d->in_reap);
	if (d->conn)
		conn_drop(m, d->conn);
	if (d->introduced)
		ask_unmap(m, d->domid);
	d->introduced = false;
	domain_bury(m, d);
}

void domain_reap(struct machine *m)
{
	list_each_safe(&m->reap, l)
		domain_bury(m, list_entry(l, struct domain, in_reap));
}

int domain_introduced(struct machine *m, uint32_t domid, uint32_t port)
{
	struct domain *d = domain_live(m, domid);
	bool fresh;

	if (!d || (!d->conn && !conn_new_ring(m, d)))
		return -ENOMEM;
	fresh = !d->introduced;
	d->introduced = true;
	d->port = port;
	if (fresh) {
		d->shutdown_seen = false;
		watch_fire_special(m, SPECIAL_INTRODUCE, domid);
	}
	return 0;
}

int domain_facts(struct machine *m, uint32_t domid, uint32_t flags,
		 uint64_t instance, bool wanted)
{
	struct domain *d = domain_live(m, domid);
	bool alive = (flags & MACHINE_DOM_EXISTS) &&
		     !(flags & MACHINE_DOM_DYING);

	/* Found running at start, before anybody told its instance. */
	if (d && alive && !d->instance)
		d->instance = instance;
	if (d && domid && (!alive || d->instance != instance)) {
		domain_death(m, d);
		d = NULL;
	}
	if (!alive)
		return 0;
	if (!d) {
		if (!wanted)
			return 0;
		d = domain_birth(m, domid, instance, flags);
		return d ? 0 : -ENOMEM;
	}
	d->flags = flags;
	if (d->introduced && (flags & MACHINE_DOM_SHUTDOWN) &&
	    !d->shutdown_seen) {
		d->shutdown_seen = true;
		watch_fire_special(m, SPECIAL_RELEASE, domid);
	}
	return 0;
}

/* ---------------------------------------------------------- accounts -- */

static void soft_check(struct domain *d)
{
	uint64_t soft = d->limit[QUOTA_MEMORY_SOFT];

	if (!soft || d->used[QUOTA_MEMORY] <= soft)
		d->soft_warned = false;
}

void domain_charge(struct domain *d, enum quota_id row, uint64_t n)
{
	d->used[row] += n;
	if (d->used[QUOTA_MEMORY] > d->peak_memory)
		d->peak_memory = d->used[QUOTA_MEMORY];
}

void domain_return(struct domain *d, enum quota_id row, uint64_t n)
{
	d->used[row] -= n < d->used[row] ? n : d->used[row];
	soft_check(d);
}

bool domain_may(const struct domain *d, enum quota_id row, uint64_t more)
{
	return !d->domid || quota_allows(d->limit[row], d->used[row] + more);
}

void domain_refused(struct machine *m, struct domain *d, enum quota_id row,
		    struct span path)
{
	d->refused[row]++;
	m->counts.refused++;
	notes_refused(m, d, row, path);
	if (m->now < d->log_after)
		return;
	d->log_after = m->now + LOG_INTERVAL;
	state_log(m, "XSD201", "domain %u exceeds quota %s (%llu) at %.*s",
		  d->domid, quota_table[row].name,
		  (unsigned long long)d->limit[row], (int)path.len, path.at);
}

/* ------------------------------------------------------ owned subtrees -- */

static uint64_t owned_hash(const struct machine *m, uint16_t domid,
			   struct span path)
{
	return hash_bytes(&m->key, domid, path.at, path.len);
}

struct owned *owned_find(const struct machine *m, uint16_t domid,
			 struct span path)
{
	uint64_t hash = owned_hash(m, domid, path);
	struct hash_link *l = hash_table_chain(&m->owned, hash);

	for (; l; l = l->next) {
		struct owned *o = hash_entry(l, struct owned, in_table);

		if (l->hash == hash && o->domid == domid &&
		    o->len == path.len && !memcmp(o->path, path.at, path.len))
			return o;
	}
	return NULL;
}

struct owned *owned_new(uint16_t domid, struct span path)
{
	struct owned *o = mem_block(sizeof(*o) + path.len);

	if (!o)
		return NULL;
	list_init(&o->in_domain);
	o->in_table.next = NULL;
	o->domid = domid;
	o->len = (uint16_t)path.len;
	memcpy(o->path, path.at, path.len);
	return o;
}

void owned_add(struct machine *m, struct owned *o)
{
	struct span path = { o->path, o->len };

	o->id = ++m->owned_id;
	hash_table_add(&m->owned, &o->in_table,
		       owned_hash(m, o->domid, path));
	list_append(&domain_find(m, o->domid)->owned, &o->in_domain);
}

void owned_free(struct machine *m, struct owned *o)
{
	if (!list_empty(&o->in_domain))
		hash_table_remove(&m->owned, &o->in_table);
	list_remove(&o->in_domain);
	mem_drop(o);
}

void owned_remove(struct machine *m, uint16_t domid, struct span path)
{
	struct owned *o = owned_find(m, domid, path);

	if (o)
		owned_free(m, o);
}
