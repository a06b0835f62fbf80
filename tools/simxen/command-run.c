// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * simxen run, daemon and wait: programs on the machine. A program is told of
 * the machine by its environment and replaces this process, so that whoever
 * started simxen has the program's own pid, signals and exit status.
 */
#include <errno.h>
#include <getopt.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "tools/simxen/command.h"

/*
 * Where simxen.so may be, seen from this program: the build tree, libtool's
 * own folder in it, an installation under any prefix or DESTDIR, the place
 * given to configure.
 */
static const char *const run_places[] = {
	".libs/simxen.so", "simxen.so", "../lib/proxenos/simxen.so", NULL,
};

static bool run_find(char out[PATH_MAX])
{
	char exe[PATH_MAX] = "", path[2 * PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	char *slash = n > 0 ? strrchr(exe, '/') : NULL;
	const char *env = getenv("SIMXEN_PRELOAD");

	if (env)
		return realpath(env, out);
	if (slash)
		*slash = 0;
	for (size_t i = 0; slash && run_places[i]; i++) {
		snprintf(path, sizeof(path), "%s/%s", exe, run_places[i]);
		if (realpath(path, out))
			return true;
	}
	return realpath(SIMXEN_PKGLIBDIR "/simxen.so", out);
}

/* What the dynamic linker refuses in LD_PRELOAD, it would refuse silently. */
static int run_preload(const char *so)
{
	const char *old = getenv("LD_PRELOAD");
	char *list;
	int err;

	if (strpbrk(so, " :")) {
		fprintf(stderr, "simxen: %s: no blank or colon may be in "
			"the path of a preloaded library\n", so);
		return 1;
	}
	if (asprintf(&list, "%s%s%s", so, old ? ":" : "", old ? old : "") < 0)
		return command_fail(ENOMEM, "LD_PRELOAD");
	err = setenv("LD_PRELOAD", list, 1);
	free(list);
	return err ? command_fail(errno, "LD_PRELOAD") : 0;
}

static int run_setenv(const char *name, const char *dir, const char *rest,
		      int overwrite)
{
	char value[PATH_MAX + 32];

	snprintf(value, sizeof(value), "%s%s", dir, rest);
	return setenv(name, value, overwrite);
}

/*
 * A program with the sanitizer's shared runtime wants that library first in
 * line and quits otherwise. The preloaded one is fit to come before it.
 */
static int run_sanitizer(void)
{
	const char *old = getenv("ASAN_OPTIONS");
	char *value;
	int err;

	if (old && strstr(old, "verify_asan_link_order"))
		return 0;
	if (asprintf(&value, "%s%sverify_asan_link_order=0", old ? old : "",
		     old && *old ? ":" : "") < 0)
		return -1;
	err = setenv("ASAN_OPTIONS", value, 1);
	free(value);
	return err;
}

static int run_environment(void)
{
	struct simxen *m = command_machine();
	char so[PATH_MAX];
	int err;

	if (!m)
		return 1;
	err = run_setenv("SIMXEN_DIR", simxen_dir(m), "", 1) ||
	      run_setenv("XENSTORED_RUNDIR", simxen_dir(m), "/run", 0) ||
	      run_setenv("XENSTORED_PATH", simxen_dir(m), "/run/socket", 0) ||
	      run_sanitizer();
	simxen_close(m);
	if (err)
		return command_fail(errno, "environment");
	if (!run_find(so)) {
		fputs("simxen: cannot find simxen.so; SIMXEN_PRELOAD may "
		      "name it\n", stderr);
		return 1;
	}
	return run_preload(so);
}

static int run_exec(char **argv)
{
	int status = run_environment();

	if (status)
		return status;
	execvp(argv[0], argv);
	return command_fail(errno, "%s", argv[0]);
}

int command_run(int argc, char **argv)
{
	int first = argc > 1 && !strcmp(argv[1], "--") ? 2 : 1;

	if (first >= argc)
		return command_misuse("run what?");
	return run_exec(argv + first);
}

/*
 * What it takes to have each daemon in the foreground. What they write goes
 * to the machine's directory: the stock C daemon is told by
 * XENSTORED_RUNDIR, oxenstored has its paths compiled in and is redirected by
 * the preloaded library, with Debian's configuration unchanged.
 */
static const struct {
	const char *name;
	const char *pattern;
	const char *env;	/* names another program for it */
	const char *args[4];
} run_peers[] = {
	{ "stock", "/usr/lib/xen-*/bin/xenstored", "SIMXEN_STOCK",
	  { "-N" } },
	{ "ocaml", "/usr/lib/xen-*/bin/oxenstored", "SIMXEN_OCAML",
	  { "--no-fork" } },
};

/* The newest that is installed. */
static char *run_newest(const char *pattern)
{
	char *path = NULL;
	glob_t g;

	if (!glob(pattern, 0, NULL, &g)) {
		path = strdup(g.gl_pathv[g.gl_pathc - 1]);
		globfree(&g);
	}
	return path;
}

int command_become(const char *peer, char **more)
{
	static const char *const own[] = { "-N", NULL };
	const char *const *args = own;
	const char *program = peer;
	char *argv[64] = { NULL };
	size_t n = 1;

	for (size_t i = 0; i < sizeof(run_peers) / sizeof(run_peers[0]); i++) {
		if (strcmp(peer, run_peers[i].name))
			continue;
		program = getenv(run_peers[i].env);
		if (!program)
			program = run_newest(run_peers[i].pattern);
		if (!program)
			return command_fail(ENOENT, "%s",
					    run_peers[i].pattern);
		args = run_peers[i].args;
	}
	argv[0] = strdup(program);
	while (*args && n < 62)
		argv[n++] = strdup(*args++);
	while (*more && n < 62)
		argv[n++] = *more++;
	if (*more)
		return command_misuse("too many arguments");
	return run_exec(argv);
}

int command_daemon(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "peer", required_argument, NULL, 'p' }, { 0 },
	};
	const char *peer = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "+", opts, NULL)) >= 0) {
		if (c != 'p')
			return command_misuse("bad option");
		peer = optarg;
	}
	if (!peer)
		return command_misuse("--peer stock, ocaml or a program?");
	return command_become(peer, argv + optind);
}

static bool wait_connects(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok;

	if (fd < 0 || strlen(path) >= sizeof(un.sun_path))
		return false;
	memcpy(un.sun_path, path, strlen(path));
	ok = !connect(fd, (const struct sockaddr *)&un, sizeof(un));
	close(fd);
	return ok;
}

static int wait_socket(const char *path, unsigned long seconds)
{
	const struct timespec step = { .tv_nsec = 2000000 };
	struct timespec now;
	time_t end;

	clock_gettime(CLOCK_MONOTONIC, &now);
	end = now.tv_sec + (time_t)seconds;
	while (!wait_connects(path)) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec >= end)
			return command_fail(ETIMEDOUT, "%s", path);
		nanosleep(&step, NULL);
	}
	return 0;
}

int command_wait(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "timeout", required_argument, NULL, 't' }, { 0 },
	};
	char path[PATH_MAX + 32];
	unsigned long seconds = 10;
	struct simxen *m;
	int c;

	while ((c = getopt_long(argc, argv, "", opts, NULL)) >= 0)
		if (c != 't' || !command_number(optarg, 3600, &seconds))
			return command_misuse("bad option or value");
	m = command_machine();
	if (!m)
		return 1;
	snprintf(path, sizeof(path), "%s/run/socket", simxen_dir(m));
	simxen_close(m);
	return wait_socket(path, seconds);
}
