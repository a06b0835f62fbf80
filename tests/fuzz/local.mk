# SPDX-License-Identifier: GPL-2.0-or-later
include tests/fuzz/ring.mk
# Fuzz targets.  `make check` runs them over the corpus and some random
# inputs; `make fuzz-clang` links them with clang's fuzzer into fuzz-clang/:
#
#   make fuzz-clang && mkdir -p /tmp/corpus &&
#   fuzz-clang/fuzz_stream /tmp/corpus ../tests/fuzz/corpus/stream
check_PROGRAMS += fuzz_protocol fuzz_stream fuzz_ops
TESTS += fuzz_protocol fuzz_stream fuzz_ops

fuzz_protocol_SOURCES = tests/fuzz/fuzz_protocol.c tests/fuzz/driver.c \
	tests/fuzz/fuzz.h
fuzz_protocol_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"protocol"' \
	-DFUZZ_INPUTS=20000
fuzz_protocol_LDADD = libprotocol.la

fuzz_stream_SOURCES = tests/fuzz/fuzz_stream.c tests/fuzz/driver.c \
	tests/fuzz/fuzz.h
fuzz_stream_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"stream"' \
	-DFUZZ_INPUTS=3000
fuzz_stream_LDADD = libcore.la libprotocol.la $(TALLOC_LIBS)

fuzz_ops_SOURCES = tests/fuzz/fuzz_ops.c tests/fuzz/driver.c \
	tests/fuzz/fuzz.h
fuzz_ops_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_NAME='"ops"' -DFUZZ_INPUTS=300
fuzz_ops_LDADD = libmodel.la libcore.la libprotocol.la $(TALLOC_LIBS)

EXTRA_DIST += tests/fuzz/corpus

FUZZ_CLANG = clang
FUZZ_CLANG_CFLAGS = -g -O1 -std=gnu11 -fno-omit-frame-pointer \
	-fsanitize=fuzzer,address,undefined \
	-fno-sanitize-recover=undefined

fuzz-clang: $(fuzz_protocol_SOURCES) $(fuzz_stream_SOURCES) \
		$(fuzz_ops_SOURCES) $(libmodel_la_SOURCES) \
		$(libcore_la_SOURCES) $(libprotocol_la_SOURCES) \
		$(fuzz_channel_SOURCES) $(fuzz_peer_SOURCES) \
		$(libpxchannel_la_SOURCES)
	$(MKDIR_P) fuzz-clang
	all=; for f in $(libmodel_la_SOURCES) $(libcore_la_SOURCES) \
		$(libprotocol_la_SOURCES); do \
		case $$f in *.c) all="$$all $$f";; esac; \
	done; \
	for t in protocol stream ops; do \
		(cd $(srcdir) && $(FUZZ_CLANG) $(FUZZ_CLANG_CFLAGS) \
		-DHAVE_CONFIG_H -I$(abs_builddir) -I. $(TALLOC_CFLAGS) \
		-o $(abs_builddir)/fuzz-clang/fuzz_$$t \
		tests/fuzz/fuzz_$$t.c $$all $(TALLOC_LIBS)) || exit 1; \
	done; \
	all=; for f in $(libpxchannel_la_SOURCES) $(libprotocol_la_SOURCES); \
		do case $$f in *.c) all="$$all $$f";; esac; \
	done; \
	for t in channel peer; do \
		(cd $(srcdir) && $(FUZZ_CLANG) $(FUZZ_CLANG_CFLAGS) \
		-DHAVE_CONFIG_H -I$(abs_builddir) -I. -Ilib/include \
		-o $(abs_builddir)/fuzz-clang/fuzz_$$t \
		tests/channel/fuzz_$$t.c $$all) || exit 1; \
	done
.PHONY: fuzz-clang
CLEANFILES += fuzz-clang/fuzz_protocol fuzz-clang/fuzz_stream \
	fuzz-clang/fuzz_ops fuzz-clang/fuzz_channel fuzz-clang/fuzz_peer
