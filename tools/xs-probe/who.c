/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xs-probe who: who is concerned with a path. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocol/path.h"
#include "tools/xs-probe/pages.h"
#include "tools/xs-probe/party.h"
#include "tools/xs-probe/table.h"

static const struct table_column columns[] = {
	{ "WHAT", false }, { "WHO", false }, { "HOW", false },
};

static const char *text_of(const struct record *r, const char *key)
{
	return record_text(r, key) ?: "?";
}

static bool is_set(const struct record *r, const char *key)
{
	uint64_t n;

	return record_number(r, key, &n) && n;
}

static void how_writer(char *out, size_t size, const struct record *r)
{
	char time[PARTY_MAX];
	uint64_t us;

	record_number(r, "age_us", &us);
	party_time(time, us);
	snprintf(out, size, "%s%s, %s ago", text_of(r, "op"),
		 is_set(r, "removed") ? " (removed it)" : "", time);
}

static void how_watch(char *out, size_t size, const struct record *r)
{
	int64_t depth = party_number(r, "depth");

	if (depth < 0)
		snprintf(out, size, "at %s, token %s", text_of(r, "path"),
			 text_of(r, "token"));
	else
		snprintf(out, size, "at %s, token %s, %" PRId64 " levels deep",
			 text_of(r, "path"), text_of(r, "token"), depth);
}

static void how_transaction(char *out, size_t size, const struct record *r)
{
	bool read = is_set(r, "read"), written = is_set(r, "written");
	char time[PARTY_MAX];
	uint64_t us;

	record_number(r, "age_us", &us);
	party_time(time, us);
	snprintf(out, size, "%s it in transaction %s, open for %s",
		 read && written ? "read and wrote" : written ? "wrote" :
		 "read", text_of(r, "id"), time);
}

static void how_node(char *out, size_t size, const struct record *r)
{
	snprintf(out, size, "%s", is_set(r, "exists") ? "the node is there" :
		 "there is no such node");
}

static const struct {
	const char *kind, *what, *nobody;
	void (*how)(char *out, size_t size, const struct record *r);
	const char *conn;
} kinds[] = {
	{ "node", "owner", "-", how_node, "owner" },
	{ "writer", "last writer", "the daemon", how_writer, "conn" },
	{ "below", "last change of its children", "the daemon", how_writer,
	  "conn" },
	{ "transaction", "transaction", "?", how_transaction, "conn" },
	{ "watch", "watch", "?", how_watch, "conn" },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static size_t kind_of(const struct record *r)
{
	const char *kind = record_text(r, "kind");
	size_t i = 0;

	while (i < KINDS && (!kind || strcmp(kind, kinds[i].kind)))
		i++;
	return i;
}

static void add_row(struct table *table, const struct record *r,
		    const struct pages *clients)
{
	size_t i = kind_of(r);
	char who[PARTY_MAX], how[6144];

	/* Of an age that knows more. */
	if (i == KINDS)
		return;
	party_words(who, clients, party_number(r, kinds[i].conn),
		    kinds[i].nobody);
	kinds[i].how(how, sizeof(how), r);
	table_add(table, TABLE_PLAIN, "%s", kinds[i].what);
	table_add(table, TABLE_PLAIN, "%s", who);
	table_add(table, TABLE_PLAIN, "%s", how);
}

/* A special path is no node, and is always there. */
static bool missing(const struct pages *who)
{
	for (size_t i = 0; i < who->count; i++)
		if (kind_of(&who->record[i]) == 0)
			return !is_set(&who->record[i], "exists");
	return false;
}

static int show(struct probe *probe, const struct pages *who,
		const struct pages *clients)
{
	bool writer = false, node = false;
	struct table table;
	int ret;

	table_init(&table, columns, 3);
	for (size_t i = 0; i < who->count; i++) {
		writer |= kind_of(&who->record[i]) == 1;
		node |= kind_of(&who->record[i]) == 0;
		add_row(&table, &who->record[i], clients);
	}
	ret = who->count ? table_print(&table, stdout, probe->colour) : 0;
	table_free(&table);
	if (!who->count)
		printf("Nobody watches it.\n");
	else if (node && !writer)
		printf("\nWho wrote it last is not known: not since the daemon "
		       "began, or too many others\nwere written since.\n");
	return ret ? probe_failed(probe, "who", ret) :
	       missing(who) ? PROBE_WRONG : PROBE_FINE;
}

static int who_look(struct probe *probe, int argc, char **argv)
{
	struct span path = { argv[0], strlen(argv[0]) };
	enum path_kind kind = path_kind(path);

	return kind == PATH_ABSOLUTE || kind == PATH_SPECIAL ? PROBE_FINE :
	       probe_usage("not an absolute path: %s", argv[0]);
}

static int who_run(struct probe *probe, int argc, char **argv)
{
	struct pages who, clients;
	char topic[4096];
	int ret;

	snprintf(topic, sizeof(topic), "who=%s", argv[0]);
	ret = pages_read(probe, &who, topic, "0", 0);
	memset(&clients, 0, sizeof(clients));
	if (ret == -ENOSYS) {
		pages_free(&who);
		return probe_cannot_tell(probe, "who watches a path, has it "
					 "in a transaction, or wrote it");
	}
	if (!ret)
		ret = pages_read(probe, &clients, "clients", "0", 0);
	if (ret)
		ret = probe_failed(probe, "who", ret);
	else if (!probe->json)
		ret = show(probe, &who, &clients);
	else
		ret = probe_json(json_pack("{s:s,s:o,s:o}", "path", argv[0],
				"who", pages_json(&who), "clients",
				pages_json(&clients))) ? PROBE_WRONG :
			missing(&who) ? PROBE_WRONG : PROBE_FINE;
	pages_free(&clients);
	pages_free(&who);
	return ret;
}

const struct command who_command = {
	.name = "who",
	.arguments = "PATH",
	.summary = "who watches a path, holds it, wrote it last",
	.args_min = 1,
	.args_max = 1,
	.look = who_look,
	.run = who_run,
	.about =
"Whose the node is; who wrote it last and who let something right below it come\n"
"or go, as far as the daemon remembers (it does for the 4096 or so paths that\n"
"were written last, since it began); whose open transactions looked at it or\n"
"wrote it; and each watch that a change of it fires, be it set above.\n"
"\"the daemon\" wrote what went with a domain that died.  PATH may be special:\n"
"@releaseDomain, @introduceDomain.  Exit status 1 if there is no such node.\n",
	.others =
"Not to be told: they do not show what they know of it.\n",
	.examples =
"  xs-probe who /local/domain/5/device/vif/0/state\n"
"  xs-probe who @releaseDomain\n"
"  xs-probe who --json /vm | jq '.who[] | select(.kind == \"watch\")'\n",
	.json =
"  path     the path asked for\n"
"  who      an array of the topic `who' (docs/protocol, control)\n"
"  clients  an array of the topic `clients', for the pids\n",
};
