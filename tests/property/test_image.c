/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading of images that are damaged, and images when memory gives out.
 *
 *   test_image [--seeds FIRST-LAST] [--seconds N] [--mutations N]
 *
 * A scenario is played for each seed; its machine is written as records.
 * Then, many times, some records are changed, cut, lost, doubled or mixed up:
 * image_read() must refuse them with a line for the log, or give a machine
 * that is consistent and can be used.  And every single allocation of writing
 * and reading fails once.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/property/bag.h"
#include "tests/property/harness.h"
#include "tests/property/seeds.h"
#include "xenstored/core/mem.h"

static struct {
	size_t images, refused, taken, allocations;
	unsigned long long seed, mutation;
} t;

/* A sanitizer's report ends the process past all signals. */
void __sanitizer_set_death_callback(void (*call)(void))
	__attribute__((weak));

static void say_what_ran(void)
{
	char text[160];
	int n = snprintf(text, sizeof(text), "test_image: died; repeat with "
			 "--seeds %llu-%llu --mutations %llu\n", t.seed,
			 t.seed, t.mutation + 1);

	if (write(STDERR_FILENO, text, (size_t)n) < 0)
		return;
}

static void on_signal(int number)
{
	say_what_ran();
	signal(number, SIG_DFL);
	raise(number);
}

static void watch_over(void)
{
	if (__sanitizer_set_death_callback) {
		__sanitizer_set_death_callback(say_what_ran);
		return;
	}
	signal(SIGSEGV, on_signal);
	signal(SIGABRT, on_signal);
}

static void wrong(const char *what, const char *why)
{
	printf("FAILED seed %llu mutation %llu: %s: %s\n"
	       "repeat with: test_image --seeds %llu-%llu --mutations %llu\n",
	       t.seed, t.mutation, what, why, t.seed, t.seed, t.mutation + 1);
	exit(1);
}

static void say(void *arg, const char *text)
{
	wrong("a machine was made that is not consistent", text);
}

/* ------------------------------------------------------------ mutations -- */

static void replace_value(struct image_record *r, const char *bytes,
			  size_t len)
{
	char *value = malloc(len ? len : 1);

	if (!value)
		exit(99);
	if (len)
		memcpy(value, bytes, len);
	free((void *)(uintptr_t)r->value);
	r->value = value;
	r->len = len;
}

static void change_byte(struct image_record *r, uint64_t *rnd, bool digit)
{
	char *v = (char *)(uintptr_t)r->value;
	size_t i;

	if (!r->len)
		return;
	i = random_next(rnd) % r->len;
	if (!digit) {
		v[i] = (char)random_next(rnd);
		return;
	}
	for (size_t n = 0; n < r->len; n++, i = (i + 1) % r->len) {
		if (v[i] < '0' || v[i] > '9')
			continue;
		v[i] = (char)('0' + random_below(rnd, 10));
		return;
	}
}

/* Another piece of text in the middle of a record: sizes stop fitting. */
static void splice(struct image_record *r, const struct image_record *from,
		   uint64_t *rnd)
{
	size_t at = random_next(rnd) % (r->len + 1);
	size_t n = random_next(rnd) % (from->len + 1);
	char *text = malloc(r->len + n + 1);

	if (!text)
		exit(99);
	memcpy(text, r->value, at);
	memcpy(text + at, from->value, n);
	memcpy(text + at + n, (const char *)r->value + at, r->len - at);
	replace_value(r, text, random_below(rnd, 2) ? r->len + n : at + n);
	free(text);
}

static void change_key(struct image_record *r, uint64_t *rnd)
{
	size_t n = strlen(r->key);
	char *key = (char *)(uintptr_t)r->key;

	if (n)
		key[random_next(rnd) % n] = (char)(random_below(rnd, 3) ?
			'0' + random_below(rnd, 10) :
			1 + random_below(rnd, 255));
}

static void mutate_once(struct bag *b, uint64_t *rnd)
{
	struct image_record *r, *other;

	if (!b->count)
		return;
	r = &b->rec[random_next(rnd) % b->count];
	other = &b->rec[random_next(rnd) % b->count];
	switch (random_below(rnd, 9)) {
	case 0:
		change_byte(r, rnd, false);
		break;
	case 1:
	case 2:
		change_byte(r, rnd, true);
		break;
	case 3:
		replace_value(r, r->value, random_next(rnd) % (r->len + 1));
		break;
	case 4:
		bag_remove(b, (size_t)(r - b->rec));
		break;
	case 5:
		/* Of the same name, with its value or another's. */
		bag_add(b, r->key, other->value, other->len);
		break;
	case 6:
		replace_value(r, other->value, other->len);
		break;
	case 7:
		splice(r, other, rnd);
		break;
	case 8:
		change_key(r, rnd);
		break;
	}
}

static void copy(struct bag *to, const struct bag *from)
{
	for (size_t i = 0; i < from->count; i++)
		bag_add(to, from->rec[i].key, from->rec[i].value,
			from->rec[i].len);
}

/* ---------------------------------------------------------------- using -- */

static void step(struct machine *m, const struct machine_input *in)
{
	struct machine_ask ask;

	if (machine_step(m, in))
		wrong("the machine cannot be used", "machine_step()");
	while (machine_ask_peek(m, &ask))
		machine_ask_pop(m);
}

