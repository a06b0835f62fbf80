// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line: every option in every form, and what must be refused. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xenstored/host/options.h"

#define ARGS_MAX 16

static struct options o;
static char out_text[8192];
static char err_text[1024];

/* `line` is split at blanks. */
static enum options_result parse(const char *line)
{
	static char copy[8192];
	char *argv[ARGS_MAX + 1] = { NULL };
	enum options_result result;
	FILE *out, *err;
	int argc = 0;

	memset(&o, 0, sizeof(o));
	memset(out_text, 0, sizeof(out_text));
	memset(err_text, 0, sizeof(err_text));
	ck_assert_uint_lt(strlen(line), sizeof(copy));
	memcpy(copy, line, strlen(line) + 1);
	for (char *at = copy; argc < ARGS_MAX;) {
		argv[argc++] = at;
		at = strchr(at, ' ');
		if (!at)
			break;
		*at++ = '\0';
	}
	out = fmemopen(out_text, sizeof(out_text) - 1, "w");
	err = fmemopen(err_text, sizeof(err_text) - 1, "w");
	result = options_parse(&o, argc, argv, out, err);
	fclose(out);
	fclose(err);
	return result;
}

static void environment(const char *rundir, const char *path)
{
	unsetenv("XENSTORED_RUNDIR");
	unsetenv("XENSTORED_PATH");
	if (rundir)
		setenv("XENSTORED_RUNDIR", rundir, 1);
	if (path)
		setenv("XENSTORED_PATH", path, 1);
}

START_TEST(nothing_given)
{
	environment(NULL, NULL);
	ck_assert_int_eq(parse("xenstored"), OPTIONS_RUN);
	ck_assert(!o.no_fork && !o.no_domain_init && !o.output_pid &&
		  !o.no_recovery && !o.verbose && !o.keep_orphans);
	ck_assert(o.internal_db);
	ck_assert_ptr_null(o.pid_file);
	ck_assert_ptr_null(o.trace_file);
	ck_assert_str_eq(o.rundir, "/var/run/xenstored");
	ck_assert_str_eq(o.socket, "/var/run/xenstored/socket");
	ck_assert_str_eq(err_text, "");
}
END_TEST

START_TEST(environment_counts)
{
	environment("/tmp/x", NULL);
	ck_assert_int_eq(parse("xenstored"), OPTIONS_RUN);
	ck_assert_str_eq(o.socket, "/tmp/x/socket");
	environment("/tmp/x", "/tmp/y");
	ck_assert_int_eq(parse("xenstored"), OPTIONS_RUN);
	ck_assert_str_eq(o.rundir, "/tmp/x");
	ck_assert_str_eq(o.socket, "/tmp/y");
	environment("", "");
	ck_assert_int_eq(parse("xenstored"), OPTIONS_RUN);
	ck_assert_str_eq(o.socket, "/var/run/xenstored/socket");
	environment(NULL, NULL);
}
END_TEST

START_TEST(long_names)
{
	ck_assert_int_eq(parse("xenstored --no-fork --pid-file /p "
			       "--output-pid --priv-domid 7 --trace-file=/t "
			       "--no-domain-init --no-recovery --verbose "
			       "--keep-orphans --internal-db=off "
			       "--timeout watch-event=20 --event 3 "),
			 OPTIONS_BAD);	/* the empty argument at the end */
	ck_assert_int_eq(parse("xenstored --no-fork --pid-file /p "
			       "--output-pid --priv-domid 7 --trace-file=/t "
			       "--no-domain-init --no-recovery --verbose "
			       "--keep-orphans --internal-db=off "
			       "--timeout watch-event=20"), OPTIONS_RUN);
	ck_assert(o.no_fork && o.no_domain_init && o.output_pid &&
		  o.no_recovery && o.verbose && o.keep_orphans);
	ck_assert(!o.internal_db);
	ck_assert_uint_eq(o.priv_domid, 7);
	ck_assert_uint_eq(o.watch_event_timeout, 20);
	ck_assert_str_eq(o.pid_file, "/p");
	ck_assert_str_eq(o.trace_file, "/t");
}
END_TEST

START_TEST(letters)
{
	ck_assert_int_eq(parse("xenstored -NDP -F /p -T/t -p 3 -m 0 -e 17 -R "
			       "-I -w watch-event=5"), OPTIONS_RUN);
	ck_assert(o.no_fork && o.no_domain_init && o.output_pid &&
		  o.no_recovery && o.internal_db);
	ck_assert_str_eq(o.pid_file, "/p");
	ck_assert_str_eq(o.trace_file, "/t");
	ck_assert_uint_eq(o.priv_domid, 3);
	ck_assert_uint_eq(o.event, 17);
	ck_assert_uint_eq(o.watch_event_timeout, 5);
}
END_TEST

