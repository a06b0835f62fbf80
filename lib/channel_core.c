/* SPDX-License-Identifier: MIT */
/*
 * The machine's two doors: channel_step() leads an event to its part,
 * channel_action() looks at the state and finds what is to be done, callbacks
 * before store operations, so that a client always hears first.
 */
#include "config.h"

#include "lib/channel_core.h"

#include <errno.h>
#include <string.h>

enum { RETRY_MIN = 100000, RETRY_SHIFT_MAX = 7, RETRY_MAX = 8000000 };

size_t channel_memory(unsigned int slots)
{
	return (size_t)slots * CHANNEL_BODY_MAX * 2 + CHANNEL_BODY_MAX +
	       CHANNEL_SLOT_MAX;
}

static void share_out(struct channel *c, char *memory)
{
	for (unsigned int i = 0; i < c->slots; i++, memory += CHANNEL_BODY_MAX)
		c->out[i].body = memory;
	c->whole = memory;
	c->in = memory + (size_t)c->slots * CHANNEL_BODY_MAX;
	c->scratch = c->in + CHANNEL_BODY_MAX;
	c->queue_end = &c->queue;
	c->sent_end = &c->sent;
	c->done_end = &c->done;
	c->over_end = &c->over;
}

void channel_start(struct channel *c, char *memory, unsigned int slots,
		   uint32_t lease, uint64_t boot, struct span old,
		   struct span generation,
		   void (*entropy)(void *ctx, uint8_t *random), void *ctx,
		   uint64_t now)
{
	struct channel_status was;

	memset(c, 0, sizeof(*c));
	c->slots = slots;
	c->lease = c->peer_lease = lease;
	c->entropy = entropy;
	c->entropy_ctx = ctx;
	share_out(c, memory);
	c->me.inc = boot && boot < CHANNEL_NUMBER_MAX ? boot : 1;
	if (channel_status_parse(old, &was) && was.me.inc >= c->me.inc &&
	    was.me.inc < CHANNEL_NUMBER_MAX)
		c->me.inc = was.me.inc + 1;
	c->generation[0] = '0';
	if (generation.len && generation.len <= CHANNEL_GENERATION_MAX) {
		memcpy(c->generation, generation.at, generation.len);
		c->generation[generation.len] = 0;
	}
	channel_fresh(c, now);
	channel_data_start(c);
	c->slot.wanted = false;
	c->poll_at = c->answered_at = c->wrote_at = now;
}

/* ------------------------------------------------------------- events -- */

static bool transient(int result)
{
	return result == -EAGAIN || result == -ECONNRESET ||
	       result == -ENOTCONN;
}

/*
 * Backpressure: the daemon refuses; later and later, never in vain.  Not so
 * late that the peer takes a refused slot for our silence: st waits with it,
 * and is due each third of the lease.
 */
static void refused(struct channel *c, int result, uint64_t now)
{
	uint64_t wait = (uint64_t)RETRY_MIN << c->retries;
	uint64_t most = (uint64_t)c->lease * 1000 / 6;

	if (c->rx)
		c->ack_at = now;
	if (transient(result))
		return;
	c->error = result;
	if (c->retries < RETRY_SHIFT_MAX)
		c->retries++;
	if (most > RETRY_MAX)
		most = RETRY_MAX;
	c->retry_at = now + (wait < most ? wait : most);
}

static void wrote_status(struct channel *c, const struct channel_event *e,
			 uint64_t now)
{
	c->st.busy = false;
	if (e->result) {
		c->st.wanted = true;
		refused(c, e->result, now);
		return;
	}
	c->retries = 0;
	c->wrote_at = now;
	if (c->stored < c->writing_binding)
		c->stored = c->writing_binding;
	/* R4 and R6 wait for a read issued after this. */
	if (c->state != CHANNEL_UP)
		c->peer.wanted = true;
}

static void wrote_slot(struct channel *c, const struct channel_event *e,
		       uint64_t now)
{
	channel_data_wrote(c, e, now);
	if (e->result)
		refused(c, e->result, now);
	else
		c->retries = 0;
}

static void time_passes(struct channel *c, uint64_t now)
{
	uint32_t lease = c->lease < c->peer_lease ? c->lease : c->peer_lease;

	if (now < c->poll_at)
		return;
	c->poll_at = now + (uint64_t)lease * 1000 / 6;
	c->peer.wanted = c->own.wanted = true;
	c->slot.wanted = c->state == CHANNEL_UP;
	if (channel_epoch_set(&c->held) || c->absent ||
	    c->silence > (uint64_t)c->peer_lease * 500)
		c->alive.wanted = c->state != CHANNEL_HELLO ||
				  channel_epoch_set(&c->held);
}

