/* SPDX-License-Identifier: MIT */
/*
 * The text of a session's file: groups of entries, as bytes and back.  No
 * files here, so that it can be tested and fuzzed.
 *
 * The file begins with SESSION_LOG_MAGIC.  A group is: length of its entries
 * in 4 bytes, CRC-32 of what follows in 4, the group's number in 8 (0, 1, 2
 * ...), the entries.  An entry is a letter and what belongs to it:
 *	'S'	id, first	whose messages follow; first entry of a file
 *	'F'	first		messages before it are delivered
 *	'd'	number, length, bytes	a message (the outbox's record)
 *	'M'	id, last	the mark
 *	'A'	length, bytes	the program's state
 * Numbers are of 8 bytes, lengths of 4, ids of 24, the high byte first.
 */
#ifndef LIB_SESSION_LOG_H
#define LIB_SESSION_LOG_H

#include "lib/session_priv.h"

#define SESSION_LOG_MAGIC "pxsess1\n"
enum { SESSION_LOG_MAGIC_SIZE = 8, SESSION_LOG_HEAD = 16 };

struct session_entry {
	char type;
	struct px_session_id id;
	uint64_t number;	/* first, number or last */
	struct span bytes;
};

uint32_t session_crc(uint32_t crc, const char *bytes, size_t len);

/* A group under construction in a buffer that is known to be large enough. */
struct session_group {
	char *at;
	size_t len;
};

void session_group_begin(struct session_group *g, char *buffer);
void session_group_id(struct session_group *g, char type,
		      const struct px_session_id *id, uint64_t number);
void session_group_first(struct session_group *g, uint64_t first);
void session_group_bytes(struct session_group *g, char type, uint64_t number,
			 const void *bytes, size_t len);
/* Its length with the head, which is put now. */
size_t session_group_end(struct session_group *g, uint64_t number);

/*
 * Read a head: the length of the entries and their checksum.  The number is
 * under the checksum, with the entries.
 */
void session_head(const char *head, size_t *len, uint32_t *crc);

/* The next entry; false at the end, or if it is none (cursor_left() tells). */
bool session_entry_next(struct cursor *c, struct session_entry *e);

#endif
