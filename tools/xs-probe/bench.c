/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xs-probe bench: hands over to xs-bench, with the arguments as they are.
 * They are installed side by side; a packager may have moved the other one
 * to libexec, or anywhere in the path.
 */
#include "tools/xs-probe/probe.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM "xs-bench"

/* The program of that name in our own directory; false: not to be told. */
static bool beside(char *path, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", path, size - 1);
	char *slash;

	if (n < 0)
		return false;
	path[n] = '\0';
	slash = strrchr(path, '/');
	if (!slash || (size_t)(slash - path) + sizeof("/" PROGRAM) > size)
		return false;
	memcpy(slash, "/" PROGRAM, sizeof("/" PROGRAM));
	return true;
}

/* Returns only if none of the places has it; the program meant is named. */
static const char *hand_over(char **args)
{
	const char *given = getenv("XS_PROBE_BENCH");
	char path[PATH_MAX];

	if (given && *given) {
		execv(given, args);
		return given;
	}
	if (beside(path, sizeof(path)))
		execv(path, args);
	execv(PROBE_LIBEXEC "/" PROGRAM, args);
	execvp(PROGRAM, args);
	return PROGRAM;
}

static int bench_run(struct probe *probe, int argc, char **argv)
{
	static char program[] = PROGRAM, json[] = "--json";
	char **args = calloc((size_t)argc + 3, sizeof(*args));
	const char *tried;
	int n = 0;

	if (!args)
		return PROBE_WRONG;
	args[n++] = program;
	if (probe->json)
		args[n++] = json;
	/* "--" is how its own --help is asked for. */
	for (int i = argc && !strcmp(argv[0], "--"); i < argc; i++)
		args[n++] = argv[i];
	tried = hand_over(args);
	fprintf(stderr, "xs-probe: cannot run %s: %s\n", tried,
		strerror(errno));
	free(args);
	return PROBE_UNREACHED;
}

const struct command bench_command = {
	.name = "bench",
	.arguments = "[ARGUMENT]...",
	.summary = "how fast is it: hands over to xs-bench",
	.args_max = -1,
	.run = bench_run,
	.offline = true,
	.passes = true,
	.about =
"All arguments go to xs-bench, which measures the installed daemon beside the\n"
"stock ones and an echo server, on machines made of processes: the daemon that\n"
"runs here, and its guests, are not touched.  It is the program beside this\n"
"one, in libexec or in the path; $XS_PROBE_BENCH names another.  Its own help\n"
"is that of `xs-probe bench -- --help'.\n",
	.others =
"They are measured too, as far as they are installed.\n",
	.examples =
"  xs-probe bench --list\n"
"  xs-probe bench --quick --only socket --only ring\n"
"  xs-probe bench --json > figures.json\n",
	.json =
"  An array, a figure each:\n"
"  row, what, name, unit   what was measured\n"
"  more_is_better          or less\n"
"  sides                   for each daemon (ours, stock, ocaml, echo): median,\n"
"                          tail\n"
"  ratio, against          ours to the one that counts\n"
"  goal, met               the ratio wanted, and whether it is reached\n",
};
