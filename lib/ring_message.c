/* SPDX-License-Identifier: MIT */
/*
 * Whole messages over the guest's end of a ring.
 *
 * A message is moved as room and bytes allow, across any number of calls; its
 * place is kept in the caller's struct, so nothing is buffered here.  Header
 * and payload go in, or come out, under one publication and one notification.
 * The ring remembers which message is half done and forgets it at a reset;
 * that is how a message cut in two by a reset is told from one under way.
 */
#include "lib/ring_client.h"

#define HEADER_SIZE 16u

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static void put_le32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)(v >> 16);
	p[3] = (uint8_t)(v >> 24);
}

static uint32_t get_le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

void px_ring_msg_init(struct px_ring_msg *m, void *payload, uint32_t size)
{
	*m = (struct px_ring_msg){ .payload = payload, .size = size };
}

void px_ring_msg_request(struct px_ring_msg *m, uint32_t type, uint32_t req_id,
			 uint32_t tx_id, const void *payload, uint32_t len)
{
	/* One struct for both ways; px_ring_send() only reads. */
	union {
		const void *from;
		void *to;
	} p = { .from = payload };

	*m = (struct px_ring_msg){
		.type = type, .req_id = req_id, .tx_id = tx_id, .len = len,
		.payload = p.to,
	};
	put_le32(m->header, type);
	put_le32(m->header + 4, req_id);
	put_le32(m->header + 8, tx_id);
	put_le32(m->header + 12, len);
}

/* A half-done message belongs to the ring that it was begun on: the ring
 * points at it, and forgets it at a reset. */
static int check_turn(const void *open, const struct px_ring_msg *m)
{
	if (m->done > 0)
		return open == m ? 0 : PX_RING_ECONNRESET;
	return open == NULL ? 0 : PX_RING_EBUSY;
}

int px_ring_send(struct px_ring *r, struct px_ring_msg *m)
{
	uint32_t n, avail, pos;
	int ret;

	if (m->len > PX_RING_PAYLOAD_MAX)
		return PX_RING_EMSGSIZE;
	if (m->len > 0 && m->payload == NULL)
		return PX_RING_EINVAL;
	ret = ring_client_room(r);
	if (ret < 0 && ret != PX_RING_EAGAIN)
		return ret;
	avail = ret < 0 ? 0 : (uint32_t)ret;
	ret = check_turn(r->sending, m);
	if (ret < 0)
		return ret;
	if (avail == 0)
		return PX_RING_EAGAIN;

	pos = 0;
	if (m->done < HEADER_SIZE) {
		n = min_u32(avail, HEADER_SIZE - m->done);
		ring_copy_in(r->page->req, r->req_prod, m->header + m->done, n);
		m->done += n;
		pos = n;
	}
	if (m->done >= HEADER_SIZE && m->len > m->done - HEADER_SIZE) {
		n = min_u32(avail - pos, m->len - (m->done - HEADER_SIZE));
		ring_copy_in(r->page->req, r->req_prod + pos,
			     (const uint8_t *)m->payload +
			     (m->done - HEADER_SIZE), n);
		m->done += n;
		pos += n;
	}
	r->sending = m->done < HEADER_SIZE + m->len ? m : NULL;
	ret = ring_client_sent(r, pos);
	if (ret < 0)
		return ret;
	return r->sending == NULL ? 0 : PX_RING_EAGAIN;
}

/* Up to avail header bytes; the four fields once it is whole. */
static uint32_t take_header(struct px_ring *r, struct px_ring_msg *m,
			    uint32_t avail)
{
	uint32_t n = min_u32(avail, HEADER_SIZE - m->done);

	ring_copy_out(m->header + m->done, r->page->rsp, r->rsp_cons, n);
	m->done += n;
	if (m->done == HEADER_SIZE) {
		m->type = get_le32(m->header);
		m->req_id = get_le32(m->header + 4);
		m->tx_id = get_le32(m->header + 8);
		m->len = get_le32(m->header + 12);
	}
	return n;
}

/* Up to avail payload bytes from idx on; those that find no room in the
 * caller's buffer are passed over. */
static uint32_t take_payload(struct px_ring *r, struct px_ring_msg *m,
			     uint32_t idx, uint32_t avail)
{
	uint32_t pos = m->done - HEADER_SIZE;
	uint32_t n = min_u32(avail, m->len - pos);

	if (pos < m->size)
		ring_copy_out((uint8_t *)m->payload + pos, r->page->rsp, idx,
			      min_u32(n, m->size - pos));
	m->done += n;
	return n;
}

int px_ring_recv(struct px_ring *r, struct px_ring_msg *m)
{
	uint32_t avail, n = 0;
	int ret;

	ret = ring_client_there(r);
	if (ret < 0 && ret != PX_RING_EAGAIN)
		return ret;
	avail = ret < 0 ? 0 : (uint32_t)ret;
	ret = check_turn(r->receiving, m);
	if (ret < 0)
		return ret;
	if (avail == 0)
		return PX_RING_EAGAIN;

	if (m->done < HEADER_SIZE)
		n = take_header(r, m, avail);
	if (m->done >= HEADER_SIZE) {
		if (m->len > PX_RING_PAYLOAD_MAX)
			return ring_client_fail(r, PX_RING_EPROTO);
		n += take_payload(r, m, r->rsp_cons + n, avail - n);
	}
	r->receiving = m->done < HEADER_SIZE ||
		       m->done < HEADER_SIZE + m->len ? m : NULL;
	ret = ring_client_taken(r, n);
	if (ret < 0)
		return ret;
	if (r->receiving != NULL)
		return PX_RING_EAGAIN;
	return m->len > m->size ? PX_RING_EMSGSIZE : 0;
}
