# SPDX-License-Identifier: GPL-2.0-or-later
include xenstored/core/local.mk

sbin_PROGRAMS += xenstored/xenstored

# What is pure in the host; tests/unit links it.
noinst_LTLIBRARIES += libhostpure.la
libhostpure_la_SOURCES = \
	xenstored/host/instance.c xenstored/host/instance.h \
	xenstored/host/list.h \
	xenstored/host/log.c xenstored/host/log.h \
	xenstored/host/options.c xenstored/host/options.h \
	xenstored/host/ring.c xenstored/host/ring.h \
	xenstored/host/table.c xenstored/host/table.h
libhostpure_la_CPPFLAGS = $(AM_CPPFLAGS) -D_GNU_SOURCE
libhostpure_la_CFLAGS = $(AM_CFLAGS) $(TALLOC_CFLAGS)

xenstored_xenstored_SOURCES = \
	xenstored/host/aside.c xenstored/host/aside.h \
	xenstored/host/asks.c xenstored/host/asks.h \
	xenstored/host/attach.c \
	xenstored/host/background.c xenstored/host/background.h \
	xenstored/host/checkpoint.c xenstored/host/checkpoint.h \
	xenstored/host/checkpoint_cut.c xenstored/host/checkpoint_cut.h \
	xenstored/host/checkpoint_file.c xenstored/host/checkpoint_file.h \
	xenstored/host/checkpoint_read.c xenstored/host/checkpoint_read.h \
	xenstored/host/checkpoint_write.c xenstored/host/checkpoint_write.h \
	xenstored/host/client.c xenstored/host/client.h \
	xenstored/host/control.c xenstored/host/control.h \
	xenstored/host/descriptors.c xenstored/host/descriptors.h \
	xenstored/host/evtchn.c xenstored/host/evtchn.h \
	xenstored/host/fault.c xenstored/host/fault.h \
	xenstored/host/guest.c xenstored/host/guest.h \
	xenstored/host/guest_map.c \
	xenstored/host/host.c xenstored/host/host.h \
	xenstored/host/hypervisor.c xenstored/host/hypervisor.h \
	xenstored/host/journal.c xenstored/host/journal.h \
	xenstored/host/journal_format.h xenstored/host/journal_read.c \
	xenstored/host/limits.c xenstored/host/limits.h \
	xenstored/host/listener.c xenstored/host/listener.h \
	xenstored/host/loop.c xenstored/host/loop.h \
	xenstored/host/main.c \
	xenstored/host/mapping.c xenstored/host/mapping.h \
	xenstored/host/meter.c xenstored/host/meter.h \
	xenstored/host/notify.c xenstored/host/notify.h \
	xenstored/host/pidfile.c xenstored/host/pidfile.h \
	xenstored/host/recovery.c xenstored/host/recovery.h \
	xenstored/host/replay.c \
	xenstored/host/settle.c xenstored/host/settle.h \
	xenstored/host/signals.c xenstored/host/signals.h \
	xenstored/host/start.c xenstored/host/start.h \
	xenstored/host/takings.c xenstored/host/takings.h \
	xenstored/host/tap.c xenstored/host/tap.h \
	xenstored/host/tap_buffer.c \
	xenstored/host/tap_filter.c xenstored/host/tap_filter.h \
	xenstored/host/topic_load.c xenstored/host/topic_notes.c \
	xenstored/host/trace.c xenstored/host/trace.h \
	xenstored/host/update.c xenstored/host/update.h \
	xenstored/host/update_child.c xenstored/host/update_child.h \
	xenstored/host/update_exec.c xenstored/host/update_exec.h \
	xenstored/host/update_resume.c \
	xenstored/host/update_state.c xenstored/host/update_state.h \
	xenstored/host/update_write.c \
	xenstored/host/words.c xenstored/host/words.h \
	xenstored/host/worker.c xenstored/host/worker.h
xenstored_xenstored_CPPFLAGS = $(AM_CPPFLAGS) -D_GNU_SOURCE
xenstored_xenstored_CFLAGS = $(AM_CFLAGS) $(TALLOC_CFLAGS) $(TDB_CFLAGS) \
	$(XEN_CFLAGS)
xenstored_xenstored_LDFLAGS = $(AM_LDFLAGS) -pthread
xenstored_xenstored_LDADD = libcore.la libhostpure.la libprotocol.la \
	$(TALLOC_LIBS) $(TDB_LIBS) $(XEN_LIBS)

# Run by xs-probe replay: the machine and the journal's reader, without Xen.
pkglibexec_PROGRAMS = xenstored/proxenos-replay
xenstored_proxenos_replay_SOURCES = \
	xenstored/host/checkpoint_file.c xenstored/host/checkpoint_file.h \
	xenstored/host/checkpoint_read.c xenstored/host/checkpoint_read.h \
	xenstored/host/fault.c xenstored/host/fault.h \
	xenstored/host/journal.c xenstored/host/journal.h \
	xenstored/host/journal_format.h xenstored/host/journal_read.c \
	xenstored/host/replay_main.c xenstored/host/replay.h \
	xenstored/host/replay_load.c xenstored/host/replay_print.c \
	xenstored/host/replay_step.c
xenstored_proxenos_replay_CPPFLAGS = $(AM_CPPFLAGS) -D_GNU_SOURCE
xenstored_proxenos_replay_CFLAGS = $(AM_CFLAGS) $(TALLOC_CFLAGS) \
	$(TDB_CFLAGS) $(JANSSON_CFLAGS)
xenstored_proxenos_replay_LDADD = libcore.la libprotocol.la $(TALLOC_LIBS) \
	$(TDB_LIBS) $(JANSSON_LIBS)
