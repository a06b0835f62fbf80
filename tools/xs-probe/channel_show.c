/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xs-probe channel list, show and watch: what the store says. */
#include "tools/xs-probe/channel.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/channel_reason.h"
#include "tools/xs-probe/channel_ends.h"
#include "tools/xs-probe/ls.h"
#include "tools/xs-probe/record.h"

static const struct table_column columns[] = {
	{ "DOMID", true }, { "PEER", true }, { "NAME", false },
	{ "STATE", false }, { "EPOCH", false }, { "BOUND", false },
	{ "SENT", true }, { "GOT", true }, { "UNACKED", true },
	{ "WINDOW", true }, { "BEAT", true }, { "AGE", true },
	{ "LEASE", true }, { "REASON", false }, { "REMARK", false },
};
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

/* ---------------------------------------------------------------- one -- */

/* "0.3 s"; ">0.3 s" if no change was seen; "-" if not looked at twice. */
static const char *age_words(const struct channel_end *e, char text[32])
{
	if (!e->since && !e->changed)
		return "-";
	snprintf(text, 32, "%s%" PRIu64 ".%" PRIu64 "s", e->changed ? "" :
		 ">", e->since / 1000000, e->since / 100000 % 10);
	return text;
}

static void add_row(struct table *t, const struct channel_ends *ends,
		    const struct channel_end *e)
{
	char text[48];
	enum table_mark mark;
	const char *remark = channel_end_remark(ends, e, &mark);
	uint64_t unacked;

	table_add(t, TABLE_PLAIN, "%u", e->domid);
	table_add(t, TABLE_PLAIN, "%u", e->peer);
	table_add(t, TABLE_PLAIN, "%s", e->name);
	table_add(t, mark == TABLE_BAD ? mark : TABLE_PLAIN, "%s",
		  channel_end_state(e));
	if (!e->good) {
		for (size_t i = 4; i < COLUMNS - 1; i++)
			table_add(t, TABLE_PLAIN, "-");
		table_add(t, mark, "%s", remark);
		return;
	}
	table_add(t, TABLE_PLAIN, "%s", channel_epoch_short(&e->st.me, text));
	table_add(t, TABLE_PLAIN, "%s", channel_epoch_short(&e->st.you,
							    text));
	table_add(t, TABLE_PLAIN, "%" PRIu64, e->next);
	table_add(t, TABLE_PLAIN, "%" PRIu64, e->wanted);
	if (channel_end_unacked(e, &unacked))
		table_add(t, TABLE_PLAIN, "%" PRIu64, unacked);
	else
		table_add(t, TABLE_PLAIN, "-");
	table_add(t, TABLE_PLAIN, "%u", e->st.window);
	table_add(t, TABLE_PLAIN, "%" PRIu64, e->st.beat);
	table_add(t, mark == TABLE_BAD ? mark : TABLE_PLAIN, "%s",
		  age_words(e, text));
	table_add(t, TABLE_PLAIN, "%" PRIu32, e->st.lease);
	table_add(t, TABLE_PLAIN, "%s",
		  channel_reason_name(e->st.reason));
	table_add(t, mark, "%s", *remark ? remark : "-");
}

static json_t *epoch_json(const struct channel_epoch *e)
{
	char text[80];
	int at;

	if (!channel_epoch_set(e))
		return json_null();
	at = snprintf(text, sizeof(text), "%" PRIu64 ".%" PRIu32 "-", e->inc,
		      e->cnt);
	for (size_t i = 0; i < sizeof(e->random); i++)
		at += snprintf(text + at, sizeof(text) - (size_t)at, "%02x",
			       e->random[i]);
	return json_string(text);
}

static json_t *end_json(const struct channel_ends *ends,
			const struct channel_end *e)
{
	enum table_mark mark;
	uint64_t unacked;
	bool known = channel_end_unacked(e, &unacked);
	json_t *o = json_pack("{s:i,s:i,s:s,s:o,s:s,s:s}", "domid", e->domid,
		"peer", e->peer, "name", e->name, "text",
		record_json_bytes(e->text, e->len), "state",
		channel_end_state(e), "remark",
		channel_end_remark(ends, e, &mark));
	json_t *more;

	if (!o || !e->good)
		return o;
	more = json_pack("{s:o,s:o,s:b,s:I,s:I,s:o,s:i,s:I,s:o,s:I,s:s,s:s}",
		"epoch", epoch_json(&e->st.me),
		"bound", epoch_json(&e->st.you),
		"mutual", (int)channel_end_is_mutual(e),
		"next", (json_int_t)e->next, "wanted", (json_int_t)e->wanted,
		"unacked", known ? json_integer((json_int_t)unacked) :
				   json_null(),
		"window", (int)e->st.window, "beat", (json_int_t)e->st.beat,
		"age_us", e->since || e->changed ?
			  json_integer((json_int_t)e->since) : json_null(),
		"lease_ms", (json_int_t)e->st.lease,
		"generation", e->st.generation,
		"reason", channel_reason_name(e->st.reason));
	json_object_update(o, more);
	json_decref(more);
	return o;
}

