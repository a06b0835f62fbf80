// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The other side of a live update: a start that takes over.  What cannot be
 * taken over is treated as if it had gone in this very moment: a socket that
 * is none is closed, a ring that cannot be mapped is not served; if its
 * domain has died meanwhile, comparing with the hypervisor's list says so.
 */
#include "xenstored/host/update.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <talloc.h>
#include <unistd.h>

#include "xenstored/host/asks.h"
#include "xenstored/host/client.h"
#include "xenstored/host/checkpoint.h"
#include "xenstored/host/descriptors.h"
#include "xenstored/host/evtchn.h"
#include "xenstored/host/guest.h"
#include "xenstored/host/host.h"
#include "xenstored/host/hypervisor.h"
#include "xenstored/host/listener.h"
#include "xenstored/host/journal.h"
#include "xenstored/host/log.h"
#include "xenstored/host/mapping.h"
#include "xenstored/host/recovery.h"
#include "xenstored/host/trace.h"
#include "xenstored/host/update_state.h"

#define DUMP_PATH_MAX (OPTIONS_PATH_MAX + 16)

/* ------------------------------------------------------------- loading -- */

static void dump_path(const struct options *o, char path[DUMP_PATH_MAX])
{
	snprintf(path, DUMP_PATH_MAX, "%s/state_dump", o->rundir);
}

/* The descriptor that was named, or the file where the C daemon leaves it. */
static int state_fd(const struct options *o, int named)
{
	char path[DUMP_PATH_MAX];
	int fd;

	if (named >= 0)
		return named;
	dump_path(o, path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

static void state_done(const struct options *o, int fd)
{
	char path[DUMP_PATH_MAX];

	close(fd);
	if (o->live_update_fd >= 0)
		return;
	dump_path(o, path);
	unlink(path);
}

/* What an earlier one of ours left: another daemon has been here since. */
static void checkpoint_stale(const struct options *o)
{
	static const char *const names[] = {
		"store.tdb", "store.tdb.handed-over",
	};
	char path[DUMP_PATH_MAX + 16];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", o->rundir, names[i]);
		if (unlink(path) && errno != ENOENT)
			log_say(LOG_UPDATE_FAILED, "%s: %s", path,
				strerror(errno));
	}
}

static bool resume_facts(void *arg, uint32_t domid, uint64_t *instance)
{
	return hypervisor_knows(arg, domid, instance);
}

int update_load(struct host *h)
{
	const struct options *o = h->options;
	int fd = state_fd(o, o->live_update_fd), error;
	char why[256];

	if (fd < 0)
		return fd;
	h->resumed = update_read(h, fd, &h->config,
				 h->hypervisor ? resume_facts : NULL, h,
				 &error, why);
	if (!h->resumed) {
		log_say(LOG_UPDATE_FAILED, "live update: %s", why);
		return error;
	}
	state_done(o, fd);
	h->machine = h->resumed->machine;
	if (h->resumed->stream)
		checkpoint_stale(o);
	return checkpoint_begin_anew(h);
}

/*
 * So that the journal of the binary before and ours tell one history: if we
 * die before our first checkpoint, its one and both journals are replayed.
 */
void update_journal(struct host *h)
{
	struct machine_input in = {
		.type = MACHINE_IN_DONE, .ask = h->resumed->ask,
		.data = "OK", .len = sizeof("OK"),
	};

	if (h->resumed->stream)
		return;
	journal_input(h->journal, &in);
	journal_executed(h->journal);
}

uint64_t update_segment(const struct host *h)
{
	return h->resumed->segment;
}

bool update_same_store(const struct host *h)
{
	return !h->resumed->stream;
}

int update_check(const struct options *o)
{
	int fd = state_fd(o, o->check_state_fd), error;
	struct machine_config config;
	struct update_state *s;
	char why[256];

	machine_config_defaults(&config);
	memcpy(config.quota, o->quota, sizeof(config.quota));
	if (fd < 0) {
		fprintf(stderr, "no state: %s\n", strerror(-fd));
		return 1;
	}
	s = update_read(NULL, fd, &config, NULL, NULL, &error, why);
	close(fd);
	if (!s) {
		fprintf(stderr, "%s\n", why);
		return 1;
	}
	machine_free(s->machine);
	talloc_free(s);
	return 0;
}

/* -------------------------------------------------------- taking over -- */

/* A number is not a descriptor's proof: it must be a socket. */
static bool is_socket(int fd)
{
	int type;
	socklen_t len = sizeof(type);

	return !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len);
}

