/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frontend: sends the numbers 0 to COUNT - 1, checks that the answers
 * come back in order and once each, prints "all COUNT, CYCLES up" and closes.
 * Over a channel it begins again, at `down`, with the first number whose
 * answer did not come: so numbers may be asked twice across cycles, never
 * within one.  With -k FILE never at all, nor when it is killed itself.  The
 * rest is in channel-talk.h.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>

#include "tools/examples/channel-talk.h"

enum { QUESTIONS = 64 };

struct question {
	struct px_channel_message message;
	bool used;
	char text[24];
};

static struct talk talk;
static struct question questions[QUESTIONS];
static uint64_t asked, answered, sent;
static bool is_up, finished;

static void finish(struct talk *t)
{
	printf("all %" PRIu64 ", %" PRIu64 " up\n", t->count, t->ups);
	finished = true;
	talk_close(t);
}

/* ----------------------------------------------------------- a channel -- */

static void done(void *arg, struct px_channel_message *m,
		 enum px_channel_verdict verdict)
{
	((struct question *)arg)->used = false;
}

static void ask(struct talk *t)
{
	for (unsigned int i = 0; i < QUESTIONS && is_up; i++) {
		struct question *q = &questions[i];

		if (q->used || asked == t->count || !talk_may(t, sent))
			continue;
		q->message = (struct px_channel_message){
			.data = q->text, .len = talk_number(q->text, asked),
			.done = done, .arg = q };
		if (px_channel_send(t->channel, &q->message))
			return;
		q->used = true;
		asked++;
		sent++;
	}
}

static void up(struct talk *t)
{
	is_up = true;
	asked = answered;
}

static bool message(struct talk *t, const void *data, size_t len)
{
	talk_must_be(data, len, answered);
	if (++answered == t->count)
		finish(t);
	return true;
}

static void down(struct talk *t, const struct px_channel_down *d)
{
	is_up = false;
}

/* ----------------------------------------------------------- a session -- */

static int effect(struct talk *t, const void *data, size_t len)
{
	talk_must_be(data, len, t->came);
	t->came++;
	return 0;
}

/* The session itself knows, for ever, how many were asked. */
static void ask_kept(struct talk *t)
{
	char text[24];

	answered = t->saved;
	if (answered == t->count) {
		finish(t);
		return;
	}
	for (;; sent++) {
		asked = px_session_next(t->session) - 1;
		if (asked == t->count || asked - t->came >= 4 * QUESTIONS ||
		    !talk_may(t, sent) ||
		    px_session_send(t->session, text, talk_number(text, asked),
				    NULL))
			return;
	}
}

static void work(struct talk *t)
{
	if (!t->session)
		ask(t);
	else if (!finished)
		ask_kept(t);
}

int main(int argc, char **argv)
{
	static const struct talk_role role = {
		"channel-frontend", true, up, message, down, effect, work };

	talk_run(&talk, &role, argc, argv);
	return answered == talk.count ? 0 : 1;
}
