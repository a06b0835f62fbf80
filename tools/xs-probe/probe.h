/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the subcommands of xs-probe share: the connection, the options that
 * all of them have, and the exit codes.  A subcommand is one file and one
 * entry in the table of command.c.
 */
#ifndef XS_PROBE_PROBE_H
#define XS_PROBE_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include <proxenos/client.h>

enum probe_exit {
	PROBE_FINE = 0,
	PROBE_WRONG = 1,	/* with what was probed */
	PROBE_USAGE = 2,
	PROBE_UNREACHED = 3,	/* no daemon, or none that can tell */
};

union probe_transport {
	struct px_transport base;
	struct px_transport_unix socket;
	struct px_transport_device device;
};

struct probe {
	struct px_client *client;
	void *memory;
	union probe_transport transport;
	const char *socket;	/* as given, or NULL */
	uint64_t timeout;	/* microseconds, for each request */
	bool json;
	bool colour;
	bool flag[128];		/* the subcommand's own letters */
	const char *value[128];	/* of those that have one */
};

struct command {
	const char *name;
	const char *arguments;	/* for the usage line */
	const char *summary;
	const char *letters;	/* own options; ':' behind one: with a value */
	int args_min, args_max;
	/* Runs connected, unless `offline`; argv are the arguments.  Returns a probe_exit. */
	int (*run)(struct probe *probe, int argc, char **argv);
	const char *help;	/* options and examples */
	bool offline;		/* asks no daemon */
};

/* NULL if there is none of that name. */
const struct command *command_find(const char *name);
/* The table, ended by an entry without name. */
extern const struct command command_table[];

int status_run(struct probe *probe, int argc, char **argv);
int ls_run(struct probe *probe, int argc, char **argv);
int domains_run(struct probe *probe, int argc, char **argv);
int check_run(struct probe *probe, int argc, char **argv);
int ring_run(struct probe *probe, int argc, char **argv);
int update_run(struct probe *probe, int argc, char **argv);
int replay_run(struct probe *probe, int argc, char **argv);

/* Connect as the options say.  0, or a probe_exit after a message. */
int probe_connect(struct probe *probe);
void probe_free(struct probe *probe);

/*
 * Say on stderr what went wrong while doing `what` ("/path", "status"), and
 * return the exit code for it: UNREACHED if the connection failed, USAGE for
 * nothing, else WRONG.
 */
int probe_failed(const struct probe *probe, const char *what, int error);
/* "not proxenos, so this cannot be told: ..."; PROBE_UNREACHED. */
int probe_cannot_tell(const struct probe *probe, const char *what);
/* An errno in words that fit a store. */
const char *probe_words(int error);

/* Print an object or array and release it; FINE, or WRONG without memory. */
int probe_json(json_t *json);

#endif
