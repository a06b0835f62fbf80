/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making scenarios.  The alphabet of paths, tokens and domains is small, so
 * that requests of different connections meet; now and then something is
 * odd: illegal paths, huge values, missing strings, wrong transactions.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "tests/property/maker.h"
#include "tests/property/model.h"

#define CONTENDED 4		/* one in so many is of contend.c */

uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

unsigned int random_below(uint64_t *state, unsigned int n)
{
	return (unsigned int)(random_next(state) % n);
}

/* One byte of an input decides between few, two between many. */
unsigned int maker_below(struct maker *k, unsigned int n)
{
	unsigned int v, bytes = n > 256 ? 2 : 1;

	if (!k->input)
		return random_below(&k->rnd, n);
	if (k->input_len < bytes) {
		/* The last choice is the one that ends loops. */
		k->input_len = 0;
		return n - 1;
	}
	v = k->input[0] | (bytes == 2 ? (unsigned int)k->input[1] << 8 : 0);
	k->input += bytes;
	k->input_len -= bytes;
	return v % n;
}

struct deed *maker_deed(struct maker *k, enum deed_type type,
			unsigned int conn, size_t n)
{
	struct scenario *s = k->s;
	struct deed *d;

	s->deeds = model_grow(s->deeds, s->count, sizeof(*s->deeds));
	d = &s->deeds[s->count++];
	d->type = type;
	d->conn = conn;
	d->n = n;
	return d;
}

static uint32_t transaction_for(struct maker *k, unsigned int conn,
				uint32_t type)
{
	uint32_t last = k->started[conn];

	if (type == WIRE_TRANSACTION_START) {
		if (maker_chance(k, 95)) {
			k->started[conn]++;
			return 0;
		}
		return last;
	}
	if (type == WIRE_TRANSACTION_END)
		return maker_chance(k, 5) || !last ? maker_below(k, 3) :
		       last - maker_below(k, last < 3 ? last : 3);
	if (last && maker_chance(k, 35))
		return last - maker_below(k, last < 2 ? last : 2);
	return maker_chance(k, 1) ? 77 : 0;
}

static void make_request(struct maker *k, unsigned int conn)
{
	uint32_t type = maker_payload(k);
	struct deed *d = maker_deed(k, DEED_REQUEST, conn, 0);

	d->header.type = type;
	d->header.req_id = (uint32_t)random_next(&k->rnd);
	d->header.tx_id = transaction_for(k, conn, type);
	d->header.len = (uint32_t)k->len;
	d->payload = model_copy(k->text, k->len);
}

static void begin(struct maker *k)
{
	for (unsigned int i = 1; i <= SCENARIO_GUESTS; i++) {
		struct deed *d = maker_deed(k, DEED_WORLD, 0, WORLD_RUNS);

		d->domid = i;
		d = maker_deed(k, DEED_REQUEST, 0, 0);
		d->header.type = WIRE_INTRODUCE;
		d->header.req_id = i;
		d->header.len = 6;
		d->payload = model_copy("0\0001\0001", 6);
		d->payload[0] = (char)('0' + i);
		k->len = 0;
		maker_put(k, "/local/domain/");
		maker_number(k, i);
		maker_end(k);
		d = maker_deed(k, DEED_REQUEST, 0, 0);
		d->header.type = WIRE_MKDIR;
		d->header.len = (uint32_t)k->len;
		d->payload = model_copy(k->text, k->len);
		maker_put(k, "n");
		maker_number(k, i);
		maker_end(k);
		d = maker_deed(k, DEED_REQUEST, 0, 0);
		d->header.type = WIRE_SET_PERMS;
		d->header.len = (uint32_t)k->len;
		d->payload = model_copy(k->text, k->len);
	}
	maker_deed(k, DEED_DRAIN, 0, 0);
}

