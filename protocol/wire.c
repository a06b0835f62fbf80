/* SPDX-License-Identifier: MIT */
/*
 * Header packing and the two tables of names.  Words are assembled byte by
 * byte: the wire is little-endian whatever the machine, and may be unaligned.
 */
#include "protocol/wire.h"

static const struct {
	int number;
	const char *name;
} errors[] = {
	{ WIRE_EINVAL, "EINVAL" },	{ WIRE_EACCES, "EACCES" },
	{ WIRE_EEXIST, "EEXIST" },	{ WIRE_EISDIR, "EISDIR" },
	{ WIRE_ENOENT, "ENOENT" },	{ WIRE_ENOMEM, "ENOMEM" },
	{ WIRE_ENOSPC, "ENOSPC" },	{ WIRE_EIO, "EIO" },
	{ WIRE_ENOTEMPTY, "ENOTEMPTY" }, { WIRE_ENOSYS, "ENOSYS" },
	{ WIRE_EROFS, "EROFS" },	{ WIRE_EBUSY, "EBUSY" },
	{ WIRE_EAGAIN, "EAGAIN" },	{ WIRE_EISCONN, "EISCONN" },
	{ WIRE_E2BIG, "E2BIG" },	{ WIRE_EPERM, "EPERM" },
};

static const char *const ops[WIRE_OP_COUNT] = {
	[WIRE_CONTROL] = "CONTROL",
	[WIRE_DIRECTORY] = "DIRECTORY",
	[WIRE_READ] = "READ",
	[WIRE_GET_PERMS] = "GET_PERMS",
	[WIRE_WATCH] = "WATCH",
	[WIRE_UNWATCH] = "UNWATCH",
	[WIRE_TRANSACTION_START] = "TRANSACTION_START",
	[WIRE_TRANSACTION_END] = "TRANSACTION_END",
	[WIRE_INTRODUCE] = "INTRODUCE",
	[WIRE_RELEASE] = "RELEASE",
	[WIRE_GET_DOMAIN_PATH] = "GET_DOMAIN_PATH",
	[WIRE_WRITE] = "WRITE",
	[WIRE_MKDIR] = "MKDIR",
	[WIRE_RM] = "RM",
	[WIRE_SET_PERMS] = "SET_PERMS",
	[WIRE_WATCH_EVENT] = "WATCH_EVENT",
	[WIRE_ERROR] = "ERROR",
	[WIRE_IS_DOMAIN_INTRODUCED] = "IS_DOMAIN_INTRODUCED",
	[WIRE_RESUME] = "RESUME",
	[WIRE_SET_TARGET] = "SET_TARGET",
	[WIRE_RESET_WATCHES] = "RESET_WATCHES",
	[WIRE_DIRECTORY_PART] = "DIRECTORY_PART",
	[WIRE_GET_FEATURE] = "GET_FEATURE",
	[WIRE_SET_FEATURE] = "SET_FEATURE",
	[WIRE_GET_QUOTA] = "GET_QUOTA",
	[WIRE_SET_QUOTA] = "SET_QUOTA",
};

static uint32_t word_get(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

static void word_put(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)(v >> 16);
	p[3] = (uint8_t)(v >> 24);
}

struct wire_header wire_header_get(const void *bytes)
{
	const uint8_t *p = bytes;
	struct wire_header h = {
		.type = word_get(p),
		.req_id = word_get(p + 4),
		.tx_id = word_get(p + 8),
		.len = word_get(p + 12),
	};

	return h;
}

void wire_header_put(void *bytes, const struct wire_header *header)
{
	uint8_t *p = bytes;

	word_put(p, header->type);
	word_put(p + 4, header->req_id);
	word_put(p + 8, header->tx_id);
	word_put(p + 12, header->len);
}

const char *wire_error_name(int error)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].number == error)
			return errors[i].name;
	return "EINVAL";
}

static bool name_equal(const char *name, const char *bytes, size_t len)
{
	size_t i = 0;

	while (i < len && name[i] && name[i] == bytes[i])
		i++;
	return i == len && !name[i];
}

int wire_error_number(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (name_equal(errors[i].name, name, len))
			return errors[i].number;
	return 0;
}

const char *wire_op_name(uint32_t type)
{
	if (type < WIRE_OP_COUNT && ops[type])
		return ops[type];
	return "?";
}
