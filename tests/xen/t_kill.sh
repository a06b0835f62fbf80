# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash disable=SC2034,SC2154
#
# kill -9 of the daemon, ten times, while a guest works without a pause and so
# always has a request under way.  What supervise keeps is enough for
# xenconsoled, too, which has a connection through the socket.

limit=30	# of which the daemon needs a tenth of a second

check 'xl create' domain_linux one beat
check 'its user space has written' domain_up one
check 'it beats' domain_beats one
check "dom0's kernel sees a device by its watch" kernel_watch 1
before=$(xenstore-read /tool/xenstored/generation)
xenstore-write /tool/kept 'written before'

# The first thing that is lost ends the test: what follows would only wait.
kill_once()
{
	check "kill $1" daemon_kill
	check "kill $1: it answers" until_true $limit daemon_answers
	[ $failed -eq 0 ] || return
	check "kill $1: the store is kept" \
		timeout $limit xenstore-exists /tool/kept
	[ $failed -eq 0 ] || return
	check "kill $1: the guest's beats go on" domain_beats one
	[ $failed -eq 0 ] || return
	check "kill $1: its watch fires" domain_answers one "kill $1"
	check "kill $1: dom0's kernel's watch fires" \
		kernel_watch $(($1 + 1))
}

after_all()
{
	[ -z "$before" ] || check 'one generation' reads \
		/tool/xenstored/generation "$before"
	check 'what was written' reads /tool/kept 'written before'
	check 'xl list' sh -c 'xl list | grep -q "^one  *[1-9]"'
	check 'the guest found no mistake' sh -c '! grep -h "GUEST beat" \
		/var/log/xen/console/*'
	check 'no ring waited for the sweep' sh -c \
		'! grep XSD024 /run/daemon.log'
	check 'xl create of another' domain_linux two beat
	check 'the other is up' domain_up two
	id=$(domain_id one)
	check 'xl destroy' xl destroy one
	check 'it is gone' domain_gone "$id"
}

kills=0
while [ $kills -lt 10 ] && [ $failed -eq 0 ]; do
	kills=$((kills + 1))
	kill_once $kills
done
[ $failed -gt 0 ] || after_all
