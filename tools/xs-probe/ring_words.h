/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the fields of a ring page mean, and what is wrong with them
 * (docs/protocol, ring): judged in one place for `ring' and `domains'.
 */
#ifndef XS_PROBE_RING_WORDS_H
#define XS_PROBE_RING_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/xs-probe/record.h"

#define RING_BYTES 1024u

struct ring_fields {
	uint32_t req_cons, req_prod, rsp_cons, rsp_prod;
	uint32_t features, connection, error, evtchn_port;
	uint64_t port;
};

/* From a record of topic `rings`; false if a field of the page is missing. */
bool ring_fields_get(const struct record *record, struct ring_fields *fields);

/* Bytes in each direction; over RING_BYTES if the indices cannot be. */
uint32_t ring_requests(const struct ring_fields *f);
uint32_t ring_replies(const struct ring_fields *f);

/* Out of service: an error is set, or indices that cannot be. */
bool ring_broken(const struct ring_fields *f);

/* The page's error field in words; NULL for 0. */
const char *ring_error_words(uint32_t error);

/*
 * The finding number `n` (from 0) into `text`, in words; false when there
 * are no more.
 */
bool ring_finding(const struct ring_fields *f, unsigned int n, char *text,
		  size_t size);

#endif
