#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The suites of tests/run, which limits their time, keeps their output and
# counts: every line 'N passed, N failed' and every summary of automake's
# test driver that a suite prints.  A suite that prints neither has failed;
# exit 77 says that it cannot run here.
#
#   tests/suites.sh NAME	run one in the foreground
#   tests/suites.sh --list	NAME LIMIT-IN-SECONDS WHAT, one a line

set -u
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd) || exit 1
cd "$top" || exit 1
. tools/common/tree.sh

# In this order: what is cheap and tells most comes first.
suites='
arrows		60	include arrows, licences, banned calls, file lengths
scripts		60	shellcheck of the shell, syntax of the Python
build		300	everything with the default options
quick		60	(only when asked for) the unit tests that take no time
check		600	unit tests, quick property and fuzz runs, simxen
instructions	180	what each request costs, by callgrind, to a baseline
werror		300	everything, warnings are errors
cppcheck	300	static analysis
quickstart	120	tools/quickstart
conformance	600	every rule on our daemon, the C and the OCaml one
clients		300	xenstore-*, test-xenstore and pyxs on our daemon
rings		300	every rule of the ring on three daemons, hostile guests
kills		300	500 deaths under load, every step of the journal
channel		900	failures of a channel on three daemons, its mutants, its model
states		300	what cannot be used, what kills, a full disk, other versions
systemd		300	the shipped unit under a real systemd: restarts are non-events
updates		300	live update, 100 under load; change over from and to the C daemon
property	300	random operations against the reference model, long
fuzz		300	each target for a while under the fuzzer of clang
model		600	models of the ring and of the channel, and their mutants
sanitizers	1200	build, unit tests and conformance with ASan and UBSan
distcheck	900	tarball, build from it, install, uninstall
xen		900	a real Xen, real xl, real guests: what takes two minutes
xen-all		3600	(only when asked for) all that there is on a real Xen
'

# one NAME COMMAND...: a command as a test of its own.
one()
{
	local name=$1

	shift
	if "$@"; then
		echo "PASS: $name"
		echo "1 passed, 0 failed"
	else
		echo "FAIL: $name"
		echo "0 passed, 1 failed"
		return 1
	fi
}

# part COMMAND...: one of several in a suite, none of which may be lost: a
# status other than 0 fails the suite, and 77 is told.
bad=0
part()
{
	local status

	"$@"
	status=$?
	case $status in
	0)
		;;
	77)
		echo "left out: $*"
		echo "# SKIP:  1" ;;
	*)
		bad=1 ;;
	esac
}

# programs DIR: what tests are made of, which only make check builds.
programs()
{
	make -C "$1" -j"$(nproc)" --no-print-directory check TESTS= > /dev/null
}

# make_check DIR ARGS...: make check, then the logs of what failed, of which
# the driver's own summary would be counted twice.
make_check()
{
	local dir=$1 status

	shift
	make -C "$dir" -j"$(nproc)" --no-print-directory check "$@"
	status=$?
	[ $status -eq 0 ] || sed '/^# /d' "$dir/test-suite.log"
	return $status
}

suite_arrows()
{
	tests/arrows
}

