// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Replaying the journal; see recovery.h.
 *
 * A record that is not executed a third time stays marked as it was found: a
 * death before the next checkpoint comes to the same decision.
 */
#include "xenstored/host/recovery.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>

#include "xenstored/core/mem.h"
#include "xenstored/host/aside.h"
#include "xenstored/host/client.h"
#include "xenstored/host/fault.h"
#include "xenstored/host/host.h"
#include "xenstored/host/journal.h"
#include "xenstored/host/log.h"

/* Times that the daemon may die at one record. */
#define REPLAY_DEATHS 2u

/*
 * As the host does it, and at once: what has an answer was answered in the
 * journal, or will be asked again; what has none is done, or is of no effect
 * on a ring that is not mapped yet.
 */
void replay_asks(struct host *h, struct recovery *r)
{
	struct machine_ask ask;
	uint32_t conn;

	while (machine_ask_peek(h->machine, &ask)) {
		struct recovered_ring *ring = ask.type == MACHINE_ASK_UNMAP ?
			table_get(&r->rings, ask.domid) : NULL;

		if (ring)
			ring->known = false;
		machine_ask_pop(h->machine);
	}
	while (machine_next_dirty(h->machine, &conn))
		;
}

static int replay_ring(struct recovery *r, const struct journal_record *rec)
{
	struct recovered_ring *ring = recovery_ring(r, rec->domid);

	if (!ring)
		return -ENOMEM;
	ring->known = true;
	ring->port = rec->port;
	ring->remote = rec->remote;
	ring->req_cons = rec->req_cons;
	ring->rsp_prod = rec->rsp_prod;
	return 0;
}

/* How the indices moved with this input. */
static void replay_indices(struct recovery *r, const struct machine_input *in)
{
	struct recovered_ring *ring = in->conn < MACHINE_SOCKET_BASE ?
		table_get(&r->rings, in->conn) : NULL;

	if (!ring)
		return;
	if (in->type == MACHINE_IN_BYTES)
		ring->req_cons += (uint32_t)in->len;
	else if (in->type == MACHINE_IN_TAKEN)
		ring->rsp_prod += (uint32_t)in->len;
	else if (in->type == MACHINE_IN_RING_RESET)
		ring->req_cons = ring->rsp_prod = 0;
}

/* ------------------------------------------------------------- poison -- */

static void poison_keep(struct host *h, struct recovery *r)
{
	char name[ASIDE_NAME_MAX];
	int error = aside_copy(h->options->rundir, r->first, name);

	if (error)
		log_say(LOG_POISON, "the journal cannot be kept: %s",
			strerror(-error));
	else
		log_say(LOG_POISON, "the journal is kept in %s", name);
}

/*
 * What stands for a record that has killed the daemon too often: the end of
 * its connection, if it has one that can be ended.  False: nothing does.
 */
static bool poison_instead(const struct machine_input *bad,
			   struct machine_input *out)
{
	*out = (struct machine_input){ .conn = bad->conn };
	switch (bad->type) {
	case MACHINE_IN_BYTES:
	case MACHINE_IN_TAKEN:
	case MACHINE_IN_RING_RESET:
		break;
	case MACHINE_IN_TIME:
	case MACHINE_IN_OPEN:
	case MACHINE_IN_CLOSE:
	case MACHINE_IN_RING_FAILED:
	case MACHINE_IN_DOMAIN:
	case MACHINE_IN_ADOPT:
	case MACHINE_IN_DONE:
	case MACHINE_IN_IDENTITY:
		return false;
	}
	out->type = MACHINE_IN_CLOSE;
	if (bad->conn < MACHINE_SOCKET_BASE) {
		out->type = MACHINE_IN_RING_FAILED;
		out->domid = bad->conn;
	}
	return true;
}

