/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Watches, reconnects and the store's generation. */
#include "tests/unit/client_script.h"

#include <check.h>
#include <errno.h>
#include <string.h>

struct seen {
	int events, error;
	char path[64];
};

static struct seen seen[2];

static void see(void *arg, int error, const char *path)
{
	struct seen *s = arg;

	s->events++;
	s->error = error;
	strncpy(s->path, path ? path : "(none)", sizeof(s->path) - 1);
}

static struct px_client_watch watch_of(const char *path, int depth, int which)
{
	return (struct px_client_watch){ .path = path, .depth = depth,
					 .event = see, .arg = &seen[which] };
}

/* Take a WATCH off the wire; its token goes to `token`. */
static void take_watch(struct rig *rig, uint32_t type, const char *path,
		       struct wire_header *h, char *token)
{
	char payload[WIRE_PAYLOAD_MAX + 1];

	ck_assert_int_eq(rig_run(rig), 0);
	ck_assert(script_take(&rig->script, h, payload));
	ck_assert_uint_eq(h->type, type);
	ck_assert_str_eq(payload, path);
	strncpy(token, payload + strlen(path) + 1, 31);
}

static void feed_event(struct rig *rig, const char *path, const char *token)
{
	char payload[128];
	size_t n = strlen(path) + 1, m = strlen(token) + 1;

	memcpy(payload, path, n);
	memcpy(payload + n, token, m);
	script_message(&rig->script, WIRE_WATCH_EVENT, 0, payload, n + m);
	ck_assert_int_eq(rig_run(rig), 0);
}

START_TEST(events_arrive)
{
	struct rig *rig = rig_new(NULL);
	struct px_client_watch a = watch_of("/a", -1, 0);
	struct px_client_watch b = watch_of("b", 12, 1);
	char token_a[32] = "", token_b[32] = "", token[32];
	char payload[WIRE_PAYLOAD_MAX + 1];
	struct wire_header h;

	memset(seen, 0, sizeof(seen));
	/* One before the connection, one after. */
	ck_assert_int_eq(px_client_watch(rig->client, &a), 0);
	ck_assert_int_eq(px_client_watch(rig->client, &a), -EEXIST);
	rig_up(rig, NULL);
	ck_assert_int_eq(px_client_watch(rig->client, &b), 0);
	take_watch(rig, WIRE_WATCH, "/a", &h, token_a);
	ck_assert_uint_eq(h.len, 3 + strlen(token_a) + 1);
	script_reply(&rig->script, &h, "OK", 3);
	take_watch(rig, WIRE_WATCH, "b", &h, token_b);
	ck_assert_uint_eq(h.len, 2 + strlen(token_b) + 1 + 3);
	ck_assert_str_ne(token_a, token_b);
	script_reply(&rig->script, &h, "OK", 3);

	feed_event(rig, "/a/x", token_a);
	ck_assert_int_eq(seen[0].events, 1);
	ck_assert_str_eq(seen[0].path, "/a/x");
	feed_event(rig, "b", token_b);
	ck_assert_int_eq(seen[1].events, 1);

	/* Taken back: what is under way for it is dropped. */
	ck_assert_int_eq(px_client_unwatch(rig->client, &a), 0);
	ck_assert_int_eq(px_client_unwatch(rig->client, &a), -ENOENT);
	feed_event(rig, "/a/x", token_a);
	ck_assert_int_eq(seen[0].events, 1);
	take_watch(rig, WIRE_UNWATCH, "/a", &h, token);
	ck_assert_str_eq(token, token_a);
	script_reply(&rig->script, &h, "OK", 3);

	/* Set again in the same place: the old token does not reach it. */
	ck_assert_int_eq(px_client_watch(rig->client, &a), 0);
	take_watch(rig, WIRE_WATCH, "/a", &h, token);
	ck_assert_str_ne(token, token_a);
	feed_event(rig, "/a", token_a);
	ck_assert_int_eq(seen[0].events, 1);
	feed_event(rig, "/a", token);
	ck_assert_int_eq(seen[0].events, 2);
	feed_event(rig, "/a", "not-a-token");
	feed_event(rig, "/a", "ffff.0");
	feed_event(rig, "/a", "0.0.0");
	ck_assert_int_eq(seen[0].events, 2);
	ck_assert_int_eq(seen[1].events, 1);
	ck_assert(!script_take(&rig->script, &h, payload));
}
END_TEST

