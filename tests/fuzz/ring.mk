# SPDX-License-Identifier: GPL-2.0-or-later
# Hostile guests: the host's ring service in one process, and a daemon.
check_PROGRAMS += tests/fuzz/ring_inproc tests/fuzz/ring_hostile
tests_fuzz_ring_inproc_SOURCES = tests/fuzz/ring_inproc.c \
	xenstored/host/fault.c \
	xenstored/host/guest.c xenstored/host/guest_map.c xenstored/host/host.c \
	xenstored/host/meter.c
tests_fuzz_ring_inproc_CPPFLAGS = $(AM_CPPFLAGS) -D_GNU_SOURCE
tests_fuzz_ring_inproc_CFLAGS = $(AM_CFLAGS) $(TALLOC_CFLAGS)
tests_fuzz_ring_inproc_LDADD = libhostpure.la libcore.la libprotocol.la \
	lib/libpxring.la $(TALLOC_LIBS)
TESTS += tests/fuzz/ring_inproc

tests_fuzz_ring_hostile_SOURCES = tests/fuzz/ring_hostile.c
tests_fuzz_ring_hostile_LDADD = lib/libpxring.la libprotocol.la \
	tools/simxen/libsimxen-guest.la
EXTRA_DIST += tests/fuzz/ring_daemon
