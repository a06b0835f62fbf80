/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the subcommands of xs-probe share: the connection, the options that
 * all of them have, and the exit codes.
 *
 * A NEW SUBCOMMAND is one file that ends with a `const struct command`, one
 * line in command_list.h, one row in test-frame.py's table, and a section in
 * docs/man/xs-probe.1.  Help, completion and the parsing of options all come
 * from the struct; nothing else is to be told.
 *
 * OUTPUT	What was asked for goes to stdout, what went wrong to stderr after
 *	"xs-probe: ".  With probe->json stdout is one JSON value (or, where
 *	it never ends, one to a line); its keys are named in `json`.
 * COLOUR	Only where probe->colour, and only as table_colour() has it:
 *	it repeats what the text says.
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
	/* The subcommand's own options, by their keys. */
	bool flag[128];
	const char *value[128];	/* of those that have one */
	uint64_t number[128];	/* of those whose value is a number */
};

/*
 * An option of one subcommand.  `key` is its letter; 1 to 31 for one that is
 * long only.  's' and 'h' are taken.
 */
struct probe_option {
	int key;
	const char *name;	/* long, without dashes; NULL: letter only */
	const char *value;	/* what to call its value; NULL: has none */
	const char *help;	/* lines after the first are indented by us */
	uint64_t max;		/* not 0: a number up to this (needs a name) */
};

struct command {
	const char *name;
	const char *arguments;	/* for the usage line */
	const char *summary;	/* in lower case, without a full stop */
	const struct probe_option *options; /* up to key 0; NULL: none */
	int args_min, args_max;	/* args_max negative: any number */
	/* NULL, or looks at the arguments first: 0, or probe_usage(). */
	int (*look)(struct probe *probe, int argc, char **argv);
	/*
	 * Runs connected, unless `offline`; argv are the arguments.  Returns
	 * a probe_exit.
	 */
	int (*run)(struct probe *probe, int argc, char **argv);
	const char *about;	/* what it shows and how to read it */
	const char *others;	/* what is different with other daemons */
	const char *examples;	/* lines "  xs-probe ..." */
	/* Lines "  key  meaning". */
	const char *json;
	bool offline;		/* asks no daemon, or connects by itself */
	bool passes;		/* its options are another program's */
};

/* NULL if there is none of that name. */
const struct command *command_find(const char *name);

/* Connect as the options say.  0, or a probe_exit after a message. */
int probe_connect(struct probe *probe);
/* The same without a message: 0 or -errno; -ETIMEDOUT: it does not answer. */
int probe_open(struct probe *probe);
void probe_free(struct probe *probe);
/* The path of the socket or device that options and environment name. */
const char *probe_where(const struct probe *probe);

/*
 * Say on stderr what went wrong while doing `what` ("/path", "status"), and
 * return the exit code for it: UNREACHED if the connection failed, USAGE for
 * nothing, else WRONG.
 */
int probe_failed(const struct probe *probe, const char *what, int error);
/* "not proxenos, so this cannot be told: ..."; PROBE_UNREACHED. */
int probe_cannot_tell(const struct probe *probe, const char *what);
/* Say what is wrong with the command line; PROBE_USAGE. */
int probe_usage(const char *format, ...)
	__attribute__((format(printf, 1, 2)));
/* An errno in words that fit a store. */
const char *probe_words(int error);

/* Print an object or array and release it; FINE, or WRONG without memory. */
int probe_json(json_t *json);
/* The same on one line, and at once, for output that goes on and on. */
int probe_json_line(json_t *json);

#endif
