/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sessions: named cases (cases.c), death at every call that changes a file,
 * and random histories of deaths, power failures, full disks and cut links.
 *
 *   test_session [--runs N] [--seed N]
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/session/end.h"

static struct end ends[2];
static uint64_t now;
static uint64_t deaths, failures, cuts, answered;
static char dir[80];

static void begin(uint64_t target)
{
	fake_reset();
	faults_revive();
	now = 1;
	for (unsigned int i = 0; i < 2; i++) {
		end_init(&ends[i], i, dir);
		CHECK(!end_start(&ends[i], true));
	}
	ends[0].target = target;
}

static void leave(void)
{
	end_remove(&ends[0]);
	end_remove(&ends[1]);
}

/* The process dies, and starts again from what is on the disk. */
static void die(struct end *e, bool power)
{
	end_kill(e);
	faults_revive();
	if (power)
		faults_power(e->path);
	CHECK(!end_start(e, true));
	deaths++;
}

static void step(struct end *e)
{
	now += test_random(30000);
	if (e == &ends[0])
		end_ask(e);
	end_process(e, now);
	if (faults_dead())
		die(e, test_random(2));
	/* The disk of one end fails, never that of both at once. */
	faults_disarm();
}

/* No more trouble: everything asked must be answered, nothing be left. */
static void finish(void)
{
	struct px_session_message m = { 0 };
	struct px_session_status status;

	for (unsigned int n = 0; ends[0].came < ends[0].target; n++) {
		CHECK(n < 20000);
		step(&ends[n & 1]);
		now += 100000;
	}
	CHECK(ends[1].came == ends[0].target);
	for (unsigned int n = 0; n < 200; n++)
		step(&ends[n & 1]);
	for (unsigned int i = 0; i < 2; i++) {
		CHECK(!ends[i].troubles);
		memset(&m, 0, sizeof(m));
		CHECK(!px_session_pending(ends[i].session, &m));
		px_session_status(ends[i].session, &status);
		CHECK(!status.faults && status.mark.last == ends[0].target);
		end_kill(&ends[i]);
	}
	answered += ends[0].target;
}

/* What the disk held must be what there is, without the processes. */
static void look_at_disk(void)
{
	for (unsigned int i = 0; i < 2; i++) {
		uint64_t came;

		CHECK(!end_start(&ends[i], true));
		came = ends[i].came;
		CHECK(came == ends[0].target);
		CHECK(!px_session_file_torn(ends[i].file));
		end_kill(&ends[i]);
	}
}

/* One run in which the n-th call of this end goes wrong; false: no such. */
static bool fault_at(enum fault fault, struct end *who, unsigned int n)
{
	bool fired = false;

	begin(40);
	for (unsigned int k = 0; k < 150; k++) {
		struct end *e = &ends[k & 1];
		uint64_t before = faults_calls(), made;

		if (e == who && !fired)
			faults_arm(fault, n);
		step(e);
		made = faults_calls() - before;
		if (e != who || fired)
			continue;
		fired = made > n;
		n -= fired ? 0 : (unsigned int)made;
	}
	failures += fired;
	finish();
	leave();
	return fired;
}

/* For every call there is, of each end, every kind of failure. */
static void fault_at_every_step(void)
{
	for (unsigned int who = 0; who < 2; who++)
		for (int fault = FAULT_FULL; fault < FAULTS; fault++) {
			unsigned int n = 0;

			do {
				check_seed = n;
				test_seed(n);
			} while (fault_at((enum fault)fault, &ends[who],
					  n++));
			/* The first file takes five; then there are some. */
			CHECK(n > 10);
		}
}

static void random_step(void)
{
	struct end *e = &ends[test_random(2)];
	uint32_t what = test_random(100);

	if (what < 2) {
		die(e, test_random(2));
	} else if (what < 4) {
		fake_cut();
		cuts++;
	} else if (what < 14) {
		faults_arm((enum fault)(1 + test_random(FAULTS - 1)),
			   test_random(4));
		failures++;
		step(e);
	} else {
		step(e);
	}
}

static void random_run(uint64_t seed)
{
	check_seed = seed;
	test_seed(seed);
	begin(50 + test_random(400));
	for (unsigned int n = 0; n < 600; n++)
		random_step();
	finish();
	look_at_disk();
	leave();
}

int main(int argc, char **argv)
{
	const char *tmp = getenv("TMPDIR");
	uint64_t runs = 300, first = 1;

	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--runs"))
			runs = strtoull(argv[i + 1], NULL, 10);
		else
			first = strtoull(argv[i + 1], NULL, 10);
	}
	if ((size_t)snprintf(dir, sizeof(dir), "%s/test_session.XXXXXX",
			     tmp ? tmp : "/tmp") >= sizeof(dir) ||
	    !mkdtemp(dir))
		return 1;
	cases_run(dir);
	fault_at_every_step();
	for (uint64_t seed = first; seed < first + runs; seed++)
		random_run(seed);
	if (rmdir(dir))
		perror(dir);
	printf("%" PRIu64 " messages and answers, %" PRIu64 " deaths, %" PRIu64
	       " failing disks, %" PRIu64 " cut links: nothing lost, nothing "
	       "twice\n", answered, deaths, failures, cuts);
	return 0;
}
