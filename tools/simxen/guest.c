// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guest's end: hubs and guests. Reading an entry takes the guest's state
 * word back to nothing before the caller looks at its ring, so one entry
 * stands for all events until then and the next event makes a new entry.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "tools/simxen/channel.h"
#include "tools/simxen/domain.h"

#define HUB_AHEAD 256

struct simxen_hub {
	struct simxen *m;
	uint64_t sink;
	int fd;
	unsigned int pos, len;
	uint32_t entry[HUB_AHEAD];
};

struct simxen_guest {
	struct simxen *m;
	struct simxen_hub *hub;
	bool own_hub;
	unsigned int domid;
	uint64_t instance;
	void *page;
};

static struct shm_domain *guest_domain(const struct simxen_guest *g)
{
	struct shm_domain *d = &g->m->shm->domain[g->domid];

	return d->instance == g->instance ? d : NULL;
}

int simxen_hub_open(struct simxen *m, struct simxen_hub **out)
{
	struct simxen_hub *h = calloc(1, sizeof(*h));
	int err;

	if (!h)
		return -ENOMEM;
	h->m = m;
	machine_lock(m);
	h->sink = wake_open(m, SHM_HUB, O_NONBLOCK | O_CLOEXEC, &h->fd);
	if (!h->sink && errno == ENOSPC) {
		channel_reap(m, SHM_HUB);
		h->sink = wake_open(m, SHM_HUB, O_NONBLOCK | O_CLOEXEC,
				    &h->fd);
	}
	err = -errno;
	machine_unlock(m);
	if (!h->sink) {
		free(h);
		return err;
	}
	*out = h;
	return 0;
}

static void hub_leave(struct simxen *m, uint64_t sink)
{
	int domid = -1;

	while ((domid = machine_next_bit(m->shm->domain_map,
					 (unsigned int)(domid + 1),
					 SHM_DOMIDS)) >= 0) {
		uint64_t was = sink;

		atomic_compare_exchange_strong(&m->shm->domain[domid].sink,
					       &was, 0);
	}
}

void simxen_hub_close(struct simxen_hub *h)
{
	if (!h)
		return;
	machine_lock(h->m);
	hub_leave(h->m, h->sink);
	wake_free(h->m, h->sink);
	machine_unlock(h->m);
	close(h->fd);
	free(h);
}

int simxen_hub_fd(const struct simxen_hub *h)
{
	return h->fd;
}

static bool hub_fill(struct simxen_hub *h)
{
	ssize_t n;

	if (h->pos < h->len)
		return true;
	n = read(h->fd, h->entry, sizeof(h->entry));
	h->pos = 0;
	h->len = n > 0 ? (unsigned int)n / sizeof(h->entry[0]) : 0;
	return h->len;
}

int simxen_hub_next(struct simxen_hub *h)
{
	uint32_t domid;

	if (!hub_fill(h))
		return -EAGAIN;
	domid = h->entry[h->pos++] % SHM_DOMIDS;
	if (h->m->shm->domain[domid].sink == h->sink)
		atomic_exchange(&h->m->shm->domain[domid].state, 0);
	return (int)domid;
}

static int64_t hub_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int simxen_hub_wait(struct simxen_hub *h, int timeout)
{
	struct pollfd pfd = { .fd = h->fd, .events = POLLIN };
	int64_t end = timeout > 0 ? hub_now() + timeout : 0;
	int n;

	if (h->pos < h->len)
		return 1;
	for (;;) {
		n = poll(&pfd, 1, timeout);
		if (n >= 0)
			return n;
		if (errno != EINTR)
			return -errno;
		if (timeout > 0)
			timeout = end > hub_now() ?
				(int)(end - hub_now()) : 0;
	}
}

/* Locked. An event that nobody took is the new listener's. */
static void guest_join(struct simxen_guest *g)
{
	struct shm_domain *d = &g->m->shm->domain[g->domid];

	d->sink = g->hub->sink;
	if (atomic_load(&d->state) & SHM_MASKED)
		wake_write(g->m, g->hub->sink, g->domid);
}

static int guest_open(struct simxen_guest *g)
{
	g->page = domain_map_page(g->m, g->domid, &g->instance,
				  PROT_READ | PROT_WRITE);
	if (!g->page)
		return -errno;
	machine_lock(g->m);
	if (guest_domain(g))
		guest_join(g);
	machine_unlock(g->m);
	return guest_domain(g) ? 0 : -ESRCH;
}

int simxen_guest_attach(struct simxen *m, struct simxen_hub *hub,
			unsigned int domid, struct simxen_guest **out)
{
	struct simxen_guest *g;
	int err = 0;

	if (domid >= SHM_DOMIDS)
		return -EINVAL;
	g = calloc(1, sizeof(*g));
	if (!g)
		return -ENOMEM;
	g->m = m;
	g->domid = domid;
	g->hub = hub;
	g->own_hub = !hub;
	if (!hub)
		err = simxen_hub_open(m, &g->hub);
	if (!err)
		err = guest_open(g);
	if (err) {
		simxen_guest_detach(g);
		return err;
	}
	*out = g;
	return 0;
}

void simxen_guest_detach(struct simxen_guest *g)
{
	struct shm_domain *d;
	uint64_t was;

	if (!g)
		return;
	d = g->hub ? guest_domain(g) : NULL;
	if (d) {
		was = g->hub->sink;
		atomic_compare_exchange_strong(&d->sink, &was, 0);
	}
	if (g->own_hub)
		simxen_hub_close(g->hub);
	if (g->page)
		munmap(g->page, SHM_PAGE);
	free(g);
}

void *simxen_guest_page(const struct simxen_guest *g)
{
	return g->page;
}

unsigned int simxen_guest_domid(const struct simxen_guest *g)
{
	return g->domid;
}

unsigned int simxen_guest_port(const struct simxen_guest *g)
{
	struct shm_domain *d = guest_domain(g);

	return d ? d->port : 0;
}

uint64_t simxen_guest_gfn(const struct simxen_guest *g)
{
	return SIMXEN_GFN;
}

int simxen_guest_notify(struct simxen_guest *g)
{
	struct shm_domain *d = guest_domain(g);

	return d ? channel_send(g->m, d) : -ESRCH;
}

/*
 * The state word tells without a system call that an entry is there, so that
 * a guest that is kept busy does one read per event and no poll.
 */
int simxen_guest_wait(struct simxen_guest *g, int timeout)
{
	struct shm_domain *d = guest_domain(g);
	int n;

	if (!g->own_hub)
		return -EINVAL;
	if (!d || !(atomic_load(&d->state) & SHM_MASKED) || !hub_fill(g->hub)) {
		n = simxen_hub_wait(g->hub, timeout);
		if (n <= 0)
			return n;
	}
	while (simxen_hub_next(g->hub) >= 0)
		if (g->hub->pos == g->hub->len)
			break;
	return 1;
}

int simxen_guest_fd(const struct simxen_guest *g)
{
	return g->hub->fd;
}

int simxen_guest_alive(const struct simxen_guest *g)
{
	struct shm_domain *d = guest_domain(g);

	return d && !(d->flags & SIMXEN_DYING);
}

int simxen_guest_bound(struct simxen_guest *g)
{
	struct shm_domain *d = guest_domain(g);

	if (d && d->bound) {
		machine_lock(g->m);
		channel_reap(g->m, SHM_HANDLE);
		machine_unlock(g->m);
	}
	return d && d->bound;
}
