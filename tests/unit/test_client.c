/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client's unit tests: one suite per file, one runner. */
#include <check.h>
#include <stdlib.h>

#include "tests/unit/client_script.h"

int main(void)
{
	SRunner *runner = srunner_create(client_request_suite());
	int failed;

	srunner_add_suite(runner, client_hostile_suite());
	srunner_add_suite(runner, client_watch_suite());
	srunner_add_suite(runner, client_list_suite());
	srunner_add_suite(runner, client_ring_suite());
	srunner_add_suite(runner, client_transport_suite());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
