/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Deeds to inputs; see harness.h. */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tests/property/harness.h"

void bytes_add(struct bytes *b, const void *p, size_t len)
{
	if (b->len + len > b->room) {
		b->room = (b->len + len) * 2;
		b->at = realloc(b->at, b->room);
		if (!b->at)
			exit(99);
	}
	if (len)
		memcpy(b->at + b->len, p, len);
	b->len += len;
}

void bytes_drop(struct bytes *b, size_t len)
{
	b->len -= len;
	if (b->len)
		memmove(b->at, b->at + len, b->len);
}

void bytes_free(struct bytes *b)
{
	free(b->at);
	memset(b, 0, sizeof(*b));
}

void harness_fail(struct harness *h, const char *format, ...)
{
	va_list args;

	if (h->failure[0])
		return;
	va_start(args, format);
	vsnprintf(h->failure, sizeof(h->failure), format, args);
	va_end(args);
}

/* ---------------------------------------------------------- the hypervisor */

static void world_domain(void *arg, unsigned int domid, uint64_t *instance,
			 unsigned int *flags)
{
	struct harness *h = arg;
	struct world *w;

	*instance = 0;
	*flags = 0;
	if (domid >= SCENARIO_DOMIDS)
		return;
	w = &h->world[domid];
	if (!w->exists)
		return;
	*instance = w->instance;
	*flags = MACHINE_DOM_EXISTS | (w->shutdown ? MACHINE_DOM_SHUTDOWN : 0) |
		 (w->dying ? MACHINE_DOM_DYING : 0);
}

static int world_map(void *arg, unsigned int domid)
{
	struct harness *h = arg;
	int result = domid < SCENARIO_DOMIDS ? h->world[domid].mapped : -1;

	if (result < 0) {
		harness_fail(h, "domain %u: the model expects that the "
			     "machine asked for a mapping", domid);
		return EIO;
	}
	h->world[domid].mapped = -1;
	/* Not there when asked, there when mapped, and that twice. */
	if (!result && !h->s->answers_at_once && h->answer &&
	    h->answer->header.type == WIRE_ERROR &&
	    !strcmp(h->answer->payload, "ENOENT"))
		return ENOENT;
	return result;
}

static const struct mmessage *machine_answer(void *arg)
{
	struct harness *h = arg;

	return h->answer;
}

static bool knows(struct harness *h, unsigned int domid)
{
	uint64_t instance;
	uint32_t id = domid, flags;

	return machine_domain_next(h->machine, &id, &instance, &flags) &&
	       id == domid;
}

/* Does the model need to know when this domain ends? */
static bool model_needs(struct harness *h, unsigned int domid)
{
	struct mdomain *d = model_find_domain(h->model, domid);

	if (d && d->introduced)
		return true;
	for (size_t i = 0; d && d->exists && i < h->model->store.count; i++) {
		const struct mnode *n = &h->model->store.nodes[i];

		for (unsigned int k = 0; k < n->nperms; k++)
			if (n->perms[k].domid == domid &&
			    model_entry_live(h->model, &n->perms[k]))
				return true;
	}
	return false;
}

/* Tell both of a domain; what follows from it is compared by the caller. */
void harness_tell(struct harness *h, unsigned int domid)
{
	struct machine_input in = { .type = MACHINE_IN_DOMAIN };
	unsigned int flags;

	in.domid = domid;
	world_domain(h, domid, &in.instance, &flags);
	in.flags = flags;
	model_domain(h->model, domid, flags, in.instance);
	harness_settle(h);
	harness_step(h, &in);
}

