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

static int replay_run(struct probe *probe, int argc, char **argv)
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

static const struct probe_option options[] = {
	{ 'u', "until", "N", "stop after record N" },
	{ 'S', "store", NULL, "the whole store as it is at the end" },
	{ 0 }
};

const struct command replay_command = {
	.name = "replay",
	.arguments = "DIR|FILE",
	.summary = "a dead daemon's journal, explained",
	.options = options,
	.args_min = 1,
	.args_max = 1,
	.run = replay_run,
	.offline = true,
	.about =
"Executes the journal in DIR again, from its checkpoint on, without a daemon,\n"
"and prints what each record did: number, time, connection, kind, requests with\n"
"replies, events, what was asked of the host.  DIR is a run directory\n"
"(/run/xenstored) or a failed.<time> in one; FILE one segment (journal.<n>),\n"
"beside its checkpoint.  Nothing there is changed.\n"
"\n"
"A \"!\" marks the record under execution when the daemon died.  It is tried in\n"
"a process of its own first; if that dies too, you have found why.  Exit status\n"
"1 if so, if files are damaged, or if the state at the end is inconsistent.\n",
	.others =
"Not to be told: the stock daemons leave nothing behind.\n",
	.examples =
"  xs-probe replay /run/xenstored/failed.1760000000\n"
"  xs-probe replay --until 4711 --store /run/xenstored\n",
	.json =
"  records    an array, one for each record:\n"
"    n, segment       its number, and of which journal.<n> it is\n"
"    type, conn       its kind, and whose: \"d5\" is a ring, \"s3\" a socket\n"
"    time_us, bytes   of records that have a time or a length\n"
"    req_cons, rsp_prod, errno, flags, domain   of those that have them\n"
"    requests         an array: conn, op, tx, req, path; rest of the payload;\n"
"                     reply or error\n"
"    events, merged   arrays: conn, path, token of each\n"
"    asks             an array: what was asked of the host (ask), for whom (of)\n"
"    control, log     what the daemon was told and what it said\n"
"    under_execution  what came of the record that it died with\n"
"  store      with --store: an array: path, value, permissions of each node\n"
"  summary    records, first_segment, end_segment, requests, events, nodes,\n"
"             domains, sockets, transactions; journal_broken; receiving and\n"
"             sending: whose socket was in use; deaths_before;\n"
"             under_execution; findings: an array of texts\n",
};
