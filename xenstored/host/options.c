// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One row per option; getopt's tables and the help text are made from it.
 * Options whose purpose does not exist here (an orphan is always deleted, the
 * store is never on disk while it is used) are taken and checked all the
 * same, because a script that passes them must still start the daemon; the
 * man page says what they do.
 */
#include "xenstored/host/options.h"

#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "protocol/cursor.h"
#include "xenstored/core/image.h"

#define OPTION_DOMID_MAX (MACHINE_DOMID_FIRST_RESERVED - 1)
#define OPTION_QUOTA_MAX UINT32_MAX

struct option_row;

typedef bool option_apply(struct options *o, const struct option_row *row,
			  const char *value);

struct option_row {
	int letter;
	const char *name;
	const char *arg;	/* NULL: none; "[...]": may be left out */
	size_t field;		/* offset in struct options */
	enum quota_id quota;
	option_apply *apply;
	const char *help;
};

struct quota_name {
	const char *name;
	enum quota_id id;
};

static const struct quota_name quota_hard[] = {
	{ "nodes", QUOTA_NODES },
	{ "watches", QUOTA_WATCHES },
	{ "outstanding", QUOTA_OUTSTANDING },
	{ "memory", QUOTA_MEMORY },
	{ "transactions", QUOTA_TRANSACTIONS },
	{ "transaction-nodes", QUOTA_TRANSACTION_NODES },
	{ "node-permissions", QUOTA_NODE_PERMISSIONS },
	{ "path-max", QUOTA_PATH_MAX },
	{ "node-size", QUOTA_NODE_SIZE },
	{ NULL }
};

static const struct quota_name quota_soft[] = {
	{ "memory", QUOTA_MEMORY_SOFT },
	{ NULL }
};

static struct span span_of(const char *text, size_t len)
{
	return (struct span){ text, len };
}

static bool apply_flag(struct options *o, const struct option_row *row,
		       const char *value)
{
	*(bool *)(void *)((char *)o + row->field) = true;
	return true;
}

static bool apply_text(struct options *o, const struct option_row *row,
		       const char *value)
{
	*(const char **)(void *)((char *)o + row->field) = value;
	return *value != '\0';
}

static bool apply_number(struct options *o, const struct option_row *row,
			 uint64_t max, const char *value)
{
	uint64_t n;

	if (!span_number(span_of(value, strlen(value)), max, &n))
		return false;
	*(uint32_t *)(void *)((char *)o + row->field) = (uint32_t)n;
	return true;
}

static bool apply_domid(struct options *o, const struct option_row *row,
			const char *value)
{
	return apply_number(o, row, OPTION_DOMID_MAX, value);
}

static bool apply_port(struct options *o, const struct option_row *row,
		       const char *value)
{
	return apply_number(o, row, INT32_MAX, value);
}

/* Only dom0 can be the domain whose ring Linux keeps for us. */
static bool apply_master(struct options *o, const struct option_row *row,
			 const char *value)
{
	uint64_t n;

	return span_number(span_of(value, strlen(value)), 0, &n);
}

static bool quota_given(struct options *o, enum quota_id id, const char *value)
{
	o->quota_given[id] = true;
	return span_number(span_of(value, strlen(value)), OPTION_QUOTA_MAX,
			   &o->quota[id]);
}

static bool apply_quota(struct options *o, const struct option_row *row,
			const char *value)
{
	return quota_given(o, row->quota, value);
}

static bool quota_assign(struct options *o, const struct quota_name *names,
			 const char *value)
{
	const char *eq = strchr(value, '=');

	if (!eq)
		return false;
	for (; names->name; names++) {
		if (!span_is(span_of(value, (size_t)(eq - value)),
			     names->name))
			continue;
		return quota_given(o, names->id, eq + 1);
	}
	return false;
}

static bool apply_quota_hard(struct options *o, const struct option_row *row,
			     const char *value)
{
	return quota_assign(o, quota_hard, value);
}

static bool apply_quota_soft(struct options *o, const struct option_row *row,
			     const char *value)
{
	return quota_assign(o, quota_soft, value);
}

static bool apply_timeout(struct options *o, const struct option_row *row,
			  const char *value)
{
	static const char what[] = "watch-event=";

	if (strncmp(value, what, sizeof(what) - 1))
		return false;
	return apply_number(o, row, UINT32_MAX, value + sizeof(what) - 1);
}

/* A descriptor may be named behind the option; the flag stands before it. */
static bool apply_state(struct options *o, bool *flag, int *fd,
			const char *value)
{
	uint64_t n;

	*flag = true;
	*fd = -1;
	if (!value)
		return true;
	if (!span_number(span_of(value, strlen(value)), INT32_MAX, &n))
		return false;
	*fd = (int)n;
	return true;
}

