// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The door to the machine and the few things that every module needs.
 */
#include "xenstored/host/host.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "xenstored/host/fault.h"
#include "xenstored/host/journal.h"
#include "xenstored/host/log.h"

static void host_record(struct host *h, const struct machine_input *in)
{
	int news;

	if (!journal_input(h->journal, in))
		return;
	/* The next checkpoint tries to begin a journal anew. */
	news = journal_news(h->journal);
	if (news)
		log_say(LOG_JOURNAL, "cannot be written (%s): a crash now "
			"would lose the store", strerror(-news));
}

void host_feed(struct host *h, const struct machine_input *in)
{
	int error;

	if (h->journal)
		host_record(h, in);
	fault_input(in);
	error = machine_step(h->machine, in);
	if (h->journal)
		journal_executed(h->journal);
	if (!error)
		return;
	h->count.failures++;
	log_say(LOG_MACHINE_FAILED, "input %u of connection %u: %s",
		(unsigned int)in->type, in->conn, strerror(-error));
}

void *host_input(struct host *h)
{
	void *place = h->journal ? journal_buffer(h->journal) : NULL;

	return place ? place : h->input;
}

void host_feed_bytes(struct host *h, uint32_t conn, const void *data,
		     size_t len)
{
	struct machine_input in = {
		.type = MACHINE_IN_BYTES,
		.conn = conn,
		.data = data,
		.len = len,
	};

	h->count.in_bytes += len;
	host_feed(h, &in);
}

void host_feed_taken(struct host *h, uint32_t conn, size_t len)
{
	struct machine_input in = {
		.type = MACHINE_IN_TAKEN,
		.conn = conn,
		.len = len,
	};

	h->count.out_bytes += len;
	host_feed(h, &in);
}

void host_feed_event(struct host *h, enum machine_input_type type,
		     uint32_t conn)
{
	struct machine_input in = { .type = type, .conn = conn };

	/* For a ring the connection's number is the domain's. */
	if (conn < MACHINE_SOCKET_BASE)
		in.domid = conn;
	host_feed(h, &in);
}

void host_feed_time(struct host *h)
{
	struct machine_input in = { .type = MACHINE_IN_TIME };

	h->now = host_clock();
	in.time = h->now;
	host_feed(h, &in);
}

uint64_t host_boot(void)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	char text[64] = "";
	uint64_t boot = 0;

	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	for (const char *c = text; *c && !(boot >> 60); c++)
		if (isxdigit((unsigned char)*c))
			boot = boot * 16 + (uint64_t)(*c <= '9' ? *c - '0' :
						      (*c | 32) - 'a' + 10);
	return boot;
}

uint64_t host_clock(void)
{
	struct timespec ts;

	/* Cannot fail: the clock is there and ts is ours. */
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

void host_timer(struct host *h, enum host_timer timer, uint64_t when)
{
	if (when < h->due[timer])
		h->due[timer] = when;
}

int host_epoll(struct host *h, int op, int fd, uint32_t events,
	       enum host_source source, uint32_t conn)
{
	struct epoll_event ev = {
		.events = events,
		.data.u64 = (uint64_t)source << 32 | conn,
	};

	return epoll_ctl(h->epoll, op, fd, &ev) ? -errno : 0;
}
