# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash disable=SC2034,SC2154
#
# In dom0: the toolstack's side.  Domains are made by the real xl.

domain_zero()
{
	xen-init-dom0 > /run/init-dom0.log 2>&1 || {
		sed 's/^/XEN-TEST  xen-init-dom0: /' /run/init-dom0.log
		return 1
	}
	xenconsoled --log=guest --log-dir=/var/log/xen/console
}

# As `xl list` says.
domain_memory()
{
	xl list "$1" | awk 'NR == 2 { print $3 }'
}

domain_has_memory()
{
	[ "$(domain_memory "$1")" = "$2" ]
}

# domain_linux NAME JOB [LINE...]: a Linux guest, and configuration lines.
domain_linux()
{
	name=$1 job=$2
	shift 2
	# The kernel is read in parts: from tmpfs, not through the share.  What
	# is under test in the guest follows its image, which never changes.
	[ -f /run/vmlinux ] || {
		cp /share/vmlinux /run/
		(cd /share && find programs | cpio -o -H newc) |
			cat /share/guest.cpio - > /run/guest.cpio
	}
	cat > "/run/$name.cfg" <<-END
	name="$name"
	kernel="/run/vmlinux"
	ramdisk="/run/guest.cpio"
	memory=${memory:-128}
	vcpus=1
	extra="console=hvc0 loglevel=4 panic=1 rdinit=/init mitigations=off JOB=$job"
	on_crash="destroy"
	END
	for line; do
		echo "$line" >> "/run/$name.cfg"
	done
	domain_create "$name"
}

# ring_config JOB: of the guest that drives its ring itself.
ring_config()
{
	cat <<-END
	name="ring"
	kernel="/run/ring-guest"
	extra="$1"
	memory=16
	vcpus=1
	on_crash="destroy"
	on_poweroff="destroy"
	END
}

domain_create()
{
	timeout 120 xl create "/run/$1.cfg" && domain_id "$1" > /dev/null
}

domain_id()
{
	xl domid "$1"
}

# domain_up NAME: its user space has written to the store.
domain_up()
{
	until_true $limit xenstore-exists \
		"/local/domain/$(domain_id "$1")/data/up"
}

domain_data()
{
	xenstore-read "/local/domain/$(domain_id "$1")/data/$2"
}

# domain_beats NAME: its work goes on, by three rounds and without mistake.
domain_beats()
{
	at=/local/domain/$(domain_id "$1")/data
	was=$(xenstore-read "$at/beat") || was=0
	until_true $limit at_least "$at/beat" $((was + 3)) || return 1
	! xenstore-read "$at/wrong" 2> /dev/null
}

# domain_answers NAME WORD: its watch fires, its kernel tells user space.
domain_answers()
{
	at=/local/domain/$(domain_id "$1")/data
	xenstore-write "$at/ask" "$2"
	until_true $limit reads "$at/answer" "$2"
}

# domain_gone ID: for Xen, which keeps a domain until its last page is given
# back; the daemon's mapping is one of them.
domain_gone()
{
	until_true $limit domain_absent "$1"
}

# xl list shows a domain without a name, too, and fails for one that is not.
domain_absent()
{
	! xl list | awk -v id="$1" '$(NF - 4) == id { n++ } END { exit !n }'
}

# The letter of its state in `xl list`, as r-----.
domain_state()
{
	xl list "$1" | awk 'NR == 2 { print $5 }'
}

kernel_device()
{
	[ -e "/sys/bus/xen-backend/devices/vbd-9-$1" ]
}

# kernel_watch NUMBER: dom0's kernel makes a device when its watch of backend/
# fires; its watches were set once, when it first saw a daemon.
kernel_watch()
{
	at=/local/domain/0/backend/vbd/9/$1
	xenstore-write "$at/frontend" "/local/domain/9/device/vbd/$1" \
		"$at/frontend-id" 9 "$at/state" 1 \
		"/local/domain/9/device/vbd/$1/state" 1
	until_true $limit kernel_device "$1"
}

domain_tell()
{
	# A toolstack whose store is gone waits for ever.
	timeout 5 xl list 2>&1 | sed 's/^/XEN-TEST  xl: /'
	for file in /var/log/xen/*.log /var/log/xen/console/*.log; do
		[ -f "$file" ] || continue
		say " $file"
		tail -n 25 "$file" | sed 's/^/XEN-TEST  | /'
	done
	dmesg | tail -n 15 | sed 's/^/XEN-TEST  dmesg: /'
}