static void make_deed(struct maker *k)
{
	unsigned int conn = maker_below(k, SCENARIO_CONNS);
	unsigned int what = maker_below(k, 1000);
	struct deed *d;

	if (what < 700) {
		make_request(k, conn);
		while (maker_chance(k, 20))
			make_request(k, conn);
		maker_deed(k, DEED_FEED, conn,
		     maker_chance(k, 15) ? 1 + maker_below(k, 40) : SIZE_MAX);
	} else if (what < 760) {
		maker_deed(k, DEED_FEED, conn, 1 + maker_below(k, 60));
	} else if (what < 860) {
		maker_deed(k, DEED_TAKE, conn,
		     maker_chance(k, 30) ? 1 + maker_below(k, 60) : SIZE_MAX);
	} else if (what < 900) {
		maker_deed(k, DEED_ANSWER, 0, 1 + maker_below(k, 3));
	} else if (what < 950) {
		d = maker_deed(k, DEED_WORLD, 0, maker_below(k, WORLD_STATES));
		d->domid = 1 + maker_below(k, SCENARIO_DOMIDS - 1);
	} else if (what < 956) {
		maker_deed(k, DEED_OPEN, maker_below(k, SCENARIO_SOCKETS), 0);
	} else if (what < 962) {
		maker_deed(k, DEED_RESET, conn, 0);
	} else if (what < 965) {
		maker_deed(k, DEED_FAIL, conn, 0);
	} else if (what < 970) {
		maker_deed(k, DEED_OVERLONG, conn,
		     maker_chance(k, 50) ? 4097 : 0x40000000u + maker_below(k, 1000));
	} else if (what < 985) {
		maker_deed(k, DEED_TIME, 0, 1000 * maker_below(k, 2000));
	} else {
		maker_deed(k, DEED_DRAIN, 0, 0);
	}
}

static void configure(struct maker *k)
{
	struct machine_config *c = &k->s->config;

	machine_config_defaults(c);
	c->hash_key[0] = random_next(&k->rnd);
	c->hash_key[1] = random_next(&k->rnd);
	/* What is counted in bytes of our own is checked by the machine. */
	c->quota[QUOTA_MEMORY] = 0;
	c->quota[QUOTA_MEMORY_SOFT] = 0;
	c->quota[QUOTA_TRANSACTION_NODES] = 0;
	if (maker_chance(k, 60))
		c->quota[QUOTA_NODES] = 3 + maker_below(k, 30);
	if (maker_chance(k, 60))
		c->quota[QUOTA_WATCHES] = 1 + maker_below(k, 6);
	if (maker_chance(k, 60))
		c->quota[QUOTA_TRANSACTIONS] = 1 + maker_below(k, 3);
	if (maker_chance(k, 50))
		c->quota[QUOTA_OUTSTANDING] = 1 + maker_below(k, 20);
	if (maker_chance(k, 20))
		c->priv_domid = 3;
	k->s->answers_at_once = maker_chance(k, 60);
}

void scenario_make(struct scenario *s, uint64_t seed, size_t length)
{
	struct maker k = { .s = s, .rnd = seed };

	memset(s, 0, sizeof(*s));
	s->seed = seed;
	configure(&k);
	begin(&k);
	s->contended = seed % CONTENDED == 0;
	if (s->contended)
		maker_contend(&k, length);
	else
		for (size_t i = 0; i < length; i++)
			make_deed(&k);
	maker_deed(&k, DEED_DRAIN, 0, 0);
}

void scenario_read(struct scenario *s, const uint8_t *bytes, size_t len)
{
	struct maker k = { .s = s, .input = bytes, .input_len = len };

	memset(s, 0, sizeof(*s));
	configure(&k);
	begin(&k);
	while (k.input_len && s->count < 2000)
		make_deed(&k);
	maker_deed(&k, DEED_DRAIN, 0, 0);
}

void scenario_free(struct scenario *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->deeds[i].payload);
	free(s->deeds);
}