/* --------------------------------------------------------- list, show -- */

/* Once, or twice with --wait between. */
static int look(struct probe *probe, struct channel_ends *ends)
{
	struct channel_ends before;
	int err = channel_ends_read(probe, ends);

	if (err || !probe->flag['w'])
		return err;
	before = *ends;
	channel_catch_signals();
	channel_pass(probe->number['w'] * 1000);
	err = channel_ends_read(probe, ends);
	channel_ends_since(ends, &before);
	channel_ends_free(&before);
	return err;
}

static bool is_bad(const struct channel_ends *ends,
		   const struct channel_end *e)
{
	enum table_mark mark;

	channel_end_remark(ends, e, &mark);
	return mark == TABLE_BAD;
}

static int list_json(const struct channel_ends *ends,
		     const struct channel_end *only)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < ends->count; i++) {
		const struct channel_end *e = &ends->end[i];

		if (!only || e == only || e == only->other)
			json_array_append_new(list, end_json(ends, e));
	}
	return probe_json(json_pack("{s:o}", "ends", list));
}

int channel_list(struct probe *probe, int argc, char **argv)
{
	struct channel_ends ends;
	struct table table;
	int ret = look(probe, &ends);

	if (ret) {
		ret = probe_failed(probe, "channel list", ret);
	} else if (probe->json) {
		ret = list_json(&ends, NULL);
	} else if (!ends.count) {
		puts("There are no channels.");
	} else {
		table_init(&table, columns, COLUMNS);
		for (size_t i = 0; i < ends.count; i++)
			add_row(&table, &ends, &ends.end[i]);
		ret = table_print(&table, stdout, probe->colour);
		table_free(&table);
		if (ret)
			ret = probe_failed(probe, "channel list", ret);
	}
	for (size_t i = 0; !ret && i < ends.count; i++)
		if (is_bad(&ends, &ends.end[i]))
			ret = PROBE_WRONG;
	channel_ends_free(&ends);
	return ret;
}

static const struct table_column show_columns[] = {
	{ "WHAT", false }, { "THIS END", false }, { "ITS PEER", false },
};

/* One row of show: the same cell of both ends. */
static void show_row(struct table *t, const char *what, const char *one,
		     const char *other)
{
	table_add(t, TABLE_PLAIN, "%s", what);
	table_add(t, TABLE_PLAIN, "%s", one);
	table_add(t, TABLE_PLAIN, "%s", other);
}

enum { CELL = 96, FIELDS = 12 };

static void cells(const struct channel_ends *ends, const struct channel_end *e,
		  char cell[FIELDS][CELL])
{
	enum table_mark mark;
	uint64_t n;
	char text[48];

	memset(cell, 0, FIELDS * CELL);
	if (!e)
		return;
	snprintf(cell[0], CELL, "%u", e->domid);
	snprintf(cell[1], CELL, "%s", channel_end_state(e));
	snprintf(cell[11], CELL, "%s", channel_end_remark(ends, e, &mark));
	if (!*cell[11])
		cell[11][0] = '-';
	if (!e->good)
		return;
	snprintf(cell[2], CELL, "%s", channel_epoch_short(&e->st.me, text));
	snprintf(cell[3], CELL, "%s", channel_epoch_short(&e->st.you, text));
	snprintf(cell[4], CELL, "%" PRIu64, e->next);
	snprintf(cell[5], CELL, "%" PRIu64, e->wanted);
	if (channel_end_unacked(e, &n))
		snprintf(cell[6], CELL, "%" PRIu64 " of %u", n, e->st.window);
	snprintf(cell[7], CELL, "%" PRIu64 ", %s ago", e->st.beat,
		 age_words(e, text));
	snprintf(cell[8], CELL, "%" PRIu32 " ms", e->st.lease);
	snprintf(cell[9], CELL, "%s", channel_reason_name(e->st.reason));
	snprintf(cell[10], CELL, "%s", e->st.generation);
}

static int show(struct probe *probe, const struct channel_ends *ends,
		const struct channel_end *e)
{
	static const char *const what[FIELDS] = {
		"domain", "state", "epoch", "bound to", "sent", "got",
		"unacked", "heartbeats", "lease", "last left", "store",
		"remark",
	};
	char mine[FIELDS][CELL], theirs[FIELDS][CELL];
	struct table table;
	int ret;

	cells(ends, e, mine);
	cells(ends, e->other, theirs);
	printf("Channel %s, domains %u and %u\n\n", e->name, e->domid,
	       e->peer);
	table_init(&table, show_columns, 3);
	for (size_t i = 0; i < FIELDS; i++)
		show_row(&table, what[i], mine[i], theirs[i]);
	ret = table_print(&table, stdout, probe->colour);
	table_free(&table);
	printf("\nIts status: ");
	ls_print_escaped(stdout, e->text, e->len);
	putchar('\n');
	return ret ? probe_failed(probe, "channel show", ret) : PROBE_FINE;
}

