// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The topics transactions, conflicts, refusals and who: of the machine's
 * notes and of what it holds (xenstored/core/notes.h, look.h).
 */
#include "xenstored/host/takings.h"

#include <errno.h>
#include <stdlib.h>

#include "protocol/path.h"
#include "protocol/wire.h"
#include "xenstored/core/look.h"
#include "xenstored/core/quota.h"
#include "xenstored/host/host.h"
#include "xenstored/host/words.h"

#define WATCH_PATH 1024u
#define WATCH_TOKEN 512u

/* " x_conn=" of one that is not known, and of the daemon, is -1. */
static int64_t conn_number(uint32_t conn)
{
	return conn >= NOTES_UNKNOWN ? -1 : (int64_t)conn;
}

static void put_path(struct words *w, const struct note_path *p)
{
	words_value(w, " path=", (struct span){ p->text, p->len });
	if (p->cut)
		words_add(w, "...");
}

static void put_ages(struct host *h, struct words *w, uint64_t first,
		     uint64_t last)
{
	uint64_t now = look_now(h->machine);

	words_number(w, " first_us=", now - first);
	words_number(w, " last_us=", now - last);
}

/* ------------------------------------------------------ transactions -- */

static void put_transaction(struct words *w, const struct look_transaction *t)
{
	words_signed(w, " domid=", notes_domid(t->conn));
	words_number(w, " conn=", t->conn);
	words_number(w, " id=", t->id);
	words_number(w, " age_us=", t->age_us);
}

static void each_transaction(void *arg, const struct look_transaction *t)
{
	struct words *w = arg;

	words_add(w, "kind=transaction");
	put_transaction(w, t);
	words_number(w, " paths=", t->paths);
	words_number(w, " writes=", t->writes);
	words_number(w, " failed=", t->failed);
	words_add(w, "\n");
}

uint32_t topic_transactions(struct host *h, struct words *w,
			    struct span about)
{
	look_transactions(h->machine, each_transaction, w);
	return 0;
}

/* --------------------------------------------------------- conflicts -- */

static int more_frequent(const void *a, const void *b)
{
	const struct note_conflict *const *x = a, *const *y = b;

	if ((*x)->count != (*y)->count)
		return (*x)->count < (*y)->count ? 1 : -1;
	return ((*x)->last < (*y)->last) - ((*x)->last > (*y)->last);
}

uint32_t topic_conflicts(struct host *h, struct words *w, struct span about)
{
	const struct notes *notes = look_notes(h->machine);
	const struct note_conflict *list[NOTES_CONFLICTS] = { NULL };
	size_t n = 0;

	for (unsigned int i = 0; i < NOTES_CONFLICTS; i++)
		if (notes->conflict[i].count)
			list[n++] = &notes->conflict[i];
	if (n)
		qsort(list, n, sizeof(*list), more_frequent);
	for (size_t i = 0; i < n; i++) {
		words_signed(w, "loser=", notes_domid(list[i]->loser));
		words_signed(w, " loser_conn=", conn_number(list[i]->loser));
		words_signed(w, " winner=", notes_domid(list[i]->winner));
		words_signed(w, " winner_conn=",
			     conn_number(list[i]->winner));
		words_number(w, " count=", list[i]->count);
		put_ages(h, w, list[i]->first, list[i]->last);
		put_path(w, &list[i]->path);
		words_add(w, "\n");
	}
	return 0;
}

/* ---------------------------------------------------------- refusals -- */

static int later(const void *a, const void *b)
{
	const struct note_refusal *const *x = a, *const *y = b;

	return ((*x)->last < (*y)->last) - ((*x)->last > (*y)->last);
}

static uint64_t limit_of(struct host *h, const struct note_refusal *r)
{
	struct look_domain d;

	if (look_domain(h->machine, r->domid, &d) && d.domid == r->domid)
		return d.limit[r->row];
	return look_limit(h->machine, r->row);
}

uint32_t topic_refusals(struct host *h, struct words *w, struct span about)
{
	const struct notes *notes = look_notes(h->machine);
	const struct note_refusal *list[NOTES_REFUSALS] = { NULL };
	size_t n = 0;

	for (unsigned int i = 0; i < NOTES_REFUSALS; i++)
		if (notes->refusal[i].count)
			list[n++] = &notes->refusal[i];
	if (n)
		qsort(list, n, sizeof(*list), later);
	for (size_t i = 0; i < n; i++) {
		words_number(w, "domid=", list[i]->domid);
		words_text(w, " quota=", quota_known_as(list[i]->row));
		words_number(w, " limit=", limit_of(h, list[i]));
		words_number(w, " count=", list[i]->count);
		put_ages(h, w, list[i]->first, list[i]->last);
		put_path(w, &list[i]->path);
		words_add(w, "\n");
	}
	return 0;
}

/* --------------------------------------------------------------- who -- */

/* A record has to fit into a page, whatever a client took for a token. */
static void put_cut(struct words *w, const char *key, struct span value,
		    size_t max)
{
	bool cut = value.len > max;

	if (cut)
		value.len = max;
	words_value(w, key, value);
	if (cut)
		words_add(w, "...");
}

static void each_watch(void *arg, const struct look_watch *watch)
{
	struct words *w = arg;

	words_add(w, "kind=watch");
	words_signed(w, " domid=", notes_domid(watch->conn));
	words_number(w, " conn=", watch->conn);
	put_cut(w, " path=", watch->path, WATCH_PATH);
	put_cut(w, " token=", watch->token, WATCH_TOKEN);
	words_signed(w, " depth=", watch->depth);
	words_add(w, "\n");
}

static void each_holder(void *arg, const struct look_transaction *t)
{
	struct words *w = arg;

	words_add(w, "kind=transaction");
	put_transaction(w, t);
	words_number(w, " read=", t->read);
	words_number(w, " written=", t->written);
	words_add(w, "\n");
}

static void put_writer(struct host *h, struct words *w, struct span path,
		       enum note_kind kind)
{
	const struct note_writer *writer = notes_writer(h->machine, path,
							kind);

	if (!writer)
		return;
	words_add(w, kind == NOTE_ITSELF ? "kind=writer" : "kind=below");
	words_signed(w, " domid=", notes_domid(writer->conn));
	words_signed(w, " conn=", conn_number(writer->conn));
	words_text(w, " op=", wire_op_name(writer->op));
	words_number(w, " removed=", writer->removed);
	words_number(w, " age_us=", look_now(h->machine) - writer->when);
	words_add(w, "\n");
}

uint32_t topic_who(struct host *h, struct words *w, struct span path)
{
	enum path_kind kind = path_kind(path);
	uint16_t owner;
	bool exists;

	if (kind != PATH_ABSOLUTE && kind != PATH_SPECIAL)
		return EINVAL;
	if (kind == PATH_ABSOLUTE) {
		exists = look_node(h->machine, path, &owner);
		words_number(w, "kind=node exists=", exists);
		if (exists)
			words_number(w, " owner=", owner);
		words_add(w, "\n");
		put_writer(h, w, path, NOTE_ITSELF);
		put_writer(h, w, path, NOTE_BELOW);
		look_holders(h->machine, path, each_holder, w);
	}
	look_watches(h->machine, path, each_watch, w);
	return 0;
}
