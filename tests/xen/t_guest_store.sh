# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
# test-xenstore in a guest.

check 'xl create' domain_linux one store
check 'its user space has written' domain_up one
check 'test-xenstore is done' until_true $limit xenstore-exists \
	"/local/domain/$(domain_id one)/data/test-xenstore"
check 'test-xenstore' says 0 domain_data one test-xenstore
check 'its watch fires' domain_answers one first
check 'xl destroy' xl destroy one
