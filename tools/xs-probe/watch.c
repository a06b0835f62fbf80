/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xs-probe watch: events as they come.  The client sets its watches again
 * after the daemon was restarted; as each watch begins with an event that
 * tells nothing, the first one after each start is left out.  With --value
 * every event waits in a queue for its value, so the order stays.
 */
#include "tools/xs-probe/probe.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <proxenos/client_call.h>

#include "protocol/wire.h"
#include "tools/xs-probe/ls.h"
#include "tools/xs-probe/record.h"
#include "tools/xs-probe/table.h"

#define SECOND UINT64_C(1000000)
#define BACKOFF_MIN (SECOND / 20)
#define BACKOFF_MAX (2 * SECOND)
/* Events that wait for their value; more are shown without. */
#define WAITING_MAX 4096
#define ASKED_MAX 16
/* A wait without end, in pieces that a clock can count. */
#define EVER (3600 * SECOND)

struct watched {
	struct px_client_watch watch;
	struct watching *all;
	bool fresh;		/* its first event is still to come */
};

struct event {
	struct watching *all;
	struct event *next;
	uint64_t time;		/* microseconds since 1970 */
	bool asked;
	char path[];
};

struct watching {
	struct probe *probe;
	struct px_client *client;
	void *memory;
	struct watched *list;
	int count;
	struct event *first, **end;
	unsigned int waiting, asked;
	uint64_t shown;
	uint64_t wanted;	/* 0: for ever */
	unsigned int starts;	/* connections so far */
	int over;		/* wanted ones were shown, or an error */
	int error;
};

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec / 1000;
}

/* ---------------------------------------------------------- printing -- */

static void print_time(uint64_t us)
{
	time_t seconds = (time_t)(us / SECOND);
	char text[16] = "?";
	struct tm tm;

	if (localtime_r(&seconds, &tm))
		strftime(text, sizeof(text), "%H:%M:%S", &tm);
	printf("%s.%06u  ", text, (unsigned int)(us % SECOND));
}

/* `result` 1: the value was not asked for; negative: the error of asking. */
static void show(struct watching *w, uint64_t time, const char *path,
		 int result, const char *value, size_t len)
{
	if (w->over)
		return;
	if (w->probe->json) {
		json_t *o = json_pack("{s:I,s:o}", "time_us", (json_int_t)time,
			"path", record_json_bytes(path, strlen(path)));

		if (result < 0)
			json_object_set_new(o, "error", json_string(
				wire_error_name(-result)));
		else if (!result)
			json_object_set_new(o, "value",
					    record_json_bytes(value, len));
		probe_json_line(o);
	} else {
		print_time(time);
		ls_print_escaped(stdout, path, strlen(path));
		if (!result) {
			printf(" = \"");
			ls_print_escaped(stdout, value, len);
			putchar('"');
		} else if (result < 0) {
			printf(" (%s)", probe_words(result));
		}
		putchar('\n');
		fflush(stdout);
	}
	if (++w->shown == w->wanted || ferror(stdout))
		w->over = 1;
}

static void say_again(struct watching *w, bool lost)
{
	static const char *const words[] = {
		"connected again; what changed meanwhile was not seen",
		"connected again, to a store that began anew",
	};

	if (w->probe->json) {
		probe_json_line(json_pack("{s:I,s:s,s:b}", "time_us",
			(json_int_t)now_us(), "connection", "again", "lost",
			(int)lost));
		return;
	}
	print_time(now_us());
	printf("%s-- %s --%s\n", table_colour(TABLE_WARN, w->probe->colour),
	       words[lost], table_plain(w->probe->colour));
	fflush(stdout);
}

/* ------------------------------------------------------------- values -- */

static void ask_values(struct watching *w);

/* Answers come in the order of requests, so it is the first that waits. */
static void value_done(void *arg, int result, const char *data, size_t len)
{
	struct event *e = arg;
	struct watching *w = e->all;

	w->first = e->next;
	if (!w->first)
		w->end = &w->first;
	w->waiting--;
	w->asked--;
	show(w, e->time, e->path, result, data, len);
	free(e);
	ask_values(w);
}

static void ask_values(struct watching *w)
{
	for (struct event *e = w->first; e && w->asked < ASKED_MAX;
	     e = e->next) {
		if (e->asked)
			continue;
		if (px_client_read(w->client, 0, e->path, value_done, e))
			return;
		e->asked = true;
		w->asked++;
	}
}

static struct event *event_new(struct watching *w, const char *path)
{
	size_t len = strlen(path) + 1;
	struct event *e = malloc(sizeof(*e) + len);

	if (!e)
		return NULL;
	memset(e, 0, sizeof(*e));
	memcpy(e->path, path, len);
	e->all = w;
	e->time = now_us();
	return e;
}

static void event_came(struct watching *w, const char *path)
{
	struct event *e = NULL;

	/* Names like @introduceDomain have no value. */
	if (w->probe->flag['v'] && w->waiting < WAITING_MAX && path[0] != '@')
		e = event_new(w, path);
	if (!e) {
		show(w, now_us(), path, 1, NULL, 0);
		return;
	}
	*w->end = e;
	w->end = &e->next;
	w->waiting++;
	ask_values(w);
}

/* ------------------------------------------------------------- events -- */

static void on_event(void *arg, int error, const char *path)
{
	struct watched *one = arg;
	struct watching *w = one->all;

	if (error) {
		fprintf(stderr, "xs-probe: %s: no watch: %s\n",
			one->watch.path, probe_words(error));
		w->error = error;
		w->over = 1;
		return;
	}
	if (one->fresh && !w->probe->flag['i']) {
		one->fresh = false;
		return;
	}
	event_came(w, path);
}

