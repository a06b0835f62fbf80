# SPDX-License-Identifier: GPL-2.0-or-later
bin_PROGRAMS += tools/xs-probe/xs-probe
tools_xs_probe_xs_probe_SOURCES = \
	tools/xs-probe/bench.c \
	tools/xs-probe/channel.c tools/xs-probe/channel.h \
	tools/xs-probe/channel_ends.c tools/xs-probe/channel_ends.h \
	tools/xs-probe/channel_ping.c \
	tools/xs-probe/channel_show.c \
	tools/xs-probe/check.c \
	tools/xs-probe/conflicts.c \
	tools/xs-probe/command.c tools/xs-probe/command.h \
	tools/xs-probe/command_list.h \
	tools/xs-probe/diff.c \
	tools/xs-probe/doctor.c tools/xs-probe/doctor.h \
	tools/xs-probe/doctor_channels.c \
	tools/xs-probe/doctor_devices.c \
	tools/xs-probe/doctor_domains.c \
	tools/xs-probe/doctor_files.c \
	tools/xs-probe/domains.c \
	tools/xs-probe/escape.c \
	tools/xs-probe/finding.c tools/xs-probe/finding.h \
	tools/xs-probe/help.c \
	tools/xs-probe/histogram.c tools/xs-probe/histogram.h \
	tools/xs-probe/known.c tools/xs-probe/known.h \
	tools/xs-probe/load.c tools/xs-probe/load.h \
	tools/xs-probe/ls.c tools/xs-probe/ls.h \
	tools/xs-probe/metrics.c tools/xs-probe/metrics.h \
	tools/xs-probe/metrics_print.c \
	tools/xs-probe/metrics_out.c tools/xs-probe/metrics_out.h \
	tools/xs-probe/pages.c tools/xs-probe/pages.h \
	tools/xs-probe/party.c tools/xs-probe/party.h \
	tools/xs-probe/probe.c tools/xs-probe/probe.h \
	tools/xs-probe/quota.c tools/xs-probe/quota.h \
	tools/xs-probe/quota_show.c \
	tools/xs-probe/record.c tools/xs-probe/record.h \
	tools/xs-probe/replay.c \
	tools/xs-probe/ring.c \
	tools/xs-probe/ring_words.c tools/xs-probe/ring_words.h \
	tools/xs-probe/snapshot.c tools/xs-probe/snapshot.h \
	tools/xs-probe/snapshot_json.c \
	tools/xs-probe/status.c \
	tools/xs-probe/table.c tools/xs-probe/table.h \
	tools/xs-probe/top.c tools/xs-probe/top.h \
	tools/xs-probe/top_column.c tools/xs-probe/top_detail.c \
	tools/xs-probe/top_json.c \
	tools/xs-probe/top_lines.c tools/xs-probe/top_model.c \
	tools/xs-probe/top_screen.c \
	tools/xs-probe/trace.c tools/xs-probe/trace.h \
	tools/xs-probe/trace_filter.c tools/xs-probe/trace_pcap.c \
	tools/xs-probe/trace_text.c \
	tools/xs-probe/tree.c \
	tools/xs-probe/update.c \
	tools/xs-probe/watch.c \
	tools/xs-probe/who.c
tools_xs_probe_xs_probe_CPPFLAGS = $(AM_CPPFLAGS) \
	-DPROBE_LIBEXEC='"$(pkglibexecdir)"' -DPROBE_SBIN='"$(sbindir)"'
tools_xs_probe_xs_probe_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) \
	$(NCURSES_CFLAGS)
tools_xs_probe_xs_probe_LDADD = libproxenos-core.la $(JANSSON_LIBS) \
	$(NCURSES_LIBS)

dist_man_MANS += docs/man/xs-probe.1

# bash looks for a file named after the command, in the directory that
# configure found.
EXTRA_DIST += tools/xs-probe/xs-probe.bash-completion
nodist_bashcompletion_DATA = tools/xs-probe/completions/xs-probe
CLEANFILES += tools/xs-probe/completions/xs-probe
tools/xs-probe/completions/xs-probe: tools/xs-probe/xs-probe.bash-completion
	$(AM_V_GEN)$(MKDIR_P) tools/xs-probe/completions && \
		cp $(top_srcdir)/tools/xs-probe/xs-probe.bash-completion $@

# What all subcommands share; then on simxen what a killed daemon left, and
# daemons that run.
TESTS += tools/xs-probe/test-frame.py tools/xs-probe/test-replay.py
TESTS += tools/xs-probe/test-look.py tools/xs-probe/test-trace.py \
	tools/xs-probe/test-top.py tools/xs-probe/test-metrics.py
TESTS += tools/xs-probe/test-channel.py
EXTRA_DIST += tools/xs-probe/test-channel.py
EXTRA_DIST += tools/xs-probe/broken.py tools/xs-probe/test-look.py \
	tools/xs-probe/test-top.py tools/xs-probe/test-trace.py \
	tools/xs-probe/exposition.py tools/xs-probe/test-metrics.py
EXTRA_DIST += tools/xs-probe/played.py tools/xs-probe/test-frame.py \
	tools/xs-probe/test-replay.py docs/protocol/control.md

# The store and the doctor.
TESTS += tools/xs-probe/test-store.py tools/xs-probe/test-doctor.py \
	tools/xs-probe/test-doctor-told.py
EXTRA_DIST += tools/xs-probe/test-store.py tools/xs-probe/test-doctor.py \
	tools/xs-probe/test-doctor-told.py
TESTS += tools/xs-probe/test-snapshot.py
EXTRA_DIST += tools/xs-probe/test-snapshot.py

# What the shell and the man page make of it.
TESTS += tools/xs-probe/test-completion.py
EXTRA_DIST += tools/xs-probe/test-completion.py

# Screens and JSON, as they were printed.
TESTS += tools/xs-probe/test-golden.py
EXTRA_DIST += tools/xs-probe/test-golden.py tools/xs-probe/scenes.py \
	tools/xs-probe/golden docs/xs-probe.md
