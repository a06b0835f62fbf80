/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xs-probe conflicts: whose writes make whose transactions fail.  A conflict
 * is no fault by itself (the loser tries again), so there is no verdict:
 * doctor has one, on those who keep losing.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/xs-probe/pages.h"
#include "tools/xs-probe/party.h"
#include "tools/xs-probe/table.h"

static const struct table_column columns[] = {
	{ "LOST BY", false }, { "TO A WRITE OF", false }, { "COUNT", true },
	{ "SINCE", true }, { "LAST", true }, { "PATH", false },
};

static bool wanted(const struct probe *probe, const struct record *r)
{
	uint64_t domid = probe->number['d'], last;

	if (probe->flag['d'] &&
	    party_number(r, "loser") != (int64_t)domid &&
	    party_number(r, "winner") != (int64_t)domid)
		return false;
	return !probe->flag['S'] || (record_number(r, "last_us", &last) &&
				     last <= probe->number['S'] * 1000000);
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

static void add_conflict(struct table *table, const struct record *r,
			 const struct pages *clients)
{
	char loser[PARTY_MAX], winner[PARTY_MAX];

	party_words(loser, clients, party_number(r, "loser_conn"), "?");
	party_words(winner, clients, party_number(r, "winner_conn"),
		    "not known");
	table_add(table, TABLE_PLAIN, "%s", loser);
	table_add(table, TABLE_PLAIN, "%s", winner);
	table_add(table, TABLE_PLAIN, "%s", record_text(r, "count") ?: "-");
	add_time(table, r, "first_us");
	add_time(table, r, "last_us");
	table_add(table, TABLE_PLAIN, "%s", record_text(r, "path") ?: "-");
}

static int show(struct probe *probe, const struct pages *conflicts,
		const struct pages *clients)
{
	struct table table;
	size_t shown = 0;
	int ret;

	table_init(&table, columns, 6);
	for (size_t i = 0; i < conflicts->count; i++) {
		const struct record *r = &conflicts->record[i];

		if (!wanted(probe, r) ||
		    (probe->flag['n'] && shown == probe->number['n']))
			continue;
		add_conflict(&table, r, clients);
		shown++;
	}
	ret = shown ? table_print(&table, stdout, probe->colour) : 0;
	table_free(&table);
	if (!shown)
		printf("No transaction was lost%s.\n",
		       conflicts->count ? " of those asked for" : "");
	return ret ? probe_failed(probe, "conflicts", ret) : PROBE_FINE;
}

static int show_json(struct probe *probe, const struct pages *conflicts)
{
	json_t *list = json_array();
	size_t shown = 0;

	for (size_t i = 0; list && i < conflicts->count; i++) {
		const struct record *r = &conflicts->record[i];

		if (!wanted(probe, r) ||
		    (probe->flag['n'] && shown == probe->number['n']))
			continue;
		json_array_append_new(list, record_json(r));
		shown++;
	}
	return probe_json(json_pack("{s:o}", "conflicts", list));
}

static int conflicts_run(struct probe *probe, int argc, char **argv)
{
	struct pages conflicts, clients;
	int ret = pages_read(probe, &conflicts, "conflicts", "0", 0);

	if (ret == -ENOSYS) {
		pages_free(&conflicts);
		return probe_cannot_tell(probe, "whose writes made whose "
					 "transactions fail");
	}
	if (!ret)
		ret = pages_read(probe, &clients, "clients", "0", 0);
	else
		memset(&clients, 0, sizeof(clients));
	if (ret)
		ret = probe_failed(probe, "conflicts", ret);
	else
		ret = probe->json ? show_json(probe, &conflicts) :
				    show(probe, &conflicts, &clients);
	pages_free(&clients);
	pages_free(&conflicts);
	return ret;
}

static const struct probe_option options[] = {
	{ 'd', "domain", "DOMID", "only where that domain lost or won",
	  65535 },
	{ 'S', "since", "SECONDS", "only those of the last so many seconds",
	  31536000 },
	{ 'n', "rows", "N", "the N most frequent", 100000 },
	{ 0 }
};

const struct command conflicts_command = {
	.name = "conflicts",
	.arguments = "",
	.summary = "whose writes make whose transactions fail",
	.options = options,
	.run = conflicts_run,
	.about =
"A transaction fails with EAGAIN if something that it looked at was changed\n"
"before its commit.  Each row tells who lost how often to whom, and at which\n"
"path; the most frequent first.  A few are as it should be: the loser tries\n"
"again.  Many per second at one path mean two programs that keep each other\n"
"from getting on; look at what both write there with xs-probe trace.  xs-probe\n"
"doctor warns of those that go on.\n"
"The daemon keeps the 128 most frequent since it began.\n",
	.others =
"Not to be told: they count nothing.\n",
	.examples =
"  xs-probe conflicts\n"
"  xs-probe conflicts --since 60 --domain 5\n"
"  xs-probe conflicts --json | jq '.conflicts[] | select(.count > 100)'\n",
	.json =
"  conflicts  an array of the topic `conflicts' (docs/protocol, control)\n",
};
