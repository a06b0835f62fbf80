# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Sourced: what a boot needs, made once and kept outside the repository.
#
# The packages are fetched and unpacked, never installed: a hypervisor on the
# machine that runs the tests would change how it boots.  Libraries that no
# Xen package brings are this machine's, so both must be the same Debian.
# Nothing under test is in these images: it lies in the share of each boot.

images_version=3	# raise it when anything below changes an image
images_packages='libxencall1 libxendevicemodel1 libxenevtchn1
	libxenforeignmemory1 libxengnttab1 libxenhypfs1 libxenmisc4.17
	libxenstore4 libxentoolcore1 libxentoollog1 libyajl2 xenstore-utils
	xen-hypervisor-4.17-amd64 xen-utils-4.17 xen-utils-common'
# A dom0 with systemd, and what its programs are linked with.
images_systemd='libacl1 libapparmor1 libaudit1 libblkid1 libcap-ng0 libcap2
	libcrypt1 libgcrypt20 libgpg-error0 libip4tc2 libkmod2 liblz4-1
	liblzma5 libmount1 libpam0g libpcre2-8-0 libseccomp2 libselinux1
	libssl3 libsystemd-shared libzstd1 systemd'
images_modules='virtio_pci 9pnet_virtio 9p xen-evtchn xen-gntdev xen-gntalloc
	xen-privcmd xenfs xen-blkback xen-blkfront loop'
images_xenstore='exists list ls read write rm chmod watch'

images_dir()
{
	echo "${XDG_CACHE_HOME:-/var/cache}/proxenos-xen"
}

# images_fetch DIR: DIR/root with every package unpacked.
images_fetch()
{
	local dir=$1 kernel deb

	kernel=$(apt-cache depends linux-image-amd64 |
		sed -n 's/.*Depends: \(linux-image-6\.[^ ]*\).*/\1/p' |
		head -n 1)
	[ -n "$kernel" ] || { echo "no Debian kernel known to apt"; return 1; }
	rm -rf "$dir/debs" "$dir/root"
	mkdir -p "$dir/debs" "$dir/root" || return 1
	# shellcheck disable=SC2086 # a list of words
	(cd "$dir/debs" && timeout 400 apt-get -qq \
		-o APT::Sandbox::User=root -o Acquire::http::Timeout=20 \
		download "$kernel" $images_packages $images_systemd) || return 1
	for deb in "$dir"/debs/*.deb; do
		dpkg -x "$deb" "$dir/root" || return 1
	done
	rm -rf "$dir/debs"
	busybox depmod -b "$dir/root" "$(ls "$dir/root/lib/modules")"
}

# images_number FILE OFFSET BYTES: an unsigned little-endian field.
images_number()
{
	od -An -j "$2" -N "$3" -t "u$3" "$1" | tr -d ' '
}

# images_vmlinux BZIMAGE OUT: the ELF inside.  The boot protocol names where
# the compressed payload starts and ends.
images_vmlinux()
{
	local image=$1 out=$2 sectors start length tool

	sectors=$(images_number "$image" $((0x1f1)) 1)
	start=$(images_number "$image" $((0x248)) 4)
	length=$(images_number "$image" $((0x24c)) 4)
	start=$(((sectors + 1) * 512 + start))
	case $(od -An -j "$start" -N 4 -t x1 "$image" | tr -d ' ') in
	fd377a58) tool='xz --single-stream -dcq' ;;
	28b52ffd) tool='zstd -dcq' ;;
	*) echo "$image: unknown compression"; return 1 ;;
	esac
	# What follows the stream (its length) makes the tool complain.
	tail -c +$((start + 1)) "$image" | head -c "$length" |
		$tool > "$out" 2> /dev/null
	[ "$(od -An -N 4 -t x1 "$out" | tr -d ' ')" = 7f454c46 ]
}

images_search()
{
	local arch=lib/x86_64-linux-gnu

	echo "$1/usr/$arch:$1/$arch:$1/usr/$arch/systemd"
}

# images_libraries ROOT TREE PROGRAM...: into TREE what the programs load.
images_libraries()
{
	local root=$1 tree=$2 lib

	shift 2
	mkdir -p "$tree/lib/x86_64-linux-gnu" "$tree/lib64"
	for lib in $(LD_LIBRARY_PATH=$(images_search "$root") ldd "$@" | sed -n 's/.*\(=> \|^\t\)\(\/[^ ]*\) (.*/\2/p' |
		sort -u); do
		case $lib in
		*/ld-linux*) cp -L "$lib" "$tree/lib64/" ;;
		*) cp -L "$lib" "$tree/lib/x86_64-linux-gnu/" ;;
		esac || return 1
	done
}

