// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The copy is executed from memory: /run is often mounted so that nothing in
 * it can be.
 */
#include "xenstored/host/settle.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xenstored/host/checkpoint.h"
#include "xenstored/host/host.h"
#include "xenstored/host/journal.h"
#include "xenstored/host/log.h"
#include "xenstored/host/recovery.h"
#include "xenstored/host/update_child.h"

#define PREFIX "daemon."
#define PATH_ROOM (OPTIONS_PATH_MAX + 64)
/* For a large store; a service manager's patience is longer. */
#define SETTLE_SECONDS 60
/* An input may kill it twice before it is left out. */
#define SETTLE_RUNS 3

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010u
#endif

static void binary_path(const struct host *h, uint32_t machine,
			char out[PATH_ROOM])
{
	snprintf(out, PATH_ROOM, "%s/" PREFIX "%u", h->options->rundir,
		 machine);
}

static int copy_all(int from, int to, off_t left)
{
	ssize_t n;

	for (; left > 0; left -= n) {
		n = sendfile(to, from, NULL, (size_t)left);
		if (n <= 0)
			return n ? -errno : -EIO;
	}
	return 0;
}

/* ------------------------------------------------------------- keeping -- */

/*
 * How much of the binary is needed to run it: what is behind the last segment
 * that is loaded is there for debuggers, and often longer than all else.
 */
static off_t keep_size(int self, const struct stat *st)
{
	ElfW(Ehdr) head;
	ElfW(Phdr) segment;
	off_t end = 0;

	if (pread(self, &head, sizeof(head), 0) != sizeof(head) ||
	    head.e_phentsize != sizeof(segment))
		return st->st_size;
	for (unsigned int i = 0; i < head.e_phnum; i++) {
		off_t at = (off_t)(head.e_phoff + i * sizeof(segment));

		if (pread(self, &segment, sizeof(segment), at) !=
		    sizeof(segment))
			return st->st_size;
		if ((off_t)(segment.p_offset + segment.p_filesz) > end)
			end = (off_t)(segment.p_offset + segment.p_filesz);
	}
	return end && end < st->st_size ? end : st->st_size;
}

/* The same size and time of change: it is this one that was kept. */
static bool kept_already(const char *path, const struct stat *self, off_t size)
{
	struct stat st;

	return !stat(path, &st) && st.st_size == size &&
	       st.st_mtim.tv_sec == self->st_mtim.tv_sec &&
	       st.st_mtim.tv_nsec == self->st_mtim.tv_nsec;
}

static int keep_copy(int self, const char *path, const struct stat *st,
		     off_t size)
{
	struct timespec times[2] = { st->st_mtim, st->st_mtim };
	char new[PATH_ROOM + 8];
	int fd, error;

	snprintf(new, sizeof(new), "%s.new", path);
	fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0500);
	if (fd < 0)
		return -errno;
	error = copy_all(self, fd, size);
	if (!error && futimens(fd, times))
		error = -errno;
	close(fd);
	if (!error && rename(new, path))
		error = -errno;
	if (error)
		unlink(new);
	return error;
}

void settle_keep(struct host *h)
{
	int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), error = 0;
	char path[PATH_ROOM];
	off_t size = 0;
	struct stat st;

	binary_path(h, MACHINE_VERSION, path);
	if (self < 0 || fstat(self, &st))
		error = -errno;
	else
		size = keep_size(self, &st);
	if (!error && !kept_already(path, &st, size))
		error = keep_copy(self, path, &st, size);
	if (self >= 0)
		close(self);
	if (error)
		log_say(LOG_KEEP, "this binary cannot be kept in %s (%s): "
			"should another version find its journal after a "
			"crash, the store would begin anew", path,
			strerror(-error));
}

void settle_forget(struct host *h)
{
	char own[64], path[PATH_ROOM + 256];
	struct dirent *entry;
	DIR *d = opendir(h->options->rundir);

	snprintf(own, sizeof(own), PREFIX "%u", MACHINE_VERSION);
	while (d && (entry = readdir(d))) {
		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) ||
		    !strcmp(entry->d_name, own))
			continue;
		snprintf(path, sizeof(path), "%s/%s", h->options->rundir,
			 entry->d_name);
		unlink(path);
	}
	if (d)
		closedir(d);
}

