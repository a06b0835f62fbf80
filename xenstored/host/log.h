/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log.  Every line has an id, XSDnnn, that docs/messages.md explains, and
 * a level; both come from one table in log.c.  Lines go to standard error
 * (with systemd's level prefix where the journal reads it), or to syslog once
 * the daemon is in the background.
 *
 * Lines that a guest can provoke pass through a log_limit of that guest: ten
 * at once, then one in ten seconds; what was left out is counted and told by
 * the next line.
 */
#ifndef HOST_LOG_H
#define HOST_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_id {
	LOG_READY,
	LOG_ENDING,
	LOG_START_FAILED,
	LOG_NO_HYPERVISOR,
	LOG_ALREADY_RUNNING,
	LOG_PID_FILE,
	LOG_SOCKET,
	LOG_NO_FILES,
	LOG_MACHINE_FAILED,
	LOG_MACHINE,
	LOG_TRACE,
	LOG_NOTIFY,
	LOG_OPTION_IGNORED,
	LOG_RING_MAPPED,
	LOG_RING_NOT_MAPPED,
	LOG_RING_FAILED,
	LOG_RING_RESET,
	LOG_RING_FORGOTTEN,
	LOG_EVTCHN,
	LOG_DOMAINS,
	LOG_ADOPT,
	LOG_CONTROL,
	LOG_LOOP,
	LOG_JOURNAL,
	LOG_CHECKPOINT,
	LOG_RECOVERY,
	LOG_RECOVERED,
	LOG_POISON,
	LOG_DOUBT,
	LOG_SETTLE,
	LOG_KEEP,
	LOG_LIMIT,
	LOG_UPDATE,
	LOG_UPDATE_FAILED,
	LOG_COUNT
};

struct log_limit {
	uint64_t due;		/* when the bucket is full again */
	unsigned int left_out;
};

/* To syslog from now on. */
void log_to_syslog(void);
/* Lines of level "debug" too. */
void log_verbose(bool on);

void log_say(enum log_id id, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* As log_say(), unless `limit` is used up at time `now`. */
void log_limited(struct log_limit *limit, uint64_t now, enum log_id id,
		 const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* A line of the machine, which brings an id and has a limit of its own. */
void log_machine(const char *id, const char *text);

/* The id's text and what it means in a word; for the test of the docs. */
const char *log_id_text(enum log_id id);

#endif
