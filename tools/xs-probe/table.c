/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Aligned columns; see table.h. */
#include "config.h"

#include "tools/xs-probe/table.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char *const colours[] = {
	[TABLE_PLAIN] = "",
	[TABLE_HEAD] = "\033[1m",
	[TABLE_WARN] = "\033[33m",
	[TABLE_BAD] = "\033[31m",
	[TABLE_GOOD] = "\033[32m",
};

const char *table_colour(enum table_mark mark, bool colour)
{
	return colour ? colours[mark] : "";
}

const char *table_plain(bool colour)
{
	return colour ? "\033[0m" : "";
}

void table_init(struct table *table, const struct table_column *columns,
		unsigned int count)
{
	memset(table, 0, sizeof(*table));
	table->columns = columns;
	table->count = count < TABLE_COLUMNS_MAX ? count : TABLE_COLUMNS_MAX;
}

static bool make_room(struct table *table)
{
	size_t room = table->room ? 2 * table->room : 64;
	struct table_cell *cells;

	if (table->used < table->room)
		return true;
	cells = reallocarray(table->cells, room, sizeof(*cells));
	if (!cells)
		return false;
	table->cells = cells;
	table->room = room;
	return true;
}

void table_add(struct table *table, enum table_mark mark,
	       const char *format, ...)
{
	char *text = NULL;
	va_list ap;
	int len;

	va_start(ap, format);
	len = vasprintf(&text, format, ap);
	va_end(ap);
	if (len < 0 || !make_room(table)) {
		if (len >= 0)
			free(text);
		table->failed = true;
		return;
	}
	for (char *at = text; *at; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
	table->cells[table->used].text = text;
	table->cells[table->used++].mark = mark;
}

static void print_cell(FILE *out, const struct table *table,
		       unsigned int column, const char *text,
		       enum table_mark mark, size_t width, bool colour)
{
	bool last = column + 1 == table->count;
	int pad = (int)(width - strlen(text));
	bool marked = colour && mark != TABLE_PLAIN;

	if (table->columns[column].right)
		fprintf(out, "%*s", pad, "");
	fprintf(out, "%s%s%s", marked ? colours[mark] : "", text,
		marked ? "\033[0m" : "");
	if (last)
		fputc('\n', out);
	else
		fprintf(out, "%*s", table->columns[column].right ? 2 : pad + 2,
			"");
}

int table_print(const struct table *table, FILE *out, bool colour)
{
	size_t width[TABLE_COLUMNS_MAX];
	size_t cells;

	if (table->failed)
		return -ENOMEM;
	if (!table->count)
		return 0;
	cells = table->used - table->used % table->count;
	for (unsigned int i = 0; i < table->count; i++)
		width[i] = strlen(table->columns[i].title);
	for (size_t i = 0; i < cells; i++) {
		size_t len = strlen(table->cells[i].text);

		if (len > width[i % table->count])
			width[i % table->count] = len;
	}
	for (unsigned int i = 0; i < table->count; i++)
		print_cell(out, table, i, table->columns[i].title, TABLE_HEAD,
			   width[i], colour);
	for (size_t i = 0; i < cells; i++)
		print_cell(out, table, (unsigned int)(i % table->count),
			   table->cells[i].text, table->cells[i].mark,
			   width[i % table->count], colour);
	return 0;
}

void table_free(struct table *table)
{
	for (size_t i = 0; i < table->used; i++)
		free(table->cells[i].text);
	free(table->cells);
	table->cells = NULL;
	table->used = 0;
	table->room = 0;
}
