/* SPDX-License-Identifier: MIT */
/*
 * A session on its channel.  Each turn of process does, in this order: what
 * the peer sent has its effect; all that is new is made durable at once; only
 * then the peer's message is completed and ours are sent.  That order is the
 * whole promise, so it stands in one function, turn().
 */
#include "config.h"

#include "lib/session_priv.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum {
	TURNS = 64,
	OUTBOX_MIN = 4096,
	BACKOFF_MIN = 100000,
	BACKOFF_SHIFT_MAX = 7,
	BACKOFF_MAX = 8000000
};

static bool on_message(void *arg, const void *data, size_t len);
static bool on_down(void *arg, const struct px_channel_down *down);

/* ---------------------------------------------------------------- init -- */

static size_t round_up(size_t n)
{
	return (n + 15) & ~(size_t)15;
}

static size_t outbox_of(const struct px_session_options *o)
{
	return o->outbox ? o->outbox : 65536;
}

static size_t channel_size(const struct px_session_options *o)
{
	struct px_channel_options c = o->channel;

	c.on = (struct px_channel_callbacks){ .message = on_message,
					      .down = on_down };
	return round_up(px_channel_size(&c));
}

size_t px_session_size(const struct px_session_options *o)
{
	size_t channel = channel_size(o);

	if (!channel || !o->on.message || !o->on.trouble ||
	    outbox_of(o) < OUTBOX_MIN || outbox_of(o) > 1u << 30)
		return 0;
	return round_up(sizeof(struct px_session)) + channel + outbox_of(o);
}

static void on_up(void *arg)
{
	struct px_session *s = arg;

	s->up = true;
	session_talk_start(s);
}

static bool on_message(void *arg, const void *data, size_t len)
{
	struct px_session *s = arg;

	s->in_hand = len != 0;
	s->in = cursor_of(data, len);
	s->faults += !len;
	return !s->in_hand;
}

static bool on_down(void *arg, const struct px_channel_down *down)
{
	struct px_session *s = arg;

	s->up = s->met = s->in_hand = false;
	s->hello.owed = s->resume.owed = false;
	s->must_let_go = s->now < s->fault_at && !s->parting;
	if (s->options.on.down)
		s->options.on.down(s->options.on.arg, down->reason);
	return !s->must_let_go;
}

static void on_ended(void *arg, enum px_channel_reason reason)
{
	struct px_session *s = arg;

	s->over = true;
	s->last_try = false;
	s->reason = reason;
}

int px_session_init(void *memory, size_t size,
		    const struct px_session_options *o,
		    struct px_session **session)
{
	struct px_session *s = memory;
	size_t need = px_session_size(o), own = round_up(sizeof(*s));
	size_t channel = channel_size(o);
	int err;

	if (!need)
		return -EINVAL;
	if (size < need)
		return -ENOBUFS;
	memset(s, 0, sizeof(*s));
	s->options = *o;
	s->options.channel.on = (struct px_channel_callbacks){
		on_up, on_message, on_down, NULL, on_ended, s };
	err = px_channel_init((char *)memory + own, channel,
			      &s->options.channel, &s->channel);
	if (err)
		return err;
	session_box_init(&s->box, (char *)memory + own + channel,
			 outbox_of(o), 1);
	s->restored = 1;
	s->first_meeting = true;
	*session = s;
	return 0;
}

int px_session_restore(struct px_session *s, const struct px_session_mine *mine,
		       const struct px_session_mark *mark)
{
	if (s->open)
		return -EISCONN;
	if (!mine->first || mine->first > SESSION_NUMBER_MAX ||
	    s->box.next != s->box.first)
		return -EINVAL;
	s->id = mine->id;
	s->mark = *mark;
	session_box_init(&s->box, s->box.at, s->box.size, mine->first);
	s->restored = mine->first;
	return 0;
}

int px_session_restore_message(struct px_session *s, const void *data,
			       size_t len)
{
	int err;

	if (s->open)
		return -EISCONN;
	if (len > PX_SESSION_MESSAGE_MAX)
		return -EMSGSIZE;
	err = session_box_add(&s->box, data, len);
	if (!err)
		s->restored = s->box.next;
	return err;
}

