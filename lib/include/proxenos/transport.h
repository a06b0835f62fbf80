/* SPDX-License-Identifier: MIT */
/*
 * What carries the bytes of a xenstore connection.  The client (client.h)
 * knows nothing of sockets, devices or rings; it calls the functions below.
 * Anything that moves a byte stream both ways can be plugged in by filling
 * in the struct, a test script included.
 *
 * Nothing here blocks, allocates or starts a thread.  Sizes are bytes.
 * Errors are negative errno values.  One transport serves one client at a
 * time and must outlive it, or live until px_client_close().
 */
#ifndef PROXENOS_TRANSPORT_H
#define PROXENOS_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The transport is a kernel's xenstore device, which is not quite a byte
 * stream.  The client then gives it one message (or the rest of one) per
 * send, sends WATCH, UNWATCH and TRANSACTION_END only when no earlier
 * request is unanswered, accepts request id 0 in the answers to WATCH and
 * UNWATCH, takes a failing send for the refusal of that one message, and
 * never waits for POLLOUT.  (Linux, drivers/xen/xenbus: write() looks at one
 * message at a time, answers those three types out of turn, and poll()
 * reports input only.)
 */
#define PX_TRANSPORT_KERNEL 1u

struct px_transport {
	/*
	 * Begin a connection.  0: it stands; -EINPROGRESS: ask `ready` when
	 * the descriptor shows an event; -EAGAIN: the other side is busy,
	 * try again soon; other: it failed, and nothing is left open.
	 */
	int (*open)(struct px_transport *t);
	/*
	 * Called after an -EINPROGRESS: 0, -EINPROGRESS, or the error (the
	 * client then calls `close`).  May be NULL if open never says so.
	 */
	int (*ready)(struct px_transport *t);
	/*
	 * Move bytes.  Fewer than `len` is fine.  -EAGAIN: none can move now.
	 * recv of 0 bytes: the other side has hung up.  `len` is never 0.
	 */
	ssize_t (*send)(struct px_transport *t, const void *bytes, size_t len);
	ssize_t (*recv)(struct px_transport *t, void *bytes, size_t len);
	/* End the connection; `open` may follow.  Never fails. */
	void (*close)(struct px_transport *t);
	/*
	 * The poll(2) events to wait for; `output` says that bytes wait to be
	 * sent.  NULL: POLLIN, and POLLOUT if there is output.  (An event
	 * channel only ever shows POLLIN.)
	 */
	short (*events)(struct px_transport *t, bool output);
	/* To be polled while open; -1 if there is nothing to poll. */
	int fd;
	unsigned int flags;	/* PX_TRANSPORT_* */
};

/* The daemon's unix socket, as the tools of dom0 use it. */
struct px_transport_unix {
	struct px_transport base;
	char path[108];		/* sun_path's size; NUL-terminated */
};

/*
 * Prepare; nothing is opened yet.  `path` is copied; NULL means
 * $XENSTORED_PATH, else $XENSTORED_RUNDIR/socket, else
 * /var/run/xenstored/socket.  -ENAMETOOLONG if it does not fit a socket
 * address.
 */
int px_transport_unix_init(struct px_transport_unix *u, const char *path);

/* The kernel's device, for programs inside a guest (and in dom0). */
struct px_transport_device {
	struct px_transport base;
	const char *path;
};

/*
 * Prepare; `path` is not copied and must outlive the transport; NULL means
 * /dev/xen/xenbus.  Payloads over 4080 bytes are refused by Linux here
 * (-EINVAL or -E2BIG as the result of that request).  Linux before 4.11
 * answers inside write(): the device then waits for the daemon.
 */
void px_transport_device_init(struct px_transport_device *d, const char *path);

#ifdef __cplusplus
}
#endif
#endif
