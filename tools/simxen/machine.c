// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Opening a machine, its lock, and putting the table in order after a holder
 * of the lock was killed. The truth of who exists is in the records; the
 * bitmaps beside them are there to find records quickly and can be rebuilt.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/simxen/machine.h"

void machine_path(const struct simxen *m, char *buf, const char *room,
		  uint64_t number)
{
	snprintf(buf, MACHINE_PATH, "%s/%s/%llx", m->dir, room,
		 (unsigned long long)number);
}

bool machine_bit(const uint64_t *map, unsigned int bit)
{
	return map[bit / 64] >> bit % 64 & 1;
}

void machine_set_bit(uint64_t *map, unsigned int bit, bool value)
{
	uint64_t mask = UINT64_C(1) << bit % 64;

	if (value)
		map[bit / 64] |= mask;
	else
		map[bit / 64] &= ~mask;
}

int machine_next_bit(const uint64_t *map, unsigned int from,
		     unsigned int count)
{
	uint64_t word;

	while (from < count) {
		word = map[from / 64] >> from % 64;
		if (word) {
			from += (unsigned int)__builtin_ctzll(word);
			return from < count ? (int)from : -1;
		}
		from = (from / 64 + 1) * 64;
	}
	return -1;
}

static void machine_repair_ports(struct shm_machine *shm)
{
	for (uint32_t i = SHM_FIRST_PORT; i < SHM_PORTS; i++) {
		struct shm_port *p = &shm->port[i];
		struct shm_domain *d = &shm->domain[p->domid % SHM_DOMIDS];

		if (p->kind == SHM_INTERDOMAIN &&
		    d->instance == p->instance && d->port && !d->bound)
			p->kind = SHM_FREE;
		if (p->kind == SHM_VIRQ && shm->virq_port != i)
			p->kind = SHM_FREE;
		machine_set_bit(shm->port_map, i, p->kind != SHM_FREE);
	}
}

static void machine_repair_domains(struct shm_machine *shm)
{
	for (uint32_t i = 0; i < SHM_DOMIDS; i++) {
		struct shm_domain *d = &shm->domain[i];
		struct shm_port *p = &shm->port[d->bound % SHM_PORTS];

		machine_set_bit(shm->domain_map, i, d->instance != 0);
		if (d->bound && (p->kind != SHM_INTERDOMAIN ||
				 p->domid != i || p->instance != d->instance))
			d->bound = 0;
	}
}

static void machine_repair(struct shm_machine *shm)
{
	uint32_t virq = shm->virq_port;

	machine_repair_domains(shm);
	if (virq && shm->port[virq % SHM_PORTS].kind != SHM_VIRQ)
		shm->virq_port = 0;
	machine_repair_ports(shm);
}

void machine_lock(struct simxen *m)
{
	if (pthread_mutex_lock(&m->shm->lock) == EOWNERDEAD) {
		machine_repair(m->shm);
		pthread_mutex_consistent(&m->shm->lock);
	}
}

void machine_unlock(struct simxen *m)
{
	pthread_mutex_unlock(&m->shm->lock);
}

const char *simxen_dir(const struct simxen *m)
{
	return m->dir;
}

static int machine_map(struct simxen *m)
{
	char path[MACHINE_PATH];
	struct stat st;
	int fd, err = 0;

	snprintf(path, sizeof(path), "%s/machine", m->dir);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		err = -errno;
	else if (st.st_size != (off_t)sizeof(*m->shm))
		err = -EPROTO;
	if (!err) {
		m->shm = mmap(NULL, sizeof(*m->shm), PROT_READ | PROT_WRITE,
			      MAP_SHARED, fd, 0);
		if (m->shm == MAP_FAILED) {
			err = -errno;
		} else if (m->shm->magic != SHM_MAGIC ||
			   m->shm->version != SHM_VERSION) {
			munmap(m->shm, sizeof(*m->shm));
			err = -EPROTO;
		}
	}
	close(fd);
	return err;
}

int simxen_open(const char *dir, struct simxen **out)
{
	struct simxen *m;
	int err;

	if (!dir)
		dir = getenv("SIMXEN_DIR");
	if (!dir || !*dir)
		return -ENOENT;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->dir = realpath(dir, NULL);
	err = m->dir ? machine_map(m) : -errno;
	if (err) {
		free(m->dir);
		free(m);
		return err;
	}
	wake_init(&m->wake);
	*out = m;
	return 0;
}

void simxen_close(struct simxen *m)
{
	if (!m)
		return;
	wake_fini(&m->wake);
	munmap(m->shm, sizeof(*m->shm));
	free(m->dir);
	free(m);
}
