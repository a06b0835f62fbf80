/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random walks of both ends of a ring, against an oracle.
 *
 * Every byte of either direction is a function of (epoch, direction, place in
 * the stream), so a byte lost, doubled, moved or left over from before a reset
 * is seen at once.  Each walk is one seed; a failure prints it, and RING_SEED
 * in the environment runs that one alone.
 */
#include <check.h>
#include <stdlib.h>

#include "tests/unit/ring_sim.h"

#define WALKS 2000u
#define STEPS 3000u

#define FEATURES (RING_FEATURE_RECONNECT | RING_FEATURE_ERROR | 0x80000000u)

struct walk {
	struct sim sim;
	struct px_ring ring;
	uint64_t seed, state;
	uint32_t g_epoch, d_epoch;	/* as either end counts resets */
	uint32_t sent, got;		/* the guest's places in its streams */
	uint32_t taken, given;		/* the daemon's */
	uint64_t moved;
	unsigned int resets;
};

static uint64_t walk_random(struct walk *w)
{
	uint64_t z = (w->state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static uint32_t walk_below(struct walk *w, uint32_t n)
{
	return (uint32_t)(walk_random(w) % n);
}

static uint8_t oracle(uint32_t epoch, uint32_t way, uint32_t place)
{
	uint32_t h = (epoch * 2 + way + 1) * 0x9e3779b1u + place * 0x85ebca77u;

	return (uint8_t)(h >> 24 ^ h >> 11);
}

static void fill(uint8_t *buf, uint32_t epoch, uint32_t way, uint32_t place,
		 size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		buf[i] = oracle(epoch, way, place + (uint32_t)i);
}

static void compare(struct walk *w, const uint8_t *buf, uint32_t epoch,
		    uint32_t way, uint32_t place, int len)
{
	int i;

	for (i = 0; i < len; i++)
		if (buf[i] != oracle(epoch, way, place + (uint32_t)i))
			ck_abort_msg("seed %llu: epoch %u way %u byte %u",
				     (unsigned long long)w->seed, epoch, way,
				     place + (uint32_t)i);
	w->moved += (uint64_t)len;
}

/* What a guest's call may say in a walk where both keep the rules. */
static bool expected(struct walk *w, int ret)
{
	if (ret < 0 && ret != PX_RING_EAGAIN)
		ck_abort_msg("seed %llu: result %d, state %d",
			     (unsigned long long)w->seed, ret,
			     (int)w->ring.state);
	return ret > 0;
}

static void guest_asks(struct walk *w)
{
	/* The same reset if one is under way and the guest has not looked. */
	if (w->ring.state != PX_RING_RESETTING) {
		w->g_epoch++;
		w->sent = w->got = 0;
	}
	expected(w, px_ring_reset(&w->ring));
}

static void guest_push(struct walk *w)
{
	uint8_t buf[1500];
	size_t len = 1 + walk_below(w, sizeof(buf));
	int ret;

	fill(buf, w->g_epoch, 0, w->sent, len);
	ret = px_ring_push(&w->ring, buf, len);
	if (expected(w, ret))
		w->sent += (uint32_t)ret;
}

static void guest_pull(struct walk *w)
{
	uint8_t buf[1500];
	int ret = px_ring_pull(&w->ring, buf, 1 + walk_below(w, sizeof(buf)));

	if (!expected(w, ret))
		return;
	compare(w, buf, w->g_epoch, 1, w->got, ret);
	w->got += (uint32_t)ret;
}

/* The guest dies; the next one knows nothing and opens what it finds. */
static void guest_restarts(struct walk *w)
{
	bool asked = w->sim.page.connection != 0;

	expected(w, px_ring_open(&w->ring, &w->sim.page, &sim_ops, &w->sim,
				 0));
	if (!asked)
		w->g_epoch++;
	w->sent = w->got = 0;
}

static void daemon_take(struct walk *w)
{
	uint8_t buf[1500];
	int n = sim_take(&w->sim, buf, 1 + walk_below(w, sizeof(buf)));

	if (n < 0)
		ck_abort_msg("seed %llu: accused", (unsigned long long)w->seed);
	compare(w, buf, w->d_epoch, 0, w->taken, n);
	w->taken += (uint32_t)n;
}

static void daemon_give(struct walk *w)
{
	uint8_t buf[1500];
	size_t len = 1 + walk_below(w, sizeof(buf));
	int n;

	if (w->taken == 0)	/* nothing is sent unasked after a reset */
		return;
	fill(buf, w->d_epoch, 1, w->given, len);
	n = sim_give(&w->sim, buf, len);
	if (n < 0)
		ck_abort_msg("seed %llu: accused", (unsigned long long)w->seed);
	w->given += (uint32_t)n;
}

static void daemon_reset_step(struct walk *w)
{
	if (!sim_reset_step(&w->sim))
		return;
	w->d_epoch = w->g_epoch;
	w->taken = w->given = 0;
	w->resets++;
}

/* With a reset begun the daemon does nothing else; asked and not yet seen, it
 * may still serve.  A new daemon begins the steps again. */
static void daemon_step(struct walk *w)
{
	uint32_t what = walk_below(w, 8);

	if (w->sim.step > 0 || (w->sim.page.connection != 0 && what < 3)) {
		if (what == 7)
			w->sim.step = 0;
		daemon_reset_step(w);
	} else if (what & 1) {
		daemon_take(w);
	} else {
		daemon_give(w);
	}
}

static void guest_step(struct walk *w)
{
	uint32_t what = walk_below(w, 128);

	if (what == 0)
		guest_asks(w);
	else if (what == 1)
		guest_restarts(w);
	else if (what < 12)
		expected(w, px_ring_poll(&w->ring));
	else if (what & 1)
		guest_push(w);
	else
		guest_pull(w);
}

static void walk_begin(struct walk *w, uint64_t seed)
{
	memset(w, 0, sizeof(*w));
	w->seed = w->state = seed;
	/* Near the wrap in one walk of two. */
	sim_init(&w->sim, FEATURES,
		 walk_below(w, 2) ? (uint32_t)walk_random(w) :
				    0u - walk_below(w, 3000),
		 walk_below(w, 2) ? (uint32_t)walk_random(w) :
				    0u - walk_below(w, 3000));
	ck_assert_int_eq(px_ring_open(&w->ring, &w->sim.page, &sim_ops,
				      &w->sim, PX_RING_ADOPT), 0);
}

static void walk_honest(uint64_t seed)
{
	struct walk w;
	unsigned int i;

	walk_begin(&w, seed);
	for (i = 0; i < STEPS; i++) {
		if (walk_random(&w) & 1)
			guest_step(&w);
		else
			daemon_step(&w);
	}
	ck_assert_msg(w.moved > STEPS && w.resets > 2 &&
		      sim_guards_hold(&w.sim), "seed %llu: %llu bytes, %u "
		      "resets", (unsigned long long)seed,
		      (unsigned long long)w.moved, w.resets);
}

/* The other end, or anyone with the page, writes anything anywhere. */
static void scribble(struct walk *w)
{
	uint32_t *words = (uint32_t *)&w->sim.page;
	uint32_t at = walk_below(w, sizeof(w->sim.page) / 4);

	if (walk_random(w) & 1)		/* mostly the eight fields */
		at = 512 + walk_below(w, 8);
	switch (walk_below(w, 4)) {
	case 0:
		words[at] = (uint32_t)walk_random(w);
		break;
	case 1:
		words[at] = walk_below(w, 4);
		break;
	case 2:
		words[at] += walk_below(w, 2100);
		break;
	default:
		words[at] = 0u - walk_below(w, 2100);
	}
}

/* Results that a guest's call has; anything else is a leak of some sort. */
static void known(struct walk *w, int ret)
{
	static const int results[] = {
		PX_RING_EIO, PX_RING_EAGAIN, PX_RING_EBUSY, PX_RING_EPROTO,
		PX_RING_EMSGSIZE, PX_RING_EOPNOTSUPP, PX_RING_ECONNRESET,
	};
	size_t i;

	if (ret >= 0)
		return;
	for (i = 0; i < sizeof(results) / sizeof(results[0]); i++)
		if (ret == results[i])
			return;
	ck_abort_msg("seed %llu: result %d", (unsigned long long)w->seed, ret);
}

static void hostile_step(struct walk *w, struct px_ring_msg *out,
			 struct px_ring_msg *in, uint8_t *buf)
{
	int ret;

	switch (walk_below(w, 8)) {
	case 0:
		known(w, px_ring_reset(&w->ring));
		break;
	case 1:
		known(w, px_ring_open(&w->ring, &w->sim.page, &sim_ops,
				      &w->sim, walk_below(w, 4)));
		break;
	case 2:
		ret = px_ring_push(&w->ring, buf, 1 + walk_below(w, 1500));
		known(w, ret > (int)RING_SIZE ? -1 : ret);
		break;
	case 3:
		ret = px_ring_pull(&w->ring, buf, 1 + walk_below(w, 1500));
		known(w, ret > (int)RING_SIZE ? -1 : ret);
		break;
	case 4:
	case 5:
		ret = px_ring_send(&w->ring, out);
		known(w, ret);
		if (ret != PX_RING_EAGAIN)
			px_ring_msg_request(out, 2, 1, 0, buf,
					    walk_below(w, 4097));
		break;
	default:
		ret = px_ring_recv(&w->ring, in);
		known(w, ret == 0 && in->len > in->size ? -1 : ret);
		if (ret != PX_RING_EAGAIN)
			px_ring_msg_init(in, buf, walk_below(w, 4097));
	}
}

static void walk_hostile(uint64_t seed)
{
	struct px_ring_msg out, in;
	uint8_t buf[4096 + 64];
	struct walk w;
	unsigned int i;

	walk_begin(&w, seed);
	memset(buf, SIM_GUARD, sizeof(buf));
	px_ring_msg_request(&out, 2, 1, 0, buf, 4096);
	px_ring_msg_init(&in, buf, 4096);
	for (i = 0; i < STEPS; i++) {
		if (walk_random(&w) & 1)
			scribble(&w);
		else
			hostile_step(&w, &out, &in, buf);
		if (walk_random(&w) & 1 && w.sim.page.connection != 0)
			sim_reset(&w.sim);
	}
	for (i = 4096; i < sizeof(buf); i++)
		ck_assert_uint_eq(buf[i], SIM_GUARD);
	ck_assert(sim_guards_hold(&w.sim));

	/* And then, of whatever was left, a ring again. */
	w.sim.page.features = FEATURES;
	known(&w, px_ring_open(&w.ring, &w.sim.page, &sim_ops, &w.sim, 0));
	sim_reset(&w.sim);
	w.d_epoch = w.g_epoch;
	w.sent = w.got = w.taken = w.given = 0;
	ck_assert_int_eq(px_ring_poll(&w.ring), 0);
	guest_push(&w);
	daemon_take(&w);
	daemon_give(&w);
	guest_pull(&w);
	ck_assert(w.taken > 0 && w.got > 0);
}

static void each_seed(void (*walk)(uint64_t seed))
{
	const char *one = getenv("RING_SEED");
	uint64_t seed;

	if (one != NULL) {
		walk(strtoull(one, NULL, 10));
		return;
	}
	for (seed = 1; seed <= WALKS; seed++)
		walk(seed);
}

START_TEST(honest)
{
	each_seed(walk_honest);
}
END_TEST

START_TEST(hostile)
{
	each_seed(walk_hostile);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ring walk");
	TCase *tcase = tcase_create("walks");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, honest);
	tcase_add_test(tcase, hostile);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
