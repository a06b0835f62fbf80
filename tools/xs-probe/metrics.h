/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xs-probe metrics: what the daemon counts, as Prometheus' text format has it
 * (version 0.0.4), or the same as JSON.
 */
#ifndef XS_PROBE_METRICS_H
#define XS_PROBE_METRICS_H

#include "tools/xs-probe/load.h"
#include "tools/xs-probe/metrics_out.h"

struct metrics {
	struct pages status, host, ops, limits, quotas;
	struct load load;
};

/* As pages_read(); free it in any case. */
int metrics_read(struct probe *probe, struct metrics *m);
void metrics_free(struct metrics *m);

/* All families; proxenos_up is not among them. */
void metrics_print(struct metrics_out *out, const struct metrics *m);
void metrics_up(struct metrics_out *out, bool up);

#endif
