/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Samples into medians, medians into ratios, and both onto paper. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "tools/xs-bench/row.h"

/* Print the row's table; if json is not NULL append it there. */
void report_row(FILE *out, const struct row *row, struct side *sides,
		json_t *json);

#endif
