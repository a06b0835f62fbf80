/* SPDX-License-Identifier: MIT */
/*
 * What the ends of a session say to each other, docs/protocol/session.md:
 * HELLO with what I have for you, RESUME with what I have of you, records.
 * What makes no sense is a fault: the channel goes down and comes up again
 * later, for there is no other way to have the peer say it once more.
 */
#include "config.h"

#include "lib/session_priv.h"

#include <errno.h>
#include <string.h>

void session_put_id(char *to, const struct px_session_id *id)
{
	session_put64(to, id->count);
	memcpy(to + 8, id->random, sizeof(id->random));
}

struct px_session_id session_get_id(const char *from)
{
	struct px_session_id id = { session_get64(from), { 0 } };

	memcpy(id.random, from + 8, sizeof(id.random));
	return id;
}

int session_id_order(const struct px_session_id *a,
		     const struct px_session_id *b)
{
	if (a->count != b->count)
		return a->count < b->count ? -1 : 1;
	return memcmp(a->random, b->random, sizeof(a->random));
}

void session_talk_start(struct px_session *s)
{
	memset(&s->sent, 0, sizeof(s->sent));
	s->greeted = false;
	s->met = false;
	s->resume.owed = false;
	s->hello.owed = true;
}

/* ------------------------------------------------------------ the peer's -- */

static void fault(struct px_session *s)
{
	s->faults++;
	s->in_hand = false;
	s->kick = true;
	s->fault_at = s->now + session_backoff(&s->fault_row);
	px_channel_fault(s->channel);
}

/* Its messages from `first` on will come; what did we have? */
static void take_hello(struct px_session *s, const struct px_session_id *id,
		       uint64_t first)
{
	int order = session_id_order(id, &s->mark.id);

	if (!first || first > SESSION_NUMBER_MAX || !id->count ||
	    id->count > SESSION_NUMBER_MAX) {
		fault(s);
		return;
	}
	s->greeted = true;
	s->resume.owed = true;
	if (order > 0) {
		s->mark = (struct px_session_mark){ *id, 0 };
		session_dirty(s);
	}
	s->forgot = order >= 0 && s->mark.last < first - 1;
	if (!s->forgot)
		return;
	s->forgot_last = s->mark.last;
	s->mark.last = first - 1;
	session_dirty(s);
	session_trouble(s, PX_SESSION_WE_FORGOT, s->forgot_last + 1,
			first - 1);
}

/*
 * Our store is older than what the peer knows.  Restored messages up to
 * `had` the peer has; with had = 0 nobody knows.  The rest is of this life.
 */
static void start_anew(struct px_session *s, uint64_t count, uint64_t had)
{
	uint64_t from = s->box.first, to = s->restored - 1;

	while (s->box.first < s->restored)
		session_box_drop(&s->box);
	session_box_renumber(&s->box, 1);
	session_fresh_id(s, count);
	memset(&s->sent, 0, sizeof(s->sent));
	s->restored = 1;
	s->hello.owed = true;
	session_dirty(s);
	session_trouble(s, had ? PX_SESSION_ROLLED_BACK : PX_SESSION_IN_DOUBT,
			from, to);
}

static void meet(struct px_session *s, uint64_t last)
{
	uint64_t first = s->box.first;

	if (last + 1 < first)
		session_trouble(s, PX_SESSION_PEER_FORGOT, last + 1,
				first - 1);
	else
		session_delivered(s, last);
	s->met = true;
	s->fault_row = 0;
	if (s->options.on.up)
		s->options.on.up(s->options.on.arg);
}

static void take_resume(struct px_session *s, const struct px_session_id *id,
			uint64_t last)
{
	int order = session_id_order(id, &s->id);
	bool rolled_back = !order && s->first_meeting && last >= s->restored;
	bool anew = order > 0 || rolled_back;

	/* A new id is greater: there must be one that the peer takes. */
	if (s->met || s->hello.owed || last > SESSION_NUMBER_MAX ||
	    order < 0 || (anew && id->count >= SESSION_NUMBER_MAX)) {
		fault(s);
		return;
	}
	if (anew) {
		start_anew(s, id->count + 1, rolled_back ? last : 0);
	} else if (last >= s->box.next) {
		fault(s);
	} else {
		s->first_meeting = false;
		meet(s, last);
	}
}

