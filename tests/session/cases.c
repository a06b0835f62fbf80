/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The named cases: what goes wrong but for a death. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/session_log.h"
#include "tests/session/end.h"

static struct end asks, answers;
static const char *dir;
static uint64_t now;

static void begin(void)
{
	fake_reset();
	faults_revive();
	test_seed(1);
	now = 1;
	end_init(&asks, 0, dir);
	end_init(&answers, 1, dir);
	CHECK(!end_start(&asks, true) && !end_start(&answers, true));
}

static void end(void)
{
	end_remove(&asks);
	end_remove(&answers);
}

static void turn(unsigned int times)
{
	while (times--) {
		now += 1000;
		end_ask(&asks);
		end_process(&asks, now);
		end_process(&answers, now);
	}
}

/* Until so many questions are answered in all. */
static void until(uint64_t came)
{
	asks.target = came;
	for (unsigned int n = 0; asks.came < came; n++) {
		CHECK(n < 50000);
		turn(1);
		now += 50000;
	}
}

static void restart(struct end *e)
{
	end_kill(e);
	CHECK(!end_start(e, true));
}

static void copy(const char *from, const char *to)
{
	char bytes[65536];
	int in = open(from, O_RDONLY);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ssize_t n;

	CHECK(in >= 0 && out >= 0);
	while ((n = read(in, bytes, sizeof(bytes))) > 0)
		CHECK(write(out, bytes, (size_t)n) == n);
	close(in);
	close(out);
}

/* The file as it was, and a new process with it. */
static void roll_back(struct end *e, const char *backup)
{
	end_kill(e);
	copy(backup, e->path);
	CHECK(!end_start(e, true));
}

static void refused(void)
{
	answers.refuse = true;
	asks.target = 3;
	turn(200);
	CHECK(answers.came == 0 && asks.delivered == 0);
	answers.refuse = false;
	until(3);
}

/* What is not durable yet must not leave. */
static void slow_save(void)
{
	asks.slow = true;
	asks.target = 5;
	turn(50);
	CHECK(asks.saving && answers.came == 0);
	CHECK(px_session_saved(asks.session, -ENOSPC) == 0);
	CHECK(px_session_saved(asks.session, 0) == -EINVAL);
	asks.saving = false;
	asks.slow = false;
	until(5);

	answers.slow = true;
	asks.target = 6;
	turn(50);
	CHECK(answers.saving && answers.came == 6);
	CHECK(asks.delivered == 5);
	answers.saving = answers.slow = false;
	CHECK(px_session_saved(answers.session, -EIO) == 0);
	until(6);
}

static void outbox_full(void)
{
	char text[PX_SESSION_MESSAGE_MAX] = { 0 };
	uint64_t number = 0;

	CHECK(px_session_send(asks.session, text, sizeof(text) + 1, NULL) ==
	      -EMSGSIZE);
	end_kill(&answers);
	asks.target = 100000;
	turn(10);
	number = px_session_next(asks.session);
	CHECK(px_session_send(asks.session, text, sizeof(text), NULL) ==
	      -EAGAIN);
	CHECK(px_session_next(asks.session) == number);
	CHECK(!end_start(&answers, true));
	asks.target = number - 1;
	until(asks.target);
	CHECK(px_session_process(asks.session, now) == 0);
}

static bool had(const struct end *e, enum px_session_trouble trouble,
		uint64_t from, uint64_t to)
{
	for (unsigned int i = 0; i < e->troubles; i++)
		if (e->trouble[i] == trouble && e->from[i] == from &&
		    e->to[i] == to)
			return true;
	return false;
}