/* -------------------------------------------------- having it replayed -- */

/* A copy in memory; -errno. */
static int binary_open(const char *path)
{
	int from = open(path, O_RDONLY | O_CLOEXEC), to, error;
	struct stat st;

	if (from < 0)
		return -errno;
	to = memfd_create("xenstored", MFD_CLOEXEC | MFD_EXEC);
	/* Kernels before 6.3 do not know that flag, and do not need it. */
	if (to < 0 && errno == EINVAL)
		to = memfd_create("xenstored", MFD_CLOEXEC);
	error = to < 0 || fstat(from, &st) ? -errno :
		copy_all(from, to, st.st_size);
	close(from);
	if (!error)
		return to;
	if (to >= 0)
		close(to);
	return error;
}

static int settle_child(void *arg)
{
	static char *argv[] = { (char *)(uintptr_t)"xenstored",
				(char *)(uintptr_t)"--settle", NULL };

	fexecve(*(int *)arg, argv, environ);
	fprintf(stderr, "%s\n", strerror(errno));
	return 127;
}

/* What it said, as lines of ours. */
static void settle_tell(char *text)
{
	char *at, *next;

	for (at = text; *at; at = next) {
		next = at + strcspn(at, "\n");
		if (*next)
			*next++ = '\0';
		log_say(LOG_SETTLE, "--settle: %s", at);
	}
}

static int settle_try(int fd)
{
	struct child_result result = { 0 };

	for (int n = 0; n < SETTLE_RUNS; n++) {
		child_try(settle_child, &fd, SETTLE_SECONDS, &result);
		settle_tell(result.text);
		if (child_ok(&result))
			return 0;
		if (!result.error && WIFSIGNALED(result.status))
			log_say(LOG_SETTLE, "--settle: ended by signal %d",
				WTERMSIG(result.status));
		if (result.error || !WIFSIGNALED(result.status))
			break;
	}
	return result.error ? result.error : -ECHILD;
}

int settle_run(struct host *h, struct recovery *r)
{
	char path[PATH_ROOM];
	int fd, error;

	binary_path(h, r->machine, path);
	fd = binary_open(path);
	error = fd < 0 ? fd : settle_try(fd);
	if (fd >= 0)
		close(fd);
	if (!error) {
		log_say(LOG_SETTLE, "the journal of version %u was replayed by "
			"its own binary", r->machine);
		return 0;
	}
	recovery_why(r, "it is of version %u, and %s cannot replay it (%s)",
		     r->machine, path, error == -ECHILD ? "see the lines "
		     "before" : strerror(-error));
	return -ESTALE;
}

void settle_aside(const struct host *h, uint32_t machine, const char *dir)
{
	char from[PATH_ROOM], to[PATH_ROOM + 256];

	binary_path(h, machine, from);
	snprintf(to, sizeof(to), "%.4200s/" PREFIX "%u", dir, machine);
	/* Without it the state is kept all the same. */
	(void)rename(from, to);
}

/* ------------------------------------------------------------ --settle -- */

/*
 * There is no image of a machine that waits: who asked for something that
 * the dead process had not answered is refused, and may ask again.
 */
static void settle_asks(struct host *h)
{
	struct machine_ask ask;

	while (machine_ask_peek(h->machine, &ask)) {
		struct machine_input in = {
			.type = MACHINE_IN_DONE, .ask = ask.id,
			.error = EBUSY,
		};

		machine_ask_pop(h->machine);
		if (ask.type == MACHINE_ASK_DOMAIN ||
		    ask.type == MACHINE_ASK_MAP ||
		    ask.type == MACHINE_ASK_CONTROL)
			machine_step(h->machine, &in);
	}
}

int settle_state(struct host *h)
{
	int error;

	h->now = host_clock();
	error = recovery_load(h);
	if (error)
		return error;
	settle_asks(h);
	h->journal = journal_new(h, h->options->rundir, h->recovery->segment,
				 &h->recovery->doubt, &error);
	if (!h->journal)
		return -ENOMEM;
	return error ? error : checkpoint_now(h);
}
