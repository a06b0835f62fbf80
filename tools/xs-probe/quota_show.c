/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xs-probe quota show: limits, who is near them, who was refused what. */
#include "tools/xs-probe/quota.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocol/cursor.h"
#include "protocol/wire.h"
#include "tools/xs-probe/pages.h"
#include "tools/xs-probe/party.h"
#include "tools/xs-probe/table.h"

#define RECENT_US 600000000u

/* What is shown, as it was read. */
struct quotas {
	struct pages limits, load, refusals;
};

static const struct table_column limit_columns[] = {
	{ "QUOTA", false }, { "LIMIT", true }, { "MEANING", false },
};

static const struct table_column use_columns[] = {
	{ "DOMID", true }, { "QUOTA", false }, { "USED", true },
	{ "LIMIT", true }, { "OF IT", true },
};

static const struct table_column refusal_columns[] = {
	{ "DOMID", true }, { "REFUSED", false }, { "LIMIT", true },
	{ "TIMES", true }, { "SINCE", true }, { "LAST", true },
	{ "PATH", false },
};

static const char *or_dash(const char *text)
{
	return text ? text : "-";
}

/* Use and limit of a counted quota in a record of `load`. */
static bool use_of(const struct record *load, const char *quota,
		   uint64_t *used, uint64_t *limit)
{
	char key[64];

	snprintf(key, sizeof(key), "%s_max", quota);
	record_number(load, key, limit);
	return record_number(load, quota, used);
}

static bool near(uint64_t used, uint64_t limit)
{
	return limit && used >= limit - limit / 5;
}

/* The next use of 80 % or more, from *at (domain, then quota) on. */
static bool next_near(const struct quotas *q, size_t *at, const char **quota,
		      const struct record **load, uint64_t *used,
		      uint64_t *limit)
{
	size_t limits = q->limits.count;

	for (; limits && *at < limits * q->load.count; (*at)++) {
		*load = &q->load.record[*at / limits];
		*quota = record_text(&q->limits.record[*at % limits],
				     "quota");
		if (*quota && use_of(*load, *quota, used, limit) &&
		    near(*used, *limit)) {
			(*at)++;
			return true;
		}
	}
	return false;
}

static int verdict(const struct quotas *q)
{
	const struct record *load;
	uint64_t used, limit, last;
	const char *quota;
	size_t at = 0;

	while (next_near(q, &at, &quota, &load, &used, &limit))
		if (used >= limit)
			return PROBE_WRONG;
	for (size_t i = 0; i < q->refusals.count; i++)
		if (record_number(&q->refusals.record[i], "last_us", &last) &&
		    last <= RECENT_US)
			return PROBE_WRONG;
	return PROBE_FINE;
}

/* --------------------------------------------------------- all of them -- */

static int print_limits(struct probe *probe, const struct quotas *q)
{
	struct table table;
	int ret;

	table_init(&table, limit_columns, 3);
	for (size_t i = 0; i < q->limits.count; i++) {
		const struct record *r = &q->limits.record[i];
		uint64_t limit;

		record_number(r, "limit", &limit);
		table_add(&table, TABLE_PLAIN, "%s",
			  or_dash(record_text(r, "quota")));
		if (limit)
			table_add(&table, TABLE_PLAIN, "%" PRIu64, limit);
		else
			table_add(&table, TABLE_PLAIN, "none");
		table_add(&table, TABLE_PLAIN, "%s",
			  or_dash(record_text(r, "meaning")));
	}
	ret = table_print(&table, stdout, probe->colour);
	table_free(&table);
	return ret;
}

