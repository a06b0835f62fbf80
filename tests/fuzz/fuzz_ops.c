/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The input decides what several connections, the hypervisor and the host
 * do, by the same alphabet as the property test; machine and model must
 * agree on every byte.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/fuzz.h"
#include "tests/property/harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct scenario s;
	struct harness h;
	bool ok;

	scenario_read(&s, bytes, len);
	ok = harness_begin(&h, &s, false, getenv("FUZZ_VERBOSE"));
	for (size_t i = 0; i < s.count && ok; i++)
		ok = harness_do(&h, &s.deeds[i]);
	if (!ok) {
		fprintf(stderr, "fuzz_ops: %s\n", h.failure);
		for (size_t i = 0; i < s.count; i++)
			deed_print(stderr, &s.deeds[i]);
		abort();
	}
	harness_end(&h);
	scenario_free(&s);
	return 0;
}
