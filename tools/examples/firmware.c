/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Firmware: the first owner of a guest's ring, with nothing but the ring
 * functions of proxenos/ring.h, which need no libc and no allocation.  It
 * uses the store, sets a watch, and leaves the ring in the state that
 * spoils the day of whoever comes next: a reply nobody has read, a request
 * of which half is sent.  Then it either asks for a reset, waits for it and
 * goes (`tidy`), or is simply gone (`crash`).
 *
 *	firmware tidy|crash DOMID
 */
#include <stdio.h>
#include <string.h>

#include "protocol/ring.h"
#include "tools/examples/guest.h"

#define TRIES 100	/* of 100 ms each */

struct firmware {
	struct guest g;
	struct px_ring ring;
	uint32_t next_id;
	char reply[PX_RING_PAYLOAD_MAX];
	unsigned int events;
};

static int wait_while_again(struct firmware *f, int ret, unsigned int *tries)
{
	if (ret != PX_RING_EAGAIN)
		return ret;
	if (++*tries > TRIES)
		return PX_RING_ETIMEDOUT;
	ret = px_ring_wait(&f->ring);
	return ret ? ret : PX_RING_EAGAIN;
}

static int send(struct firmware *f, uint32_t type, const char *payload,
		uint32_t len)
{
	struct px_ring_msg m;
	unsigned int tries = 0;
	int ret;

	px_ring_msg_request(&m, type, ++f->next_id, 0, payload, len);
	do
		ret = wait_while_again(f, px_ring_send(&f->ring, &m), &tries);
	while (ret == PX_RING_EAGAIN);
	return ret;
}

/* The next message, of that type, into f->reply: its length, or an error. */
static int receive(struct firmware *f, uint32_t type)
{
	struct px_ring_msg m;
	unsigned int tries = 0;
	int ret;

	do {
		px_ring_msg_init(&m, f->reply, sizeof(f->reply));
		do
			ret = wait_while_again(f, px_ring_recv(&f->ring, &m),
					       &tries);
		while (ret == PX_RING_EAGAIN);
		if (!ret && m.type == WIRE_WATCH_EVENT)
			f->events++;
	} while (!ret && m.type == WIRE_WATCH_EVENT && type != m.type);
	if (ret)
		return ret;
	return m.type == type ? (int)m.len : PX_RING_EPROTO;
}

/* `len` counts the NULs that belong to the payload. */
static bool ask(struct firmware *f, uint32_t type, const char *payload,
		uint32_t len)
{
	return !send(f, type, payload, len) && receive(f, type) >= 0;
}

static bool unread_reply(struct firmware *f)
{
	unsigned int tries = 0;
	int ret;

	if (send(f, WIRE_READ, "name", 5))
		return false;
	do
		ret = wait_while_again(f, f->g.page->rsp_prod ==
				       f->g.page->rsp_cons ?
				       PX_RING_EAGAIN : 0, &tries);
	while (ret == PX_RING_EAGAIN);
	return !ret;
}

static bool half_request(struct firmware *f)
{
	struct wire_header h = { WIRE_WRITE, 99, 0, 32 };
	uint8_t bytes[WIRE_HEADER_SIZE + 8] = { 0 };

	wire_header_put(bytes, &h);
	memcpy(bytes + WIRE_HEADER_SIZE, "data/hal", 8);
	return px_ring_push(&f->ring, bytes, sizeof(bytes)) ==
	       (int)sizeof(bytes);
}

static bool close_ring(struct firmware *f)
{
	unsigned int tries = 0;
	int ret;

	do
		ret = wait_while_again(f, px_ring_close(&f->ring), &tries);
	while (ret == PX_RING_EAGAIN);
	return !ret;
}

static bool is_fresh(const struct ring_page *p)
{
	return !p->connection && !p->error && !p->req_cons && !p->req_prod &&
	       !p->rsp_cons && !p->rsp_prod;
}

int main(int argc, char **argv)
{
	static struct firmware f;
	bool tidy = argc == 3 && !strcmp(argv[1], "tidy");

	if (!tidy && (argc != 3 || strcmp(argv[1], "crash") != 0)) {
		fputs("usage: firmware tidy|crash DOMID\n", stderr);
		return 2;
	}
	guest_attach(&f.g, guest_number(argv[2], SIMXEN_MAX_DOMID));
	step(!px_ring_open(&f.ring, f.g.page, &guest_ring_ops, &f.g, 0) ||
	     !px_ring_settle(&f.ring, TRIES), "firmware: has the ring");
	step(f.g.page->features & RING_FEATURE_RECONNECT,
	     "firmware: the daemon offers to reset it");
	step(ask(&f, WIRE_WRITE, "data/firmware\0seen", 18) &&
	     ask(&f, WIRE_WATCH, "data\0fw", 8) &&
	     receive(&f, WIRE_WATCH_EVENT) >= 0,
	     "firmware: wrote, watches, got its first event");
	step(unread_reply(&f) && half_request(&f),
	     "firmware: leaves a reply unread and half a request");
	if (tidy)
		step(close_ring(&f) && is_fresh(f.g.page),
		     "firmware: asked for a reset, the page is fresh");
	else
		step(true, "firmware: is gone without a word");
	guest_leave(&f.g);
	return 0;
}
