# SPDX-License-Identifier: GPL-2.0-or-later
include tests/unit/client.mk
include tests/unit/core.mk
include tests/unit/host.mk
include tests/unit/protocol.mk
include tests/unit/ring.mk
