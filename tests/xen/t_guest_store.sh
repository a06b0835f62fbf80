# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
# test-xenstore in a guest.

check 'xl create' domain_linux one store
check 'its user space has written' domain_up one
# Its own directory is dom0's; it may write where dom0 lets it.
at=/local/domain/$(domain_id one)
xenstore-write "$at/xenstore-test" ''
xenstore-chmod "$at/xenstore-test" "n$(domain_id one)"
xenstore-write "$at/data/go" ''
check 'test-xenstore is done' until_true $limit xenstore-exists \
	"/local/domain/$(domain_id one)/data/test-xenstore"
check 'test-xenstore' says 0 domain_data one test-xenstore
check 'its watch fires' domain_answers one first
id=$(domain_id one)
check 'xl destroy' xl destroy one
check 'it is gone' domain_gone "$id"
