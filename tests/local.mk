# SPDX-License-Identifier: GPL-2.0-or-later
include tests/unit/local.mk
include tests/property/local.mk
include tests/sim/local.mk
include tests/channel/local.mk
include tests/session/local.mk
include tests/library/local.mk
include tests/conformance/local.mk
include tests/fuzz/local.mk
include tests/instructions/local.mk
include tests/kill/local.mk
include tests/ring/local.mk
include tests/xen/local.mk
include tests/state/local.mk

EXTRA_DIST += .ci/run tests/arrows tests/cppcheck.suppressions \
	tests/peers.py tests/run tests/suites.sh
include tests/update/local.mk
