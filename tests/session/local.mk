# SPDX-License-Identifier: GPL-2.0-or-later
# Sessions: on a channel played by the test, with files whose writes fail and
# processes that die at every step; then with real ones.
check_PROGRAMS += tests/session/test_session
TESTS += tests/session/test_session
tests_session_test_session_SOURCES = \
	tests/session/test_session.c \
	tests/session/cases.c \
	tests/session/end.c tests/session/end.h \
	tests/session/fake_channel.c tests/session/fake_channel.h \
	tests/session/faults.c tests/session/faults.h
tests_session_test_session_LDADD = lib/libpxsession.la
tests_session_test_session_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=pwrite,--wrap=fsync,--wrap=fdatasync \
	-Wl,--wrap=rename,--wrap=ftruncate

TESTS += tests/session/mutants
EXTRA_DIST += tests/session/mutants

# Both ends and the daemon killed at random: the example programs on simxen.
TESTS += tests/session/test_restarts.py
EXTRA_DIST += tests/session/test_restarts.py
