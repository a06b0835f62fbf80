/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frontend: sends numbers, checks that the answers come back in order
 * and once each within a cycle, and says what happens as the backend does.
 * At `down` it begins again with the first number whose answer did not come:
 * so numbers may be asked twice across cycles, never within one.  After COUNT
 * answers it prints "all COUNT, CYCLES up" and closes.
 *
 *   channel-frontend SOCKET OWN-DOMID PEER-DOMID NAME COUNT [LEASE-MS [LOCK]]
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/examples/channel-talk.h"

enum { QUESTIONS = 64 };

struct question {
	struct px_channel_message message;
	bool used;
	char text[24];
};

static struct px_channel *channel;
static struct question questions[QUESTIONS];
static uint64_t count, asked, answered, cycles;
static bool over, is_up;

static void ask(void);

static void done(void *arg, struct px_channel_message *m,
		 enum px_channel_verdict verdict)
{
	((struct question *)arg)->used = false;
	if (verdict == PX_CHANNEL_DELIVERED)
		ask();
}

static void ask(void)
{
	for (unsigned int i = 0; i < QUESTIONS && is_up; i++) {
		struct question *q = &questions[i];

		if (q->used || asked == count)
			continue;
		snprintf(q->text, sizeof(q->text), "%" PRIu64, asked);
		q->message = (struct px_channel_message){
			.data = q->text, .len = strlen(q->text),
			.done = done, .arg = q };
		if (px_channel_send(channel, &q->message))
			return;
		q->used = true;
		asked++;
	}
}

static bool message(void *arg, const void *data, size_t len)
{
	char want[24];

	snprintf(want, sizeof(want), "%" PRIu64, answered);
	if (len != strlen(want) || memcmp(want, data, len)) {
		printf("wrong: %.*s instead of %s\n", (int)len,
		       (const char *)data, want);
		exit(1);
	}
	if (++answered == count) {
		printf("all %" PRIu64 ", %" PRIu64 " up\n", count, cycles);
		px_channel_close(channel);
	}
	return true;
}

static void up(void *arg)
{
	puts("up");
	cycles++;
	is_up = true;
	asked = answered;
	ask();
}

static bool down(void *arg, const struct px_channel_down *d)
{
	is_up = false;
	printf("down %s, %u never sent, %u in doubt\n",
	       px_channel_reason_name(d->reason), d->never_sent, d->in_doubt);
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

	if (argc < 6) {
		fprintf(stderr, "channel-frontend SOCKET OWN-DOMID PEER-DOMID "
			"NAME COUNT [LEASE-MS [LOCK]]\n");
		return 2;
	}
	o.self = (uint16_t)strtoul(argv[2], NULL, 10);
	o.peer = (uint16_t)strtoul(argv[3], NULL, 10);
	o.name = argv[4];
	count = strtoull(argv[5], NULL, 10);
	o.lease = argc > 6 ? (uint32_t)strtoul(argv[6], NULL, 10) : 0;
	o.lock = argc > 7 ? argv[7] : NULL;
	channel = channel_talk_open(argv[1], &o);
	channel_talk_run(&over, 0, NULL);
	return answered == count ? 0 : 1;
}
