/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ring page that both ends share: its layout against Xen's own header, and
 * the helpers on every shape of a pair of indices, also across 2^32.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <xen/io/xs_wire.h>

#include "tests/unit/ring_sim.h"

START_TEST(layout_is_xens)
{
#define SAME(ours, xens) \
	ck_assert_uint_eq(offsetof(struct ring_page, ours), \
			  offsetof(struct xenstore_domain_interface, xens))
	SAME(req, req);
	SAME(rsp, rsp);
	SAME(req_cons, req_cons);
	SAME(req_prod, req_prod);
	SAME(rsp_cons, rsp_cons);
	SAME(rsp_prod, rsp_prod);
	SAME(features, server_features);
	SAME(connection, connection);
	SAME(error, error);
	ck_assert_uint_eq(offsetof(struct ring_page, evtchn_port), 2076);
	ck_assert_uint_eq(RING_SIZE, XENSTORE_RING_SIZE);
	ck_assert_uint_eq(RING_RECONNECT, XENSTORE_RECONNECT);
	ck_assert_uint_eq(RING_ERROR_INDEX, XENSTORE_ERROR_RINGIDX);
	ck_assert_uint_eq(RING_ERROR_PROTOCOL, XENSTORE_ERROR_PROTO);
	ck_assert_uint_eq(PX_RING_PAYLOAD_MAX, XENSTORE_PAYLOAD_MAX);
}
END_TEST

START_TEST(results_are_linux_errnos)
{
	ck_assert_int_eq(PX_RING_EIO, -EIO);
	ck_assert_int_eq(PX_RING_EAGAIN, -EAGAIN);
	ck_assert_int_eq(PX_RING_EBUSY, -EBUSY);
	ck_assert_int_eq(PX_RING_EINVAL, -EINVAL);
	ck_assert_int_eq(PX_RING_EPROTO, -EPROTO);
	ck_assert_int_eq(PX_RING_EMSGSIZE, -EMSGSIZE);
	ck_assert_int_eq(PX_RING_EOPNOTSUPP, -EOPNOTSUPP);
	ck_assert_int_eq(PX_RING_ECONNRESET, -ECONNRESET);
	ck_assert_int_eq(PX_RING_ENOTCONN, -ENOTCONN);
	ck_assert_int_eq(PX_RING_ETIMEDOUT, -ETIMEDOUT);
}
END_TEST

START_TEST(helpers_judge_every_shape)
{
	uint32_t cons = bases[_i], prod;
	int i;

	for (i = 0; i < N(shapes); i++) {
		prod = cons + shapes[i].used;
		ck_assert_uint_eq(ring_used(prod, cons), shapes[i].used);
		ck_assert(ring_valid(prod, cons) == shapes[i].valid);
		ck_assert_uint_eq(ring_room(prod, cons), shapes[i].valid ?
				  RING_SIZE - shapes[i].used : 0);
		ck_assert_uint_le(ring_mask(cons) + ring_read_span(prod, cons),
				  RING_SIZE);
		ck_assert_uint_le(ring_mask(prod) + ring_write_span(prod, cons),
				  RING_SIZE);
		ck_assert(shapes[i].valid || !ring_read_span(prod, cons));
		ck_assert(shapes[i].valid || !ring_write_span(prod, cons));
	}
}
END_TEST

START_TEST(copies_wrap_and_stay_inside)
{
	uint8_t src[RING_SIZE], dst[RING_SIZE + 1];
	static const size_t lens[] = { 0, 1, 7, 1023, 1024, 1025, 1 << 20 };
	uint32_t idx = bases[_i], i;
	struct sim sim;
	size_t n, want;
	int k;

	for (i = 0; i < RING_SIZE; i++)
		src[i] = (uint8_t)(i * 7 + 3);
	for (k = 0; k < N(lens); k++) {
		want = lens[k] < RING_SIZE ? lens[k] : RING_SIZE;
		sim_init(&sim, 0, 0, 0);
		memset(dst, SIM_GUARD, sizeof(dst));
		n = ring_copy_in(sim.page.req, idx, src, lens[k]);
		ck_assert_uint_eq(n, want);
		for (i = 0; i < RING_SIZE; i++)
			if (sim.page.req[(idx + i) % RING_SIZE] !=
			    (i < want ? src[i] : 0x11))
				ck_abort_msg("byte %u of %zu", i, want);
		ck_assert_uint_eq(ring_copy_out(dst, sim.page.req, idx,
						lens[k]), want);
		ck_assert_int_eq(memcmp(dst, src, want), 0);
		ck_assert_uint_eq(dst[want], SIM_GUARD);
		ck_assert_uint_eq(sim.page.rsp[0], 0x22);
		ck_assert(sim_guards_hold(&sim));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ring page");
	TCase *tcase = tcase_create("page");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, layout_is_xens);
	tcase_add_test(tcase, results_are_linux_errnos);
	tcase_add_loop_test(tcase, helpers_judge_every_shape, 0, N(bases));
	tcase_add_loop_test(tcase, copies_wrap_and_stay_inside, 0, N(bases));
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
