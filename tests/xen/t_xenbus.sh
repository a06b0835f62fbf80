# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash disable=SC2034,SC2154
# libproxenos over a kernel's device, in dom0 and in a guest; xenbus.c says what
# each step is.

xenstore-write /tool/library ''
# For the guest to read the list that is made there.
xenstore-chmod /tool/library r0
check 'in dom0' /share/programs/xenbus-client /dev/xen/xenbus /tool/library \
	/tool/library/list
check 'and its nodes by others' says second xenstore-read /tool/library/both
check 'xl create' domain_linux one xenbus
check 'its user space has written' domain_up one
check 'it has come to an end' until_true $limit xenstore-exists \
	"/local/domain/$(domain_id one)/data/xenbus"
check 'in the guest' says 0 domain_data one xenbus
check 'and its nodes by dom0' says second domain_data one library/both
check 'its watch fires' domain_answers one first
id=$(domain_id one)
check 'xl destroy' xl destroy one
check 'it is gone' domain_gone "$id"
