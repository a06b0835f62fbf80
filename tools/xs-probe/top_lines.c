/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of top; see top.h. */
#include "tools/xs-probe/top.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tools/xs-probe/party.h"

static void line_cut(struct top_line *line, int width)
{
	size_t len = strlen(line->text);

	if (width < TOP_LINE_MAX && len > (size_t)width)
		len = (size_t)width;
	while (len && line->text[len - 1] == ' ')
		len--;
	line->text[len] = '\0';
}

static void line_put(struct top_line *line, int width, const char *format,
		     ...) __attribute__((format(printf, 3, 4)));

static void line_put(struct top_line *line, int width, const char *format,
		     ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(line->text, sizeof(line->text), format, ap);
	va_end(ap);
	line->mark = TABLE_PLAIN;
	line_cut(line, width);
}

static const char *text_of(const struct pages *pages, const char *key)
{
	const char *text = pages->count ?
		record_text(pages->record, key) : NULL;

	return text ? text : "?";
}

/* "median A, 99% B" of what came since the last reading. */
static void quantiles(char *out, size_t size, const struct histogram *h)
{
	char half[16], most[16];

	if (!h->count) {
		snprintf(out, size, "nothing yet");
		return;
	}
	top_us(half, sizeof(half), histogram_quantile(h, 500));
	top_us(most, sizeof(most), histogram_quantile(h, 990));
	snprintf(out, size, "median %s, 99%% %s us", half, most);
	/* Where the unit is in the number it is not told again. */
	if (strpbrk(most, "ms"))
		snprintf(out, size, "median %s, 99%% %s", half, most);
}

void top_head(const struct top *top, struct top_line line[TOP_HEAD_LINES],
	      int width)
{
	const struct top_daemon *d = &top->daemon;
	char up[PARTY_MAX], age[PARTY_MAX], loop[64], latency[64], max[16];
	char passes[16], requests[16], events[16], journal[16];

	party_time(up, top_status(top, "uptime_us"));
	party_time(age, top_host(top, "checkpoint_age_us"));
	quantiles(loop, sizeof(loop), &d->loop_recent);
	quantiles(latency, sizeof(latency), &d->latency_recent);
	top_us(max, sizeof(max), (double)d->loop.max);
	top_short(passes, sizeof(passes), d->passes);
	top_short(requests, sizeof(requests), d->requests);
	top_short(events, sizeof(events), d->events);
	top_short(journal, sizeof(journal), (double)top_host(top, "journal"));
	line_put(&line[0], width, "proxenos %s, pid %s, up %s; domains %"
		 PRIu64 ", clients %" PRIu64 ", nodes %" PRIu64 ", watches %"
		 PRIu64, text_of(&d->status, "version"),
		 text_of(&d->host, "pid"), up, top_status(top, "domains"),
		 top_status(top, "sockets"), top_status(top, "nodes"),
		 top_status(top, "watches"));
	line_put(&line[1], width, "requests %s/s, events %s/s, conflicts "
		 "%.0f/s; latency %s", requests, events, d->conflicts,
		 latency);
	line_put(&line[2], width, "loop %s/s, %s, longest %s", passes, loop,
		 max);
	line_put(&line[3], width, "journal %s, checkpoint %s ago, restarts %"
		 PRIu64 "; in all refused %" PRIu64 ", events lost %" PRIu64,
		 journal, age, top_host(top, "restarts"),
		 top_status(top, "refused"), top_status(top, "lost"));
}

/* The columns that find room: by rank, as many as there is width for. */
static bool shown(unsigned int column, int width)
{
	int used = 0;

	for (unsigned int i = 0; i < top_column_count; i++) {
		const struct top_column *c = &top_columns[i];

		if (c->rank < top_columns[column].rank ||
		    (c->rank == top_columns[column].rank && i <= column))
			used += c->width + 1;
	}
	return used - 1 <= width;
}

static void put_cell(struct top_line *line, const struct top_column *c,
		     const char *text)
{
	size_t len = strlen(line->text);

	snprintf(line->text + len, sizeof(line->text) - len, "%s%*.*s",
		 len ? " " : "", c->left ? -c->width : c->width, c->width,
		 text);
}

void top_titles(const struct top *top, struct top_line *line, int width)
{
	line->text[0] = '\0';
	line->mark = TABLE_HEAD;
	for (unsigned int i = 0; i < top_column_count; i++) {
		char title[24];

		if (!shown(i, width))
			continue;
		snprintf(title, sizeof(title), "%s%s", i == top->sort ?
			 top->reverse ? "^" : "*" : "", top_columns[i].title);
		put_cell(line, &top_columns[i], title);
	}
	line_cut(line, width);
}

static enum table_mark row_mark(const struct top_row *row)
{
	const uint64_t *n = row->now->n;

	if (n[LOAD_RING_ERROR] || n[LOAD_REQ_FILL] > 1024 ||
	    n[LOAD_RSP_FILL] > 1024)
		return TABLE_BAD;
	for (unsigned int i = LOAD_NODES; i <= LOAD_OUTSTANDING; i += 2)
		if (n[i + 1] && n[i] >= n[i + 1] - n[i + 1] / 10)
			return n[i] >= n[i + 1] ? TABLE_BAD : TABLE_WARN;
	return n[LOAD_CONNECTION] || n[LOAD_UNREAD_US] > 1000000 ?
		TABLE_WARN : TABLE_PLAIN;
}

void top_row_line(const struct top_row *row, struct top_line *line,
		  int width)
{
	line->text[0] = '\0';
	line->mark = row_mark(row);
	for (unsigned int i = 0; i < top_column_count; i++) {
		char text[64];

		if (!shown(i, width))
			continue;
		top_columns[i].text(text, sizeof(text), row);
		put_cell(line, &top_columns[i], text);
	}
	line_cut(line, width);
}
