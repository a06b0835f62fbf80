# SPDX-License-Identifier: GPL-2.0-or-later
# Guests and a toolstack's INTRODUCE; tools/quickstart runs them.
noinst_LTLIBRARIES += tools/examples/libguest.la
tools_examples_libguest_la_SOURCES = \
	tools/examples/guest.c tools/examples/guest.h
tools_examples_libguest_la_LIBADD = libproxenos-core.la \
	tools/simxen/libsimxen-core.la

noinst_LTLIBRARIES += tools/examples/libtalk.la
tools_examples_libtalk_la_SOURCES = \
	tools/examples/channel-keep.c \
	tools/examples/channel-talk.c tools/examples/channel-talk.h
tools_examples_libtalk_la_LIBADD = tools/examples/libguest.la

noinst_PROGRAMS += \
	tools/examples/channel-backend \
	tools/examples/channel-frontend \
	tools/examples/counter \
	tools/examples/device \
	tools/examples/firmware \
	tools/examples/introduce \
	tools/examples/os
tools_examples_channel_backend_LDADD = tools/examples/libtalk.la
tools_examples_channel_frontend_LDADD = tools/examples/libtalk.la
tools_examples_counter_LDADD = tools/examples/libguest.la
tools_examples_device_LDADD = tools/examples/libguest.la
tools_examples_firmware_LDADD = tools/examples/libguest.la
tools_examples_introduce_LDADD = tools/examples/libguest.la
tools_examples_os_LDADD = tools/examples/libguest.la

EXTRA_DIST += tools/quickstart tools/common/demo.sh tools/common/talk.sh \
	tools/common/packages tools/common/packages.sh tools/common/tree.sh
