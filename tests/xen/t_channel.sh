# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash disable=SC2034,SC2154
#
# A control channel between dom0 (tools/examples/channel-backend, on the socket)
# and a guest's user space (channel-frontend, on /dev/xen/xenbus), which checks
# that the answers come in order and once each.  Then the same over three deaths
# of the daemon, of which neither end learns: it stays the first connection.

lease=60000	# milliseconds; an emulated machine is slow

backend()
{
	/share/programs/channel-backend /run/xenstored/socket 0 \
		"$(domain_id one)" "$1" $lease > "/run/backend.$1" 2>&1 &
}

# The guest's end has.
finished()
{
	xenstore-exists "$at/said-$1"
}

# all_of NAME COUNT: in one connection.
all_of()
{
	said=$(xenstore-read "$at/said-$1")
	case $said in
	"up all $2, 1 up "*) ;;
	*) echo "$said"; return 1 ;;
	esac
}

up()
{
	grep -q '^up$' "/run/backend.$1"
}

check 'xl create' domain_linux one channel
check 'its user space has written' domain_up one
at=/local/domain/$(domain_id one)/data
backend plain
check 'both ends are up' until_true $limit up plain
check 'it comes to an end' until_true 120 finished plain
check 'every answer, once, in order' all_of plain 100
[ $failed -eq 0 ] || return 0

backend killed
check 'both ends of another are up' until_true $limit up killed
for number in 1 2 3; do
	check "kill $number" daemon_kill
	check "kill $number: it answers" until_true $limit daemon_answers
	check "kill $number: the store is kept" timeout $limit xenstore-exists "$at"
	[ $failed -eq 0 ] || return 0
	check "kill $number: its messages were not yet over" absent \
		"$at/said-killed"
	# From then on messages went through the new one.
	check "kill $number: the guest's watch fires" domain_answers one \
		"kill $number"
done
xenstore-write "$at/hurry" ''
check 'it comes to an end' until_true 240 finished killed
check 'every answer, once, in order' all_of killed 500
check 'dom0 has not seen it go either' says 1 grep -c '^up$' /run/backend.killed
id=$(domain_id one)
check 'xl destroy' xl destroy one
check 'it is gone' domain_gone "$id"
