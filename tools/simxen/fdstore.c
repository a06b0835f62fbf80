// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An array in the order of arrival, which is the order of handing over, and
 * an epoll that waits for nothing but a hang-up, which it always reports.
 * Files that cannot be polled (EPERM) cannot hang up either.
 */
#include "tools/simxen/fdstore.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FDSTORE_FIRST 3		/* SD_LISTEN_FDS_START */

int fdstore_init(struct fdstore *s, unsigned int max)
{
	*s = (struct fdstore){ .max = max, .epoll = -1 };
	s->entry = calloc(max + 1, sizeof(*s->entry));
	if (!s->entry)
		return -ENOMEM;
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	return s->epoll < 0 ? -errno : 0;
}

void fdstore_fini(struct fdstore *s)
{
	for (unsigned int i = 0; i < s->count; i++)
		close(s->entry[i].fd);
	s->count = 0;
	free(s->entry);
	if (s->epoll >= 0)
		close(s->epoll);
}

/* Printable, no colon (it separates names), not too long. */
static bool fdstore_name_valid(const char *name)
{
	size_t n = 0;

	for (; name[n]; n++)
		if (name[n] <= ' ' || name[n] >= 127 || name[n] == ':')
			return false;
	return n <= FDSTORE_NAME;
}

static bool fdstore_same(int a, int b)
{
	pid_t me = getpid();

	return !syscall(SYS_kcmp, me, me, KCMP_FILE, a, b);
}

static bool fdstore_has(const struct fdstore *s, int fd)
{
	for (unsigned int i = 0; i < s->count; i++)
		if (fdstore_same(s->entry[i].fd, fd))
			return true;
	return false;
}

static enum fdstore_result fdstore_refuse(const struct fdstore *s,
					  const char *name, int fd)
{
	if (!fdstore_name_valid(name))
		return FDSTORE_BAD_NAME;
	if (fdstore_has(s, fd))
		return FDSTORE_HAD;
	return s->count == s->max ? FDSTORE_FULL : FDSTORE_KEPT;
}

enum fdstore_result fdstore_add(struct fdstore *s, const char *name, int fd,
				bool watch)
{
	struct fdstore_entry *e = &s->entry[s->count];
	enum fdstore_result result;
	struct epoll_event ev = { 0 };

	if (!name || !*name)
		name = "stored";
	result = fdstore_refuse(s, name, fd);
	if (result != FDSTORE_KEPT) {
		close(fd);
		return result;
	}
	snprintf(e->name, sizeof(e->name), "%s", name);
	e->fd = fd;
	e->id = ++s->last_id;
	s->count++;
	ev.data.u32 = e->id;
	if (watch)
		epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &ev);
	return FDSTORE_KEPT;
}

static void fdstore_drop(struct fdstore *s, unsigned int i)
{
	/* The open file may live on elsewhere: leave the epoll by hand. */
	epoll_ctl(s->epoll, EPOLL_CTL_DEL, s->entry[i].fd, NULL);
	close(s->entry[i].fd);
	s->count--;
	memmove(&s->entry[i], &s->entry[i + 1],
		(s->count - i) * sizeof(s->entry[0]));
}

unsigned int fdstore_remove(struct fdstore *s, const char *name)
{
	unsigned int before = s->count;

	for (unsigned int i = s->count; i-- > 0;)
		if (!strcmp(s->entry[i].name, name))
			fdstore_drop(s, i);
	return before - s->count;
}

static void fdstore_drop_id(struct fdstore *s, unsigned int id)
{
	for (unsigned int i = 0; i < s->count; i++)
		if (s->entry[i].id == id) {
			fdstore_drop(s, i);
			return;
		}
}

unsigned int fdstore_prune(struct fdstore *s)
{
	unsigned int before = s->count;
	struct epoll_event ev[64];
	int n;

	while ((n = epoll_wait(s->epoll, ev, 64, 0)) > 0)
		for (int i = 0; i < n; i++)
			fdstore_drop_id(s, ev[i].data.u32);
	return before - s->count;
}

static int fdstore_environment(const struct fdstore *s)
{
	size_t size = s->count * (FDSTORE_NAME + 1u) + 1;
	char number[16], *names = calloc(1, size), *at = names;
	int err = names ? 0 : -1;

	for (unsigned int i = 0; !err && i < s->count; i++)
		at += snprintf(at, size - (size_t)(at - names), "%s%s",
			       i ? ":" : "", s->entry[i].name);
	err = err || setenv("LISTEN_FDNAMES", names, 1);
	free(names);
	snprintf(number, sizeof(number), "%u", s->count);
	err = err || setenv("LISTEN_FDS", number, 1);
	snprintf(number, sizeof(number), "%ld", (long)getpid());
	return err || setenv("LISTEN_PID", number, 1) ? -ENOMEM : 0;
}

/* Out of the way first: a source may lie where another's target is. */
int fdstore_hand_over(const struct fdstore *s)
{
	int above = FDSTORE_FIRST + (int)s->count;

	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	for (unsigned int i = 0; i < s->count; i++) {
		int fd = fcntl(s->entry[i].fd, F_DUPFD_CLOEXEC, above);

		if (fd < 0)
			return -errno;
		s->entry[i].fd = fd;
	}
	for (unsigned int i = 0; i < s->count; i++)
		if (dup2(s->entry[i].fd, FDSTORE_FIRST + (int)i) < 0)
			return -errno;
	return s->count ? fdstore_environment(s) : 0;
}
