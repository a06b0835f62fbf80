/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon tells of itself and of each domain: consistency, rings,
 * readers, quotas, transactions.  An older proxenos has not all topics; then
 * what the older ones show is judged, and the rest named as not checked.
 */
#include "tools/xs-probe/doctor.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/xs-probe/pages.h"
#include "tools/xs-probe/party.h"
#include "tools/xs-probe/ring_words.h"

/* Refusals and unread replies older and younger than this do not count. */
#define HOUR UINT64_C(3600000000)
#define UNREAD_US UINT64_C(2000000)
/*
 * A lost commit is nothing: it is tried again.  Named are those that were lost
 * so often to one writer at one path, still in the last minute, and so densely:
 * a row's count is of its whole life, which may be months.
 */
#define CONFLICTS_MANY 10u
#define CONFLICTS_LAST_US UINT64_C(60000000)
#define CONFLICTS_EACH_US UINT64_C(600000000)

/* -ENOENT: a topic that this daemon has not; it then has no records. */
static int topic(struct doctor *d, const char *name, struct pages *pages)
{
	int ret = pages_read(d->probe, pages, name, "0", 0);

	if (!ret || !px_client_is_up(d->probe->client))
		return ret;
	pages_free(pages);
	return ret == -EAGAIN ? 0 : -ENOENT;
}

static uint64_t number(const struct record *r, const char *key)
{
	uint64_t n;

	record_number(r, key, &n);
	return n;
}

static void name_domain(const struct record *r, char *out, size_t size)
{
	snprintf(out, size, "domain %s", record_text(r, "domid") ?: "?");
}

static void name_client(const struct record *r, char *out, size_t size)
{
	snprintf(out, size, "process %s (client %s of the socket)",
		 record_text(r, "pid") ?: "?", record_text(r, "conn") ?: "?");
}

/* ------------------------------------------------------- the daemon -- */

static int look_at_state(struct doctor *d)
{
	struct pages pages;
	int ret = topic(d, "check", &pages);

	for (size_t i = 0; !ret && i < pages.count; i++) {
		const char *text = record_text(&pages.record[i], "finding");

		if (text)
			finding_add(d->found, FINDING_STATE_INCONSISTENT,
				    "the daemon", text, "%s", text);
	}
	pages_free(&pages);
	return ret == -ENOENT ? 0 : ret;
}

static int look_at_host(struct doctor *d)
{
	struct pages pages;
	int ret = topic(d, "host", &pages);
	uint64_t n;

	if (!ret && pages.count && (n = number(pages.record, "poisoned")))
		finding_add(d->found, FINDING_INPUT_POISONED, "the daemon",
			    NULL, "%" PRIu64 " inputs were left out", n);
	if (!ret && pages.count && (n = number(pages.record, "doubtful")))
		finding_add(d->found, FINDING_CLIENTS_DOUBTFUL, "the daemon",
			    NULL, "%" PRIu64 " clients were closed", n);
	pages_free(&pages);
	return ret == -ENOENT ? 0 : ret;
}

int doctor_daemon(struct doctor *d)
{
	int ret = look_at_state(d);

	return ret ? ret : look_at_host(d);
}

/* ------------------------------------------------- rings and readers -- */

static void look_at_ring(struct doctor *d, const struct record *r)
{
	struct ring_fields f;
	char about[32], text[256];
	const char *words;

	if (!ring_fields_get(r, &f))
		return;
	name_domain(r, about, sizeof(about));
	words = ring_error_words(f.error);
	if (words)
		finding_add(d->found, FINDING_RING_ERROR, about, NULL,
			    "error %" PRIu32 ": %s", f.error, words);
	snprintf(text, sizeof(text), "request indices %" PRIu32 " and %" PRIu32
		 ", reply indices %" PRIu32 " and %" PRIu32, f.req_cons,
		 f.req_prod, f.rsp_cons, f.rsp_prod);
	if (ring_requests(&f) > RING_BYTES || ring_replies(&f) > RING_BYTES)
		finding_add(d->found, FINDING_RING_INDICES, about, NULL,
			    "%s: more than the 1024 bytes of a half apart",
			    text);
	if (f.connection)
		finding_add(d->found, f.features & 1 ?
			    FINDING_RING_RESET_PENDING :
			    FINDING_RING_RESET_VAIN, about, NULL,
			    "connection is %" PRIu32, f.connection);
}

/* Topics are read one after the other: a ring may have come between. */
static void look_for_ring(struct doctor *d, const struct record *r,
			  const struct pages *rings)
{
	char about[32];

	/* Dom0 is served by its socket, with a ring or without. */
	if (!number(r, "domid") || !number(r, "introduced") ||
	    number(r, "shutdown") || pages_domain(rings, number(r, "domid")))
		return;
	name_domain(r, about, sizeof(about));
	finding_add(d->found, FINDING_RING_MISSING, about, NULL,
		    "it is introduced, and there is no ring of it");
}

