// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The state words and who is bound to whom. The two functions at the top are
 * the whole of the hot path; everything else changes structure and is under
 * the lock.
 */
#include <errno.h>

#include "tools/simxen/channel.h"

/*
 * The fence stands for the hypercall: what the sender stored in a ring must
 * be visible before it finds the word masked and relies on the unmasking.
 */
static void channel_deliver(struct simxen *m, _Atomic uint32_t *state,
			    _Atomic uint64_t *sink, uint32_t entry)
{
	uint32_t s;

	atomic_thread_fence(memory_order_seq_cst);
	s = atomic_load(state);
	for (;;) {
		if ((s & SHM_MASKED) && (s & SHM_PENDING))
			return;
		if (s & SHM_MASKED) {
			if (atomic_compare_exchange_weak(state, &s,
							 s | SHM_PENDING))
				return;
		} else if (atomic_compare_exchange_weak(state, &s,
							SHM_MASKED)) {
			wake_write(m, atomic_load(sink), entry);
			return;
		}
	}
}

void channel_unmask(struct simxen *m, uint64_t sink, uint32_t port)
{
	struct shm_port *p = &m->shm->port[port % SHM_PORTS];
	uint32_t s;

	if (port >= SHM_PORTS || p->sink != sink)
		return;
	s = atomic_load(&p->state);
	while (s & SHM_MASKED) {
		if (s & SHM_PENDING) {
			if (!atomic_compare_exchange_weak(&p->state, &s,
							  SHM_MASKED))
				continue;
			wake_write(m, sink, port);
			return;
		}
		if (atomic_compare_exchange_weak(&p->state, &s, 0))
			return;
	}
}

static bool channel_owned(const struct simxen *m, uint64_t sink,
			  uint32_t port)
{
	const struct shm_port *p = &m->shm->port[port % SHM_PORTS];

	return port >= SHM_FIRST_PORT && port < SHM_PORTS &&
	       p->kind != SHM_FREE && p->sink == sink;
}

void channel_wake_guest(struct simxen *m, uint32_t domid)
{
	struct shm_domain *d = &m->shm->domain[domid];

	channel_deliver(m, &d->state, &d->sink, domid);
}

int channel_notify(struct simxen *m, uint64_t sink, uint32_t port)
{
	struct shm_port *p = &m->shm->port[port % SHM_PORTS];
	uint32_t domid;

	if (!channel_owned(m, sink, port))
		return -ENOTCONN;
	if (p->kind != SHM_INTERDOMAIN)
		return -EINVAL;
	domid = p->domid;
	if (p->instance && m->shm->domain[domid].instance == p->instance)
		channel_wake_guest(m, domid);
	return 0;
}

int channel_send(struct simxen *m, struct shm_domain *d)
{
	uint32_t port = d->bound;
	struct shm_port *p = &m->shm->port[port % SHM_PORTS];

	if (!port)
		return 0;
	channel_deliver(m, &p->state, &p->sink, port);
	return 1;
}

void channel_raise_virq(struct simxen *m)
{
	uint32_t port = m->shm->virq_port;
	struct shm_port *p = &m->shm->port[port % SHM_PORTS];

	if (port)
		channel_deliver(m, &p->state, &p->sink, port);
}

static int channel_take(struct shm_fault *f)
{
	int err = (int)f->err;

	if (err && f->left && --f->left == 0)
		f->err = 0;
	return err;
}

int channel_fault(struct simxen *m, unsigned int domid,
		  enum simxen_fault what)
{
	int err = channel_take(&m->shm->domain[domid].fault[what]);

	return err ? err : channel_take(&m->shm->fault[what]);
}

/* Locked. The record is complete before anything else points at it. */
static int channel_new_port(struct simxen *m, uint64_t sink,
			    enum shm_port_kind kind, uint32_t domid)
{
	struct shm_machine *shm = m->shm;
	struct shm_port *p;

	for (uint32_t w = 0; w < SHM_PORTS / 64; w++) {
		uint64_t avail = ~shm->port_map[w];
		uint32_t port;

		if (!w)
			avail &= ~UINT64_C(0) << SHM_FIRST_PORT;
		if (!avail)
			continue;
		port = w * 64 + (uint32_t)__builtin_ctzll(avail);
		p = &shm->port[port];
		p->state = 0;
		p->sink = sink;
		p->domid = domid;
		p->instance = shm->domain[domid].instance;
		p->kind = kind;
		machine_set_bit(shm->port_map, port, true);
		return (int)port;
	}
	return -ENOSPC;
}

/* Locked. */
static void channel_free_port(struct simxen *m, uint32_t port)
{
	struct shm_machine *shm = m->shm;
	struct shm_port *p = &shm->port[port];
	struct shm_domain *d = &shm->domain[p->domid];

	if (shm->virq_port == port)
		shm->virq_port = 0;
	if (p->kind == SHM_INTERDOMAIN && d->bound == port &&
	    d->instance == p->instance)
		d->bound = 0;
	p->kind = SHM_FREE;
	p->sink = 0;
	p->state = 0;
	machine_set_bit(shm->port_map, port, false);
}

