# SPDX-License-Identifier: GPL-2.0-or-later
# libproxenos-core is everything, for our own programs and tests, which also
# reach the parts that the shared library keeps to itself.
noinst_LTLIBRARIES += libproxenos-core.la
libproxenos_core_la_SOURCES = \
	lib/channel.c lib/channel_priv.h \
	lib/channel_io.c \
	lib/client.c lib/client_priv.h \
	lib/client_call.c \
	lib/client_core.c lib/client_core.h \
	lib/client_list.c \
	lib/client_request.c \
	lib/client_watch.c \
	lib/transport_device.c \
	lib/transport_ring.c \
	lib/transport_unix.c
libproxenos_core_la_LIBADD = libpxchannel.la lib/libpxsession.la \
	libprotocol.la lib/libpxring.la

lib_LTLIBRARIES += libproxenos.la
libproxenos_la_SOURCES =
libproxenos_la_LIBADD = libproxenos-core.la
libproxenos_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 \
	-Wl,--version-script=$(top_srcdir)/lib/proxenos.map
libproxenos_la_DEPENDENCIES = libproxenos-core.la lib/proxenos.map

proxenosincludedir = $(includedir)/proxenos
proxenosinclude_HEADERS = \
	lib/include/proxenos/client.h \
	lib/include/proxenos/channel.h \
	lib/include/proxenos/client_call.h \
	lib/include/proxenos/session.h \
	lib/include/proxenos/session_file.h \
	lib/include/proxenos/transport.h

# A test compiles and runs the example in it.
dist_man_MANS += docs/man/proxenos-channel.3

pkgconfigdir = $(libdir)/pkgconfig
nodist_pkgconfig_DATA = lib/proxenos.pc
EXTRA_DIST += lib/proxenos.map lib/proxenos.pc.in
CLEANFILES += lib/proxenos.pc

lib/proxenos.pc: lib/proxenos.pc.in Makefile
	$(AM_V_GEN)$(MKDIR_P) lib && sed \
		-e 's|@prefix[@]|$(prefix)|' \
		-e 's|@exec_prefix[@]|$(exec_prefix)|' \
		-e 's|@libdir[@]|$(libdir)|' \
		-e 's|@includedir[@]|$(includedir)|' \
		-e 's|@VERSION[@]|$(VERSION)|' \
		$(top_srcdir)/lib/proxenos.pc.in >$@.tmp && mv $@.tmp $@

# The guest's end of a ring, freestanding; for any library or program here.
px_ringdir = $(includedir)/proxenos
px_ring_HEADERS = lib/include/proxenos/ring.h
noinst_HEADERS += lib/ring_client.h
noinst_LTLIBRARIES += lib/libpxring.la
lib_libpxring_la_SOURCES = lib/ring_client.c lib/ring_message.c

# Channels: the machine (core, link, read, data, text).
noinst_LTLIBRARIES += libpxchannel.la
libpxchannel_la_SOURCES = \
	lib/channel_core.c lib/channel_core.h \
	lib/channel_data.c \
	lib/channel_link.c \
	lib/channel_read.c \
	lib/channel_reason.c lib/channel_reason.h \
	lib/channel_text.c lib/channel_text.h

# Sessions, on whatever answers to channel.h: in the tests that is no channel.
noinst_LTLIBRARIES += lib/libpxsession.la
lib_libpxsession_la_SOURCES = \
	lib/session.c lib/session_priv.h \
	lib/session_box.c lib/session_box.h \
	lib/session_file.c \
	lib/session_log.c lib/session_log.h \
	lib/session_talk.c