# images_tree ROOT TREE MODULE...: what both initramfs have in common.
images_tree()
{
	local root=$1 tree=$2 name module kernel

	shift 2
	kernel=$(ls "$root/lib/modules")
	rm -rf "$tree"
	mkdir -p "$tree"/{bin,sbin,dev,proc,sys,run,tmp,share,etc/xen} \
		"$tree"/usr/{bin,sbin,lib} "$tree"/var/{lib,log,lock} ||
		return 1
	cp /bin/busybox "$tree/bin/" || return 1
	ln -s busybox "$tree/bin/sh"
	ln -s /run "$tree/var/run"
	for name in $images_xenstore; do
		cp "$root/usr/bin/xenstore-$name" "$tree/bin/" || return 1
	done
	tree=$tree/lib/modules/$kernel
	mkdir -p "$tree" || return 1
	cp "$root/lib/modules/$kernel"/modules.{builtin,order} "$tree/"
	for name; do
		grep "/$name\.ko:" "$root/lib/modules/$kernel/modules.dep" |
			tr -d : | tr ' ' '\n'
	done | sort -u | while read -r module; do
		(cd "$root/lib/modules/$kernel" &&
			cp --parents "$module" "$tree/") || return 1
		grep "^$module:" "$root/lib/modules/$kernel/modules.dep" \
			>> "$tree/modules.dep"
	done
}

images_pack()
{
	(cd "$1" && find . | cpio -o -H newc --quiet) > "$2"
}

