# SPDX-License-Identifier: GPL-2.0-or-later
check_PROGRAMS += test_sim
TESTS += test_sim
test_sim_SOURCES = tests/sim/test_sim.c \
	tests/sim/crash.c \
	tests/sim/sim.c tests/sim/sim.h \
	tests/sim/world.c
test_sim_CFLAGS = $(AM_CFLAGS) $(TALLOC_CFLAGS)
test_sim_LDADD = libmodel.la libcore.la libprotocol.la $(TALLOC_LIBS)