static void by_client(struct channel *c, enum channel_event_type type,
		      uint64_t now)
{
	if (type == CHANNEL_EV_COMPLETE)
		channel_data_completed(c, now);
	else if (type == CHANNEL_EV_CLOSE)
		channel_stimulus(c, CHANNEL_CLOSE, NULL, now);
	else if (!c->tell_down)
		channel_stimulus(c, CHANNEL_LET_GO, NULL, now);
}

void channel_step(struct channel *c, const struct channel_event *e,
		  uint64_t now)
{
	switch (e->type) {
	case CHANNEL_EV_TIME:
		break;
	case CHANNEL_EV_BELL_STATUS:
		c->peer.wanted = true;
		break;
	case CHANNEL_EV_BELL_SLOT:
		c->slot.wanted = c->state == CHANNEL_UP;
		if (c->slot.wanted && e->slot < CHANNEL_SLOTS_MAX)
			c->rung |= 1u << e->slot;
		break;
	case CHANNEL_EV_BELL_OWN:
		c->own.wanted = true;
		break;
	case CHANNEL_EV_BELL_DOMAIN:
		c->alive.wanted = true;
		break;
	case CHANNEL_EV_MOVED:
		channel_stimulus(c, CHANNEL_DOMID, NULL, now);
		break;
	case CHANNEL_EV_WROTE_STATUS:
		wrote_status(c, e, now);
		break;
	case CHANNEL_EV_WROTE_SLOT:
		wrote_slot(c, e, now);
		break;
	case CHANNEL_EV_PEER:
		channel_read_peer(c, e, now);
		break;
	case CHANNEL_EV_OWN:
		channel_read_own(c, e, now);
		break;
	case CHANNEL_EV_SLOT:
		channel_data_read(c, e, now);
		break;
	case CHANNEL_EV_ALIVE:
		channel_read_alive(c, e, now);
		break;
	case CHANNEL_EV_COMPLETE:
	case CHANNEL_EV_LET_GO:
	case CHANNEL_EV_CLOSE:
		by_client(c, e->type, now);
		break;
	case CHANNEL_EVENTS:
		break;
	}
}

/* ------------------------------------------------------------ actions -- */

static bool say(bool *what, struct channel_action *a,
		enum channel_action_type type)
{
	if (!*what)
		return false;
	*what = false;
	a->type = type;
	return true;
}

static bool say_done(struct px_channel_message **head,
		     struct px_channel_message ***end,
		     struct channel_action *a, bool delivered)
{
	struct px_channel_message *m = *head;

	if (!m)
		return false;
	*head = m->next;
	if (!*head)
		*end = head;
	m->next = NULL;
	a->type = CHANNEL_DO_DONE;
	a->message = m;
	a->verdict = delivered ? PX_CHANNEL_DELIVERED :
		     m->begun ? PX_CHANNEL_IN_DOUBT : PX_CHANNEL_NEVER_SENT;
	return true;
}

/* One cycle's callbacks in the order they are promised. */
static bool callback(struct channel *c, struct channel_action *a)
{
	if (say(&c->tell_released, a, CHANNEL_DO_RELEASED)) {
		a->epoch = c->released;
		return true;
	}
	if (say(&c->tell_up, a, CHANNEL_DO_UP)) {
		a->epoch = c->me;
		return true;
	}
	if (say_done(&c->done, &c->done_end, a, true) ||
	    say_done(&c->over, &c->over_end, a, false))
		return true;
	if (say(&c->tell_down, a, CHANNEL_DO_DOWN)) {
		a->epoch = c->me;
		a->down.reason = c->reason;
		a->down.never_sent = c->count_never;
		a->down.in_doubt = c->count_doubt;
		a->down.delivered = c->count_delivered;
		a->down.received = c->count_received;
		return true;
	}
	return channel_data_message(c, a) ||
	       say(&c->tell_ended, a, CHANNEL_DO_ENDED);
}

static uint64_t beat_at(const struct channel *c)
{
	return c->wrote_at + (uint64_t)c->lease * 1000 / 3;
}

static bool status_due(const struct channel *c, uint64_t now)
{
	return c->st.wanted || c->binding != c->stored || now >= c->ack_at ||
	       now >= beat_at(c);
}

