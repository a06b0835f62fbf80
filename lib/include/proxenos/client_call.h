/* SPDX-License-Identifier: MIT */
/*
 * The client, one request at a time and waiting for the answer: for tools,
 * scripts and tests.  These functions poll(2) and call px_client_process()
 * themselves, so callbacks of watches and of other requests may run inside
 * them; they must not be called from a callback (-EBUSY).
 *
 * `timeout` is in microseconds, for the whole call; 0 looks once.  Time is
 * CLOCK_MONOTONIC, which is what to pass as `now` elsewhere when mixing.
 *
 * When a call times out its answer may still be under way, so the connection
 * is closed: every other unanswered request ends with -ECONNRESET, and
 * px_client_open() is needed before the next one.
 */
#ifndef PROXENOS_CLIENT_CALL_H
#define PROXENOS_CLIENT_CALL_H

#include <proxenos/client.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Microseconds of CLOCK_MONOTONIC. */
uint64_t px_client_now(void);

/* Until the client is up: 0, -ETIMEDOUT, or why it is closed. */
int px_client_wait_up(struct px_client *client, uint64_t timeout);

/*
 * Until *flag is not 0 (a callback sets it): 0, -ETIMEDOUT (the connection
 * stays), or why the client is closed.
 */
int px_client_wait(struct px_client *client, const int *flag,
		   uint64_t timeout);

/*
 * One request.  The reply goes to `reply`, with a NUL behind it that is not
 * counted.  Returns its length, or a negative errno: those of
 * px_client_request(), the daemon's, -ECONNRESET, -ETIMEDOUT, or -ENOBUFS if
 * reply and NUL do not fit `size`.
 */
ssize_t px_client_call(struct px_client *client, uint32_t type, uint32_t tx,
		       const struct px_bytes *parts, unsigned int count,
		       char *reply, size_t size, uint64_t timeout);

/* The same for a request whose payload is one string with its NUL. */
ssize_t px_client_call_path(struct px_client *client, uint32_t type,
			    uint32_t tx, const char *path,
			    char *reply, size_t size, uint64_t timeout);

/* px_client_list(); the length of all names. */
ssize_t px_client_call_list(struct px_client *client, uint32_t tx,
			    const char *path, char *names, size_t size,
			    uint64_t timeout);

#ifdef __cplusplus
}
#endif
#endif
