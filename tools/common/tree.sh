# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Sourced: build trees.  A tree that is up to date is left alone.

# tree_modules TOP: the libraries that configure looks for, with versions: a
# tree that was configured when one was absent must not stay as it is.
tree_modules()
{
	local module

	sed -n 's/^ *PKG_CHECK_MODULES(\[[A-Z_]*\], *\[\([^]]*\)\].*/\1/p' \
		"$1/configure.ac" | tr ' ' '\n' | grep '^[a-z]' |
	while read -r module; do
		echo "$module=$(pkg-config --modversion "$module" 2>&1 |
			head -n 1)"
	done | tr '\n' ' '
}

# tree_build TOP DIR CONFIGURE-OPTIONS...: have everything built in TOP/DIR.
tree_build()
{
	local top=$1 dir=$1/$2 wanted

	shift 2
	wanted="$* $(tree_modules "$top")"
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