int channel_show(struct probe *probe, int argc, char **argv)
{
	struct channel_ends ends;
	const struct channel_end *e = NULL;
	int ret = look(probe, &ends);

	if (!ret) {
		e = channel_ends_path(&ends, argv[0]);
		ret = e ? 0 : -ENOENT;
	}
	if (ret)
		ret = probe_failed(probe, argv[0], ret);
	else
		ret = probe->json ? list_json(&ends, e) :
				    show(probe, &ends, e);
	if (!ret && (is_bad(&ends, e) || (e->other &&
					  is_bad(&ends, e->other))))
		ret = PROBE_WRONG;
	channel_ends_free(&ends);
	return ret;
}

/* -------------------------------------------------------------- watch -- */

static void tell(struct probe *probe, const struct channel_ends *ends,
		 const struct channel_end *e, bool gone)
{
	struct timespec now;
	struct tm tm;
	char text[48] = "?", bound[48];
	enum table_mark mark;
	json_t *o;

	clock_gettime(CLOCK_REALTIME, &now);
	if (probe->json) {
		o = end_json(ends, e);
		json_object_set_new(o, "time_us", json_integer(
			(json_int_t)now.tv_sec * 1000000 +
			now.tv_nsec / 1000));
		if (gone)
			json_object_set_new(o, "state", json_string("gone"));
		probe_json_line(o);
		return;
	}
	if (localtime_r(&now.tv_sec, &tm))
		strftime(text, sizeof(text), "%H:%M:%S", &tm);
	printf("%s.%03ld  %u->%u %s: ", text, now.tv_nsec / 1000000,
	       e->domid, e->peer, e->name);
	if (gone || !e->good) {
		puts(gone ? "gone" : "garbage");
	} else {
		const char *remark = channel_end_remark(ends, e, &mark);

		printf("%s, epoch %s, bound to %s, last left: %s%s%s%s%s\n",
		       channel_end_state(e),
		       channel_epoch_short(&e->st.me, text),
		       channel_epoch_short(&e->st.you, bound),
		       channel_reason_name(e->st.reason),
		       *remark ? ", " : "",
		       table_colour(mark, probe->colour), remark,
		       table_plain(probe->colour));
	}
	fflush(stdout);
}

/* Messages and heartbeats are no news; a life, a binding, a remark are. */
static bool is_news(const struct channel_ends *ends,
		    const struct channel_end *e,
		    const struct channel_ends *before,
		    const struct channel_end *was)
{
	enum table_mark mark;

	return !was || was->good != e->good ||
	       (e->good && (was->st.says != e->st.says ||
			    !channel_epoch_is(&was->st.me, &e->st.me) ||
			    !channel_epoch_is(&was->st.you, &e->st.you))) ||
	       strcmp(channel_end_remark(ends, e, &mark),
		      channel_end_remark(before, was, &mark)) != 0;
}

/* True if one of those looked at is bad. */
static bool compare(struct probe *probe, const struct channel_ends *ends,
		    const struct channel_ends *before, const char *path,
		    bool silent)
{
	const struct channel_end *e, *was;
	bool bad = false;

	for (size_t i = 0; i < ends->count; i++) {
		e = &ends->end[i];
		if (path && e != channel_ends_path(ends, path))
			continue;
		was = channel_ends_find(before, e->domid, e->peer, e->name);
		bad |= is_bad(ends, e);
		if (!silent && is_news(ends, e, before, was))
			tell(probe, ends, e, false);
	}
	for (size_t i = 0; i < before->count; i++) {
		was = &before->end[i];
		if (path && was != channel_ends_path(before, path))
			continue;
		if (!channel_ends_find(ends, was->domid, was->peer,
				       was->name))
			tell(probe, before, was, true);
	}
	return bad;
}

int channel_watch(struct probe *probe, int argc, char **argv)
{
	uint64_t every = probe->flag['i'] ? probe->number['i'] : 1000;
	struct channel_ends ends, before = { 0 };
	const char *path = argc ? argv[0] : NULL;
	bool bad = false;
	int ret = 0;

	channel_catch_signals();
	for (uint64_t n = 0; !channel_interrupted &&
	     (!probe->flag['c'] || n < probe->number['c']); n++) {
		if (n)
			channel_pass(every * 1000);
		ret = channel_ends_read(probe, &ends);
		if (!ret) {
			if (n)
				channel_ends_since(&ends, &before);
			bad = compare(probe, &ends, &before, path,
				      !n && probe->flag['q']);
		}
		channel_ends_free(&before);
		before = ends;
		if (ret)
			break;
	}
	channel_ends_free(&before);
	if (ret)
		return probe_failed(probe, "channel watch", ret);
	return bad ? PROBE_WRONG : PROBE_FINE;
}
