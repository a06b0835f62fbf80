// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A line is put together in a buffer that holds the longest one, and written
 * with one call, so that lines of two daemons or of a reopened file never
 * mix.
 */
#include "xenstored/host/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>
#include <time.h>
#include <unistd.h>

#include "xenstored/core/machine.h"
#include "xenstored/host/log.h"

#define TRACE_HEAD_MAX 160
#define TRACE_LINE_MAX (TRACE_HEAD_MAX + 4 * WIRE_PAYLOAD_MAX + 2)

struct trace {
	char *path;		/* NULL: no file was named */
	int fd;			/* -1: none open */
	bool on;
	uint64_t lost;		/* lines that could not be written */
	char line[TRACE_LINE_MAX];
};

static int trace_destroy(struct trace *t)
{
	if (t->fd >= 0)
		close(t->fd);
	return 0;
}

struct trace *trace_new(void *parent)
{
	struct trace *t = talloc_zero(parent, struct trace);

	if (!t)
		return NULL;
	t->fd = -1;
	talloc_set_destructor(t, trace_destroy);
	return t;
}

/* Not blocking: a named pipe without a reader must not stop us. */
static int trace_descriptor(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC |
		      O_NONBLOCK, 0600);

	return fd < 0 ? -errno : fd;
}

static void trace_use(struct trace *t, int fd)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = fd;
	t->lost = 0;
}

int trace_open(struct trace *t, const char *path)
{
	char *copy = talloc_strdup(t, path);
	int fd;

	if (!copy)
		return -ENOMEM;
	fd = trace_descriptor(path);
	if (fd < 0) {
		talloc_free(copy);
		return fd;
	}
	trace_use(t, fd);
	talloc_free(t->path);
	t->path = copy;
	t->on = true;
	return 0;
}

void trace_reopen(struct trace *t)
{
	int fd;

	if (!t->path)
		return;
	fd = trace_descriptor(t->path);
	if (fd < 0)
		log_say(LOG_TRACE, "cannot reopen %s: %s", t->path,
			strerror(-fd));
	else
		trace_use(t, fd);
}

void trace_switch(struct trace *t, bool on)
{
	t->on = on;
}

bool trace_on(const struct trace *t)
{
	return t->on && t->fd >= 0;
}

const char *trace_path(const struct trace *t)
{
	return t->path;
}

int trace_fd(const struct trace *t)
{
	return t->fd;
}

void trace_text(struct trace *t, const char *text, size_t len)
{
	ssize_t n;

	if (!trace_on(t))
		return;
	n = write(t->fd, text, len);
	if (n == (ssize_t)len)
		return;
	/* Said once for each file; the number is in the count. */
	if (!t->lost++)
		log_say(LOG_TRACE, "lines of %s are lost: %s", t->path,
			n < 0 ? strerror(errno) : "no space");
}

static size_t trace_head(char *line, bool in, uint32_t conn,
			 const struct wire_header *header)
{
	bool socket = conn >= MACHINE_SOCKET_BASE;
	struct timespec ts;
	struct tm tm;
	int n;

	clock_gettime(CLOCK_REALTIME, &ts);
	localtime_r(&ts.tv_sec, &tm);
	n = snprintf(line, TRACE_HEAD_MAX,
		     "%-3s %c%u %04d%02d%02d %02d:%02d:%02d.%06ld %s tx=%u req=%u (",
		     in ? "in" : "out", socket ? 's' : 'd',
		     socket ? conn - MACHINE_SOCKET_BASE : conn,
		     tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		     tm.tm_min, tm.tm_sec, ts.tv_nsec / 1000,
		     wire_op_name(header->type), header->tx_id,
		     header->req_id);
	return n < TRACE_HEAD_MAX ? (size_t)n : TRACE_HEAD_MAX - 1;
}

static char *trace_byte(char *to, unsigned char byte)
{
	static const char hex[] = "0123456789abcdef";

	if (byte >= ' ' && byte < 0x7f && byte != '\\') {
		*to++ = (char)byte;
		return to;
	}
	*to++ = '\\';
	if (!byte) {
		*to++ = '0';
		return to;
	}
	*to++ = 'x';
	*to++ = hex[byte >> 4];
	*to++ = hex[byte & 15];
	return to;
}

void trace_message(struct trace *t, bool in, uint32_t conn,
		   const struct wire_header *header, const void *payload)
{
	const unsigned char *at = payload;
	uint32_t len = header->len;
	char *to;

	if (!trace_on(t))
		return;
	if (len > WIRE_PAYLOAD_MAX || !payload)
		len = 0;
	to = t->line + trace_head(t->line, in, conn, header);
	for (uint32_t i = 0; i < len; i++)
		to = trace_byte(to, at[i]);
	*to++ = ')';
	*to++ = '\n';
	trace_text(t, t->line, (size_t)(to - t->line));
}
