/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All subcommands, one line each, in the order in which help shows them.
 * COMMAND(name) stands for `const struct command name_command`, which is
 * defined at the end of the subcommand's own file (tools/xs-probe/name.c).
 * No guard: it is included once for each meaning of COMMAND.
 */
COMMAND(status)
COMMAND(doctor)
COMMAND(ls)
COMMAND(tree)
COMMAND(diff)
COMMAND(watch)
COMMAND(domains)
COMMAND(check)
COMMAND(ring)
COMMAND(top)
COMMAND(channel)
COMMAND(trace)
COMMAND(metrics)
COMMAND(quota)
COMMAND(conflicts)
COMMAND(who)
COMMAND(update)
COMMAND(replay)
COMMAND(bench)
