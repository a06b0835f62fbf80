/* SPDX-License-Identifier: MIT */
/*
 * The xenstore ring page, as both ends see it.
 *
 * One page of the guest's memory carries requests one way and replies and
 * events the other.  The daemon and the guest's library share this file so
 * that neither can have its own idea of an offset, of what a full ring is or
 * of which access needs which ordering.  It holds no state and calls nothing
 * but memcpy (by way of the compiler's builtin, which every freestanding
 * implementation has to provide); it is fit for firmware.
 *
 * Source of the layout: Xen's public header io/xs_wire.h; the last field is
 * the one that Xen fills in for domains built without a toolstack.  The rules
 * of use are numbered in docs/protocol/ring.md; "rule N" means those.
 *
 * Everything in the page may be changed by the other end at any time, against
 * all rules.  So: load an index once into a local variable, check it with
 * ring_valid(), use the local; copy bytes once and parse the copy.  An end
 * keeps its own copies of the indices that it alone writes and never reads
 * them back to decide what to do.
 */
#ifndef PROTOCOL_RING_H
#define PROTOCOL_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes in each direction.  A power of two, so 2^32 is a multiple of it and
 * indices may run free and wrap. */
#define RING_SIZE 1024u

/* ring_page.features: set by the daemon, never cleared; unknown bits are to
 * be ignored (rule 1). */
#define RING_FEATURE_RECONNECT		(1u << 0)
#define RING_FEATURE_ERROR		(1u << 1)
#define RING_FEATURE_WATCH_DEPTH	(1u << 2)
#define RING_FEATURE_ANY_DOMID		(1u << 3)

/* ring_page.connection: any value other than 0 counts as RING_RECONNECT
 * (rule 2). */
#define RING_CONNECTED	0u
#define RING_RECONNECT	1u

/* ring_page.error: why the daemon stopped serving this ring (rule 9). */
#define RING_ERROR_NONE		0u
#define RING_ERROR_COMM		1u	/* event channel lost */
#define RING_ERROR_INDEX	2u	/* producer - consumer > RING_SIZE */
#define RING_ERROR_PROTOCOL	3u	/* a message that cannot be */

/* The comment names the only end that writes the field. */
struct ring_page {
	uint8_t req[RING_SIZE];		/* guest: requests */
	uint8_t rsp[RING_SIZE];		/* daemon: replies and events */
	uint32_t req_cons;		/* daemon */
	uint32_t req_prod;		/* guest */
	uint32_t rsp_cons;		/* guest */
	uint32_t rsp_prod;		/* daemon */
	uint32_t features;		/* daemon: RING_FEATURE_* */
	uint32_t connection;		/* 0->1 guest, 1->0 daemon (rule 2) */
	uint32_t error;			/* daemon: RING_ERROR_* */
	uint32_t evtchn_port;		/* Xen, before boot; 0: none */
};

_Static_assert(offsetof(struct ring_page, req) == 0, "req");
_Static_assert(offsetof(struct ring_page, rsp) == 1024, "rsp");
_Static_assert(offsetof(struct ring_page, req_cons) == 2048, "req_cons");
_Static_assert(offsetof(struct ring_page, req_prod) == 2052, "req_prod");
_Static_assert(offsetof(struct ring_page, rsp_cons) == 2056, "rsp_cons");
_Static_assert(offsetof(struct ring_page, rsp_prod) == 2060, "rsp_prod");
_Static_assert(offsetof(struct ring_page, features) == 2064, "features");
_Static_assert(offsetof(struct ring_page, connection) == 2068, "connection");
_Static_assert(offsetof(struct ring_page, error) == 2072, "error");
_Static_assert(offsetof(struct ring_page, evtchn_port) == 2076, "port");
_Static_assert(sizeof(struct ring_page) == 2080, "size");

