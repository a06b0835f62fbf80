/* SPDX-License-Identifier: MIT */
/*
 * Messages into slots and out of them: R7 to R10.  Nothing here knows of
 * epochs but that the slot's must be the peer's: an epoch is up with one
 * peer at most, so it names the pair.
 */
#include "config.h"

#include "lib/channel_core.h"

#include <errno.h>
#include <string.h>

static void list_add(struct px_channel_message ***end,
		     struct px_channel_message *m)
{
	m->next = NULL;
	**end = m;
	*end = &m->next;
}

static struct px_channel_message *list_take(struct px_channel_message **head,
					    struct px_channel_message ***end)
{
	struct px_channel_message *m = *head;

	if (m) {
		*head = m->next;
		if (!*head)
			*end = head;
		m->next = NULL;
	}
	return m;
}

static struct channel_out *out_of(struct channel *c, uint64_t seq)
{
	return &c->out[seq % c->slots];
}

void channel_data_start(struct channel *c)
{
	c->tx = c->acked = c->rx = 0;
	c->ack_told = 0;
	c->ack_at = UINT64_MAX;
	c->rto = CHANNEL_RTO_MIN;
	c->resend_at = UINT64_MAX;
	c->bad_slot.row = 0;
	c->in_full = c->in_busy = false;
	c->rung = 0;
	c->parts_had = c->parts_all = 0;
	c->whole_len = 0;
	c->count_delivered = c->count_received = 0;
	c->slot.wanted = true;
	for (unsigned int i = 0; i < c->slots; i++)
		c->out[i].used = c->out[i].due = false;
}

/* Everything unfinished gets its verdict, in the order of sending. */
void channel_data_end(struct channel *c)
{
	struct px_channel_message *m;

	c->count_never = c->count_doubt = 0;
	while ((m = list_take(&c->sent, &c->sent_end))) {
		m->begun = out_of(c, m->last)->landed;
		c->count_doubt += m->begun;
		c->count_never += !m->begun;
		list_add(&c->over_end, m);
	}
	while ((m = list_take(&c->queue, &c->queue_end))) {
		m->begun = false;
		c->count_never++;
		list_add(&c->over_end, m);
	}
	for (unsigned int i = 0; i < c->slots; i++)
		c->out[i].used = c->out[i].due = false;
	c->in_full = c->in_busy = false;
	c->slot.wanted = false;
	c->ack_at = c->resend_at = UINT64_MAX;
}

int channel_submit(struct channel *c, struct px_channel_message *m,
		 uint64_t now)
{
	if (c->state != CHANNEL_UP)
		return -ENOTCONN;
	if (m->len > (size_t)c->window * CHANNEL_BODY_MAX)
		return -EMSGSIZE;
	m->at = 0;
	m->last = 0;
	m->begun = false;
	list_add(&c->queue_end, m);
	return 0;
}

/* ------------------------------------------------------------- sending -- */

/* All of it is in slots; the last is `seq`. */
static void sent_whole(struct channel *c, uint64_t seq)
{
	struct px_channel_message *m = list_take(&c->queue, &c->queue_end);

	m->last = seq;
	list_add(&c->sent_end, m);
}

static void fill_part(struct channel *c, struct channel_out *o)
{
	struct px_channel_message *m = c->queue;
	size_t left = m->len - m->at;

	o->kind = CHANNEL_PART;
	o->part = (unsigned int)(m->at / CHANNEL_BODY_MAX);
	o->parts = (unsigned int)((m->len + CHANNEL_BODY_MAX - 1) /
				  CHANNEL_BODY_MAX);
	o->len = left < CHANNEL_BODY_MAX ? left : CHANNEL_BODY_MAX;
	memcpy(o->body, (const char *)m->data + m->at, o->len);
	m->at += o->len;
	m->begun = true;
	if (m->at == m->len)
		sent_whole(c, o->seq);
}

static void fill_one(struct channel *c, struct channel_out *o)
{
	struct px_channel_message *m = c->queue;

	o->kind = CHANNEL_ONE;
	o->part = 0;
	o->parts = 1;
	o->len = m->len;
	if (m->len)
		memcpy(o->body, m->data, m->len);
	sent_whole(c, o->seq);
}

