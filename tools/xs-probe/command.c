/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line: options for all, those of each subcommand, and running
 * it.  What subcommands there are is in command_list.h; how they are
 * explained, in help.c.
 */
#include "config.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/cursor.h"
#include "tools/xs-probe/command.h"

#define COMMAND(name) extern const struct command name##_command;
#include "tools/xs-probe/command_list.h"
#undef COMMAND

#define COMMAND(name) &name##_command,
const struct command *const command_table[] = {
#include "tools/xs-probe/command_list.h"
	NULL
};
#undef COMMAND

/* Above all letters, so that no subcommand's option is taken for them. */
enum { OPT_TIMEOUT = 256, OPT_JSON, OPT_VERSION, OPT_COMMANDS };

static const struct option shared[] = {
	{ "socket", required_argument, NULL, 's' },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "commands", no_argument, NULL, OPT_COMMANDS },
};
#define SHARED (sizeof(shared) / sizeof(shared[0]))
#define OPTIONS_MAX 32

struct grammar {
	char letters[2 * OPTIONS_MAX + 8];
	struct option option[SHARED + OPTIONS_MAX + 1];
};

const struct command *command_find(const char *name)
{
	for (size_t i = 0; command_table[i]; i++)
		if (!strcmp(command_table[i]->name, name))
			return command_table[i];
	return NULL;
}

/* What getopt_long wants to know, from the shared options and the command's. */
static void grammar_make(struct grammar *g, const struct command *command)
{
	const struct probe_option *own = command ? command->options : NULL;
	size_t n = SHARED, l;

	memset(g, 0, sizeof(*g));
	memcpy(g->option, shared, sizeof(shared));
	/* Before the command, its own options are not ours to skip over. */
	l = (size_t)snprintf(g->letters, sizeof(g->letters), "%ss:h",
			     command ? "" : "+");
	for (; own && own->key && n < SHARED + OPTIONS_MAX; own++) {
		if (own->name)
			g->option[n++] = (struct option){ own->name,
				own->value ? required_argument : no_argument,
				NULL, own->key };
		if (own->key < ' ')
			continue;
		g->letters[l++] = (char)own->key;
		if (own->value)
			g->letters[l++] = ':';
	}
}

static int set_timeout(struct probe *probe, const char *text)
{
	uint64_t ms;

	if (!span_number((struct span){ text, strlen(text) }, 86400000, &ms))
		return probe_usage("not a number of milliseconds: %s", text);
	probe->timeout = ms * 1000;
	return -1;
}

/* An option of the command's own, -1 or PROBE_USAGE. */
static int set_own(struct probe *probe, const struct command *command, int c)
{
	const struct probe_option *o = command->options;

	while (o->key != c)
		o++;
	probe->flag[c] = true;
	probe->value[c] = optarg;
	if (!o->max || span_number((struct span){ optarg, strlen(optarg) },
				   o->max, &probe->number[c]))
		return -1;
	return probe_usage("--%s %s: not a number, or over %" PRIu64,
			   o->name, optarg, o->max);
}

static int take(struct probe *probe, const struct command *command, int c)
{
	switch (c) {
	case 's':
		probe->socket = optarg;
		return -1;
	case OPT_TIMEOUT:
		return set_timeout(probe, optarg);
	case OPT_JSON:
		probe->json = true;
		return -1;
	case 'h':
		help_print(command);
		return PROBE_FINE;
	case OPT_VERSION:
		printf("xs-probe %s\n", PACKAGE_VERSION);
		return PROBE_FINE;
	case OPT_COMMANDS:
		help_list();
		return PROBE_FINE;
	case '?':
		fprintf(stderr, "Try `xs-probe %s%s--help'.\n",
			command ? command->name : "", command ? " " : "");
		return PROBE_USAGE;
	default:
		return set_own(probe, command, c);
	}
}

/* Options up to `command`, or those after it.  -1: go on; else exit so. */
static int parse(struct probe *probe, const struct command *command,
		 int argc, char **argv)
{
	struct grammar g;
	int c, ret = -1;

	grammar_make(&g, command);
	optind = 0;
	while (ret < 0 && (c = getopt_long(argc, argv, g.letters, g.option,
					   NULL)) >= 0)
		ret = take(probe, command, c);
	return ret;
}

/* The same for a command whose options are another program's. */
static int pass(const struct command *command, int argc, char **argv)
{
	optind = 1;
	if (argc != 2 || strcmp(argv[1], "--help"))
		return -1;
	help_print(command);
	return PROBE_FINE;
}

static int run(struct probe *probe, const struct command *command,
	       int argc, char **argv)
{
	int ret = command->passes ? pass(command, argc, argv) :
		  parse(probe, command, argc, argv);

	if (ret >= 0)
		return ret;
	argc -= optind;
	argv += optind;
	if (argc < command->args_min ||
	    (command->args_max >= 0 && argc > command->args_max)) {
		help_usage(stderr, command);
		return PROBE_USAGE;
	}
	ret = command->look ? command->look(probe, argc, argv) : PROBE_FINE;
	if (!ret && !command->offline)
		ret = probe_connect(probe);
	if (!ret)
		ret = command->run(probe, argc, argv);
	probe_free(probe);
	/* A full disk or a closed pipe must not look like success. */
	if (fflush(stdout) || ferror(stdout))
		ret = ret ? ret : PROBE_WRONG;
	return ret;
}

/* "help ring" is "ring --help", as people try it. */
static int run_help(int argc, char **argv)
{
	const struct command *command = NULL;

	if (argc > 1)
		command = command_find(argv[1]);
	if (argc > 2 || (argc > 1 && !command))
		return probe_usage("no command \"%s\"", argv[argc - 1]);
	help_print(command);
	return PROBE_FINE;
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
		help_print(NULL);
		return PROBE_USAGE;
	}
	argc -= optind;
	argv += optind;
	command = command_find(argv[0]);
	if (!command && !strcmp(argv[0], "help"))
		return run_help(argc, argv);
	if (!command)
		return probe_usage("no command \"%s\"", argv[0]);
	argv[0] = program;
	return run(&probe, command, argc, argv);
}
