/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xs-probe trace: one record of the wire, where it comes from (the daemon, or
 * a file that was written before) and where it goes (text, JSON, a file).
 */
#ifndef XS_PROBE_TRACE_H
#define XS_PROBE_TRACE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "protocol/cursor.h"
#include "tools/xs-probe/probe.h"
#include "tools/xs-probe/record.h"

#define TRACE_NO_RESULT UINT32_MAX

/* As in docs/protocol/trace.md; the spans point into what it came from. */
struct traced {
	uint64_t time_us;
	uint64_t latency_us;
	uint32_t conn;
	uint32_t op;
	uint32_t req, tx;
	uint32_t result;	/* enum wire_error; 0: OK; TRACE_NO_RESULT */
	uint32_t request_len, reply_len;
	struct span path, request, reply;
};

/* ------------------------------------------------------ trace_filter.c -- */

#define TRACE_FILTERS 8u
#define TRACE_SOCKETS 65536u

struct trace_filter {
	uint32_t domain[TRACE_FILTERS];
	struct span path[TRACE_FILTERS];
	uint32_t op[TRACE_FILTERS];
	unsigned int domains, paths, ops;
	uint64_t slow_us;
};

/* From the options --domain, --path, --op and --slow; 0, or probe_usage(). */
int trace_filter_options(struct trace_filter *f, const struct probe *probe);
bool trace_filter_wants(const struct trace_filter *f,
			const struct traced *t);
/* Begin a trace in the daemon; 0 or a negative errno. */
int trace_filter_start(const struct trace_filter *f, struct probe *probe);

/* -------------------------------------------------------- trace_text.c -- */

void trace_text_head(FILE *out);
void trace_text(FILE *out, const struct traced *t);
json_t *trace_json(const struct traced *t);
/* A record of the topic `trace`; false: it is none. */
bool trace_record(struct traced *t, const struct record *r);

/* -------------------------------------------------------- trace_pcap.c -- */

/* The file's header.  False: cannot be written. */
bool trace_pcap_head(FILE *out);
bool trace_pcap_write(FILE *out, const struct traced *t);
/* 0, or -EBADMSG: it is not one of ours. */
int trace_pcap_open(FILE *in);
/* 1 and the next record, 0 at the end, -EBADMSG, or -EIO.  `room` holds it. */
#define TRACE_PCAP_ROOM 8192u
int trace_pcap_read(FILE *in, struct traced *t, uint8_t room[TRACE_PCAP_ROOM]);

#endif
