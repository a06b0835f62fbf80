# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Sourced by tools/quickstart: the daemon at its main job, on a simxen machine
# of its own.  dom0's toolstack is the real xenstore-* programs and one example
# program for INTRODUCE; the guests are processes on rings (tools/examples).
# Each check prints one line, and the verdict counts them.

demo_steps=0
demo_bad=0
demo_dir=
demo_pid=

demo_line()
{
	if [ "$1" -eq 0 ]; then
		printf '  ok      %s\n' "$2"
	else
		printf '  FAILED  %s\n' "$2"
		demo_bad=$((demo_bad + 1))
		tail -n 5 "$demo_dir/out" 2> /dev/null | sed 's/^/            /'
	fi
	demo_steps=$((demo_steps + 1))
}

# step TEXT COMMAND...: it must succeed.
step()
{
	local text=$1

	shift
	timeout 20 "$@" > "$demo_dir/out" 2>&1
	demo_line $? "$text"
}

# says TEXT WANTED COMMAND...: it must succeed and print exactly that.
says()
{
	local text=$1 wanted=$2

	shift 2
	timeout 20 "$@" > "$demo_dir/out" 2>&1 &&
		[ "$(cat "$demo_dir/out")" = "$wanted" ]
	demo_line $? "$text"
}

# program FILE STATUS: an example program has ended; its own checks are lines
# of ours.  One that ends badly without saying why is a failure too.
program()
{
	local word text seen=0

	while read -r word text; do
		: > "$demo_dir/out"
		case $word in
		ok) demo_line 0 "$text" ;;
		*) demo_line 1 "$text"; seen=1 ;;
		esac
	done < "$1"
	cp "$1" "$demo_dir/out"
	[ "$2" -eq 0 ] || [ $seen -eq 1 ] ||
		demo_line 1 "it ended with status $2"
	[ -s "$1" ] || demo_line 1 "it said nothing"
}

# alone NAME ARGS...: one example program.
alone()
{
	local status

	timeout 30 "$demo_bin/$1" "${@:2}" > "$demo_dir/one" 2>&1
	status=$?
	program "$demo_dir/one" $status
}

# together: two of them at the same time, words up to -- and after it.
together()
{
	local first=() one two a b

	while [ "$1" != -- ]; do
		first+=("$1")
		shift
	done
	shift
	timeout 30 "$demo_bin/${first[0]}" "${first[@]:1}" \
		> "$demo_dir/one" 2>&1 &
	one=$!
	timeout 30 "$demo_bin/$1" "${@:2}" > "$demo_dir/two" 2>&1 &
	two=$!
	wait $one
	a=$?
	wait $two
	b=$?
	program "$demo_dir/one" $a
	program "$demo_dir/two" $b
}

# listen PATH: dom0's xenstore-watch on it, up when its first event is here.
listen()
{
	timeout 30 xenstore-watch -n 2 "$1" > "$demo_dir/watch" 2>&1 &
	demo_watch=$!
	for _ in $(seq 500); do
		[ ! -s "$demo_dir/watch" ] || return 0
		sleep 0.01
	done
	return 1
}

# heard PATH: it has ended, for the second event came, and that names PATH.
heard()
{
	wait "$demo_watch" && [ "$(sed -n 2p "$demo_dir/watch")" = "$1" ]
}

# A domain's nodes as a toolstack makes them: dom0 owns its home, which the
# guest may read, the guest what it is to write.
demo_domain()
{
	local home=/local/domain/$1

	xenstore-write "$home" "" "$home/name" "guest-$1" \
		"$home/domid" "$1" &&
	xenstore-chmod "$home" n0 "r$1" &&
	xenstore-chmod "$home/name" n0 "r$1" &&
	xenstore-write "$home/data" "" &&
	xenstore-chmod "$home/data" "n$1"
}

