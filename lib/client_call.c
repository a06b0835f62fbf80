/* SPDX-License-Identifier: MIT */
/*
 * Waiting for one answer at a time, on top of the client that never waits.
 * The place for a reply is on the caller's stack or in its buffer, so a call
 * that gives up must be sure that no answer comes later: it hangs up.
 */
#include <proxenos/client_call.h>

#include "lib/client_priv.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <time.h>

uint64_t px_client_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static int poll_timeout(uint64_t now, uint64_t until)
{
	uint64_t ms;

	if (until <= now)
		return 0;
	/* Rounded up: waking early would only spin. */
	ms = (until - now - 1) / 1000 + 1;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

/* Until *flag, or until the client is up if there is none. */
static int wait_for(struct px_client *client, const int *flag,
		    uint64_t timeout)
{
	uint64_t now = px_client_now();
	uint64_t end = timeout < UINT64_MAX - now ? now + timeout : UINT64_MAX;

	for (;;) {
		struct pollfd p;
		uint64_t until;
		int ret = px_client_process(client, now);

		if (flag ? *flag : px_client_is_up(client))
			return 0;
		if (ret < 0)
			return ret;
		now = px_client_now();
		if (now >= end)
			return -ETIMEDOUT;
		until = px_client_deadline(client);
		p.fd = px_client_fd(client);
		p.events = px_client_poll(client);
		if (until > end)
			until = end;
		if (!ret && poll(&p, 1, poll_timeout(now, until)) < 0 &&
		    errno != EINTR)
			return -errno;
		now = px_client_now();
	}
}

int px_client_wait_up(struct px_client *client, uint64_t timeout)
{
	return wait_for(client, NULL, timeout);
}

int px_client_wait(struct px_client *client, const int *flag,
		   uint64_t timeout)
{
	return wait_for(client, flag, timeout);
}

struct call {
	int over;
	int result;
	char *reply;
	size_t size;
	size_t len;
};

static void call_done(void *arg, int result, const char *data, size_t len)
{
	struct call *call = arg;

	call->over = 1;
	call->result = result;
	if (result)
		return;
	if (len >= call->size) {
		call->result = -ENOBUFS;
		return;
	}
	memcpy(call->reply, data, len);
	call->reply[len] = '\0';
	call->len = len;
}

static ssize_t call_wait(struct px_client *client, struct call *call,
			 uint64_t timeout)
{
	int ret = wait_for(client, &call->over, timeout);

	if (!call->over) {
		px_client_close(client);
		return ret;
	}
	return call->result ? call->result : (ssize_t)call->len;
}

ssize_t px_client_call(struct px_client *client, uint32_t type, uint32_t tx,
		       const struct px_bytes *parts, unsigned int count,
		       char *reply, size_t size, uint64_t timeout)
{
	struct call call = { .reply = reply, .size = size };
	int ret;

	if (client->busy)
		return -EBUSY;
	ret = px_client_request(client, type, tx, parts, count,
				call_done, &call);
	return ret ? ret : call_wait(client, &call, timeout);
}

ssize_t px_client_call_path(struct px_client *client, uint32_t type,
			    uint32_t tx, const char *path,
			    char *reply, size_t size, uint64_t timeout)
{
	struct px_bytes part = { path, strlen(path) + 1 };

	return px_client_call(client, type, tx, &part, 1, reply, size, timeout);
}

/* The names are in the caller's buffer already. */
static void list_done(void *arg, int result, const char *data, size_t len)
{
	struct call *call = arg;

	call->over = 1;
	call->result = result;
	call->len = len;
}

ssize_t px_client_call_list(struct px_client *client, uint32_t tx,
			    const char *path, char *names, size_t size,
			    uint64_t timeout)
{
	struct px_client_list list;
	struct call call = { 0 };
	int ret;

	if (client->busy)
		return -EBUSY;
	ret = px_client_list(client, &list, tx, path, names, size,
			     list_done, &call);
	return ret ? ret : call_wait(client, &call, timeout);
}
