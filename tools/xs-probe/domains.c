/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xs-probe domains: the machine's account of each domain beside the host's of
 * its ring.  With another daemon: the domains that the store shows.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/xs-probe/known.h"
#include "tools/xs-probe/pages.h"
#include "tools/xs-probe/ring_words.h"
#include "tools/xs-probe/table.h"

static const struct table_column columns[] = {
	{ "DOMID", true }, { "STATE", false },
	{ "NODES", true }, { "MEMORY", true }, { "WATCHES", true },
	{ "TRANS", true }, { "OUTST", true },
	{ "REQUESTS", true }, { "EVENTS", true }, { "WAITING", true },
	{ "LOST", true }, { "REFUSED", true },
	{ "REQ", true }, { "RSP", true }, { "FEAT", true }, { "CONN", false },
	{ "ERROR", false },
};
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

/* Uses with a quota: key, and key_max. */
static const char *const quotas[] = {
	"nodes", "memory", "watches", "transactions", "outstanding",
};

static const struct {
	const char *key;
	bool warn;	/* if not 0 */
} counts[] = {
	{ "requests", false }, { "events", false }, { "waiting", true },
	{ "lost", true }, { "refused", true },
};

static void add_quota(struct table *table, const struct record *r,
		      const char *key)
{
	char key_max[32];
	uint64_t use, max;
	bool limited;

	snprintf(key_max, sizeof(key_max), "%s_max", key);
	limited = record_number(r, key_max, &max) && max;
	if (!record_number(r, key, &use))
		table_add(table, TABLE_PLAIN, "-");
	else if (!limited)
		table_add(table, TABLE_PLAIN, "%" PRIu64, use);
	else
		table_add(table, use >= max - max / 10 ? TABLE_WARN :
			  TABLE_PLAIN, "%" PRIu64 "/%" PRIu64, use, max);
}

static const char *state_of(const struct record *r)
{
	uint64_t n;

	if (record_number(r, "shutdown", &n) && n)
		return "shutdown";
	if (record_number(r, "introduced", &n) && n)
		return "running";
	return "unknown";
}

static void add_bytes(struct table *table, uint32_t bytes)
{
	if (bytes > RING_BYTES)
		table_add(table, TABLE_BAD, "bad");
	else
		table_add(table, bytes == RING_BYTES ? TABLE_WARN :
			  TABLE_PLAIN, "%" PRIu32, bytes);
}

static void add_ring(struct table *table, const struct record *ring)
{
	struct ring_fields f;

	if (!ring || !ring_fields_get(ring, &f)) {
		for (int i = 0; i < 5; i++)
			table_add(table, TABLE_PLAIN, "-");
		return;
	}
	add_bytes(table, ring_requests(&f));
	add_bytes(table, ring_replies(&f));
	table_add(table, TABLE_PLAIN, "%" PRIu32, f.features);
	table_add(table, f.connection ? TABLE_WARN : TABLE_PLAIN, "%s",
		  f.connection ? "reset" : "ok");
	table_add(table, f.error ? TABLE_BAD : TABLE_PLAIN, "%s",
		  ring_error_words(f.error) ?: "-");
}

static void add_domain(struct table *table, const struct record *r,
		       const struct record *ring)
{
	uint64_t n;

	table_add(table, TABLE_PLAIN, "%s", record_text(r, "domid") ?: "?");
	table_add(table, TABLE_PLAIN, "%s", state_of(r));
	for (size_t i = 0; i < sizeof(quotas) / sizeof(quotas[0]); i++)
		add_quota(table, r, quotas[i]);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		bool there = record_number(r, counts[i].key, &n);

		table_add(table, counts[i].warn && n ? TABLE_WARN :
			  TABLE_PLAIN, "%s",
			  there ? record_text(r, counts[i].key) : "-");
	}
	add_ring(table, ring);
}

/* Topics are read one after the other: a ring may have come or gone. */
static const struct record *ring_of(const struct record *domain,
				    const struct pages *rings)
{
	uint64_t domid;

	if (!record_number(domain, "domid", &domid))
		return NULL;
	return pages_domain(rings, domid);
}

static json_t *joined_json(const struct pages *domains,
			   const struct pages *rings)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < domains->count; i++) {
		const struct record *ring = ring_of(&domains->record[i],
						    rings);
		json_t *object = record_json(&domains->record[i]);

		if (object && ring)
			json_object_set_new(object, "ring",
					    record_json(ring));
		if (json_array_append_new(list, object)) {
			json_decref(list);
			list = NULL;
		}
	}
	return json_pack("{s:s,s:o}", "daemon", "proxenos", "domains", list);
}

