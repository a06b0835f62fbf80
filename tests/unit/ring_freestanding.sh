#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The guest's end of a ring builds without an operating system: as one
# relocatable object, -ffreestanding -nostdlib, it needs nothing from outside
# but the memory functions that every compiler may call.
set -u

top=${srcdir:-.}
cc=${CC:-cc}
dir=$(mktemp -d "${TMPDIR:-/tmp}/ring-freestanding.XXXXXX") || exit 99
trap 'rm -rf "$dir"' EXIT

for level in -O0 -Os -O2; do
	# shellcheck disable=SC2086 # CC may hold options
	$cc -std=gnu11 $level -Wall -Wextra -Werror -ffreestanding -nostdlib \
		-fno-stack-protector -I"$top" -I"$top/lib/include" -r \
		-o "$dir/ring.o" "$top/lib/ring_client.c" \
		"$top/lib/ring_message.c" || exit 1
	# The functions are there, so an empty list below means something.
	nm "$dir/ring.o" | grep -q ' T px_ring_recv$' || exit 1
	nm -u "$dir/ring.o" > "$dir/undefined" || exit 1
	if grep -vE '^ *U mem(cpy|set|move)$' "$dir/undefined"; then
		echo "$level: needs more than memcpy, memset, memmove"
		exit 1
	fi
	echo "$level: ok"
done