static void sender_rolled_back(void)
{
	char backup[128];
	struct px_session_mine before, after;

	snprintf(backup, sizeof(backup), "%s/backup", dir);
	until(10);
	copy(asks.path, backup);
	until(30);
	turn(100);
	before = px_session_mine(asks.session);
	asks.renumbered = answers.renumbered = true;
	roll_back(&asks, backup);
	turn(200);
	CHECK(asks.troubles == 2 && answers.troubles == 1);
	/* All 10 were answered then: none was on its way. */
	CHECK(had(&asks, PX_SESSION_ROLLED_BACK, 11, 10));
	/* The file has the answers, too. */
	CHECK(had(&asks, PX_SESSION_WE_FORGOT, 11, 30) &&
	      had(&answers, PX_SESSION_PEER_FORGOT, 11, 30));
	after = px_session_mine(asks.session);
	CHECK(after.id.count > before.id.count);
	/* A second one from the same backup: nobody knows what it did. */
	asks.troubles = 0;
	roll_back(&asks, backup);
	turn(200);
	CHECK(had(&asks, PX_SESSION_IN_DOUBT, 11, 10));
	CHECK(px_session_mine(asks.session).id.count > after.id.count);
	turn(400);
	CHECK(asks.delivered == 30);
	unlink(backup);
}

static void receiver_rolled_back(void)
{
	char backup[128];

	snprintf(backup, sizeof(backup), "%s/backup", dir);
	until(10);
	copy(answers.path, backup);
	until(30);
	asks.renumbered = answers.renumbered = true;
	roll_back(&answers, backup);
	turn(300);
	CHECK(had(&asks, PX_SESSION_PEER_FORGOT, 11, 30));
	CHECK(had(&answers, PX_SESSION_WE_FORGOT, 11, 30));
	asks.target = 33;
	turn(300);
	CHECK(asks.delivered == 33);
	unlink(backup);
}

/* Session ids are told apart by the clock: a process takes longer to start. */
static void next_millisecond(void)
{
	struct timespec was, is;

	clock_gettime(CLOCK_REALTIME, &was);
	do {
		clock_gettime(CLOCK_REALTIME, &is);
	} while (is.tv_nsec / 1000000 == was.tv_nsec / 1000000);
}

/*
 * Without a file a restart is a new session: its messages begin anew, and
 * what came from the other end is forgotten, which both are told.
 */
static void kept_nowhere(void)
{
	until(5);
	asks.renumbered = answers.renumbered = true;
	end_kill(&asks);
	next_millisecond();
	CHECK(!end_start(&asks, false));
	asks.target = 7;
	turn(300);
	CHECK(asks.delivered == 7 && answers.came == 12);
	CHECK(asks.troubles == 1 && had(&asks, PX_SESSION_WE_FORGOT, 1, 5));
	CHECK(answers.troubles == 1 &&
	      had(&answers, PX_SESSION_PEER_FORGOT, 1, 5));
}

static void garbage(void)
{
	static const char texts[][SESSION_GREETING_SIZE + 1] = {
		"x", "d", "dabcdefgh\0\0\1\0", "H", "R",
		"R12345678abcdefghijklmnop12345678",
		"H\0\0\0\0\0\0\0\0abcdefghijklmnop\0\0\0\0\0\0\0\1",
		"d\0\0\0\0\0\0\xff\0\0\0\0\0",
	};
	static const size_t lens[] = {
		1, 1, 13, 1, 1, SESSION_GREETING_SIZE, SESSION_GREETING_SIZE,
		13 };
	struct px_session_status s;
	uint64_t faults = 0;

	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		until(5 * (i + 1));
		fake_inject(1, texts[i], lens[i]);
		turn(20);
		px_session_status(answers.session, &s);
		CHECK(s.faults == faults + 1);
		faults = s.faults;
	}
	until(100);
	CHECK(!asks.troubles && !answers.troubles);
}

/* RESUME with this count comes to `answers` before they have met. */
static void resume_with(uint64_t count)
{
	char text[SESSION_GREETING_SIZE] = "R";

	end();
	begin();
	end_process(&asks, now);
	end_process(&answers, now);
	session_put64(text + 1, count);
	fake_inject(1, text, sizeof(text));
	end_process(&answers, now);
}

