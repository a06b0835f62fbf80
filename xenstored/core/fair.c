/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Favoured transactions and those who wait for them; see fair.h. */
#include "xenstored/core/fair.h"
#include "xenstored/core/conn.h"
#include "protocol/path.h"

/*
 * Trying what is forbidden is also something seen (its list was), but nobody
 * else is made to wait for one who may not read what he asked for.
 */
static bool may_read(const struct machine *m, const struct transaction *t,
		     struct span path)
{
	struct caller who = conn_caller(t->conn);
	struct node *n = tree_nearest(&m->key, m->root, path, NULL);

	return access_of(m, &who, n->acl) & PERM_READ;
}

static bool seen(const struct machine *m, const struct transaction *t,
		 struct span path, unsigned int aspects)
{
	const struct transaction_path *p =
		t ? transaction_path(m, t, path) : NULL;

	return p && (p->aspects & aspects) && may_read(m, t, path);
}

/* Would an operation on `path` alter what this set has seen? */
static bool set_touched(const struct machine *m, const struct transaction *t,
			uint32_t op, struct span path)
{
	const unsigned int any = SEEN_EXISTS | SEEN_VALUE | SEEN_ACL |
				 SEEN_CHILDREN;
	bool there = tree_find(&m->key, m->root, path);

	if (!t)
		return false;
	if (seen(m, t, path, any))
		return true;
	if (op == WIRE_RM) {
		for (struct transaction_path *p = t->paths; p; p = p->next) {
			struct span below = { p->path, p->len };

			if ((p->aspects & any) && path_below(path, below) &&
			    may_read(m, t, below))
				return true;
		}
		return seen(m, t, path_parent(path), SEEN_CHILDREN);
	}
	/* Creating: every directory that gets a new child. */
	while (!there && path.len > 1) {
		path = path_parent(path);
		if (seen(m, t, path, any))
			return true;
		there = tree_find(&m->key, m->root, path);
	}
	return false;
}

static bool favoured_touched(const struct machine *m, uint32_t op,
			     struct span path)
{
	return set_touched(m, m->favoured, op, path) ||
	       set_touched(m, m->favoured->conn->husk, op, path);
}

static bool fair_hold(struct machine *m, struct conn *c)
{
	list_append(&m->held, &c->in_held);
	m->counts.held++;
	return true;
}

bool fair_hold_start(struct machine *m, struct conn *c)
{
	if (!m->favoured || m->favoured->conn == c || !c->conflicts)
		return false;
	return fair_hold(m, c);
}

bool fair_hold_change(struct machine *m, struct conn *c, uint32_t op,
		      struct span path)
{
	if (!m->favoured || m->favoured->conn == c ||
	    !favoured_touched(m, op, path))
		return false;
	return fair_hold(m, c);
}

bool fair_hold_commit(struct machine *m, struct transaction *t)
{
	if (!m->favoured || m->favoured->conn == t->conn)
		return false;
	for (struct transaction_op *o = t->log; o; o = o->next) {
		struct span path = { o->data, o->path_len };

		if (favoured_touched(m, o->op, path))
			return fair_hold(m, t->conn);
	}
	return false;
}

void fair_started(struct machine *m, struct transaction *t)
{
	struct conn *c = t->conn;

	if (!c->conflicts || m->favoured || m->now < c->favour_after ||
	    (!c->privileged && m->now < m->favour_pause))
		return;
	m->favoured = t;
	m->favour_until = m->now + FAIR_TIME;
}

void fair_committed(struct machine *m, struct transaction *t, int err)
{
	struct conn *c = t->conn;

	transaction_husk(m, t);
	transaction_husk_drop(c->husk);
	c->husk = NULL;
	if (err == WIRE_EAGAIN) {
		c->conflicts++;
		c->husk = t;
	} else {
		c->conflicts = 0;
		transaction_husk_drop(t);
	}
}

/*
 * The favour is over, however it ended: what it lasted is booked as pause.
 * The books forget what is older than FAIR_PAUSE, so that who is quick has no
 * pause, and who dawdles has one after FAIR_TIME in all.
 */
void fair_ended(struct machine *m, struct transaction *t)
{
	uint64_t began = m->favour_until - FAIR_TIME, from, lasted;

	if (m->favoured != t)
		return;
	m->favoured = NULL;
	if (t->conn->privileged)
		return;
	/* A pass that came late is not this guest's fault. */
	lasted = m->now - began < FAIR_TIME ? m->now - began : FAIR_TIME;
	from = m->now > FAIR_PAUSE ? m->now - FAIR_PAUSE : 0;
	if (from < m->favour_pause)
		from = m->favour_pause;
	m->favour_pause = from + lasted * FAIR_PAUSE / FAIR_TIME;
}

void fair_leave(struct machine *m, struct conn *c)
{
	list_remove(&c->in_held);
	transaction_husk_drop(c->husk);
	c->husk = NULL;
	c->conflicts = 0;
}

void fair_tick(struct machine *m)
{
	struct conn *c;

	if (!m->favoured || m->now < m->favour_until)
		return;
	c = m->favoured->conn;
	c->favour_after = m->now + 2 * FAIR_PAUSE;
	fair_ended(m, m->favoured);
	if (!c->privileged && m->favour_pause < m->now + FAIR_PAUSE)
		m->favour_pause = m->now + FAIR_PAUSE;
}

void fair_release(struct machine *m)
{
	while (!m->favoured && !list_empty(&m->held)) {
		struct conn *c = list_entry(m->held.next, struct conn,
					    in_held);

		list_remove(&c->in_held);
		conn_run(m, c);
	}
}
