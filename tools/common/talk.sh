# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Sourced by tools/quickstart before demo.sh, whose steps it adds to: control
# channels between domain 1, over its ring, and dom0, over the socket.  Both
# ends print a line for each thing that happens to them; those are waited for.
# shellcheck disable=SC2154 # demo_dir and demo_bin are of demo.sh

talk_count=10000
# A second, until all that is to be killed has been: it must last that long.
talk_rate=800
talk_back=
talk_front=

# talk_begin back|front ARGS...: the end of that name, or its successor, which
# goes on in the same file of lines.
talk_begin()
{
	local which=$1

	shift
	"$demo_bin/channel-${which}end" "$@" \
		>> "$demo_dir/$which" 2>> "$demo_dir/$which.err" &
	eval "talk_$which=$!"
}

talk_begin_back()
{
	talk_begin back ${1:+-k "$demo_dir/back.kept"} "$XENSTORED_PATH" 0 1 \
		talk 3000
}

talk_begin_front()
{
	talk_begin front ${1:+-k "$demo_dir/front.kept"} -r $talk_rate ring 1 \
		0 talk $talk_count 3000
}

# How often an end was up, over all its lives.
talk_ups()
{
	grep -cx up "$demo_dir/$1"
}

# talk_meet BACK FRONT: both have been up more often than that.
talk_meet()
{
	for _ in $(seq 1000); do
		[ "$(talk_ups back)" -le "$1" ] ||
			[ "$(talk_ups front)" -le "$2" ] || return 0
		kill -0 "$talk_front" 2> /dev/null || return 1
		sleep 0.01
	done
	return 1
}

# Both end by themselves now: the frontend has all, the backend is told to.
talk_finish()
{
	local status

	kill -USR1 "$talk_front"
	wait "$talk_front"
	status=$?
	talk_front=
	kill "$talk_back" && wait "$talk_back" && [ $status -eq 0 ]
}

talk_end()
{
	for pid in $talk_back $talk_front; do
		kill -KILL "$pid" 2> /dev/null
	done
	talk_back=
	talk_front=
}

# One of the two is killed, and started again.
talk_kill()
{
	local pid=talk_$1

	kill -KILL "${!pid}" || return 1
	wait "${!pid}" 2> /dev/null
	"talk_begin_$1" kept
}

talk_reset()
{
	rm -f "$demo_dir"/{back,front}{,.err,.kept,.kept.lock}
	: > "$demo_dir/back"
	: > "$demo_dir/front"
	: > "$demo_dir/out"
}

demo_channel()
{
	echo "A control channel, $talk_count numbers and their answers, while" \
		"xenstored is killed three times:"
	talk_reset
	talk_begin_back
	talk_begin_front
	talk_meet 0 0
	demo_line $? "both ends are up"
	demo_killer 3 > "$demo_dir/out" 2>&1
	demo_line $? "kill -9, three times: it came back"
	talk_finish
	demo_line $? "both ends close"
	cp "$demo_dir/front" "$demo_dir/out"
	grep -qx "all $talk_count, 1 up" "$demo_dir/front" &&
		[ "$(talk_ups back)" -eq 1 ]
	demo_line $? "all $talk_count each way, exactly once, in order; neither end noticed"
}

# Backend, frontend and daemon in turn, always while they talk.
talk_kill_all()
{
	local back front which

	for which in back front daemon back front daemon back front; do
		if [ $which = daemon ]; then
			demo_killer 1 || return 1
			continue
		fi
		back=$(talk_ups back)
		front=$(talk_ups front)
		talk_kill $which
		talk_meet "$back" "$front" || return 1
	done
}

demo_session()
{
	echo "The same with a session, while backend, frontend and xenstored" \
		"are killed in turn:"
	talk_reset
	talk_begin_back kept
	talk_begin_front kept
	talk_meet 0 0
	demo_line $? "both ends are up"
	talk_kill_all > "$demo_dir/out" 2>&1
	demo_line $? "kill -9, eight times: each end met the other again"
	talk_finish
	demo_line $? "both ends close"
	for which in back front; do
		cp "$demo_dir/$which" "$demo_dir/out"
		grep -qx "came $talk_count" "$demo_dir/$which" &&
			! grep -qE '^(wrong|trouble)' "$demo_dir/$which"
		demo_line $? "at the ${which}end $talk_count came, in order, none lost, none twice"
	done
}

demo_channels()
{
	demo_channel
	demo_session
	step "xenstore-rm cleans up" xenstore-rm /local/domain/0/data/channel \
		/local/domain/1/data/channel
}
