/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The backend: answers every message with the same bytes, and says what
 * happens, a line each:  up, down REASON, released, ended REASON.
 *
 *   channel-backend SOCKET OWN-DOMID PEER-DOMID NAME [LEASE-MS [LOCK]]
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/examples/channel-talk.h"

enum { ANSWERS = 64, ANSWER_MAX = 2048 };

struct answer {
	struct px_channel_message message;
	bool used;
	char bytes[ANSWER_MAX];
};

static struct px_channel *channel;
static struct answer answers[ANSWERS];
static bool over, waiting;

static void done(void *arg, struct px_channel_message *m,
		 enum px_channel_verdict verdict)
{
	((struct answer *)arg)->used = false;
	/* There is room again: now the message that waited is done with. */
	if (waiting && verdict == PX_CHANNEL_DELIVERED) {
		waiting = false;
		px_channel_complete(channel);
	}
}

static struct answer *take(void)
{
	for (unsigned int i = 0; i < ANSWERS; i++)
		if (!answers[i].used)
			return &answers[i];
	return NULL;
}

static bool message(void *arg, const void *data, size_t len)
{
	struct answer *a = take();

	if (!a || len > ANSWER_MAX)
		return true;
	memcpy(a->bytes, data, len);
	a->message = (struct px_channel_message){
		.data = a->bytes, .len = len, .done = done, .arg = a };
	a->used = !px_channel_send(channel, &a->message);
	/* Without room for another answer, no other message is wanted. */
	waiting = !take();
	return !waiting;
}

static void up(void *arg)
{
	puts("up");
}

static bool down(void *arg, const struct px_channel_down *d)
{
	waiting = false;
	printf("down %s\n", px_channel_reason_name(d->reason));
	return true;
}

static void released(void *arg)
{
	puts("released");
}

static void ended(void *arg, enum px_channel_reason reason)
{
	printf("ended %s\n", px_channel_reason_name(reason));
	over = true;
}

int main(int argc, char **argv)
{
	struct px_channel_options o = {
		.on = { up, message, down, released, ended, NULL },
	};

	if (argc < 5) {
		fprintf(stderr, "channel-backend SOCKET OWN-DOMID PEER-DOMID "
			"NAME [LEASE-MS [LOCK]]\n");
		return 2;
	}
	o.self = (uint16_t)strtoul(argv[2], NULL, 10);
	o.peer = (uint16_t)strtoul(argv[3], NULL, 10);
	o.name = argv[4];
	o.lease = argc > 5 ? (uint32_t)strtoul(argv[5], NULL, 10) : 0;
	o.lock = argc > 6 ? argv[6] : NULL;
	channel = channel_talk_open(argv[1], &o);
	channel_talk_run(&over, 0, NULL);
	return 0;
}
