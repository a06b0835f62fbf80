# SPDX-License-Identifier: GPL-2.0-or-later
# Not run by make check: figures depend on the machine.
bin_PROGRAMS += tools/xs-bench/xs-bench
tools_xs_bench_xs_bench_SOURCES = \
	tools/xs-bench/bench.c \
	tools/xs-bench/channel.c tools/xs-bench/channel.h \
	tools/xs-bench/crowd.c \
	tools/xs-bench/echo.c tools/xs-bench/echo.h \
	tools/xs-bench/link.c tools/xs-bench/link.h \
	tools/xs-bench/report.c tools/xs-bench/report.h \
	tools/xs-bench/row.c tools/xs-bench/row.h \
	tools/xs-bench/row_channel.c \
	tools/xs-bench/row_domain.c \
	tools/xs-bench/row_flood.c \
	tools/xs-bench/row_growth.c \
	tools/xs-bench/row_journal.c \
	tools/xs-bench/row_ring.c \
	tools/xs-bench/row_socket.c \
	tools/xs-bench/row_store.c \
	tools/xs-bench/row_transaction.c \
	tools/xs-bench/row_watch.c \
	tools/xs-bench/side.c tools/xs-bench/side.h
tools_xs_bench_xs_bench_CPPFLAGS = $(AM_CPPFLAGS) -D_GNU_SOURCE
tools_xs_bench_xs_bench_CFLAGS = $(AM_CFLAGS) $(XEN_CFLAGS) \
	$(JANSSON_CFLAGS)
tools_xs_bench_xs_bench_LDADD = tools/simxen/libsimxen-core.la \
	libproxenos-core.la libprotocol.la $(XEN_LIBS) $(JANSSON_LIBS) -lm
tools_xs_bench_xs_bench_LDFLAGS = -pthread

EXTRA_DIST += tools/xs-bench/plot.py tools/xs-bench/table.py \
	docs/performance.md docs/plots
