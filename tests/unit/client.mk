# SPDX-License-Identifier: GPL-2.0-or-later
# The library's client and xs-probe's shared modules.
if HAVE_CHECK
check_PROGRAMS += tests/unit/test_client
TESTS += tests/unit/test_client
tests_unit_test_client_SOURCES = \
	tests/unit/test_client.c \
	tests/unit/client_hostile.c \
	tests/unit/client_list.c \
	tests/unit/client_request.c \
	tests/unit/client_ring.c \
	tests/unit/client_script.c tests/unit/client_script.h \
	tests/unit/client_transport.c \
	tests/unit/client_watch.c
tests_unit_test_client_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_client_LDADD = libproxenos-core.la $(CHECK_LIBS)
# So that the test sees any use of the allocator by the library.
tests_unit_test_client_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc

check_PROGRAMS += tests/unit/test_probe
TESTS += tests/unit/test_probe
tests_unit_test_probe_SOURCES = \
	tests/unit/test_probe.c \
	tools/xs-probe/escape.c tools/xs-probe/ls.h \
	tools/xs-probe/histogram.c tools/xs-probe/histogram.h \
	tools/xs-probe/record.c tools/xs-probe/record.h \
	tools/xs-probe/ring_words.c tools/xs-probe/ring_words.h \
	tools/xs-probe/table.c tools/xs-probe/table.h
tests_unit_test_probe_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_probe_LDADD = libprotocol.la $(CHECK_LIBS) $(JANSSON_LIBS)
endif

# The whole program against a daemon played by the script.
TESTS += tools/xs-probe/test-xs-probe.py
EXTRA_DIST += tools/xs-probe/test-xs-probe.py