static bool fits(const struct px_channel_message *m, size_t used)
{
	return m && m->len + 2 <= CHANNEL_BODY_MAX - used;
}

static void fill_many(struct channel *c, struct channel_out *o)
{
	struct px_channel_message *m;

	o->kind = CHANNEL_MANY;
	o->part = 0;
	o->parts = 1;
	o->len = 0;
	while ((m = c->queue) && fits(m, o->len)) {
		o->body[o->len++] = (char)(m->len >> 8);
		o->body[o->len++] = (char)(m->len & 255);
		if (m->len)
			memcpy(o->body + o->len, m->data, m->len);
		o->len += m->len;
		sent_whole(c, o->seq);
	}
}

/*
 * While messages come the other way too, the last slot of the window waits
 * for an acknowledgement that is due, and carries it.  If both ends filled
 * their windows at once, each would need a write of st to open the other's.
 */
static unsigned int window(struct channel *c, uint64_t now)
{
	unsigned int ago = c->window - 1;

	if (c->tx >= ago && c->rx > out_of(c, c->tx - ago)->rx &&
	    now < c->ack_at)
		return ago;
	return c->window;
}

/* R7; a slot whose write is not answered yet is not free. */
void channel_data_fill(struct channel *c, uint64_t now)
{
	while (c->state == CHANNEL_UP && c->queue &&
	       c->tx - c->acked < window(c, now)) {
		struct channel_out *o = out_of(c, c->tx);
		struct px_channel_message *m = c->queue;

		if (o->used || o->writing)
			return;
		o->seq = c->tx;
		o->rx = c->rx;
		if (m->len > CHANNEL_BODY_MAX)
			fill_part(c, o);
		else if (fits(m, 0) && fits(m->next, m->len + 2))
			fill_many(c, o);
		else
			fill_one(c, o);
		o->used = o->due = true;
		o->landed = false;
		if (c->tx == c->acked)
			c->resend_at = now + c->rto;
		c->tx++;
	}
}

/* The peer has completed everything before `wanted`. */
void channel_data_ack(struct channel *c, uint64_t wanted, uint64_t now)
{
	if (wanted <= c->acked)
		return;
	if (wanted > c->tx) {
		/* Impossible, and no other read will mend it. */
		c->garbage++;
		channel_stimulus(c, CHANNEL_FAULT, NULL, now);
		return;
	}
	while (c->acked < wanted) {
		out_of(c, c->acked)->used = false;
		out_of(c, c->acked)->due = false;
		c->acked++;
	}
	while (c->sent && c->sent->last < c->acked) {
		c->count_delivered++;
		list_add(&c->done_end, list_take(&c->sent, &c->sent_end));
	}
	c->rto = CHANNEL_RTO_MIN;
	c->resend_at = c->acked < c->tx ? now + c->rto : UINT64_MAX;
}

void channel_data_time(struct channel *c, uint64_t now)
{
	struct channel_out *o = out_of(c, c->acked);

	if (now < c->resend_at)
		return;
	if (o->used && !o->writing)
		o->due = true;
	if (c->rto < CHANNEL_RTO_MAX)
		c->rto *= 2;
	c->resend_at = now + c->rto;
}

/* The next slot to write, the oldest first. */
bool channel_data_action(struct channel *c, struct channel_action *a,
			 uint64_t now)
{
	for (uint64_t seq = c->acked; seq < c->tx; seq++) {
		struct channel_out *o = out_of(c, seq);
		struct channel_slot s = { c->me, seq, c->rx };
		size_t head;

		if (!o->due || o->writing)
			continue;
		s.kind = o->kind;
		s.part = o->part;
		s.parts = o->parts;
		s.body = (struct span){ o->body, o->len };
		head = channel_slot_format(c->scratch, &s);
		memcpy(c->scratch + head, o->body, o->len);
		a->type = CHANNEL_DO_WRITE_SLOT;
		a->slot = (unsigned int)(seq % c->slots);
		a->text = (struct span){ c->scratch, head + o->len };
		o->due = false;
		o->writing = true;
		o->landed_before = o->landed;
		o->landed = true;
		c->ack_told = c->rx;
		c->ack_at = UINT64_MAX;
		c->slot_writes++;
		return true;
	}
	return false;
}