static void on_up(void *arg, enum px_client_up how)
{
	struct watching *w = arg;

	for (int i = 0; i < w->count; i++)
		w->list[i].fresh = true;
	if (w->starts++)
		say_again(w, how == PX_CLIENT_LOST);
	ask_values(w);
}

/* ----------------------------------------------------------- the loop -- */

static int open_client(struct watching *w)
{
	struct px_client_options options = {
		.watches = (unsigned int)w->count + 1,
		.backoff_min = BACKOFF_MIN,
		.backoff_max = BACKOFF_MAX,
		.up = on_up,
		.arg = w,
	};
	size_t size = px_client_size(&options);
	int ret;

	/* The connection so far only showed that somebody is there. */
	px_client_close(w->probe->client);
	w->memory = malloc(size);
	if (!w->memory)
		return -ENOMEM;
	ret = px_client_init(w->memory, size, &options, &w->client);
	if (!ret)
		ret = px_client_open(w->client, &w->probe->transport.base);
	return ret;
}

static int set_watches(struct watching *w, char **paths)
{
	int ret = 0;

	w->list = calloc((size_t)w->count, sizeof(*w->list));
	if (!w->list)
		return -ENOMEM;
	for (int i = 0; !ret && i < w->count; i++) {
		struct watched *one = &w->list[i];

		one->all = w;
		one->watch.path = paths[i];
		one->watch.depth = -1;
		one->watch.event = on_event;
		one->watch.arg = one;
		ret = px_client_watch(w->client, &one->watch);
	}
	return ret;
}

/* Until what was wanted was shown: 0, or -ETIMEDOUT. */
static int follow(struct watching *w)
{
	bool limited = w->probe->flag['T'];
	uint64_t end = px_client_now() + w->probe->number['T'] * SECOND;
	int ret = 0;

	while (!w->over) {
		uint64_t now = px_client_now();

		if (limited && now >= end)
			return -ETIMEDOUT;
		ret = px_client_wait(w->client, &w->over,
				     limited ? end - now : EVER);
		if (ret && ret != -ETIMEDOUT)
			return ret;
	}
	return 0;
}

static int watch_run(struct probe *probe, int argc, char **argv)
{
	struct watching w = {
		.probe = probe,
		.count = argc,
		.wanted = probe->number['n'],
	};
	int ret;

	w.end = &w.first;
	ret = open_client(&w);
	if (!ret)
		ret = set_watches(&w, argv);
	if (!ret)
		ret = follow(&w);
	if (w.client)
		px_client_close(w.client);
	/* Those asked for were ended by that; now the others. */
	while (w.first) {
		struct event *next = w.first->next;

		free(w.first);
		w.first = next;
	}
	free(w.memory);
	free(w.list);
	if (w.error)
		return PROBE_WRONG;
	if (ret == -ETIMEDOUT) {
		if (w.shown >= w.wanted)
			return PROBE_FINE;
		fprintf(stderr, "xs-probe: %" PRIu64 " of %" PRIu64
			" events came in time\n", w.shown, w.wanted);
		return PROBE_WRONG;
	}
	if (ret)
		fprintf(stderr, "xs-probe: watch: %s\n", probe_words(ret));
	return ret ? PROBE_UNREACHED : PROBE_FINE;
}

static int watch_look(struct probe *probe, int argc, char **argv)
{
	if (probe->flag['n'] && !probe->number['n'])
		return probe_usage("--count 0: watch for nothing?");
	for (int i = 0; i < argc; i++)
		if (!*argv[i] || strlen(argv[i]) > WIRE_ABS_PATH_MAX)
			return probe_usage("not a path: %s", argv[i]);
	return PROBE_FINE;
}

static const struct probe_option options[] = {
	{ 'n', "count", "N", "end after N events", UINT32_MAX },
	{ 'T', "for", "SECONDS", "end after so long; exit status 1 if fewer "
	  "than N came", UINT32_MAX },
	{ 'v', "value", NULL, "read and show the value behind each event" },
	{ 'i', "initial", NULL, "show the event that each watch begins with" },
	{ 0 }
};

const struct command watch_command = {
	.name = "watch",
	.arguments = "PATH...",
	.summary = "changes as they happen",
	.options = options,
	.args_min = 1,
	.args_max = 1024,
	.look = watch_look,
	.run = watch_run,
	.about =
"A line for each change at or below a PATH: local time and path.  PATH may be\n"
"@introduceDomain or @releaseDomain.  If the daemon is restarted the watches\n"
"are set again, which is said in a line of its own.  Ends with an interrupt, or\n"
"as --count and --for say.  A value is that of when it was read, right after\n"
"the event; equal events that wait for a slow reader may be merged to one.\n",
	.others =
"The same.  They do not tell whether their store began anew with a restart, as\n"
"it does; then everything that was there is gone without an event.\n",
	.examples =
"  xs-probe watch -v /local/domain/5/device\n"
"  xs-probe watch @introduceDomain @releaseDomain\n"
"  xs-probe watch --count 1 --for 30 /local/domain/5/data/ready && echo ready\n"
"  xs-probe watch --json / | jq -r .path\n",
	.json =
"  An object to a line, for each event:\n"
"  time_us     microseconds since 1970\n"
"  path        what changed\n"
"  value       with --value: a text, or {\"hex\": ...} if it is not UTF-8\n"
"  error       with --value, if there is none: \"ENOENT\": it was removed\n"
"  and when the daemon is reached again: time_us and\n"
"  connection  \"again\"\n"
"  lost        whether the store began anew\n",
};
