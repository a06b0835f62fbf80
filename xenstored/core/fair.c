/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Favoured transactions and those who wait for them; see fair.h. */
#include "xenstored/core/fair.h"
#include "xenstored/core/conn.h"
#include "protocol/path.h"

#include <string.h>

static const unsigned int any = SEEN_EXISTS | SEEN_VALUE | SEEN_ACL |
				SEEN_CHILDREN;

/*
 * What somebody wants to alter, looked up once for all that is asked of it;
 * `looks` are left to be spent on one request.
 */
struct target {
	uint32_t op;
	struct span path;
	struct span at;		/* the nearest that there is */
	struct node *n;
	unsigned int looks;
};

static void target_set(struct target *x, const struct machine *m, uint32_t op,
		       struct span path)
{
	x->op = op;
	x->path = path;
	x->n = tree_nearest(&m->key, m->root, path, &x->at);
}

/*
 * Trying what is forbidden is also something seen (its list was), but nobody
 * else is made to wait for one who may not read what he asked for.
 */
static bool may_read(const struct machine *m, const struct transaction *t,
		     const struct node *n)
{
	struct caller who = conn_caller(t->conn);

	return access_of(m, &who, n->acl) & PERM_READ;
}

static bool seen(const struct machine *m, const struct transaction *t,
		 struct span path, unsigned int aspects)
{
	const struct transaction_path *p = transaction_path(m, t, path);

	return p && (p->aspects & aspects);
}

/* Like path_below(), for sets of paths that may be long and alike. */
static bool is_below(struct span base, struct span path)
{
	return base.len == 1 ||
	       (base.len <= path.len &&
		(base.len == path.len || path.at[base.len] == '/') &&
		!memcmp(base.at, path.at, base.len));
}

/*
 * Anything below it?  This is a walk over the set, so it is made only for
 * what has something below it.  Each of those may have another access list;
 * for who has seen more than FAIR_LOOKS of them the rest is not looked at.
 */
static bool seen_below(const struct machine *m, const struct transaction *t,
		       struct target *x)
{
	for (struct transaction_path *p = t->paths; p; p = p->next) {
		struct span below = { p->path, p->len };

		if (!(p->aspects & any) || !is_below(x->path, below))
			continue;
		if (!x->looks)
			return false;
		x->looks--;
		if (may_read(m, t, tree_nearest(&m->key, m->root, below,
						NULL)))
			return true;
	}
	return false;
}

/* Any of those to be made, from below the nearest one down to the path? */
static bool seen_missing(const struct transaction *t, const struct target *x)
{
	for (struct transaction_path *p = t->paths; p; p = p->next) {
		struct span above = { p->path, p->len };

		if ((p->aspects & any) && above.len > x->at.len &&
		    is_below(above, x->path))
			return true;
	}
	return false;
}

static bool rm_touches(const struct machine *m, const struct transaction *t,
		       struct target *x)
{
	struct span up = path_parent(x->path);

	if (seen(m, t, x->path, any) && may_read(m, t, x->n))
		return true;
	if (x->at.len == x->path.len && dir_count(x->n->dir) &&
	    seen_below(m, t, x))
		return true;
	return seen(m, t, up, SEEN_CHILDREN) &&
	       may_read(m, t, tree_nearest(&m->key, m->root, up, NULL));
}

/*
 * Would it alter what this set has seen?  What is to be made is made along
 * with every directory above it that is missing, all of which have the list
 * of the nearest that is there; that one gets a new child.
 */
static bool set_touched(const struct machine *m, const struct transaction *t,
			struct target *x)
{
	if (!t)
		return false;
	if (x->op == WIRE_RM)
		return rm_touches(m, t, x);
	return may_read(m, t, x->n) &&
	       (seen(m, t, x->at, any) ||
		(x->at.len < x->path.len && seen_missing(t, x)));
}

static bool favoured_touched(const struct machine *m, struct target *x)
{
	return set_touched(m, m->favoured, x) ||
	       set_touched(m, m->favoured->conn->husk, x);
}

