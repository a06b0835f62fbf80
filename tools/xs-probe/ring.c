/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xs-probe ring DOMID: the page field by field, and what is wrong with it;
 * with --reset, first a reset on the guest's behalf.  Whether that is legal is
 * for the daemon to say, which alone knows the ring's state at that moment.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <proxenos/client_call.h>

#include "protocol/cursor.h"
#include "protocol/wire.h"
#include "tools/xs-probe/pages.h"
#include "tools/xs-probe/ring_words.h"
#include "tools/xs-probe/table.h"

static const struct table_column columns[] = {
	{ "OFFSET", true }, { "FIELD", false }, { "VALUE", true },
	{ "MEANING", false },
};

static void features(char *out, size_t size, uint32_t bits)
{
	static const char *const names[] = {
		"reconnection", "error", "watch depth", "any domid",
	};
	size_t n = 0;

	snprintf(out, size, "offered by the daemon: nothing");
	for (unsigned int i = 0; i < 4; i++)
		if (bits & 1u << i)
			n += (size_t)snprintf(out + n, size - n, "%s%s",
				n ? ", " : "offered by the daemon: ",
				names[i]);
}

static void add_row(struct table *table, unsigned int offset,
		    const char *field, uint32_t value, bool bad,
		    const char *meaning)
{
	table_add(table, TABLE_PLAIN, "%u", offset);
	table_add(table, TABLE_PLAIN, "%s", field);
	table_add(table, bad ? TABLE_BAD : TABLE_PLAIN, "%" PRIu32, value);
	table_add(table, TABLE_PLAIN, "%s", meaning);
}

static int print_fields(struct probe *probe, const struct ring_fields *f)
{
	bool req = ring_requests(f) > RING_BYTES;
	bool rsp = ring_replies(f) > RING_BYTES;
	char requests[64], replies[64], bits[128];
	const char *error = ring_error_words(f->error);
	struct table table;
	int ret;

	snprintf(requests, sizeof(requests), "written by the guest: "
		 "%" PRIu32 " bytes wait", ring_requests(f));
	snprintf(replies, sizeof(replies), "written by the daemon: "
		 "%" PRIu32 " bytes unread", ring_replies(f));
	features(bits, sizeof(bits), f->features);
	table_init(&table, columns, 4);
	add_row(&table, 2048, "request consumer", f->req_cons, req,
		"taken by the daemon");
	add_row(&table, 2052, "request producer", f->req_prod, req,
		req ? "written by the guest: impossible" : requests);
	add_row(&table, 2056, "reply consumer", f->rsp_cons, rsp,
		rsp ? "taken by the guest: impossible" : "taken by the guest");
	add_row(&table, 2060, "reply producer", f->rsp_prod, rsp,
		rsp ? "written by the daemon" : replies);
	add_row(&table, 2064, "server features", f->features, false, bits);
	add_row(&table, 2068, "connection", f->connection, f->connection,
		f->connection ? "reset asked" : "connected");
	add_row(&table, 2072, "error", f->error, error, error ? error :
		"none");
	add_row(&table, 2076, "event channel port", f->evtchn_port, false,
		f->evtchn_port ? "set for a dom0less domain" :
		"not set; told by INTRODUCE");
	ret = table_print(&table, stdout, probe->colour);
	table_free(&table);
	return ret;
}

static json_t *with_findings(json_t *object, const struct ring_fields *f)
{
	json_t *list = json_array();
	char text[256];

	for (unsigned int i = 0; ring_finding(f, i, text, sizeof(text)); i++)
		json_array_append_new(list, json_string(text));
	if (json_object_set_new(object, "findings", list)) {
		json_decref(object);
		return NULL;
	}
	return object;
}

static int show(struct probe *probe, const struct record *record)
{
	struct ring_fields f;
	unsigned int n = 0;
	char text[256];
	int ret;

	if (!ring_fields_get(record, &f))
		return probe_failed(probe, "ring", -EBADMSG);
	if (probe->json) {
		ret = probe_json(with_findings(record_json(record), &f));
		if (ret)
			return ret;
		return ring_finding(&f, 0, text, sizeof(text)) ? PROBE_WRONG :
		       PROBE_FINE;
	}
	printf("Domain %s: the daemon's event channel port is %" PRIu64 "; "
	       "notified %s times, notifies %s, resets %s.\n\n",
	       record_text(record, "domid"), f.port,
	       record_text(record, "notifies_in") ?: "?",
	       record_text(record, "notifies_out") ?: "?",
	       record_text(record, "resets") ?: "?");
	ret = print_fields(probe, &f);
	if (ret)
		return probe_failed(probe, "ring", ret);
	putchar('\n');
	for (; ring_finding(&f, n, text, sizeof(text)); n++)
		printf("%swrong%s: %s\n", table_colour(TABLE_BAD,
		       probe->colour), table_plain(probe->colour), text);
	if (!n)
		printf("%sNothing is wrong with it.%s\n",
		       table_colour(TABLE_GOOD, probe->colour),
		       table_plain(probe->colour));
	return n ? PROBE_WRONG : PROBE_FINE;
}

