# SPDX-License-Identifier: GPL-2.0-or-later
# The library as others get it: installed, and used out of this tree.
TESTS += tests/library/test_installed.py
EXTRA_DIST += tests/library/test_installed.py
