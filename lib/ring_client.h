/* SPDX-License-Identifier: MIT */
/*
 * What ring_message.c needs of ring_client.c; not installed.
 *
 * Each call of ring_client_room() or ring_client_there() looks at the page
 * anew; at most that many bytes may then be copied, at r->req_prod or from
 * r->rsp_cons, and ring_client_sent() or ring_client_taken() moves the index.
 */
#ifndef LIB_RING_CLIENT_H
#define LIB_RING_CLIENT_H

#include "proxenos/ring.h"
#include "protocol/ring.h"

/* Bytes that may be put, or taken: 1..RING_SIZE.  Else PX_RING_EAGAIN, or why
 * the ring cannot be used. */
int ring_client_room(struct px_ring *r);
int ring_client_there(struct px_ring *r);

/* n bytes were copied in, or out: publish the index, notify.  0, or notify's
 * error and the state FAILED. */
int ring_client_sent(struct px_ring *r, uint32_t n);
int ring_client_taken(struct px_ring *r, uint32_t n);

/* Give the connection up until the next reset.  Returns why. */
int ring_client_fail(struct px_ring *r, int why);

#endif /* LIB_RING_CLIENT_H */
