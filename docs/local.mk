# SPDX-License-Identifier: GPL-2.0-or-later
EXTRA_DIST += docs/model/ring.pml docs/model/run-ring docs/protocol/ring.md
dist_man_MANS += docs/man/xenstored.8
EXTRA_DIST += docs/compatibility.md docs/live-update.md docs/messages.md \
	docs/recovery.md docs/installing.md
EXTRA_DIST += README.md LICENSES/GPL-2.0-or-later.txt LICENSES/MIT.txt
EXTRA_DIST += docs/README.md docs/design.md docs/development.md
EXTRA_DIST += docs/guarantees.md docs/protocol/channel.md \
	docs/protocol/session.md docs/protocol/trace.md \
	docs/model/link.pml docs/model/run-link
