/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xs-probe metrics: what the daemon counts, as Prometheus' text format has it
 * (version 0.0.4).
 */
#ifndef XS_PROBE_METRICS_H
#define XS_PROBE_METRICS_H

#include <stdio.h>

#include "tools/xs-probe/load.h"

struct metrics {
	struct pages status, host, ops, limits, quotas;
	struct load load;
};

/* As pages_read(); free it in any case. */
int metrics_read(struct probe *probe, struct metrics *m);
void metrics_free(struct metrics *m);

/* All families; proxenos_up is not among them. */
void metrics_print(FILE *out, const struct metrics *m);
void metrics_up(FILE *out, bool up);

#endif
