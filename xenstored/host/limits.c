// SPDX-License-Identifier: GPL-2.0-or-later
/* Quotas of the command line; see limits.h. */
#include "xenstored/host/limits.h"

#include <stdio.h>
#include <string.h>

#include "xenstored/core/quota.h"
#include "xenstored/host/host.h"
#include "xenstored/host/log.h"
#include "xenstored/host/recovery.h"

/* No client gets this id: see client.c. */
#define LIMITS_CONN UINT32_MAX

static uint64_t limits_given(const struct host *h, int row)
{
	const struct options *o = h->options;

	if (o->settle)
		return h->recovery->given[row];
	return o->quota_given[row] ? o->quota[row] : LIMITS_NONE;
}

void limits_text(const struct host *h, char text[LIMITS_TEXT_MAX])
{
	char name[48];
	size_t at = 0;

	*text = '\0';
	for (int i = 0; i < QUOTA_COUNT; i++) {
		uint64_t given = limits_given(h, i);
		int n;

		if (given == LIMITS_NONE)
			continue;
		limits_name((enum quota_id)i, name);
		n = snprintf(text + at, LIMITS_TEXT_MAX - at, "%s=%llu ",
			     name, (unsigned long long)given);
		at += n > 0 ? (size_t)n : 0;
	}
}

/* SET_QUOTA, and what was answered goes with the connection. */
static void limits_set(struct host *h, enum quota_id row, uint64_t value)
{
	struct wire_header header = { .type = WIRE_SET_QUOTA };
	char bytes[sizeof(header) + 96];
	int n = snprintf(bytes + sizeof(header), 96, "%s%c%llu",
			 quota_table[row].name, '\0',
			 (unsigned long long)value);

	header.len = (uint32_t)n + 1;
	memcpy(bytes, &header, sizeof(header));
	host_feed_event(h, MACHINE_IN_OPEN, LIMITS_CONN);
	host_feed_bytes(h, LIMITS_CONN, bytes, sizeof(header) + header.len);
	host_feed_event(h, MACHINE_IN_CLOSE, LIMITS_CONN);
}

void limits_apply(struct host *h, const uint64_t before[QUOTA_COUNT])
{
	const struct options *o = h->options;

	for (int i = 0; i < QUOTA_COUNT; i++) {
		if (!o->quota_given[i] || o->quota[i] == before[i])
			continue;
		log_say(LOG_LIMIT, "quota %s is %llu from now on, as the "
			"command line says, and not what the state found says",
			quota_table[i].name, (unsigned long long)o->quota[i]);
		limits_set(h, (enum quota_id)i, o->quota[i]);
	}
}
