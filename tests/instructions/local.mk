# SPDX-License-Identifier: GPL-2.0-or-later
# Not part of make check: its compiler and options are its own.
EXTRA_DIST += tests/instructions/baseline tests/instructions/drive.c \
	tests/instructions/run