/* The greatest id is no reason for one that no peer would take. */
static void greatest_id(void)
{
	struct px_session_mine mine;
	struct px_session_status s;

	resume_with(SESSION_NUMBER_MAX - 1);
	CHECK(had(&answers, PX_SESSION_IN_DOUBT, 1, 0));
	mine = px_session_mine(answers.session);
	CHECK(mine.id.count == SESSION_NUMBER_MAX);
	until(5);
	restart(&answers);
	until(10);
	CHECK(answers.troubles == 1);
	for (uint64_t more = 0; more < 2; more++) {
		resume_with(SESSION_NUMBER_MAX + more);
		px_session_status(answers.session, &s);
		CHECK(s.faults == 1);
		until(5);
		mine = px_session_mine(answers.session);
		CHECK(mine.id.count < SESSION_NUMBER_MAX);
		CHECK(!answers.troubles);
	}
}

static void errors(void)
{
	struct px_session_options o = { .channel = { .name = "x" } };
	struct px_session_mine mine = { { 1, { 0 } }, 1 };
	struct px_session_mark mark = { 0 };

	CHECK(!px_session_size(&o));
	CHECK(px_session_init(NULL, 0, &o, &(struct px_session *){ NULL }) ==
	      -EINVAL);
	CHECK(px_session_open(asks.session, NULL) == -EISCONN);
	CHECK(px_session_restore(asks.session, &mine, &mark) == -EISCONN);
	CHECK(px_session_restore_message(asks.session, "", 0) == -EISCONN);
	CHECK(px_session_saved(asks.session, 0) == -EINVAL);
	until(1);
	CHECK(!px_session_close(asks.session));
	CHECK(px_session_send(asks.session, "", 0, NULL) == -ESHUTDOWN);
	turn(3);
	CHECK(asks.ended == 1);
	CHECK(px_session_deadline(asks.session) == UINT64_MAX);
	CHECK(!px_session_abandon(asks.session));
	CHECK(px_session_process(asks.session, now) == -ENOTCONN);
}

/* What was sent while a save ran is in the store before `ended`. */
static void close_waits(void)
{
	struct px_session_status s;
	unsigned int tries = 0;

	until(3);
	asks.slow = true;
	asks.target = 4;
	turn(5);
	CHECK(asks.saving);
	asks.target = 6;
	turn(5);
	CHECK(!px_session_close(asks.session));
	turn(20);
	CHECK(!asks.ended && px_session_next(asks.session) == 7);
	asks.saving = false;
	CHECK(!px_session_saved(asks.session, 0));
	CHECK(px_session_deadline(asks.session) == 0);
	turn(20);
	CHECK(asks.saving && !asks.ended);
	px_session_status(asks.session, &s);
	CHECK(!px_session_file_save(asks.file, asks.session, &s.mark));
	asks.saving = false;
	CHECK(!px_session_saved(asks.session, 0));
	turn(5);
	CHECK(asks.ended == 1 && !asks.saving);
	asks.slow = false;
	restart(&asks);
	CHECK(px_session_next(asks.session) == 7);
	until(6);

	/* A store that fails is tried before the channel closes and after. */
	asks.slow = true;
	asks.target = 7;
	turn(5);
	CHECK(asks.saving && !px_session_close(asks.session));
	for (; asks.ended == 1; tries++) {
		CHECK(asks.saving);
		asks.saving = false;
		CHECK(!px_session_saved(asks.session, -EIO));
		turn(5);
	}
	CHECK(asks.ended == 2 && !asks.saving);
	CHECK(tries == 3);
}

static void file_is_bounded(void)
{
	struct stat st;
	off_t most = 0;

	for (uint64_t n = 100; n <= 3000; n += 100) {
		until(n);
		CHECK(!stat(asks.path, &st));
		most = st.st_size > most ? st.st_size : most;
	}
	CHECK(most > 20000 && most < 9 * (8192 + 512));
	restart(&asks);
	restart(&answers);
	until(3050);
}

