/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Notes; see notes.h.  Writing one down is on the way of every WRITE: a hash
 * of a few multiplications and one store into a table without chains.  That
 * somebody finds two paths of the same hash needs the key, and would show him
 * a wrong name in a table.
 */
#include "xenstored/core/notes.h"
#include "xenstored/core/conn.h"
#include "xenstored/core/domain.h"
#include "xenstored/core/mem.h"
#include "xenstored/core/transaction.h"
#include "protocol/path.h"

#include <string.h>

#define MIX 0x9e3779b97f4a7c15ULL

struct notes *notes_new(struct machine *m)
{
	struct notes *n = mem_new(m, struct notes);

	if (n)
		n->conn = NOTES_DAEMON;
	return n;
}

static uint64_t notes_hash(const struct machine *m, struct span path,
			   enum note_kind kind)
{
	uint64_t h = m->key.k0 ^ (2 * path.len + kind) * MIX, v;
	size_t i = 0;

	for (; i + sizeof(v) <= path.len; i += sizeof(v)) {
		memcpy(&v, path.at + i, sizeof(v));
		h = (h ^ v) * MIX;
		h ^= h >> 32;
	}
	/* The rest, with some of what was taken already where there is any. */
	v = m->key.k1;
	if (path.len >= sizeof(v))
		memcpy(&v, path.at + path.len - sizeof(v), sizeof(v));
	else
		for (i = 0; i < path.len; i++)
			v = (v << 8) + (unsigned char)path.at[i];
	h = (h ^ v) * MIX;
	h ^= h >> 29;
	return h ? h : 1;
}

/* Its place in the set of `hash`; NOTES_PLACES: it has none. */
static unsigned int writer_place(const struct notes *n, uint64_t hash)
{
	const uint64_t *set = n->hash[hash & (NOTES_SETS - 1)];
	unsigned int i = 0;

	while (i < NOTES_PLACES && set[i] != hash)
		i++;
	return i;
}

void notes_wrote(struct machine *m, struct span path, enum note_kind kind,
		 bool removed)
{
	struct notes *n = m->notes;
	uint64_t hash = notes_hash(m, path, kind);
	size_t set = hash & (NOTES_SETS - 1);
	unsigned int place = writer_place(n, hash);
	struct note_writer *w;

	if (place == NOTES_PLACES)
		place = n->next[set]++ % NOTES_PLACES;
	n->hash[set][place] = hash;
	w = &n->writer[set][place];
	w->age = m->age;
	w->when = m->now;
	w->conn = n->conn;
	w->op = (uint8_t)n->op;
	w->removed = removed;
}

const struct note_writer *notes_writer(const struct machine *m,
				       struct span path, enum note_kind kind)
{
	uint64_t hash = notes_hash(m, path, kind);
	unsigned int place = writer_place(m->notes, hash);

	return place == NOTES_PLACES ? NULL :
		&m->notes->writer[hash & (NOTES_SETS - 1)][place];
}

static void path_keep(struct note_path *to, struct span path)
{
	to->cut = path.len > NOTES_PATH;
	to->len = (uint16_t)(to->cut ? NOTES_PATH : path.len);
	memcpy(to->text, path.at, to->len);
}

static bool path_kept(const struct note_path *p, struct span path)
{
	size_t len = path.len > NOTES_PATH ? NOTES_PATH : path.len;

	return p->len == len && p->cut == (path.len > NOTES_PATH) &&
	       !memcmp(p->text, path.at, len);
}

/* --------------------------------------------------------- conflicts -- */

/* What was written there after the transaction began, or NULL. */
static const struct note_writer *wrote_since(const struct machine *m,
					     const struct transaction *t,
					     struct span path,
					     enum note_kind kind)
{
	const struct note_writer *w = notes_writer(m, path, kind);

	return w && w->age > t->began ? w : NULL;
}

/*
 * Who changed what the transaction saw: the writer of the path itself, of
 * something right below it, or of the nearest one above it that was removed
 * or below which something came.
 */
static uint32_t conflict_winner(const struct machine *m,
				const struct transaction *t, struct span path)
{
	const struct note_writer *w = wrote_since(m, t, path, NOTE_ITSELF);

	if (!w)
		w = wrote_since(m, t, path, NOTE_BELOW);
	while (!w && path.len > 1) {
		path = path_parent(path);
		w = wrote_since(m, t, path, NOTE_ITSELF);
		if (!w || !w->removed)
			w = wrote_since(m, t, path, NOTE_BELOW);
	}
	return w ? w->conn : NOTES_UNKNOWN;
}

/* Sockets come and go; they are one party. */
static bool same_party(uint32_t a, uint32_t b)
{
	return notes_domid(a) == notes_domid(b) &&
	       (a < MACHINE_SOCKET_BASE) == (b < MACHINE_SOCKET_BASE) &&
	       (a == NOTES_DAEMON) == (b == NOTES_DAEMON);
}

/* The entry of that pair and path, else the one that gives way. */
static struct note_conflict *conflict_slot(struct notes *n, uint32_t loser,
					   uint32_t winner, struct span path)
{
	struct note_conflict *least = &n->conflict[0];

	for (unsigned int i = 0; i < NOTES_CONFLICTS; i++) {
		struct note_conflict *c = &n->conflict[i];

		if (c->count && same_party(c->loser, loser) &&
		    same_party(c->winner, winner) &&
		    path_kept(&c->path, path))
			return c;
		if (c->count < least->count ||
		    (c->count == least->count && c->last < least->last))
			least = c;
	}
	least->count = 0;
	return least;
}

void notes_conflict(struct machine *m, const struct transaction *t,
		    struct span path)
{
	uint32_t winner = conflict_winner(m, t, path);
	struct note_conflict *c = conflict_slot(m->notes, t->conn->id, winner,
						path);

	if (!c->count) {
		c->first = m->now;
		path_keep(&c->path, path);
	}
	c->count++;
	c->last = m->now;
	c->loser = t->conn->id;
	c->winner = winner;
	t->conn->commits_lost++;
}

/* ---------------------------------------------------------- refusals -- */

static struct note_refusal *refusal_slot(struct notes *n, uint16_t domid,
					 enum quota_id row)
{
	struct note_refusal *oldest = &n->refusal[0];

	for (unsigned int i = 0; i < NOTES_REFUSALS; i++) {
		struct note_refusal *r = &n->refusal[i];

		if (r->count && r->domid == domid && r->row == row)
			return r;
		if ((!r->count && oldest->count) ||
		    (r->count && oldest->count && r->last < oldest->last))
			oldest = r;
	}
	oldest->count = 0;
	return oldest;
}

void notes_refused(struct machine *m, const struct domain *d,
		   enum quota_id row, struct span path)
{
	struct note_refusal *r = refusal_slot(m->notes, d->domid, row);

	if (!r->count)
		r->first = m->now;
	r->count++;
	r->last = m->now;
	r->domid = d->domid;
	r->row = row;
	path_keep(&r->path, path);
}

void notes_gone(struct machine *m, const struct conn *c)
{
	struct note_counts *gone = &m->notes->gone;

	gone->requests += c->requests;
	gone->events += c->events;
	gone->merged += c->merged;
	gone->lost += c->lost_events;
	gone->conflicts += c->commits_lost;
}
