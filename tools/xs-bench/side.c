// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Daemons are started through `simxen daemon`, which becomes the daemon, so
 * that the process started here is the one measured.
 */
#include "tools/xs-bench/side.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SIDE_START_NS 20000000000ull
#define SIDE_SETTLE_NS 60000000000ull

const char *const side_names[SIDE_COUNT] = {
	[SIDE_OURS] = "ours",
	[SIDE_BARE] = "no-journal",
	[SIDE_STOCK] = "stock",
	[SIDE_OCAML] = "ocaml",
	[SIDE_ECHO] = "echo",
};

struct side_programs side_programs = { .cpu = -1 };

uint64_t side_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

bool side_machine(struct side *s, enum side_id id)
{
	int err;

	s->id = id;
	snprintf(s->dir, sizeof(s->dir), "/dev/shm/xs-bench.XXXXXX");
	if (!mkdtemp(s->dir)) {
		perror(s->dir);
		return false;
	}
	err = simxen_create(s->dir);
	if (!err)
		err = simxen_open(s->dir, &s->machine);
	snprintf(s->socket, sizeof(s->socket), "%s/run/socket", s->dir);
	if (err)
		fprintf(stderr, "%s: %s\n", s->dir, strerror(-err));
	return !err;
}

static void side_child(const struct side *s, const char *log)
{
	const char *peer[SIDE_COUNT] = {
		side_programs.ours, side_programs.ours, "stock", "ocaml",
		side_programs.self,
	};
	const char *more[SIDE_COUNT] = {
		[SIDE_BARE] = "--no-journal", [SIDE_ECHO] = "--echo",
	};
	int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);

	setenv("SIMXEN_DIR", s->dir, 1);
	unsetenv("XENSTORED_RUNDIR");
	unsetenv("XENSTORED_PATH");
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	execl(side_programs.simxen, "simxen", "daemon", "--peer", peer[s->id],
	      "--", more[s->id], NULL);
	_exit(127);
}

bool side_exec(struct side *s)
{
	char log[96];

	snprintf(log, sizeof(log), "%s/output", s->dir);
	s->pid = fork();
	if (!s->pid)
		side_child(s, log);
	if (s->pid < 0)
		perror("fork");
	return s->pid > 0;
}

static bool side_answers(const struct side *s)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok;

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", s->socket);
	ok = fd >= 0 && !connect(fd, (const struct sockaddr *)&un,
				 sizeof(un));
	close(fd);
	return ok;
}

bool side_start(struct side *s, enum side_id id)
{
	const struct timespec step = { .tv_nsec = 2000000 };
	uint64_t end = side_now() + SIDE_START_NS;

	if (!side_machine(s, id) || !side_exec(s))
		return false;
	while (!side_answers(s)) {
		if (side_now() > end || waitpid(s->pid, NULL, WNOHANG)) {
			fprintf(stderr, "%s does not start\n", side_names[id]);
			return false;
		}
		nanosleep(&step, NULL);
	}
	s->up = true;
	return true;
}

void side_kill(struct side *s)
{
	if (s->pid > 0) {
		kill(s->pid, SIGKILL);
		waitpid(s->pid, NULL, 0);
	}
	s->pid = 0;
}

void side_stop(struct side *s)
{
	side_kill(s);
	s->up = false;
	if (s->machine) {
		simxen_close(s->machine);
		s->machine = NULL;
		simxen_destroy(s->dir);
	}
	/* Left over when the machine could not be made. */
	rmdir(s->dir);
}

/* Ticks of processor time that all its threads had. */
static unsigned long side_ticks(const struct side *s)
{
	char name[64], text[1024] = "", *at;
	FILE *f;
	unsigned long ticks;

	snprintf(name, sizeof(name), "/proc/%d/stat", (int)s->pid);
	f = fopen(name, "r");
	if (f && !fgets(text, sizeof(text), f))
		*text = '\0';
	if (f)
		fclose(f);
	/* Behind the name: state and ten numbers, then user and system. */
	at = strrchr(text, ')');
	for (unsigned int i = 0; at && i < 12; i++)
		at = strchr(at + 1, ' ');
	if (!at)
		return 0;
	ticks = strtoul(at, &at, 10);
	return ticks + strtoul(at, NULL, 10);
}

bool side_settle(const struct side *s)
{
	const struct timespec step = { .tv_nsec = 100000000 };
	uint64_t end = side_now() + SIDE_SETTLE_NS;
	unsigned long before = side_ticks(s), now;

	for (unsigned int still = 0; still < 3 && side_now() < end;) {
		nanosleep(&step, NULL);
		now = side_ticks(s);
		still = now == before ? still + 1 : 0;
		before = now;
	}
	return !kill(s->pid, 0);
}

double side_resident(const struct side *s, bool own)
{
	char name[64], text[128] = "";
	unsigned long all, shared;
	char *end = text;
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%d/statm", (int)s->pid);
	f = fopen(name, "r");
	if (f && fgets(text, sizeof(text), f))
		strtoul(text, &end, 10);
	if (f)
		fclose(f);
	all = strtoul(end, &end, 10);
	shared = strtoul(end, NULL, 10);
	return (double)(own ? all - shared : all) *
	       (double)sysconf(_SC_PAGESIZE);
}

void side_sample(struct side *s, unsigned int metric, double value)
{
	struct samples *m = &s->metric[metric];

	if (m->count == m->room) {
		size_t room = m->room ? 2 * m->room : 1024;
		double *more = realloc(m->value, room * sizeof(*more));

		if (!more)
			return;
		m->value = more;
		m->room = room;
	}
	m->value[m->count++] = value;
}

void side_forget(struct side *s)
{
	for (unsigned int i = 0; i < SIDE_METRICS; i++) {
		free(s->metric[i].value);
		s->metric[i] = (struct samples){ 0 };
	}
}
