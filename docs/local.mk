# SPDX-License-Identifier: GPL-2.0-or-later
dist_man_MANS += docs/man/xenstored.8
EXTRA_DIST += docs/messages.md
