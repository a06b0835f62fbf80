/* SPDX-License-Identifier: MIT */
/*
 * The guest's end of a xenstore ring, for firmware, unikernels and drivers.
 *
 * Freestanding C: nothing is called but memcpy, nothing is allocated, nothing
 * blocks except the caller's own wait().  The rules that this end keeps, and
 * those that it may expect the daemon to keep, are docs/protocol/ring.md; they
 * are numbered, and "rule N" means those.
 *
 * Results are 0 or a count, or a negative error.  The numbers are those of
 * Linux's errno.h, given names here because firmware has no errno.h.
 *
 * The other end is not trusted.  A page that says what cannot be gives
 * PX_RING_EPROTO and the state PX_RING_FAILED; there is no page for which a
 * function here leaves the page's or the caller's buffers, or does not return.
 *
 * Not thread-safe: one owner at a time.
 */
#ifndef PROXENOS_RING_H
#define PROXENOS_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring_page;	/* protocol/ring.h; here only an address */

#define PX_RING_EIO		(-5)	/* the daemon set `error` */
#define PX_RING_EAGAIN		(-11)	/* not yet: wait, call again */
#define PX_RING_EBUSY		(-16)	/* another message is half done */
#define PX_RING_EINVAL		(-22)	/* the caller's mistake */
#define PX_RING_EPROTO		(-71)	/* the page or a message is broken */
#define PX_RING_EMSGSIZE	(-90)	/* message too long, see there */
#define PX_RING_EOPNOTSUPP	(-95)	/* bit 0 is not offered */
#define PX_RING_ECONNRESET	(-104)	/* a reset was asked meanwhile */
#define PX_RING_ENOTCONN	(-107)	/* not in the state connected */
#define PX_RING_ETIMEDOUT	(-110)	/* the tries are used up */

#define PX_RING_PAYLOAD_MAX	4096u

enum px_ring_state {
	PX_RING_CLOSED,		/* the page is not looked at */
	PX_RING_RESETTING,	/* asked; only `connection` is looked at */
	PX_RING_CONNECTED,
	PX_RING_FAILED,		/* see px_ring.why; a reset mends it */
};

/* What px_ring_open() found: worth a line in a log, nothing more. */
enum px_ring_found {
	PX_RING_FOUND_ASKED = 1,	/* `connection` was not 0 */
	PX_RING_FOUND_ERROR = 2,	/* `error` was not 0 */
	PX_RING_FOUND_REQUESTS = 4,	/* requests not yet taken */
	PX_RING_FOUND_REPLIES = 8,	/* replies not yet read */
	PX_RING_FOUND_BROKEN = 16,	/* indices that cannot be */
};

/* The event channel.  Both return 0 or a negative number of the caller's own,
 * which is passed on. */
struct px_ring_ops {
	/* Tell the daemon.  Must order all earlier stores before it (a
	 * hypercall does). */
	int (*notify)(void *ctx);
	/* Return 0 when an event came, or may have, or some time has passed:
	 * early and for nothing is allowed.  It must take note of events that
	 * came since it last returned; it may sleep or spin.  NULL if only
	 * functions that never wait are used. */
	int (*wait)(void *ctx);
};

/* The caller provides it and reads the public part; px_ring_open() sets all of
 * it.  It needs no destruction. */
struct px_ring {
	enum px_ring_state state;
	unsigned int found;	/* enum px_ring_found bits */
	int why;		/* state FAILED: the result that led there */
	uint32_t error;		/* the page's `error`, when it was why */
	uint32_t epoch;		/* counts the resets since px_ring_open() */

	/* private */
	struct ring_page *page;
	const struct px_ring_ops *ops;
	void *ctx;
	uint32_t req_prod, rsp_cons;	/* our two indices */
	uint32_t req_cons, rsp_prod;	/* the daemon's, as last seen */
	const void *sending, *receiving;	/* the message half done */
};

/* px_ring_open() flags. */
#define PX_RING_ADOPT		1u
#define PX_RING_IGNORE_FIELD	2u

/*
 * Take possession of a ring that someone left in any state.  The struct may
 * hold anything; page and ops stay the caller's and must outlive it.
 *
 * What is found, in this order, and what is done:
 *
 *   connection not 0	Somebody (the domain's builder, an owner before us who
 *			died) asked already: the same reset (rule 7).  The
 *			daemon is notified, the state is RESETTING.
 *   bit 0 offered	A reset is asked, whatever else the page says: replies
 *			left over, old indices, indices that cannot be, an
 *			error, and also a ring that looks idle, for its
 *			request may be half read and its watches alive.
 *			State RESETTING.
 *   bit 0 not offered	The old protocol, which has no way to begin anew:
 *     error set	PX_RING_EIO, state FAILED.  Only RELEASE and
 *			INTRODUCE by the toolstack mend it.
 *     bad indices	PX_RING_EPROTO, state FAILED, likewise.
 *     anything else	State CONNECTED at the indices found, wherever they
 *			are.  Replies left over are skipped (rule 8); what the
 *			one before asked may still be done and answered, and
 *			if it left half a message this cannot be seen here.
 *
 * Flags: PX_RING_ADOPT says that the caller knows that nobody used the ring
 * before (no firmware, first boot) and saves the reset: an idle ring without
 * error is then taken as it is; any other is reset all the same.
 * PX_RING_IGNORE_FIELD is for daemons that do not know `connection` at all: it
 * is not looked at as long as bit 0 is not offered.  Give it after waiting in
 * vain, not before: without bit 0, a 1 may also mean that the domain has not
 * been introduced yet.
 *
 * Returns 0 (state CONNECTED), PX_RING_EAGAIN (state RESETTING: go on with
 * px_ring_poll() or px_ring_settle()), an error as above, PX_RING_EINVAL, or
 * notify()'s error: the reset is asked all the same, px_ring_reset() repeats
 * the notification.
 */