static enum channel_word word_of(enum channel_state state)
{
	static const enum channel_word words[CHANNEL_STATES] = {
		[CHANNEL_HELLO] = CHANNEL_SAYS_HELLO,
		[CHANNEL_BOUND] = CHANNEL_SAYS_BOUND,
		[CHANNEL_UP] = CHANNEL_SAYS_UP,
		[CHANNEL_QUIET] = CHANNEL_SAYS_QUIET,
		[CHANNEL_PARTING] = CHANNEL_SAYS_QUIET,
		[CHANNEL_CLOSING] = CHANNEL_SAYS_QUIET,
		[CHANNEL_ENDED] = CHANNEL_SAYS_QUIET,
	};

	return words[state];
}

static bool write_status(struct channel *c, struct channel_action *a,
			 uint64_t now)
{
	struct channel_status s = {
		.me = c->me, .you = c->you, .says = word_of(c->state),
		.next = c->tx, .wanted = c->rx, .window = c->slots,
		.beat = ++c->beat, .lease = c->lease,
		.reason = (unsigned int)c->reason,
	};

	memcpy(s.generation, c->generation, sizeof(s.generation));
	c->st_len = channel_status_format(c->st_text, &s);
	c->st_serial++;
	c->st.wanted = false;
	c->st.busy = true;
	c->writing_binding = c->binding;
	c->ack_told = c->rx;
	c->ack_at = UINT64_MAX;
	c->status_writes++;
	a->type = CHANNEL_DO_WRITE_STATUS;
	a->text = (struct span){ c->st_text, c->st_len };
	return true;
}

static bool start(struct channel_io *io, struct channel_action *a,
		  enum channel_action_type type)
{
	if (!io->wanted || io->busy)
		return false;
	io->wanted = false;
	io->busy = true;
	a->type = type;
	return true;
}

/*
 * The slot wanted next.  While a message is in the client's hands, those that
 * rang: the acknowledgement in them may be what the client waits for.
 */
static bool read_slot(struct channel *c, struct channel_action *a)
{
	unsigned int slot = (unsigned int)(c->rx % c->peer_slots);

	if (c->in_full) {
		if (!c->rung)
			return false;
		slot = (unsigned int)__builtin_ctz(c->rung);
		c->slot.wanted = true;
	}
	if (!start(&c->slot, a, CHANNEL_DO_READ_SLOT))
		return false;
	c->rung &= ~(1u << slot);
	a->slot = slot;
	return true;
}

static bool read_something(struct channel *c, struct channel_action *a)
{
	if (start(&c->peer, a, CHANNEL_DO_READ_PEER)) {
		/* Once removed, my absence is what the peer sees. */
		c->read_binding = c->mute ? c->binding : c->stored;
		return true;
	}
	if (start(&c->own, a, CHANNEL_DO_READ_OWN)) {
		c->own_serial = c->st_serial;
		return true;
	}
	if (c->state == CHANNEL_UP && read_slot(c, a))
		return true;
	return start(&c->alive, a, CHANNEL_DO_ASK_ALIVE);
}

static bool operation(struct channel *c, struct channel_action *a,
		      uint64_t now)
{
	if (!c->mute && now >= c->retry_at) {
		if (channel_data_action(c, a, now))
			return true;
		if (!c->st.busy && status_due(c, now))
			return write_status(c, a, now);
	}
	return read_something(c, a);
}

void channel_action(struct channel *c, bool io, struct channel_action *a,
		    uint64_t now)
{
	memset(a, 0, sizeof(*a));
	if (c->state == CHANNEL_CLOSING && !channel_epoch_set(&c->held) &&
	    (c->mute || c->stored == c->binding))
		channel_stimulus(c, CHANNEL_RELEASED, NULL, now);
	if (callback(c, a) || c->state == CHANNEL_ENDED)
		return;
	time_passes(c, now);
	channel_data_time(c, now);
	channel_data_fill(c, now);
	if (io)
		operation(c, a, now);
}

static void earlier(uint64_t *at, uint64_t other)
{
	if (other < *at)
		*at = other;
}

uint64_t channel_deadline(const struct channel *c)
{
	uint64_t at = c->poll_at, write = UINT64_MAX;

	if (c->state == CHANNEL_ENDED)
		return UINT64_MAX;
	earlier(&at, c->resend_at);
	if (c->mute)
		return at;
	for (unsigned int i = 0; i < c->slots; i++)
		if (c->out[i].due && !c->out[i].writing)
			write = 0;
	if (!c->st.busy) {
		earlier(&write, c->ack_at);
		earlier(&write, beat_at(c));
		if (c->st.wanted || c->binding != c->stored)
			write = 0;
	}
	if (write < c->retry_at)
		write = c->retry_at;
	earlier(&at, write);
	return at;
}