static bool apply_live_update(struct options *o, const struct option_row *row,
			      const char *value)
{
	return apply_state(o, &o->live_update, &o->live_update_fd, value);
}

static bool apply_check_state(struct options *o, const struct option_row *row,
			      const char *value)
{
	return apply_state(o, &o->check_state, &o->check_state_fd, value);
}

static bool apply_internal_db(struct options *o, const struct option_row *row,
			      const char *value)
{
	o->internal_db = !value || !strcmp(value, "on");
	return o->internal_db || !strcmp(value, "off");
}

#define FIELD(name) .field = offsetof(struct options, name)

static const struct option_row rows[] = {
	{ 'N', "no-fork", NULL, FIELD(no_fork), .apply = apply_flag,
	  .help = "stay in the foreground" },
	{ 'F', "pid-file", "FILE", FIELD(pid_file), .apply = apply_text,
	  .help = "write the process id to FILE and lock it" },
	{ 'P', "output-pid", NULL, FIELD(output_pid), .apply = apply_flag,
	  .help = "print the daemon's process id" },
	{ 'D', "no-domain-init", NULL, FIELD(no_domain_init),
	  .apply = apply_flag,
	  .help = "do without a hypervisor: serve the socket only" },
	{ 'p', "priv-domid", "DOMID", FIELD(priv_domid),
	  .apply = apply_domid,
	  .help = "a domain that is privileged beside dom0" },
	{ 'm', "master-domid", "DOMID", .apply = apply_master,
	  .help = "the control domain; only 0 is possible" },
	{ 'e', "event", "PORT", FIELD(event), .apply = apply_port,
	  .help = "dom0's event channel, instead of Xen's file" },
	{ 'T', "trace-file", "FILE", FIELD(trace_file), .apply = apply_text,
	  .help = "append every message in and out to FILE" },
	{ 'E', "entry-nb", "N", .quota = QUOTA_NODES, .apply = apply_quota,
	  .help = "most nodes that a domain may own" },
	{ 'S', "entry-size", "BYTES", .quota = QUOTA_NODE_SIZE,
	  .apply = apply_quota, .help = "largest node of a domain" },
	{ 'W', "watch-nb", "N", .quota = QUOTA_WATCHES, .apply = apply_quota,
	  .help = "most watches of a domain" },
	{ 't', "transaction", "N", .quota = QUOTA_TRANSACTIONS,
	  .apply = apply_quota, .help = "most open transactions of a domain" },
	{ 'A', "perm-nb", "N", .quota = QUOTA_NODE_PERMISSIONS,
	  .apply = apply_quota, .help = "longest access list of a node" },
	{ 'M', "path-max", "CHARS", .quota = QUOTA_PATH_MAX,
	  .apply = apply_quota, .help = "longest path of a domain" },
	{ 'Q', "quota", "WHAT=N", .apply = apply_quota_hard,
	  .help = "set a quota: nodes, watches, outstanding, memory,\n"
		  "transactions, transaction-nodes, node-permissions,\n"
		  "path-max, node-size" },
	{ 'q', "quota-soft", "WHAT=N", .apply = apply_quota_soft,
	  .help = "set a limit that is only warned of: memory" },
	{ 'w', "timeout", "WHAT=SECONDS", FIELD(watch_event_timeout),
	  .apply = apply_timeout,
	  .help = "watch-event: taken for compatibility (man page)" },
	{ 'R', "no-recovery", NULL, FIELD(no_recovery), .apply = apply_flag,
	  .help = "start with a fresh store" },
	{ 'J', "no-journal", NULL, FIELD(no_journal), .apply = apply_flag,
	  .help = "keep no journal (a death loses the store): for\n"
		  "measuring what the journal costs" },
	{ 'I', "internal-db", "[on|off]", .apply = apply_internal_db,
	  .help = "taken for compatibility; the store is in memory" },
	{ 'K', "keep-orphans", NULL, FIELD(keep_orphans),
	  .apply = apply_flag,
	  .help = "taken for compatibility, refused in effect" },
	{ 'U', "live-update", "[FD]", .apply = apply_live_update,
	  .help = "go on where another daemon stopped, with the state in\n"
		  "descriptor FD or in the run directory's state_dump" },
	{ 'C', "check-state", "[FD]", .apply = apply_check_state,
	  .help = "tell whether that state could be gone on from, and exit" },
	{ 'L', "settle", NULL, FIELD(settle), .apply = apply_flag,
	  .help = "replay the journal, write a checkpoint, and exit" },
	{ 'V', "verbose", NULL, FIELD(verbose), .apply = apply_flag,
	  .help = "log more" },
	{ 'v', "version", NULL, .help = "print the version and exit" },
	{ 'H', "help", NULL, .help = "print this and exit" },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void options_help_row(FILE *out, const struct option_row *row)
{
	const char *at = row->help;
	int used = fprintf(out, "  -%c, --%s%s%s", row->letter, row->name,
			   row->arg ? (*row->arg == '[' ? "[=" : " ") : "",
			   row->arg ? row->arg + (*row->arg == '[') : "");

	for (;;) {
		size_t len = strcspn(at, "\n");

		fprintf(out, "%*s%.*s\n", used < 32 ? 32 - used : 1, "",
			(int)len, at);
		at += len;
		if (!*at++)
			return;
		used = 0;
	}
}

static void options_help(FILE *out)
{
	fputs("Usage: xenstored [OPTION]...\n"
	      "Serve the xenstore to the domains of this Xen host.\n\n", out);
	for (size_t i = 0; i < ROWS; i++)
		options_help_row(out, &rows[i]);
	fprintf(out, "\n" OPTIONS_UPDATE_LINE, IMAGE_VERSION,
		MACHINE_VERSION);
	fputs("\nEnvironment: XENSTORED_RUNDIR (default " OPTIONS_RUNDIR
	      "),\nXENSTORED_PATH (default $XENSTORED_RUNDIR/socket).\n", out);
}

static void options_getopt_tables(char *letters, struct option *longs)
{
	*letters++ = ':';
	for (size_t i = 0; i < ROWS; i++) {
		const struct option_row *row = &rows[i];
		int arg = !row->arg ? no_argument :
			  *row->arg == '[' ? optional_argument :
					     required_argument;

		*letters++ = (char)row->letter;
		for (int n = 0; n < arg; n++)
			*letters++ = ':';
		longs[i] = (struct option){ row->name, arg, NULL,
					    row->letter };
	}
	*letters = '\0';
}

static const struct option_row *options_row(int letter)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].letter == letter)
			return &rows[i];
	return NULL;
}