static void take_greeting(struct px_session *s)
{
	const char *at = s->in.at;
	struct px_session_id id;
	uint64_t number;

	if (cursor_left(&s->in) != SESSION_GREETING_SIZE) {
		fault(s);
		return;
	}
	id = session_get_id(at + 1);
	number = session_get64(at + 1 + SESSION_ID_SIZE);
	s->in.at = s->in.end;
	if (at[0] == SESSION_HELLO)
		take_hello(s, &id, number);
	else
		take_resume(s, &id, number);
}

/* False: the client does not take it now. */
static bool hand_out(struct px_session *s, uint64_t number, struct span data)
{
	int err = s->options.on.message(s->options.on.arg, number, data.at,
					data.len);

	if (err) {
		s->error = err;
		s->refused = true;
		s->message_at = s->now + session_backoff(&s->message_row);
		return false;
	}
	s->refused = false;
	s->message_row = 0;
	s->mark.last = number;
	session_dirty(s);
	return true;
}

static void take_records(struct px_session *s)
{
	while (s->in_hand && cursor_left(&s->in)) {
		struct cursor before = s->in;
		struct span data;
		uint64_t number;

		if (!s->greeted ||
		    !session_record_next(&s->in, &number, &data) ||
		    number > s->mark.last + 1) {
			fault(s);
			return;
		}
		if (number <= s->mark.last) {
			s->again++;
		} else if (!hand_out(s, number, data)) {
			s->in = before;
			return;
		}
	}
}

void session_talk_in(struct px_session *s)
{
	if (!s->in_hand || !cursor_left(&s->in) || s->save_runs || s->closing ||
	    (s->refused && s->now < s->message_at))
		return;
	if (s->in.at[0] == SESSION_HELLO || s->in.at[0] == SESSION_RESUME)
		take_greeting(s);
	else
		take_records(s);
}

/* ---------------------------------------------------------------- ours -- */

static void greeting_done(void *arg, struct px_channel_message *m,
			  enum px_channel_verdict verdict)
{
	((struct session_greeting *)arg)->busy = false;
}

static void greet(struct px_session *s, struct session_greeting *g, char type,
		  const struct px_session_id *id, uint64_t number)
{
	if (!g->owed || g->busy)
		return;
	g->text[0] = type;
	session_put_id(g->text + 1, id);
	session_put64(g->text + 1 + SESSION_ID_SIZE, number);
	g->message = (struct px_channel_message){
		.data = g->text, .len = sizeof(g->text),
		.done = greeting_done, .arg = g };
	g->busy = !px_channel_send(s->channel, &g->message);
	g->owed = !g->busy;
	s->kick = true;
}

static void frame_done(void *arg, struct px_channel_message *m,
		       enum px_channel_verdict verdict)
{
	struct session_frame *f = arg;

	f->busy = false;
	if (verdict == PX_CHANNEL_DELIVERED)
		session_delivered(f->session, f->last);
}

static struct session_frame *free_frame(struct px_session *s)
{
	unsigned int slots = s->options.channel.slots;

	for (unsigned int i = 0; i < (slots ? slots : 8); i++)
		if (!s->frames[i].busy)
			return &s->frames[i];
	return NULL;
}

static void send_records(struct px_session *s)
{
	struct session_frame *f;

	/*
	 * RESUME goes first: the peer may be unable to take records until it
	 * has sent some of its own, and it must hear RESUME for that.
	 */
	if (!s->met || !s->greeted || s->resume.owed)
		return;
	while ((f = free_frame(s))) {
		uint64_t next = 0;
		struct span run = session_box_run(&s->box, &s->sent,
						  s->saved.next,
						  SESSION_FRAME, &next);

		if (!run.len)
			return;
		f->session = s;
		f->last = next - 1;
		f->message = (struct px_channel_message){
			.data = run.at, .len = run.len,
			.done = frame_done, .arg = f };
		/* Up, and small enough: it cannot be refused. */
		f->busy = !px_channel_send(s->channel, &f->message);
		s->kick = true;
	}
}

/* Of nothing may more be said than is durable. */
void session_talk_out(struct px_session *s)
{
	if (!s->up)
		return;
	if (!session_id_order(&s->saved.mark.id, &s->mark.id))
		greet(s, &s->resume, SESSION_RESUME, &s->mark.id,
		      s->forgot ? s->forgot_last : s->saved.mark.last);
	if (!session_id_order(&s->saved.id, &s->id)) {
		greet(s, &s->hello, SESSION_HELLO, &s->id, s->box.first);
		send_records(s);
	}
}