static void poison_left_out(struct host *h, struct recovery *r,
			    const struct journal_record *rec)
{
	struct machine_input in;
	bool ended = poison_instead(&rec->in, &in);

	r->poisoned++;
	log_say(LOG_POISON, "an input of %s %u (type %u, %zu bytes) has killed "
		"the daemon %u times: it is not executed again%s",
		rec->in.conn < MACHINE_SOCKET_BASE ? "domain" : "client",
		rec->in.conn, rec->type, rec->in.len, REPLAY_DEATHS,
		!ended ? "" : rec->in.conn < MACHINE_SOCKET_BASE ?
		", its ring is stopped" : ", the client is closed");
	poison_keep(h, r);
	if (ended)
		machine_step(h->machine, &in);
}

/* ------------------------------------------------------------ records -- */

static void replay_input(struct host *h, struct journal_reader *j,
			 const struct machine_input *in)
{
	bool suspect = journal_at_suspect(j);

	if (suspect)
		journal_dare(j);
	fault_input(in);
	machine_step(h->machine, in);
	if (suspect)
		journal_dared(j);
}

static int replay_record(struct host *h, struct recovery *r,
			 struct journal_reader *j,
			 const struct journal_record *rec)
{
	if (rec->type == JOURNAL_RING)
		return replay_ring(r, rec);
	if (rec->type == JOURNAL_VIRQ) {
		r->virq = rec->port;
		return 0;
	}
	replay_indices(r, &rec->in);
	/* The host's own is none of them (limits.c). */
	if (rec->in.type == MACHINE_IN_OPEN && rec->in.conn != UINT32_MAX)
		r->ids = client_generation(rec->in.conn);
	if (journal_at_suspect(j) &&
	    journal_death(j)->deaths + 1 >= REPLAY_DEATHS)
		poison_left_out(h, r, rec);
	else
		replay_input(h, j, &rec->in);
	replay_asks(h, r);
	r->records++;
	return 0;
}

static int replay_segment(struct host *h, struct recovery *r,
			  struct journal_reader *j)
{
	struct journal_record rec;
	bool met = !journal_death(j)->suspect;
	unsigned long lacks = mem_lacks();
	int error;

	while ((error = journal_next(j, &rec)) > 0) {
		met |= journal_at_suspect(j);
		error = replay_record(h, r, j, &rec);
		if (error)
			return error;
	}
	/* Then it came out otherwise: a start with more memory will do. */
	if (lacks != mem_lacks())
		return -ENOMEM;
	if (error || !met)
		return -EPROTO;
	if (journal_death(j)->broken)
		return -ENODATA;
	r->doubt = journal_death(j)->doubt;
	return 0;
}

/* The first that the checkpoint names, and the ones after it, are there. */
static int replay_end(struct host *h, struct recovery *r, bool more)
{
	uint64_t last = journal_last(h->options->rundir);

	if (!more && (!last || last < r->segment))
		return 0;
	recovery_why(r, "journal.%llu is missing",
		     (unsigned long long)r->segment);
	return -EPROTO;
}

int replay_journal(struct host *h, struct recovery *r)
{
	bool more = true;

	for (;; r->segment++) {
		struct journal_reader *j;
		int error;

		j = journal_open(r, h->options->rundir, r->segment,
				 &r->machine, &error);
		if (!j && error == -ENOENT)
			return replay_end(h, r, more);
		if (j) {
			more = journal_death(j)->continued;
			error = replay_segment(h, r, j);
			talloc_free(j);
		}
		if (error && !r->why[0])
			recovery_why(r, "journal.%llu",
				     (unsigned long long)r->segment);
		if (error)
			return error;
	}
}

bool replay_nothing(struct host *h, struct recovery *r)
{
	struct journal_reader *j;
	bool empty;
	int error;

	if (journal_last(h->options->rundir) > r->first)
		return false;
	j = journal_open(r, h->options->rundir, r->first, NULL, &error);
	empty = j && journal_empty(j);
	talloc_free(j);
	return empty;
}
