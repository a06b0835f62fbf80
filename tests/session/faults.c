/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The failing disk; see faults.h. */
#include "tests/session/faults.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

ssize_t __real_pwrite(int fd, const void *bytes, size_t len, off_t at);
int __real_fsync(int fd);
int __real_fdatasync(int fd);
int __real_rename(const char *from, const char *to);
int __real_ftruncate(int fd, off_t len);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t len, off_t at);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_rename(const char *from, const char *to);
int __wrap_ftruncate(int fd, off_t len);

static enum fault armed;
static unsigned int in;
static bool dead;
static uint64_t calls, seed_now = 1;

/* Bytes of a file that the power cannot take: by inode. */
static struct {
	ino_t inode;
	off_t len;
} synced[64];

/*
 * Names that the power can take back, for their directory has not been
 * synchronised since the rename: to PATH.old, or to nothing.
 */
static struct name {
	char path[128];
	ino_t dir;
	bool was;
} names[4];

enum { NAMES = sizeof(names) / sizeof(names[0]) };

void test_seed(uint64_t seed)
{
	seed_now = seed * 0x9e3779b97f4a7c15u + 1;
}

uint32_t test_random(uint32_t n)
{
	seed_now ^= seed_now << 13;
	seed_now ^= seed_now >> 7;
	seed_now ^= seed_now << 17;
	return n ? (uint32_t)(seed_now >> 20) % n : 0;
}

void faults_arm(enum fault fault, unsigned int n)
{
	armed = fault;
	in = n;
}

void faults_disarm(void)
{
	armed = FAULT_NONE;
}

bool faults_dead(void)
{
	return dead;
}

void faults_revive(void)
{
	dead = false;
	armed = FAULT_NONE;
}

uint64_t faults_calls(void)
{
	return calls;
}

/* What is to happen to this call. */
static enum fault now(void)
{
	enum fault fault = armed;

	calls++;
	if (fault == FAULT_NONE || in--)
		return FAULT_NONE;
	armed = FAULT_NONE;
	dead = fault == FAULT_DEATH;
	return fault;
}

static int fail(int error)
{
	errno = error;
	return -1;
}

static off_t *synced_of(ino_t inode)
{
	static size_t next;
	size_t n = sizeof(synced) / sizeof(synced[0]);

	for (size_t i = 0; i < n; i++)
		if (synced[i].inode == inode)
			return &synced[i].len;
	/* The oldest is of a file that was replaced long ago. */
	next = (next + 1) % n;
	synced[next].inode = inode;
	synced[next].len = 0;
	return &synced[next].len;
}

/* Also where a new file has the inode of one that is gone. */
static ssize_t write_unsynced(int fd, const void *bytes, size_t len, off_t at)
{
	struct stat st;

	if (!fstat(fd, &st) && *synced_of(st.st_ino) > at)
		*synced_of(st.st_ino) = at;
	return __real_pwrite(fd, bytes, len, at);
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t len, off_t at)
{
	enum fault fault = dead ? FAULT_NONE : now();
	size_t part = len ? test_random((uint32_t)len) : 0;

	if (fault == FAULT_NONE)
		return dead ? fail(EIO) : write_unsynced(fd, bytes, len, at);
	if (fault == FAULT_SHORT)
		part += !part;
	if (part && write_unsynced(fd, bytes, part, at) < 0)
		return -1;
	if (fault == FAULT_SHORT)
		return (ssize_t)part;
	return fail(fault == FAULT_FULL ? ENOSPC : EIO);
}

static void old_name(const char *path, char old[PATH_MAX])
{
	snprintf(old, PATH_MAX, "%s.old", path);
}

static struct name *name_of(const char *path)
{
	for (size_t i = 0; i < NAMES; i++)
		if (!strcmp(names[i].path, path))
			return &names[i];
	return NULL;
}

static ino_t dir_of(const char *path)
{
	char dir[PATH_MAX];
	struct stat st;

	snprintf(dir, sizeof(dir), "%.*s", (int)(strrchr(path, '/') - path),
		 path);
	return stat(dir, &st) ? 0 : st.st_ino;
}

static int rename_unsynced(const char *from, const char *to)
{
	struct name *name = name_of(to);
	char old[PATH_MAX];

	/* What was there at the last sync is what can come back. */
	if (!name) {
		name = name_of("");
		if (!name)
			return fail(ENFILE);
		snprintf(name->path, sizeof(name->path), "%s", to);
		old_name(to, old);
		name->dir = dir_of(to);
		name->was = !link(to, old);
	}
	return __real_rename(from, to);
}

static void name_lasts(struct name *name)
{
	char old[PATH_MAX];

	old_name(name->path, old);
	if (name->was)
		unlink(old);
	name->path[0] = 0;
}

static void names_last(ino_t dir)
{
	for (size_t i = 0; i < NAMES; i++)
		if (names[i].path[0] && names[i].dir == dir)
			name_lasts(&names[i]);
}

static void name_comes_back(struct name *name)
{
	char old[PATH_MAX];

	old_name(name->path, old);
	if (name->was ? __real_rename(old, name->path) : unlink(name->path))
		perror(name->path);
	name->path[0] = 0;
}

static int sync_call(int fd, int (*real)(int))
{
	enum fault fault = dead ? FAULT_NONE : now();
	struct stat st;

	if (dead || (fault != FAULT_NONE && fault != FAULT_SHORT))
		return fail(fault == FAULT_FULL ? ENOSPC : EIO);
	if (fstat(fd, &st))
		return -1;
	if (S_ISREG(st.st_mode))
		*synced_of(st.st_ino) = st.st_size;
	else
		names_last(st.st_ino);
	/* The disk is not what is tested; the order of things is. */
	return real ? 0 : -1;
}

int __wrap_fsync(int fd)
{
	return sync_call(fd, __real_fsync);
}

int __wrap_fdatasync(int fd)
{
	return sync_call(fd, __real_fdatasync);
}

int __wrap_rename(const char *from, const char *to)
{
	enum fault fault = dead ? FAULT_NONE : now();

	if (dead && fault == FAULT_NONE)
		return fail(EIO);
	if (fault == FAULT_NONE || fault == FAULT_SHORT ||
	    (fault == FAULT_DEATH && test_random(2)))
		return rename_unsynced(from, to);
	return fail(fault == FAULT_FULL ? ENOSPC : EIO);
}

int __wrap_ftruncate(int fd, off_t len)
{
	enum fault fault = dead ? FAULT_NONE : now();

	if (dead || (fault != FAULT_NONE && fault != FAULT_SHORT))
		return fail(EIO);
	return __real_ftruncate(fd, len);
}

void faults_power(const char *path)
{
	struct name *name = name_of(path);
	struct stat st;
	off_t safe, end;
	int fd;

	if (name && test_random(2))
		name_comes_back(name);
	else if (name)
		name_lasts(name);
	fd = open(path, O_RDWR);
	if (fd < 0)
		return;
	if (!fstat(fd, &st)) {
		safe = *synced_of(st.st_ino);
		if (safe > st.st_size)
			safe = st.st_size;
		end = st.st_size;
		if (test_random(2))
			end = safe + test_random((uint32_t)(end - safe + 1));
		if (__real_ftruncate(fd, end))
			perror(path);
		for (off_t at = safe; at < end; at++)
			if (!test_random(8) &&
			    __real_pwrite(fd, "?", 1, at) != 1)
				perror(path);
	}
	close(fd);
}

void faults_remove(const char *path)
{
	struct name *name = name_of(path);

	if (name)
		name_lasts(name);
	unlink(path);
}
