/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One reading of top as an object. */
#include "tools/xs-probe/top.h"

#include <string.h>

static void set_number(json_t *object, const char *key, uint64_t v)
{
	json_object_set_new(object, key, json_integer((json_int_t)v));
}

/* Rates to a hundredth, times to a tenth of a microsecond. */
static void set_real(json_t *object, const char *key, double v)
{
	json_object_set_new(object, key,
			    json_real((double)(int64_t)(v * 100 + 0.5) / 100));
}

static void set_quantiles(json_t *object, const char *p50, const char *p99,
			  const struct histogram *h)
{
	set_real(object, p50, histogram_quantile(h, 500));
	set_real(object, p99, histogram_quantile(h, 990));
}

static const struct {
	enum load_field field;
	const char *key;
} rates[] = {
	{ LOAD_REQUESTS, "requests_s" },
	{ LOAD_ERRORS, "errors_s" },
	{ LOAD_BYTES_IN, "bytes_in_s" },
	{ LOAD_BYTES_OUT, "bytes_out_s" },
	{ LOAD_EVENTS, "events_s" },
	{ LOAD_MERGED, "merged_s" },
	{ LOAD_LOST, "lost_s" },
	{ LOAD_CONFLICTS, "conflicts_s" },
	{ LOAD_REFUSED, "refused_s" },
};

static const char *const kinds[] = { "none", "ring", "sockets" };

static json_t *row_json(const struct top_row *row)
{
	json_t *object = json_object();

	set_number(object, "domid", row->now->domid);
	json_object_set_new(object, "kind", json_string(kinds[row->now->kind]));
	json_object_set_new(object, "name", record_json_bytes(row->name,
						strlen(row->name)));
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
		set_real(object, rates[i].key, row->rate[rates[i].field]);
	for (unsigned int i = 0; i < LOAD_FIELDS; i++)
		set_number(object, load_key[i], row->now->n[i]);
	set_quantiles(object, "p50_us", "p99_us", &row->recent);
	return object;
}

json_t *top_json(const struct top *top)
{
	static const char *const status[] = {
		"uptime_us", "nodes", "domains", "sockets", "watches",
		"transactions", "refused", "lost",
	};
	static const char *const host[] = {
		"journal", "checkpoints", "checkpoint_age_us", "restarts",
	};
	json_t *daemon = json_object(), *list = json_array();

	for (size_t i = 0; i < sizeof(status) / sizeof(status[0]); i++)
		set_number(daemon, status[i], top_status(top, status[i]));
	for (size_t i = 0; i < sizeof(host) / sizeof(host[0]); i++)
		set_number(daemon, host[i], top_host(top, host[i]));
	set_real(daemon, "passes_s", top->daemon.passes);
	set_real(daemon, "requests_s", top->daemon.requests);
	set_real(daemon, "events_s", top->daemon.events);
	set_real(daemon, "conflicts_s", top->daemon.conflicts);
	set_quantiles(daemon, "loop_p50_us", "loop_p99_us",
		      &top->daemon.loop_recent);
	set_number(daemon, "loop_max_us", top->daemon.loop.max);
	set_quantiles(daemon, "p50_us", "p99_us", &top->daemon.latency_recent);
	for (size_t i = 0; i < top->rows; i++)
		json_array_append_new(list, row_json(&top->row[i]));
	return json_pack("{s:f,s:o,s:o}", "seconds", top->between, "daemon",
			 daemon, "rows", list);
}