/* Bytes stand in a full ring, or requests behind replies. */
static void look_at_reader(struct doctor *d, const struct record *r,
			   const struct pages *rings)
{
	const struct record *ring = pages_domain(rings, number(r, "domid"));
	struct ring_fields f;
	char about[32], evidence[64];
	uint32_t unread;

	/* A ring out of service has a finding of its own. */
	if (!ring || !ring_fields_get(ring, &f) || ring_broken(&f))
		return;
	unread = ring_replies(&f);
	if (unread < RING_BYTES && !(unread && number(r, "waiting")))
		return;
	name_domain(r, about, sizeof(about));
	snprintf(evidence, sizeof(evidence), "%" PRIu32 " %" PRIu64,
		 f.rsp_cons, number(r, "requests"));
	finding_add(d->found, FINDING_GUEST_NOT_READING, about, evidence,
		    "%" PRIu32 " bytes stand unread in its ring%s", unread,
		    number(r, "waiting") ?
		    ", and its requests wait behind them" : "");
}

static void look_at_clients(struct doctor *d, const struct pages *clients)
{
	char about[64], evidence[32];

	for (size_t i = 0; i < clients->count; i++) {
		const struct record *r = &clients->record[i];
		uint64_t us = number(r, "unread_us");

		if (us < UNREAD_US)
			continue;
		name_client(r, about, sizeof(about));
		snprintf(evidence, sizeof(evidence), "%s",
			 record_text(r, "conn") ?: "");
		finding_add(d->found, FINDING_CLIENT_NOT_READING, about,
			    evidence, "%" PRIu64 " bytes stand unread for it "
			    "since %" PRIu64 " s", number(r, "unread"),
			    us / 1000000);
	}
}

/* ------------------------------------------------------------ quotas -- */

static void look_at_quotas(struct doctor *d, const struct record *r)
{
	/* Requests under way come and go: `outstanding' is none of these. */
	static const char *const quotas[] = {
		"nodes", "memory", "watches", "transactions",
	};
	char about[32], key[32];

	name_domain(r, about, sizeof(about));
	for (size_t i = 0; i < sizeof(quotas) / sizeof(quotas[0]); i++) {
		uint64_t use = number(r, quotas[i]), max;

		snprintf(key, sizeof(key), "%s_max", quotas[i]);
		max = number(r, key);
		if (!max || use < max - max / 10)
			continue;
		finding_add(d->found, use < max ? FINDING_QUOTA_NEAR :
			    FINDING_QUOTA_FULL, about, quotas[i],
			    "%s: %" PRIu64 " of %" PRIu64, quotas[i], use,
			    max);
	}
	if (number(r, "lost"))
		finding_add(d->found, FINDING_EVENTS_LOST, about, NULL,
			    "%" PRIu64 " events since the store began",
			    number(r, "lost"));
}

/* `refusals' know when; the older topic only that. */
static int look_at_refusals(struct doctor *d)
{
	struct pages pages;
	int ret = topic(d, "refusals", &pages);
	bool timed = !ret;
	char about[32];

	if (ret == -ENOENT)
		ret = topic(d, "quotas", &pages);
	for (size_t i = 0; !ret && i < pages.count; i++) {
		const struct record *r = &pages.record[i];

		if (timed && number(r, "last_us") > HOUR)
			continue;
		name_domain(r, about, sizeof(about));
		finding_add(d->found, FINDING_QUOTA_REFUSED, about,
			    record_text(r, "quota"), "%s: %" PRIu64
			    " times, the limit is %s",
			    record_text(r, "quota") ?: "?",
			    number(r, timed ? "count" : "refused"),
			    record_text(r, "limit") ?: "?");
	}
	pages_free(&pages);
	return ret == -ENOENT ? 0 : ret;
}

/* ------------------------------------------------------ transactions -- */

static const struct record *client_of(const struct pages *clients,
				      uint64_t conn)
{
	for (size_t i = 0; i < clients->count; i++)
		if (number(&clients->record[i], "conn") == conn)
			return &clients->record[i];
	return NULL;
}

static void add_transaction(struct doctor *d, const struct record *r,
			    const struct pages *clients)
{
	const struct record *client = client_of(clients, number(r, "conn"));
	char about[64], evidence[64];
	uint64_t us = number(r, "age_us");

	if (us < d->age)
		return;
	if (client)
		name_client(client, about, sizeof(about));
	else
		name_domain(r, about, sizeof(about));
	snprintf(evidence, sizeof(evidence), "%s %s",
		 record_text(r, "conn") ?: "", record_text(r, "id") ?: "");
	finding_add(d->found, FINDING_TRANSACTION_STUCK, about, evidence,
		    "open since %" PRIu64 " s, %" PRIu64 " paths, %" PRIu64
		    " writes%s", us / 1000000, number(r, "paths"),
		    number(r, "writes"), number(r, "failed") ?
		    "; it cannot be committed any more" : "");
}

