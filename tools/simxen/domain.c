// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Domains: the life that the toolstack gives them and what the hypervisor
 * tells about them. An instance number names one life of one domid; its page
 * file carries it, so that whoever maps the page of a dead domain keeps that
 * page and never sees the next one's.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "tools/simxen/channel.h"
#include "tools/simxen/domain.h"

#define DOMAIN_SHARED_INFO UINT64_C(0x100000)

static struct shm_domain *domain_find(struct simxen *m, unsigned int domid)
{
	struct shm_domain *d = &m->shm->domain[domid % SHM_DOMIDS];

	return domid < SHM_DOMIDS && d->instance ? d : NULL;
}

static int domain_new_page(struct simxen *m, uint64_t instance)
{
	char path[MACHINE_PATH];
	int fd, err = 0;

	machine_path(m, path, "page", instance);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, SHM_PAGE))
		err = -errno;
	close(fd);
	return err;
}

static int domain_next_free(struct simxen *m)
{
	uint32_t id = m->shm->last_domid;

	for (uint32_t i = 0; i < SHM_DOMIDS; i++) {
		id = id + 1 < SHM_DOMIDS ? id + 1 : 1;
		if (!machine_bit(m->shm->domain_map, id))
			return (int)id;
	}
	return -ENOSPC;
}

/* Locked. The instance is set last: until then there is no such domain. */
static int domain_make(struct simxen *m, unsigned int domid,
		       const uint8_t *handle)
{
	struct shm_domain *d = &m->shm->domain[domid];
	uint64_t instance = m->shm->last_instance + 1;
	int err = domain_new_page(m, instance);

	if (err)
		return err;
	m->shm->last_instance = instance;
	memset(d, 0, sizeof(*d));
	if (handle)
		memcpy(d->handle, handle, sizeof(d->handle));
	else if (getrandom(d->handle, sizeof(d->handle), 0) < 0)
		return -errno;
	d->port = d->last_port = DOMAIN_FIRST_PORT;
	d->instance = instance;
	machine_set_bit(m->shm->domain_map, domid, true);
	return (int)domid;
}

int domain_add_locked(struct simxen *m, int domid, const uint8_t *handle)
{
	bool chosen = domid < 0;

	if (domid < -1 || domid >= SHM_DOMIDS)
		return -EINVAL;
	if (chosen)
		domid = domain_next_free(m);
	if (domid < 0)
		return domid;
	if (m->shm->domain[domid].instance)
		return -EEXIST;
	domid = domain_make(m, (unsigned int)domid, handle);
	if (domid > 0 && chosen)
		m->shm->last_domid = (uint32_t)domid;
	return domid;
}

int simxen_domain_add(struct simxen *m, int domid, const uint8_t *handle)
{
	machine_lock(m);
	domid = domain_add_locked(m, domid, handle);
	machine_unlock(m);
	return domid;
}

/* Locked. The directory entry goes; mappings keep the page. */
static void domain_gone(struct simxen *m, uint32_t domid)
{
	struct shm_domain *d = &m->shm->domain[domid];
	char path[MACHINE_PATH];

	machine_path(m, path, "page", d->instance);
	d->instance = 0;
	machine_set_bit(m->shm->domain_map, domid, false);
	unlink(path);
}

int simxen_domain_kill(struct simxen *m, unsigned int domid,
		       unsigned int flags)
{
	struct shm_domain *d;
	uint64_t sink = 0;
	bool stay = false;

	if (!domid)
		return -EPERM;
	machine_lock(m);
	d = domain_find(m, domid);
	if (!d) {
		machine_unlock(m);
		return -ESRCH;
	}
	stay = flags & SIMXEN_LINGER ||
	       (d->flags & SIMXEN_LINGER && !(d->flags & SIMXEN_DYING));
	d->flags |= SIMXEN_DYING;
	sink = d->sink;
	channel_close_guest(m, domid);
	channel_raise_virq(m);
	if (!stay)
		domain_gone(m, domid);
	machine_unlock(m);
	if (!stay)
		channel_raise_virq(m);
	wake_write(m, sink, domid);
	return 0;
}

int simxen_domain_shutdown(struct simxen *m, unsigned int domid, int reason)
{
	struct shm_domain *d;

	if (reason < SIMXEN_RESUME || reason > 255)
		return -EINVAL;
	machine_lock(m);
	d = domain_find(m, domid);
	if (d && reason == SIMXEN_RESUME) {
		d->flags &= ~SIMXEN_SHUTDOWN;
		d->reason = 0;
	} else if (d) {
		d->reason = (uint32_t)reason;
		d->flags |= SIMXEN_SHUTDOWN;
	}
	machine_unlock(m);
	if (d && reason != SIMXEN_RESUME)
		channel_raise_virq(m);
	return d ? 0 : -ESRCH;
}

