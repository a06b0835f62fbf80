/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the subcommands share. A subcommand gets its own words in argv, its
 * name first, and returns the exit status: 0 done, 1 failed, 2 misused.
 */
#ifndef SIMXEN_COMMAND_H
#define SIMXEN_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/simxen/guest.h"

int command_create(int argc, char **argv);
int command_destroy(int argc, char **argv);
int command_domain(int argc, char **argv);
int command_fault(int argc, char **argv);
int command_page(int argc, char **argv);
int command_run(int argc, char **argv);
int command_daemon(int argc, char **argv);
int command_wait(int argc, char **argv);
int command_supervise(int argc, char **argv);

/*
 * Become the daemon peer (stock, ocaml or a program), with more arguments up
 * to a NULL. Returns only when that failed: the exit status.
 */
int command_become(const char *peer, char **more);

/* The machine named with -C or by $SIMXEN_DIR; NULL: said why, exit 1. */
struct simxen *command_machine(void);

/* Complain about a failed call (err as -errno or errno); returns 1. */
int command_fail(int err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Complain about the command line; returns 2. */
int command_misuse(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));

/* A whole decimal or 0x number within 0..max. */
bool command_number(const char *text, unsigned long max, unsigned long *out);

/* A domid; complains and returns -1. */
int command_domid(const char *text);

#endif