static void change_world(struct harness *h, const struct deed *d)
{
	struct mdomain *had = model_find_domain(h->model, d->domid);
	struct world *w = &h->world[d->domid];

	if (d->n == WORLD_REBORN || (d->n == WORLD_RUNS && !w->exists) ||
	    (d->n == WORLD_RUNS && w->dying))
		w->instance = ++h->instances;
	if (!w->exists && (d->n == WORLD_SHUTDOWN || d->n == WORLD_DYING))
		return;
	if (w->dying && d->n == WORLD_SHUTDOWN)
		return;
	w->exists = d->n != WORLD_GONE;
	w->shutdown = d->n == WORLD_SHUTDOWN;
	w->dying = d->n == WORLD_DYING;
	if (knows(h, d->domid))
		harness_tell(h, d->domid);
	else if (model_needs(h, d->domid))
		harness_fail(h, "domain %u: named in an access list, but not "
			     "in machine_domain_next()", d->domid);
	else if (had && had->exists)
		model_domain(h->model, d->domid,
			     w->exists ? MACHINE_DOM_EXISTS : 0, w->instance);
}

/* ------------------------------------------------------------------ places */

void harness_drop_place(struct harness *h, struct place *p)
{
	bytes_free(&p->tray);
	bytes_free(&p->fed);
	bytes_free(&p->late);
	bytes_free(&p->head);
	p->replies = 0;
}

/* A ring that ended or began anew has nothing of what it had. */
void harness_settle(struct harness *h)
{
	for (unsigned int i = 0; i < SCENARIO_CONNS; i++) {
		struct place *p = &h->places[i];
		struct mconn *c = model_conn(h->model, p->id);
		uint64_t serial = c ? c->serial : 0;

		if (serial == p->serial)
			continue;
		p->serial = serial;
		harness_drop_place(h, p);
		p->up = true;
	}
}

static void conn_input(struct harness *h, enum machine_input_type type,
		       uint32_t conn)
{
	struct machine_input in = { .type = type, .conn = conn };

	harness_step(h, &in);
}

static void open_socket(struct harness *h, struct place *p)
{
	p->id = MACHINE_SOCKET_BASE + h->sockets++;
	p->domid = 0;
	p->up = true;
	model_open(h->model, p->id, 0);
	harness_settle(h);
	conn_input(h, MACHINE_IN_OPEN, p->id);
}

static void open_or_close(struct harness *h, struct place *p)
{
	if (!model_conn(h->model, p->id)) {
		open_socket(h, p);
		return;
	}
	model_close(h->model, p->id);
	harness_settle(h);
	conn_input(h, MACHINE_IN_CLOSE, p->id);
}

static void feed(struct harness *h, struct place *p, size_t n)
{
	struct machine_input in = { .type = MACHINE_IN_BYTES, .conn = p->id };
	size_t wants;

	while (n && p->tray.len && !h->failure[0]) {
		wants = machine_wants(h->machine, p->id);
		in.len = p->tray.len < n ? p->tray.len : n;
		in.len = in.len < wants ? in.len : wants;
		if (!wants || !model_conn(h->model, p->id))
			return;
		in.data = p->tray.at;
		bytes_add(&p->fed, in.data, in.len);
		bytes_add(&p->late, in.data, h->second ? in.len : 0);
		harness_step(h, &in);
		if (!p->tray.len)
			return;
		bytes_drop(&p->tray, in.len);
		n -= in.len;
	}
}

/* Keep the front of a message of which only a part was taken. */
static void keep_head(struct place *p, const struct mmessage *msg, size_t from,
		      size_t n)
{
	char header[WIRE_HEADER_SIZE];

	wire_header_put(header, &msg->header);
	for (; n; n--, from++)
		bytes_add(&p->head, from < WIRE_HEADER_SIZE ? header + from :
			  msg->payload + from - WIRE_HEADER_SIZE, 1);
}

static size_t available(struct harness *h, const struct place *p)
{
	struct machine_span spans[8];
	unsigned int n = machine_output(h->machine, p->id, spans, 8);
	size_t sum = 0;

	while (n)
		sum += spans[--n].len;
	return sum;
}

