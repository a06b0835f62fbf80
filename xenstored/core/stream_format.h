/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stream's numbers, and the two ways to move over its bytes: a buffer
 * that grows, and a cursor that never passes its end.  Words are little
 * endian but for the header's.  A record's body is padded to eight bytes;
 * the C daemon counts the padding in the record's length and relies on it,
 * so we do the same and read both ways.
 */
#ifndef CORE_STREAM_FORMAT_H
#define CORE_STREAM_FORMAT_H

#include "protocol/cursor.h"
#include "xenstored/core/stream.h"

#define STREAM_IDENT "xenstore"
#define STREAM_BIG_ENDIAN 1u

enum stream_type {
	STREAM_END,
	STREAM_GLOBAL,
	STREAM_CONNECTION,
	STREAM_WATCH,
	STREAM_TRANSACTION,
	STREAM_NODE,
	STREAM_QUOTA,
	STREAM_DOMAIN,
	STREAM_WATCH_EXTENDED,
	STREAM_TYPES
};

enum stream_conn_type {
	STREAM_RING,
	STREAM_SOCKET,
};

#define STREAM_STALE 1u		/* flag of an access list's entry */
#define STREAM_WRITTEN 2u	/* access of a pending node */
#define STREAM_DEPTH_ALL 0xffffu

/* ------------------------------------------------------------ writing -- */

void stream_bytes(struct stream_out *o, const void *bytes, size_t len);
void stream_u8(struct stream_out *o, unsigned int v);
void stream_u16(struct stream_out *o, unsigned int v);
void stream_u32(struct stream_out *o, uint32_t v);
void stream_be32(struct stream_out *o, uint32_t v);
/* Begin a record; the result is for stream_end(), which pads it. */
size_t stream_begin(struct stream_out *o, enum stream_type type);
void stream_end(struct stream_out *o, size_t begun);

/* ------------------------------------------------------------ reading -- */

/* Past the end everything is 0 and `failed` is set. */
struct stream_in {
	struct cursor c;
	bool failed;
};

uint32_t stream_take(struct stream_in *in, unsigned int size);
struct span stream_take_bytes(struct stream_in *in, size_t len);
/* `len` bytes of which the last, and it alone, is NUL; without the NUL. */
struct span stream_take_text(struct stream_in *in, size_t len);
uint32_t stream_take_be32(struct stream_in *in);

#endif
