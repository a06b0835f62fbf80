// SPDX-License-Identifier: GPL-2.0-or-later
/* Loading a checkpoint and replaying the journal; see recovery.h. */
#include "xenstored/host/recovery.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <talloc.h>
#include <time.h>
#include <unistd.h>

#include "protocol/cursor.h"
#include "xenstored/core/image.h"
#include "xenstored/host/checkpoint.h"
#include "xenstored/host/host.h"
#include "xenstored/host/journal.h"
#include "xenstored/host/log.h"

/* Times that the daemon may die at one record. */
#define RECOVERY_DEATHS 2u

struct recovered_ring *recovery_ring(struct recovery *r, uint32_t domid)
{
	struct recovered_ring *ring = table_get(&r->rings, domid);

	if (ring || domid >= MACHINE_SOCKET_BASE)
		return ring;
	ring = talloc_zero(r, struct recovered_ring);
	if (ring && table_set(&r->rings, domid, ring)) {
		talloc_free(ring);
		return NULL;
	}
	if (ring)
		ring->domid = domid;
	return ring;
}

/* --------------------------------------------------------- checkpoint -- */

struct loading {
	struct recovery *r;
	struct image_record *record;
	size_t records, room;
	uint64_t format, machine;
	bool host;		/* that record was there */
};

/* `name=123 ` somewhere in a short text. */
static bool text_number(const void *text, size_t len, const char *name,
			uint64_t *out)
{
	struct cursor c = cursor_of(text, len);
	size_t n = strlen(name);

	while (cursor_left(&c) > n) {
		const char *end = memchr(c.at, ' ', cursor_left(&c));
		struct span s;

		if (!end)
			return false;
		s.at = c.at + n + 1;
		s.len = end > s.at ? (size_t)(end - s.at) : 0;
		if (!memcmp(c.at, name, n) && c.at[n] == '=')
			return span_number(s, UINT64_MAX, out);
		c.at = end + 1;
	}
	return false;
}

static int load_host(struct loading *l, const void *value, size_t len)
{
	uint64_t segment = 0, virq = UINT32_MAX;

	l->host = text_number(value, len, "format", &l->format) &&
		  text_number(value, len, "machine", &l->machine) &&
		  text_number(value, len, "segment", &segment) &&
		  text_number(value, len, "virq", &virq);
	/* Newer than the rest: an older daemon did not count. */
	if (!text_number(value, len, "restarts", &l->r->restarts))
		l->r->restarts = 0;
	l->r->segment = segment;
	l->r->virq = (uint32_t)virq;
	return l->host ? 0 : -EPROTO;
}

static int load_ring(struct loading *l, const char *digits, const void *value,
		     size_t len)
{
	struct span s = { digits, strlen(digits) };
	uint64_t domid, port, remote, cons, prod;
	struct recovered_ring *ring;

	if (!span_number(s, MACHINE_SOCKET_BASE - 1, &domid) ||
	    !text_number(value, len, "port", &port) ||
	    !text_number(value, len, "remote", &remote) ||
	    !text_number(value, len, "req_cons", &cons) ||
	    !text_number(value, len, "rsp_prod", &prod))
		return -EPROTO;
	ring = recovery_ring(l->r, (uint32_t)domid);
	if (!ring)
		return -ENOMEM;
	ring->known = true;
	ring->port = (uint32_t)port;
	ring->remote = (uint32_t)remote;
	ring->req_cons = (uint32_t)cons;
	ring->rsp_prod = (uint32_t)prod;
	return 0;
}

static bool load_room(struct loading *l)
{
	size_t room = l->room ? 2 * l->room : 1024;
	struct image_record *record;

	if (l->records < l->room)
		return true;
	record = talloc_realloc(l->r, l->record, struct image_record,
				(unsigned int)room);
	if (!record)
		return false;
	l->record = record;
	l->room = room;
	return true;
}

static int load_record(void *arg, const char *key, const void *value,
		       size_t len)
{
	struct loading *l = arg;
	size_t key_len = strlen(key) + 1;
	char *copy;

	if (!strcmp(key, "host"))
		return load_host(l, value, len);
	if (!strncmp(key, "ring ", 5))
		return load_ring(l, key + 5, value, len);
	/* One block for both, and no talloc header for each. */
	copy = load_room(l) ? malloc(key_len + len) : NULL;
	if (!copy)
		return -ENOMEM;
	memcpy(copy, key, key_len);
	if (len)
		memcpy(copy + key_len, value, len);
	l->record[l->records++] = (struct image_record){
		.key = copy, .value = copy + key_len, .len = len,
	};
	return 0;
}

static int load_machine(struct host *h, struct loading *l)
{
	char why[256] = "";
	int error = 0;

	if (!l->host)
		return l->records ? -EPROTO : -ENOENT;
	if (l->format != CHECKPOINT_FORMAT || l->machine != MACHINE_VERSION)
		return -ENOTSUP;
	h->machine = image_read(&h->config, l->record, l->records, &error,
				why);
	if (why[0])
		log_say(LOG_RECOVERY, "the checkpoint: %s", why);
	return error;
}

