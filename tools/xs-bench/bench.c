// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xs-bench: how fast a xenstored is, against what it replaces and against
 * what the machine can do. All daemons of a row run at the same time, each on
 * a simxen machine of its own in /dev/shm, and are measured in turns; only
 * the ratios of one run mean something.
 */
#include <errno.h>
#include <getopt.h>
#include <glob.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "tools/xs-bench/echo.h"
#include "tools/xs-bench/report.h"

static const struct row *const tables[] = {
	rows_socket, rows_ring, rows_transaction, rows_flood, rows_watch,
	rows_domain, rows_store, rows_growth, rows_journal, rows_channel,
};

#define TABLES (sizeof(tables) / sizeof(tables[0]))
#define ONLY_MAX 64

static struct bench {
	struct side side[SIDE_COUNT];
	const char *only[ONLY_MAX];
	unsigned int onlys;
	unsigned int sides;	/* those that are there */
	bool json;
	int nice;
	json_t *rows;
} bench = { .sides = SIDE_ALL | SIDE_JOURNAL };

static volatile sig_atomic_t bench_ended;

static void bench_signal(int number)
{
	bench_ended = 1;
}

/* ---------------------------------------------------------------- rows -- */

static void bench_lose(struct side *s, const struct row *row,
		       const char *where)
{
	fprintf(stderr, "%s: %s: %s failed; left out\n", row->name,
		side_names[s->id], where);
	s->up = false;
}

static void bench_each(const struct row *row, bool (*run)(struct side *s),
		       const char *where)
{
	for (unsigned int i = 0; i < SIDE_COUNT && !bench_ended; i++) {
		struct side *s = &bench.side[i];

		if (s->up && !run(s))
			bench_lose(s, row, where);
	}
}

static void bench_phase(const struct row *row, unsigned int phase)
{
	unsigned int turns = row->phase[phase].turns;

	if (row_quick && turns > 2)
		turns = 2;
	if (row->phase[phase].prepare)
		bench_each(row, row->phase[phase].prepare, "preparation");
	for (unsigned int i = 0; i < turns && !bench_ended; i++)
		bench_each(row, row->phase[phase].measure, "measurement");
}

static void bench_start(const struct row *row)
{
	for (unsigned int i = 0; i < SIDE_COUNT; i++) {
		struct side *s = &bench.side[i];

		memset(s, 0, sizeof(*s));
		s->id = i;
		if (!(row->sides & bench.sides & SIDE_BIT(i)))
			continue;
		if (row->unstarted)
			s->up = true;
		else if (!side_start(s, i))
			bench_lose(s, row, "start");
	}
}

static void bench_end(const struct row *row)
{
	for (unsigned int i = 0; i < SIDE_COUNT; i++) {
		struct side *s = &bench.side[i];

		if (row->finish && s->priv)
			row->finish(s);
		s->priv = NULL;
		if (s->machine)
			side_stop(s);
	}
}

static void bench_row(const struct row *row)
{
	bench_start(row);
	for (unsigned int i = 0; i < ROW_PHASES; i++)
		if (row->phase[i].measure)
			bench_phase(row, i);
	bench_end(row);
	if (!bench_ended)
		report_row(bench.json ? stderr : stdout, row, bench.side,
			   bench.rows);
	for (unsigned int i = 0; i < SIDE_COUNT; i++)
		side_forget(&bench.side[i]);
}

static bool bench_wanted(const struct row *row)
{
	for (unsigned int i = 0; i < bench.onlys; i++)
		if (!strcmp(bench.only[i], row->name))
			return true;
	return !bench.onlys;
}

static bool bench_known(const char *name)
{
	for (unsigned int i = 0; i < TABLES; i++)
		for (const struct row *r = tables[i]; r->name; r++)
			if (!strcmp(r->name, name))
				return true;
	return false;
}

