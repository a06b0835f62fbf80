/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xs-probe top: the command; readings printed one after the other where no
 * screen is wanted.
 */
#include "tools/xs-probe/top.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <proxenos/client_call.h>

#include "protocol/cursor.h"

#define BATCH_WIDTH 160

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	stopped = signal;
}

/* "1", "0.5": seconds, to a thousandth.  False: not that, or out of range. */
static bool read_interval(const char *text, double *seconds)
{
	const char *point = strchr(text, '.');
	struct span whole = { text, point ? (size_t)(point - text) :
					    strlen(text) };
	uint64_t s, part = 0;
	double unit = 1;

	if (!span_number(whole, 86400, &s))
		return false;
	if (point) {
		struct span rest = { point + 1, strlen(point + 1) };

		if (rest.len > 3 || !span_number(rest, 999, &part))
			return false;
		for (size_t i = 0; i < rest.len; i++)
			unit /= 10;
	}
	*seconds = (double)s + (double)part * unit;
	return *seconds >= 0.01;
}

static void print_line(const struct probe *probe, const struct top_line *line)
{
	bool marked = probe->colour && line->mark != TABLE_PLAIN;

	printf("%s%s%s\n", table_colour(line->mark, marked), line->text,
	       table_plain(marked));
}

static void print_reading(const struct top *top)
{
	struct top_line line, head[TOP_HEAD_LINES];

	top_head(top, head, BATCH_WIDTH);
	for (unsigned int i = 0; i < TOP_HEAD_LINES; i++)
		print_line(top->probe, &head[i]);
	top_titles(top, &line, BATCH_WIDTH);
	print_line(top->probe, &line);
	for (size_t i = 0; i < top->rows; i++) {
		top_row_line(&top->row[i], &line, BATCH_WIDTH);
		print_line(top->probe, &line);
	}
	putchar('\n');
}

static void pause_for(double seconds)
{
	struct timespec ts = { (time_t)seconds, 0 };

	ts.tv_nsec = (long)((seconds - (double)ts.tv_sec) * 1e9);
	/* A signal ends it early, which is what it is for. */
	nanosleep(&ts, NULL);
}

static int batch(struct top *top)
{
	struct sigaction action = { .sa_handler = stop };
	const struct probe *probe = top->probe;
	uint64_t n = 0;
	int ret = 0;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	while (!ret && !stopped && (!probe->flag['n'] ||
				    n < probe->number['n'])) {
		pause_for(top->interval);
		if (stopped)
			break;
		ret = top_read(top);
		if (ret)
			return probe_failed(probe, "top", ret);
		n++;
		if (probe->json) {
			ret = probe_json_line(top_json(top));
		} else {
			print_reading(top);
			ret = fflush(stdout) ? PROBE_WRONG : 0;
		}
	}
	return ret;
}

static int top_look(struct probe *probe, int argc, char **argv)
{
	double seconds;

	if (probe->value['i'] && !read_interval(probe->value['i'], &seconds))
		return probe_usage("not a number of seconds: %s",
				   probe->value['i']);
	if (probe->value['S'] && top_column_find(probe->value['S']) < 0)
		return probe_usage("no column \"%s\"", probe->value['S']);
	if (probe->value['f'] && strlen(probe->value['f']) >= TOP_NAME_MAX)
		return probe_usage("too long: %s", probe->value['f']);
	if (!probe->json && !probe->flag['b'] && !isatty(STDOUT_FILENO))
		return probe_usage("stdout is no terminal; use --batch or "
				   "--json");
	return PROBE_FINE;
}

static int top_run(struct probe *probe, int argc, char **argv)
{
	struct top top = { .probe = probe, .interval = 1 };
	int ret;

	if (probe->value['i'])
		read_interval(probe->value['i'], &top.interval);
	top.sort = (unsigned int)top_column_find(probe->value['S'] ?
						 probe->value['S'] :
						 "requests");
	top.reverse = probe->flag['R'];
	if (probe->value['f'])
		snprintf(top.filter, sizeof(top.filter), "%s",
			 probe->value['f']);
	ret = top_read(&top);
	if (ret == -ENOSYS)
		ret = probe_cannot_tell(probe, "what each domain does");
	else if (ret)
		ret = probe_failed(probe, "top", ret);
	else
		ret = probe->flag['b'] || probe->json ? batch(&top) :
							top_screen(&top);
	top_free(&top);
	return ret;
}

static const struct probe_option options[] = {
	{ 'i', "interval", "SECONDS", "between two readings (default 1)" },
	{ 'S', "sort", "COLUMN",
	  "domid, name, requests (the default), errors, in, out,\n"
	  "events, merged, waiting, transactions, conflicts,\n"
	  "outstanding, memory, nodes, ring, p50 or p99" },
	{ 'R', "reverse", NULL, "the other way round" },
	{ 'f', "filter", "TEXT", "that domid, or names with TEXT in them" },
	{ 'b', "batch", NULL, "print readings, one after the other" },
	{ 'n', "count", "N", "end after so many of them", 1000000000 },
	{ 0 }
};

const struct command top_command = {
	.name = "top",
	.arguments = "",
	.summary = "who keeps the daemon busy, live",
	.options = options,
	.look = top_look,
	.run = top_run,
	.about =
"A row for each domain, and one (sock) for all clients of the socket, which\n"
"speak for dom0; the busiest first, once a second.  Above them the daemon: its\n"
"requests, how long replies and the passes of its loop took, the journal since\n"
"the last checkpoint.  Times are from when the daemon took a request to when it\n"
"wrote the reply.  The key ? explains columns, colours and the other keys: sort\n"
"with < and >, filter with /, a row in full with enter.  q leaves.\n",
	.others =
"Not to be told: they count nothing for each domain.\n",
	.examples =
"  xs-probe top\n"
"  xs-probe top --sort p99 --interval 5\n"
"  xs-probe top --batch --count 1 --filter web\n"
"  xs-probe top --json | jq '.rows[] | select(.p99_us > 1000) | .name'\n",
	.json =
"  One object to a line, for each reading:\n"
"  seconds  since the reading before\n"
"  daemon   uptime_us nodes domains sockets watches transactions refused lost\n"
"           journal checkpoints checkpoint_age_us restarts, as in the topics\n"
"           `status' and `host' (docs/protocol, control); passes_s requests_s\n"
"           events_s conflicts_s a second; loop_p50_us loop_p99_us loop_max_us\n"
"           of a pass, p50_us p99_us of replies: median and 99th percentile\n"
"  rows     fields of the topic `load', name, p50_us and p99_us, and a second:\n"
"           requests_s errors_s bytes_in_s bytes_out_s events_s merged_s lost_s\n"
"           conflicts_s refused_s\n",
};
