# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
# Save and restore: the guest comes back as another domain, sets its watches
# again, and its programs go on in the middle of what they did.

check 'xl create' domain_linux one beat
check 'its user space has written' domain_up one
check 'it beats' domain_beats one
id=$(domain_id one)
check 'xl save' timeout $limit xl save one /share/saved
check 'it is gone' domain_gone "$id"
check 'xl restore' timeout $limit xl restore /share/saved
check 'as another domain' test "$(domain_id one)" -gt "$id"
check 'it beats on' domain_beats one
check 'its watch fires' domain_answers one 'after all'
check 'xl save -c' timeout $limit xl save -c one /share/saved
check 'it beats on after a checkpoint' domain_beats one
check 'its watch fires after a checkpoint' domain_answers one 'still'