int px_ring_open(struct px_ring *r, struct ring_page *page,
		 const struct px_ring_ops *ops, void *ctx, unsigned int flags);

/*
 * Ask for a reset (rules 2, 3), in any state but CLOSED.  Asking again while
 * one is under way is the same reset and repeats the notification; do that
 * when a wait times out.  From the moment it is asked, half-done messages are
 * void.  Returns 0, PX_RING_EOPNOTSUPP (nothing changed), PX_RING_EINVAL, or
 * notify()'s error (asked all the same).
 */
int px_ring_reset(struct px_ring *r);

/*
 * Where are we?  Call it after an event.  0: CONNECTED, nothing wrong;
 * PX_RING_EAGAIN: the reset is not done yet; PX_RING_EIO, PX_RING_EPROTO: now
 * FAILED; PX_RING_ECONNRESET: someone else asked for a reset (dom0 may, on a
 * guest's behalf), the state is RESETTING; PX_RING_ENOTCONN: CLOSED.  In state
 * FAILED it returns px_ring.why.
 */
int px_ring_poll(struct px_ring *r);

/* px_ring_poll() and wait() in turn until the reset is done, at most `tries`
 * waits, repeating the notification each time.  Returns what px_ring_poll()
 * says, wait()'s or notify()'s error, or PX_RING_ETIMEDOUT with the reset
 * still asked. */
int px_ring_settle(struct px_ring *r, unsigned int tries);

/* wait() once.  For callers' own loops.  PX_RING_EINVAL without wait(). */
int px_ring_wait(struct px_ring *r);

/*
 * Let go of the ring so that the next owner finds it fresh.  With bit 0 a
 * reset is asked and PX_RING_EAGAIN returned until it is done: call it again
 * after an event; a caller that cannot wait may forget the ring at once, and
 * the next owner finds `connection` 1.  Without bit 0 the ring is left with
 * its indices consistent.  0: CLOSED; the struct may be thrown away.
 */
int px_ring_close(struct px_ring *r);

/*
 * Bytes.  Put up to len request bytes, take up to len reply bytes; the count
 * moved is returned and the daemon has been notified.  Never 0, except for
 * len 0: no room, or nothing there, is PX_RING_EAGAIN.  px_ring_pull() with
 * buf NULL throws the bytes away.  Pulling (and polling) hands out the bytes
 * that lie there before it reports the `error` behind them; pushing reports it
 * at once.  PX_RING_EBUSY: a whole message is half done that way.  Other
 * results: as px_ring_poll(); a notify() that fails makes the state FAILED.
 */
int px_ring_push(struct px_ring *r, const void *buf, size_t len);
int px_ring_pull(struct px_ring *r, void *buf, size_t len);

/*
 * A whole message, moved as room and bytes allow.  The caller owns the struct
 * and the payload buffer and keeps both in place until the message is done.
 */
struct px_ring_msg {
	uint32_t type, req_id, tx_id, len;
	void *payload;
	uint32_t size;		/* of the payload buffer; receiving only */

	/* private */
	uint32_t done;
	uint8_t header[16];
};

/* Ready to receive into payload[0..size).  PX_RING_PAYLOAD_MAX holds every
 * message. */
void px_ring_msg_init(struct px_ring_msg *m, void *payload, uint32_t size);

/* Ready to send payload[0..len), which is only read. */
void px_ring_msg_request(struct px_ring_msg *m, uint32_t type, uint32_t req_id,
			 uint32_t tx_id, const void *payload, uint32_t len);

/*
 * 0: all of it is in the ring.  PX_RING_EAGAIN: call again, with the same
 * message, after an event.  PX_RING_EMSGSIZE: len over PX_RING_PAYLOAD_MAX,
 * nothing sent.  PX_RING_EBUSY: another message is half sent.
 * PX_RING_ECONNRESET: a reset came after its beginning, or it is done already;
 * a request cut off is never executed.  Else as px_ring_push().
 */
int px_ring_send(struct px_ring *r, struct px_ring_msg *m);

/*
 * 0: a reply or an event is in *m.  PX_RING_EAGAIN, PX_RING_EBUSY: as above.
 * PX_RING_EPROTO: the daemon announced more than PX_RING_PAYLOAD_MAX bytes;
 * FAILED, for where the next message begins is unknown.  PX_RING_EMSGSIZE: the
 * message was longer than the buffer; it has been taken whole, the buffer
 * holds its first `size` bytes, and the next one may be received.
 * PX_RING_ECONNRESET: a reset cut it off.  Init it again before the next.
 */
int px_ring_recv(struct px_ring *r, struct px_ring_msg *m);

#endif /* PROXENOS_RING_H */
