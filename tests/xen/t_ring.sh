# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash disable=SC2034,SC2154
# A guest without an operating system: byte by byte, pipelined, oversize,
# transactions, watches, resets.  guest/main.c says what each step is.

ring_config steps > /run/ring.cfg
cp /share/ring-guest /run/
check 'xl create' domain_create ring
check 'it says how it went' until_true $limit xenstore-exists \
	"/local/domain/$(domain_id ring)/data/result"
check 'every step' says passed domain_data ring result
[ $failed -eq 0 ] || xenstore-ls -f "/local/domain/$(domain_id ring)/data" |
	sed 's/^/XEN-TEST   /'
id=$(domain_id ring)
check 'xl destroy' xl destroy ring
check 'it is gone' domain_gone "$id"
