/* SPDX-License-Identifier: MIT */
/*
 * The xenstore message: a 16-byte header of four little-endian 32-bit words,
 * then `len` bytes of payload.  Values are those of the public header
 * xen/io/xs_wire.h; they are restated here so that firmware needs no Xen
 * headers, and a unit test compares the two.
 *
 * Pure: no I/O, no allocation, no clock.  All functions are total.
 */
#ifndef PROTOCOL_WIRE_H
#define PROTOCOL_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Largest payload of one message, in bytes, either way. */
#define WIRE_PAYLOAD_MAX 4096
#define WIRE_HEADER_SIZE 16
#define WIRE_MESSAGE_MAX (WIRE_HEADER_SIZE + WIRE_PAYLOAD_MAX)
/* Longest absolute path and longest relative path, without the NUL. */
#define WIRE_ABS_PATH_MAX 3072
#define WIRE_REL_PATH_MAX 2048

enum wire_op {
	WIRE_CONTROL = 0,
	WIRE_DIRECTORY = 1,
	WIRE_READ = 2,
	WIRE_GET_PERMS = 3,
	WIRE_WATCH = 4,
	WIRE_UNWATCH = 5,
	WIRE_TRANSACTION_START = 6,
	WIRE_TRANSACTION_END = 7,
	WIRE_INTRODUCE = 8,
	WIRE_RELEASE = 9,
	WIRE_GET_DOMAIN_PATH = 10,
	WIRE_WRITE = 11,
	WIRE_MKDIR = 12,
	WIRE_RM = 13,
	WIRE_SET_PERMS = 14,
	WIRE_WATCH_EVENT = 15,
	WIRE_ERROR = 16,
	WIRE_IS_DOMAIN_INTRODUCED = 17,
	WIRE_RESUME = 18,
	WIRE_SET_TARGET = 19,
	/* 20 was RESTRICT and is refused like any unknown type. */
	WIRE_RESET_WATCHES = 21,
	WIRE_DIRECTORY_PART = 22,
	WIRE_GET_FEATURE = 23,
	WIRE_SET_FEATURE = 24,
	WIRE_GET_QUOTA = 25,
	WIRE_SET_QUOTA = 26,
	WIRE_OP_COUNT = 27
};

/*
 * The sixteen errors that have a name on the wire, with the numbers that
 * Xen's public errno.h and Linux give them.
 */
enum wire_error {
	WIRE_EPERM = 1,
	WIRE_ENOENT = 2,
	WIRE_EIO = 5,
	WIRE_E2BIG = 7,
	WIRE_EAGAIN = 11,
	WIRE_ENOMEM = 12,
	WIRE_EACCES = 13,
	WIRE_EBUSY = 16,
	WIRE_EEXIST = 17,
	WIRE_EISDIR = 21,
	WIRE_EINVAL = 22,
	WIRE_ENOSPC = 28,
	WIRE_EROFS = 30,
	WIRE_ENOSYS = 38,
	WIRE_ENOTEMPTY = 39,
	WIRE_EISCONN = 106
};

struct wire_header {
	uint32_t type;
	uint32_t req_id;
	uint32_t tx_id;
	uint32_t len;
};

/* Read a header from exactly WIRE_HEADER_SIZE bytes, any alignment. */
struct wire_header wire_header_get(const void *bytes);
/* Write a header to exactly WIRE_HEADER_SIZE bytes, any alignment. */
void wire_header_put(void *bytes, const struct wire_header *header);

/*
 * The wire's name for a positive error number.  A number that has no name on
 * the wire becomes "EINVAL", as every client expects one of the sixteen.
 */
const char *wire_error_name(int error);
/*
 * The number of an error name of `len` bytes (a trailing NUL, if any, not
 * counted); 0 if it is none of the sixteen.
 */
int wire_error_number(const char *name, size_t len);
/* The name of a message type ("READ"), or "?" for an unknown one. */
const char *wire_op_name(uint32_t type);

#endif
