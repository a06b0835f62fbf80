# SPDX-License-Identifier: GPL-2.0-or-later
"""The differences, one row each; see differences.py."""

REASONS = {
}

# scenario, peer, reason, {step: what is seen instead}
ROWS = [
]