/* One of the page's 32-bit fields; nothing may move across it unwanted.
 *
 * acquire: what follows (reading the bytes a producer index announces,
 *   writing into room a consumer index gave back, looking at the indices
 *   after `connection` read 0) happens after the load.
 * release: what precedes (writing bytes, reading bytes out, clearing the
 *   indices) is visible before the store.
 * once: a plain single load, for a field that orders nothing. */
static inline uint32_t ring_load_acquire(const uint32_t *field)
{
	return __atomic_load_n(field, __ATOMIC_ACQUIRE);
}

static inline void ring_store_release(uint32_t *field, uint32_t value)
{
	__atomic_store_n(field, value, __ATOMIC_RELEASE);
}

static inline uint32_t ring_load_once(const uint32_t *field)
{
	return __atomic_load_n(field, __ATOMIC_RELAXED);
}

/* Likewise for stores that a later release will publish. */
static inline void ring_store_once(uint32_t *field, uint32_t value)
{
	__atomic_store_n(field, value, __ATOMIC_RELAXED);
}

/* Where in the buffer a free-running index points: 0..RING_SIZE - 1. */
static inline uint32_t ring_mask(uint32_t idx)
{
	return idx & (RING_SIZE - 1);
}

/* Bytes between consumer and producer, modulo 2^32.  Means something only
 * where ring_valid(). */
static inline uint32_t ring_used(uint32_t prod, uint32_t cons)
{
	return prod - cons;
}

/* Could these two indices belong to one ring?  Everything else is error 2. */
static inline bool ring_valid(uint32_t prod, uint32_t cons)
{
	return ring_used(prod, cons) <= RING_SIZE;
}

/* Bytes a producer may still write; 0 for indices that are not valid, so
 * that a broken page gives no room rather than a great deal. */
static inline uint32_t ring_room(uint32_t prod, uint32_t cons)
{
	return ring_valid(prod, cons) ? RING_SIZE - ring_used(prod, cons) : 0;
}

/* How many of `len` bytes at idx lie in one piece, before the buffer's end.
 * At most RING_SIZE; 0 only for len 0. */
static inline size_t ring_contiguous(uint32_t idx, size_t len)
{
	size_t to_end = RING_SIZE - ring_mask(idx);

	return len < to_end ? len : to_end;
}

/* How many bytes can be read at cons without wrapping: the first of at most
 * two pieces.  0 for indices that are not valid. */
static inline size_t ring_read_span(uint32_t prod, uint32_t cons)
{
	if (!ring_valid(prod, cons))
		return 0;
	return ring_contiguous(cons, ring_used(prod, cons));
}

/* How many bytes can be written at prod without wrapping. */
static inline size_t ring_write_span(uint32_t prod, uint32_t cons)
{
	return ring_contiguous(prod, ring_room(prod, cons));
}

/* Copy len bytes out of buf (RING_SIZE bytes, the page's req or rsp) from
 * index idx on, or into it.  More than RING_SIZE is cut down to RING_SIZE, so
 * neither can leave the buffer whatever they are given; the count copied is
 * returned.  The fence keeps the compiler from reading the page again where
 * the caller reads its copy. */
static inline size_t ring_copy_out(void *dst, const uint8_t *buf, uint32_t idx,
				   size_t len)
{
	size_t n, first;

	n = len < RING_SIZE ? len : RING_SIZE;
	first = ring_contiguous(idx, n);
	if (first > 0)
		__builtin_memcpy(dst, buf + ring_mask(idx), first);
	if (n > first)
		__builtin_memcpy((uint8_t *)dst + first, buf, n - first);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	return n;
}

static inline size_t ring_copy_in(uint8_t *buf, uint32_t idx, const void *src,
				  size_t len)
{
	size_t n, first;

	n = len < RING_SIZE ? len : RING_SIZE;
	first = ring_contiguous(idx, n);
	if (first > 0)
		__builtin_memcpy(buf + ring_mask(idx), src, first);
	if (n > first)
		__builtin_memcpy(buf, (const uint8_t *)src + first, n - first);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	return n;
}

#endif /* PROTOCOL_RING_H */
