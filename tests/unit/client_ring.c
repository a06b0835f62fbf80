/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client over a raw ring page, the daemon's end played by the test. */
#include "tests/unit/client_script.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <string.h>

/* The public layout of the page; offsets as in xen/io/xs_wire.h. */
static struct {
	char requests[1024], replies[1024];
	uint32_t req_cons, req_prod, rsp_cons, rsp_prod;
	uint32_t features, connection, error, port;
	char rest[4096 - 2080];
} page;

static int notified, begun, begin_error;
static struct outcome out;

static int notify(void *ctx)
{
	notified++;
	return 0;
}

static int begin(void *ctx)
{
	begun++;
	return begin_error;
}

static const struct px_ring_ops ops = { .notify = notify };

/* All requests taken and answered with their own payload; how many. */
static int serve(void)
{
	static char bytes[8192];
	static size_t have;
	int served = 0;

	if (!page.req_cons && !page.rsp_prod)
		have = 0;
	while (page.req_cons != page.req_prod)
		bytes[have++] = page.requests[page.req_cons++ % 1024];
	while (have >= WIRE_HEADER_SIZE) {
		struct wire_header h = wire_header_get(bytes);
		size_t len = WIRE_HEADER_SIZE + h.len;

		if (have < len ||
		    1024 - (page.rsp_prod - page.rsp_cons) < len)
			break;
		for (size_t i = 0; i < len; i++)
			page.replies[page.rsp_prod++ % 1024] = bytes[i];
		memmove(bytes, bytes + len, have -= len);
		served++;
	}
	return served;
}

static struct rig *rig_ring(struct px_transport_ring *t, uint32_t features)
{
	struct px_client_options o = { .backoff_min = 10 };
	struct rig *rig = rig_new(&o);

	memset(&page, 0, sizeof(page));
	memset(&out, 0, sizeof(out));
	notified = begun = begin_error = 0;
	page.features = features;
	/* Somebody was here before. */
	page.req_cons = page.req_prod = 4294967000u;
	page.rsp_cons = page.rsp_prod = 77;
	px_transport_ring_init(t, (struct ring_page *)&page, &ops, NULL, 0, 42,
			       begin);
	ck_assert_int_eq(px_client_open(rig->client, &t->base), 0);
	ck_assert_int_eq(rig_run(rig), 0);
	return rig;
}

static void reset_by_daemon(void)
{
	ck_assert_uint_eq(page.connection, 1);
	page.req_cons = page.req_prod = page.rsp_cons = page.rsp_prod = 0;
	page.connection = 0;
}

START_TEST(ring_session)
{
	struct px_transport_ring t;
	struct rig *rig = rig_ring(&t, _i ? 15 : 0);
	char value[600];

	memset(value, 'v', sizeof(value));
	if (_i) {
		/* Nothing is sent before the reset is done. */
		ck_assert(!px_client_is_up(rig->client));
		ck_assert_uint_eq(px_client_deadline(rig->client), 1000000);
		ck_assert_int_eq(rig_run(rig), 0);
		ck_assert_uint_eq(page.req_prod, 4294967000u);
		reset_by_daemon();
		ck_assert_int_eq(rig_run(rig), 0);
	}
	ck_assert_int_eq(px_client_fd(rig->client), 42);
	ck_assert_int_eq(serve(), 1);
	ck_assert_int_eq(rig_run(rig), 0);
	ck_assert(px_client_is_up(rig->client));
	ck_assert_int_gt(notified, 0);
	ck_assert_int_gt(begun, 0);
	/* More than the ring holds at once. */
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(px_client_write(rig->client, 0, "/a", value,
						 sizeof(value), outcome_done,
						 &out), 0);
	for (int i = 0; i < 20 && out.calls < 5; i++) {
		ck_assert_int_eq(rig_run(rig), 0);
		ck_assert_int_eq(px_client_poll(rig->client), POLLIN);
		serve();
	}
	ck_assert_int_eq(out.calls, 5);
	ck_assert_uint_eq(out.len, sizeof(value) + 3);
	rig_check_canaries(rig);
}
END_TEST

/* The daemon gives up on the ring: the client asks for a reset and returns. */
START_TEST(ring_error)
{
	struct px_transport_ring t;
	struct rig *rig = rig_ring(&t, 15);

	reset_by_daemon();
	ck_assert_int_eq(rig_run(rig), 0);
	serve();
	ck_assert_int_eq(rig_run(rig), 0);
	ck_assert_int_eq(px_client_read(rig->client, 0, "/a", outcome_done,
					&out), 0);
	if (_i)
		page.error = 3;
	else
		begin_error = -EBADF;
	ck_assert_int_eq(rig_run(rig), 0);
	begin_error = 0;
	ck_assert_int_eq(out.calls, 1);
	ck_assert_int_eq(out.result, -ECONNRESET);
	ck_assert_int_eq(rig->downs, 1);
	ck_assert_int_eq(rig->reason, _i ? -EIO : -EBADF);
	rig->now = 10;
	ck_assert_int_eq(rig_run(rig), 0);
	page.error = 0;
	reset_by_daemon();
	ck_assert_int_eq(rig_run(rig), 0);
	serve();
	ck_assert_int_eq(rig_run(rig), 0);
	ck_assert(px_client_is_up(rig->client));
	ck_assert_int_eq(rig->ups, 2);
}
END_TEST

Suite *client_ring_suite(void)
{
	Suite *suite = suite_create("client: raw ring");
	TCase *tc = tcase_create("ring");

	tcase_add_loop_test(tc, ring_session, 0, 2);
	tcase_add_loop_test(tc, ring_error, 0, 2);
	suite_add_tcase(suite, tc);
	return suite;
}