static bool options_path(char *out, const char *text, const char *tail)
{
	int n = snprintf(out, OPTIONS_PATH_MAX, "%s%s", text, tail);

	return n > 0 && n < OPTIONS_PATH_MAX;
}

static enum options_result options_environment(struct options *o, FILE *err)
{
	const char *rundir = getenv("XENSTORED_RUNDIR");
	const char *path = getenv("XENSTORED_PATH");

	if (!options_path(o->rundir, rundir && *rundir ? rundir :
			  OPTIONS_RUNDIR, "")) {
		fputs("xenstored: XENSTORED_RUNDIR is too long\n", err);
		return OPTIONS_BAD;
	}
	if (path && *path ? options_path(o->socket, path, "") :
			    options_path(o->socket, o->rundir, "/socket"))
		return OPTIONS_RUN;
	fputs("xenstored: XENSTORED_PATH is too long\n", err);
	return OPTIONS_BAD;
}

static enum options_result options_bad(FILE *err, const char *what,
				       const char *name)
{
	fprintf(err, "xenstored: %s%s\n", what, name);
	options_help(err);
	return OPTIONS_BAD;
}

static enum options_result options_one(struct options *o, int letter,
				       char **argv, FILE *out, FILE *err)
{
	const struct option_row *row;

	if (letter == ':')
		return options_bad(err, "a value is missing for ",
				   argv[optind - 1]);
	row = options_row(letter);
	if (!row)
		return options_bad(err, "unknown option ", argv[optind - 1]);
	if (row->letter == 'H') {
		options_help(out);
		return OPTIONS_DONE;
	}
	if (row->letter == 'v') {
		fprintf(out, "xenstored (%s) %s\n", PACKAGE_NAME,
			PACKAGE_VERSION);
		return OPTIONS_DONE;
	}
	if (!row->apply(o, row, optarg)) {
		fprintf(err, "xenstored: bad value '%s' for --%s "
			"(try --help)\n", optarg ? optarg : "", row->name);
		return OPTIONS_BAD;
	}
	return OPTIONS_RUN;
}

enum options_result options_parse(struct options *o, int argc, char **argv,
				  FILE *out, FILE *err)
{
	struct option longs[ROWS + 1] = { 0 };
	char letters[3 * ROWS + 2];
	enum options_result result;
	int letter;

	options_getopt_tables(letters, longs);
	opterr = 0;
	optind = 0;	/* glibc: start anew, also in a second call */
	o->internal_db = true;
	o->argc = argc;
	o->argv = argv;
	o->live_update_fd = o->check_state_fd = -1;
	for (;;) {
		letter = getopt_long(argc, argv, letters, longs, NULL);
		if (letter == -1)
			break;
		result = options_one(o, letter, argv, out, err);
		if (result != OPTIONS_RUN)
			return result;
	}
	if (optind != argc)
		return options_bad(err, "no argument is wanted: ",
				   argv[optind]);
	return options_environment(o, err);
}
