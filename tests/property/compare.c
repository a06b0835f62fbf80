/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steps, asks and the comparison.  How far a connection has got is read off
 * the machine's output: each reply there is one request for the model to
 * execute; then all undelivered messages of all connections must be equal.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/property/harness.h"

enum { SPANS = 4096 };

struct stream {
	struct bytes bytes;
	struct mmessage *messages;
	size_t count;
};

static void read_output(struct machine *m, uint32_t conn, struct bytes *to)
{
	static struct machine_span spans[SPANS];
	unsigned int n = machine_output(m, conn, spans, SPANS);

	for (unsigned int i = 0; i < n; i++)
		bytes_add(to, spans[i].at, spans[i].len);
}

static void stream_read(struct harness *h, const struct place *p,
			struct stream *s)
{
	size_t at = 0;

	memset(s, 0, sizeof(*s));
	bytes_add(&s->bytes, p->head.at, p->head.len);
	read_output(h->machine, p->id, &s->bytes);
	while (s->bytes.len - at >= WIRE_HEADER_SIZE) {
		struct mmessage *msg;

		s->messages = model_grow(s->messages, s->count, sizeof(*msg));
		msg = &s->messages[s->count];
		msg->header = wire_header_get(s->bytes.at + at);
		if (msg->header.len > WIRE_PAYLOAD_MAX ||
		    s->bytes.len - at < WIRE_HEADER_SIZE + msg->header.len)
			break;
		msg->payload = s->bytes.at + at + WIRE_HEADER_SIZE;
		at += WIRE_HEADER_SIZE + msg->header.len;
		s->count++;
	}
	if (at != s->bytes.len)
		harness_fail(h, "connection %u: output is not a sequence of "
			     "whole messages", p->id);
}

static void stream_free(struct stream *s)
{
	bytes_free(&s->bytes);
	free(s->messages);
}

/* --------------------------------------------- the model follows the machine */

static void show(struct harness *h, const char *what, uint32_t conn,
		 const struct wire_header *header, const char *payload)
{
	if (!h->verbose)
		return;
	fprintf(stderr, "    %s %u ", what, conn);
	message_print(stderr, header, payload);
	fputc('\n', stderr);
}

static bool is_enomem(const struct mmessage *msg)
{
	return msg->header.type == WIRE_ERROR && msg->header.len == 7 &&
	       !memcmp(msg->payload, "ENOMEM", 7);
}

static bool execute_one(struct harness *h, struct place *p,
			const struct mmessage *answer)
{
	struct wire_header header;
	uint32_t conn = p->id;
	char *payload;

	if (p->fed.len < WIRE_HEADER_SIZE)
		return false;
	header = wire_header_get(p->fed.at);
	if (p->fed.len - WIRE_HEADER_SIZE < header.len)
		return false;
	payload = model_copy(p->fed.at + WIRE_HEADER_SIZE, header.len);
	bytes_drop(&p->fed, WIRE_HEADER_SIZE + header.len);
	h->answer = answer;
	h->last_op = header.type;
	show(h, "->", conn, &header, payload);
	show(h, "<-", conn, &answer->header, answer->payload);
	if (h->may_fail && is_enomem(answer))
		model_refuse(h->model, conn, &header, WIRE_ENOMEM);
	else
		model_request(h->model, conn, &header, payload);
	harness_settle(h);
	h->answer = NULL;
	free(payload);
	return true;
}

static void follow(struct harness *h, struct place *p, size_t most)
{
	struct mconn *c = model_conn(h->model, p->id);
	struct stream s;
	size_t at = p->replies;

	stream_read(h, p, &s);
	for (size_t i = 0; c && i < s.count && !h->failure[0]; i++) {
		if (s.messages[i].header.type == WIRE_WATCH_EVENT)
			continue;
		if (at++ < c->replies)
			continue;
		if (!most--)
			break;
		if (!execute_one(h, p, &s.messages[i]))
			harness_fail(h, "connection %u: a reply to no request",
				     p->id);
		c = model_conn(h->model, p->id);
	}
	stream_free(&s);
}

/* ---------------------------------------------------------------- comparing */

static size_t skip_string(const char *payload, size_t len)
{
	size_t n = strnlen(payload, len);

	return n < len ? n + 1 : n;
}

