/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xs-probe status: the daemon's own account of itself, or, where it gives
 * none, what asking it shows.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <proxenos/client_call.h>

#include "protocol/wire.h"
#include "tools/xs-probe/known.h"
#include "tools/xs-probe/pages.h"
#include "tools/xs-probe/table.h"

static const struct table_column columns[] = {
	{ "WHAT", false }, { "VALUE", true }, { "MEANING", false },
};

static const struct {
	const char *key, *meaning;
	bool warn;	/* if not 0 */
} counts[] = {
	{ "nodes", "nodes in the store", false },
	{ "domains", "domains known", false },
	{ "sockets", "programs connected to the socket", false },
	{ "watches", "watches set", false },
	{ "transactions", "transactions open", false },
	{ "requests", "requests answered since start", false },
	{ "events", "watch events sent", false },
	{ "merged", "watch events merged with an equal one waiting", false },
	{ "lost", "watch events a full reader lost (repaired later)", true },
	{ "conflicts", "transactions that failed with EAGAIN", false },
	{ "refused", "requests refused by a quota", true },
};

/* Of the topic `host`; an older daemon has not all of them. */
static const struct {
	const char *key, *name, *meaning;
	bool age;		/* in microseconds */
	bool warn;		/* if not 0 */
} survival[] = {
	{ "journal", "journal", "bytes of input since the last "
	  "checkpoint", false, false },
	{ "checkpoints", "checkpoints", "done by this process", false, false },
	{ "checkpoint_age_us", "last one", "ago", true, false },
	{ "restarts", "restarts", "times it went on where a process ended",
	  false, false },
	{ "recovered", "recovered", "inputs executed again at this start",
	  false, false },
	{ "doubtful", "in doubt", "clients closed at this start, as nobody "
	  "could know", false, true },
	{ "poisoned", "poisoned", "inputs left out, that had killed it twice",
	  false, true },
};

static void uptime(char *out, size_t size, uint64_t us)
{
	uint64_t s = us / 1000000;

	if (s >= 86400)
		snprintf(out, size, "%" PRIu64 "d %" PRIu64 "h", s / 86400,
			 s / 3600 % 24);
	else if (s >= 3600)
		snprintf(out, size, "%" PRIu64 "h %" PRIu64 "m", s / 3600,
			 s / 60 % 60);
	else
		snprintf(out, size, "%" PRIu64 "m %" PRIu64 "s", s / 60,
			 s % 60);
}

static const char *or_dash(const char *text)
{
	return text ? text : "-";
}

static void add_survival(struct table *table, const struct record *host)
{
	char age[48];
	uint64_t n;

	for (size_t i = 0; i < sizeof(survival) / sizeof(survival[0]); i++) {
		if (!record_number(host, survival[i].key, &n))
			continue;
		uptime(age, sizeof(age), n);
		table_add(table, TABLE_PLAIN, "%s", survival[i].name);
		table_add(table, survival[i].warn && n ? TABLE_WARN :
			  TABLE_PLAIN, "%s", survival[i].age ? age :
			  record_text(host, survival[i].key));
		table_add(table, TABLE_PLAIN, "%s", survival[i].meaning);
	}
}

static int print_status(struct probe *probe, const struct record *status,
			const struct record *host)
{
	struct table table;
	char up[48] = "-";
	uint64_t n;
	int ret;

	if (record_number(status, "uptime_us", &n))
		uptime(up, sizeof(up), n);
	table_init(&table, columns, 3);
	table_add(&table, TABLE_PLAIN, "daemon");
	table_add(&table, TABLE_PLAIN, "%s",
		  or_dash(record_text(status, "daemon")));
	table_add(&table, TABLE_PLAIN, "version %s, machine %s",
		  or_dash(record_text(status, "version")),
		  or_dash(record_text(status, "machine")));
	table_add(&table, TABLE_PLAIN, "uptime");
	table_add(&table, TABLE_PLAIN, "%s", up);
	table_add(&table, TABLE_PLAIN, "since the machine's state began");
	if (host) {
		table_add(&table, TABLE_PLAIN, "pid");
		table_add(&table, TABLE_PLAIN, "%s",
			  or_dash(record_text(host, "pid")));
		table_add(&table, TABLE_PLAIN, "in %s",
			  or_dash(record_text(host, "rundir")));
	}
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		bool there = record_number(status, counts[i].key, &n);

		table_add(&table, TABLE_PLAIN, "%s", counts[i].key);
		table_add(&table, counts[i].warn && n ? TABLE_WARN :
			  TABLE_PLAIN, "%s",
			  there ? record_text(status, counts[i].key) : "-");
		table_add(&table, TABLE_PLAIN, "%s", counts[i].meaning);
	}
	if (host)
		add_survival(&table, host);
	ret = table_print(&table, stdout, probe->colour);
	table_free(&table);
	return ret ? probe_failed(probe, "status", ret) : PROBE_FINE;
}

