# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Sourced: the Debian packages that a machine lacks, and getting them.  A
# machine that has them all is not touched, and needs neither root nor network.

packages_list=$(dirname "${BASH_SOURCE[0]}")/packages

# packages_missing GROUP...: the names, one a line.
packages_missing()
{
	local group package

	while read -r group package; do
		case " $* " in
		*" $group "*)
			dpkg-query -W -f '${db:Status-Status}' "$package" \
				2> /dev/null | grep -qx installed ||
				echo "$package" ;;
		esac
	done < <(sed 's/#.*//' "$packages_list")
}

packages_apt()
{
	DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 \
		-o APT::Install-Recommends=false "$@" < /dev/null
}

# apt's own lists may be absent, or too old to fetch by.
packages_install()
{
	local known

	known=$(apt-cache policy "$@" 2> /dev/null |
		grep -c 'Candidate: [0-9]')
	if [ "$known" -eq $# ] && packages_apt install -y "$@"; then
		return 0
	fi
	packages_apt update && packages_apt install -y "$@"
}

# packages_need yes|no LOG GROUP...: have all of these groups.  `no` installs
# nothing.  Says what it does; fails when something is missing afterwards.
packages_need()
{
	local allowed=$1 log=$2 missing

	shift 2
	if ! command -v dpkg-query > /dev/null; then
		echo "  This is not Debian: the packages in" \
			"tools/common/packages are taken as present."
		return 0
	fi
	missing=$(packages_missing "$@" | tr '\n' ' ')
	missing=${missing% }
	[ -n "$missing" ] || return 0
	if [ "$allowed" = no ]; then
		echo "  Missing packages: $missing"
		return 1
	fi
	if [ "$(id -u)" -ne 0 ]; then
		echo "  Missing packages: $missing"
		echo "  As root: apt-get install --no-install-recommends" \
			"$missing"
		return 1
	fi
	echo "  Installing: $missing"
	# shellcheck disable=SC2086 # a list of words
	packages_install $missing > "$log" 2>&1
	missing=$(packages_missing "$@" | tr '\n' ' ')
	[ -n "$missing" ] || return 0
	tail -n 20 "$log" | sed 's/^/    /'
	echo "  Could not install: $missing(the whole story: $log)"
	return 1
}