static bool same(const struct mmessage *model, const struct mmessage *machine)
{
	const struct wire_header *a = &model->header, *b = &machine->header;
	size_t from_a = 0, from_b = 0;

	if (a->type != b->type || a->req_id != b->req_id ||
	    a->tx_id != b->tx_id)
		return false;
	if (model->free_text)
		return true;
	if (model->free_generation) {
		from_a = skip_string(model->payload, a->len);
		from_b = skip_string(machine->payload, b->len);
	}
	return a->len - from_a == b->len - from_b &&
	       !memcmp(model->payload + from_a, machine->payload + from_b,
		       a->len - from_a);
}

static void print_queue(FILE *to, const char *who, const struct mmessage *list,
			size_t count)
{
	fprintf(to, "  %s has:\n", who);
	for (size_t i = 0; i < count; i++) {
		fprintf(to, "    ");
		message_print(to, &list[i].header, list[i].payload);
		fputc('\n', to);
	}
}

static void print_short(FILE *to, const struct mmessage *list, size_t count,
			size_t at)
{
	if (at >= count)
		fprintf(to, "nothing");
	else if (list[at].header.type == WIRE_ERROR)
		fprintf(to, "%s", list[at].payload);
	else
		fprintf(to, "%s", wire_op_name(list[at].header.type));
}

static void differ(struct harness *h, uint32_t conn, const struct mconn *c,
		   const struct stream *s, size_t at)
{
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);

	if (!to)
		return;
	fprintf(to, "after %s: machine has ", wire_op_name(h->last_op));
	print_short(to, s->messages, s->count, at);
	fprintf(to, ", model has ");
	print_short(to, c ? c->out : NULL, c ? c->nout : 0, at);
	fprintf(to, "; connection %u message %zu\n", conn, at);
	print_queue(to, "machine", s->messages, s->count);
	print_queue(to, "model", c ? c->out : NULL, c ? c->nout : 0);
	fclose(to);
	harness_fail(h, "%s", text);
	free(text);
}

/* The model's text becomes the machine's where it is free. */
static void adopt(struct mmessage *model, const struct mmessage *machine)
{
	if (!model->free_text && !model->free_generation)
		return;
	free(model->payload);
	model->header.len = machine->header.len;
	model->payload = model_copy(machine->payload, machine->header.len);
}

static bool is_event(const struct mmessage *list, size_t count, size_t at)
{
	return at < count && list[at].header.type == WIRE_WATCH_EVENT;
}

/* The path of a watch as its events tell it. */
static const char *told_path(const struct mconn *c, const struct mwatch *w)
{
	char home[32];
	size_t n = (size_t)snprintf(home, sizeof(home), "/local/domain/%u/",
				    c->domid);

	return w->relative && !strncmp(w->path, home, n) ? w->path + n :
							    w->path;
}

/*
 * Does an event on the watch's own path wait already, not yet delivered?  It
 * will be read after the change, and absorbs the one that makes it good.
 */
static bool told_anyway(const struct mconn *c, const char *token, size_t at)
{
	for (size_t k = 0; k < c->nwatches; k++) {
		const struct mwatch *w = &c->watches[k];

		if (strcmp(w->token, token))
			continue;
		for (size_t i = 0; i < at; i++) {
			const struct mmessage *msg = &c->out[i];

			if (msg->header.type == WIRE_WATCH_EVENT &&
			    !msg->taken &&
			    !strcmp(msg->payload, told_path(c, w)) &&
			    !strcmp(msg->payload + strlen(msg->payload) + 1,
				    token))
				return true;
		}
	}
	return false;
}

/*
 * Memory gave out: an event may be missing at first, if one on the watch's
 * own path comes when there is memory again.
 */
