/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program under a session in the tests.  End 0 sends questions 1, 2, 3
 * ..., whose length and bytes follow from their number; end 1 answers each,
 * and the answer is the effect that the question has.  Each end counts in its
 * durable state what has come, so a message that comes twice, or not, or out
 * of order, or whose effect and mark are not stored together, is seen by the
 * number in it.
 */
#ifndef TESTS_SESSION_END_H
#define TESTS_SESSION_END_H

#include <proxenos/session_file.h>

#include "tests/session/fake_channel.h"
#include "tests/session/faults.h"

enum { END_TROUBLES = 16, STATE_SIZE = 8 };

struct end {
	unsigned int self;
	char path[96];
	bool kept;		/* has a file */
	struct px_session *session;
	struct px_session_file *file;
	void *memory, *file_memory;
	size_t outbox;
	uint64_t came;		/* messages whose effect is here */
	uint64_t target;	/* end 0: how many it asks */
	bool refuse;		/* `message` says -EBUSY */
	bool slow;		/* `save` says -EINPROGRESS */
	bool saving;
	uint64_t ups, downs, delivered, ended;
	unsigned int troubles;
	enum px_session_trouble trouble[END_TROUBLES];
	uint64_t from[END_TROUBLES], to[END_TROUBLES];
	bool renumbered;	/* numbers in messages are not to be checked */
};

/* A promise was broken: says so, with the seed, and ends the process. */
#define CHECK(what) \
	do { if (!(what)) check_failed(#what, __FILE__, __LINE__); } while (0)
_Noreturn void check_failed(const char *what, const char *file, int line);
extern uint64_t check_seed;

/* A new process with the file of the old one: 0, or load's errno. */
int end_start(struct end *e, bool kept);
/* It dies; what it holds in memory is gone. */
void end_kill(struct end *e);
void end_process(struct end *e, uint64_t now);
/* End 0 sends as many as there is room for. */
void end_ask(struct end *e);
/* An end at work on nothing, with a directory of its own in `dir`. */
void end_init(struct end *e, unsigned int self, const char *dir);
/* It, its file and its directory. */
void end_remove(struct end *e);

size_t question_len(uint64_t n);

/* cases.c: all of them, with files in this directory. */
void cases_run(const char *dir);

#endif
