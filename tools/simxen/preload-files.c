// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The calls of libc that take a path: the path is looked up in the table of
 * preload-paths.c, and the next definition does the work. Descriptors are
 * real ones of real files, so read, mmap and poll need no help.
 *
 * The next definition is looked up at the call, for the reason in preload.h;
 * in a sanitizer build it is the sanitizer's, or libc's when the sanitizer
 * came first.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tools/simxen/preload-paths.h"

/* Set once, perhaps by two threads to the same value. */
#define NEXT(name) ({						\
	static __typeof__(&name) next_;				\
	__typeof__(&name) n_ =					\
		__atomic_load_n(&next_, __ATOMIC_RELAXED);	\
	if (!n_) {						\
		n_ = (__typeof__(&name))dlsym(RTLD_NEXT, #name);	\
		__atomic_store_n(&next_, n_, __ATOMIC_RELAXED);	\
	}							\
	n_; })

#define PATH_CALL(type, name, decl, ...)			\
	type name decl						\
	{							\
		char buf[PATH_MAX];				\
								\
		path = preload_path(path, buf);			\
		return NEXT(name)(__VA_ARGS__);			\
	}

PATH_CALL(FILE *, fopen, (const char *path, const char *mode), path, mode)
PATH_CALL(FILE *, fopen64, (const char *path, const char *mode), path, mode)
PATH_CALL(int, access, (const char *path, int mode), path, mode)
PATH_CALL(int, faccessat, (int dir, const char *path, int mode, int flags),
	  dir, path, mode, flags)
PATH_CALL(int, stat, (const char *path, struct stat *st), path, st)
PATH_CALL(int, stat64, (const char *path, struct stat64 *st), path, st)
PATH_CALL(int, lstat, (const char *path, struct stat *st), path, st)
PATH_CALL(int, lstat64, (const char *path, struct stat64 *st), path, st)
PATH_CALL(int, fstatat, (int dir, const char *path, struct stat *st, int f),
	  dir, path, st, f)
PATH_CALL(int, fstatat64,
	  (int dir, const char *path, struct stat64 *st, int f),
	  dir, path, st, f)
PATH_CALL(int, statx,
	  (int dir, const char *path, int f, unsigned int mask,
	   struct statx *st), dir, path, f, mask, st)
PATH_CALL(int, unlink, (const char *path), path)
PATH_CALL(int, mkdir, (const char *path, mode_t mode), path, mode)
PATH_CALL(int, chmod, (const char *path, mode_t mode), path, mode)
PATH_CALL(int, chown, (const char *path, uid_t uid, gid_t gid),
	  path, uid, gid)
PATH_CALL(DIR *, opendir, (const char *path), path)

/* What a fortified caller is compiled to. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
PATH_CALL(int, __open_2, (const char *path, int flags), path, flags)
PATH_CALL(int, __open64_2, (const char *path, int flags), path, flags)

/* What callers built against glibc before 2.33 use for stat and lstat. */
int __xstat(int ver, const char *path, struct stat *st);
int __xstat64(int ver, const char *path, struct stat64 *st);
int __lxstat(int ver, const char *path, struct stat *st);
int __lxstat64(int ver, const char *path, struct stat64 *st);
PATH_CALL(int, __xstat, (int ver, const char *path, struct stat *st),
	  ver, path, st)
PATH_CALL(int, __xstat64, (int ver, const char *path, struct stat64 *st),
	  ver, path, st)
PATH_CALL(int, __lxstat, (int ver, const char *path, struct stat *st),
	  ver, path, st)
PATH_CALL(int, __lxstat64, (int ver, const char *path, struct stat64 *st),
	  ver, path, st)

/* The mode is there only when the flags say so. */
#define OPEN_MODE(flags, mode)					\
	do {							\
		va_list ap_;					\
								\
		if (!((flags) & (O_CREAT | __O_TMPFILE)))	\
			break;					\
		va_start(ap_, flags);				\
		mode = va_arg(ap_, mode_t);			\
		va_end(ap_);					\
	} while (0)

#define OPEN_CALL(name)						\
	int name(const char *path, int flags, ...)		\
	{							\
		char buf[PATH_MAX];				\
		mode_t mode = 0;				\
								\
		OPEN_MODE(flags, mode);				\
		path = preload_path(path, buf);			\
		return NEXT(name)(path, flags, mode);		\
	}

#define OPENAT_CALL(name)					\
	int name(int dir, const char *path, int flags, ...)	\
	{							\
		char buf[PATH_MAX];				\
		mode_t mode = 0;				\
								\
		OPEN_MODE(flags, mode);				\
		path = preload_path(path, buf);			\
		return NEXT(name)(dir, path, flags, mode);	\
	}

OPEN_CALL(open)
OPEN_CALL(open64)
OPENAT_CALL(openat)
OPENAT_CALL(openat64)

int rename(const char *from, const char *to)
{
	char buf[PATH_MAX], buf2[PATH_MAX];

	from = preload_path(from, buf);
	return NEXT(rename)(from, preload_path(to, buf2));
}

/*
 * The address to use for a socket: addr, or *un with the stand-in. *len
 * follows. NULL with errno: the stand-in does not fit.
 */
static const struct sockaddr *files_address(const struct sockaddr *addr,
					    socklen_t *len,
					    struct sockaddr_un *un)
{
	const size_t head = offsetof(struct sockaddr_un, sun_path);
	char given[sizeof(un->sun_path) + 1] = "", buf[PATH_MAX];
	const char *path;

	if (!addr || *len <= head || *len > sizeof(*un) ||
	    addr->sa_family != AF_UNIX)
		return addr;
	memcpy(given, (const char *)addr + head, *len - head);
	path = preload_path(given, buf);
	if (path == given)
		return addr;
	if (strlen(path) >= sizeof(un->sun_path)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, strlen(path));
	*len = sizeof(*un);
	return (const struct sockaddr *)un;
}

#define ADDRESS_CALL(name)						\
	int name(int fd, const struct sockaddr *addr, socklen_t len)	\
	{								\
		struct sockaddr_un un;					\
									\
		addr = files_address(addr, &len, &un);			\
		return addr ? NEXT(name)(fd, addr, len) : -1;		\
	}

ADDRESS_CALL(bind)
ADDRESS_CALL(connect)

/*
 * oxenstored wants as many descriptors as the kernel may ever give and quits
 * when refused. It gets what this box has.
 */
static int files_limit(struct rlimit *lim)
{
	if (getrlimit(RLIMIT_NOFILE, lim))
		return -1;
	lim->rlim_cur = lim->rlim_max;
	return 0;
}

int setrlimit(__rlimit_resource_t what, const struct rlimit *lim)
{
	struct rlimit most;
	int err = NEXT(setrlimit)(what, lim);

	if (!err || errno != EPERM || what != RLIMIT_NOFILE ||
	    files_limit(&most))
		return err;
	return NEXT(setrlimit)(what, &most);
}

int setrlimit64(__rlimit_resource_t what, const struct rlimit64 *lim)
{
	struct rlimit most;
	int err = NEXT(setrlimit64)(what, lim);

	if (!err || errno != EPERM || what != RLIMIT_NOFILE ||
	    files_limit(&most))
		return err;
	return NEXT(setrlimit)(what, &most);
}
