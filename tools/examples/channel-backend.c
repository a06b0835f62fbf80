/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The backend: answers every message with the same bytes.  With -k FILE the
 * messages must be the numbers 0, 1, 2 ...: each once, whatever was killed.
 * The rest is in channel-talk.h.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "tools/examples/channel-talk.h"

/* More than a frontend asks at a time: else both would wait for acks. */
enum { ANSWERS = 256, ANSWER_MAX = 2048 };

struct answer {
	struct px_channel_message message;
	bool used;
	char bytes[ANSWER_MAX];
};

static struct talk talk;
static struct answer answers[ANSWERS];
static bool waiting;

static void done(void *arg, struct px_channel_message *m,
		 enum px_channel_verdict verdict)
{
	((struct answer *)arg)->used = false;
	/* There is room again: now the message that waited is done with. */
	if (waiting && verdict == PX_CHANNEL_DELIVERED) {
		waiting = false;
		px_channel_complete(talk.channel);
	}
}

static struct answer *take(void)
{
	for (unsigned int i = 0; i < ANSWERS; i++)
		if (!answers[i].used)
			return &answers[i];
	return NULL;
}

static bool message(struct talk *t, const void *data, size_t len)
{
	struct answer *a = take();

	if (!a || len > ANSWER_MAX)
		return true;
	memcpy(a->bytes, data, len);
	a->message = (struct px_channel_message){
		.data = a->bytes, .len = len, .done = done, .arg = a };
	a->used = !px_channel_send(t->channel, &a->message);
	/* Without room for another answer, no other message is wanted. */
	waiting = !take();
	return !waiting;
}

static void down(struct talk *t, const struct px_channel_down *d)
{
	waiting = false;
}

/* The answer is the effect, or there is no room for it yet and none. */
static int effect(struct talk *t, const void *data, size_t len)
{
	int err;

	talk_must_be(data, len, t->came);
	err = px_session_send(t->session, data, len, NULL);
	if (!err)
		t->came++;
	return err;
}

int main(int argc, char **argv)
{
	static const struct talk_role role = {
		"channel-backend", false, NULL, message, down, effect, NULL };

	talk_run(&talk, &role, argc, argv);
	return 0;
}