static json_t *status_json(const struct record *status,
			   const struct record *host)
{
	json_t *object = record_json(status);

	if (object && host &&
	    json_object_set_new(object, "host", record_json(host))) {
		json_decref(object);
		return NULL;
	}
	return object;
}

/* The time of one round trip, in microseconds, or a negative errno. */
static int64_t round_trip(struct probe *probe)
{
	char reply[WIRE_PAYLOAD_MAX + 1];
	uint64_t start = px_client_now();
	ssize_t n = px_client_call_path(probe->client, WIRE_GET_DOMAIN_PATH, 0,
					"0", reply, sizeof(reply),
					probe->timeout);

	return n < 0 ? n : (int64_t)(px_client_now() - start);
}

static const char cannot[] =
	"version, uptime, and counts of nodes, sockets, watches, transactions,"
	" requests and events";

static int stranger(struct probe *probe)
{
	struct known known;
	unsigned int introduced = 0;
	int64_t us = round_trip(probe);
	int ret = us < 0 ? (int)us : known_read(probe, &known);

	if (ret < 0) {
		if (us >= 0)
			known_free(&known);
		return probe_failed(probe, "status", ret);
	}
	for (size_t i = 0; i < known.count; i++)
		introduced += known.domain[i].introduced == 1;
	ret = PROBE_FINE;
	if (probe->json) {
		ret = probe_json(json_pack("{s:s,s:i,s:i,s:I,s:s}",
			"daemon", "other", "domains", (int)known.count,
			"introduced", (int)introduced,
			"round_trip_us", (json_int_t)us,
			"cannot_tell", cannot));
	} else {
		printf("The daemon answers, in %" PRId64 " us; "
		       "it is not proxenos.\n"
		       "Domains with a directory: %zu, introduced: %u.\n"
		       "It cannot tell: %s.\n", us, known.count, introduced,
		       cannot);
	}
	known_free(&known);
	return ret;
}

static int status_run(struct probe *probe, int argc, char **argv)
{
	struct pages status, host;
	const struct record *host_record;
	int ret = pages_read(probe, &status, "status", "0", 1);

	if (!ret && !status.count)
		ret = -EBADMSG;
	if (ret) {
		pages_free(&status);
		return ret == -ENOSYS ? stranger(probe) :
		       probe_failed(probe, "status", ret);
	}
	/* The host side may be without this topic; the machine has not. */
	ret = pages_read(probe, &host, "host", "0", 1);
	host_record = !ret && host.count ? host.record : NULL;
	if (!px_client_is_up(probe->client))
		ret = probe_failed(probe, "status", ret);
	else if (probe->json)
		ret = probe_json(status_json(status.record, host_record));
	else
		ret = print_status(probe, status.record, host_record);
	pages_free(&host);
	pages_free(&status);
	return ret;
}

const struct command status_command = {
	.name = "status",
	.arguments = "",
	.summary = "the daemon: version, uptime, counts",
	.run = status_run,
	.about =
"Who answers, since when, and how much it holds.  \"lost\" events and\n"
"\"refused\" requests are those of guests over their quotas; see domains.\n",
	.others =
"How long it takes to answer, and how many domains it shows.  It cannot tell\n"
"version, uptime and counts.\n",
	.examples =
"  xs-probe status\n"
"  xs-probe status --json | jq .uptime_us\n",
	.json =
"  All fields of the topic `status' (docs/protocol, control), and those of the\n"
"  topic `host' in an object \"host\".  Of another daemon:\n"
"  daemon         \"other\"\n"
"  domains        how many have a directory in the store\n"
"  introduced     how many of them are introduced\n"
"  round_trip_us  microseconds that it took to answer\n"
"  cannot_tell    what is missing, in words\n",
};
