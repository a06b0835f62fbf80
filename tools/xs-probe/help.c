/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Help, all of it out of the table; see command.h. */
#include "tools/xs-probe/command.h"

#include <ctype.h>
#include <string.h>

#define COLUMN 22	/* where the explanation of an option begins */

static const char intro[] =
"Usage: xs-probe [OPTION]... COMMAND [ARGUMENT]...\n"
"Look into a running xenstore daemon.  Nothing is changed, but by commands\n"
"and options that say so.\n";

static const struct probe_option options_of_all[] = {
	{ 's', "socket", "PATH",
	  "the daemon's socket, or a device like /dev/xen/xenbus;\n"
	  "else $XENSTORED_PATH, $XENSTORED_RUNDIR/socket,\n"
	  "/var/run/xenstored/socket" },
	{ 1, "timeout", "MS", "wait so long for each answer (default 5000)" },
	{ 1, "json", NULL, "print JSON" },
	{ 'h', "help", NULL, "this, or a command's own help after its name" },
	{ 1, "version", NULL, "print the version" },
	{ 1, "commands", NULL, "print all commands with their options, for "
	  "completion" },
	{ 0 }
};

static const char outro[] =
"Colours appear on a terminal only, and not if NO_COLOR is set.\n"
"Exit status: 0 fine, 1 something is wrong with what was probed, 2 usage,\n"
"3 no daemon reached, or none that can tell.\n";

/* What came before took `used` columns; every later line is indented. */
static void print_lines(const char *text, int used)
{
	if (used > COLUMN - 2) {
		putchar('\n');
		used = 0;
	}
	while (*text) {
		size_t len = strcspn(text, "\n");

		printf("%*s%.*s\n", COLUMN - used, "", (int)len, text);
		text += len + (text[len] == '\n');
		used = 0;
	}
}

static void print_option(const struct probe_option *o)
{
	const char *value = o->value ? o->value : "";
	const char *gap = o->value ? " " : "";
	int used;

	if (o->key < ' ')
		used = printf("      --%s%s%s", o->name, gap, value);
	else if (!o->name)
		used = printf("  -%c%s%s", o->key, gap, value);
	else
		used = printf("  -%c, --%s%s%s", o->key, o->name, gap, value);
	print_lines(o->help, used);
}

static void print_options(const struct probe_option *o)
{
	for (; o && o->key; o++)
		print_option(o);
}

static void section(const char *title, const char *text)
{
	if (text)
		printf("\n%s:\n\n%s", title, text);
}

void help_usage(FILE *out, const struct command *command)
{
	fprintf(out, "Usage: xs-probe %s%s%s%s\n", command->name,
		command->passes ? "" : " [OPTION]...",
		*command->arguments ? " " : "", command->arguments);
}

static void print_command(const struct command *command)
{
	help_usage(stdout, command);
	printf("%c%s.\n\n%s", toupper((unsigned char)command->summary[0]),
	       command->summary + 1, command->about);
	if (command->options) {
		printf("\nOptions:\n\n");
		print_options(command->options);
	}
	section("Examples", command->examples);
	section("With other daemons than proxenos", command->others);
	section("JSON", command->json);
	if (command->passes)
		return;
	printf("\nOptions of all commands:\n\n");
	print_options(options_of_all);
}

void help_print(const struct command *command)
{
	if (command) {
		print_command(command);
		return;
	}
	printf("%s\nCommands:\n\n", intro);
	for (size_t i = 0; command_table[i]; i++)
		printf("  %-9s %s\n", command_table[i]->name,
		       command_table[i]->summary);
	printf("\nTry `xs-probe COMMAND --help' for more and for examples.\n"
	       "\nOptions:\n\n");
	print_options(options_of_all);
	printf("\n%s", outro);
}

static void list_options(const struct probe_option *o)
{
	for (; o && o->key; o++) {
		const char *gap = o->value ? "=" : "";
		const char *value = o->value ? o->value : "";

		if (o->key >= ' ')
			printf(" -%c%s%s", o->key, gap, value);
		if (o->name)
			printf(" --%s%s%s", o->name, gap, value);
	}
}

void help_list(void)
{
	for (size_t i = 0; command_table[i]; i++) {
		printf("%s", command_table[i]->name);
		list_options(command_table[i]->options);
		if (!command_table[i]->passes)
			list_options(options_of_all);
		printf(" : %s\n", command_table[i]->arguments);
	}
}
