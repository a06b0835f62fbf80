# SPDX-License-Identifier: GPL-2.0-or-later
# The ring's close and reconnect on simxen, beside the stock daemons.
check_PROGRAMS += tests/ring/load
tests_ring_load_SOURCES = tests/ring/load.c
tests_ring_load_LDFLAGS = $(AM_LDFLAGS) -pthread
tests_ring_load_LDADD = lib/libpxring.la libprotocol.la \
	tools/simxen/libsimxen-guest.la

EXTRA_DIST += docs/differences-ring.md tests/ring/run tests/ring/differences.py \
	tests/ring/differences_table.py tests/ring/suite.py \
	tests/ring/world.py tests/ring/t_dom0.py tests/ring/t_firmware.py \
	tests/ring/t_load.py tests/ring/t_positions.py \
	tests/ring/t_start.py tests/ring/t_states.py