static bool fair_hold(struct machine *m, struct conn *c)
{
	list_append(&m->held, &c->in_held);
	m->counts.held++;
	return true;
}

/* Does the favour hold privileged connections as well? */
static bool favour_full(const struct machine *m)
{
	return m->favoured->conn->privileged ||
	       m->favour_until - FAIR_TIME >= m->favour_pause;
}

/* Has this one reason to wait for whoever is favoured? */
static bool favour_holds(const struct machine *m, const struct conn *c)
{
	return m->favoured && m->favoured->conn != c &&
	       (!c->privileged || favour_full(m));
}

bool fair_hold_change(struct machine *m, struct conn *c, uint32_t op,
		      struct span path)
{
	struct target x = { .looks = FAIR_LOOKS };

	if (!favour_holds(m, c))
		return false;
	target_set(&x, m, op, path);
	return favoured_touched(m, &x) && fair_hold(m, c);
}

bool fair_hold_commit(struct machine *m, struct transaction *t)
{
	struct target x = { .looks = FAIR_LOOKS };

	if (!favour_holds(m, t->conn))
		return false;
	for (struct transaction_op *o = t->log; o; o = o->next) {
		struct span path = { o->data, o->path_len };

		/* The same place over and over is one. */
		if (o->op == x.op && path.len == x.path.len &&
		    !memcmp(path.at, x.path.at, path.len))
			continue;
		target_set(&x, m, o->op, path);
		if (favoured_touched(m, &x))
			return fair_hold(m, t->conn);
	}
	return false;
}

/* ------------------------------------------------------------- starts -- */

/*
 * From when on a start of this one is better than a try in vain: at once
 * for one that may be lucky without a favour.
 */
static uint64_t start_after(const struct machine *m, const struct conn *c)
{
	uint64_t after = c->favour_after;

	if (c->privileged || c->conflicts < FAIR_HEAT)
		return 0;
	if (c->conflicts > FAIR_HEAT && after < m->favour_pause)
		after = m->favour_pause;
	return after;
}

static void hold_until(struct machine *m, uint64_t time)
{
	if (time < m->held_until)
		m->held_until = time;
}

bool fair_hold_start(struct machine *m, struct conn *c)
{
	if (!c->conflicts || (m->favoured && m->favoured->conn == c) ||
	    (!m->favoured && start_after(m, c) <= m->now))
		return false;
	hold_until(m, start_after(m, c));
	return fair_hold(m, c);
}

void fair_started(struct machine *m, struct transaction *t)
{
	struct conn *c = t->conn;

	if (!c->conflicts || m->favoured || m->now < c->favour_after)
		return;
	m->favoured = t;
	m->favour_until = m->now + FAIR_TIME;
}

/* --------------------------------------------------------------- ends -- */

/*
 * Contended as long as it fails, or somebody waits; a second failure needs
 * more than the first (start_after()), and only so long.
 */
static unsigned int heat_after(const struct machine *m, const struct conn *c,
			       int err)
{
	if (err == WIRE_EAGAIN)
		return c->conflicts < FAIR_HEAT ? FAIR_HEAT : 2 * FAIR_HEAT;
	if (!c->conflicts ||
	    (c->conflicts <= FAIR_HEAT && !list_empty(&m->held)))
		return c->conflicts;
	return c->conflicts - 1;
}

void fair_committed(struct machine *m, struct transaction *t, int err)
{
	struct conn *c = t->conn;

	transaction_husk(m, t);
	transaction_husk_drop(c->husk);
	c->husk = NULL;
	c->conflicts = heat_after(m, c, err);
	if (c->conflicts)
		c->husk = t;
	else
		transaction_husk_drop(t);
}

/*
 * A debt after `lasted` more of favour.  The books forget what is older than
 * FAIR_PAUSE, so that who is quick has no pause, and who dawdles has one
 * after FAIR_TIME in all.
 */
