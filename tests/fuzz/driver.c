/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a fuzz target without a fuzzer: every file of the corpus, then random
 * inputs, each made from a number of its own (a piece of the corpus with
 * bytes changed, or wholly random bytes).  What was running is printed when
 * the target dies, so that it can be repeated.
 *
 *   fuzz_NAME [--inputs N] [--seed S] [--corpus DIR] [FILE...]
 *
 * With files, only these are run.  The corpus is tests/fuzz/corpus/NAME
 * below $srcdir, as automake sets it, or below the present directory.
 */
#include "config.h"

#include <dirent.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

enum { FILES_MAX = 256, INPUT_MAX = 16384 };

struct input {
	uint8_t *at;
	size_t len;
};

static struct input corpus[FILES_MAX];
static size_t ncorpus;
static char running[4500];

/* Only write(2): may be called from a signal. */
static void say_what_ran(void)
{
	size_t n = strnlen(running, sizeof(running));

	if (write(STDERR_FILENO, running, n) < 0)
		return;
}

static void on_signal(int number)
{
	say_what_ran();
	signal(number, SIG_DFL);
	raise(number);
}

/* A sanitizer's report ends the process past all signals. */
void __sanitizer_set_death_callback(void (*call)(void))
	__attribute__((weak));

static void watch_over(void)
{
	signal(SIGABRT, on_signal);
	if (__sanitizer_set_death_callback) {
		__sanitizer_set_death_callback(say_what_ran);
		return;
	}
	signal(SIGSEGV, on_signal);
	signal(SIGBUS, on_signal);
	signal(SIGFPE, on_signal);
	signal(SIGILL, on_signal);
}

/* In a block of exactly that length, so that overreading is seen. */
static void run(const uint8_t *bytes, size_t len)
{
	uint8_t *exact = malloc(len ? len : 1);

	if (!exact)
		exit(99);
	if (len)
		memcpy(exact, bytes, len);
	LLVMFuzzerTestOneInput(exact, len);
	free(exact);
}

static bool load(const char *path, struct input *in)
{
	FILE *f = fopen(path, "rb");

	if (!f) {
		perror(path);
		return false;
	}
	in->at = malloc(INPUT_MAX);
	if (!in->at)
		exit(99);
	in->len = fread(in->at, 1, INPUT_MAX, f);
	fclose(f);
	return true;
}

static bool run_file(const char *path, bool keep)
{
	struct input in;

	if (!load(path, &in))
		return false;
	snprintf(running, sizeof(running), "fuzz_" FUZZ_NAME ": died in %s\n",
		 path);
	run(in.at, in.len);
	if (keep && ncorpus < FILES_MAX)
		corpus[ncorpus++] = in;
	else
		free(in.at);
	return true;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static bool run_corpus(const char *dir)
{
	struct dirent **list;
	int n = scandir(dir, &list, NULL, by_name);
	char path[4400];
	bool ok = true;

	if (n < 0) {
		perror(dir);
		return false;
	}
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, list[i]->d_name);
		if (list[i]->d_name[0] != '.')
			ok = run_file(path, true) && ok;
		free(list[i]);
	}
	free(list);
	return ok && ncorpus;
}

/* -------------------------------------------------------- random inputs -- */

static uint64_t next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static size_t below(uint64_t *state, size_t n)
{
	return (size_t)(next(state) % n);
}

static size_t splice(uint64_t *state, uint8_t *to, size_t at)
{
	const struct input *in = &corpus[below(state, ncorpus)];
	size_t from = below(state, in->len + 1);
	size_t n = below(state, in->len - from + 1);

	if (!below(state, 2))
		n = in->len - (from = 0);
	if (n > INPUT_MAX - at)
		n = INPUT_MAX - at;
	memcpy(to + at, in->at + from, n);
	return at + n;
}

static size_t make(uint64_t seed, uint8_t *to)
{
	uint64_t state = seed;
	size_t len = 0, changes;

	if (!ncorpus || !below(&state, 4)) {
		len = below(&state, 600);
		for (size_t i = 0; i < len; i++)
			to[i] = (uint8_t)next(&state);
		return len;
	}
	do
		len = splice(&state, to, len);
	while (below(&state, 3));
	changes = below(&state, 8);
	while (changes-- && len)
		to[below(&state, len)] = (uint8_t)next(&state);
	return len;
}

static void run_random(uint64_t seed, unsigned long inputs)
{
	static uint8_t bytes[INPUT_MAX];

	for (unsigned long i = 0; i < inputs; i++) {
		snprintf(running, sizeof(running), "fuzz_" FUZZ_NAME
			 ": died; repeat with --seed %llu --inputs 1\n",
			 (unsigned long long)(seed + i));
		run(bytes, make(seed + i, bytes));
	}
}

int main(int argc, char **argv)
{
	static const struct option names[] = {
		{ "inputs", required_argument, NULL, 'n' },
		{ "seed", required_argument, NULL, 's' },
		{ "corpus", required_argument, NULL, 'c' },
		{ NULL, 0, NULL, 0 }
	};
	const char *top = getenv("srcdir"), *dir = NULL;
	unsigned long inputs = FUZZ_INPUTS;
	uint64_t seed = 1;
	char fallback[4096];
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (c == 'n')
			inputs = strtoul(optarg, NULL, 10);
		else if (c == 's')
			seed = strtoull(optarg, NULL, 10);
		else if (c == 'c')
			dir = optarg;
		else
			return 2;
	}
	watch_over();
	for (int i = optind; i < argc; i++)
		if (!run_file(argv[i], false))
			return 1;
	if (optind < argc)
		return 0;
	snprintf(fallback, sizeof(fallback), "%s/tests/fuzz/corpus/" FUZZ_NAME,
		 top ? top : ".");
	if (!run_corpus(dir ? dir : fallback))
		return 1;
	run_random(seed, inputs);
	printf("fuzz_" FUZZ_NAME ": %zu of the corpus, seeds %llu-%llu\n",
	       ncorpus, (unsigned long long)seed,
	       (unsigned long long)(seed + inputs - 1));
	while (ncorpus)
		free(corpus[--ncorpus].at);
	return 0;
}