/* -ENOENT: there is none. */
static int load_checkpoint(struct host *h, struct recovery *r)
{
	struct loading l = { .r = r };
	int error = checkpoint_load(h, load_record, &l);

	if (!error)
		error = load_machine(h, &l);
	for (size_t i = 0; i < l.records; i++)
		free((void *)(uintptr_t)l.record[i].key);
	talloc_free(l.record);
	if (!error)
		checkpoint_seed(h);
	return error;
}

/* ------------------------------------------------------------ journal -- */

/*
 * As the host does it, and at once: what has an answer was answered in the
 * journal, or will be asked again; what has none is done, or is of no effect
 * on a ring that is not mapped yet.
 */
static void replay_asks(struct host *h, struct recovery *r)
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

/* What stands for a record that has killed the daemon too often. */
static struct machine_input replay_poisoned(struct recovery *r,
					    const struct journal_record *rec)
{
	struct machine_input in = { .conn = rec->in.conn };

	in.type = rec->in.conn < MACHINE_SOCKET_BASE ?
		MACHINE_IN_RING_FAILED : MACHINE_IN_CLOSE;
	in.domid = rec->in.conn;
	r->poisoned++;
	log_say(LOG_POISON, "an input of connection %u (type %u, %zu bytes) "
		"has killed the daemon %u times: it is not executed again, "
		"its connection is closed", rec->in.conn, rec->type,
		rec->in.len, RECOVERY_DEATHS);
	return in;
}

static int replay_record(struct host *h, struct recovery *r,
			 struct journal_reader *j,
			 const struct journal_record *rec)
{
	struct machine_input in = rec->in;
	bool suspect = journal_at_suspect(j);

	if (rec->type == JOURNAL_RING)
		return replay_ring(r, rec);
	if (rec->type == JOURNAL_VIRQ) {
		r->virq = rec->port;
		return 0;
	}
	replay_indices(r, &in);
	if (suspect && journal_death(j)->deaths + 1 >= RECOVERY_DEATHS)
		in = replay_poisoned(r, rec);
	else if (suspect)
		journal_dare(j);
	machine_step(h->machine, &in);
	if (suspect)
		journal_dared(j);
	replay_asks(h, r);
	r->records++;
	return 0;
}

static int replay_segment(struct host *h, struct recovery *r,
			  struct journal_reader *j)
{
	struct journal_record rec;
	int error;

	while ((error = journal_next(j, &rec)) > 0) {
		error = replay_record(h, r, j, &rec);
		if (error)
			return error;
	}
	if (error)
		return error;
	if (journal_death(j)->broken)
		return -ENODATA;
	r->doubt = journal_death(j)->doubt;
	return 0;
}

static int replay_journal(struct host *h, struct recovery *r)
{
	for (;; r->segment++) {
		struct journal_reader *j;
		int error;

		j = journal_open(r, h->options->rundir, r->segment, &error);
		if (!j)
			return error == -ENOENT ? 0 : error;
		error = replay_segment(h, r, j);
		talloc_free(j);
		if (error)
			return error;
	}
}

/* -------------------------------------------------------------- whole -- */

/* Keep what cannot be used, for people. */
static void recovery_aside(struct host *h)
{
	char *dir = talloc_asprintf(h, "%s/failed.%lld", h->options->rundir,
				    (long long)time(NULL));
	char *from, *to;

	if (!dir || (mkdir(dir, 0700) && errno != EEXIST))
		return;
	from = talloc_asprintf(dir, "%s/store.tdb", h->options->rundir);
	to = talloc_asprintf(dir, "%s/store.tdb", dir);
	if (from && to && rename(from, to) && errno != ENOENT)
		unlink(from);
	journal_clear(h->options->rundir, dir, 0, UINT64_MAX);
	log_say(LOG_RECOVERY, "what there was is kept in %s", dir);
	talloc_free(dir);
}

static void recovery_give_up(struct host *h, int error)
{
	log_say(LOG_RECOVERY, "the state cannot be used (%s): the store "
		"begins anew", error == -ENOTSUP ? "another version" :
		error == -ENODATA ? "the journal ends early" :
		error == -EPROTO ? "it is damaged" : strerror(-error));
	if (h->machine)
		machine_free(h->machine);
	h->machine = NULL;
	checkpoint_close(h);
	recovery_aside(h);
}

static int recovery_try(struct host *h, struct recovery *r)
{
	int error = checkpoint_open(h);

	if (!error)
		error = load_checkpoint(h, r);
	if (!error)
		error = replay_journal(h, r);
	return error;
}

int recovery_load(struct host *h)
{
	struct recovery *r = talloc_zero(h, struct recovery);
	int error;

	if (!r)
		return -ENOMEM;
	table_init(&r->rings, r);
	r->virq = UINT32_MAX;
	error = h->options->no_recovery ? -ECANCELED : recovery_try(h, r);
	if (!error) {
		machine_ask_again(h->machine);
		h->recovery = r;
		return 0;
	}
	talloc_free(r);
	if (error == -ENOENT && h->checkpoint)
		return 0;
	recovery_give_up(h, error);
	return checkpoint_open(h);
}
