# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
# Two guests at once: each its own work, neither the other's.

memory=96
check 'xl create' domain_linux one beat
check 'xl create of another' domain_linux two beat
check 'one is up' domain_up one
check 'two is up' domain_up two
check 'one beats' domain_beats one
check 'two beats' domain_beats two
check "one's watch fires" domain_answers one 'for one'
check "two's watch fires" domain_answers two 'for two'
check "and one's did not" says 'for one' domain_data one answer
id=$(domain_id one)
check 'xl destroy' xl destroy one
check 'it is gone' domain_gone "$id"
check 'two beats on' domain_beats two
check "two's watch fires" domain_answers two again