static int show(struct probe *probe, const struct pages *domains,
		const struct pages *rings)
{
	struct ring_fields f;
	struct table table;
	int ret = PROBE_FINE;

	if (probe->json) {
		ret = probe_json(joined_json(domains, rings));
	} else {
		table_init(&table, columns, COLUMNS);
		for (size_t i = 0; i < domains->count; i++)
			add_domain(&table, &domains->record[i],
				   ring_of(&domains->record[i], rings));
		ret = table_print(&table, stdout, probe->colour);
		table_free(&table);
		if (ret)
			ret = probe_failed(probe, "domains", ret);
	}
	for (size_t i = 0; !ret && i < rings->count; i++)
		if (ring_fields_get(&rings->record[i], &f) && ring_broken(&f))
			ret = PROBE_WRONG;
	return ret;
}

static const struct table_column known_columns[] = {
	{ "DOMID", true }, { "INTRODUCED", false }, { "NAME", false },
};

static const char cannot[] =
	"rings, quotas and what is used of them, requests, events, errors";

static const char *introduced_words(const struct known_domain *d)
{
	return d->introduced < 0 ? "unknown" : d->introduced ? "yes" : "no";
}

static int show_known_json(const struct known *known)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < known->count; i++) {
		const struct known_domain *d = &known->domain[i];
		json_t *object = json_pack("{s:i,s:o}", "domid", d->domid,
			"introduced", d->introduced < 0 ? json_null() :
			json_boolean(d->introduced));

		if (*d->name)
			json_object_set_new(object, "name",
				record_json_bytes(d->name, strlen(d->name)));
		json_array_append_new(list, object);
	}
	return probe_json(json_pack("{s:s,s:o,s:s}", "daemon", "other",
				    "domains", list, "cannot_tell", cannot));
}

static int stranger(struct probe *probe)
{
	struct known known;
	struct table table;
	int ret = known_read(probe, &known);

	if (ret) {
		ret = probe_failed(probe, "domains", ret);
	} else if (probe->json) {
		ret = show_known_json(&known);
	} else {
		table_init(&table, known_columns, 3);
		for (size_t i = 0; i < known.count; i++) {
			struct known_domain *d = &known.domain[i];

			table_add(&table, TABLE_PLAIN, "%u", d->domid);
			table_add(&table, TABLE_PLAIN, "%s",
				  introduced_words(d));
			table_add(&table, TABLE_PLAIN, "%s",
				  *d->name ? d->name : "-");
		}
		ret = table_print(&table, stdout, probe->colour);
		table_free(&table);
		printf("\nThese are the domains with a directory in the store. "
		       "The daemon is not proxenos;\nit cannot tell: %s.\n",
		       cannot);
		if (ret)
			ret = probe_failed(probe, "domains", ret);
	}
	known_free(&known);
	return ret;
}

static int domains_run(struct probe *probe, int argc, char **argv)
{
	struct pages domains, rings;
	int ret = pages_read(probe, &domains, "domains", "0", 0);

	if (ret) {
		pages_free(&domains);
		return ret == -ENOSYS ? stranger(probe) :
		       probe_failed(probe, "domains", ret);
	}
	ret = pages_read(probe, &rings, "rings", "0", 0);
	if (ret)
		ret = probe_failed(probe, "rings", ret);
	else
		ret = show(probe, &domains, &rings);
	pages_free(&rings);
	pages_free(&domains);
	return ret;
}

const struct command domains_command = {
	.name = "domains",
	.arguments = "",
	.summary = "each domain: ring, quotas, errors",
	.run = domains_run,
	.about =
"A row for each domain the daemon knows.  Yellow: at 90 % of a quota or\n"
"more, events waiting, or a reset asked.  Red: the ring is out of service.\n"
"REQ and RSP are the bytes in the ring now, of 1024 each way; CONN is \"ok\"\n"
"or \"reset\" while one is asked and not done.  N/M is use and quota.\n"
"Exit status 1 if a ring is out of service.\n",
	.others =
"The domains with a directory in the store, their names, and whether they\n"
"are introduced.  It cannot tell rings, quotas, requests and events.\n",
	.examples =
"  xs-probe domains\n"
"  xs-probe domains --json | jq '.domains[] | select(.refused > 0)'\n",
	.json =
"  daemon       \"proxenos\" or \"other\"\n"
"  domains      an array: all fields of the topic `domains' (docs/protocol,\n"
"               control), those of `rings' in an object \"ring\"; of another\n"
"               daemon: domid, introduced (null: not known), name\n"
"  cannot_tell  what is missing, in words; only with another daemon\n",
};
