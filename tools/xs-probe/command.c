/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line: options for all, the table of subcommands, help.  A new
 * subcommand is an entry here and a file of its own.
 */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/cursor.h"
#include "tools/xs-probe/probe.h"

const struct command command_table[] = {
	{ "status", "", "the daemon: version, uptime, counts", "", 0, 0,
	  status_run,
"Who answers, since when, and how much it holds.  \"lost\" events and\n"
"\"refused\" requests are those of guests over their quotas; see domains.\n"
"With another daemon than proxenos: what can be told from outside.\n"
"\n"
"  xs-probe status\n"
"  xs-probe status --json | jq .uptime_us\n" },
	{ "ls", "[PATH]", "a subtree with values and permissions", "pf", 0, 1,
	  ls_run,
"  -p   show permissions: the owner first, with everybody else's access\n"
"  -f   full paths instead of indentation\n"
"\n"
"Nodes that vanish while reading are left out; directories of any size are\n"
"read whole.  PATH is \"/\" if not given.  A node whose value may not be read\n"
"is shown with a colon.\n"
"\n"
"  xs-probe ls /local/domain/5\n"
"  xs-probe ls -p /local/domain/0/backend\n"
"  xs-probe ls -f / | grep state\n"
"  xs-probe ls --json /vm | jq '.[].path'\n" },
	{ "domains", "", "each domain: ring, quotas, errors", "", 0, 0,
	  domains_run,
"A row for each domain the daemon knows.  Yellow: at 90 % of a quota or\n"
"more, events waiting, or a reset asked.  Red: the ring is out of service.\n"
"REQ and RSP are the bytes in the ring now, of 1024 each way; CONN is \"ok\"\n"
"or \"reset\" while one is asked and not done.  N/M is use and quota.\n"
"Exit status 1 if a ring is out of service.\n"
"\n"
"  xs-probe domains\n"
"  xs-probe domains --json | jq '.domains[] | select(.refused > 0)'\n" },
	{ "check", "", "is the daemon's state consistent", "", 0, 0, check_run,
"Has the daemon compare its store, charges and indexes with each other.  It\n"
"changes nothing.  Exit status 1 if there are findings.\n"
"\n"
"  xs-probe check && echo fine\n" },
	{ "ring", "DOMID", "a domain's ring page, explained", "r", 1, 1,
	  ring_run,
"Every field of the page, and in words what is wrong with it.\n"
"Exit status 1 if something is wrong, or the domain has no ring.\n"
"\n"
"  -r, --reset   first close and reconnect the ring on the guest's behalf: its\n"
"                requests, replies, events, watches and transactions are gone.\n"
"                Refused where the ring is in use, or reconnection not offered\n"
"\n"
"  xs-probe ring 5\n"
"  xs-probe ring --reset 5\n" },
	{ "update", "[BINARY]", "live update of the daemon", "t:F", 0, 1,
	  update_run,
"Another binary goes on where the running one stands, in the same process, with\n"
"all rings, sockets, watches and, from proxenos to proxenos, open transactions.\n"
"BINARY is " PROBE_SBIN "/xenstored if not given.  It may be another\n"
"daemon than the running one: this is how to change over, and back.  If it\n"
"cannot go on, the one that runs does, and the reason is told.\n"
"\n"
"  -t, --wait SECONDS   for a moment without open transactions, where they\n"
"                       cannot be taken over (default 60)\n"
"  -F, --force          then do it all the same: open transactions are lost\n"
"\n"
"  xs-probe update\n"
"  xs-probe update --wait 10 --force /usr/lib/xen-4.17/bin/xenstored\n" },
	{ "replay", "DIR|FILE", "a dead daemon's journal, explained", "u:S", 1,
	  1, replay_run,
"Executes the journal in DIR again, from its checkpoint on, without a daemon,\n"
"and prints what each record did: number, time, connection, kind, requests with\n"
"replies, events, what was asked of the host.  DIR is a run directory\n"
"(/run/xenstored) or a failed.<time> in one; FILE one segment (journal.<n>),\n"
"beside its checkpoint.  Nothing there is changed.\n"
"\n"
"A \"!\" marks the record under execution when the daemon died.  It is tried in\n"
"a process of its own first; if that dies too, you have found why.  Exit status\n"
"1 if so, if files are damaged, or if the state at the end is inconsistent.\n"
"\n"
"  -u, --until N   stop after record N\n"
"  -S, --store     the whole store as it is at the end\n"
"\n"
"  xs-probe replay /run/xenstored/failed.1760000000\n"
"  xs-probe replay --until 4711 --store /run/xenstored\n", true },
	{ NULL, NULL, NULL, NULL, 0, 0, NULL, NULL },
};

static const char intro[] =
"Usage: xs-probe [OPTION]... COMMAND [ARGUMENT]...\n"
"Look into a running xenstore daemon; nothing is changed but by ring --reset\n"
"and update.\n"
"\n";

static const char options_help[] =
"  -s, --socket PATH   the daemon's socket, or a device like /dev/xen/xenbus;\n"
"                      else $XENSTORED_PATH, $XENSTORED_RUNDIR/socket,\n"
"                      /var/run/xenstored/socket\n"
"      --timeout MS    wait so long for each answer (default 5000)\n"
"      --json          print JSON\n"
"  -h, --help          this, or a command's own help after its name\n"
"      --version\n";

