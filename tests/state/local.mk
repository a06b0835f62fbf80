# SPDX-License-Identifier: GPL-2.0-or-later
# Run by hand or by tests/run: they want --enable-faults, and root.
EXTRA_DIST += tests/state/damage.py tests/state/full \
	tests/state/lack tests/state/options tests/state/other-machine \
	tests/state/run tests/state/statehost.py tests/state/systemd
