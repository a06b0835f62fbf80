/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a tap wants to see: those of one kind are alternatives, each kind that
 * was named must hold.
 */
#ifndef HOST_TAP_FILTER_H
#define HOST_TAP_FILTER_H

#include "xenstored/core/machine.h"
#include "xenstored/host/tap.h"

/* In place of a domid: all clients of the socket. */
#define TAP_SOCKETS MACHINE_SOCKET_BASE
/* A relative path, made absolute. */
#define TAP_ABSOLUTE_MAX (WIRE_PAYLOAD_MAX + 64)

struct tap_filter {
	uint32_t domain[TAP_FILTERS];
	struct span path[TAP_FILTERS];	/* talloc children of `owner` */
	uint32_t op[TAP_FILTERS];
	unsigned int domains, paths, ops;
	uint64_t slow;			/* microseconds at least */
	uint16_t keep;			/* bytes of a payload */
};

/* From the words of trace-start.  0, EINVAL or ENOMEM. */
uint32_t tap_filter_read(struct tap_filter *f, void *owner,
			 struct cursor *args);
bool tap_filter_wants(const struct tap_filter *f, uint32_t conn, uint32_t op,
		      struct span path);

/*
 * The path that a message is about, absolute, or empty; it lies in `room` or
 * in the payload.
 */
struct span tap_path(uint32_t conn, uint32_t op, const char *payload,
		     size_t len, char room[TAP_ABSOLUTE_MAX]);

#endif
