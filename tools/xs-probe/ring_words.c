/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A ring page judged; each finding is a row of one table. */
#include "tools/xs-probe/ring_words.h"

#include <inttypes.h>
#include <stdio.h>

bool ring_fields_get(const struct record *record, struct ring_fields *f)
{
	const struct {
		const char *key;
		uint32_t *to;
	} keys[] = {
		{ "req_cons", &f->req_cons }, { "req_prod", &f->req_prod },
		{ "rsp_cons", &f->rsp_cons }, { "rsp_prod", &f->rsp_prod },
		{ "features", &f->features },
		{ "connection", &f->connection }, { "error", &f->error },
		{ "evtchn_port", &f->evtchn_port },
	};
	uint64_t n;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (!record_number(record, keys[i].key, &n) ||
		    n > UINT32_MAX)
			return false;
		*keys[i].to = (uint32_t)n;
	}
	return record_number(record, "port", &f->port);
}

/* Indices run free modulo 2^32. */
uint32_t ring_requests(const struct ring_fields *f)
{
	return f->req_prod - f->req_cons;
}

uint32_t ring_replies(const struct ring_fields *f)
{
	return f->rsp_prod - f->rsp_cons;
}

static bool bad_requests(const struct ring_fields *f)
{
	return ring_requests(f) > RING_BYTES;
}

static bool bad_replies(const struct ring_fields *f)
{
	return ring_replies(f) > RING_BYTES;
}

static bool has_error(const struct ring_fields *f)
{
	return f->error != 0;
}

static bool full_replies(const struct ring_fields *f)
{
	return ring_replies(f) == RING_BYTES;
}

static bool reset_asked(const struct ring_fields *f)
{
	return f->connection && (f->features & 1);
}

static bool reset_in_vain(const struct ring_fields *f)
{
	return f->connection && !(f->features & 1);
}

bool ring_broken(const struct ring_fields *f)
{
	return has_error(f) || bad_requests(f) || bad_replies(f);
}

const char *ring_error_words(uint32_t error)
{
	static const char *const words[] = {
		NULL,
		"the event channel could not be used",
		"an index was impossible",
		"the guest broke the protocol",
	};

	if (error < sizeof(words) / sizeof(words[0]))
		return words[error];
	return "an error this program does not know";
}

static uint32_t error_of(const struct ring_fields *f)
{
	return f->error;
}

static uint32_t connection_of(const struct ring_fields *f)
{
	return f->connection;
}

static const struct {
	bool (*applies)(const struct ring_fields *f);
	uint32_t (*number)(const struct ring_fields *f);
	const char *words;	/* printed with the number */
} findings[] = {
	{ has_error, error_of,
	  "error %" PRIu32 ": the ring is out of service until the guest "
	  "resets it or the toolstack releases and introduces the domain" },
	{ bad_requests, ring_requests,
	  "the request indices are %" PRIu32 " apart, more than the 1024 bytes "
	  "of the ring: the guest's producer is impossible" },
	{ bad_replies, ring_replies,
	  "the reply indices are %" PRIu32 " apart, more than the 1024 bytes "
	  "of the ring: the guest's consumer is impossible" },
	{ full_replies, ring_replies,
	  "the reply ring is full (%" PRIu32 " bytes): the guest does not read "
	  "its replies and events" },
	{ reset_asked, connection_of,
	  "connection is %" PRIu32 ": the guest asked for a reset that the "
	  "daemon has not done yet" },
	{ reset_in_vain, connection_of,
	  "connection is %" PRIu32 " but the daemon offers no reset: the guest "
	  "waits for nothing" },
};

bool ring_finding(const struct ring_fields *f, unsigned int n, char *text,
		  size_t size)
{
	for (size_t i = 0; i < sizeof(findings) / sizeof(findings[0]); i++) {
		if (!findings[i].applies(f) || n--)
			continue;
		snprintf(text, size, findings[i].words,
			 findings[i].number(f));
		return true;
	}
	return false;
}
