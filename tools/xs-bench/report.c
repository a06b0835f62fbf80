// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Only medians are compared: on a shared machine the mean and the 99th
 * percentile carry the host's own gaps, and the latter is shown so that one
 * sees how large they were.
 */
#include "tools/xs-bench/report.h"

#include <math.h>
#include <stdlib.h>

struct figure {
	double median[SIDE_COUNT], tail[SIDE_COUNT];	/* NAN: none */
	double ratio;					/* NAN: none */
	const char *against;
	bool met;
};

static int report_order(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double report_rank(const struct samples *m, double rank)
{
	if (!m->count)
		return NAN;
	return m->value[(size_t)(rank * (double)(m->count - 1) + 0.5)];
}

static void report_sort(struct figure *f, const struct metric *m,
			struct side *sides, unsigned int index)
{
	for (unsigned int i = 0; i < SIDE_COUNT; i++) {
		struct samples *s = &sides[i].metric[index];

		if (s->count)
			qsort(s->value, s->count, sizeof(double),
			      report_order);
		f->median[i] = report_rank(s, 0.5);
		f->tail[i] = report_rank(s, m->more ? 0.01 : 0.99);
	}
}

/* The better of those that are there. */
static double report_better(const struct figure *f, bool more)
{
	double a = f->median[SIDE_STOCK], b = f->median[SIDE_OCAML];

	return more ? fmax(a, b) : fmin(a, b);
}

static void report_ratio(struct figure *all, const struct metric *m,
			 unsigned int index)
{
	static const char *const against[] = {
		[GOAL_NONE] = "", [GOAL_ECHO] = "echo",
		[GOAL_PEER] = "better peer", [GOAL_BASE] = "without",
		[GOAL_BARE] = "no journal", [GOAL_VALUE] = "",
	};
	struct figure *f = &all[index];
	double ours = f->median[SIDE_OURS];

	f->against = against[m->kind];
	f->ratio = NAN;
	switch (m->kind) {
	case GOAL_NONE:
		return;
	case GOAL_ECHO:
		f->ratio = ours / f->median[SIDE_ECHO];
		break;
	case GOAL_PEER:
		f->ratio = ours / report_better(f, m->more);
		break;
	case GOAL_BASE:
		f->ratio = ours / all[m->base].median[SIDE_OURS];
		break;
	case GOAL_BARE:
		f->ratio = ours / f->median[SIDE_BARE];
		break;
	case GOAL_VALUE:
		f->ratio = ours;
		break;
	}
	f->met = m->more ? f->ratio >= m->goal : f->ratio <= m->goal;
}

static void report_number(FILE *out, double v)
{
	if (isnan(v))
		fprintf(out, " %10s", "-");
	else
		fprintf(out, " %10.*f", fabs(v) >= 1000 ? 0 :
			fabs(v) >= 10 ? 1 : 3, v);
}

static void report_metric(FILE *out, const struct row *row,
			  const struct metric *m, const struct figure *f)
{
	char what[64];

	snprintf(what, sizeof(what), "%s%s%s", m->name, *m->unit ? ", " : "",
		 m->unit);
	fprintf(out, "  %-26s", what);
	for (unsigned int i = 0; i < SIDE_COUNT; i++)
		if (row->sides & SIDE_BIT(i))
			report_number(out, f->median[i]);
	if (!isnan(f->ratio)) {
		report_number(out, f->ratio);
		fprintf(out, " %s %g %s", m->more ? ">=" : "<=", m->goal,
			f->against);
		fprintf(out, "%s", f->met ? "  met" : "  NOT MET");
	}
	fprintf(out, "\n  %26s", m->more ? "1st percentile" :
		"99th percentile");
	for (unsigned int i = 0; i < SIDE_COUNT; i++)
		if (row->sides & SIDE_BIT(i))
			report_number(out, f->tail[i]);
	fputc('\n', out);
}

static json_t *report_real(double v)
{
	return isnan(v) || isinf(v) ? json_null() : json_real(v);
}

static json_t *report_json(const struct row *row, const struct metric *m,
			   const struct figure *f)
{
	json_t *o = json_object(), *sides = json_object();

	json_object_set_new(o, "row", json_string(row->name));
	json_object_set_new(o, "what", json_string(row->what));
	json_object_set_new(o, "name", json_string(m->name));
	json_object_set_new(o, "unit", json_string(m->unit));
	json_object_set_new(o, "more_is_better", json_boolean(m->more));
	for (unsigned int i = 0; i < SIDE_COUNT; i++) {
		json_t *s;

		if (!(row->sides & SIDE_BIT(i)) || isnan(f->median[i]))
			continue;
		s = json_object();
		json_object_set_new(s, "median", report_real(f->median[i]));
		json_object_set_new(s, "tail", report_real(f->tail[i]));
		json_object_set_new(sides, side_names[i], s);
	}
	json_object_set_new(o, "sides", sides);
	if (m->kind == GOAL_NONE)
		return o;
	json_object_set_new(o, "ratio", report_real(f->ratio));
	json_object_set_new(o, "against", json_string(f->against));
	json_object_set_new(o, "goal", json_real(m->goal));
	json_object_set_new(o, "met", json_boolean(f->met));
	return o;
}

void report_row(FILE *out, const struct row *row, struct side *sides,
		json_t *json)
{
	struct figure figures[SIDE_METRICS] = { 0 };
	unsigned int n = 0;

	for (; n < SIDE_METRICS && row->metric[n].name; n++)
		report_sort(&figures[n], &row->metric[n], sides, n);
	fprintf(out, "\n%s: %s\n  %26s", row->name, row->what, "");
	for (unsigned int i = 0; i < SIDE_COUNT; i++)
		if (row->sides & SIDE_BIT(i))
			fprintf(out, " %10s", side_names[i]);
	fprintf(out, " %10s goal\n", "ratio");
	for (unsigned int i = 0; i < n; i++) {
		report_ratio(figures, &row->metric[i], i);
		report_metric(out, row, &row->metric[i], &figures[i]);
		if (json)
			json_array_append_new(json, report_json(row,
					&row->metric[i], &figures[i]));
	}
	fflush(out);
}