static bool excuse(struct harness *h, struct mconn *c, const struct stream *s,
		   size_t at)
{
	struct mmessage *msg;

	if (c && h->may_fail && is_event(c->out, c->nout, at)) {
		h->owed_conn = c->id;
		snprintf(h->owed_token, sizeof(h->owed_token), "%s",
			 c->out[at].payload + strlen(c->out[at].payload) + 1);
		free(c->out[at].payload);
		c->nout--;
		memmove(&c->out[at], &c->out[at + 1],
			(c->nout - at) * sizeof(*c->out));
		h->owed++;
		if (told_anyway(c, h->owed_token, at))
			h->made_good++;
		return true;
	}
	if (!c || !h->owed || !is_event(s->messages, s->count, at))
		return false;
	c->out = model_grow(c->out, c->nout, sizeof(*c->out));
	msg = &c->out[at];
	memmove(msg + 1, msg, (c->nout++ - at) * sizeof(*msg));
	memset(msg, 0, sizeof(*msg));
	msg->header = s->messages[at].header;
	msg->payload = model_copy(s->messages[at].payload, msg->header.len);
	h->made_good++;
	return true;
}

static void compare_place(struct harness *h, struct place *p)
{
	struct mconn *c = model_conn(h->model, p->id);
	size_t i = 0;
	struct stream s;

	stream_read(h, p, &s);
	while (i < s.count || (c && i < c->nout)) {
		if (c && i < c->nout && i < s.count &&
		    same(&c->out[i], &s.messages[i])) {
			adopt(&c->out[i], &s.messages[i]);
			i++;
		} else if (!excuse(h, c, &s, i)) {
			break;
		}
	}
	if (i < s.count || (c && i < c->nout))
		differ(h, p->id, c, &s, i);
	stream_free(&s);
}

static void compare_second(struct harness *h)
{
	for (unsigned int i = 0; i < SCENARIO_CONNS; i++)
		if (h->places[i].late.len)
			return;
	for (unsigned int i = 0; i < SCENARIO_CONNS; i++) {
		struct bytes a = { NULL, 0, 0 }, b = { NULL, 0, 0 };

		read_output(h->machine, h->places[i].id, &a);
		read_output(h->second, h->places[i].id, &b);
		if (a.len != b.len || (a.len && memcmp(a.at, b.at, a.len)))
			harness_fail(h, "connection %u: the second machine "
				     "says something else", h->places[i].id);
		bytes_free(&a);
		bytes_free(&b);
	}
	if (machine_digest(h->machine) != machine_digest(h->second))
		harness_fail(h, "the digests of the two machines differ");
}

void harness_compare(struct harness *h)
{
	uint32_t id;

	if (h->undecided)
		return;
	for (size_t at = 0; at < h->order.len; at += sizeof(id)) {
		memcpy(&id, h->order.at + at, sizeof(id));
		for (unsigned int i = 0; i < SCENARIO_CONNS; i++)
			if (h->places[i].id == id)
				follow(h, &h->places[i], 1);
	}
	h->order.len = 0;
	for (unsigned int i = 0; i < SCENARIO_CONNS; i++)
		follow(h, &h->places[i], SIZE_MAX);
	for (unsigned int i = 0; i < SCENARIO_CONNS && !h->failure[0]; i++)
		compare_place(h, &h->places[i]);
	if (h->second && !h->failure[0])
		compare_second(h);
}

/* -------------------------------------------------------------------- asks */

static bool has_answer(const struct machine_ask *ask)
{
	return ask->type == MACHINE_ASK_DOMAIN ||
	       ask->type == MACHINE_ASK_MAP || ask->type == MACHINE_ASK_CONTROL;
}

static unsigned int whole_requests(const struct bytes *b)
{
	unsigned int n = 0;
	size_t at = 0;

	while (b->len - at >= WIRE_HEADER_SIZE) {
		struct wire_header h = wire_header_get(b->at + at);

		if (b->len - at - WIRE_HEADER_SIZE < h.len)
			break;
		at += WIRE_HEADER_SIZE + h.len;
		n++;
	}
	return n;
}

/* A connection the machine gave up on its own account. */
static void given_up(struct harness *h, const struct machine_ask *ask)
{
	for (unsigned int i = 0; i < SCENARIO_CONNS; i++) {
		struct place *p = &h->places[i];

		if (p->id != ask->conn || !p->up)
			continue;
		if (!h->may_fail) {
			harness_fail(h, "connection %u was closed by the "
				     "machine for no reason", p->id);
			return;
		}
		p->up = false;
		h->undecided |= whole_requests(&p->fed) > 1;
		harness_drop_place(h, p);
		if (ask->type == MACHINE_ASK_CLOSE)
			model_close(h->model, p->id);
		else
			model_reset(h->model, p->id);
	}
}