/* Whatever it has: read it, run it, end every domain and connection. */
static void use(struct machine *m)
{
	struct machine_input in = { .type = MACHINE_IN_TIME,
				    .time = UINT64_MAX / 2 };
	uint32_t id = 0, flags;
	uint64_t instance;

	step(m, &in);
	for (uint32_t c = 0; c < SCENARIO_DOMIDS; c++) {
		in = (struct machine_input){ .type = MACHINE_IN_TAKEN,
					     .conn = c, .len = 1 << 20 };
		step(m, &in);
	}
	for (uint32_t c = 0; c < 16; c++) {
		in = (struct machine_input){ .type = MACHINE_IN_CLOSE,
					     .conn = MACHINE_SOCKET_BASE + c };
		step(m, &in);
	}
	machine_check(m, say, NULL);
	while (machine_domain_next(m, &id, &instance, &flags)) {
		in = (struct machine_input){ .type = MACHINE_IN_DOMAIN,
					     .domid = id++ };
		step(m, &in);
	}
	machine_check(m, say, NULL);
}

static void read_mutated(const struct bag *b,
			 const struct machine_config *config)
{
	struct machine *m;
	char why[256];
	int error = 0;

	m = bag_read(b, config, &error, why);
	if (m) {
		t.taken++;
		machine_check(m, say, NULL);
		use(m);
		machine_free(m);
		return;
	}
	t.refused++;
	if ((error != -EPROTO && error != -ENOTSUP) || !why[0])
		wrong("refused without saying why", strerror(-error));
}

static void mutations(const struct bag *b, const struct scenario *s,
		      const struct seeds *o)
{
	for (t.mutation = 0; t.mutation < o->number; t.mutation++) {
		uint64_t rnd = s->seed ^ (t.mutation << 32);
		struct bag bad = { NULL, 0, 0 };

		copy(&bad, b);
		do
			mutate_once(&bad, &rnd);
		while (!random_below(&rnd, 3));
		read_mutated(&bad, &s->config);
		bag_free(&bad);
	}
}

/* ---------------------------------------------------- memory that gives out */

static void write_failing(struct machine *m, long n, bool *reached)
{
	struct bag b = { NULL, 0, 0 };
	int error;

	mem_fail_after(n);
	error = bag_write(&b, m);
	*reached = mem_failed();
	mem_fail_after(-1);
	if (error && error != -ENOMEM)
		wrong("writing without memory", strerror(-error));
	if (*reached && !error)
		wrong("writing without memory", "no error");
	bag_free(&b);
}

static void read_failing(const struct bag *b,
			 const struct machine_config *config, long n,
			 uint64_t digest, bool *reached)
{
	struct machine *m;
	char why[256];
	int error = 0;

	mem_fail_after(n);
	m = bag_read(b, config, &error, why);
	*reached = mem_failed();
	mem_fail_after(-1);
	if (!m && (error != -ENOMEM || !why[0]))
		wrong("reading without memory", why);
	/* What only makes it faster may be missing. */
	if (m && (machine_digest(m) != digest ||
		  machine_check(m, say, NULL)))
		wrong("reading without memory", "another machine");
	machine_free(m);
}

static void failures(struct machine *m, const struct bag *b,
		     const struct machine_config *config)
{
	uint64_t digest = machine_digest(m);
	bool reached = true;

	for (long n = 0; reached; n++, t.allocations++)
		write_failing(m, n, &reached);
	if (machine_digest(m) != digest || machine_check(m, say, NULL))
		wrong("writing", "it has changed the machine");
	reached = true;
	for (long n = 0; reached; n++, t.allocations++)
		read_failing(b, config, n, digest, &reached);
}

/* ------------------------------------------------------------------ main -- */

static void one_image(struct machine *m, const struct scenario *s,
		      const struct seeds *o)
{
	struct bag b = { NULL, 0, 0 };
	int error = bag_write(&b, m);

	t.mutation = 0;
	if (!error) {
		t.images++;
		mutations(&b, s, o);
		failures(m, &b, &s->config);
	} else if (error != -EBUSY) {
		wrong("writing", strerror(-error));
	}
	bag_free(&b);
}

static void one_seed(unsigned long long seed, const struct seeds *o)
{
	static struct harness h;
	struct scenario s;

	t.seed = seed;
	scenario_make(&s, seed, 40);
	if (!harness_begin(&h, &s, false, false))
		exit(99);
	/* The last deed takes everything away: stop before it. */
	for (size_t i = 0; i + 1 < s.count && !h.failure[0]; i++)
		harness_do(&h, &s.deeds[i]);
	if (h.failure[0])
		wrong("the scenario itself", h.failure);
	one_image(h.machine, &s, o);
	harness_end(&h);
	scenario_free(&s);
}

int main(int argc, char **argv)
{
	struct seeds o = { .first = 1, .last = ~0ULL - 1, .seconds = 3,
			   .number = 60 };
	unsigned long long seed;

	if (!seeds_begin(&o, "mutations", argc, argv))
		return 2;
	watch_over();
	while (seeds_next(&o, &seed))
		one_seed(seed, &o);
	printf("test_image: %zu images; mutated: %zu refused, %zu read; "
	       "%zu failed allocations\n", t.images, t.refused, t.taken,
	       t.allocations);
	return !t.images || !t.refused || !t.taken || !t.allocations;
}