static size_t take(struct harness *h, struct place *p, size_t n)
{
	struct machine_input in = { .type = MACHINE_IN_TAKEN, .conn = p->id };
	struct mconn *c = model_conn(h->model, p->id);
	size_t have = available(h, p), left;

	in.len = left = have < n ? have : n;
	if (!left || !c)
		return 0;
	for (size_t i = 0; left && i < c->nout; i++) {
		size_t whole = WIRE_HEADER_SIZE + c->out[i].header.len;
		size_t rest = whole - c->out[i].taken;

		if (left < rest) {
			keep_head(p, &c->out[i], c->out[i].taken, left);
			break;
		}
		left -= rest;
		p->head.len = 0;
		p->replies += c->out[i].header.type != WIRE_WATCH_EVENT;
	}
	model_taken(h->model, p->id, in.len);
	harness_step(h, &in);
	return in.len;
}

static void reset(struct harness *h, struct place *p, bool fail)
{
	if (p->id >= MACHINE_SOCKET_BASE || !model_conn(h->model, p->id))
		return;
	model_reset(h->model, p->id);
	harness_drop_place(h, p);
	p->up = !fail;
	conn_input(h, fail ? MACHINE_IN_RING_FAILED : MACHINE_IN_RING_RESET,
		   p->id);
}

static bool drain_pass(struct harness *h)
{
	bool moved = h->npending != 0;

	while (h->npending && !h->failure[0])
		harness_answer(h, 0);
	for (unsigned int i = 0; i < SCENARIO_CONNS; i++) {
		size_t before = h->places[i].tray.len;

		feed(h, &h->places[i], SIZE_MAX);
		moved |= before != h->places[i].tray.len;
		moved |= take(h, &h->places[i], SIZE_MAX) != 0;
	}
	return moved && !h->failure[0];
}

static void advance(struct harness *h, uint64_t by)
{
	struct machine_input in = { .type = MACHINE_IN_TIME };

	h->time += by;
	in.time = h->time;
	harness_step(h, &in);
}

static void say(void *arg, const char *text)
{
	harness_fail(arg, "machine_check: %s", text);
}

/* Also what only time lets go on. */
static bool drain_more(struct harness *h)
{
	return drain_pass(h) || (machine_deadline(h->machine) != UINT64_MAX &&
				 !h->failure[0]);
}

static void drain(struct harness *h)
{
	for (unsigned int pass = 0; drain_more(h); pass++) {
		advance(h, 1000000);
		if (pass > 10000)
			harness_fail(h, "drain does not come to an end");
	}
	for (unsigned int i = 0; i < SCENARIO_CONNS && !h->undecided; i++) {
		struct place *p = &h->places[i];

		if (p->up && model_conn(h->model, p->id) &&
		    (p->tray.len || p->fed.len >= WIRE_MESSAGE_MAX))
			harness_fail(h, "connection %u is not served though "
				     "all was taken and answered", p->id);
	}
	if (!h->may_fail)
		machine_check(h->machine, say, h);
}

/* More than a message may have: the connection ends. */
static void overlong(struct harness *h, struct place *p, size_t len)
{
	struct wire_header header = { WIRE_READ, 1, 0, (uint32_t)len };
	struct machine_input in = { .type = MACHINE_IN_BYTES, .conn = p->id };
	char text[WIRE_HEADER_SIZE];

	drain(h);
	if (h->failure[0] || !p->up || !model_conn(h->model, p->id) ||
	    p->fed.len || p->tray.len)
		return;
	wire_header_put(text, &header);
	in.data = text;
	in.len = sizeof(text);
	p->up = false;
	if (p->id >= MACHINE_SOCKET_BASE)
		model_close(h->model, p->id);
	else
		model_reset(h->model, p->id);
	harness_drop_place(h, p);
	bytes_add(&p->late, text, h->second ? sizeof(text) : 0);
	harness_step(h, &in);
}

