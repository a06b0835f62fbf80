# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash disable=SC2034,SC2154
#
# systemd is dom0's first process; units and files are those of `make install
# DESTDIR=`.  What systemctl does to the daemon is nothing to a guest, to dom0's
# kernel, and, but for a stop, to the clients.

heard()
{
	[ "$(grep -c "^/tool/done/$1\$" /run/heard)" = 1 ]
}

in_journal()
{
	journalctl -q -b -u $unit -o cat --no-pager | grep -q -e "$1"
}

shown_by_status()
{
	systemctl --no-pager status $unit > /tmp/status
	grep -q 'Active: active (running)' /tmp/status &&
		grep -q 'XSD001' /tmp/status
}

restart()
{
	old=$(daemon_pid)
	systemctl restart $unit && daemon_other "$old"
}

# Asked with the daemon's own words: nothing was begun anew.
goes_on()
{
	check "$1: the store is kept" reads /tool/kept 'written before'
	check "$1: one generation" reads /tool/xenstored/generation "$before"
	check "$1: the guest's beats go on" domain_beats one
	[ $failed -eq 0 ] || return
	check "$1: its watch fires" domain_answers one "$1"
	number=$((number + 1))
	check "$1: dom0's kernel's watch fires" kernel_watch $number
}

# ... and a client of before is still connected.
keeps_clients()
{
	xenstore-write "/tool/done/$1" x
	check "$1: a client's watch fires" until_true $limit heard "$1"
}

number=0
check 'a client was there before the daemon' test "$(cat /run/early.daemon)" \
	!= active
check 'and was answered' until_true $limit test -s /run/early.answer
check 'the socket is its unit'\''s' says /run/xenstored/socket \
	sh -c "systemctl show -P Listen xenstored.socket | cut -d' ' -f1"
check 'enabled as installed' says enabled systemctl is-enabled $unit
check 'started from where it was installed' says \
	/usr/local/sbin/xenstored readlink "/proc/$(daemon_pid)/exe"
check 'it has said that it is ready' says notify property Type
check 'systemctl status' shown_by_status
check 'its lines are in the journal' in_journal 'XSD001'
check 'descriptors are kept' test "$(property NFileDescriptorStore)" -gt 0

before=$(xenstore-read /tool/xenstored/generation)
xenstore-write /tool/kept 'written before'
xenstore-watch /tool/done > /run/heard &
check 'xl create' domain_linux one beat
check 'its user space has written' domain_up one
check 'it beats' domain_beats one
number=1
check "dom0's kernel's watch fires" kernel_watch $number
# What follows would only wait.
[ $failed -eq 0 ] || return 0

check 'systemctl restart' restart
goes_on restart
[ $failed -eq 0 ] || return 0
keeps_clients restart
check 'kill -9' daemon_kill
check 'systemd has seen it' says 1 property NRestarts
goes_on kill
[ $failed -eq 0 ] || return 0
keeps_clients kill
check 'it says so in the journal' in_journal 'XSD043'
check 'systemctl reload' systemctl reload $unit
goes_on reload
keeps_clients reload
check 'xl create of another' domain_linux two beat
check 'the other is up' domain_up two

check 'systemctl stop' systemctl stop $unit xenstored.socket
check 'it is stopped' says inactive systemctl is-active $unit
check 'and the socket gone' test ! -e /run/xenstored/socket
check 'its state is not' test -s /run/xenstored/store.tdb
check 'systemctl start' systemctl start xenstored.socket $unit
check 'it answers' until_true $limit daemon_answers
goes_on 'stop and start'
check 'the other beats, too' domain_beats two
# Its connection was one of those that a stop ends.
check 'xenconsoled again' systemctl restart xenconsoled.service
check 'xl create of a third' domain_linux three beat
check 'the third is up' domain_up three
check 'no unit has failed' says '' systemctl --failed --no-legend --plain