void harness_collect_asks(struct harness *h)
{
	struct machine_ask ask, other;

	while (machine_ask_peek(h->machine, &ask)) {
		struct pending *q;

		if (h->second) {
			if (!machine_ask_peek(h->second, &other) ||
			    other.type != ask.type ||
			    other.domid != ask.domid || other.len != ask.len) {
				harness_fail(h, "the second machine asks for "
					     "something else");
				return;
			}
			machine_ask_pop(h->second);
		}
		if (ask.type == MACHINE_ASK_CLOSE ||
		    ask.type == MACHINE_ASK_RING_ERROR)
			given_up(h, &ask);
		if (has_answer(&ask)) {
			h->pending = model_grow(h->pending, h->npending,
						sizeof(*q));
			q = &h->pending[h->npending++];
			q->ask = ask;
			q->data = model_copy(ask.data, ask.data ? ask.len : 0);
			q->second = h->second ? other.id : 0;
		}
		machine_ask_pop(h->machine);
	}
}

static int mapping(struct harness *h, unsigned int domid)
{
	const struct world *w = &h->world[domid];

	if (!w->exists || w->dying)
		return ENOENT;
	return random_below(&h->rnd, 12) ? 0 : EINVAL;
}

void harness_answer(struct harness *h, size_t which)
{
	struct pending q = h->pending[which];
	struct machine_input in = { .type = MACHINE_IN_DONE };
	static const char reply[] = "done";

	memmove(&h->pending[which], &h->pending[which + 1],
		(--h->npending - which) * sizeof(q));
	in.ask = q.ask.id;
	if (q.ask.type == MACHINE_ASK_MAP && q.ask.domid < SCENARIO_DOMIDS) {
		in.error = q.ask.domid ? (uint32_t)mapping(h, q.ask.domid) : 0;
		h->world[q.ask.domid].mapped = (int)in.error;
	} else if (q.ask.type == MACHINE_ASK_MAP) {
		in.error = ENOENT;
	} else if (q.ask.type == MACHINE_ASK_DOMAIN) {
		harness_tell(h, q.ask.domid);
	} else {
		in.data = reply;
		in.len = sizeof(reply);
	}
	free(q.data);
	harness_step_second_ask(h, &in, q.second);
}

/* ------------------------------------------------------------------- steps */

static int step_machine(struct harness *h, struct machine *m,
			const struct machine_input *in)
{
	int error = machine_step(m, in);

	if (error && !(h->may_fail && error == -ENOMEM))
		harness_fail(h, "machine_step() returned %d", error);
	return error;
}

/* Give the second machine what the first has got, cut at random. */
void harness_second_catches_up(struct harness *h)
{
	bool moved = true;

	while (moved && !h->failure[0]) {
		moved = false;
		for (unsigned int i = 0; i < SCENARIO_CONNS; i++) {
			struct place *p = &h->places[i];
			struct machine_input in = { .type = MACHINE_IN_BYTES,
						    .conn = p->id };
			size_t wants = machine_wants(h->second, p->id);

			if (!p->late.len || !wants)
				continue;
			in.len = p->late.len;
			if (!h->s->contended)
				in.len = 1 + random_below(&h->rnd,
						(unsigned int)in.len);
			in.len = in.len < wants ? in.len : wants;
			in.data = p->late.at;
			step_machine(h, h->second, &in);
			bytes_drop(&p->late, in.len);
			moved = true;
		}
	}
}

void harness_step_second_ask(struct harness *h, struct machine_input *in,
			     uint64_t ask)
{
	step_machine(h, h->machine, in);
	if (h->second) {
		in->ask = ask;
		step_machine(h, h->second, in);
		harness_second_catches_up(h);
	}
	harness_collect_asks(h);
	harness_compare(h);
}

void harness_step(struct harness *h, const struct machine_input *in)
{
	step_machine(h, h->machine, in);
	if (h->second) {
		if (in->type != MACHINE_IN_BYTES)
			step_machine(h, h->second, in);
		harness_second_catches_up(h);
	}
	harness_collect_asks(h);
	harness_compare(h);
}
