# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Sourced: build trees.  A tree that is up to date is left alone.

# tree_build TOP DIR CONFIGURE-OPTIONS...: have everything built in TOP/DIR.
tree_build()
{
	local top=$1 dir=$1/$2 wanted

	shift 2
	wanted="$*"
	if [ ! -f "$top/Makefile.in" ] || [ ! -x "$top/configure" ] ||
	   [ ! -f "$top/build-aux/ltmain.sh" ]; then
		(cd "$top" && autoreconf -fi) || return 1
	fi
	mkdir -p "$dir" || return 1
	if [ ! -f "$dir/Makefile" ] ||
	   [ "$wanted" != "$(cat "$dir/.options" 2> /dev/null)" ]; then
		(cd "$dir" && ../configure -q "$@") || return 1
		echo "$wanted" > "$dir/.options"
	fi
	# Its lines on standard output are many and say nothing.
	make -C "$dir" -j"$(nproc)" --no-print-directory
}
