// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Making and removing a machine's directory:
 *
 *	machine		the table
 *	page/ fifo/	one file per domain instance, one FIFO per sink
 *	run/ log/	what daemons call /var/run/xenstored and /var/log/xen
 *	lib/ run-xen/	/var/lib/xenstored, /var/run/xen
 *	root/		files standing in for /proc/xen/... and /dev/xen/...
 *
 * The table is renamed into place last, so that a machine that can be opened
 * is a whole one, and removed first.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tools/simxen/domain.h"

static const char *const setup_dirs[] = {
	"page", "fifo", "run", "log", "lib", "run-xen", "root", "root/proc",
	"root/proc/xen", "root/dev", "root/dev/xen",
};

/* Port and capabilities as the kernel prints them: no newline after a port. */
static const struct {
	const char *name;
	const char *text;
} setup_files[] = {
	{ "root/proc/xen/xsd_port", "1" },
	{ "root/proc/xen/capabilities", "control_d\n" },
	{ "root/proc/xen/privcmd", "" },
	{ "root/dev/xen/evtchn", "" },
	{ "root/dev/xen/gntdev", "" },
	{ "root/dev/xen/privcmd", "" },
	{ "root/dev/xen/hypercall", "" },
};

_Static_assert(DOMAIN_FIRST_PORT == 1, "xsd_port's text says otherwise");

static int setup_path(char *buf, const char *dir, const char *name)
{
	int n = snprintf(buf, MACHINE_PATH, "%s/%s", dir, name);

	return n < 0 || n >= MACHINE_PATH ? -ENAMETOOLONG : 0;
}

static int setup_file(const char *dir, const char *name, const char *text)
{
	char path[MACHINE_PATH];
	size_t len = strlen(text);
	int fd, err = setup_path(path, dir, name);

	if (err)
		return err;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	if (write(fd, text, len) != (ssize_t)len)
		err = errno ? -errno : -EIO;
	close(fd);
	return err;
}

static int setup_lock(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attr;
	int err;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	err = -pthread_mutex_init(lock, &attr);
	pthread_mutexattr_destroy(&attr);
	return err;
}

static int setup_table(const char *path)
{
	struct shm_machine *shm;
	int err = 0, fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC,
			       0600);

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, sizeof(*shm)))
		err = -errno;
	shm = err ? MAP_FAILED : mmap(NULL, sizeof(*shm),
				      PROT_READ | PROT_WRITE, MAP_SHARED, fd,
				      0);
	if (!err && shm == MAP_FAILED)
		err = -errno;
	close(fd);
	if (err)
		return err;
	err = setup_lock(&shm->lock);
	shm->magic = SHM_MAGIC;
	shm->version = SHM_VERSION;
	shm->size = sizeof(*shm);
	munmap(shm, sizeof(*shm));
	return err;
}

/* dom0, and its page under the name by which daemons know it. */
static int setup_dom0(const char *dir)
{
	char page[MACHINE_PATH], kva[MACHINE_PATH];
	struct simxen *m;
	int err = simxen_open(dir, &m);

	if (err)
		return err;
	err = simxen_domain_add(m, 0, (const uint8_t[16]){ 0 });
	if (!err) {
		machine_path(m, page, "page", m->shm->domain[0].instance);
		err = setup_path(kva, dir, "root/proc/xen/xsd_kva");
	}
	if (!err && link(page, kva))
		err = -errno;
	simxen_close(m);
	return err;
}

static int setup_tree(const char *dir)
{
	char path[MACHINE_PATH];
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(setup_dirs) /
				       sizeof(setup_dirs[0]); i++) {
		err = setup_path(path, dir, setup_dirs[i]);
		if (!err && mkdir(path, 0755) && errno != EEXIST)
			err = -errno;
	}
	for (size_t i = 0; !err && i < sizeof(setup_files) /
				       sizeof(setup_files[0]); i++)
		err = setup_file(dir, setup_files[i].name,
				 setup_files[i].text);
	return err;
}

int simxen_create(const char *given)
{
	char table[MACHINE_PATH], fresh[MACHINE_PATH];
	struct sockaddr_un un;
	char *dir;
	int err;

	if (mkdir(given, 0755) && errno != EEXIST)
		return -errno;
	dir = realpath(given, NULL);
	if (!dir)
		return -errno;
	err = strlen(dir) + sizeof("/run/socket_ro") > sizeof(un.sun_path) ?
		-ENAMETOOLONG : 0;
	if (!err)
		err = setup_path(table, dir, "machine");
	if (!err)
		err = setup_path(fresh, dir, "machine.new");
	if (!err && !access(table, F_OK))
		err = -EEXIST;
	if (!err)
		err = setup_tree(dir);
	if (!err)
		err = setup_table(fresh);
	if (!err && rename(fresh, table))
		err = -errno;
	if (!err)
		err = setup_dom0(dir);
	free(dir);
	return err;
}

static int setup_remove(const char *path, const struct stat *st, int type,
			struct FTW *ftw)
{
	return remove(path) && errno != ENOENT ? errno : 0;
}

int simxen_destroy(const char *given)
{
	char table[MACHINE_PATH];
	struct simxen *m;
	char *dir;
	int err = simxen_open(given, &m);

	if (err && err != -EPROTO)
		return err;
	if (!err)
		simxen_close(m);
	dir = realpath(given, NULL);
	if (!dir)
		return -errno;
	err = setup_path(table, dir, "machine");
	if (!err && unlink(table))
		err = -errno;
	if (!err)
		err = -nftw(dir, setup_remove, 16,
			    FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	free(dir);
	return err;
}