/* Greater than any before, if the clock is right; else the peer will say. */
void session_fresh_id(struct px_session *s, uint64_t count)
{
	struct timespec t = { 0, 0 };
	uint64_t ms;
	size_t had = 0;

	clock_gettime(CLOCK_REALTIME, &t);
	ms = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
	s->id.count = ms > count && ms < SESSION_NUMBER_MAX ? ms : count;
	while (had < sizeof(s->id.random)) {
		ssize_t n = getrandom(s->id.random + had,
				      sizeof(s->id.random) - had, 0);

		if (n > 0)
			had += (size_t)n;
	}
}

int px_session_open(struct px_session *s, struct px_client *client)
{
	int err;

	if (s->open)
		return -EISCONN;
	err = px_channel_open(s->channel, client);
	if (err)
		return err;
	s->open = true;
	if (s->id.count) {
		s->saved = (struct session_image){ s->id, s->mark,
						   s->restored };
		s->dirty |= s->box.next != s->restored;
	} else {
		session_fresh_id(s, 1);
		session_dirty(s);
	}
	return 0;
}

/* -------------------------------------------------------------- saving -- */

void session_dirty(struct px_session *s)
{
	s->dirty = true;
}

bool session_mark_is_saved(const struct px_session *s)
{
	return s->saved.mark.last == s->mark.last &&
	       !session_id_order(&s->saved.mark.id, &s->mark.id);
}

uint64_t session_backoff(unsigned int *row)
{
	uint64_t wait = (uint64_t)BACKOFF_MIN << *row;

	if (*row < BACKOFF_SHIFT_MAX)
		++*row;
	return wait < BACKOFF_MAX ? wait : BACKOFF_MAX;
}

static void save_ended(struct px_session *s, int result)
{
	s->save_runs = false;
	if (result) {
		s->dirty = true;
		s->error = result;
		s->save_at = s->now + session_backoff(&s->save_row);
		return;
	}
	s->saved = s->saving;
	s->save_row = 0;
}

static void save(struct px_session *s)
{
	int result = 0;

	if (!s->dirty || s->save_runs || s->now < s->save_at)
		return;
	s->dirty = false;
	s->saving = (struct session_image){ s->id, s->mark, s->box.next };
	s->saves++;
	if (s->options.on.save)
		result = s->options.on.save(s->options.on.arg, &s->mark);
	s->save_runs = result == -EINPROGRESS;
	if (!s->save_runs)
		save_ended(s, result);
}

int px_session_saved(struct px_session *s, int result)
{
	if (!s->save_runs || result == -EINPROGRESS)
		return -EINVAL;
	s->kick = true;
	save_ended(s, result);
	return 0;
}

/*
 * Before anything ends: what had its effect, or was sent, shall not be lost
 * for want of a try.  False: a save runs.
 */
static bool settled(struct px_session *s)
{
	if (s->dirty && !s->save_runs && !s->last_try) {
		s->last_try = true;
		s->save_at = 0;
		save(s);
	}
	return !s->save_runs;
}

/* The channel goes last: its lock keeps others from the store until then. */
static void part(struct px_session *s)
{
	if (!s->closing || s->parting || !settled(s))
		return;
	s->parting = s->kick = true;
	px_channel_close(s->channel);
}

static void end(struct px_session *s)
{
	if (s->ended || !settled(s))
		return;
	s->ended = true;
	if (s->options.on.ended)
		s->options.on.ended(s->options.on.arg, s->reason);
}

/* ------------------------------------------------------------- process -- */

void session_delivered(struct px_session *s, uint64_t last)
{
	if (last < s->box.first)
		return;
	while (s->box.first <= last && s->box.first < s->box.next)
		session_box_drop(&s->box);
	/* There is room: what was refused for want of it may come again. */
	s->kick |= s->refused;
	s->message_at = 0;
	if (s->options.on.delivered)
		s->options.on.delivered(s->options.on.arg, last);
}

