# SPDX-License-Identifier: GPL-2.0-or-later
# Unit tests of what is pure in the host.
if HAVE_CHECK
host_unit_tests = \
	tests/unit/test_host_instance \
	tests/unit/test_host_list \
	tests/unit/test_host_messages \
	tests/unit/test_host_options \
	tests/unit/test_host_ring
check_PROGRAMS += $(host_unit_tests)
TESTS += $(host_unit_tests)
host_unit_cppflags = $(AM_CPPFLAGS) -D_GNU_SOURCE \
	-DTEST_SRCDIR='"$(abs_top_srcdir)"'
host_unit_cflags = $(AM_CFLAGS) $(CHECK_CFLAGS) $(TALLOC_CFLAGS)
host_unit_libs = libhostpure.la libprotocol.la $(TALLOC_LIBS) $(CHECK_LIBS)

tests_unit_test_host_instance_SOURCES = tests/unit/test_host_instance.c
tests_unit_test_host_instance_CPPFLAGS = $(host_unit_cppflags)
tests_unit_test_host_instance_CFLAGS = $(host_unit_cflags)
tests_unit_test_host_instance_LDADD = $(host_unit_libs)

tests_unit_test_host_list_SOURCES = tests/unit/test_host_list.c
tests_unit_test_host_list_CPPFLAGS = $(host_unit_cppflags)
tests_unit_test_host_list_CFLAGS = $(host_unit_cflags)
tests_unit_test_host_list_LDADD = $(host_unit_libs)

tests_unit_test_host_messages_SOURCES = tests/unit/test_host_messages.c
tests_unit_test_host_messages_CPPFLAGS = $(host_unit_cppflags)
tests_unit_test_host_messages_CFLAGS = $(host_unit_cflags)
tests_unit_test_host_messages_LDADD = $(host_unit_libs)

tests_unit_test_host_options_SOURCES = tests/unit/test_host_options.c
tests_unit_test_host_options_CPPFLAGS = $(host_unit_cppflags)
tests_unit_test_host_options_CFLAGS = $(host_unit_cflags)
tests_unit_test_host_options_LDADD = $(host_unit_libs)

tests_unit_test_host_ring_SOURCES = tests/unit/test_host_ring.c
tests_unit_test_host_ring_CPPFLAGS = $(host_unit_cppflags)
tests_unit_test_host_ring_CFLAGS = $(host_unit_cflags)
tests_unit_test_host_ring_LDFLAGS = $(AM_LDFLAGS) -pthread
tests_unit_test_host_ring_LDADD = $(host_unit_libs)
endif

# The program itself; runs in the build tree.
TESTS += tests/unit/test_host_daemon.py
EXTRA_DIST += tests/unit/test_host_daemon.py
