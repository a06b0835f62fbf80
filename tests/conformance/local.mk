# SPDX-License-Identifier: GPL-2.0-or-later
# Run by hand or by tests/run: they need simxen, the daemon and the peers.
EXTRA_DIST += \
	docs/differences.md \
	tests/conformance/differences.py \
	tests/conformance/differences_ocaml.py \
	tests/conformance/differences_stock.py \
	tests/conformance/differences_table.py \
	tests/conformance/engine.py \
	tests/conformance/make-differences \
	tests/conformance/rules.py \
	tests/conformance/run \
	tests/conformance/s_attacks.py \
	tests/conformance/s_domains.py \
	tests/conformance/s_messages.py \
	tests/conformance/s_operations.py \
	tests/conformance/s_paths.py \
	tests/conformance/s_permissions.py \
	tests/conformance/s_quotas.py \
	tests/conformance/s_ring.py \
	tests/conformance/s_transactions.py \
	tests/conformance/s_watches.py \
	tests/conformance/wire.py \
	tests/conformance/world.py \
	tests/clients/commands.py \
	tests/clients/pyxs_client.py \
	tests/clients/run
