# SPDX-License-Identifier: GPL-2.0-or-later
check_PROGRAMS += test_channel_sim fuzz_channel fuzz_peer
TESTS += test_channel_sim fuzz_channel fuzz_peer

test_channel_sim_SOURCES = tests/channel/test_sim.c \
	tests/channel/sim_image.c tests/channel/sim_model.c \
	tests/channel/sim_trouble.c \
	tests/channel/sim_watch.c tests/channel/sim_world.c \
	tests/channel/sim.h
test_channel_sim_LDADD = libpxchannel.la libprotocol.la

fuzz_channel_SOURCES = tests/channel/fuzz_channel.c tests/fuzz/driver.c \
	tests/fuzz/fuzz.h
fuzz_channel_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"channel"' \
	-DFUZZ_INPUTS=20000
fuzz_channel_LDADD = libpxchannel.la libprotocol.la

fuzz_peer_SOURCES = tests/channel/fuzz_peer.c tests/fuzz/driver.c \
	tests/fuzz/fuzz.h
fuzz_peer_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"peer"' \
	-DFUZZ_INPUTS=20000
fuzz_peer_LDADD = libpxchannel.la libprotocol.la

# What tests/channel/ends.py starts.
check_PROGRAMS += channel_end
channel_end_SOURCES = tests/channel/end.c
channel_end_LDADD = tools/examples/libguest.la

EXTRA_DIST += tests/channel/mutants tests/channel/refine
EXTRA_DIST += tests/channel/ends.py
EXTRA_DIST += tests/channel/test_channel.py
EXTRA_DIST += tests/channel/test_failures.py
TESTS += tests/channel/test_channel.py
