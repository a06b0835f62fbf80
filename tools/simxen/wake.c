// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * FIFOs rather than eventfds, because a FIFO has a name: any process of the
 * machine can open it without being handed a descriptor, and an inherited
 * descriptor is told again by its inode.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/simxen/machine.h"

static uint64_t wake_id(uint32_t slot, uint32_t generation)
{
	return (uint64_t)generation << 32 | (slot + 1);
}

static uint32_t wake_slot_of(uint64_t sink)
{
	return (uint32_t)sink - 1;
}

static bool wake_valid(const struct simxen *m, uint64_t sink)
{
	uint32_t slot = wake_slot_of(sink);

	return sink && slot < SHM_SINKS &&
	       m->shm->sink[slot].kind != SHM_UNUSED &&
	       m->shm->sink[slot].generation == sink >> 32;
}

/* With wake->lock held. */
static void wake_forget(struct wake *wake)
{
	for (unsigned int i = 0; i < WAKE_CACHE; i++) {
		if (wake->slot[i].fd >= 0)
			close(wake->slot[i].fd);
		wake->slot[i] = (struct wake_slot){ 0, -1 };
	}
}

void wake_init(struct wake *wake)
{
	pthread_mutex_init(&wake->lock, NULL);
	for (unsigned int i = 0; i < WAKE_CACHE; i++)
		wake->slot[i] = (struct wake_slot){ 0, -1 };
}

void wake_fini(struct wake *wake)
{
	wake_forget(wake);
	pthread_mutex_destroy(&wake->lock);
}

static int wake_free_slot(const struct simxen *m)
{
	for (unsigned int i = 0; i < SHM_SINKS; i++)
		if (m->shm->sink[i].kind == SHM_UNUSED)
			return (int)i;
	return -1;
}

static int wake_fifo(const char *path, int flags, struct stat *st)
{
	int fd;

	unlink(path);
	if (mkfifo(path, 0600))
		return -1;
	fd = open(path, O_RDWR | flags);
	if (fd < 0)
		return -1;
	if (flock(fd, LOCK_EX | LOCK_NB) || fstat(fd, st)) {
		close(fd);
		return -1;
	}
	return fd;
}

uint64_t wake_open(struct simxen *m, uint32_t kind, int flags, int *fd)
{
	int slot = wake_free_slot(m);
	struct shm_sink *sink;
	char path[MACHINE_PATH];
	struct stat st;
	uint64_t id;

	if (slot < 0) {
		errno = ENOSPC;
		return 0;
	}
	sink = &m->shm->sink[slot];
	id = wake_id((uint32_t)slot, sink->generation + 1);
	machine_path(m, path, "fifo", id);
	*fd = wake_fifo(path, flags, &st);
	if (*fd < 0)
		return 0;
	sink->generation++;
	sink->dev = st.st_dev;
	sink->ino = st.st_ino;
	sink->kind = kind;
	return id;
}

uint64_t wake_find(struct simxen *m, uint32_t kind, int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return 0;
	for (uint32_t i = 0; i < SHM_SINKS; i++) {
		const struct shm_sink *s = &m->shm->sink[i];

		if (s->kind == kind && s->dev == st.st_dev &&
		    s->ino == st.st_ino)
			return wake_id(i, s->generation);
	}
	errno = EBADF;
	return 0;
}

bool wake_dead(struct simxen *m, uint64_t sink)
{
	char path[MACHINE_PATH];
	bool dead;
	int fd;

	if (!wake_valid(m, sink))
		return true;
	machine_path(m, path, "fifo", sink);
	fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT;
	dead = !flock(fd, LOCK_EX | LOCK_NB);
	close(fd);
	return dead;
}

void wake_free(struct simxen *m, uint64_t sink)
{
	char path[MACHINE_PATH];

	if (!wake_valid(m, sink))
		return;
	machine_path(m, path, "fifo", sink);
	unlink(path);
	m->shm->sink[wake_slot_of(sink)].kind = SHM_UNUSED;
}

/* A number that no select() loop and no careless program trips over. */
static int wake_move(int fd)
{
	struct rlimit lim;
	int low = 512, up;

	if (!getrlimit(RLIMIT_NOFILE, &lim) && lim.rlim_cur < 1024)
		low = (int)(lim.rlim_cur / 2);
	up = fcntl(fd, F_DUPFD_CLOEXEC, low);
	if (up < 0)
		return fd;
	close(fd);
	return up;
}

/*
 * With wake->lock held. A program at its limit of descriptors must still be
 * able to send: on Xen that takes none. It gives up those kept here.
 */
static int wake_open_writer(struct wake *wake, const char *path)
{
	const int flags = O_RDWR | O_NONBLOCK | O_CLOEXEC;
	int fd = open(path, flags);

	if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
		wake_forget(wake);
		fd = open(path, flags);
	}
	return fd < 0 ? fd : wake_move(fd);
}

/* With wake->lock held: a descriptor to write to sink, or -1. */
static int wake_fd(struct simxen *m, uint64_t sink)
{
	struct wake_slot *slot =
		&m->wake.slot[wake_slot_of(sink) % WAKE_CACHE];
	char path[MACHINE_PATH];

	if (slot->sink == sink)
		return slot->fd;
	if (slot->fd >= 0)
		close(slot->fd);
	slot->fd = -1;
	machine_path(m, path, "fifo", sink);
	slot->fd = wake_open_writer(&m->wake, path);
	slot->sink = slot->fd >= 0 || errno == ENOENT ? sink : 0;
	return slot->fd;
}

void wake_write(struct simxen *m, uint64_t sink, uint32_t entry)
{
	int fd, saved = errno;
	ssize_t n;

	if (!sink)
		return;
	pthread_mutex_lock(&m->wake.lock);
	fd = wake_fd(m, sink);
	if (fd >= 0) {
		do
			n = write(fd, &entry, sizeof(entry));
		while (n < 0 && errno == EINTR);
	}
	pthread_mutex_unlock(&m->wake.lock);
	errno = saved;
}
