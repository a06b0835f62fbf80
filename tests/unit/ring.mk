# SPDX-License-Identifier: GPL-2.0-or-later
# The guest's end of a ring.
if HAVE_CHECK
check_PROGRAMS += tests/unit/test_ring tests/unit/test_ring_page
check_PROGRAMS += tests/unit/test_ring_walk
noinst_HEADERS += tests/unit/ring_sim.h
tests_unit_test_ring_SOURCES = tests/unit/test_ring.c
tests_unit_test_ring_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_ring_LDADD = lib/libpxring.la $(CHECK_LIBS)
tests_unit_test_ring_page_SOURCES = tests/unit/test_ring_page.c
tests_unit_test_ring_page_CPPFLAGS = $(AM_CPPFLAGS) $(XEN_CFLAGS) \
	$(CHECK_CFLAGS)
tests_unit_test_ring_page_LDADD = $(CHECK_LIBS)
tests_unit_test_ring_walk_SOURCES = tests/unit/test_ring_walk.c
tests_unit_test_ring_walk_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_ring_walk_LDADD = lib/libpxring.la $(CHECK_LIBS)
TESTS += tests/unit/test_ring tests/unit/test_ring_page
TESTS += tests/unit/test_ring_walk tests/unit/ring_freestanding.sh
endif
EXTRA_DIST += tests/unit/ring_freestanding.sh