static const struct {
	const char *line;
	enum quota_id id;
	uint64_t value;
} quotas[] = {
	{ "xenstored -E 5", QUOTA_NODES, 5 },
	{ "xenstored --entry-nb 6", QUOTA_NODES, 6 },
	{ "xenstored -S 7", QUOTA_NODE_SIZE, 7 },
	{ "xenstored --entry-size=8", QUOTA_NODE_SIZE, 8 },
	{ "xenstored -W9", QUOTA_WATCHES, 9 },
	{ "xenstored --watch-nb 10", QUOTA_WATCHES, 10 },
	{ "xenstored -t 11", QUOTA_TRANSACTIONS, 11 },
	{ "xenstored --transaction 12", QUOTA_TRANSACTIONS, 12 },
	{ "xenstored -A 13", QUOTA_NODE_PERMISSIONS, 13 },
	{ "xenstored --perm-nb 14", QUOTA_NODE_PERMISSIONS, 14 },
	{ "xenstored -M 15", QUOTA_PATH_MAX, 15 },
	{ "xenstored --path-max 16", QUOTA_PATH_MAX, 16 },
	{ "xenstored -Q nodes=17", QUOTA_NODES, 17 },
	{ "xenstored -Q watches=18", QUOTA_WATCHES, 18 },
	{ "xenstored --quota outstanding=19", QUOTA_OUTSTANDING, 19 },
	{ "xenstored --quota=memory=20", QUOTA_MEMORY, 20 },
	{ "xenstored -Q transactions=21", QUOTA_TRANSACTIONS, 21 },
	{ "xenstored -Q transaction-nodes=22", QUOTA_TRANSACTION_NODES, 22 },
	{ "xenstored -Q node-permissions=23", QUOTA_NODE_PERMISSIONS, 23 },
	{ "xenstored -Q path-max=24", QUOTA_PATH_MAX, 24 },
	{ "xenstored -Q node-size=0", QUOTA_NODE_SIZE, 0 },
	{ "xenstored -q memory=25", QUOTA_MEMORY_SOFT, 25 },
	{ "xenstored --quota-soft memory=4294967295", QUOTA_MEMORY_SOFT,
	  4294967295u },
};

START_TEST(quota_is_set)
{
	ck_assert_int_eq(parse(quotas[_i].line), OPTIONS_RUN);
	for (int id = 0; id < QUOTA_COUNT; id++)
		ck_assert_msg(o.quota[id] == (id == (int)quotas[_i].id ?
			      quotas[_i].value : 0), "%s", quotas[_i].line);
}
END_TEST

static const char *const refused[] = {
	"xenstored --frobnicate",
	"xenstored -X",
	"xenstored stray",
	"xenstored -N stray",
	"xenstored -E",
	"xenstored -E x",
	"xenstored -E 5x",
	"xenstored -E -1",
	"xenstored -E 0x10",
	"xenstored --entry-nb=",
	"xenstored -E 4294967296",
	"xenstored -E 99999999999999999999999999",
	"xenstored -Q nodes",
	"xenstored -Q nodes=",
	"xenstored -Q node=5",
	"xenstored -Q =5",
	"xenstored -Q nodes=5=6",
	"xenstored -q nodes=5",
	"xenstored --pid-file",
	"xenstored --pid-file=",
	"xenstored -p 32752",
	"xenstored -p x",
	"xenstored -m 1",
	"xenstored -w 5",
	"xenstored -w watch-event=",
	"xenstored -w other=5",
	"xenstored --internal-db=maybe",
	"xenstored --internal-db off",
	"xenstored --no-fork=5",
};

START_TEST(is_refused_with_one_line)
{
	char *end;

	ck_assert_msg(parse(refused[_i]) == OPTIONS_BAD, "%s", refused[_i]);
	end = strchr(err_text, '\n');
	/* One line, behind which only the usage may follow. */
	ck_assert_msg(end && (!end[1] || !strncmp(end + 1, "Usage: ", 7)),
		      "%s: '%s'", refused[_i], err_text);
	ck_assert_int_eq(strncmp(err_text, "xenstored: ", 11), 0);
	ck_assert_str_eq(out_text, "");
}
END_TEST

START_TEST(help_names_every_option)
{
	static const char *const names[] = {
		"-N, --no-fork", "-F, --pid-file FILE", "-P, --output-pid",
		"-D, --no-domain-init", "-p, --priv-domid DOMID",
		"-T, --trace-file FILE", "-E, --entry-nb N",
		"-S, --entry-size BYTES", "-W, --watch-nb N",
		"-t, --transaction N", "-A, --perm-nb N",
		"-M, --path-max CHARS", "-Q, --quota WHAT=N",
		"-q, --quota-soft WHAT=N", "-w, --timeout WHAT=SECONDS",
		"-R, --no-recovery", "-I, --internal-db[=on|off]",
		"-K, --keep-orphans", "-V, --verbose", "-v, --version",
		"-H, --help",
	};

	ck_assert_int_eq(parse("xenstored --help"), OPTIONS_DONE);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ck_assert_msg(strstr(out_text, names[i]), "%s in: %s",
			      names[i], out_text);
	ck_assert_int_eq(parse("xenstored -v -X"), OPTIONS_DONE);
	ck_assert_ptr_nonnull(strstr(out_text, "xenstored ("));
}
END_TEST

START_TEST(too_long_environment)
{
	static char longest[OPTIONS_PATH_MAX + 2];

	memset(longest, 'x', sizeof(longest) - 1);
	environment(longest, NULL);
	ck_assert_int_eq(parse("xenstored"), OPTIONS_BAD);
	environment(NULL, longest);
	ck_assert_int_eq(parse("xenstored"), OPTIONS_BAD);
	environment(NULL, NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("host/options");
	TCase *tc = tcase_create("options");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, nothing_given);
	tcase_add_test(tc, environment_counts);
	tcase_add_test(tc, long_names);
	tcase_add_test(tc, letters);
	tcase_add_loop_test(tc, quota_is_set, 0,
			    (int)(sizeof(quotas) / sizeof(quotas[0])));
	tcase_add_loop_test(tc, is_refused_with_one_line, 0,
			    (int)(sizeof(refused) / sizeof(refused[0])));
	tcase_add_test(tc, help_names_every_option);
	tcase_add_test(tc, too_long_environment);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