static int print_uses(struct probe *probe, const struct quotas *q)
{
	const struct record *load;
	uint64_t used, limit;
	struct table table;
	const char *quota;
	size_t at = 0;
	int ret = 0;

	table_init(&table, use_columns, 5);
	while (next_near(q, &at, &quota, &load, &used, &limit)) {
		table_add(&table, TABLE_PLAIN, "%s",
			  or_dash(record_text(load, "domid")));
		table_add(&table, TABLE_PLAIN, "%s", quota);
		table_add(&table, TABLE_PLAIN, "%" PRIu64, used);
		table_add(&table, TABLE_PLAIN, "%" PRIu64, limit);
		table_add(&table, used >= limit ? TABLE_BAD : TABLE_WARN,
			  "%" PRIu64 "%%", used * 100 / limit);
	}
	if (table.used)
		ret = table_print(&table, stdout, probe->colour);
	else
		printf("No domain uses 80 %% of a quota.\n");
	table_free(&table);
	return ret;
}

static void add_time(struct table *table, const struct record *r,
		     const char *key)
{
	char time[PARTY_MAX];
	uint64_t us;

	record_number(r, key, &us);
	party_time(time, us);
	table_add(table, TABLE_PLAIN, "%s", time);
}

static int print_refusals(struct probe *probe, const struct quotas *q)
{
	static const char *const keys[] = { "domid", "quota", "limit",
					    "count" };
	struct table table;
	int ret = 0;

	table_init(&table, refusal_columns, 7);
	for (size_t i = 0; i < q->refusals.count; i++) {
		const struct record *r = &q->refusals.record[i];

		for (size_t k = 0; k < 4; k++)
			table_add(&table, TABLE_PLAIN, "%s",
				  or_dash(record_text(r, keys[k])));
		add_time(&table, r, "first_us");
		add_time(&table, r, "last_us");
		table_add(&table, TABLE_PLAIN, "%s",
			  or_dash(record_text(r, "path")));
	}
	if (table.used)
		ret = table_print(&table, stdout, probe->colour);
	else
		printf("Nobody was refused anything.\n");
	table_free(&table);
	return ret;
}

static json_t *uses_json(const struct quotas *q)
{
	json_t *list = json_array();
	const struct record *load;
	uint64_t used, limit;
	const char *quota;
	size_t at = 0;

	while (next_near(q, &at, &quota, &load, &used, &limit))
		json_array_append_new(list, json_pack("{s:I,s:s,s:I,s:I}",
			"domid", (json_int_t)party_number(load, "domid"),
			"quota", quota, "used", (json_int_t)used,
			"limit", (json_int_t)limit));
	return list;
}

static int show_all(struct probe *probe, const struct quotas *q)
{
	int ret;

	if (probe->json) {
		ret = probe_json(json_pack("{s:o,s:o,s:o}", "limits",
			pages_json(&q->limits), "domains", uses_json(q),
			"refusals", pages_json(&q->refusals)));
		return ret ? ret : verdict(q);
	}
	ret = print_limits(probe, q);
	putchar('\n');
	if (!ret)
		ret = print_uses(probe, q);
	putchar('\n');
	if (!ret)
		ret = print_refusals(probe, q);
	return ret ? probe_failed(probe, "quota", ret) : verdict(q);
}

/* -------------------------------------------------------- one of them -- */

static const struct table_column one_columns[] = {
	{ "QUOTA", false }, { "USED", true }, { "LIMIT", true },
	{ "MEANING", false },
};

static enum table_mark mark_of(bool counted, uint64_t used, uint64_t limit)
{
	if (!counted || !near(used, limit))
		return TABLE_PLAIN;
	return used >= limit ? TABLE_BAD : TABLE_WARN;
}

static void add_one(struct table *table, json_t *list, const char *quota,
		    const char *meaning, bool counted, uint64_t used,
		    uint64_t limit)
{
	json_array_append_new(list, json_pack("{s:s,s:o,s:I}", "quota", quota,
		"used", counted ? json_integer((json_int_t)used) :
		json_null(), "limit", (json_int_t)limit));
	table_add(table, TABLE_PLAIN, "%s", quota);
	if (counted)
		table_add(table, mark_of(counted, used, limit), "%" PRIu64,
			  used);
	else
		table_add(table, TABLE_PLAIN, "-");
	if (limit)
		table_add(table, TABLE_PLAIN, "%" PRIu64, limit);
	else
		table_add(table, TABLE_PLAIN, "none");
	table_add(table, TABLE_PLAIN, "%s", meaning);
}

