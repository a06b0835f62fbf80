# SPDX-License-Identifier: GPL-2.0-or-later
# simxen is preloaded into programs that know no sanitizer and loaded into
# Python, so it is built without one even where all else has it.
simxen_cflags = -std=gnu11 -D_GNU_SOURCE $(WARN_CFLAGS)
simxen_ldflags = -no-undefined -avoid-version
# Nothing else may leave it, or it would stand in for a program's own names.
simxen_exports = ^(xc_|xenevtchn_|xengnttab_|xenforeignmemory_|f?open|__open|__l?xstat|l?stat|fstatat|access|faccessat|unlink|mkdir|chmod|chown|rename|bind|connect|setrlimit)

noinst_LTLIBRARIES += tools/simxen/libsimxen-core.la
tools_simxen_libsimxen_core_la_SOURCES = \
	tools/simxen/channel.c \
	tools/simxen/channel.h \
	tools/simxen/domain.c \
	tools/simxen/domain.h \
	tools/simxen/guest.c \
	tools/simxen/layout.h \
	tools/simxen/machine.c \
	tools/simxen/machine.h \
	tools/simxen/setup.c \
	tools/simxen/wake.c \
	tools/simxen/wake.h
tools_simxen_libsimxen_core_la_CFLAGS = $(simxen_cflags)
tools_simxen_libsimxen_core_la_LDFLAGS =

pkglib_LTLIBRARIES += tools/simxen/simxen.la
tools_simxen_simxen_la_SOURCES = \
	tools/simxen/preload-ctrl.c \
	tools/simxen/preload-evtchn.c \
	tools/simxen/preload-files.c \
	tools/simxen/preload-gnttab.c \
	tools/simxen/preload-paths.c \
	tools/simxen/preload-paths.h \
	tools/simxen/preload.c \
	tools/simxen/preload.h
tools_simxen_simxen_la_CFLAGS = $(simxen_cflags) $(XEN_CFLAGS)
tools_simxen_simxen_la_LDFLAGS = -module $(simxen_ldflags) \
	-export-symbols-regex '$(simxen_exports)'
tools_simxen_simxen_la_LIBADD = tools/simxen/libsimxen-core.la

lib_LTLIBRARIES += tools/simxen/libsimxen-guest.la
tools_simxen_libsimxen_guest_la_SOURCES =
# libtool links with them too.
tools_simxen_libsimxen_guest_la_CFLAGS = $(simxen_cflags)
tools_simxen_libsimxen_guest_la_LDFLAGS = $(simxen_ldflags) \
	-export-symbols-regex '^simxen_'
tools_simxen_libsimxen_guest_la_LIBADD = tools/simxen/libsimxen-core.la

bin_PROGRAMS += tools/simxen/simxen
tools_simxen_simxen_SOURCES = \
	tools/simxen/command.c \
	tools/simxen/command.h \
	tools/simxen/command-domain.c \
	tools/simxen/command-page.c \
	tools/simxen/command-run.c \
	tools/simxen/command-supervise.c \
	tools/simxen/control.c \
	tools/simxen/control.h \
	tools/simxen/fdstore.c \
	tools/simxen/fdstore.h \
	tools/simxen/notice.c \
	tools/simxen/notice.h \
	tools/simxen/service.c \
	tools/simxen/service.h
tools_simxen_simxen_CPPFLAGS = $(AM_CPPFLAGS) \
	-DSIMXEN_PKGLIBDIR='"$(pkglibdir)"'
tools_simxen_simxen_CFLAGS = $(simxen_cflags)
tools_simxen_simxen_LDFLAGS =
tools_simxen_simxen_LDADD = tools/simxen/libsimxen-core.la

EXTRA_DIST += tools/simxen/simxen.py tools/simxen/supervisor.py \
	tools/simxen/test-daemons.py tools/simxen/test-supervise.py \
	tools/simxen/toy-daemon.py \
	tools/simxen/xsclient.py tools/simxen/README.md

simxenincludedir = $(includedir)/simxen
simxeninclude_HEADERS = tools/simxen/guest.h

check_PROGRAMS += tools/simxen/test-simxen
tools_simxen_test_simxen_SOURCES = \
	tools/simxen/test-channel.c \
	tools/simxen/test-machine.c \
	tools/simxen/test-simxen.c \
	tools/simxen/test-simxen.h
tools_simxen_test_simxen_CFLAGS = $(simxen_cflags) $(XEN_CFLAGS)
tools_simxen_test_simxen_LDFLAGS = -pthread
tools_simxen_test_simxen_LDADD = tools/simxen/libsimxen-core.la $(XEN_LIBS)

TESTS += tools/simxen/test-simxen tools/simxen/test-daemons.py \
	tools/simxen/test-supervise.py
