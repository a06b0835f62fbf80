/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The property test: random scenarios, machine against model.
 *
 *   test_property [--seeds FIRST-LAST] [--length N] [--seconds N]
 *                 [--single] [--verbose] [--memory] [--survey]
 *
 * --seeds    run these (default: from 1, until --seconds are over)
 * --seconds  stop beginning new seeds after so long (default 6)
 * --length   deeds in a scenario (default 120)
 * --single   no second machine fed in other pieces
 * --memory   let every allocation of every deed fail once, one at a time
 * --survey   go on after a failure and print one line for each
 * --verbose  say what happens
 *
 * A failure prints the seed, the command that repeats it, and the scenario
 * cut down to the deeds that are needed for it.
 */
#include "config.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/property/harness.h"
#include "xenstored/core/mem.h"

struct options {
	uint64_t first, last;
	size_t length;
	double seconds;
	bool single, verbose, memory, survey;
};

/* Which deeds to leave out, and where an allocation is to fail. */
struct cut {
	bool *out;
	size_t fail_deed;	/* SIZE_MAX: nowhere */
	long fail_after;
};

/* Whose event was lost may have dropped the watch, or be gone. */
static bool still_watches(const struct harness *h)
{
	const struct mconn *c = model_conn(h->model, h->owed_conn);

	for (size_t i = 0; c && i < c->nwatches; i++)
		if (!strcmp(c->watches[i].token, h->owed_token))
			return true;
	return false;
}

static bool after_failure(struct harness *h)
{
	struct deed drain = { .type = DEED_DRAIN };
	struct deed time = { .type = DEED_TIME, .n = 1 };

	mem_fail_after(-1);
	h->may_fail = false;
	/* What could not be done is tried again when time moves on. */
	if (!harness_do(h, &time) || !harness_do(h, &drain))
		return false;
	if (h->owed && !h->made_good && !h->undecided &&
	    still_watches(h))
		harness_fail(h, "an event lost for want of memory never came");
	return !h->failure[0];
}

static bool run_here(const struct scenario *s, const struct cut *cut,
		const struct options *o, bool verbose, bool *reached,
		size_t *replaced, char *failure, size_t room)
{
	struct harness h;
	bool ok = harness_begin(&h, s, !o->single && !o->memory, verbose);

	for (size_t i = 0; i < s->count && ok && !h.failure[0]; i++) {
		if (cut->out && cut->out[i])
			continue;
		if (verbose) {
			fprintf(stderr, "%4zu ", i);
			deed_print(stderr, &s->deeds[i]);
		}
		if (i == cut->fail_deed) {
			h.may_fail = true;
			mem_fail_after(cut->fail_after);
		}
		ok = harness_do(&h, &s->deeds[i]);
		if (i == cut->fail_deed) {
			*reached = mem_failed();
			ok = after_failure(&h) && ok;
			break;
		}
	}
	mem_fail_after(-1);
	ok = ok && !h.failure[0];
	snprintf(failure, room, "%s", h.failure);
	*replaced = h.replaced;
	harness_end(&h);
	return ok;
}

/* Written by the child that ran the scenario. */
struct result {
	bool ok, reached;
	size_t replaced;
	char failure[4096];
};

static struct result *result;
static size_t replaced;		/* in all scenarios */

static void in_child(const struct scenario *s, const struct cut *cut,
		     const struct options *o, bool verbose, bool quiet)
{
	/* A scenario takes milliseconds; this one hangs. */
	alarm(60);
	if (quiet && !freopen("/dev/null", "w", stderr))
		_exit(98);
	result->ok = run_here(s, cut, o, verbose, &result->reached,
			      &result->replaced, result->failure, sizeof(result->failure));
	fflush(stderr);
	_exit(0);
}

/*
 * Run what is not cut, in a process of its own, as the machine may crash;
 * false and the failure's text if it fails.
 */
static bool run(const struct scenario *s, const struct cut *cut,
		const struct options *o, bool verbose, bool quiet,
		bool *reached, char *failure, size_t room)
{
	int status = 0;
	pid_t child;

	memset(result, 0, sizeof(*result));
	fflush(stdout);
	child = fork();
	if (!child)
		in_child(s, cut, o, verbose, quiet);
	if (child < 0 || waitpid(child, &status, 0) != child) {
		perror("test_property");
		exit(99);
	}
	*reached = result->reached;
	replaced += result->replaced;
	snprintf(failure, room, "%s", result->failure);
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return result->ok;
	if (WIFSIGNALED(status))
		snprintf(failure, room, "died of signal %d", WTERMSIG(status));
	else
		snprintf(failure, room, "died with status %d",
			 WEXITSTATUS(status));
	return false;
}

/* Does it still fail in the same way: the same words up to a number? */
static bool fails(const struct scenario *s, const struct cut *cut,
		  const struct options *o, const char *as)
{
	size_t n = strcspn(as, "0123456789");
	char failure[4096];
	bool reached;

	return !run(s, cut, o, false, true, &reached, failure,
		    sizeof(failure)) && !strncmp(failure, as, n);
}

/* Leave out ever smaller runs of deeds for as long as it still fails. */
static void shrink(const struct scenario *s, struct cut *cut,
		   const struct options *o, const char *as)
{
	size_t tries = 0;

	cut->out = calloc(s->count, sizeof(bool));
	if (!cut->out)
		exit(99);
	for (size_t size = s->count / 2; size && tries < 4000; size /= 2) {
		for (size_t at = 0; at < s->count; at += size) {
			size_t end = at + size < s->count ? at + size :
							    s->count;
			bool *kept = malloc(s->count);

			if (!kept)
				exit(99);
			memcpy(kept, cut->out, s->count);
			for (size_t i = at; i < end; i++)
				cut->out[i] = i != cut->fail_deed;
			tries++;
			if (!fails(s, cut, o, as))
				memcpy(cut->out, kept, s->count);
			free(kept);
		}
	}
}

