# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash disable=SC2034,SC2154
#
# Live update while a guest works: a running dom0 changes over from the stock C
# daemon to ours, back, and to ours again; that is how the machine of `--daemon
# ours` begins here.  The others are updated to themselves, twice.

limit=60
stock=/usr/lib/xen-4.17/bin/xenstored
case $daemon in
ours) binaries="/share/xenstored $stock /share/xenstored" ;;
stock) binaries="$stock $stock" ;;
ocaml) binaries='/usr/lib/xen-4.17/bin/oxenstored
	/usr/lib/xen-4.17/bin/oxenstored' ;;
esac

daemon_runs()
{
	[ "$(readlink "/proc/$(cat /run/daemon.pid)/exe")" = "$1" ]
}

# A client of dom0's that was there before, and hears of each change.
heard()
{
	[ "$(grep -c "^/tool/changed/$1\$" /run/heard)" = 1 ]
}

change()
{
	to="update $1 to ${2##*/}"
	pid=$(cat /run/daemon.pid)
	xenstore-write "/tool/changes/$1" before
	check "$to" timeout $limit xenstore-control live-update -F -t 20 "$2"
	[ $failed -eq 0 ] || return
	check "$to: it is that one" until_true $limit daemon_runs "$2"
	check "$to: the same process" test "$pid" = "$(cat /run/daemon.pid)"
	check "$to: it answers" until_true $limit daemon_answers
	[ $failed -eq 0 ] || return
	check "$to: the store is kept" reads "/tool/changes/$1" before
	check "$to: and its access lists" says \
		"/tool/kept = \"kept\"   (n0,r$(domain_id one))" \
		sh -c 'xenstore-ls -fp /tool | grep ^/tool/kept'
	check "$to: the guest's beats go on" domain_beats one
	[ $failed -eq 0 ] || return
	check "$to: its watch fires" domain_answers one "change $1"
	check "$to: dom0's kernel's watch fires" kernel_watch "$1"
	xenstore-write "/tool/changed/$1" x
	check "$to: so does a client's" until_true $limit heard "$1"
}

after_all()
{
	check 'the guest found no mistake' sh -c '! grep -h "GUEST beat" \
		/var/log/xen/console/*'
	check 'xl create of another' domain_linux two beat
	check 'the other is up' domain_up two
	check 'it beats' domain_beats two
	for name in one two; do
		id=$(domain_id $name)
		check "xl destroy $name" xl destroy $name
		check "$name is gone" domain_gone "$id"
		check "and its nodes" until_true $limit absent \
			"/local/domain/$id"
	done
}

xenstore-write /tool/kept kept
xenstore-watch /tool/changed > /run/heard &
check 'xl create' domain_linux one beat
check 'its user space has written' domain_up one
check 'it beats' domain_beats one
xenstore-chmod /tool/kept n0 "r$(domain_id one)"
changes=0
for binary in $binaries; do
	changes=$((changes + 1))
	[ $failed -gt 0 ] || change $changes "$binary"
done
[ $failed -gt 0 ] || after_all
