/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scenarios of contention: everybody's transactions read and write the same
 * few nodes, others write them outside of any, and time passes slowly, but
 * now and then at once.  By chance alone that hardly ever comes together.
 */
#include "config.h"

#include <string.h>

#include "tests/property/maker.h"
#include "tests/property/model.h"

#define NODES 3

static void put_path(struct maker *k, unsigned int n)
{
	k->len = 0;
	maker_put(k, "/c/");
	maker_number(k, n);
}

static void request(struct maker *k, unsigned int conn, uint32_t op,
		    uint32_t tx)
{
	struct deed *d = maker_deed(k, DEED_REQUEST, conn, 0);

	d->header.type = op;
	d->header.req_id = (uint32_t)random_next(&k->rnd);
	d->header.tx_id = tx;
	d->header.len = (uint32_t)k->len;
	d->payload = model_copy(k->text, k->len);
}

static void put_write(struct maker *k)
{
	put_path(k, maker_below(k, NODES));
	maker_end(k);
	maker_number(k, maker_below(k, 100));
}

/* Nodes that everybody may write. */
static void begin(struct maker *k)
{
	for (unsigned int n = 0; n < NODES; n++) {
		put_path(k, n);
		maker_end(k);
		request(k, 0, WIRE_WRITE, 0);
		put_path(k, n);
		maker_end(k);
		maker_put(k, "b0");
		maker_end(k);
		request(k, 0, WIRE_SET_PERMS, 0);
	}
	maker_deed(k, DEED_DRAIN, 0, 0);
}

/* The next step of this one's transaction. */
static void step(struct maker *k, unsigned int conn)
{
	switch (k->step[conn]++) {
	case 0:
		k->len = 0;
		maker_end(k);
		k->started[conn]++;
		request(k, conn, WIRE_TRANSACTION_START, 0);
		break;
	case 1:
		put_path(k, maker_below(k, NODES));
		maker_end(k);
		request(k, conn, WIRE_READ, k->started[conn]);
		break;
	case 2:
		put_write(k);
		request(k, conn, WIRE_WRITE, k->started[conn]);
		break;
	default:
		k->step[conn] = 0;
		k->len = 0;
		maker_put(k, maker_chance(k, 95) ? "T" : "F");
		maker_end(k);
		request(k, conn, WIRE_TRANSACTION_END, k->started[conn]);
	}
}

static void deed(struct maker *k)
{
	unsigned int conn = maker_below(k, SCENARIO_CONNS);
	unsigned int what = maker_below(k, 100);

	if (what < 12) {
		put_write(k);
		request(k, conn, WIRE_WRITE, 0);
	} else if (what < 90) {
		do {
			step(k, conn);
		} while (maker_chance(k, 15));
	} else if (what < 97) {
		maker_deed(k, DEED_TIME, 0, 10 * maker_below(k, 200));
	} else if (what < 98) {
		maker_deed(k, DEED_TIME, 0, 1000 * maker_below(k, 1500));
	} else if (what < 99) {
		maker_deed(k, DEED_OPEN, maker_below(k, SCENARIO_SOCKETS), 0);
	} else {
		maker_deed(k, DEED_RESET, conn, 0);
	}
	maker_deed(k, DEED_FEED, conn, SIZE_MAX);
	if (maker_chance(k, 80))
		maker_deed(k, DEED_TAKE, conn, SIZE_MAX);
}

void maker_contend(struct maker *k, size_t length)
{
	begin(k);
	for (size_t i = 0; i < length; i++)
		deed(k);
}
