/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xs-probe replay: hands over to the program that holds the daemon's machine
 * (proxenos-replay), which this one, built on the library alone, does not.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/xs-probe/probe.h"

int replay_run(struct probe *probe, int argc, char **argv)
{
	const char *program = getenv("XS_PROBE_REPLAY");
	const char *until = probe->value['u'];
	char *args[8];
	int n = 0;

	if (!program || !*program)
		program = PROBE_LIBEXEC "/proxenos-replay";
	args[n++] = (char *)(uintptr_t)"xs-probe";
	if (probe->json)
		args[n++] = (char *)(uintptr_t)"--json";
	if (probe->flag['S'])
		args[n++] = (char *)(uintptr_t)"--store";
	if (until) {
		args[n++] = (char *)(uintptr_t)"--until";
		args[n++] = (char *)(uintptr_t)until;
	}
	args[n++] = (char *)(uintptr_t)"--";
	args[n++] = argv[0];
	args[n] = NULL;
	execv(program, args);
	fprintf(stderr, "xs-probe: cannot run %s: %s\n", program,
		strerror(errno));
	return PROBE_UNREACHED;
}