static void bench_list(void)
{
	for (unsigned int i = 0; i < TABLES; i++)
		for (const struct row *r = tables[i]; r->name; r++)
			printf("%-16s %s\n", r->name, r->what);
}

static void bench_rows(void)
{
	for (unsigned int i = 0; i < TABLES; i++)
		for (const struct row *r = tables[i]; r->name; r++)
			if (!bench_ended && bench_wanted(r))
				bench_row(r);
}

/* -------------------------------------------------------------- set-up -- */

/* In the build tree, where this program's own is two folders deep. */
static bool bench_beside(char *out, const char *rest)
{
	char path[2 * PATH_MAX];
	char *slash;

	snprintf(path, sizeof(path), "%s", side_programs.self);
	slash = strrchr(path, '/');
	if (!slash)
		return false;
	snprintf(slash, sizeof(path) - (size_t)(slash - path), "/%s", rest);
	return !access(path, X_OK) && realpath(path, out);
}

static bool bench_programs(void)
{
	struct side_programs *p = &side_programs;

	if (!realpath("/proc/self/exe", p->self))
		return false;
	if (!bench_beside(p->simxen, "../simxen/simxen") &&
	    !bench_beside(p->simxen, "simxen")) {
		fputs("xs-bench: no simxen beside it\n", stderr);
		return false;
	}
	if (!*p->ours && !bench_beside(p->ours, "../../xenstored/xenstored") &&
	    !bench_beside(p->ours, "../sbin/xenstored")) {
		fputs("xs-bench: no xenstored beside it; --ours names it\n",
		      stderr);
		return false;
	}
	return true;
}

/* Peers that are not installed are left out, and so shown as "-". */
static void bench_peers(void)
{
	static const struct {
		enum side_id id;
		const char *env, *pattern;
	} peer[] = {
		{ SIDE_STOCK, "SIMXEN_STOCK", "/usr/lib/xen-*/bin/xenstored" },
		{ SIDE_OCAML, "SIMXEN_OCAML",
		  "/usr/lib/xen-*/bin/oxenstored" },
	};
	glob_t g;

	for (unsigned int i = 0; i < 2; i++) {
		if (getenv(peer[i].env))
			continue;
		if (glob(peer[i].pattern, 0, NULL, &g)) {
			fprintf(stderr, "xs-bench: no %s here: left out\n",
				side_names[peer[i].id]);
			bench.sides &= ~SIDE_BIT(peer[i].id);
			continue;
		}
		globfree(&g);
	}
}