# A device of frontend $2 in backend $1.
demo_device()
{
	local front=/local/domain/$2/device/demo/0
	local back=/local/domain/$1/backend/demo/$2/0

	xenstore-write "$front" "" "$back" "" &&
	xenstore-chmod "$front" "n$2" "r$1" &&
	xenstore-chmod "$back" "n$1" "r$2" &&
	xenstore-write "$front/backend" "$back" "$front/backend-id" "$1" \
		"$back/frontend" "$front" "$back/frontend-id" "$2"
}

# knows DOMID: xenstored lists that domain.  Status 2 if it cannot be asked.
demo_knows()
{
	local all

	all=$(timeout 20 xs-probe domains --json) || return 2
	tr -d ' \n' <<< "$all" | grep -q "\"domid\":$1[,}]"
}

# It hears twice of a death, and may be asked between the two.
demo_forgets()
{
	local status

	for _ in $(seq 500); do
		demo_knows "$1"
		status=$?
		[ $status -eq 0 ] || break
		sleep 0.01
	done
	[ $status -eq 1 ]
}

demo_end()
{
	talk_end
	[ -z "$demo_pid" ] || kill "$demo_pid" 2> /dev/null
	[ -z "$demo_pid" ] || wait "$demo_pid" 2> /dev/null
	[ -z "$demo_dir" ] || simxen destroy "$demo_dir/machine" 2> /dev/null
	[ -z "$demo_dir" ] || rm -rf "$demo_dir"
	demo_pid=
	demo_dir=
}

demo_start()
{
	export SIMXEN_DIR=$demo_dir/machine
	export XENSTORED_RUNDIR=$SIMXEN_DIR/run
	export XENSTORED_PATH=$SIMXEN_DIR/run/socket
	unset XENSTORED_ROOTDIR
	step "a machine, in $SIMXEN_DIR" simxen create "$SIMXEN_DIR"
	# As systemd would: it keeps descriptors and starts the dead anew.
	setsid simxen supervise -- "$demo_top/build/xenstored/xenstored" -N \
		< /dev/null > "$demo_dir/daemon.log" 2>&1 &
	demo_pid=$!
	step "our xenstored answers on it" simxen wait --timeout 10
}

demo_toolstack()
{
	local n

	step "xenstore-write as dom0" xenstore-write /local/domain/0/name \
		Domain-0 /local/domain/0/domid 0 /shared/counter 0
	says "xenstore-read gives it back" Domain-0 \
		xenstore-read /local/domain/0/name
	step "four domains are built" simxen domain add --count 4
	for n in 1 2 3 4; do
		demo_domain $n > "$demo_dir/out" 2>&1
		demo_line $? "xenstore-write, xenstore-chmod: domain $n's nodes"
	done
	step "the counter is open to domains 1 and 2" \
		xenstore-chmod /shared/counter n0 b1 b2
	alone introduce 1 2 3 4
}

demo_guests()
{
	echo "Two guests, one number, at the same time:"
	together counter 1 /shared/counter 200 -- \
		counter 2 /shared/counter 200
	says "xenstore-read: all 400 arrived, none twice" 400 \
		xenstore-read /shared/counter
	echo "A device between them:"
	demo_device 1 2 > "$demo_dir/out" 2>&1
	demo_line $? "its nodes, made by the toolstack"
	listen /local/domain/2/device/demo/0/state
	demo_line $? "xenstore-watch waits in dom0"
	together device back 1 /local/domain/1/backend/demo/2/0 \
			/local/domain/2/device/demo/0 -- \
		device front 2 /local/domain/2/device/demo/0 \
			/local/domain/1/backend/demo/2/0
	heard /local/domain/2/device/demo/0/state
	demo_line $? "xenstore-watch saw it in dom0"
}

# Kill the daemon at so many instants; each time it must come back by itself.
demo_killer()
{
	local n back before

	before=$(grep -c XSD043 "$demo_dir/daemon.log")
	for n in $(seq "$1"); do
		pkill -KILL -P "$demo_pid" || return 1
		for _ in $(seq 500); do
			back=$(grep -c XSD043 "$demo_dir/daemon.log")
			[ "$back" -lt $((before + n)) ] || break
			sleep 0.01
		done
		[ "$back" -ge $((before + n)) ] || return 1
	done
}