# images_dom0 DIR TOP: DIR/dom0.cpio
images_dom0()
{
	local dir=$1 top=$2 root=$1/root tree=$1/dom0 xen

	# shellcheck disable=SC2086 # a list of words
	images_tree "$root" "$tree" $images_modules || return 1
	xen=$tree/usr/lib/xen-4.17/bin
	mkdir -p "$xen" "$tree/etc/xen/scripts" || return 1
	cp "$root"/usr/lib/xen-4.17/bin/{xl,xenconsoled,xen-init-dom0} \
		"$root"/usr/lib/xen-4.17/bin/{xenstored,oxenstored} \
		"$root"/usr/lib/xen-4.17/bin/{xenstore-control,test-xenstore} \
		"$root"/usr/lib/xen-4.17/bin/{libxl-save-helper,lsevtchn} \
		"$xen/" || return 1
	cp "$root/etc/xen/oxenstored.conf" "$tree/etc/xen/" || return 1
	cp "$top/tests/xen/block" "$tree/etc/xen/scripts/" || return 1
	cp "$top/tests/xen/dom0-init" "$tree/init" || return 1
	echo 'autoballoon="off"' > "$tree/etc/xen/xl.conf"
	images_libraries "$root" "$tree" "$xen"/* \
		"$tree"/bin/xenstore-read "$top/build/xenstored/xenstored" ||
		return 1
	# Loaded at run time, by pthread_exit.
	cp -L /lib/x86_64-linux-gnu/libgcc_s.so.1 \
		"$tree/lib/x86_64-linux-gnu/" || return 1
	images_pack "$tree" "$dir/dom0.cpio"
}

# images_systemd DIR: DIR/systemd.cpio, dom0's other root.  Its busybox is both
# shell and tools; the units are the distribution's.
images_systemd()
{
	local dir=$1 root=$1/root tree=$1/systemd name

	rm -rf "$tree"
	cp -a "$dir/dom0" "$tree" || return 1
	rm -f "$tree/init" "$tree/var/run"
	# One /usr, as a Debian has it.
	for name in bin sbin lib lib64; do
		mkdir -p "$tree/usr/$name" || return 1
		cp -a "$tree/$name/." "$tree/usr/$name/" || return 1
		rm -rf "${tree:?}/$name"
		ln -s "usr/$name" "$tree/$name"
	done
	ln -s /run "$tree/var/run"
	cp -a "$root"/lib/systemd "$tree/usr/lib/" || return 1
	rm -rf "$tree"/usr/lib/systemd/system-generators/*
	cp "$root"/bin/{systemctl,journalctl} "$tree/usr/bin/" || return 1
	mkdir -p "$tree"/{root,etc/systemd/system,var/log/journal} || return 1
	busybox --list | while read -r name; do
		[ -e "$tree/usr/bin/$name" ] ||
			ln -s busybox "$tree/usr/bin/$name"
	done
	echo root:x:0:0::/root:/bin/sh > "$tree/etc/passwd"
	printf '%s:x:%s:\n' root 0 tty 5 systemd-journal 101 \
		> "$tree/etc/group"
	: > "$tree/etc/fstab"
	echo 0123456789abcdef0123456789abcdef > "$tree/etc/machine-id"
	echo ID=dom0 > "$tree/etc/os-release"
	# Nothing of a device manager or a login is here.
	for name in systemd-udevd systemd-udev-trigger systemd-logind \
		systemd-timesyncd systemd-random-seed systemd-update-utmp \
		systemd-pstore systemd-tmpfiles-setup systemd-sysusers \
		systemd-tmpfiles-setup-dev systemd-modules-load \
		systemd-remount-fs systemd-sysctl systemd-user-sessions \
		systemd-journal-flush systemd-binfmt systemd-ask-password-wall \
		systemd-ask-password-console getty-static; do
		ln -s /dev/null "$tree/etc/systemd/system/$name.service"
	done
	for name in getty.target systemd-ask-password-wall.path; do
		ln -s /dev/null "$tree/etc/systemd/system/$name"
	done
	ln -s /lib/systemd/system/multi-user.target \
		"$tree/etc/systemd/system/default.target"
	images_libraries "$root" "$tree/usr" \
		"$tree"/usr/lib/systemd/systemd{,-journald,-shutdown} \
		"$tree"/usr/bin/{systemctl,journalctl} || return 1
	images_pack "$tree" "$dir/systemd.cpio"
}

# images_guest DIR TOP: DIR/guest.cpio
images_guest()
{
	local dir=$1 top=$2 root=$1/root tree=$1/guest

	images_tree "$root" "$tree" xen-blkfront xen-gntalloc xen-gntdev \
		xen-evtchn || return 1
	cp "$root/usr/lib/xen-4.17/bin/test-xenstore" "$tree/bin/" || return 1
	cp "$top/tests/xen/guest-init" "$tree/init" || return 1
	images_libraries "$root" "$tree" "$tree"/bin/xenstore-read \
		"$tree/bin/test-xenstore" || return 1
	images_pack "$tree" "$dir/guest.cpio"
}

# images_make TOP LOG: all of it, where it is not yet made.  What the images
# are made of decides whether they are: a changed init makes new ones, and so
# does a daemon that is linked with something else.
images_make()
{
	local top=$1 log=$2 dir stamp

	dir=$(images_dir)
	mkdir -p "$dir" || return 1
	stamp=$({
		cat "$top"/tests/xen/{images.sh,machine.py,block} \
			"$top"/tests/xen/{dom0,guest}-init
		ldd "$top/build/xenstored/xenstored" | sed 's/ (0x.*//'
	} | sha256sum)
	[ "$stamp" != "$(cat "$dir/stamp" 2> /dev/null)" ] || return 0
	rm -f "$dir/stamp" "$dir"/state*
	if [ "$images_version" != "$(cat "$dir/fetched" 2> /dev/null)" ]; then
		images_fetch "$dir" > "$log" 2>&1 || return 1
		echo "$images_version" > "$dir/fetched"
	fi
	{
		zcat "$dir"/root/boot/xen-4.17-amd64.gz > "$dir/xen.elf" &&
		images_vmlinux "$dir"/root/boot/vmlinuz-* "$dir/vmlinux" &&
		images_dom0 "$dir" "$top" && images_systemd "$dir" &&
		images_guest "$dir" "$top"
	} >> "$log" 2>&1 || return 1
	echo "$stamp" > "$dir/stamp"
}
