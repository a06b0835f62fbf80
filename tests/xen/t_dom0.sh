# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
# dom0's kernel, the xenstore-* programs and test-xenstore.

kernel_device()
{
	[ "$(ls /sys/bus/xen-backend/devices | wc -l)" -ge "$1" ]
}

# A node that the kernel's backend driver makes out of its own watch.
kernel_watch()
{
	xenstore-write /local/domain/0/backend/vbd/0/51712/frontend \
		/local/domain/0/device/vbd/51712 \
		/local/domain/0/backend/vbd/0/51712/frontend-id 0 \
		/local/domain/0/backend/vbd/0/51712/state 1 \
		/local/domain/0/device/vbd/51712/state 1
	until_true $limit kernel_device 1
}

xenstore_watch()
{
	xenstore-watch -n 2 /tool/watched > /tmp/watched &
	watcher=$!
	until_true $limit test -s /tmp/watched
	xenstore-write /tool/watched yes
	wait $watcher
	[ "$(grep -c /tool/watched /tmp/watched)" = 2 ]
}

check 'through the socket' says Domain-0 \
	xenstore-read /local/domain/0/name
mv /run/xenstored/socket /run/xenstored/socket.away
check "through dom0's kernel" says Domain-0 \
	xenstore-read /local/domain/0/name
check 'test-xenstore through the kernel' test-xenstore
mv /run/xenstored/socket.away /run/xenstored/socket
check 'test-xenstore through the socket' test-xenstore
check 'xenstore-write' xenstore-write /tool/a/b 1
check 'xenstore-list' says b xenstore-list /tool/a
check 'xenstore-chmod' xenstore-chmod /tool/a/b n0 r3
check 'xenstore-ls -fp' says '/tool/a/b = "1"   (n0,r3)' \
	sh -c 'xenstore-ls -fp /tool/a | grep b'
check 'xenstore-rm' xenstore-rm /tool/a
check 'and it is gone' absent /tool/a
check 'xenstore-watch' xenstore_watch
check "dom0's kernel sees a device by its watch" kernel_watch
check 'xl list' sh -c 'xl list | grep -q ^Domain-0'
