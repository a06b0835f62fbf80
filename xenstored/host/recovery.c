// SPDX-License-Identifier: GPL-2.0-or-later
/* Loading a checkpoint, and what to do if it cannot be; see recovery.h. */
#include "xenstored/host/recovery.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>

#include "protocol/cursor.h"
#include "xenstored/core/image.h"
#include "xenstored/host/aside.h"
#include "xenstored/host/checkpoint.h"
#include "xenstored/host/fault.h"
#include "xenstored/host/host.h"
#include "xenstored/host/journal.h"
#include "xenstored/host/limits.h"
#include "xenstored/host/log.h"
#include "xenstored/host/settle.h"

/* Starts that may die while they recover, before the state is given up. */
#define RECOVERY_TRIES 8

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

void recovery_why(struct recovery *r, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(r->why, sizeof(r->why), format, ap);
	va_end(ap);
}

/* --------------------------------------------------------- checkpoint -- */

struct loading {
	struct recovery *r;
	struct image_record *record;
	size_t records, room;
	uint64_t priv, features, output_max;
	bool host;		/* that record was there */
	bool other;		/* it is of another format */
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

static void load_given(struct recovery *r, const void *value, size_t len)
{
	char name[48];

	for (int i = 0; i < QUOTA_COUNT; i++) {
		limits_name((enum quota_id)i, name);
		if (!text_number(value, len, name, &r->given[i]))
			r->given[i] = LIMITS_NONE;
	}
}

static int load_host(struct loading *l, const void *value, size_t len)
{
	uint64_t segment = 0, virq = UINT32_MAX, format = 0;

	if (!text_number(value, len, "format", &format))
		return -EPROTO;
	l->other = format != CHECKPOINT_FORMAT;
	if (l->other)
		return -ENOTSUP;
	l->host = text_number(value, len, "segment", &segment) &&
		  text_number(value, len, "virq", &virq) &&
		  text_number(value, len, "priv", &l->priv) &&
		  text_number(value, len, "features", &l->features) &&
		  text_number(value, len, "output_max", &l->output_max);
	l->r->first = l->r->segment = segment;
	/* Newer than the rest: an older daemon did not count. */
	if (!text_number(value, len, "restarts", &l->r->restarts))
		l->r->restarts = 0;
	l->r->virq = (uint32_t)virq;
	load_given(l->r, value, len);
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

/*
 * What the dead process was told to do is what its inputs are replayed with;
 * new options count if there is nothing to replay, as after an orderly end.
 */
static void load_config(struct host *h, const struct loading *l)
{
	if (replay_nothing(h, l->r))
		return;
	h->config.priv_domid = (uint32_t)l->priv;
	h->config.features = (uint32_t)l->features;
	h->config.socket_output_max = l->output_max;
}

static int load_machine(struct host *h, struct loading *l)
{
	char why[256] = "";
	int error = 0;

	if (!l->host)
		return l->records ? -EPROTO : -ENOENT;
	load_config(h, l);
	h->machine = image_read(&h->config, l->record, l->records, &error,
				why);
	if (!h->machine)
		recovery_why(l->r, "%s", why);
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

/* -------------------------------------------------------------- tries -- */

/*
 * A state that kills whoever loads it is told by the starts that did not get
 * through: an empty file whose length is their number, as that takes no room.
 */
static int tries_open(const struct host *h, char name[4200])
{
	snprintf(name, 4200, "%.4096s/recovering", h->options->rundir);
	return open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

/* Another one; how many there were before. */
static long long tries_begin(const struct host *h)
{
	char name[4200];
	int fd = tries_open(h, name);
	struct stat st = { .st_size = 0 };

	if (fd < 0)
		return 0;
	if (!fstat(fd, &st) && ftruncate(fd, st.st_size + 1))
		st.st_size = 0;
	close(fd);
	return st.st_size;
}

void recovery_over(const struct host *h)
{
	char name[4200];

	snprintf(name, sizeof(name), "%.4096s/recovering",
		 h->options->rundir);
	unlink(name);
}

/* -------------------------------------------------------------- whole -- */

static const struct {
	int error;
	const char *text;
} reasons[] = {
	{ ECANCELED, "not wanted (--no-recovery)" },
	{ ENODATA, "the journal ends early, as it could not be written" },
	{ ENOMSG, "the checkpoint is missing" },
	{ ENOTSUP, "another version wrote it" },
	{ ESTALE, "another version wrote the journal" },
	{ EPROTO, "it is damaged" },
	{ EDEADLK, "each start that loaded it died" },
};

static const char *reason_text(int error)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].error == -error)
			return reasons[i].text;
	return strerror(-error);
}

/* Of memory and the like there may be more the next time. */
static bool reason_passes(int error)
{
	return error == -ENOMEM || error == -EMFILE || error == -ENFILE ||
	       error == -EAGAIN || error == -EINTR;
}

static void recovery_unload(struct host *h)
{
	if (h->machine)
		machine_free(h->machine);
	h->machine = NULL;
	checkpoint_close(h);
}

/* One line; what cannot be used is kept for people. */
static void recovery_give_up(struct host *h, const struct recovery *r,
			     int error)
{
	char name[ASIDE_NAME_MAX];
	int kept;

	recovery_unload(h);
	kept = aside_move(h->options->rundir, name);
	log_say(LOG_RECOVERY, "the store begins anew; the state found is not "
		"used: %s%s%s; it is %s %s", reason_text(error),
		r->why[0] ? ": " : "", r->why,
		kept ? "removed, as it cannot be kept:" : "kept in",
		kept ? strerror(-kept) : name);
}

static struct recovery *recovery_new(struct host *h)
{
	struct recovery *r = talloc_zero(h, struct recovery);