void session_trouble(struct px_session *s, enum px_session_trouble trouble,
		     uint64_t from, uint64_t to)
{
	s->options.on.trouble(s->options.on.arg, trouble, from, to);
}

static void complete(struct px_session *s)
{
	if (!s->in_hand || cursor_left(&s->in) || !session_mark_is_saved(s))
		return;
	s->in_hand = false;
	s->kick = true;
	px_channel_complete(s->channel);
}

static void let_go(struct px_session *s)
{
	if (!s->must_let_go || (s->now < s->fault_at && !s->parting))
		return;
	s->must_let_go = false;
	s->kick = true;
	px_channel_let_go(s->channel);
}

static void turn(struct px_session *s)
{
	s->kick = false;
	px_channel_process(s->channel, s->now);
	if (s->over) {
		end(s);
		return;
	}
	session_talk_in(s);
	save(s);
	complete(s);
	session_talk_out(s);
	let_go(s);
	part(s);
}

int px_session_process(struct px_session *s, uint64_t now)
{
	if (!s->open)
		return -ENOTCONN;
	if (s->busy)
		return -EBUSY;
	s->busy = true;
	s->now = now;
	turn(s);
	for (unsigned int n = 1; s->kick && n < TURNS; n++)
		turn(s);
	s->busy = false;
	return 0;
}

uint64_t px_session_deadline(const struct px_session *s)
{
	uint64_t at;

	if (!s->open || s->ended)
		return UINT64_MAX;
	if (s->kick)
		return 0;
	if (s->over)
		return UINT64_MAX;
	at = px_channel_deadline(s->channel);
	if (s->dirty && !s->save_runs && s->save_at < at)
		at = s->save_at;
	if (s->in_hand && s->refused && !s->closing && s->message_at < at)
		at = s->message_at;
	if (s->must_let_go && s->fault_at < at)
		at = s->fault_at;
	return at;
}

/* --------------------------------------------------------- the program -- */

int px_session_send(struct px_session *s, const void *data, size_t len,
		    uint64_t *number)
{
	int err;

	if (s->closing || s->over)
		return -ESHUTDOWN;
	if (len > PX_SESSION_MESSAGE_MAX)
		return -EMSGSIZE;
	err = session_box_add(&s->box, data, len);
	if (err)
		return err;
	if (number)
		*number = s->box.next - 1;
	s->kick = true;
	session_dirty(s);
	return 0;
}

struct px_session_mine px_session_mine(const struct px_session *s)
{
	return (struct px_session_mine){ s->id, s->box.first };
}

uint64_t px_session_next(const struct px_session *s)
{
	return s->box.next;
}

bool px_session_pending(const struct px_session *s,
			struct px_session_message *m)
{
	return session_box_step(&s->box, m);
}

int px_session_close(struct px_session *s)
{
	s->closing = s->kick = true;
	return 0;
}

int px_session_abandon(struct px_session *s)
{
	int err = s->busy ? -EBUSY : px_channel_abandon(s->channel);

	if (!err)
		s->open = false;
	return err;
}

void px_session_status(const struct px_session *s,
		       struct px_session_status *status)
{
	memset(status, 0, sizeof(*status));
	px_channel_status(s->channel, &status->channel);
	status->met = s->met;
	status->error = s->error;
	status->mark = s->mark;
	status->mine = px_session_mine(s);
	status->next = s->box.next;
	status->again = s->again;
	status->saves = s->saves;
	status->faults = s->faults;
}

const char *px_session_trouble_name(enum px_session_trouble trouble)
{
	static const char *const names[] = {
		[PX_SESSION_PEER_FORGOT] = "peer-forgot",
		[PX_SESSION_WE_FORGOT] = "we-forgot",
		[PX_SESSION_ROLLED_BACK] = "rolled-back",
		[PX_SESSION_IN_DOUBT] = "in-doubt",
	};
	size_t n = (size_t)trouble;

	return n < sizeof(names) / sizeof(names[0]) ? names[n] : "?";
}