static bool bench_place(void)
{
	struct sigaction end = { .sa_handler = bench_signal };
	struct rlimit files;
	cpu_set_t set;

	sigaction(SIGINT, &end, NULL);
	sigaction(SIGTERM, &end, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* 1,024 rings of each of five sides want some thousands. */
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	if (bench.nice && setpriority(PRIO_PROCESS, 0, bench.nice)) {
		perror("xs-bench: --nice");
		return false;
	}
	if (side_programs.cpu < 0)
		return true;
	CPU_ZERO(&set);
	CPU_SET((size_t)side_programs.cpu, &set);
	if (!sched_setaffinity(0, sizeof(set), &set))
		return true;
	perror("xs-bench: --cpu");
	return false;
}

static void bench_header(FILE *out)
{
	struct utsname u;
	char date[64];
	time_t now = time(NULL);

	uname(&u);
	strftime(date, sizeof(date), "%Y-%m-%d %H:%M", localtime(&now));
	fprintf(out, "xs-bench, %s, %s %s, %ld processors, on processor %d\n",
		date, u.sysname, u.release, sysconf(_SC_NPROCESSORS_ONLN),
		side_programs.cpu);
}

static void bench_help(void)
{
	puts("Usage: xs-bench [OPTION]...\n"
	     "Measure xenstore daemons on simxen, in turns.\n\n"
	     "  --list          name the rows\n"
	     "  --only ROW      this row; may be given again\n"
	     "  --quick         a tenth of everything: to see that it works\n"
	     "  --json          the figures as JSON; the tables on stderr\n"
	     "  --ours PROGRAM  the daemon to measure\n"
	     "  --without SIDE  leave out stock, ocaml, echo, ...\n"
	     "  --cpu N         where daemon and client run (0); -1: anywhere\n"
	     "  --nice N        for daemon and client, where others are busy");
}

static int bench_misuse(const char *what, const char *name)
{
	fprintf(stderr, "xs-bench: %s %s (try --help)\n", what, name);
	return 2;
}

static bool bench_number(const char *text, int *out)
{
	char *end;
	long v;

	errno = 0;
	v = strtol(text, &end, 10);
	*out = (int)v;
	return *text && !*end && !errno && v >= -1024 && v <= 1024;
}

static bool bench_without(const char *name)
{
	for (unsigned int i = 0; i < SIDE_COUNT; i++)
		if (!strcmp(name, side_names[i])) {
			bench.sides &= ~SIDE_BIT(i);
			return true;
		}
	return false;
}

enum { OPT_LIST = 1, OPT_ONLY, OPT_QUICK, OPT_JSON, OPT_OURS, OPT_WITHOUT,
       OPT_CPU, OPT_NICE, OPT_HELP };

/* -1: go on; else the exit status. */
static int bench_option(int c)
{
	switch (c) {
	case OPT_LIST:
		bench_list();
		return 0;
	case OPT_HELP:
		bench_help();
		return 0;
	case OPT_ONLY:
		if (!bench_known(optarg) || bench.onlys == ONLY_MAX)
			return bench_misuse("no row", optarg);
		bench.only[bench.onlys++] = optarg;
		return -1;
	case OPT_QUICK:
		row_quick = true;
		return -1;
	case OPT_JSON:
		bench.json = true;
		return -1;
	case OPT_OURS:
		if (realpath(optarg, side_programs.ours))
			return -1;
		return bench_misuse("no program", optarg);
	case OPT_WITHOUT:
		return bench_without(optarg) ? -1 :
			bench_misuse("no side", optarg);
	case OPT_CPU:
		return bench_number(optarg, &side_programs.cpu) ? -1 :
			bench_misuse("bad number", optarg);
	case OPT_NICE:
		return bench_number(optarg, &bench.nice) ? -1 :
			bench_misuse("bad number", optarg);
	}
	return bench_misuse("bad option", "");
}

static int bench_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "list", no_argument, NULL, OPT_LIST },
		{ "only", required_argument, NULL, OPT_ONLY },
		{ "quick", no_argument, NULL, OPT_QUICK },
		{ "json", no_argument, NULL, OPT_JSON },
		{ "ours", required_argument, NULL, OPT_OURS },
		{ "without", required_argument, NULL, OPT_WITHOUT },
		{ "cpu", required_argument, NULL, OPT_CPU },
		{ "nice", required_argument, NULL, OPT_NICE },
		{ "help", no_argument, NULL, OPT_HELP },
		{ 0 },
	};
	int c, status = -1;

	side_programs.cpu = 0;
	while (status < 0 &&
	       (c = getopt_long(argc, argv, "", options, NULL)) >= 0)
		status = bench_option(c);
	return status;
}

static bool bench_is_echo(int argc, char **argv)
{
	return argc > 1 && !strcmp(argv[argc - 1], "--echo");
}

int main(int argc, char **argv)
{
	int status;

	if (bench_is_echo(argc, argv))
		return echo_main();
	status = bench_options(argc, argv);
	if (status >= 0)
		return status;
	if (!bench_programs() || !bench_place())
		return 1;
	bench_peers();
	bench.rows = bench.json ? json_array() : NULL;
	bench_header(bench.json ? stderr : stdout);
	bench_rows();
	if (bench.rows)
		json_dumpf(bench.rows, stdout, JSON_INDENT(1));
	json_decref(bench.rows);
	return bench_ended ? 1 : 0;
}
