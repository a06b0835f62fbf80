/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Taps: the wire as it is spoken, for who asked to see it
 * (docs/protocol/control.md, topic `trace`).  One record for each request
 * with its reply, one for each event.
 *
 * A tap belongs to the connection that began it and keeps its records in one
 * buffer of fixed size (tap_buffer.c); where the reader is slower than the
 * wire the oldest give way and are counted.  It ends when asked, or when
 * nobody has read it for ten seconds, which a connection's end comes to.
 *
 * Without a tap there is one test of a pointer for each message.
 */
#ifndef HOST_TAP_H
#define HOST_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/cursor.h"
#include "protocol/wire.h"

#define TAPS_MAX 4u
#define TAP_FILTERS 8u		/* of one kind */
#define TAP_KEEP 128u		/* bytes of a payload, if not asked for */
#define TAP_KEEP_MAX 512u
#define TAP_PATH_MAX 512u

struct host;

/* In place of an error's number. */
#define TAP_NO_RESULT UINT32_MAX

/* One record; its bytes stand behind it: path, request, reply. */
struct tap_record {
	uint32_t size;		/* with its bytes; 0: go on at the start */
	uint32_t seq;
	uint64_t time_us;
	uint64_t latency_us;
	uint32_t conn;
	uint32_t op;
	uint32_t req;
	uint32_t tx;
	uint32_t result;	/* enum wire_error, 0: OK, TAP_NO_RESULT */
	uint32_t request_len, reply_len;
	uint16_t path_kept, request_kept, reply_kept;
};

struct tap_bytes {
	const char *path, *request, *reply;
};

/* --------------------------------------------------------- the buffer -- */

struct tap_buffer;

struct tap_buffer *tap_buffer_new(void *parent);
/* `r` with its lengths kept; its seq and size are given here. */
void tap_buffer_put(struct tap_buffer *b, const struct tap_record *r,
		    const struct tap_bytes *bytes);
/* The reader has got all before `seq`; 0: it begins. */
void tap_buffer_got(struct tap_buffer *b, uint32_t seq);
/*
 * The oldest record, and the one behind `r`; NULL at the end.  `bytes` point
 * into the buffer.
 */
const struct tap_record *tap_buffer_next(const struct tap_buffer *b,
					 const struct tap_record *r,
					 struct tap_bytes *bytes);
/* The number that the next one gets. */
uint32_t tap_buffer_seq(const struct tap_buffer *b);
uint32_t tap_buffer_count(const struct tap_buffer *b);
uint64_t tap_buffer_dropped(const struct tap_buffer *b);

/* ----------------------------------------------------------- the taps -- */

/*
 * `args` are the filters; a tap that the connection has ends.  0, EINVAL,
 * EBUSY or ENOMEM.
 */
uint32_t tap_start(struct host *h, uint32_t conn, struct cursor *args);
/* 0 or ENOENT. */
uint32_t tap_stop(struct host *h, uint32_t conn);
/* A page into h->reply, *len bytes; 0 or ENOENT. */
uint32_t tap_page(struct host *h, uint32_t conn, uint32_t cursor,
		  size_t *len);
unsigned int tap_count(const struct host *h);
/* Records that readers missed since the start. */
uint64_t tap_dropped(const struct host *h);

/* The machine's sinks; to be called only if there is a tap. */
void tap_message(struct host *h, bool in, uint32_t conn,
		 const struct wire_header *header, const void *payload);
void tap_event(struct host *h, uint32_t conn, const void *payload,
	       size_t len);

#endif
