/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The queue of things asked of the host; see ask.h. */
#include "xenstored/core/ask.h"
#include "xenstored/core/conn.h"
#include "xenstored/core/domain.h"
#include "xenstored/core/mem.h"

#include <string.h>

static struct ask *ask_new(struct machine *m, enum machine_ask_type type,
			   struct conn *c, const void *data, size_t len)
{
	struct ask *a = mem_named(m, sizeof(*a) + len, "struct ask");

	if (!a)
		return NULL;
	a->what.id = ++m->ask_id;
	a->what.type = type;
	a->what.conn = c ? c->id : 0;
	if (len)
		memcpy(a->data, data, len);
	a->what.data = a->data;
	a->what.len = len;
	list_append(&m->asks, &a->in_machine);
	return a;
}

uint64_t ask_domain(struct machine *m, struct conn *c, uint32_t domid)
{
	struct ask *a = ask_new(m, MACHINE_ASK_DOMAIN, c, NULL, 0);

	if (!a)
		return 0;
	a->what.domid = domid;
	return a->what.id;
}

uint64_t ask_map(struct machine *m, struct conn *c, uint32_t domid,
		 uint32_t port, bool adopt)
{
	struct domain *d = domain_live(m, domid);
	struct ask *a = ask_new(m, MACHINE_ASK_MAP, c, NULL, 0);

	if (!a)
		return 0;
	a->what.domid = domid;
	a->what.port = port;
	a->what.features = d ? d->features : m->config.features;
	a->adopt = adopt;
	return a->what.id;
}

uint64_t ask_control(struct machine *m, struct conn *c, const void *data,
		     size_t len)
{
	struct ask *a = ask_new(m, MACHINE_ASK_CONTROL, c, data, len);

	return a ? a->what.id : 0;
}

void ask_unmap(struct machine *m, uint32_t domid)
{
	uint64_t bit = 1ULL << (domid % 64);

	if (!(m->unmap_map[domid / 64] & bit))
		m->unmaps++;
	m->unmap_map[domid / 64] |= bit;
}

struct ask *ask_find(struct machine *m, uint64_t id)
{
	list_each(&m->asks, l) {
		struct ask *a = list_entry(l, struct ask, in_machine);

		if (a->what.id == id)
			return a->fetched ? a : NULL;
	}
	return NULL;
}

bool ask_wanted(const struct machine *m, uint32_t domid)
{
	list_each(&m->asks, l) {
		const struct ask *a = list_entry(l, struct ask, in_machine);

		if (a->what.type == MACHINE_ASK_DOMAIN &&
		    a->what.domid == domid)
			return true;
	}
	return false;
}

void ask_lacked(struct machine *m, uint32_t domid)
{
	list_each(&m->asks, l) {
		struct ask *a = list_entry(l, struct ask, in_machine);

		if (a->what.type == MACHINE_ASK_DOMAIN &&
		    a->what.domid == domid)
			a->lacked = true;
	}
}

void ask_free(struct ask *a)
{
	list_remove(&a->in_machine);
	talloc_free(a);
}

static uint32_t unmap_first(const struct machine *m)
{
	uint32_t word = 0;

	while (!m->unmap_map[word])
		word++;
	return word * 64 + (uint32_t)__builtin_ctzll(m->unmap_map[word]);
}

static struct ask *ask_first(struct machine *m)
{
	list_each(&m->asks, l) {
		struct ask *a = list_entry(l, struct ask, in_machine);

		if (!a->fetched)
			return a;
	}
	return NULL;
}

bool machine_ask_peek(struct machine *m, struct machine_ask *out)
{
	struct ask *a;

	memset(out, 0, sizeof(*out));
	if (m->unmaps) {
		out->type = MACHINE_ASK_UNMAP;
		out->domid = unmap_first(m);
		out->conn = out->domid;
		return true;
	}
	if (!list_empty(&m->tell)) {
		conn_tell(list_entry(m->tell.next, struct conn, in_tell), out);
		return true;
	}
	a = ask_first(m);
	if (!a)
		return false;
	*out = a->what;
	return true;
}

void machine_ask_pop(struct machine *m)
{
	struct ask *a;
	uint32_t domid;

	if (m->unmaps) {
		domid = unmap_first(m);
		m->unmap_map[domid / 64] &= ~(1ULL << (domid % 64));
		m->unmaps--;
	} else if (!list_empty(&m->tell)) {
		conn_told(m, list_entry(m->tell.next, struct conn, in_tell));
	} else {
		a = ask_first(m);
		if (a)
			a->fetched = true;
	}
}

void machine_ask_again(struct machine *m)
{
	list_each(&m->asks, l)
		list_entry(l, struct ask, in_machine)->fetched = false;
	list_each(&m->conns, l)
		conn_tell_again(m, list_entry(l, struct conn, in_machine));
}