void channel_data_wrote(struct channel *c, const struct channel_event *e,
			uint64_t now)
{
	struct channel_out *o = &c->out[e->slot % c->slots];

	o->writing = false;
	if (!e->result || !o->used)
		return;
	o->due = true;
	if (e->result != -ECONNRESET)
		o->landed = o->landed_before;
}

/* ----------------------------------------------------------- receiving -- */

/* R9 */
static void acknowledge(struct channel *c, uint64_t now)
{
	c->rx++;
	if (c->rx - c->ack_told >= (c->window + 1) / 2)
		c->ack_at = now;
	else if (c->ack_at == UINT64_MAX)
		c->ack_at = now + CHANNEL_ACK_DELAY;
	c->slot.wanted = true;
}

static bool take_part(struct channel *c, const struct channel_slot *s,
		      uint64_t now)
{
	if (s->part != c->parts_had || s->parts > c->window ||
	    (s->part && s->parts != c->parts_all) || !s->body.len)
		return false;
	if (!s->part)
		c->whole_len = 0;
	memcpy(c->whole + c->whole_len, s->body.at, s->body.len);
	c->whole_len += s->body.len;
	c->parts_all = s->parts;
	c->parts_had++;
	if (c->parts_had < c->parts_all) {
		acknowledge(c, now);
		return true;
	}
	c->in_rest = cursor_of(c->whole, c->whole_len);
	c->parts_had = c->parts_all = 0;
	c->in_full = true;
	return true;
}

static bool many_is_whole(struct span body)
{
	struct cursor c = cursor_of(body.at, body.len);
	struct span message;

	if (!body.len)
		return false;
	while (channel_many_next(&c, &message))
		;
	return !cursor_left(&c);
}

/* R8.  False if it is not in the format. */
static bool take(struct channel *c, const struct channel_slot *s, uint64_t now)
{
	if (s->kind == CHANNEL_PART) {
		c->in_kind = s->kind;
		return take_part(c, s, now);
	}
	if (c->parts_had || (s->kind == CHANNEL_MANY &&
			     !many_is_whole(s->body)))
		return false;
	if (s->body.len)
		memcpy(c->in, s->body.at, s->body.len);
	c->in_rest = cursor_of(c->in, s->body.len);
	c->in_kind = s->kind;
	c->in_full = true;
	return true;
}

void channel_data_read(struct channel *c, const struct channel_event *e,
		       uint64_t now)
{
	struct channel_slot s;

	c->slot.busy = false;
	if (c->state != CHANNEL_UP)
		return;
	if (e->result) {
		if (e->result != -ENOENT && e->result != -EACCES)
			c->slot.wanted = true;
		return;
	}
	if (!channel_slot_parse(e->text, &s)) {
		channel_garbage(c, &c->bad_slot, now);
		return;
	}
	if (!channel_epoch_is(&s.me, &c->you))
		return;
	channel_data_ack(c, s.wanted, now);
	if (s.seq != c->rx || c->in_full || c->state != CHANNEL_UP)
		return;
	c->silence = 0;
	c->last_look = false;
	if (take(c, &s, now))
		c->bad_slot.row = 0;
	else
		channel_garbage(c, &c->bad_slot, now);
}

/* The next message for the client, if it has none in hand. */
bool channel_data_message(struct channel *c, struct channel_action *a)
{
	if (!c->in_full || c->in_busy)
		return false;
	if (c->in_kind == CHANNEL_MANY) {
		if (!channel_many_next(&c->in_rest, &a->text))
			return false;
	} else {
		a->text = cursor_rest(&c->in_rest);
	}
	a->type = CHANNEL_DO_MESSAGE;
	c->in_busy = true;
	return true;
}

void channel_data_completed(struct channel *c, uint64_t now)
{
	if (!c->in_busy)
		return;
	c->in_busy = false;
	c->count_received++;
	if (c->in_kind == CHANNEL_MANY && cursor_left(&c->in_rest))
		return;
	c->in_full = false;
	acknowledge(c, now);
}
