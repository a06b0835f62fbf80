/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xs-probe top: two readings of the daemon's counters, what lies between them
 * as rates, and this as lines of text.  The lines go to a terminal
 * (top_screen.c) or, with --batch, to stdout; JSON is made from the same.
 */
#ifndef XS_PROBE_TOP_H
#define XS_PROBE_TOP_H

#include "tools/xs-probe/load.h"
#include "tools/xs-probe/table.h"

#define TOP_NAME_MAX 24
#define TOP_LINE_MAX 512

/* One domain, or all clients of the socket. */
struct top_row {
	const struct load_row *now;
	char name[TOP_NAME_MAX];
	double rate[LOAD_FIELDS];	/* per second; of counters */
	struct histogram recent;	/* latencies since the last reading */
};

/* The daemon itself; numbers of `status` and `host` by their keys. */
struct top_daemon {
	struct pages status, host;
	struct histogram loop, latency;
	double passes, requests, events, conflicts;	/* per second */
	struct histogram loop_recent, latency_recent;
};

struct top_name {
	uint32_t domid;
	char name[TOP_NAME_MAX];
};

struct top {
	struct probe *probe;
	double interval;		/* seconds */
	double between;			/* of the two readings, as it was */
	uint64_t readings;
	struct load before, now;
	struct top_daemon daemon, daemon_before;
	struct top_row *row;		/* those that are shown, in order */
	size_t rows;
	struct top_name *name;		/* of all domains seen */
	size_t names;
	unsigned int sort;		/* a column */
	bool reverse;
	char filter[TOP_NAME_MAX];
};

/* -------------------------------------------------------- top_model.c -- */

/* Read once more, and work out the rates.  As pages_read(). */
int top_read(struct top *top);
void top_free(struct top *top);
/* Choose and order the rows anew, after sort, reverse or filter changed. */
int top_arrange(struct top *top);
/* A number of `status` or `host`; 0 if it is not there. */
uint64_t top_status(const struct top *top, const char *key);
uint64_t top_host(const struct top *top, const char *key);

/* ------------------------------------------------------- top_column.c -- */

struct top_column {
	const char *key;	/* for --sort */
	const char *title;
	int width;		/* of the column; numbers stand at its right */
	bool left;
	unsigned int rank;	/* the highest go first on a narrow screen */
	const char *meaning;
	double (*value)(const struct top_row *row);	/* NULL: its name */
	void (*text)(char *out, size_t size, const struct top_row *row);
};

extern const struct top_column top_columns[];
extern const unsigned int top_column_count;
/* The column of that key, or -1. */
int top_column_find(const char *key);
/* "5", or "sock" for the clients of the socket. */
void top_who(char *out, size_t size, const struct top_row *row);
/* "1.2k", "3.4M": at most five letters. */
void top_short(char *out, size_t size, double v);
/* Microseconds: "850", "12.3m" (milliseconds), "1.5s". */
void top_us(char *out, size_t size, double us);

/* -------------------------------------------------------- top_lines.c -- */

struct top_line {
	char text[TOP_LINE_MAX];
	enum table_mark mark;
};

#define TOP_HEAD_LINES 4u
/* The daemon's lines, the column titles, and one row, `width` letters each. */
void top_head(const struct top *top, struct top_line line[TOP_HEAD_LINES],
	      int width);
void top_titles(const struct top *top, struct top_line *line, int width);
void top_row_line(const struct top_row *row, struct top_line *line,
		  int width);

/* ------------------------------------------------------- top_detail.c -- */

#define TOP_DETAIL_LINES 120u
/* All that is known of a row; returns how many lines. */
unsigned int top_detail(const struct top *top, const struct top_row *row,
			struct top_line line[TOP_DETAIL_LINES]);
unsigned int top_help(struct top_line line[TOP_DETAIL_LINES]);

/* --------------------------------------------- top_json.c, top_screen.c -- */

json_t *top_json(const struct top *top);
/* Until the user leaves.  A probe_exit. */
int top_screen(struct top *top);

#endif
