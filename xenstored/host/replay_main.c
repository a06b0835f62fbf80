// SPDX-License-Identifier: GPL-2.0-or-later
/* The program: its command line, and segment after segment; see replay.h. */
#include "xenstored/host/replay.h"

#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <talloc.h>
#include <unistd.h>

#include "protocol/cursor.h"

static const char usage[] =
"Usage: xs-probe replay [--until N] [--store] [--json] DIR|FILE\n";

int replay_wrong(const struct replay *r, const char *format, ...)
{
	va_list ap;

	fputs("xs-probe: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	return REPLAY_WRONG;
}

/* ------------------------------------------------------- the segments -- */

static int replay_segment(struct replay *r, struct journal_reader *j)
{
	struct journal_record rec;
	int more;

	while ((more = journal_next(j, &rec)) > 0) {
		replay_step(r, j, &rec);
		if (!r->only || r->only == r->segment)
			replay_print_line(r);
		json_decref(r->line);
		r->line = NULL;
		if (r->records == r->until)
			return REPLAY_FINE;
	}
	r->death = *journal_death(j);
	if (more < 0)
		return replay_wrong(r, "%s/journal.%llu: damaged behind "
			"record %llu", r->dir, (unsigned long long)r->segment,
			(unsigned long long)r->records);
	return REPLAY_FINE;
}

static int replay_unreadable(const struct replay *r, int error)
{
	const char *why = strerror(-error);

	if (error == -EPROTO)
		why = "not a segment of a journal, or a damaged one";
	else if (error == -ESTALE)
		why = "written by another version of the daemon: only that "
		      "one's xs-probe can replay it";
	return replay_wrong(r, "%s/journal.%llu: %s", r->dir,
			    (unsigned long long)r->segment, why);
}

static bool replay_over(const struct replay *r)
{
	return (r->until && r->records == r->until) ||
	       (r->only && r->segment > r->only);
}

static int replay_segments(struct replay *r)
{
	int ret = REPLAY_FINE;

	for (r->segment = r->first; !ret && !replay_over(r); r->segment++) {
		struct journal_reader *j;
		int error;

		j = journal_open_copy(NULL, r->dir, r->segment, NULL,
				      &error);
		/* One behind the last, unless it was asked for. */
		if (!j && error == -ENOENT && r->segment > r->only &&
		    !r->death.continued)
			break;
		if (!j)
			return replay_unreadable(r, error);
		ret = replay_segment(r, j);
		talloc_free(j);
	}
	return ret;
}

static int replay_all(struct replay *r)
{
	int ret = replay_load(r);

	if (ret)
		return ret;
	if (r->only && r->only < r->first)
		return replay_wrong(r, "journal.%llu is older than the "
			"checkpoint beside it, which begins with journal.%llu",
			(unsigned long long)r->only,
			(unsigned long long)r->first);
	replay_step_start(r);
	replay_print_start(r);
	ret = replay_segments(r);
	ret = replay_print_end(r, ret);
	replay_step_end(r);
	return ret;
}

/* ---------------------------------------------------- the command line -- */

/* Its files move while they are read. */
static void warn_of_daemon(const struct replay *r)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int n = snprintf(to.sun_path, sizeof(to.sun_path), "%s/socket",
			 r->dir);
	int fd;

	if (n < 0 || (size_t)n >= sizeof(to.sun_path))
		return;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	if (!connect(fd, (struct sockaddr *)&to, sizeof(to)))
		replay_wrong(r, "a daemon serves %s: what it writes meanwhile "
			     "can look like damage", r->dir);
	close(fd);
}

/* A directory, or one segment in it. */
static int parse_path(struct replay *r, void *parent, const char *path)
{
	char *copy = talloc_strdup(parent, path);
	char *other = talloc_strdup(parent, path);
	static const char prefix[] = "journal.";
	struct stat st;
	const char *name;
	struct span digits;

	if (!copy || !other)
		return replay_wrong(r, "%s", strerror(ENOMEM));
	if (stat(path, &st))
		return replay_wrong(r, "%s: %s", path, strerror(errno));
	r->dir = path;
	if (S_ISDIR(st.st_mode))
		return REPLAY_FINE;
	r->dir = dirname(copy);
	name = basename(other);
	if (strncmp(name, prefix, sizeof(prefix) - 1))
		return replay_wrong(r, "%s: not a segment, which is named "
				    "journal.<number>", path);
	digits = (struct span){ name + sizeof(prefix) - 1,
				strlen(name + sizeof(prefix) - 1) };
	if (!span_number(digits, UINT64_MAX, &r->only) || !r->only)
		return replay_wrong(r, "%s: not a segment, which is named "
				    "journal.<number>", path);
	return REPLAY_FINE;
}

static bool parse_number(const char *text, uint64_t max, uint64_t *out)
{
	if (span_number((struct span){ text, strlen(text) }, max, out))
		return true;
	fprintf(stderr, "xs-probe: not a number that is possible here: %s\n",
		text);
	return false;
}

static int parse_options(struct replay *r, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "until", required_argument, NULL, 'u' },
		{ "store", no_argument, NULL, 'S' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	uint64_t n;
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) >= 0) {
		if (c == 'S') {
			r->store = true;
		} else if (c == 'j') {
			r->json = true;
		} else if (c == 'u' && parse_number(optarg, UINT64_MAX, &n) &&
			   n) {
			r->until = n;
		} else {
			fputs(usage, stderr);
			return REPLAY_USAGE;
		}
	}
	if (optind + 1 == argc)
		return REPLAY_FINE;
	fputs(usage, stderr);
	return REPLAY_USAGE;
}

int main(int argc, char **argv)
{
	static struct replay r;
	void *parent;
	int ret;

	machine_config_defaults(&r.config);
	r.config.version = PACKAGE_VERSION;
	r.config.log = replay_log;
	r.config.trace = replay_trace;
	r.config.arg = &r;
	ret = parse_options(&r, argc, argv);
	if (ret)
		return ret;
	parent = talloc_new(NULL);
	ret = parse_path(&r, parent, argv[optind]);
	if (!ret) {
		warn_of_daemon(&r);
		ret = replay_all(&r);
	}
	if (r.machine)
		machine_free(r.machine);
	talloc_free(parent);
	/* A full disk or a closed pipe must not look like success. */
	if (fflush(stdout) || ferror(stdout))
		ret = REPLAY_WRONG;
	return ret;
}
