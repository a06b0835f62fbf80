# SPDX-License-Identifier: GPL-2.0-or-later
noinst_LTLIBRARIES += libprotocol.la
libprotocol_la_SOURCES = \
	protocol/cursor.c protocol/cursor.h \
	protocol/path.c protocol/path.h \
	protocol/perm.c protocol/perm.h \
	protocol/wire.c protocol/wire.h
noinst_HEADERS += protocol/ring.h