suite_scripts()
{
	local shell python

	# shellcheck disable=SC2207 # no blanks in our names
	shell=($(git ls-files 2> /dev/null | xargs -r grep -lE \
		'^#!/bin/(ba)?sh|^# shellcheck shell=' --))
	# shellcheck disable=SC2207
	python=($(git ls-files 2> /dev/null | xargs -r grep -lE \
		'^#!.*python3$' --) $(git ls-files '*.py'))
	if [ ${#shell[@]} -eq 0 ]; then
		echo "not a git checkout: no list of scripts"
		exit 77
	fi
	part one shellcheck shellcheck -S warning -x -P SCRIPTDIR "${shell[@]}"
	part one python compile_python "${python[@]}"
}

compile_python()
{
	python3 - "$@" <<-'END'
	import sys
	for name in sys.argv[1:]:
	    compile(open(name).read(), name, "exec")
	END
}

suite_build()
{
	one build tree_build "$top" build
}

suite_check()
{
	tree_build "$top" build > /dev/null || return 1
	make_check build
}

# Not the slow ones: other daemons are started, or seeds run for seconds.
suite_quick()
{
	local all tests=

	tree_build "$top" build > /dev/null || return 1
	all=$(make -s -C build --no-print-directory \
		--eval 'list-tests: ; @echo $(TESTS)' list-tests) || return 1
	for name in $all; do
		case $name in
		tests/unit/*) tests="$tests $name" ;;
		esac
	done
	make_check build TESTS="${tests# }"
}

suite_instructions()
{
	tests/instructions/run
}

suite_werror()
{
	one werror tree_build "$top" build-werror --enable-werror
}

suite_cppcheck()
{
	one cppcheck cppcheck -q -j"$(nproc)" --std=c11 --error-exitcode=1 \
		--enable=warning,portability --inline-suppr \
		--suppress=missingInclude \
		--suppressions-list=tests/cppcheck.suppressions \
		-I . -I lib/include protocol lib xenstored tools
}

suite_quickstart()
{
	one quickstart tools/quickstart --no-install
}

suite_conformance()
{
	tree_build "$top" build > /dev/null || return 1
	part tests/conformance/run
}

suite_clients()
{
	tree_build "$top" build > /dev/null || return 1
	part tests/clients/run
}

suite_rings()
{
	tree_build "$top" build > /dev/null || return 1
	programs build || return 1
	part tests/ring/run
	part one 'hostile guests' tests/fuzz/ring_daemon \
		--daemon build/xenstored/xenstored --seeds 500
}

suite_kills()
{
	tree_build "$top" build > /dev/null || return 1
	tree_build "$top" build-faults --enable-faults > /dev/null || return 1
	programs build && programs build-faults || return 1
	part tests/kill/run
	part tests/kill/run --kills 60 --no-fdstore
	part tests/kill/reader
	part tests/kill/run --die-at all --daemon build-faults/xenstored/xenstored
	part env "SIMXEN_BUILD=$top/build-faults" tests/kill/introduce
	part env "SIMXEN_BUILD=$top/build-faults" tests/kill/notified
}

suite_channel()
{
	tree_build "$top" build > /dev/null || return 1
	programs build || return 1
	cd build || return 1
	part env srcdir=.. ../tests/channel/mutants
	part ../tests/channel/refine
	part ../tests/channel/test_channel.py --daemon stock --daemon ocaml
	part ../tests/channel/test_failures.py --daemon all
}

suite_states()
{
	tree_build "$top" build-faults --enable-faults > /dev/null || return 1
	part env "SIMXEN_BUILD=$top/build-faults" tests/state/run
	part env "SIMXEN_BUILD=$top/build-faults" tests/state/full
	part env "SIMXEN_BUILD=$top/build-faults" tests/state/lack
	part env "SIMXEN_BUILD=$top/build-faults" tests/state/options
}

# 77: it says what is not to be had here.
suite_systemd()
{
	tree_build "$top" build-faults --enable-faults > /dev/null || return 1
	SIMXEN_BUILD=$top/build-faults tests/state/systemd
}

suite_updates()
{
	tree_build "$top" build > /dev/null || return 1
	part tests/update/run
	part tests/update/after-death
	programs build || return 1
	# The load of the kill test, and its proof.
	# shellcheck disable=SC2016 # DAEMON is for that shell
	part tests/kill/run --kills 100 --update \
		'build/tools/xs-probe/xs-probe update --wait 10 --force "$DAEMON"'
}

suite_property()
{
	tree_build "$top" build > /dev/null || return 1
	programs build || return 1
	part one property build/test_property --seconds 30
	part one 'property, out of memory' build/test_property --memory --seconds 20
}

# An input that breaks something stays in build/test-logs/.
suite_fuzz()
{
	local found target

	tree_build "$top" build > /dev/null || return 1
	make -C build --no-print-directory fuzz-clang > /dev/null || return 1
	mkdir -p build/test-logs || return 1
	found=$(mktemp -d "${TMPDIR:-/tmp}/fuzz.XXXXXX") || return 1
	# shellcheck disable=SC2064 # now, not then
	trap "rm -rf '$found'" EXIT
	for target in protocol stream ops channel peer; do
		mkdir "$found/$target" || return 1
		part one "fuzz_$target" "build/fuzz-clang/fuzz_$target" \
			-seed=1 -max_total_time=10 -timeout=20 \
			-artifact_prefix=build/test-logs/ \
			"$found/$target" "tests/fuzz/corpus/$target"
	done
}

suite_model()
{
	part docs/model/run-ring
	part docs/model/run-link
}

suite_sanitizers()
{
	# Some scenarios of the last part measure the daemon's memory: there,
	# what was freed must not wait for reuse.
	local none=quarantine_size_mb=0:thread_local_quarantine_size_kb=0
	local given=${ASAN_OPTIONS:-detect_leaks=1}

	none=$none:allocator_release_to_os_interval_ms=0:malloc_context_size=3
	export ASAN_OPTIONS=$given
	export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
	tree_build "$top" build-san --enable-sanitizers --enable-werror ||
		return 1
	part make_check build-san
	export SIMXEN_BUILD=$top/build-san
	export XENSTORED=$SIMXEN_BUILD/xenstored/xenstored
	part tests/clients/run
	part one 'hostile guests' tests/fuzz/ring_daemon --seeds 3000 \
		--daemon "$XENSTORED"
	export ASAN_OPTIONS=$given:$none
	part tests/conformance/run --daemon ours
	part tests/ring/run --daemon ours
}

suite_distcheck()
{
	tree_build "$top" build > /dev/null || return 1
	part one distcheck make -C build -j"$(nproc)" --no-print-directory \
		distcheck
	[ ! -e .git ] || part one 'all files are in the tarball' dist_complete
}

dist_complete()
{
	local missing

	missing=$(comm -13 \
		<(tar -tf build/proxenos-*.tar.xz | sed 's|^[^/]*/||' | sort) \
		<(git ls-files | grep -v '\.git' | sort))
	[ -z "$missing" ] || echo "$missing"
	[ -z "$missing" ]
}

suite_xen()
{
	tests/xen/run --quick
}

suite_xen-all()
{
	tests/xen/run
}

case ${1-} in
--list)
	sed '/^$/d' <<< "$suites" ;;
'' | -*)
	sed -n '/^#   tests/s/^# *//p' "$0"
	exit 2 ;;
*)
	if [ "$(type -t "suite_$1")" != function ]; then
		echo "no suite '$1'" >&2
		exit 2
	fi
	"suite_$1" || exit
	exit $bad ;;
esac
