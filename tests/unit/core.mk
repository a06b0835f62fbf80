# SPDX-License-Identifier: GPL-2.0-or-later
# Unit tests of the core's data structures.
if HAVE_CHECK
core_unit_tests = \
	tests/unit/test_fair \
	tests/unit/test_hash \
	tests/unit/test_snapshot \
	tests/unit/test_tree \
	tests/unit/test_watch_trie
check_PROGRAMS += $(core_unit_tests)
TESTS += $(core_unit_tests)
core_unit_cflags = $(AM_CFLAGS) $(CHECK_CFLAGS) $(TALLOC_CFLAGS)
core_unit_libs = libcore.la libprotocol.la $(TALLOC_LIBS) $(CHECK_LIBS)

tests_unit_test_fair_SOURCES = tests/unit/test_fair.c
tests_unit_test_fair_CFLAGS = $(core_unit_cflags)
tests_unit_test_fair_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=dir_find -Wl,--wrap=hash_bytes
tests_unit_test_fair_LDADD = $(core_unit_libs)

tests_unit_test_hash_SOURCES = tests/unit/test_hash.c
tests_unit_test_hash_CFLAGS = $(core_unit_cflags)
tests_unit_test_hash_LDADD = $(core_unit_libs)

tests_unit_test_snapshot_SOURCES = tests/unit/test_snapshot.c
tests_unit_test_snapshot_CFLAGS = $(core_unit_cflags)
tests_unit_test_snapshot_LDADD = $(core_unit_libs)

tests_unit_test_tree_SOURCES = tests/unit/test_tree.c
tests_unit_test_tree_CFLAGS = $(core_unit_cflags)
tests_unit_test_tree_LDFLAGS = $(AM_LDFLAGS) -pthread
tests_unit_test_tree_LDADD = $(core_unit_libs)

tests_unit_test_watch_trie_SOURCES = tests/unit/test_watch_trie.c
tests_unit_test_watch_trie_CFLAGS = $(core_unit_cflags)
tests_unit_test_watch_trie_LDADD = $(core_unit_libs)
endif
