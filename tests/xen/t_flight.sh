# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash disable=SC2034,SC2154
#
# A request that is in the ring when the daemon dies is answered by the next one,
# once.  The daemon is stopped first; the guest, which has nothing to do but to
# ask, then waits for a reply.  Ten times, as where in its work the daemon is
# stopped is left to chance.

# Interrupts of event channels that user space in dom0 has bound.
interrupts()
{
	awk '/evtchn:/ { n += $2 } END { print n + 0 }' /proc/interrupts
}

# The guest is silent: between two looks it has sent nothing.
silent()
{
	was=$(interrupts)
	usleep 200000
	[ "$(interrupts)" = "$was" ]
}

counted()
{
	at_least "$at/count" "$1"
}

die()
{
	pid=$(cat /run/daemon.pid)
	was=$(xenstore-read "$at/count")
	kill -STOP "$pid"
	check "death $1: the guest waits" until_true $limit silent
	check "death $1: kill -9" daemon_kill
	check "death $1: it answers" until_true $limit daemon_answers
	[ $failed -eq 0 ] || return
	check "death $1: the guest goes on" until_true 20 counted \
		$((was + 50))
	check "death $1: with its own replies" absent "$at/result"
}

cp /share/ring-guest /run/
ring_config flight > /run/ring.cfg
check 'xl create' domain_create ring
at=/local/domain/$(domain_id ring)/data
check 'it asks' until_true $limit counted 50
before=$(xenstore-read "$at/longest")
deaths=0
while [ $deaths -lt 10 ] && [ $failed -eq 0 ]; do
	deaths=$((deaths + 1))
	die $deaths
done
[ $failed -gt 0 ] || check 'one of its requests waited over a death' \
	at_least "$at/longest" $((before + 1))
say "  longest wait for a reply: $before before, now" \
	"$(timeout 5 xenstore-read "$at/longest")"
