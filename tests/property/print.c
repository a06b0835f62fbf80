/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scenarios and messages for people; NUL is shown as '|'. */
#include "config.h"

#include <ctype.h>

#include "tests/property/scenario.h"

static void print_bytes(FILE *to, const char *p, size_t len)
{
	for (size_t i = 0; i < len && i < 120; i++) {
		if (p[i] == '\0')
			fputc('|', to);
		else if (isprint((unsigned char)p[i]))
			fputc(p[i], to);
		else
			fprintf(to, "\\x%02x", (unsigned char)p[i]);
	}
	if (len > 120)
		fprintf(to, "... (%zu bytes)", len);
}

void message_print(FILE *to, const struct wire_header *h, const char *payload)
{
	fprintf(to, "%s id=%x tx=%u \"", wire_op_name(h->type), h->req_id,
		h->tx_id);
	print_bytes(to, payload, h->len);
	fprintf(to, "\"");
}

void deed_print(FILE *to, const struct deed *d)
{
	static const char *const names[] = { "request", "feed", "take",
		"answer", "world", "open/close", "reset", "fail", "overlong",
		"time", "drain" };
	static const char *const states[] = { "gone", "runs", "reborn",
		"shutdown", "dying" };

	fprintf(to, "%-10s ", names[d->type]);
	if (d->type == DEED_WORLD) {
		fprintf(to, "domain %u %s\n", d->domid, states[d->n]);
		return;
	}
	fprintf(to, "conn %u ", d->conn);
	if (d->type == DEED_REQUEST)
		message_print(to, &d->header, d->payload);
	else if (d->n == SIZE_MAX)
		fprintf(to, "all");
	else
		fprintf(to, "%zu", d->n);
	fputc('\n', to);
}
