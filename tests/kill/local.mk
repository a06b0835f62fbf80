# SPDX-License-Identifier: GPL-2.0-or-later
check_PROGRAMS += tests/kill/load
tests_kill_load_SOURCES = \
	tests/kill/client.c \
	tests/kill/client.h \
	tests/kill/jobs.c \
	tests/kill/jobs.h \
	tests/kill/link.c \
	tests/kill/link.h \
	tests/kill/load.c
tests_kill_load_LDADD = tools/simxen/libsimxen-core.la libprotocol.la
tests_kill_load_LDFLAGS = -pthread
EXTRA_DIST += tests/kill/README.md tests/kill/check.py tests/kill/history.py tests/kill/run \
	tests/kill/introduce tests/kill/notified tests/kill/reader \
	tests/kill/test-check.py
TESTS += tests/kill/test-check.py
