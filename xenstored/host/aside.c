// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whatever fails here costs a post-mortem and nothing else, so that errors
 * are told and never stop a start.
 */
#include "xenstored/host/aside.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "protocol/cursor.h"
#include "xenstored/host/journal.h"

#define PREFIX "failed."
#define PREFIX_LEN (sizeof(PREFIX) - 1)
/* Names tried when that of this second is taken. */
#define TRIES 100u

static bool path_make(char *out, size_t size, const char *dir,
		      const char *name)
{
	int n = snprintf(out, size, "%s/%s", dir, name);

	return n > 0 && (size_t)n < size;
}

static bool aside_number(const char *name, uint64_t *number)
{
	struct span digits = { name + PREFIX_LEN, 0 };

	if (strncmp(name, PREFIX, PREFIX_LEN))
		return false;
	digits.len = strlen(digits.at);
	return span_number(digits, UINT64_MAX, number);
}

/* How many there are, and the number of the oldest. */
static unsigned int aside_count(const char *rundir, uint64_t *oldest)
{
	DIR *d = opendir(rundir);
	struct dirent *entry;
	unsigned int count = 0;
	uint64_t number;

	*oldest = UINT64_MAX;
	while (d && (entry = readdir(d))) {
		if (!aside_number(entry->d_name, &number))
			continue;
		count++;
		if (number < *oldest)
			*oldest = number;
	}
	if (d)
		closedir(d);
	return count;
}

/* It holds files only. */
static int aside_remove(const char *dir)
{
	char name[ASIDE_NAME_MAX + 300];
	struct dirent *entry;
	DIR *d = opendir(dir);

	while (d && (entry = readdir(d)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") &&
		    path_make(name, sizeof(name), dir, entry->d_name))
			unlink(name);
	if (d)
		closedir(d);
	return rmdir(dir) ? -errno : 0;
}

bool aside_yield(const char *rundir)
{
	char name[ASIDE_NAME_MAX];
	uint64_t oldest;

	if (!aside_count(rundir, &oldest))
		return false;
	snprintf(name, sizeof(name), "%.4096s/" PREFIX "%llu", rundir,
		 (unsigned long long)oldest);
	return !aside_remove(name);
}

static int aside_new(const char *rundir, char name[ASIDE_NAME_MAX])
{
	unsigned long long now = (unsigned long long)time(NULL);
	uint64_t oldest;

	while (aside_count(rundir, &oldest) >= ASIDE_KEPT)
		if (!aside_yield(rundir))
			break;
	for (unsigned int i = 0; i < TRIES; i++) {
		snprintf(name, ASIDE_NAME_MAX, "%.4096s/" PREFIX "%llu",
			 rundir, now + i);
		if (!mkdir(name, 0700))
			return 0;
		if (errno != EEXIST)
			break;
	}
	return -errno;
}

int aside_move(const char *rundir, char name[ASIDE_NAME_MAX])
{
	char from[ASIDE_NAME_MAX], to[ASIDE_NAME_MAX + 16];
	int error = aside_new(rundir, name);

	snprintf(from, sizeof(from), "%.4096s/store.tdb", rundir);
	snprintf(to, sizeof(to), "%s/store.tdb", name);
	if (error || (rename(from, to) && errno != ENOENT))
		unlink(from);
	journal_clear(rundir, error ? NULL : name, 0, UINT64_MAX);
	return error;
}

/* ---------------------------------------------------------------- copy -- */

static int copy_bytes(int from, int to)
{
	struct stat st;
	off_t left;
	ssize_t n;

	if (fstat(from, &st))
		return -errno;
	for (left = st.st_size; left > 0; left -= n) {
		n = sendfile(to, from, NULL, (size_t)left);
		if (n <= 0)
			return n ? -errno : -EIO;
	}
	return 0;
}

static int copy_file(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC), out, error;

	if (in < 0)
		return -errno;
	out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	error = out < 0 ? -errno : copy_bytes(in, out);
	if (out >= 0)
		close(out);
	close(in);
	return error;
}

static int copy_named(const char *rundir, const char *dir, const char *file)
{
	char from[ASIDE_NAME_MAX], to[ASIDE_NAME_MAX + 64];

	if (!path_make(from, sizeof(from), rundir, file) ||
	    !path_make(to, sizeof(to), dir, file))
		return -ENAMETOOLONG;
	return copy_file(from, to);
}

int aside_copy(const char *rundir, uint64_t first, char name[ASIDE_NAME_MAX])
{
	int error = aside_new(rundir, name);
	char file[40];

	if (error)
		return error;
	error = copy_named(rundir, name, "store.tdb");
	for (; !error; first++) {
		snprintf(file, sizeof(file), "journal.%llu",
			 (unsigned long long)first);
		error = copy_named(rundir, name, file);
	}
	/* The first segment that is not there is the end. */
	if (error == -ENOENT)
		return 0;
	aside_remove(name);
	return error;
}