int simxen_domain_new_port(struct simxen *m, unsigned int domid)
{
	struct shm_domain *d;
	int port = -ESRCH;

	machine_lock(m);
	d = domain_find(m, domid);
	if (d && !(d->flags & SIMXEN_DYING)) {
		channel_close_guest(m, domid);
		d->port = ++d->last_port;
		port = (int)d->port;
	}
	machine_unlock(m);
	return port;
}

int simxen_domain_flags(struct simxen *m, unsigned int domid,
			unsigned int set, unsigned int clear)
{
	const unsigned int may = SIMXEN_HIDDEN | SIMXEN_LINGER;
	struct shm_domain *d;

	if ((set | clear) & ~may)
		return -EINVAL;
	machine_lock(m);
	d = domain_find(m, domid);
	if (d)
		d->flags = (d->flags & ~clear) | set;
	machine_unlock(m);
	return d ? 0 : -ESRCH;
}

int simxen_fault(struct simxen *m, int domid, enum simxen_fault what, int err,
		 unsigned int count)
{
	struct shm_fault *f = NULL;
	struct shm_domain *d;

	if ((unsigned int)what >= SIMXEN_FAULT_NR || err < 0)
		return -EINVAL;
	machine_lock(m);
	if (domid < 0)
		f = m->shm->fault;
	else if ((d = domain_find(m, (unsigned int)domid)))
		f = d->fault;
	if (f)
		f[what] = (struct shm_fault){ (uint32_t)err, count };
	machine_unlock(m);
	return f ? 0 : -ESRCH;
}

int simxen_domain_next(struct simxen *m, int after)
{
	int domid;

	if (after < -1)
		return -EINVAL;
	machine_lock(m);
	domid = machine_next_bit(m->shm->domain_map,
				 (unsigned int)(after + 1), SHM_DOMIDS);
	machine_unlock(m);
	return domid < 0 ? -ENOENT : domid;
}

static void domain_tell(const struct shm_domain *d, unsigned int domid,
			struct simxen_domain_info *info)
{
	*info = (struct simxen_domain_info){
		.domid = domid,
		.port = d->port,
		.bound = d->bound,
		.flags = d->flags,
		.reason = d->reason,
		.attached = d->sink != 0,
		.gfn = SIMXEN_GFN,
		.instance = d->instance,
		.shared_info_frame = DOMAIN_SHARED_INFO + d->instance,
	};
	memcpy(info->handle, d->handle, sizeof(info->handle));
}

int simxen_domain_info(struct simxen *m, unsigned int domid,
		       struct simxen_domain_info *info)
{
	struct shm_domain *d;

	machine_lock(m);
	d = domain_find(m, domid);
	if (d)
		domain_tell(d, domid, info);
	machine_unlock(m);
	return d ? 0 : -ESRCH;
}

unsigned int domain_list(struct simxen *m, unsigned int first,
			 unsigned int max, domain_visit *visit, void *arg)
{
	struct simxen_domain_info info;
	unsigned int n = 0;
	int domid;

	machine_lock(m);
	while (n < max) {
		domid = machine_next_bit(m->shm->domain_map, first,
					 SHM_DOMIDS);
		if (domid < 0)
			break;
		first = (unsigned int)domid + 1;
		domain_tell(&m->shm->domain[domid], (unsigned int)domid,
			    &info);
		if (!(info.flags & SIMXEN_HIDDEN))
			visit(&info, n++, arg);
	}
	machine_unlock(m);
	return n;
}

void *domain_map_page(struct simxen *m, unsigned int domid,
		      uint64_t *instance, int prot)
{
	struct shm_domain *d = domain_find(m, domid);
	char path[MACHINE_PATH];
	void *page = MAP_FAILED;
	int fd, err;

	if (!d) {
		errno = ESRCH;
		return NULL;
	}
	*instance = d->instance;
	machine_path(m, path, "page", *instance);
	fd = open(path, (prot & PROT_WRITE ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (fd < 0) {
		errno = errno == ENOENT ? ESRCH : errno;
		return NULL;
	}
	page = mmap(NULL, SHM_PAGE, prot, MAP_SHARED, fd, 0);
	err = errno;
	close(fd);
	errno = err;
	return page == MAP_FAILED ? NULL : page;
}

void *domain_map_foreign(struct simxen *m, unsigned int domid, int prot)
{
	struct shm_domain *d;
	uint64_t instance;
	int err = 0;

	machine_lock(m);
	d = domain_find(m, domid);
	if (!d || d->flags & SIMXEN_DYING)
		err = EINVAL;
	else
		err = channel_fault(m, domid, SIMXEN_FAULT_GRANT);
	machine_unlock(m);
	if (err) {
		errno = err;
		return NULL;
	}
	return domain_map_page(m, domid, &instance, prot);
}
