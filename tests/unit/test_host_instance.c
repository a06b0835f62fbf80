// SPDX-License-Identifier: GPL-2.0-or-later
/* The instance of a domain: every bit of handle and frame must count. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "xenstored/host/instance.h"

/* Flip one input bit: the result changes, and in many of its bits. */
START_TEST(every_bit_counts)
{
	uint8_t handle[16] = { 0xa5, 1, 2, 3, 5, 8, 13 };
	uint64_t frame = 0x1234567;
	uint64_t base = instance_mix(handle, frame);
	unsigned int least = 64;

	for (unsigned int bit = 0; bit < 128 + 64; bit++) {
		uint8_t other[16];
		uint64_t f = frame, diff;

		memcpy(other, handle, sizeof(other));
		if (bit < 128)
			other[bit / 8] ^= (uint8_t)(1u << bit % 8);
		else
			f ^= 1ull << (bit - 128);
		diff = base ^ instance_mix(other, f);
		if ((unsigned int)__builtin_popcountll(diff) < least)
			least = (unsigned int)__builtin_popcountll(diff);
	}
	ck_assert_uint_ge(least, 10);
}
END_TEST

START_TEST(equal_is_equal_and_never_zero)
{
	uint8_t handle[16] = { 0 };

	for (uint64_t frame = 0; frame < 10000; frame++) {
		ck_assert(instance_mix(handle, frame) ==
			  instance_mix(handle, frame));
		ck_assert(instance_mix(handle, frame) != 0);
	}
}
END_TEST

/* Toolstacks number handles and Xen numbers frames: no pattern may cancel. */
START_TEST(counted_handles_and_frames_differ)
{
	enum { SIDE = 64, ALL = SIDE * SIDE };
	static uint64_t seen[ALL];
	uint8_t handle[16] = { 0 };

	for (unsigned int i = 0; i < ALL; i++) {
		handle[15] = (uint8_t)(i / SIDE);
		seen[i] = instance_mix(handle, i % SIDE);
		for (unsigned int j = 0; j < i; j++)
			if (seen[i] == seen[j])
				ck_abort_msg("%u and %u", i, j);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("host/instance");
	TCase *tc = tcase_create("mix");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, every_bit_counts);
	tcase_add_test(tc, equal_is_equal_and_never_zero);
	tcase_add_test(tc, counted_handles_and_frames_differ);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
