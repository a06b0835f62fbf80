/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables for people: cells are gathered, then printed in aligned columns.
 * Colour only ever repeats what the text says, so nothing is lost without.
 */
#ifndef XS_PROBE_TABLE_H
#define XS_PROBE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define TABLE_COLUMNS_MAX 24

enum table_mark {
	TABLE_PLAIN,
	TABLE_HEAD,	/* bold */
	TABLE_WARN,	/* yellow: look at this */
	TABLE_BAD,	/* red: something is wrong */
	TABLE_GOOD,	/* green: a verdict */
};

struct table_column {
	const char *title;
	bool right;	/* aligned: numbers */
};

struct table_cell {
	char *text;
	enum table_mark mark;
};

struct table {
	const struct table_column *columns;
	unsigned int count;
	struct table_cell *cells;
	size_t used;		/* cells, whole rows at print time */
	size_t room;
	bool failed;		/* memory ran out; printing says so */
};

/* `columns` is kept, not copied; count is at most TABLE_COLUMNS_MAX. */
void table_init(struct table *table, const struct table_column *columns,
		unsigned int count);
/* The next cell, row by row.  Bytes that are not printable become '?'. */
void table_add(struct table *table, enum table_mark mark,
	       const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/*
 * Print title and rows, cells two blanks apart, no blanks at line ends.  A
 * row that is not complete is left out.  0 or -ENOMEM.
 */
int table_print(const struct table *table, FILE *out, bool colour);
void table_free(struct table *table);

/* Start and end of a mark for text outside tables; "" without colour. */
const char *table_colour(enum table_mark mark, bool colour);
const char *table_plain(bool colour);

#endif
