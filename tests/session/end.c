/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program with a session; see end.h. */
#include "tests/session/end.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/session_box.h"

uint64_t check_seed;

void check_failed(const char *what, const char *file, int line)
{
	fprintf(stderr, "FAILED: %s, %s:%d, seed %" PRIu64 "\n", what, file,
		line, check_seed);
	exit(1);
}

/* Mostly short, sometimes the longest. */
size_t question_len(uint64_t n)
{
	if (n % 97 == 0)
		return PX_SESSION_MESSAGE_MAX;
	return n % 11 == 0 ? 1500 : 8 + n % 40;
}

static void make_text(char *text, uint64_t n)
{
	session_put64(text, n);
	memset(text + 8, (int)(n & 127), question_len(n) - 8);
}

static int send_number(struct end *e, uint64_t n)
{
	char text[PX_SESSION_MESSAGE_MAX];

	make_text(text, n);
	return px_session_send(e->session, text, question_len(n), NULL);
}

static void on_up(void *arg)
{
	((struct end *)arg)->ups++;
}

static int on_message(void *arg, uint64_t number, const void *data, size_t len)
{
	struct end *e = arg;
	char text[PX_SESSION_MESSAGE_MAX];
	uint64_t n = len >= 8 ? session_get64(data) : 0;

	if (e->refuse)
		return -EBUSY;
	CHECK(e->renumbered || number == n);
	CHECK(e->renumbered || n == e->came + 1);
	make_text(text, n);
	CHECK(len == question_len(n) && !memcmp(text, data, len));
	if (e->self && send_number(e, n))
		return -EAGAIN;
	e->came++;
	return 0;
}

static int on_save(void *arg, const struct px_session_mark *mark)
{
	struct end *e = arg;
	char state[STATE_SIZE];

	CHECK(!e->saving);
	session_put64(state, e->came);
	CHECK(!px_session_file_set_state(e->file, state, sizeof(state)));
	if (e->slow) {
		e->saving = true;
		return -EINPROGRESS;
	}
	return e->kept ? px_session_file_save(e->file, e->session, mark) : 0;
}

static void on_delivered(void *arg, uint64_t last)
{
	struct end *e = arg;

	CHECK(e->renumbered || last > e->delivered);
	e->delivered = last;
}

static void on_trouble(void *arg, enum px_session_trouble trouble,
		       uint64_t from, uint64_t to)
{
	struct end *e = arg;

	CHECK(e->troubles < END_TROUBLES);
	e->from[e->troubles] = from;
	e->to[e->troubles] = to;
	e->trouble[e->troubles++] = trouble;
}

static void on_down(void *arg, enum px_channel_reason reason)
{
	((struct end *)arg)->downs++;
}

static void on_ended(void *arg, enum px_channel_reason reason)
{
	((struct end *)arg)->ended++;
}

void end_init(struct end *e, unsigned int self, const char *dir)
{
	memset(e, 0, sizeof(*e));
	e->self = self;
	e->outbox = 8192;
	/* Each its own directory: one's sync does nothing for the other. */
	snprintf(e->path, sizeof(e->path), "%s/%u", dir, self);
	CHECK(!mkdir(e->path, 0700));
	snprintf(e->path, sizeof(e->path), "%s/%u/file", dir, self);
}

void end_remove(struct end *e)
{
	end_kill(e);
	faults_remove(e->path);
	*strrchr(e->path, '/') = 0;
	CHECK(!rmdir(e->path));
}

int end_start(struct end *e, bool kept)
{
	struct px_session_options o = {
		.channel = { .name = "test", .self = (uint16_t)e->self,
			     .peer = !e->self },
		.outbox = e->outbox,
		.on = { on_up, on_message, on_save, on_delivered, on_trouble,
			on_down, on_ended, e },
	};
	size_t size = px_session_size(&o), len;
	size_t file_size = px_session_file_size(&o, STATE_SIZE);
	const char *state;
	int ret = 0;

	CHECK(size && file_size);
	e->kept = kept;
	e->saving = false;
	e->came = 0;
	e->memory = malloc(size);
	e->file_memory = malloc(file_size);
	CHECK(e->memory && e->file_memory);
	CHECK(px_session_init(e->memory, size - 1, &o, &e->session) ==
	      -ENOBUFS);
	CHECK(!px_session_init(e->memory, size, &o, &e->session));
	CHECK(!px_session_file_open(e->file_memory, file_size, &o, STATE_SIZE,
				    e->path, &e->file));
	if (kept)
		ret = px_session_file_load(e->file, e->session);
	if (ret < 0)
		return ret;
	state = px_session_file_state(e->file, &len);
	if (state)
		e->came = session_get64(state);
	CHECK(!px_session_open(e->session, NULL));
	return 0;
}

void end_kill(struct end *e)
{
	if (!e->session)
		return;
	fake_kill(e->self);
	px_session_file_close(e->file);
	free(e->memory);
	free(e->file_memory);
	e->session = NULL;
	e->delivered = 0;
}

void end_process(struct end *e, uint64_t now)
{
	if (e->session && !faults_dead())
		CHECK(!px_session_process(e->session, now));
}

void end_ask(struct end *e)
{
	while (e->session && px_session_next(e->session) <= e->target)
		if (send_number(e, px_session_next(e->session)))
			break;
}
