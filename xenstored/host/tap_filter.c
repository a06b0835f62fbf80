// SPDX-License-Identifier: GPL-2.0-or-later
/* Filters of taps; see tap_filter.h.  One row for each kind. */
#include "xenstored/host/tap_filter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

#include "protocol/path.h"

#define SLOW_MAX 3600000000u	/* an hour */

static uint32_t read_domain(struct tap_filter *f, void *owner,
			    struct span value)
{
	uint64_t v = TAP_SOCKETS;

	if (f->domains == TAP_FILTERS ||
	    (!span_is(value, "sockets") &&
	     !span_number(value, MACHINE_DOMID_FIRST_RESERVED - 1, &v)))
		return EINVAL;
	f->domain[f->domains++] = (uint32_t)v;
	return 0;
}

static uint32_t read_path(struct tap_filter *f, void *owner,
			  struct span value)
{
	enum path_kind kind = path_kind(value);
	char *copy;

	if (f->paths == TAP_FILTERS ||
	    (kind != PATH_ABSOLUTE && kind != PATH_SPECIAL))
		return EINVAL;
	copy = talloc_memdup(owner, value.at, value.len);
	if (!copy)
		return ENOMEM;
	f->path[f->paths++] = (struct span){ copy, value.len };
	return 0;
}

static uint32_t read_op(struct tap_filter *f, void *owner, struct span value)
{
	uint32_t op = 0;

	while (op < WIRE_OP_COUNT && !span_is(value, wire_op_name(op)))
		op++;
	if (f->ops == TAP_FILTERS || op == WIRE_OP_COUNT)
		return EINVAL;
	f->op[f->ops++] = op;
	return 0;
}

static uint32_t read_slow(struct tap_filter *f, void *owner,
			  struct span value)
{
	return span_number(value, SLOW_MAX, &f->slow) ? 0 : EINVAL;
}

static uint32_t read_keep(struct tap_filter *f, void *owner,
			  struct span value)
{
	uint64_t v;

	if (!span_number(value, TAP_KEEP_MAX, &v))
		return EINVAL;
	f->keep = (uint16_t)v;
	return 0;
}

static const struct {
	const char *name;
	uint32_t (*read)(struct tap_filter *f, void *owner,
			 struct span value);
} kinds[] = {
	{ "domain", read_domain },
	{ "path", read_path },
	{ "op", read_op },
	{ "slow", read_slow },
	{ "keep", read_keep },
};

static uint32_t read_word(struct tap_filter *f, void *owner,
			  struct span word)
{
	const char *equals = memchr(word.at, '=', word.len);
	struct span name = word, value;

	if (!equals)
		return EINVAL;
	name.len = (size_t)(equals - word.at);
	value.at = equals + 1;
	value.len = word.len - name.len - 1;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (span_is(name, kinds[i].name))
			return kinds[i].read(f, owner, value);
	return EINVAL;
}

uint32_t tap_filter_read(struct tap_filter *f, void *owner,
			 struct cursor *args)
{
	struct span word;
	uint32_t error = 0;

	f->keep = TAP_KEEP;
	while (!error && cursor_string(args, &word))
		error = read_word(f, owner, word);
	return error;
}

static bool wants_domain(const struct tap_filter *f, uint32_t conn)
{
	uint32_t party = conn < MACHINE_SOCKET_BASE ? conn : TAP_SOCKETS;

	for (unsigned int i = 0; i < f->domains; i++)
		if (f->domain[i] == party)
			return true;
	return !f->domains;
}

static bool wants_op(const struct tap_filter *f, uint32_t op)
{
	for (unsigned int i = 0; i < f->ops; i++)
		if (f->op[i] == op)
			return true;
	return !f->ops;
}

static bool wants_path(const struct tap_filter *f, struct span path)
{
	for (unsigned int i = 0; i < f->paths; i++)
		if (path.len && path_below(f->path[i], path))
			return true;
	return !f->paths;
}

bool tap_filter_wants(const struct tap_filter *f, uint32_t conn, uint32_t op,
		      struct span path)
{
	return wants_domain(f, conn) && wants_op(f, op) &&
	       wants_path(f, path);
}

/* Operations whose first string is a path. */
static bool has_path(uint32_t op)
{
	switch (op) {
	case WIRE_DIRECTORY:
	case WIRE_READ:
	case WIRE_GET_PERMS:
	case WIRE_WATCH:
	case WIRE_UNWATCH:
	case WIRE_WRITE:
	case WIRE_MKDIR:
	case WIRE_RM:
	case WIRE_SET_PERMS:
	case WIRE_WATCH_EVENT:
	case WIRE_DIRECTORY_PART:
		return true;
	default:
		return false;
	}
}

struct span tap_path(uint32_t conn, uint32_t op, const char *payload,
		     size_t len, char room[TAP_ABSOLUTE_MAX])
{
	struct span path = { payload, 0 };
	size_t n;

	if (!has_path(op) || !len)
		return (struct span){ "", 0 };
	path.len = strnlen(payload, len);
	if (path.len && (*path.at == '/' || *path.at == '@'))
		return path;
	n = (size_t)snprintf(room, TAP_ABSOLUTE_MAX, "/local/domain/%u/",
			     conn < MACHINE_SOCKET_BASE ? conn : 0);
	memcpy(room + n, path.at, path.len);
	return (struct span){ room, n + path.len };
}
