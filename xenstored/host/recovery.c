// SPDX-License-Identifier: GPL-2.0-or-later
/* Loading a checkpoint, and what to do if it cannot be; see recovery.h. */
#include "xenstored/host/recovery.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>

#include "xenstored/core/image.h"
#include "xenstored/host/aside.h"
#include "xenstored/host/checkpoint.h"
#include "xenstored/host/checkpoint_read.h"
#include "xenstored/host/fault.h"
#include "xenstored/host/host.h"
#include "xenstored/host/journal.h"
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
	struct checkpoint_records records;
	struct checkpoint_host host;
	bool told;		/* that record was there */
};

static int load_host(struct loading *l, const void *value, size_t len)
{
	struct checkpoint_host *host = &l->host;
	int error = checkpoint_host_read(value, len, host);

	if (error)
		return error;
	if (host->boot && host_boot() && host->boot != host_boot())
		return -ENODEV;
	l->told = true;
	l->r->first = l->r->segment = host->segment;
	l->r->restarts = host->restarts;
	l->r->ids = (uint32_t)host->ids;
	l->r->virq = (uint32_t)host->virq;
	memcpy(l->r->given, host->given, sizeof(l->r->given));
	return 0;
}

static int load_ring(struct loading *l, const char *digits, const void *value,
		     size_t len)
{
	struct checkpoint_ring was;
	struct recovered_ring *ring;
	int error = checkpoint_ring_read(digits, value, len, &was);

	if (error)
		return error;
	ring = recovery_ring(l->r, (uint32_t)was.domid);
	if (!ring)
		return -ENOMEM;
	ring->known = true;
	ring->port = (uint32_t)was.port;
	ring->remote = (uint32_t)was.remote;
	ring->req_cons = (uint32_t)was.req_cons;
	ring->rsp_prod = (uint32_t)was.rsp_prod;
	return 0;
}

static int load_record(void *arg, const char *key, const void *value,
		       size_t len)
{
	struct loading *l = arg;

	if (!strcmp(key, "host"))
		return load_host(l, value, len);
	if (!strncmp(key, "ring ", 5))
		return load_ring(l, key + 5, value, len);
	return checkpoint_gather(&l->records, key, value, len);
}

/*
 * What the dead process was told to do is what its inputs are replayed with;
 * new options count if there is nothing to replay, as after an orderly end.
 */
static void load_config(struct host *h, const struct loading *l)
{
	if (replay_nothing(h, l->r))
		return;
	h->config.priv_domid = (uint32_t)l->host.priv;
	h->config.features = (uint32_t)l->host.features;
	h->config.socket_output_max = l->host.output_max;
}

static int load_machine(struct host *h, struct loading *l)
{
	char why[256] = "";
	int error = 0;

	if (!l->told)
		return l->records.count ? -EPROTO : -ENOENT;
	load_config(h, l);
	h->machine = image_read(&h->config, l->records.record,
				l->records.count, &error, why);
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
	checkpoint_gathered(&l.records);
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
	{ ENODEV, "it is of the time before the host was booted" },
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
	if (!kept && error == -ESTALE)
		settle_aside(h, r->machine, name);
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