/* Without ages: one that is open while its domain asks for nothing. */
static void guess_transaction(struct doctor *d, const struct record *r)
{
	char about[32], evidence[64];

	if (!number(r, "transactions"))
		return;
	name_domain(r, about, sizeof(about));
	snprintf(evidence, sizeof(evidence), "%" PRIu64,
		 number(r, "requests"));
	finding_add(d->found, FINDING_TRANSACTION_STUCK, about, evidence,
		    "%" PRIu64 " open, and it asked for nothing between two "
		    "looks", number(r, "transactions"));
}

static int look_at_transactions(struct doctor *d, const struct pages *domains,
				const struct pages *clients)
{
	struct pages pages;
	int ret = topic(d, "transactions", &pages);

	for (size_t i = 0; !ret && i < pages.count; i++)
		add_transaction(d, &pages.record[i], clients);
	pages_free(&pages);
	if (ret != -ENOENT)
		return ret;
	for (size_t i = 0; i < domains->count; i++)
		guess_transaction(d, &domains->record[i]);
	doctor_not_checked(d, "how long transactions are open");
	return 0;
}

/* ---------------------------------------------------------- conflicts -- */

/* A connection of the table, which may be gone. */
static void name_party(char *out, size_t size, const struct pages *clients,
		       int64_t conn)
{
	const struct record *client = conn < PARTY_SOCKET_BASE ? NULL :
				      client_of(clients, (uint64_t)conn);

	if (client)
		name_client(client, out, size);
	else if (conn >= PARTY_SOCKET_BASE)
		snprintf(out, size, "client %" PRId64 " of the socket, which "
			 "has left", conn);
	else if (conn >= 0)
		snprintf(out, size, "domain %" PRId64, conn);
	else
		snprintf(out, size, "somebody not known any more");
}

static bool keeps_losing(const struct record *r)
{
	uint64_t count = number(r, "count");

	return count >= CONFLICTS_MANY &&
	       number(r, "last_us") <= CONFLICTS_LAST_US &&
	       number(r, "first_us") / CONFLICTS_EACH_US <= count;
}

static int look_at_conflicts(struct doctor *d, const struct pages *clients)
{
	char loser[96], winner[96], last[PARTY_MAX];
	struct pages pages;
	int ret = topic(d, "conflicts", &pages);

	if (ret == -ENOENT)
		doctor_not_checked(d, "whose transactions conflict");
	for (size_t i = 0; !ret && i < pages.count; i++) {
		const struct record *r = &pages.record[i];
		int64_t conn = party_number(r, "loser_conn");

		if (!keeps_losing(r))
			continue;
		name_party(loser, sizeof(loser), clients, conn);
		name_party(winner, sizeof(winner), clients,
			   party_number(r, "winner_conn"));
		party_time(last, number(r, "last_us"));
		/* The daemon counts all clients of the socket as one. */
		finding_add(d->found, FINDING_TRANSACTIONS_CONFLICT, loser,
			    NULL, "%" PRIu64 " of its transactions%s failed "
			    "for what %s wrote, the last %s ago, at %s",
			    number(r, "count"), conn < PARTY_SOCKET_BASE ? "" :
			    " (and of others of the socket)", winner, last,
			    record_text(r, "path") ?: "?");
	}
	pages_free(&pages);
	return ret == -ENOENT ? 0 : ret;
}

static int read_clients(struct doctor *d, struct pages *clients)
{
	int ret = topic(d, "clients", clients);

	if (ret == -ENOENT)
		doctor_not_checked(d, "programs that do not read from the "
				   "socket");
	return ret == -ENOENT ? 0 : ret;
}

int doctor_domains(struct doctor *d)
{
	struct pages domains = { 0 }, rings = { 0 }, clients = { 0 };
	int ret = topic(d, "domains", &domains);

	if (!ret)
		ret = topic(d, "rings", &rings);
	if (!ret)
		ret = read_clients(d, &clients);
	for (size_t i = 0; !ret && i < rings.count; i++)
		look_at_ring(d, &rings.record[i]);
	for (size_t i = 0; !ret && i < domains.count; i++) {
		look_for_ring(d, &domains.record[i], &rings);
		look_at_reader(d, &domains.record[i], &rings);
		look_at_quotas(d, &domains.record[i]);
	}
	if (!ret)
		ret = look_at_refusals(d);
	if (!ret)
		ret = look_at_transactions(d, &domains, &clients);
	if (!ret)
		ret = look_at_conflicts(d, &clients);
	look_at_clients(d, &clients);
	d->found->domains = (unsigned int)domains.count;
	pages_free(&clients);
	pages_free(&rings);
	pages_free(&domains);
	return ret;
}