START_TEST(refused_watch)
{
	struct rig *rig = rig_new(NULL);
	struct px_client_watch a = watch_of("/a", -1, 0);
	struct px_client_watch b = watch_of("/b", -1, 1);
	struct wire_header first, second;
	char token[32];

	memset(seen, 0, sizeof(seen));
	rig_up(rig, NULL);
	ck_assert_int_eq(px_client_watch(rig->client, &a), 0);
	take_watch(rig, WIRE_WATCH, "/a", &first, token);
	/* Gone before its answer, and its place is another's already. */
	ck_assert_int_eq(px_client_unwatch(rig->client, &a), 0);
	ck_assert_int_eq(px_client_watch(rig->client, &b), 0);
	script_error(&rig->script, &first, "ENOSPC");
	take_watch(rig, WIRE_UNWATCH, "/a", &second, token);
	script_error(&rig->script, &second, "ENOENT");
	ck_assert_int_eq(rig_run(rig), 0);
	ck_assert_int_eq(seen[0].events + seen[1].events, 0);
	take_watch(rig, WIRE_WATCH, "/b", &second, token);
	script_error(&rig->script, &second, "ENOSPC");
	ck_assert_int_eq(rig_run(rig), 0);
	ck_assert_int_eq(seen[1].events, 1);
	ck_assert_int_eq(seen[1].error, -ENOSPC);
	ck_assert_str_eq(seen[1].path, "(none)");
	ck_assert_int_eq(px_client_unwatch(rig->client, &b), -ENOENT);
}
END_TEST

START_TEST(watch_limits)
{
	struct px_client_options o = { .watches = 3, .requests = 8 };
	struct rig *rig = rig_new(&o);
	struct px_client_watch w[4], bad = watch_of("", -1, 0);
	static char longest[WIRE_ABS_PATH_MAX + 2];
	int n = 0;

	rig_up(rig, NULL);
	ck_assert_int_eq(px_client_watch(rig->client, &bad), -EINVAL);
	memset(longest, 'x', sizeof(longest) - 1);
	bad.path = longest;
	ck_assert_int_eq(px_client_watch(rig->client, &bad), -EINVAL);
	/* The request queue is full: noted, and sent when there is room. */
	while (!px_client_read(rig->client, 0, "/", NULL, NULL))
		n++;
	ck_assert_int_eq(n, 8);
	for (int i = 0; i < 4; i++) {
		w[i] = watch_of("/w", -1, 0);
		ck_assert_int_eq(px_client_watch(rig->client, &w[i]),
				 i < 3 ? 0 : -ENOSPC);
	}
	ck_assert_int_eq(px_client_unwatch(rig->client, &w[2]), 0);
	for (int i = 0; i < 10; i++) {
		struct wire_header h;

		rig_run(rig);
		ck_assert(script_take(&rig->script, &h, NULL));
		ck_assert_uint_eq(h.type, i < 8 ? WIRE_READ : WIRE_WATCH);
		script_reply(&rig->script, &h, "", 0);
	}
	rig_run(rig);
	/* No room for UNWATCH: the watch stays until there is. */
	while (!px_client_read(rig->client, 0, "/", NULL, NULL))
		n++;
	ck_assert_int_eq(n, 16);
	ck_assert_int_eq(px_client_unwatch(rig->client, &w[0]), -EAGAIN);
	ck_assert_uint_eq(w[0].set, 1);
}
END_TEST

static void hang_up(struct rig *rig)
{
	rig->script.hung_up = true;
	ck_assert_int_eq(rig_run(rig), 0);
	ck_assert(!px_client_is_up(rig->client));
}

static const struct {
	const char *before, *after;
	enum px_client_up how;
} generations[] = {
	{ NULL, NULL, PX_CLIENT_SAME },
	{ "0", NULL, PX_CLIENT_SAME },
	{ "aa", "aa", PX_CLIENT_SAME },
	{ "aa", "ab", PX_CLIENT_LOST },
	{ "aa", "a", PX_CLIENT_LOST },
	{ "aa", NULL, PX_CLIENT_LOST },
	{ NULL, "aa", PX_CLIENT_LOST },
	{ "", NULL, PX_CLIENT_LOST },
	/* 65 bytes: too long to be remembered, so never the same. */
	{ "0123456789012345678901234567890123456789012345678901234567890123x",
	  "0123456789012345678901234567890123456789012345678901234567890123x",
	  PX_CLIENT_LOST },
};