static void put_request(struct harness *h, struct place *p,
			const struct deed *d)
{
	char header[WIRE_HEADER_SIZE];

	if (!p->up || !model_conn(h->model, p->id))
		return;
	/*
	 * Who releases himself gets no reply, by which the model would know
	 * when it was; the fuzzers do that.
	 */
	if (d->header.type == WIRE_RELEASE && p->domid &&
	    p->domid == h->s->config.priv_domid)
		return;
	wire_header_put(header, &d->header);
	bytes_add(&p->tray, header, sizeof(header));
	bytes_add(&p->tray, d->payload, d->header.len);
}

bool harness_do(struct harness *h, const struct deed *d)
{
	struct place *p = &h->places[d->conn];
	size_t n = d->n;

	switch (d->type) {
	case DEED_REQUEST:
		put_request(h, p, d);
		break;
	case DEED_FEED:
		feed(h, p, n);
		break;
	case DEED_TAKE:
		take(h, p, n);
		break;
	case DEED_ANSWER:
		while (n-- && h->npending)
			harness_answer(h, random_below(&h->rnd,
				       (unsigned int)h->npending));
		break;
	case DEED_WORLD:
		change_world(h, d);
		break;
	case DEED_OPEN:
		open_or_close(h, p);
		break;
	case DEED_RESET:
		reset(h, p, false);
		break;
	case DEED_FAIL:
		reset(h, p, true);
		break;
	case DEED_OVERLONG:
		overlong(h, p, n);
		break;
	case DEED_TIME:
		advance(h, n);
		break;
	case DEED_DRAIN:
		drain(h);
		break;
	}
	while (h->s->answers_at_once && h->npending && !h->failure[0])
		harness_answer(h, 0);
	harness_replace(h);
	return !h->failure[0];
}

/* One step may execute requests of several, who had waited for one. */
static void executed(void *arg, bool in, uint32_t conn,
		     const struct wire_header *header, const void *payload)
{
	struct harness *h = arg;

	if (in)
		bytes_add(&h->order, &conn, sizeof(conn));
}

bool harness_begin(struct harness *h, const struct scenario *s, bool second,
		   bool verbose)
{
	struct machine_config traced = s->config;
	struct model_host host = { world_domain, world_map, machine_answer,
				   h };
	struct machine_input in = { .type = MACHINE_IN_ADOPT };

	memset(h, 0, sizeof(*h));
	h->s = s;
	h->verbose = verbose;
	h->rnd = s->seed ^ 0x5eed;
	h->replace_rnd = s->seed ^ 0x1a6e;
	traced.trace = executed;
	traced.arg = h;
	h->machine = machine_new(&traced);
	h->second = second ? machine_new(&s->config) : NULL;
	h->model = model_new(&s->config, &host);
	h->model->verbose = verbose;
	if (!h->machine || (second && !h->second))
		return false;
	h->world[0].exists = true;
	h->world[0].instance = ++h->instances;
	for (unsigned int i = 0; i < SCENARIO_DOMIDS; i++)
		h->world[i].mapped = -1;
	for (unsigned int i = 0; i < SCENARIO_CONNS; i++) {
		struct place *p = &h->places[i];

		if (i < SCENARIO_SOCKETS) {
			open_socket(h, p);
			continue;
		}
		p->id = p->domid = i - SCENARIO_SOCKETS;
		p->up = true;
	}
	harness_step(h, &in);
	while (h->npending && !h->failure[0])
		harness_answer(h, 0);
	model_adopt(h->model, 0);
	harness_settle(h);
	return true;
}

void harness_end(struct harness *h)
{
	for (size_t i = 0; i < h->npending; i++)
		free(h->pending[i].data);
	free(h->pending);
	for (unsigned int i = 0; i < SCENARIO_CONNS; i++)
		harness_drop_place(h, &h->places[i]);
	bytes_free(&h->order);
	model_free(h->model);
	machine_free(h->machine);
	machine_free(h->second);
}