static void report(const struct scenario *s, struct cut *cut,
		   const struct options *o, const char *failure)
{
	char again[4096];
	bool reached;

	if (o->survey) {
		printf("seed %llu: %.*s\n", (unsigned long long)s->seed,
		       (int)strcspn(failure, "\n"), failure);
		return;
	}
	printf("FAILED seed %llu\n%s\n", (unsigned long long)s->seed, failure);
	printf("repeat with: test_property --seeds %llu-%llu --length %zu%s%s\n",
	       (unsigned long long)s->seed, (unsigned long long)s->seed,
	       o->length, o->single ? " --single" : "",
	       o->memory ? " --memory" : "");
	if (cut->fail_deed != SIZE_MAX)
		printf("allocation %ld of deed %zu fails\n", cut->fail_after,
		       cut->fail_deed);
	fflush(stdout);
	shrink(s, cut, o, failure);
	printf("smallest found:\n");
	for (size_t i = 0; i < s->count; i++) {
		if (cut->out[i])
			continue;
		printf("%4zu ", i);
		deed_print(stdout, &s->deeds[i]);
	}
	fflush(stdout);
	run(s, cut, o, true, false, &reached, again, sizeof(again));
	printf("which gives: %s\n", again);
	free(cut->out);
}

static bool one_seed(uint64_t seed, const struct options *o)
{
	struct cut cut = { NULL, SIZE_MAX, 0 };
	struct scenario s;
	char failure[4096];
	bool reached, ok;

	scenario_make(&s, seed, o->length);
	ok = run(&s, &cut, o, o->verbose, o->survey, &reached, failure, sizeof(failure));
	if (!ok)
		report(&s, &cut, o, failure);
	scenario_free(&s);
	return ok;
}

/* Let one deed fail at each of its allocations, until none is left. */
static bool one_deed(const struct scenario *s, size_t deed,
		     const struct options *o, size_t *cases)
{
	struct cut cut = { NULL, deed, 0 };
	bool reached = true;
	char failure[4096];

	for (; reached; cut.fail_after++, (*cases)++) {
		reached = false;
		if (!run(s, &cut, o, o->verbose, o->survey, &reached, failure,
			 sizeof(failure))) {
			report(s, &cut, o, failure);
			return false;
		}
	}
	return true;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool memory_seed(uint64_t seed, const struct options *o, double end,
			size_t *cases)
{
	struct scenario s;
	bool ok = true;

	scenario_make(&s, seed, o->length);
	for (size_t i = 0; i < s.count && ok && now() < end; i++)
		ok = one_deed(&s, i, o, cases);
	scenario_free(&s);
	return ok;
}

static int run_all(const struct options *o)
{
	double end = now() + o->seconds;
	size_t cases = 0, failed = 0;
	bool ended = false;
	uint64_t seed;

	for (seed = o->first; seed <= o->last && now() < end; seed++) {
		bool ok = o->memory ? memory_seed(seed, o, end, &cases) :
				      one_seed(seed, o);

		if (!o->memory)
			cases++;
		ended = !ok && ++failed && !o->survey;
		if (ended)
			break;
	}
	printf("test_property: seeds %llu-%llu, %zu %s, %zu images, "
	       "%zu failed\n",
	       (unsigned long long)o->first, (unsigned long long)(ended ? seed : seed - 1),
	       cases, o->memory ? "failed allocations" : "scenarios",
	       replaced, failed);
	return failed || !cases || (!replaced && !o->single && !o->memory);
}

static bool number(const char *s, unsigned long long *out, char **end)
{
	*out = strtoull(s, end, 10);
	return *end != s;
}

static bool set_option(struct options *o, int which, const char *arg)
{
	unsigned long long v = 0, w;
	char *end;

	if (arg && !number(arg, &v, &end))
		return false;
	switch (which) {
	case 's':
		w = v;
		if (*end == '-' && !number(end + 1, &w, &end))
			return false;
		o->first = v;
		o->last = w;
		o->seconds = 1e9;
		return true;
	case 'l':
		o->length = v;
		return true;
	case 't':
		o->seconds = (double)v;
		return true;
	case '1':
		return o->single = true;
	case 'm':
		return o->memory = true;
	case 'y':
		return o->survey = true;
	case 'v':
		return o->verbose = true;
	}
	return false;
}

int main(int argc, char **argv)
{
	static const struct option names[] = {
		{ "seeds", required_argument, NULL, 's' },
		{ "length", required_argument, NULL, 'l' },
		{ "seconds", required_argument, NULL, 't' },
		{ "single", no_argument, NULL, '1' },
		{ "memory", no_argument, NULL, 'm' },
		{ "survey", no_argument, NULL, 'y' },
		{ "verbose", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 }
	};
	struct options o = { .first = 1, .last = UINT64_MAX - 1,
			     .length = 120, .seconds = 6 };
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (set_option(&o, c, optarg))
			continue;
		fprintf(stderr, "usage: see the head of test_property.c\n");
		return 2;
	}
	result = mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (result == MAP_FAILED)
		return 99;
	return run_all(&o);
}