START_TEST(reconnect)
{
	struct px_client_options o = { .backoff_min = 1000 };
	struct rig *rig = rig_new(&o);
	struct px_client_watch a = watch_of("/a", -1, 0);
	struct px_client_watch b = watch_of("/b", -1, 1);
	struct wire_header h;
	char token[32], again[32];

	memset(seen, 0, sizeof(seen));
	rig_up(rig, generations[_i].before);
	ck_assert_int_eq(rig->how, PX_CLIENT_FIRST);
	ck_assert_int_eq(px_client_watch(rig->client, &a), 0);
	ck_assert_int_eq(px_client_watch(rig->client, &b), 0);
	take_watch(rig, WIRE_WATCH, "/a", &h, token);
	script_reply(&rig->script, &h, "OK", 3);
	rig_run(rig);
	hang_up(rig);
	ck_assert_int_eq(rig->downs, 1);
	ck_assert_int_eq(px_client_fd(rig->client), -1);
	ck_assert_uint_eq(px_client_deadline(rig->client), 1000);
	/* Given up while down: it is not set again. */
	ck_assert_int_eq(px_client_unwatch(rig->client, &b), 0);
	rig->now = 1000;
	rig_up(rig, generations[_i].after);
	ck_assert_int_eq(rig->how, generations[_i].how);
	take_watch(rig, WIRE_WATCH, "/a", &h, again);
	script_reply(&rig->script, &h, "OK", 3);
	ck_assert_str_eq(token, again);
	feed_event(rig, "/a", again);
	ck_assert_int_eq(seen[0].events, 1);
	ck_assert_int_eq(seen[1].events, 0);
	ck_assert(!script_take(&rig->script, &h, NULL));
	ck_assert_uint_eq(px_client_pending(rig->client), 0);
	rig_check_canaries(rig);
}
END_TEST

/* Pauses double up to the maximum, and start anew after a success. */
START_TEST(backoff)
{
	static const uint64_t pauses[] = { 100, 200, 400, 500, 500 };
	struct px_client_options o = { .backoff_min = 100,
				       .backoff_max = 500 };
	struct rig *rig = rig_new(&o);

	rig->script.open_result = -ECONNREFUSED;
	ck_assert_int_eq(px_client_open(rig->client, &rig->script.base), 0);
	for (unsigned int i = 0; i < 5; i++) {
		ck_assert_int_eq(px_client_process(rig->client, rig->now), 0);
		ck_assert_uint_eq(rig->script.opens, i + 1);
		ck_assert_uint_eq(px_client_deadline(rig->client),
				  rig->now + pauses[i]);
		/* Too early: nothing is tried. */
		ck_assert_int_eq(px_client_process(rig->client,
						   rig->now + pauses[i] - 1),
				 0);
		ck_assert_uint_eq(rig->script.opens, i + 1);
		rig->now += pauses[i];
	}
	ck_assert_int_eq(px_client_error(rig->client), -ECONNREFUSED);
	ck_assert_int_eq(rig->downs, 0);
	rig->script.open_result = 0;
	rig->ups = 1;
	rig_up(rig, NULL);
	hang_up(rig);
	ck_assert_uint_eq(px_client_deadline(rig->client), rig->now + 100);
}
END_TEST

START_TEST(no_backoff)
{
	struct rig *rig = rig_new(NULL);

	rig->script.open_result = -EACCES;
	ck_assert_int_eq(px_client_process(rig->client, 0), -ENOTCONN);
	ck_assert_int_eq(px_client_open(rig->client, &rig->script.base), 0);
	ck_assert_int_eq(px_client_process(rig->client, 0), -EACCES);
	ck_assert_uint_eq(rig->script.closes, 0);
	/* A full backlog is not a failure. */
	rig->script.open_result = -EAGAIN;
	ck_assert_int_eq(px_client_open(rig->client, &rig->script.base), 0);
	ck_assert_int_eq(px_client_process(rig->client, 5), 0);
	ck_assert_uint_eq(px_client_deadline(rig->client), 10005);
}
END_TEST

Suite *client_watch_suite(void)
{
	Suite *suite = suite_create("client: watches and reconnects");
	TCase *tc = tcase_create("watches");

	tcase_add_test(tc, events_arrive);
	tcase_add_test(tc, refused_watch);
	tcase_add_test(tc, watch_limits);
	tcase_add_loop_test(tc, reconnect, 0,
			    sizeof(generations) / sizeof(generations[0]));
	tcase_add_test(tc, backoff);
	tcase_add_test(tc, no_backoff);
	suite_add_tcase(suite, tc);
	return suite;
}
