# SPDX-License-Identifier: GPL-2.0-or-later
# Reference model and harness; the fuzzer of operations links them as well.
check_LTLIBRARIES = libmodel.la
libmodel_la_SOURCES = \
	tests/property/bag.c tests/property/bag.h \
	tests/property/compare.c \
	tests/property/contend.c \
	tests/property/harness.c tests/property/harness.h \
	tests/property/maker.h \
	tests/property/replace.c \
	tests/property/model.c tests/property/model.h \
	tests/property/model_args.c \
	tests/property/model_event.c \
	tests/property/model_ops.c \
	tests/property/model_other.c \
	tests/property/model_store.c \
	tests/property/model_tx.c \
	tests/property/payload.c \
	tests/property/print.c \
	tests/property/scenario.c tests/property/scenario.h \
	tests/property/seeds.c tests/property/seeds.h

check_PROGRAMS += test_property
TESTS += test_property
test_property_SOURCES = tests/property/test_property.c
test_property_CFLAGS = $(AM_CFLAGS) $(TALLOC_CFLAGS)
test_property_LDADD = libmodel.la libcore.la libprotocol.la $(TALLOC_LIBS)

check_PROGRAMS += test_image
TESTS += test_image
test_image_SOURCES = tests/property/test_image.c
test_image_CFLAGS = $(AM_CFLAGS) $(TALLOC_CFLAGS)
test_image_LDADD = libmodel.la libcore.la libprotocol.la $(TALLOC_LIBS)
