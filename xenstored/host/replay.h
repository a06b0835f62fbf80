/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `xs-probe replay` runs: a saved journal through the machine, offline,
 * and what happened for people or programs to read.
 *
 * A program of its own (proxenos-replay, in the directory of programs that
 * others run): the tools build on lib only, a post-mortem must work on a
 * computer without Xen's libraries, and a machine that dies of what it is
 * fed must not take the tool with it.  It includes the machine and the
 * journal's reader of the daemon, and nothing else of it.
 *
 * Nothing that it reads is changed: the checkpoint is copied to memory first
 * (TDB repairs what a death left half committed), segments are mapped
 * privately.
 *
 * A record in the making is a JSON object in both forms of output; text is
 * printed from it.
 */
#ifndef HOST_REPLAY_H
#define HOST_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "xenstored/core/machine.h"
#include "xenstored/core/hash.h"
#include "xenstored/host/journal.h"

/* Exit statuses, those of xs-probe(1). */
enum replay_exit {
	REPLAY_FINE = 0,
	REPLAY_WRONG = 1,	/* with what was replayed */
	REPLAY_USAGE = 2,
};

struct replay {
	const char *dir;
	uint64_t only;		/* segment whose records are shown; 0: all */
	uint64_t until;		/* last record to execute; 0: all */
	bool json;
	bool store;
	struct machine_config config;

	struct machine *machine;
	uint64_t first;		/* segment that the checkpoint names */
	uint64_t segment;	/* the one being read */
	uint64_t records;
	uint64_t requests, events;
	struct hash_table seen;	/* events of each connection so far */
	json_t *line;		/* the record in the making */
	bool printed;		/* one was */

	struct journal_death death;	/* of the last segment read */
	bool reached;		/* ... the record under execution at death */
	bool fatal;		/* it ends the machine again */
	char verdict[64];
};

/* Say on stderr what is wrong, for people; returns REPLAY_WRONG. */
int replay_wrong(const struct replay *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Make the machine from the directory's checkpoint; sets `machine` and
 * `first`.  REPLAY_FINE, or REPLAY_WRONG after a message.
 */
int replay_load(struct replay *r);

/*
 * Execute one record as recovery would, and gather what comes of it in
 * `line`.  A record that was under execution at death is tried in a child
 * first; if that ends badly, its connection is closed instead.
 */
void replay_step(struct replay *r, struct journal_reader *j,
		 const struct journal_record *rec);
/* Before the first: what was queued at the checkpoint is not news. */
void replay_step_start(struct replay *r);
void replay_step_end(struct replay *r);

/* Sinks of the machine's configuration; `arg` is the struct replay. */
void replay_log(void *arg, const char *id, const char *text);
void replay_trace(void *arg, bool in, uint32_t conn,
		  const struct wire_header *header, const void *payload);

/* Print `line`, in the form asked for. */
void replay_print_line(struct replay *r);
/* What stands before the first line, and behind the last. */
void replay_print_start(struct replay *r);
int replay_print_end(struct replay *r, int status);

/* "d5" or "s3", as in trace files. */
json_t *replay_conn(uint32_t conn);
/* A JSON string, or {"hex": ...} where it is no UTF-8. */
json_t *replay_bytes(const void *bytes, size_t len);

#endif