static void other_files(void)
{
	int fd;

	end_kill(&asks);
	fd = open(asks.path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	CHECK(fd >= 0 && write(fd, "#!/bin/sh\n", 10) == 10);
	close(fd);
	CHECK(end_start(&asks, true) == -EBADMSG);
	end_kill(&asks);
	unlink(asks.path);
	/* An outbox that has no room for what was on its way. */
	CHECK(!end_start(&asks, true));
	end_kill(&answers);
	asks.target = 90;
	turn(5);
	end_kill(&asks);
	asks.outbox = 4096;
	CHECK(end_start(&asks, true) == -EMSGSIZE);
	end_kill(&asks);
	asks.outbox = 8192;
	CHECK(!end_start(&asks, true) && !end_start(&answers, true));
	until(90);
}

/* A byte here and there: refused or taken, and never more than was saved. */
static void damaged_files(void)
{
	char backup[128];
	struct stat st, was;
	int fd, ret;

	snprintf(backup, sizeof(backup), "%s/backup", dir);
	until(40);
	copy(asks.path, backup);
	CHECK(!stat(backup, &st));
	end_kill(&asks);
	fd = open(asks.path, O_WRONLY | O_APPEND);
	CHECK(fd >= 0 && write(fd, "garbage", 7) == 7);
	close(fd);
	CHECK(!end_start(&asks, true));
	CHECK(px_session_file_torn(asks.file) == 7);
	CHECK(!stat(asks.path, &was) && was.st_size == st.st_size);
	for (unsigned int i = 0; i < 400; i++) {
		uint8_t byte = (uint8_t)test_random(256);

		end_kill(&asks);
		copy(backup, asks.path);
		fd = open(asks.path, O_WRONLY);
		CHECK(fd >= 0 && pwrite(fd, &byte, 1, (off_t)test_random(
					(uint32_t)st.st_size)) == 1);
		close(fd);
		ret = end_start(&asks, true);
		CHECK(ret == 0 || ret == -EBADMSG);
		CHECK(asks.came <= 40);
		if (!ret)
			end_process(&asks, now);
	}
	unlink(backup);
}

/*
 * A death at each step of the first save; before the last one the file has
 * its name, but perhaps not on the disk.  The next process appends to it, and
 * acknowledges; and then the power goes.
 */
static void dies_then_power(void)
{
	for (unsigned int seed = 0; seed < 48; seed++) {
		end();
		begin();
		test_seed(seed);
		faults_arm(FAULT_DEATH, seed % 6);
		end_process(&asks, ++now);
		faults_revive();
		restart(&asks);
		until(5);
		end_kill(&asks);
		faults_power(asks.path);
		CHECK(!end_start(&asks, true));
		CHECK(asks.came == 5 && px_session_next(asks.session) == 6);
		until(10);
		CHECK(!asks.troubles && !answers.troubles);
	}
}

void cases_run(const char *where)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} cases[] = {
		{ "a message refused comes again", refused },
		{ "nothing leaves before it is saved", slow_save },
		{ "a full outbox", outbox_full },
		{ "a sender's file from a backup, twice", sender_rolled_back },
		{ "a receiver's file from a backup", receiver_rolled_back },
		{ "a sender without a file", kept_nowhere },
		{ "a peer that makes no sense", garbage },
		{ "the greatest id there is", greatest_id },
		{ "errors of use, close", errors },
		{ "close waits for a slow save", close_waits },
		{ "a file does not grow", file_is_bounded },
		{ "files that are none, and too large", other_files },
		{ "damaged files", damaged_files },
		{ "a death in the first save, then the power", dies_then_power },
	};

	dir = where;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin();
		cases[i].run();
		end();
		printf("ok %s\n", cases[i].name);
	}
}