int update_listener(struct host *h)
{
	const struct update_state *s = h->resumed;

	if (s->listener < 0 || !is_socket(s->listener))
		return listener_open(h, -1);
	return listener_adopt(h, s->listener, s->listener_ours);
}

static void resume_pid(struct host *h)
{
	const struct update_state *s = h->resumed;

	if (s->pid < 0)
		return;
	/* The lock came with the descriptor, if it is for the same file. */
	if (h->options->pid_file && h->pid_fd < 0) {
		h->pid_fd = s->pid;
		(void)fcntl(s->pid, F_SETFD, FD_CLOEXEC);
	} else {
		close(s->pid);
	}
}

static void resume_trace(struct host *h)
{
	const struct update_state *s = h->resumed;

	if (!s->trace)
		return;
	if (*s->trace)
		(void)trace_open(h->trace, s->trace);
	trace_switch(h->trace, s->tracing);
}

/* Indices that nobody handed over are those of the page. */
static int ring_look_up(struct host *h, struct recovered_ring *was)
{
	struct ring_page *page;
	int error = mapping_get(h->mapping, was->domid, &page);

	if (error)
		return error;
	was->req_cons = ring_load_once(&page->req_cons);
	was->rsp_prod = ring_load_once(&page->rsp_prod);
	mapping_put(h->mapping, was->domid, page);
	return 0;
}

static void resume_ring(struct host *h, const struct update_ring *r)
{
	struct recovered_ring was = {
		.domid = r->domid, .port = r->port, .remote = r->remote,
		.req_cons = r->req_cons, .rsp_prod = r->rsp_prod,
		.unbound = !r->bound, .known = true,
	};
	int error = h->mapping ? 0 : -ENXIO;

	if (!error && !r->placed)
		error = ring_look_up(h, &was);
	if (!error)
		error = guest_restore(h, &was, r->failed);
	if (!error)
		return;
	log_say(LOG_RING_NOT_MAPPED, "domain %u, port %u: %s", r->domid,
		r->port, strerror(-error));
	host_feed_event(h, MACHINE_IN_RING_FAILED, r->domid);
}

static int take_client(struct host *h, const struct stream_client *c)
{
	if (!is_socket(c->fd))
		return -ENOTSOCK;
	/* The C daemon's sockets wait in read(), ours do not. */
	if (fcntl(c->fd, F_SETFD, FD_CLOEXEC) ||
	    fcntl(c->fd, F_SETFL, O_RDWR | O_NONBLOCK))
		return -errno;
	return client_restore(h, c->conn, c->fd);
}

static void resume_client(struct host *h, const struct stream_client *c)
{
	int error = take_client(h, c);

	if (error) {
		log_say(LOG_UPDATE_FAILED, "live update: a client on %d: %s",
			c->fd, strerror(-error));
		host_feed_event(h, MACHINE_IN_CLOSE, c->conn);
	} else if (h->resumed->stream) {
		descriptors_push_client(c->conn, c->fd);
	}
}

int update_resume(struct host *h)
{
	const struct update_state *s = h->resumed;

	h->generation = s->generation;
	resume_pid(h);
	resume_trace(h);
	for (size_t i = 0; i < s->rings; i++)
		resume_ring(h, &s->ring[i]);
	for (size_t i = 0; i < s->clients; i++)
		resume_client(h, &s->client[i]);
	hypervisor_refresh(h);
	if (s->stream)
		stream_resume(h->machine);
	while (asks_carry_out(h))
		;
	log_say(LOG_UPDATE, "live update: %zu rings, %zu sockets taken over",
		s->rings, s->clients);
	if (s->lost_transactions)
		log_say(LOG_UPDATE, "live update: %u transactions will have "
			"to be tried again", s->lost_transactions);
	return 0;
}
