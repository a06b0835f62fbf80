/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections and times in words; see party.h. */
#include "tools/xs-probe/party.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocol/cursor.h"

int64_t party_number(const struct record *record, const char *key)
{
	const char *text = record_text(record, key);
	struct span s = { text, text ? strlen(text) : 0 };
	uint64_t v;

	return text && span_number(s, INT64_MAX, &v) ? (int64_t)v : -1;
}

/* The process' name, where it runs beside us. */
static void process_name(char *out, size_t size, uint64_t pid)
{
	char path[48];
	FILE *f;

	*out = '\0';
	snprintf(path, sizeof(path), "/proc/%" PRIu64 "/comm", pid);
	f = fopen(path, "re");
	if (!f)
		return;
	if (!fgets(out, (int)size, f))
		*out = '\0';
	out[strcspn(out, "\n")] = '\0';
	fclose(f);
}

static bool client_words(char out[PARTY_MAX], const struct pages *clients,
			 int64_t conn)
{
	char name[32];
	uint64_t pid;

	for (size_t i = 0; clients && i < clients->count; i++) {
		const struct record *r = &clients->record[i];

		if (party_number(r, "conn") != conn ||
		    !record_number(r, "pid", &pid) || !pid)
			continue;
		process_name(name, sizeof(name), pid);
		snprintf(out, PARTY_MAX, *name ? "pid %" PRIu64 " (%s)" :
			 "pid %" PRIu64, pid, name);
		return true;
	}
	return false;
}

void party_words(char out[PARTY_MAX], const struct pages *clients,
		 int64_t conn, const char *nobody)
{
	if (conn < 0)
		snprintf(out, PARTY_MAX, "%s", nobody);
	else if (conn < PARTY_SOCKET_BASE)
		snprintf(out, PARTY_MAX, "domain %" PRId64, conn);
	else if (!client_words(out, clients, conn))
		snprintf(out, PARTY_MAX, "client %" PRId64, conn);
}

void party_time(char out[PARTY_MAX], uint64_t us)
{
	uint64_t s = us / 1000000;

	if (us < 1000)
		snprintf(out, PARTY_MAX, "%" PRIu64 " us", us);
	else if (us < 1000000)
		snprintf(out, PARTY_MAX, "%.1f ms", (double)us / 1e3);
	else if (s < 60)
		snprintf(out, PARTY_MAX, "%.1f s", (double)us / 1e6);
	else if (s < 3600)
		snprintf(out, PARTY_MAX, "%" PRIu64 "m %" PRIu64 "s", s / 60,
			 s % 60);
	else if (s < 86400)
		snprintf(out, PARTY_MAX, "%" PRIu64 "h %" PRIu64 "m",
			 s / 3600, s / 60 % 60);
	else
		snprintf(out, PARTY_MAX, "%" PRIu64 "d %" PRIu64 "h",
			 s / 86400, s / 3600 % 24);
}
