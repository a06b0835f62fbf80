# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash disable=SC2034,SC2154
#
# Run in dom0 with the name of a test: starts the daemon, reads the test, says
# the verdict.  The lines that begin with XEN-TEST are read by machine.py.
#
# A test is a list of `check`s; it goes on after one that fails, because the
# next tells more.  Time is counted in the machine's own seconds, so that a
# busy host makes a test slow but not wrong.

test=$1
failed=0
checks=0
daemon=$(cat /share/daemon)
limit=60	# seconds that a single condition may take to come true
export LD_LIBRARY_PATH=/share/lib

say()
{
	echo "XEN-TEST $*"
}

# check WHAT COMMAND...
check()
{
	what=$1
	shift
	checks=$((checks + 1))
	if "$@" > /tmp/check.out 2>&1; then
		say "  ok $what"
	else
		say "  WRONG $what"
		sed 's/^/XEN-TEST     /' /tmp/check.out
		failed=$((failed + 1))
	fi
}

# until_true SECONDS COMMAND...: as soon as it is true.
until_true()
{
	end=$(($(cut -d. -f1 /proc/uptime) + $1))
	shift
	until "$@"; do
		[ "$(cut -d. -f1 /proc/uptime)" -lt $end ] || return 1
		usleep 50000
	done
}

reads()
{
	got=$(xenstore-read "$1") || return 1
	[ "$got" = "$2" ] || { echo "$1: '$got', not '$2'"; return 1; }
}

says()
{
	wanted=$1
	shift
	got=$("$@" 2>&1)
	[ "$got" = "$wanted" ] || { echo "$* says '$got'"; return 1; }
}

absent()
{
	! xenstore-exists "$1"
}

at_least()
{
	got=$(xenstore-read "$1" 2> /dev/null) && [ "$got" -ge "$2" ]
}

. /share/daemon.sh
. /share/domain.sh
# shellcheck disable=SC1090
[ ! -f "/share/$test/daemon.sh" ] || . "/share/$test/daemon.sh"

say "BEGIN $test $daemon"
if daemon_start && domain_zero; then
	# shellcheck disable=SC1090 # one of many
	. "/share/t_$test.sh"
	check 'the daemon is alive' daemon_alive
	say "checks $checks"
else
	failed=1
	say '  WRONG the daemon did not start'
fi
if [ $failed -gt 0 ]; then
	daemon_tell
	domain_tell
	say "VERDICT failed $test"
else
	say "VERDICT passed $test"
fi
