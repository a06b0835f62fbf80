# SPDX-License-Identifier: GPL-2.0-or-later
if HAVE_CHECK
check_PROGRAMS += test_protocol
TESTS += test_protocol
test_protocol_SOURCES = tests/unit/test_protocol.c \
	tests/unit/protocol_text.c tests/unit/protocol.h
test_protocol_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_protocol_LDADD = libprotocol.la $(CHECK_LIBS)
endif
