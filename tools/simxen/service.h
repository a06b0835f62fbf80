/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One supervised daemon: started, listened to, started again when it dies.
 * What it says and what becomes of it is one line each on standard output.
 *
 * Starts are counted from 1. A start is ready when its daemon said READY=1.
 */
#ifndef SIMXEN_SERVICE_H
#define SIMXEN_SERVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tools/simxen/fdstore.h"

struct service_options {
	const char *peer;		/* as for simxen daemon */
	char **args;			/* more arguments, NULL ends them */
	unsigned long restart_delay;	/* ms */
	unsigned long max_restarts;
	unsigned long watchdog;		/* us, 0: none */
	unsigned long fdstore_max;
};

struct service {
	const struct service_options *options;
	struct fdstore fds;
	int notify;			/* socket */
	char path[4096];		/* of notify */
	pid_t pid;			/* 0: none runs */
	unsigned long starts, deaths;
	unsigned long ready;		/* the last start that was, 0: none */
	bool stopping;			/* no more restarts */
	bool held;			/* no restart until released */
	bool gave_up;			/* max_restarts */
	int64_t start_due, watchdog_due;	/* service_now(); or 0 */
	int64_t watchdog;		/* us; the daemon may change it */
	char status[256];		/* its last STATUS= */
	int exit_status;		/* of the last death, as of waitpid */
	char *next_env;			/* NAME=VALUE for the next start, or NULL */
};

/* Microseconds of CLOCK_MONOTONIC. */
int64_t service_now(void);

/* A line in the log, with the time. */
void service_log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* 0 or -errno. The socket for messages is dir/notify. */
int service_init(struct service *s, const struct service_options *options,
		 const char *dir);
void service_fini(struct service *s);

/* Take what has been said. */
void service_notices(struct service *s);

/* Gather the dead: their last words first, then what follows. */
void service_reap(struct service *s);

/* Do what is due, and say when the next is: us from now, -1 for never. */
int64_t service_tick(struct service *s);

/* Nothing runs and nothing will. */
bool service_over(const struct service *s);

/* 0, or -ESRCH when no daemon runs. */
int service_signal(struct service *s, int sig);

/* SIGTERM, and no more restarts. */
void service_stop(struct service *s);

/* Restarts wait while it is held. */
void service_hold(struct service *s, bool hold);

#endif
