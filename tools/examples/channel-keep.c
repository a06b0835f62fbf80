/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The examples' session: what is durable is how many messages came, and the
 * outbox.  A message counts when it has had its effect; so, whatever is
 * killed, each counts once.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/examples/channel-talk.h"

static void on_up(void *arg)
{
	puts("up");
	((struct talk *)arg)->ups++;
}

static int on_message(void *arg, uint64_t number, const void *data, size_t len)
{
	struct talk *t = arg;

	return t->role->effect(t, data, len);
}

static int on_save(void *arg, const struct px_session_mark *mark)
{
	struct talk *t = arg;
	int err = px_session_file_set_state(t->file, &t->came,
					    sizeof(t->came));

	if (!err)
		err = px_session_file_save(t->file, t->session, mark);
	if (!err)
		t->saved = t->came;
	return err;
}

static void on_trouble(void *arg, enum px_session_trouble trouble,
		       uint64_t from, uint64_t to)
{
	printf("trouble %s %" PRIu64 " %" PRIu64 "\n",
	       px_session_trouble_name(trouble), from, to);
}

static void on_down(void *arg, enum px_channel_reason reason)
{
	printf("down %s\n", px_channel_reason_name(reason));
}

static void on_ended(void *arg, enum px_channel_reason reason)
{
	struct talk *t = arg;

	printf("came %" PRIu64 "\nended %s\n", t->came,
	       px_channel_reason_name(reason));
	t->over = true;
}

static void load(struct talk *t)
{
	size_t size = px_session_file_size(&t->options, sizeof(t->came)), len;
	const void *state;
	int ret = px_session_file_open(talk_memory(size), size, &t->options,
				       sizeof(t->came), t->keep, &t->file);

	talk_check(t->keep, ret);
	ret = px_session_file_load(t->file, t->session);
	talk_check(t->keep, ret < 0 ? ret : 0);
	state = px_session_file_state(t->file, &len);
	if (state && len == sizeof(t->came))
		memcpy(&t->came, state, len);
	t->saved = t->came;
}

void talk_keep_open(struct talk *t, struct px_client *client)
{
	static char lock[4096];
	size_t size;

	t->options.on = (struct px_session_callbacks){
		.up = on_up, .message = on_message, .save = on_save,
		.trouble = on_trouble, .down = on_down, .ended = on_ended,
		.arg = t };
	/* Two processes with one file would spoil it. */
	snprintf(lock, sizeof(lock), "%s.lock", t->keep);
	if (!t->options.channel.lock)
		t->options.channel.lock = lock;
	size = px_session_size(&t->options);
	talk_check("memory", px_session_init(talk_memory(size), size,
					     &t->options, &t->session));
	load(t);
	talk_check("open", px_session_open(t->session, client));
}
