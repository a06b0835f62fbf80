# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
#
# kill -9 of the daemon, ten times, while a guest works without a pause and so
# always has a request under way.  What supervise keeps is enough for
# xenconsoled, too, which has a connection through the socket.

backend=/local/domain/0/backend/vbd/9

kernel_device()
{
	[ -e "/sys/bus/xen-backend/devices/vbd-9-$1" ]
}

# dom0's kernel makes a device when its watch of backend/ fires.  Its watches
# were set once, before the first kill.
kernel_watch()
{
	xenstore-write "$backend/$1/frontend" "/local/domain/9/device/vbd/$1" \
		"$backend/$1/frontend-id" 9 "$backend/$1/state" 1 \
		"/local/domain/9/device/vbd/$1/state" 1
	until_true $limit kernel_device "$1"
}

check 'xl create' domain_linux one beat
check 'its user space has written' domain_up one
check 'it beats' domain_beats one
check "dom0's kernel sees a device by its watch" kernel_watch 1
before=$(xenstore-read /tool/xenstored/generation)
xenstore-write /tool/kept 'written before'

kill=0
while [ $kill -lt 10 ]; do
	kill=$((kill + 1))
	check "kill $kill" daemon_kill
	check "kill $kill: it answers" until_true $limit daemon_answers
	check "kill $kill: the store is kept" reads /tool/kept 'written before'
	check "kill $kill: the guest's beats go on" domain_beats one
	check "kill $kill: its watch fires" domain_answers one "kill $kill"
	check "kill $kill: dom0's kernel's watch fires" \
		kernel_watch $((kill + 1))
	[ $failed -eq 0 ] || break
done

[ -z "$before" ] || check 'one generation' reads \
	/tool/xenstored/generation "$before"
check 'xl list' sh -c 'xl list | grep -q "^one  *[1-9]"'
check 'the guest found no mistake' sh -c '! grep -h "GUEST beat" \
	/var/log/xen/console/*'
check 'xl create of another' domain_linux two beat
check 'the other is up' domain_up two
id=$(domain_id one)
check 'xl destroy' xl destroy one
check 'it is gone' domain_gone "$id"