/* A privileged domain is held to none of them. */
static int read_one(struct probe *probe, const struct quotas *q,
		    const char *domid, const struct record *load,
		    struct table *table, json_t *list)
{
	int wrong = PROBE_FINE;

	for (size_t i = 0; i < q->limits.count; i++) {
		const char *quota = record_text(&q->limits.record[i],
						"quota");
		uint64_t used, limit, own;
		bool counted;
		int ret;

		if (!quota)
			return -EBADMSG;
		ret = quota_get(probe, domid, quota, &own);
		if (ret)
			return ret;
		counted = use_of(load, quota, &used, &limit);
		if (!counted)
			limit = own;
		if (counted && limit && used >= limit)
			wrong = PROBE_WRONG;
		add_one(table, list, quota,
			or_dash(record_text(&q->limits.record[i], "meaning")),
			counted, used, limit);
	}
	return wrong;
}

static int show_one(struct probe *probe, const struct quotas *q,
		    const char *domid)
{
	const struct record *load;
	json_t *list = json_array();
	struct table table;
	uint64_t number;
	int ret, printed = 0;

	span_number((struct span){ domid, strlen(domid) }, UINT32_MAX,
		    &number);
	load = pages_domain(&q->load, number);
	if (!load) {
		json_decref(list);
		fprintf(stderr, "xs-probe: there is no domain %s\n", domid);
		return PROBE_WRONG;
	}
	table_init(&table, one_columns, 4);
	ret = read_one(probe, q, domid, load, &table, list);
	if (ret >= 0 && probe->json)
		printed = probe_json(json_pack("{s:O}", "limits", list));
	else if (ret >= 0)
		printed = table_print(&table, stdout, probe->colour);
	table_free(&table);
	json_decref(list);
	if (ret < 0)
		return probe_failed(probe, "quota", ret);
	return printed ? PROBE_WRONG : ret;
}

/* ------------------------------------------------------------- others -- */

static const char cannot[] = "who is near a quota and who was refused what";

/* What the C daemon's own command says, as it is. */
static int stranger(struct probe *probe, const char *domid)
{
	const char *const words[] = { "quota", domid };
	char reply[WIRE_PAYLOAD_MAX + 1];
	ssize_t n = quota_control(probe, words, domid ? 2 : 1, reply,
				  sizeof(reply));

	if (n < 0 || !strchr(reply, '\n'))
		return n == -ENOENT ? probe_failed(probe, "quota", (int)n) :
		       probe_cannot_tell(probe, "quotas");
	if (probe->json)
		return probe_json(json_pack("{s:s,s:s,s:s}", "daemon", "other",
					    "text", reply, "cannot_tell",
					    cannot));
	printf("%s\nThe daemon is not proxenos; it cannot tell %s.\n", reply,
	       cannot);
	return PROBE_FINE;
}

int quota_show(struct probe *probe, const char *domid)
{
	struct quotas q = { 0 };
	int ret = pages_read(probe, &q.limits, "limits", "0", 0);

	if (!ret)
		ret = pages_read(probe, &q.load, "load", "0", 0);
	if (!ret)
		ret = pages_read(probe, &q.refusals, "refusals", "0", 0);
	if (ret == -ENOSYS)
		ret = stranger(probe, domid);
	else if (ret)
		ret = probe_failed(probe, "quota", ret);
	else
		ret = domid ? show_one(probe, &q, domid) :
			      show_all(probe, &q);
	pages_free(&q.limits);
	pages_free(&q.load);
	pages_free(&q.refusals);
	return ret;
}
