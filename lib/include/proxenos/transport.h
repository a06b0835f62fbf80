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

#include <proxenos/ring.h>

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
 * send, and the next only when that one is answered; accepts request id 0 in
 * the answers to WATCH, UNWATCH and TRANSACTION_END; takes a failing send for
 * the refusal of that one message, and never waits for POLLOUT.  (Linux 4.11
 * and later, drivers/xen/xenbus: write() returns while the payload is still
 * to be sent from the file's only buffer, so that a second write() replaces
 * it, seen on 6.1 as eight READs that were all answered with the value of the
 * last; those three types are answered by the kernel; poll() reports input
 * only.)
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
	 * Called once at the start of each px_client_process() while open,
	 * before anything else: take note of events (read and unmask an event
	 * channel).  What happens after it must show on `fd` again.  0, or
	 * the error that ends the connection.  May be NULL.
	 */
	int (*begin)(struct px_transport *t);
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

/*
 * A raw ring, for whoever owns the page and the event channel: the guest end
 * of ring.h under the client.  Opening is px_ring_open() (where the daemon
 * offers it, the ring is reset first, so no reply to somebody else's request
 * can arrive); closing is px_ring_close() without waiting for its end.
 */
struct px_transport_ring {
	struct px_transport base;
	struct px_ring ring;
	struct ring_page *page;
	const struct px_ring_ops *ops;
	void *ctx;
	unsigned int flags;
	int (*event)(void *ctx);
};

/*
 * Prepare; page, ops and ctx are the caller's and outlive the transport;
 * `flags` are those of px_ring_open().  `fd` shows POLLIN when the event
 * channel fired, or is -1 if the caller calls px_client_process() by itself
 * whenever an event came.  `event` (may be NULL) is `begin` of this transport:
 * it takes the event off the descriptor and unmasks the channel.
 */
void px_transport_ring_init(struct px_transport_ring *t,
			    struct ring_page *page,
			    const struct px_ring_ops *ops, void *ctx,
			    unsigned int flags, int fd,
			    int (*event)(void *ctx));

#ifdef __cplusplus
}
#endif
#endif