	if (!r)
		return NULL;
	table_init(&r->rings, r);
	r->virq = UINT32_MAX;
	return r;
}

static int recovery_try(struct host *h, struct recovery *r)
{
	int error = checkpoint_open(h);

	if (!error)
		error = load_checkpoint(h, r);
	if (!error)
		error = replay_journal(h, r);
	if (error != -ENOENT)
		fault_point("recovering");
	return error;
}

/*
 * No checkpoint: nothing was here, or a first start that had not come to
 * serve anybody, or the file has been taken away.
 */
static int recovery_missing(struct host *h)
{
	uint64_t last = journal_last(h->options->rundir);
	struct journal_reader *j;
	int error = -ENOMSG;

	if (!last)
		return -ENOENT;
	j = last == 1 ? journal_open(h, h->options->rundir, last, NULL,
				     &error) : NULL;
	error = j && !journal_death(j)->broken ? -ENOENT : -ENOMSG;
	talloc_free(j);
	return error;
}

/* -R: is there anything that is not wanted? */
static int recovery_unwanted(struct host *h)
{
	int error = checkpoint_open(h);

	checkpoint_close(h);
	return error == -ENOENT ? recovery_missing(h) : -ECANCELED;
}

static int recovery_any(struct host *h, struct recovery **r)
{
	bool gone;
	int error;

	if (h->options->no_recovery || h->options->no_journal)
		return recovery_unwanted(h);
	if (tries_begin(h) >= RECOVERY_TRIES)
		return -EDEADLK;
	error = recovery_try(h, *r);
	gone = error == -ENOENT;
	if (error == -ESTALE && !h->options->settle) {
		recovery_unload(h);
		error = settle_run(h, *r);
		if (error)
			return error;
		talloc_free(*r);
		*r = recovery_new(h);
		error = *r ? recovery_try(h, *r) : -ENOMEM;
	}
	return gone ? recovery_missing(h) : error;
}

static int recovery_fresh(struct host *h, const struct recovery *r, int error)
{
	if (error != -ENOENT)
		recovery_give_up(h, r, error);
	else
		recovery_unload(h);
	return checkpoint_begin_anew(h);
}

int recovery_load(struct host *h)
{
	struct machine_config wanted = h->config;
	struct recovery *r = recovery_new(h);
	int error;

	if (!r)
		return -ENOMEM;
	error = recovery_any(h, &r);
	if (!error) {
		machine_ask_again(h->machine);
		h->recovery = r;
		return 0;
	}
	h->config = wanted;
	if (h->options->settle || reason_passes(error))
		recovery_unload(h);
	else
		error = recovery_fresh(h, r, error);
	talloc_free(r);
	return error;
}
