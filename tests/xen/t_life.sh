# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
# Memory, reboot, shutdown: what a guest's kernel hears by its own watches.

another()
{
	now=$(domain_id one 2> /dev/null) && [ "$now" != "$1" ] &&
		xenstore-exists "/local/domain/$now/data/up"
}

check 'xl create' domain_linux one beat
check 'its user space has written' domain_up one
check 'xl mem-set' xl mem-set one 112
check 'its balloon has heard' until_true $limit domain_has_memory one 112
id=$(domain_id one)
check 'xl reboot' xl reboot one
check 'it is up again, as another domain' until_true $limit another "$id"
check 'the first is gone' domain_gone "$id"
check 'it beats' domain_beats one
check 'its watch fires' domain_answers one second
id=$(domain_id one)
check 'xl shutdown -w' timeout $limit xl shutdown -w one
check 'it is gone' domain_gone "$id"
check 'and its nodes' until_true $limit absent "/local/domain/$id"