static const char outro[] =
"\nColours appear on a terminal only, and not if NO_COLOR is set.\n"
"Exit status: 0 fine, 1 something is wrong with what was probed, 2 usage,\n"
"3 no daemon reached, or none that can tell.\n";

const struct command *command_find(const char *name)
{
	for (const struct command *c = command_table; c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

static void help(const struct command *command)
{
	if (command) {
		printf("Usage: xs-probe %s [OPTION]...%s%s\n%c%s.\n\n%s\n"
		       "Options of all commands:\n\n%s", command->name,
		       *command->arguments ? " " : "", command->arguments,
		       command->summary[0] & ~0x20, command->summary + 1,
		       command->help, options_help);
		return;
	}
	printf("%sCommands:\n\n", intro);
	for (const struct command *c = command_table; c->name; c++)
		printf("  %-8s %-8s %s\n", c->name, c->arguments, c->summary);
	printf("\nTry `xs-probe COMMAND --help' for more and for examples.\n"
	       "\nOptions:\n\n%s%s", options_help, outro);
}

enum { OPT_TIMEOUT = 256, OPT_JSON, OPT_VERSION };

static const struct option long_options[] = {
	{ "socket", required_argument, NULL, 's' },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "reset", no_argument, NULL, 'r' },
	{ "wait", required_argument, NULL, 't' },
	{ "force", no_argument, NULL, 'F' },
	{ "until", required_argument, NULL, 'u' },
	{ "store", no_argument, NULL, 'S' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

/* A long option may be another command's. */
static bool takes(const struct command *command, int c)
{
	return c == 's' || c == 'h' || c == '?' || c > 127 ||
	       (command && strchr(command->letters, c));
}

/* Options up to `command`, or those after it.  -1: go on; else exit so. */
static int parse(struct probe *probe, const struct command *command,
		 int argc, char **argv)
{
	char letters[32];
	uint64_t ms;
	int c;

	/* Before the command, its own options are not ours to skip over. */
	snprintf(letters, sizeof(letters), "%ss:h%s", command ? "" : "+",
		 command ? command->letters : "");
	optind = 0;
	while ((c = getopt_long(argc, argv, letters, long_options,
				NULL)) >= 0) {
		struct span text = { optarg, optarg ? strlen(optarg) : 0 };

		if (!takes(command, c)) {
			fprintf(stderr, "xs-probe: %s has no such option: %s\n",
				command ? command->name : "what stands before "
				"the command", argv[optind - 1]);
			c = '?';
		}
		if (c == 's') {
			probe->socket = optarg;
		} else if (c == OPT_TIMEOUT) {
			if (!span_number(text, 86400000, &ms)) {
				fprintf(stderr, "xs-probe: not a number of "
					"milliseconds: %s\n", optarg);
				return PROBE_USAGE;
			}
			probe->timeout = ms * 1000;
		} else if (c == OPT_JSON) {
			probe->json = true;
		} else if (c == 'h') {
			help(command);
			return PROBE_FINE;
		} else if (c == OPT_VERSION) {
			printf("xs-probe %s\n", PACKAGE_VERSION);
			return PROBE_FINE;
		} else if (c == '?' || c > 127) {
			fprintf(stderr, "Try `xs-probe %s%s--help'.\n",
				command ? command->name : "",
				command ? " " : "");
			return PROBE_USAGE;
		} else {
			probe->flag[c] = true;
			probe->value[c] = optarg;
		}
	}
	return -1;
}

static int run(struct probe *probe, const struct command *command,
	       int argc, char **argv)
{
	int ret = parse(probe, command, argc, argv);

	if (ret >= 0)
		return ret;
	argc -= optind;
	argv += optind;
	if (argc < command->args_min || argc > command->args_max) {
		fprintf(stderr, "Usage: xs-probe %s [OPTION]...%s%s\n",
			command->name, *command->arguments ? " " : "",
			command->arguments);
		return PROBE_USAGE;
	}
	ret = command->offline ? PROBE_FINE : probe_connect(probe);
	if (!ret)
		ret = command->run(probe, argc, argv);
	probe_free(probe);
	/* A full disk or a closed pipe must not look like success. */
	if (fflush(stdout) || ferror(stdout))
		ret = ret ? ret : PROBE_WRONG;
	return ret;
}

int main(int argc, char **argv)
{
	static char program[] = "xs-probe";
	struct probe probe = { .timeout = 5000000 };
	const struct command *command;
	const char *no_colour = getenv("NO_COLOR");
	int ret;

	argv[0] = program;
	probe.colour = isatty(STDOUT_FILENO) && !(no_colour && *no_colour);
	ret = parse(&probe, NULL, argc, argv);
	if (ret >= 0)
		return ret;
	if (optind == argc) {
		help(NULL);
		return PROBE_USAGE;
	}
	command = command_find(argv[optind]);
	if (!command) {
		fprintf(stderr, "xs-probe: no command \"%s\"\n"
			"Try `xs-probe --help'.\n", argv[optind]);
		return PROBE_USAGE;
	}
	argc -= optind;
	argv += optind;
	argv[0] = program;
	return run(&probe, command, argc, argv);
}
