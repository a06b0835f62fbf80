/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The trace file: one line for each message in and out, with time of day,
 * connection, operation, transaction, request id and payload:
 *
 *   in  d5 20261121 08:40:00.123456 READ tx=0 req=7 (device/vif/0\0)
 *   out s0 20261121 08:40:00.123490 READ tx=0 req=7 (...)
 *
 * "d5" is the ring of domain 5, "s0" a socket (the number is the
 * connection's, from MACHINE_SOCKET_BASE on).  Bytes outside the printable
 * characters, and '\', are written \0 or \xNN.
 *
 * Tracing never stops the daemon: a line that cannot be written is dropped
 * and counted.
 */
#ifndef HOST_TRACE_H
#define HOST_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/wire.h"

struct trace;

/* A trace that is off; NULL for want of memory. */
struct trace *trace_new(void *parent);
/* Append to `path` from now on, in place of another file.  0 or -errno. */
int trace_open(struct trace *t, const char *path);
/* Open the file anew (it was rotated away). */
void trace_reopen(struct trace *t);
/* CONTROL log on, log off. */
void trace_switch(struct trace *t, bool on);
bool trace_on(const struct trace *t);
/* The file that was named, or NULL. */
const char *trace_path(const struct trace *t);
/* Has a file been named?  -1: no; else its descriptor. */
int trace_fd(const struct trace *t);

void trace_message(struct trace *t, bool in, uint32_t conn,
		   const struct wire_header *header, const void *payload);
/* A line of somebody else's, as it is. */
void trace_text(struct trace *t, const char *text, size_t len);

#endif
