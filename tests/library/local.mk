# SPDX-License-Identifier: GPL-2.0-or-later
# The library as others get it: installed, and used out of this tree.
TESTS += tests/library/test_installed.py
EXTRA_DIST += tests/library/test_installed.py

# Many ends in one guest, to its quotas and beyond.
check_PROGRAMS += tests/library/crowd
tests_library_crowd_SOURCES = tests/library/crowd.c
tests_library_crowd_LDADD = tools/examples/libguest.la
TESTS += tests/library/test_quota.py
EXTRA_DIST += tests/library/test_quota.py

check_PROGRAMS += tests/library/test_unreached
tests_library_test_unreached_SOURCES = tests/library/test_unreached.c
tests_library_test_unreached_LDADD = libproxenos-core.la
TESTS += tests/library/test_unreached
