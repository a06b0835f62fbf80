/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line: the options of the daemon that Xen ships, with the same
 * argument forms (scripts and unit files in the field use them), from one
 * table in options.c.  The environment gives XENSTORED_RUNDIR and
 * XENSTORED_PATH.
 *
 * Parsing is strict: what is not understood as a whole is refused, since a
 * quota that silently became 0 is worse than a daemon that does not start.
 */
#ifndef HOST_OPTIONS_H
#define HOST_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "xenstored/core/machine.h"

#define OPTIONS_RUNDIR "/var/run/xenstored"
#define OPTIONS_PATH_MAX 4096

struct options {
	bool no_fork;
	bool no_domain_init;	/* no hypervisor: sockets only */
	bool output_pid;
	bool no_recovery;
	bool no_journal;	/* a death loses the store */
	bool internal_db;
	bool keep_orphans;
	bool verbose;
	uint32_t priv_domid;	/* 0: none besides dom0 */
	uint32_t event;		/* dom0's port; 0: what Xen's file says */
	uint32_t watch_event_timeout;	/* seconds */
	uint64_t quota[QUOTA_COUNT];	/* set by the caller before parsing */
	bool quota_given[QUOTA_COUNT];	/* by the command line */
	const char *pid_file;	/* of argv; NULL: none */
	const char *trace_file;	/* of argv; NULL: none */
	int argc;		/* as the process was called */
	char **argv;
	bool live_update;	/* go on where another binary stopped */
	int live_update_fd;	/* the state; -1: $XENSTORED_RUNDIR/state_dump */
	bool check_state;	/* only tell whether a state can be read */
	int check_state_fd;
	bool settle;		/* only bring the state to a checkpoint */
	char rundir[OPTIONS_PATH_MAX];
	char socket[OPTIONS_PATH_MAX];
};

/* The line of the help text that says what can be taken over (update.h). */
#define OPTIONS_UPDATE_MARK "Live update: "
#define OPTIONS_UPDATE_LINE OPTIONS_UPDATE_MARK \
	"image %u, machine %u, stream 1 to 2\n"

enum options_result {
	OPTIONS_RUN,	/* go on */
	OPTIONS_DONE,	/* --help or --version was answered: exit 0 */
	OPTIONS_BAD,	/* one line said why: exit 2 */
};

/*
 * Read the command line and the environment into *o, of which `quota` holds
 * the defaults.  Strings of `o` may point into argv.
 */
enum options_result options_parse(struct options *o, int argc, char **argv,
				  FILE *out, FILE *err);

#endif
