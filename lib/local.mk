# SPDX-License-Identifier: GPL-2.0-or-later

# The guest's end of a ring, freestanding; for any library or program here.
px_ringdir = $(includedir)/proxenos
px_ring_HEADERS = lib/include/proxenos/ring.h
noinst_HEADERS += lib/ring_client.h
noinst_LTLIBRARIES += lib/libpxring.la
lib_libpxring_la_SOURCES = lib/ring_client.c lib/ring_message.c
