# SPDX-License-Identifier: GPL-2.0-or-later
noinst_LTLIBRARIES += libcore.la
libcore_la_CFLAGS = $(AM_CFLAGS) $(TALLOC_CFLAGS)
libcore_la_LIBADD = libprotocol.la $(TALLOC_LIBS)
libcore_la_SOURCES = \
	xenstored/core/access.c xenstored/core/access.h \
	xenstored/core/acl.c xenstored/core/acl.h \
	xenstored/core/ask.c xenstored/core/ask.h \
	xenstored/core/branch.c xenstored/core/branch.h \
	xenstored/core/change.c xenstored/core/change.h \
	xenstored/core/check.c \
	xenstored/core/conn.c xenstored/core/conn.h \
	xenstored/core/diff.c xenstored/core/diff.h \
	xenstored/core/digest.c \
	xenstored/core/dir.c xenstored/core/dir.h \
	xenstored/core/domain.c xenstored/core/domain.h \
	xenstored/core/effect.c xenstored/core/effect.h \
	xenstored/core/fair.c xenstored/core/fair.h \
	xenstored/core/field.c xenstored/core/field.h \
	xenstored/core/fire.c \
	xenstored/core/hash.c xenstored/core/hash.h \
	xenstored/core/image.h xenstored/core/image_conn.c xenstored/core/image_key.h \
	xenstored/core/image_read.c xenstored/core/image_read.h \
	xenstored/core/image_tx.c \
	xenstored/core/image_write.c \
	xenstored/core/list.h \
	xenstored/core/listing.c xenstored/core/listing.h \
	xenstored/core/look.c xenstored/core/look.h xenstored/core/look_path.c \
	xenstored/core/machine.c xenstored/core/machine.h \
	xenstored/core/mem.c xenstored/core/mem.h \
	xenstored/core/node.c xenstored/core/node.h \
	xenstored/core/notes.c xenstored/core/notes.h \
	xenstored/core/op_control.c \
	xenstored/core/op_domain.c \
	xenstored/core/op_read.c \
	xenstored/core/op_setting.c \
	xenstored/core/op_transaction.c \
	xenstored/core/op_watch.c \
	xenstored/core/op_write.c \
	xenstored/core/output.c xenstored/core/output.h \
	xenstored/core/pool.c xenstored/core/pool.h \
	xenstored/core/probe.c xenstored/core/probe.h \
	xenstored/core/quota.c xenstored/core/quota.h \
	xenstored/core/request.c xenstored/core/request.h \
	xenstored/core/stale.c xenstored/core/stale.h \
	xenstored/core/state.h \
	xenstored/core/stream.c xenstored/core/stream.h \
	xenstored/core/stream_conn.c \
	xenstored/core/stream_format.h \
	xenstored/core/stream_node.c \
	xenstored/core/stream_read.c xenstored/core/stream_read.h \
	xenstored/core/stream_write.c \
	xenstored/core/transaction.c xenstored/core/transaction.h \
	xenstored/core/tree.c xenstored/core/tree.h \
	xenstored/core/trie.h \
	xenstored/core/watch.c xenstored/core/watch.h