/* Locked. */
static int channel_bind_locked(struct simxen *m, uint64_t sink,
			       unsigned int domid, uint32_t remote)
{
	struct shm_domain *d = &m->shm->domain[domid];
	int err, port;

	if (!d->instance)
		return -ESRCH;
	err = channel_fault(m, domid, SIMXEN_FAULT_BIND);
	if (err)
		return -err;
	if (!remote || d->port != remote)
		return -EINVAL;
	if (d->bound)
		channel_reap(m, SHM_HANDLE);
	if (d->bound)
		return -EINVAL;
	port = channel_new_port(m, sink, SHM_INTERDOMAIN, domid);
	if (port > 0)
		d->bound = (uint32_t)port;
	return port;
}

int channel_bind(struct simxen *m, uint64_t sink, unsigned int domid,
		 uint32_t remote)
{
	struct shm_port *p;
	int port;

	if (domid >= SHM_DOMIDS)
		return -ESRCH;
	machine_lock(m);
	port = channel_bind_locked(m, sink, domid, remote);
	machine_unlock(m);
	if (port > 0) {
		p = &m->shm->port[port];
		channel_deliver(m, &p->state, &p->sink, (uint32_t)port);
	}
	return port;
}

int channel_bind_virq(struct simxen *m, uint64_t sink)
{
	int port = -EEXIST;

	machine_lock(m);
	if (m->shm->virq_port)
		channel_reap(m, SHM_HANDLE);
	if (!m->shm->virq_port)
		port = channel_new_port(m, sink, SHM_VIRQ, 0);
	if (port > 0)
		m->shm->virq_port = (uint32_t)port;
	machine_unlock(m);
	return port;
}

int channel_unbind(struct simxen *m, uint64_t sink, uint32_t port)
{
	int err = -ENOTCONN;

	machine_lock(m);
	if (channel_owned(m, sink, port)) {
		channel_free_port(m, port);
		err = 0;
	}
	machine_unlock(m);
	return err;
}

void channel_close_guest(struct simxen *m, uint32_t domid)
{
	struct shm_domain *d = &m->shm->domain[domid];

	if (d->bound)
		m->shm->port[d->bound % SHM_PORTS].instance = 0;
	d->bound = 0;
	d->port = 0;
}

/*
 * A sender killed between masking the guest's word and writing the entry
 * leaves the guest waiting for ever; one entry more does no harm.
 */
static void channel_make_good(struct simxen *m, const struct shm_port *p)
{
	struct shm_domain *d = &m->shm->domain[p->domid];

	if (p->kind == SHM_INTERDOMAIN && d->instance == p->instance &&
	    (atomic_load(&d->state) & SHM_MASKED))
		wake_write(m, d->sink, p->domid);
}

static void channel_reap_handle(struct simxen *m, uint64_t sink)
{
	const uint64_t *map = m->shm->port_map;
	int port = (int)SHM_FIRST_PORT - 1;

	while ((port = machine_next_bit(map, (unsigned int)port + 1,
					SHM_PORTS)) >= 0) {
		if (m->shm->port[port].sink != sink)
			continue;
		channel_make_good(m, &m->shm->port[port]);
		channel_free_port(m, (uint32_t)port);
	}
}

static void channel_reap_hub(struct simxen *m, uint64_t sink)
{
	int domid = -1;

	while ((domid = machine_next_bit(m->shm->domain_map,
					 (unsigned int)(domid + 1),
					 SHM_DOMIDS)) >= 0)
		if (m->shm->domain[domid].sink == sink)
			m->shm->domain[domid].sink = 0;
}

void channel_reap(struct simxen *m, uint32_t kind)
{
	for (uint32_t i = 0; i < SHM_SINKS; i++) {
		const struct shm_sink *s = &m->shm->sink[i];
		uint64_t id = (uint64_t)s->generation << 32 | (i + 1);

		if (s->kind != kind || !wake_dead(m, id))
			continue;
		if (kind == SHM_HANDLE)
			channel_reap_handle(m, id);
		else
			channel_reap_hub(m, id);
		wake_free(m, id);
	}
}

void simxen_reap(struct simxen *m)
{
	machine_lock(m);
	channel_reap(m, SHM_HANDLE);
	channel_reap(m, SHM_HUB);
	machine_unlock(m);
}

void channel_adopt(struct simxen *m, uint64_t sink)
{
	int port = (int)SHM_FIRST_PORT - 1;

	machine_lock(m);
	while ((port = machine_next_bit(m->shm->port_map,
					(unsigned int)port + 1,
					SHM_PORTS)) >= 0) {
		const struct shm_port *p = &m->shm->port[port];

		if (p->sink == sink)
			channel_make_good(m, p);
	}
	machine_unlock(m);
}