demo_kill()
{
	local killer

	echo "The same, while xenstored is killed ten times:"
	xenstore-write /shared/counter 0
	demo_killer 10 > "$demo_dir/killer" 2>&1 &
	killer=$!
	together counter 1 /shared/counter 400 -- \
		counter 2 /shared/counter 400
	wait "$killer"
	demo_line $? "kill -9, ten times: it came back, with all it held"
	says "xenstore-read: all 800 arrived, none twice" 800 \
		xenstore-read /shared/counter
}

demo_firmware()
{
	echo "Firmware and what boots after it:"
	alone firmware tidy 3
	alone os tidy 3
	alone firmware crash 4
	alone os crash 4
}

demo_death()
{
	echo "The end of a guest:"
	listen @releaseDomain
	demo_line $? "xenstore-watch waits in dom0"
	demo_knows 2
	demo_line $? "xenstored knows domain 2"
	step "domain 2 is destroyed" simxen domain kill 2
	heard @releaseDomain
	demo_line $? "dom0 is told"
	demo_forgets 2
	demo_line $? "xenstored has forgotten it"
	step "xenstore-rm cleans up" xenstore-rm /local/domain/2 \
		/local/domain/1/backend/demo/2
}

demo_tables()
{
	local what

	echo "What xs-probe says:"
	for what in status domains "ls /local/domain/1" check; do
		# shellcheck disable=SC2086 # words
		timeout 20 xs-probe $what > "$demo_dir/table" 2>&1
		set -- $?
		: > "$demo_dir/out"
		demo_line "$1" "xs-probe $what"
		sed 's/^/            /' "$demo_dir/table"
	done
}

demo_verdict()
{
	echo
	if [ $demo_bad -eq 0 ] && [ $demo_steps -gt 0 ]; then
		echo "It works: $demo_steps steps, every one checked."
		return 0
	fi
	echo "It does NOT work: $demo_bad of $demo_steps steps failed."
	echo "The daemon's last words:"
	tail -n 20 "$demo_dir/daemon.log" | sed 's/^/    /'
	return 1
}

demo_stay()
{
	disown "$demo_pid"
	cat <<-END

	The machine stays.  To talk to it:

	  export SIMXEN_DIR=$SIMXEN_DIR
	  export XENSTORED_RUNDIR=$XENSTORED_RUNDIR
	  export XENSTORED_PATH=$XENSTORED_PATH
	  export PATH=$demo_tools:\$PATH

	  xenstore-ls; xs-probe status; simxen domain list; simxen --help

	To end it: kill $demo_pid; simxen destroy \$SIMXEN_DIR; rm -r $demo_dir
	END
}

# demo_run TOP yes|no: yes leaves the machine there, if all went well.
demo_run()
{
	local began=$SECONDS result

	demo_top=$1
	demo_bin=$1/build/tools/examples
	demo_tools=$1/build/tools/simxen:$1/build/tools/xs-probe
	PATH=$demo_tools:$PATH
	demo_dir=$(mktemp -d "${TMPDIR:-/tmp}/proxenos.XXXXXX") || return 1
	trap demo_end EXIT
	trap 'exit 130' INT TERM
	echo "A machine without Xen, dom0's toolstack, four guests:"
	demo_start
	demo_toolstack
	demo_guests
	demo_kill
	demo_channels
	demo_firmware
	demo_death
	demo_tables
	if [ "$2" = no ]; then
		kill "$demo_pid" && wait "$demo_pid"
		demo_line $? "xenstored ends when told to"
		demo_pid=
	fi
	demo_verdict
	result=$?
	echo "($((SECONDS - began)) s on the machine)"
	if [ "$2" = yes ] && [ $result -eq 0 ]; then
		demo_stay
		demo_pid=
		demo_dir=
	fi
	return $result
}
