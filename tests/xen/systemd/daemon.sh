# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash disable=SC2034,SC2154
#
# Sourced after daemon.sh where systemd is what starts the daemon.

unit=xenstored.service

# property NAME [UNIT]
property()
{
	systemctl show -P "$1" "${2:-$unit}"
}

daemon_pid()
{
	property MainPID
}

daemon_start()
{
	until_true $limit systemctl -q is-active $unit &&
		until_true $limit daemon_answers
}

domain_zero()
{
	until_true $limit systemctl -q is-active xenconsoled.service &&
		until_true $limit systemctl -q is-active xen-init-dom0.service
}

daemon_alive()
{
	systemctl -q is-active $unit
}

daemon_other()
{
	now=$(daemon_pid)
	[ "$now" != "$1" ] && [ "$now" != 0 ] && systemctl -q is-active $unit
}

daemon_kill()
{
	old=$(daemon_pid)
	kill -9 "$old" && until_true $limit daemon_other "$old"
}

daemon_tell()
{
	journalctl -b --no-pager -o short-monotonic _TRANSPORT=stdout \
		+ _TRANSPORT=journal | tail -n 60 |
		sed 's/^/XEN-TEST  journal: /'
}
