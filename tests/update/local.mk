# SPDX-License-Identifier: GPL-2.0-or-later
check_PROGRAMS += tests/update/test_stream
TESTS += tests/update/test_stream
tests_update_test_stream_SOURCES = \
	tests/update/random_machine.c tests/update/random_machine.h \
	tests/update/test_stream.c
tests_update_test_stream_CFLAGS = $(AM_CFLAGS) $(TALLOC_CFLAGS)
tests_update_test_stream_LDADD = libcore.la $(TALLOC_LIBS)
EXTRA_DIST += tests/update/after-death tests/update/load.py tests/update/run
