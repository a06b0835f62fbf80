/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of subcommands, and how it explains itself. */
#ifndef XS_PROBE_COMMAND_H
#define XS_PROBE_COMMAND_H

#include <stdio.h>

#include "tools/xs-probe/probe.h"

/* In the order of command_list.h, ended by NULL. */
extern const struct command *const command_table[];

/* A command's help, or with NULL that of the program, on stdout. */
void help_print(const struct command *command);
/* The usage line alone. */
void help_usage(FILE *out, const struct command *command);
/*
 * A line for each command: its name, all options it takes, those with a
 * value followed by "=" and what to call it, and behind " : " the arguments.
 * Completion reads it, so that it cannot grow stale.
 */
void help_list(void);

#endif