static const char *refusal(int error)
{
	switch (-error) {
	case EBUSY:
		return "the ring is in use: it has no error and nobody asked "
		       "for a reset, so its guest would go on from indices "
		       "that are gone; only the guest may ask";
	case ENOSYS:
		return "reconnection is not offered to this domain; only "
		       "RELEASE and INTRODUCE by the toolstack mend its ring";
	case ENOENT:
		return "it has no ring any more, or the daemon is too old to "
		       "do that";
	default:
		return probe_words(error);
	}
}

static int reset(struct probe *probe, const char *domid)
{
	struct px_bytes parts[] = {
		{ "probe-do", 9 },
		{ "1", 2 },
		{ "ring-reset", 11 },
		{ domid, strlen(domid) + 1 },
	};
	char reply[WIRE_PAYLOAD_MAX];
	ssize_t n = px_client_call(probe->client, WIRE_CONTROL, 0, parts, 4,
				   reply, sizeof(reply), probe->timeout);

	if (n >= 0)
		return PROBE_FINE;
	fprintf(stderr, "xs-probe: domain %s: not reset: %s\n", domid,
		refusal((int)n));
	return px_client_is_up(probe->client) ? PROBE_WRONG : PROBE_UNREACHED;
}

static int look(struct probe *probe, struct pages *pages, const char *text,
		uint64_t domid, const struct record **record)
{
	/* A cursor is a domid: pages start with what we want. */
	int ret = pages_read(probe, pages, "rings", text, 1);

	*record = ret ? NULL : pages_domain(pages, domid);
	if (ret == -ENOSYS)
		return probe_cannot_tell(probe, "what ring pages say");
	if (ret)
		return probe_failed(probe, "ring", ret);
	if (*record)
		return PROBE_FINE;
	fprintf(stderr, "xs-probe: domain %" PRIu64 " has no ring here\n",
		domid);
	return PROBE_WRONG;
}

static bool domid_of(const char *text, uint64_t *domid)
{
	return span_number((struct span){ text, strlen(text) }, 65535, domid);
}

static int ring_look(struct probe *probe, int argc, char **argv)
{
	uint64_t domid;

	return domid_of(argv[0], &domid) ? PROBE_FINE :
	       probe_usage("not a domid: %s", argv[0]);
}

static int ring_run(struct probe *probe, int argc, char **argv)
{
	const struct record *record;
	struct pages pages;
	uint64_t domid;
	int ret;

	domid_of(argv[0], &domid);
	ret = look(probe, &pages, argv[0], domid, &record);
	if (ret == PROBE_FINE && probe->flag['r']) {
		pages_free(&pages);
		ret = reset(probe, argv[0]);
		if (ret == PROBE_FINE)
			ret = look(probe, &pages, argv[0], domid, &record);
	}
	if (ret == PROBE_FINE)
		ret = show(probe, record);
	pages_free(&pages);
	return ret;
}

static const struct probe_option options[] = {
	{ 'r', "reset", NULL,
	  "first close and reconnect the ring on the guest's behalf:\n"
	  "its requests, replies, events, watches and transactions\n"
	  "are gone.  Refused where the ring is in use, or\n"
	  "reconnection not offered" },
	{ 0 }
};

const struct command ring_command = {
	.name = "ring",
	.arguments = "DOMID",
	.summary = "a domain's ring page, explained",
	.options = options,
	.args_min = 1,
	.args_max = 1,
	.look = ring_look,
	.run = ring_run,
	.about =
"Every field of the page, and in words what is wrong with it.\n"
"Exit status 1 if something is wrong, or the domain has no ring.\n",
	.others =
"Not to be told: only the daemon has the page mapped.\n",
	.examples =
"  xs-probe ring 5\n"
"  xs-probe ring --reset 5\n",
	.json =
"  All fields of the topic `rings' (docs/protocol, control), and:\n"
"  findings  an array of texts, empty if nothing is wrong\n",
};
