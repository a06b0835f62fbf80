# SPDX-License-Identifier: GPL-2.0-or-later
include tests/unit/protocol.mk
include tests/unit/host.mk