static uint64_t booked(uint64_t now, uint64_t debt, uint64_t lasted)
{
	uint64_t from = now > FAIR_PAUSE ? now - FAIR_PAUSE : 0;

	if (from < debt)
		from = debt;
	return from + lasted * FAIR_PAUSE / FAIR_TIME;
}

/* The favour is over, however it ended: what it lasted is booked. */
void fair_ended(struct machine *m, struct transaction *t)
{
	uint64_t lasted = m->now - (m->favour_until - FAIR_TIME);
	struct conn *c = t->conn;
	bool full;

	if (m->favoured != t)
		return;
	full = favour_full(m);
	m->favoured = NULL;
	m->held_until = 0;
	if (c->privileged)
		return;
	/* A pass that came late is not this guest's fault. */
	if (lasted > FAIR_TIME)
		lasted = FAIR_TIME;
	c->favour_after = booked(m->now, c->favour_after, lasted);
	if (full)
		m->favour_pause = booked(m->now, m->favour_pause, lasted);
}

void fair_leave(struct machine *m, struct conn *c)
{
	if (!list_empty(&c->in_held))
		m->held_until = 0;
	list_remove(&c->in_held);
	list_remove(&c->in_yielded);
	transaction_husk_drop(c->husk);
	c->husk = NULL;
	c->conflicts = 0;
}

void fair_tick(struct machine *m)
{
	struct conn *c;
	bool full;

	if (!m->favoured || m->now < m->favour_until)
		return;
	c = m->favoured->conn;
	full = favour_full(m);
	fair_ended(m, m->favoured);
	c->favour_after = m->now + 2 * FAIR_PAUSE;
	if (full && !c->privileged && m->favour_pause < m->now + FAIR_PAUSE)
		m->favour_pause = m->now + FAIR_PAUSE;
}

/* ------------------------------------------------------------ release -- */

/* Who waits has its request at the head of its input. */
static bool held_start(const struct conn *c)
{
	return c->in && wire_header_get(c->in).type == WIRE_TRANSACTION_START;
}

/* Before whom nobody is to go: 0 changes, 1 privileged starts, 2 guests'. */
static int held_rank(const struct conn *c)
{
	return held_start(c) ? 2 - c->privileged : 0;
}

/* Who is next; NULL: nobody before m->held_until. */
static struct conn *held_next(struct machine *m)
{
	struct conn *best = NULL;

	m->held_until = UINT64_MAX;
	list_each(&m->held, l) {
		struct conn *c = list_entry(l, struct conn, in_held);
		int rank = held_rank(c);

		if (rank == 2 && start_after(m, c) > m->now)
			hold_until(m, start_after(m, c));
		else if (!best || rank < held_rank(best))
			best = c;
		if (best && !rank)
			break;
	}
	return best;
}

void fair_yield(struct machine *m, struct conn *c)
{
	if (list_empty(&c->in_yielded))
		list_append(&m->yielded, &c->in_yielded);
}

/* Somebody's turn; false if nobody's. */
static bool release_one(struct machine *m)
{
	struct conn *c = fair_due(m) ? held_next(m) : NULL;

	if (c) {
		m->held_until = 0;
		list_remove(&c->in_held);
	} else if (!list_empty(&m->yielded)) {
		c = list_entry(m->yielded.next, struct conn, in_yielded);
		list_remove(&c->in_yielded);
	} else {
		return false;
	}
	conn_run(m, c);
	return true;
}

/* Each turn takes a request off somebody's input, so they come to an end. */
void fair_release(struct machine *m)
{
	while (release_one(m))
		;
}

void fair_restored(struct machine *m)
{
	if (held_next(m))
		m->held_until = 0;
}

/*
 * Every step ends with fair_release(): with nobody favoured, all who are held
 * wait for their time, the first of which it has left in held_until.
 */
uint64_t fair_deadline(const struct machine *m)
{
	if (m->favoured)
		return m->favour_until;
	return list_empty(&m->held) ? UINT64_MAX : m->held_until;
}
