# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash disable=SC2034,SC2154
#
# In dom0: the daemon under test, and the supervisor that starts it again and
# keeps its descriptors as systemd would.  Its run directory is on tmpfs.

# The change over to ours begins with the one that is to be left.
daemon_command()
{
	case $daemon-$test in
	ours-change) echo xenstored --no-fork; return ;;
	esac
	case $daemon in
	ours) echo /share/xenstored --no-fork ;;
	stock) echo xenstored --no-fork ;;
	ocaml) echo oxenstored --no-fork ;;
	esac
}

# The socket is older than a daemon that was started again.
daemon_answers()
{
	timeout 5 xenstore-exists / 2> /dev/null
}

daemon_start()
{
	# shellcheck disable=SC2046 # a list of words
	XENSTORED_RUNDIR=/run/xenstored /share/supervise /run/daemon.pid \
		/run/notify $(daemon_command) >> /run/daemon.log 2>&1 &
	until_true $limit test -S /run/xenstored/socket &&
		until_true $limit daemon_answers
}

daemon_alive()
{
	kill -0 "$(cat /run/daemon.pid)"
}

# daemon_kill: kill -9, and wait until another process has taken its place.
daemon_kill()
{
	old=$(cat /run/daemon.pid)
	kill -9 "$old"
	until_true $limit daemon_other "$old"
}

daemon_other()
{
	[ "$(cat /run/daemon.pid)" != "$1" ]
}

daemon_tell()
{
	tail -n 40 /run/daemon.log | sed 's/^/XEN-TEST  daemon: /'
}
